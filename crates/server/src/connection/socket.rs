//! A connected socket: reading, writing and `sendfile`, each interrupted when the roster gives the client up.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use rustix::net::{SendAncillaryBuffer, SendFlags};

use super::buffers::{Buffers, Input};
use super::departures::{Departing, Farewell};
use super::presence::{Awaits, Interrupt, Phase, Presence, Progress};
use super::receipts::Receipts;
use super::roster::Enrolment;
use super::stream::Stream;
use crate::kernel;

/// A client's socket with its place on the roster.
pub(crate) struct Socket {
    stream: Stream,
    enrolment: Enrolment,
    /// Bytes that the kernel took from us.
    sent: u64,
    /// Bytes that it gave to us.
    received: u64,
}

/// What ended a wait for input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// There is input.
    Input,
    /// It is time to look for acknowledgements.
    Nudge,
}

/// Why a conversation cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The client has said that nothing more comes.
    Finished,
    /// The connection failed.
    Gone,
    /// The roster has given the client up.
    Interrupted(Interrupt),
}

/// Whether more follows at once, so that the kernel waits for it instead of sending a short packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Followed {
    ByMore,
    ByNothing,
}

impl Followed {
    fn flags(self) -> SendFlags {
        match self {
            Followed::ByMore => SendFlags::MORE,
            Followed::ByNothing => SendFlags::empty(),
        }
    }
}

impl Socket {
    /// A connection that was accepted on `socket`, which must not block.
    pub(crate) fn new(socket: OwnedFd, enrolment: Enrolment) -> Socket {
        Socket { stream: Stream::new(socket), enrolment, sent: 0, received: 0 }
    }

    /// The connection's place on the roster.
    pub(crate) fn presence(&self) -> &Rc<Presence> {
        self.enrolment.presence()
    }

    /// Says whether acknowledgements are awaited, which this socket is then nudged to look for.
    pub(crate) fn await_acknowledgements(&self, awaits: Awaits) {
        self.enrolment.await_acknowledgements(awaits);
    }

    /// How many bytes of the stream to the client were written.
    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    /// How many bytes of the stream to the client its system has acknowledged.
    pub(crate) fn acknowledged(&self) -> u64 {
        self.sent.saturating_sub(self.unacknowledged())
    }

    /// Tells those who look on how far the connection is. It is asked to while it waits for its client; before it waits for
    /// anything else, it does so by itself.
    pub(crate) fn tell_progress(&self) {
        let progress = Progress { sent: self.sent, acknowledged: self.acknowledged() };
        self.presence().tell_progress(progress);
    }

    /// Waits for input. The buffer is given back while there is nothing to hold in it.
    pub(crate) async fn receive(&mut self, input: &mut Input, pool: &Buffers) -> Result<Arrival, End> {
        let taken = poll_fn(|context| {
            if self.presence().take_nudge() {
                return Poll::Ready(Ok(None));
            }
            let received = self.poll_receive(context, input, pool);
            if received.is_pending() {
                input.release(pool);
            }
            received.map_ok(Some)
        });
        match taken.await? {
            None => Ok(Arrival::Nudge),
            Some(0) => Err(End::Finished),
            Some(taken) => {
                input.extend(taken);
                Ok(Arrival::Input)
            }
        }
    }

    fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
        input: &mut Input,
        pool: &Buffers,
    ) -> Poll<Result<usize, End>> {
        if let Poll::Ready(end) = self.poll_interrupt(context) {
            return Poll::Ready(Err(end));
        }
        let taken = ready!(self.stream.poll_receive(context, input.room(pool))).map_err(|_| End::Gone)?;
        self.received += taken as u64;
        Poll::Ready(Ok(taken))
    }

    /// Sends all of `bytes`.
    pub(crate) async fn send(&mut self, bytes: &[u8], followed: Followed) -> Result<(), End> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let sent = self.attempt(|socket| rustix::net::send(socket, rest, followed.flags())).await?;
            rest = &rest[sent..];
        }
        Ok(())
    }

    /// Sends all of `first` and of `second`, in one write if the kernel takes both.
    pub(crate) async fn send_both(
        &mut self,
        first: &[u8],
        second: &[u8],
        followed: Followed,
    ) -> Result<(), End> {
        let mut rest = first;
        while !rest.is_empty() {
            let both = [IoSlice::new(rest), IoSlice::new(second)];
            let sent = self
                .attempt(|socket| {
                    rustix::net::sendmsg(socket, &both, &mut SendAncillaryBuffer::default(), followed.flags())
                })
                .await?;
            match rest.get(sent..) {
                Some(left) => rest = left,
                None => return self.send(&second[sent - rest.len()..], followed).await,
            }
        }
        self.send(second, followed).await
    }

    /// Sends what the kernel still holds back because more was announced.
    pub(crate) fn push(&self) {
        // A failed socket tells with its next write.
        let _ = self.stream.push();
    }

    /// Sends what the kernel takes of `bytes` without waiting, and forgets the rest.
    pub(crate) fn send_at_once(&mut self, bytes: &[u8]) {
        // Nothing depends on it: the connection is about to be closed.
        let _ = self.stream.try_write(|socket| rustix::net::send(socket, bytes, SendFlags::empty()));
    }

    /// Sends up to `count` bytes of `file` from `offset`, and advances it; 0 means that the file ends there.
    pub(crate) async fn send_file(
        &mut self,
        file: &OwnedFd,
        offset: &mut u64,
        count: usize,
    ) -> Result<usize, End> {
        self.attempt(|socket| rustix::fs::sendfile(socket, file, Some(offset), count)).await
    }

    /// Tries to write until the kernel takes something.
    async fn attempt(
        &mut self,
        mut write: impl FnMut(BorrowedFd<'_>) -> rustix::io::Result<usize>,
    ) -> Result<usize, End> {
        loop {
            match self.stream.try_write(&mut write) {
                Ok(sent) => {
                    self.sent += sent as u64;
                    self.enrolment.meter().sent(sent as u64);
                    return Ok(sent);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.writable().await?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(End::Gone),
            }
        }
    }

    async fn writable(&mut self) -> Result<(), End> {
        if self.presence().phase() != Phase::Transfer {
            let arrived = self.arrived();
            self.presence().begin_transfer(Phase::Transfer, arrived);
        }
        poll_fn(|context| {
            if let Poll::Ready(end) = self.poll_interrupt(context) {
                return Poll::Ready(Err(end));
            }
            self.stream.poll_writable(context).map_err(|_| End::Gone)
        })
        .await
    }

    /// Begins to receive a request's content.
    pub(crate) fn begin_content(&self) {
        self.presence().begin_transfer(Phase::Transfer, self.arrived());
    }

    /// Says that nothing more comes, and lets go of the connection, which is closed when its client has everything.
    ///
    /// Fails where the connection has failed.
    pub(crate) fn depart(self, mut receipts: Receipts, farewell: Farewell) -> io::Result<Departing> {
        if let Err(error) = self.stream.finish() {
            receipts.settle(self.sent, self.acknowledged());
            return Err(error);
        }
        // What has arrived is looked for a moment later, when it is all there of nearly every client.
        let arrived = receipts.acknowledged();
        receipts.settle(self.sent, arrived);
        let Socket { stream, enrolment, sent, .. } = self;
        let stream = stream.into_socket()?;
        enrolment.await_acknowledgements(Awaits::None);
        enrolment.presence().begin_closing(arrived);
        Ok(Departing { stream, enrolment, sent, receipts, farewell })
    }

    fn poll_interrupt(&self, context: &Context<'_>) -> Poll<End> {
        if self.presence().is_asked() {
            self.tell_progress();
        }
        let arrived = || self.arrived();
        self.presence().poll_interrupt(self.enrolment.limits(), context, arrived).map(End::Interrupted)
    }

    /// Bytes that have arrived, in either direction.
    fn arrived(&self) -> u64 {
        self.received + self.acknowledged()
    }

    /// Bytes that wait in the kernel for the client's acknowledgement.
    fn unacknowledged(&self) -> u64 {
        // Of a socket that cannot tell, nothing is known to have arrived.
        self.stream
            .socket()
            .ok()
            .and_then(|socket| kernel::unacknowledged_bytes(socket).ok())
            .unwrap_or(self.sent)
    }
}
