//! Connections on which everything was said, until their clients have everything.
//!
//! What is unread when a socket is closed, or comes later, makes the kernel reset the connection, which destroys what is
//! still under way to the client (RFC 9112 §9.6); and what a client has received can only be asked for while the socket
//! is open. Acknowledgements wake nobody, so one look a few milliseconds later at all such sockets takes the place of a
//! task and a wake-up for each.

use std::cell::RefCell;
use std::io::{self, Read};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Notify;

use super::h2::Deliveries;
use super::positions::Positions;
use super::presence::{Presence, Progress};
use super::receipts::Receipts;
use super::roster::Enrolment;
use super::stream::break_off;
use crate::kernel;

/// How long after one look the next comes: nearly every client has everything by the first.
const PAUSE: Duration = Duration::from_millis(10);

/// How long a client that has received everything may take to notice that its connection is being closed, and how
/// many bytes it may still send meanwhile: enough for what was under way, too little to be of use to an attacker.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 1024 * 1024;

/// How a connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Farewell {
    /// As soon as the client's system has everything.
    AtOnce,
    /// A moment later: the client may still be sending, and should see the answer before a reset.
    Linger,
}

/// A connection that is being closed; dropping it closes it, and reports what has not arrived as aborted: then it is broken off.
pub(crate) struct Departing {
    /// Shut down for writing, and not blocking.
    pub(crate) stream: TcpStream,
    /// Its place on the roster, in the phase of closing.
    pub(crate) enrolment: Enrolment,
    /// How much of the stream to the client was written.
    pub(crate) sent: u64,
    /// How a conversation in TLS lies in it.
    pub(crate) positions: Option<Box<Positions>>,
    /// What is on its way.
    pub(crate) undelivered: Undelivered,
    /// How to close.
    pub(crate) farewell: Farewell,
}

/// Answers that are on their way on a connection on which nothing more is said. Dropping them reports what has not arrived.
pub(crate) enum Undelivered {
    /// One behind another.
    InOrder(Receipts),
    /// Each on its stream.
    OnStreams(Deliveries),
}

impl Undelivered {
    /// How much of the conversation was known to have arrived when it was last settled.
    pub(super) fn acknowledged(&self) -> u64 {
        match self {
            Undelivered::InOrder(receipts) => receipts.acknowledged(),
            Undelivered::OnStreams(deliveries) => deliveries.acknowledged(),
        }
    }

    /// Says how much of the conversation was written, and how much of it is known to have arrived.
    pub(super) fn settle(&mut self, progress: Progress) {
        match self {
            Undelivered::InOrder(receipts) => receipts.settle(progress),
            // They know what was written.
            Undelivered::OnStreams(deliveries) => deliveries.settle(progress.acknowledged),
        }
    }

    fn announce(&mut self, presence: &Rc<Presence>) {
        match self {
            Undelivered::InOrder(receipts) => receipts.announce(presence),
            Undelivered::OnStreams(deliveries) => deliveries.announce_all(),
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Undelivered::InOrder(receipts) => receipts.is_empty(),
            Undelivered::OnStreams(deliveries) => deliveries.are_done(),
        }
    }
}

impl Departing {
    /// Bytes of the stream that wait in the kernel for the client's acknowledgement.
    fn unacknowledged(&self) -> u64 {
        // Of a socket that cannot tell, nothing is known to have arrived. The end of the stream counts as one byte until
        // it is acknowledged (RFC 9293 §3.4).
        kernel::unacknowledged_bytes(&self.stream).unwrap_or(self.sent).saturating_sub(1)
    }
}

impl Drop for Departing {
    fn drop(&mut self) {
        if !self.undelivered.is_empty() && self.unacknowledged() > 0 {
            break_off(self.stream.as_fd());
        }
    }
}

/// A worker's connections that are being closed.
#[derive(Default)]
pub(crate) struct Departures {
    waiting: RefCell<Vec<Watched>>,
    arrival: Notify,
}

struct Watched {
    departing: Departing,
    /// How many bytes the client may still send.
    left: usize,
    client: Client,
}

/// The client's direction of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Client {
    Open,
    Closed,
}

/// What a look has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Finding {
    /// The client may still receive something.
    Waiting,
    /// The connection can be closed.
    Over,
}

impl Departures {
    /// Takes over a connection that was shut down for writing.
    pub(crate) fn see_off(&self, departing: Departing) {
        let mut waiting = self.waiting.borrow_mut();
        if waiting.is_empty() {
            self.arrival.notify_one();
        }
        waiting.push(Watched { departing, left: LINGER_BYTES, client: Client::Open });
    }

    /// Looks after the connections for as long as it is polled; tells `departed` whenever some were closed.
    pub(crate) async fn watch(&self, departed: &Notify) {
        loop {
            while self.waiting.borrow().is_empty() {
                self.arrival.notified().await;
            }
            tokio::time::sleep(PAUSE).await;
            let before = self.waiting.borrow().len();
            self.waiting.borrow_mut().retain_mut(|watched| watched.look() == Finding::Waiting);
            if self.waiting.borrow().len() < before {
                departed.notify_waiters();
            }
        }
    }
}

impl Watched {
    fn look(&mut self) -> Finding {
        let unacknowledged = self.departing.unacknowledged();
        let Departing { enrolment, undelivered, sent, positions, farewell, .. } = &mut self.departing;
        let arrived = sent.saturating_sub(unacknowledged);
        let said = |stream| positions.as_ref().map_or(stream, |positions| positions.conversation_at(stream));
        let progress = Progress { sent: said(*sent), acknowledged: said(arrived) };
        undelivered.settle(progress);
        enrolment.presence().tell_progress(progress);
        if enrolment.presence().interrupt(enrolment.limits(), || arrived).is_some() {
            return Finding::Over;
        }
        if unacknowledged == 0 && *farewell == Farewell::AtOnce {
            return Finding::Over;
        }
        undelivered.announce(enrolment.presence());
        if self.discard_input().is_err() || self.has_failed() {
            return Finding::Over;
        }
        let has_noticed =
            self.client == Client::Closed || self.departing.enrolment.presence().waited() >= LINGER;
        if unacknowledged == 0 && has_noticed { Finding::Over } else { Finding::Waiting }
    }

    /// Whether the connection has failed. A reset behind the end of the client's stream shows here and nowhere else:
    /// reading finds that end again.
    fn has_failed(&self) -> bool {
        !matches!(self.departing.stream.take_error(), Ok(None))
    }

    /// Reads what the client still sends and throws it away. Fails where the connection has failed, or the client goes on
    /// sending.
    fn discard_input(&mut self) -> io::Result<()> {
        let mut scratch = [0; 4096];
        while self.client == Client::Open {
            match self.departing.stream.read(&mut scratch) {
                Ok(0) => self.client = Client::Closed,
                Ok(taken) => self.left = self.left.checked_sub(taken).ok_or(io::ErrorKind::FileTooLarge)?,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
