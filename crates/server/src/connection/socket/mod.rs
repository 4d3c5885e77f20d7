//! A connected socket: reading, writing and `sendfile`, each interrupted when the roster gives the client up.
//!
//! What is said on it goes out and comes in as it is, or through TLS. Positions in a conversation are those of what is said;
//! how they lie in the stream of records is `positions`' to know.

mod sealed;

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use rustix::net::{SendAncillaryBuffer, SendFlags};

pub(crate) use self::sealed::Failure;
use crate::connection::buffers::{Buffers, Input};
use crate::connection::departures::{Departing, Farewell, Undelivered};
use crate::connection::presence::{Awaits, Interrupt, Phase, Presence, Progress, Underway};
use crate::connection::roster::Enrolment;
use crate::connection::session::{MAX_RECORD_OVERHEAD, Session};
use crate::connection::stream::Stream;
use crate::kernel;

/// A client's socket with its place on the roster.
pub(crate) struct Socket {
    stream: Stream,
    enrolment: Enrolment,
    channel: Channel,
    /// Bytes that the kernel took from us.
    sent: u64,
    /// Bytes of requests' content that have come.
    received_content: u64,
    /// Bytes of what is said to the client that are no answer, and that it could ask for at no cost.
    small_talk: u64,
}

/// What lies between a conversation and the stream that carries it.
enum Channel {
    /// Nothing.
    Plain,
    Tls(Box<Session>),
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
    /// The client's stream has ended, and nobody has said so where that is due (RFC 8446 §6.1): what it still meant to say is not
    /// known.
    Cut,
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
        Socket {
            stream: Stream::new(socket),
            enrolment,
            channel: Channel::Plain,
            sent: 0,
            received_content: 0,
            small_talk: 0,
        }
    }

    /// The connection's place on the roster.
    pub(crate) fn presence(&self) -> &Rc<Presence> {
        self.enrolment.presence()
    }

    /// Says whether acknowledgements are awaited, which this socket is then nudged to look for.
    pub(crate) fn await_acknowledgements(&self, awaits: Awaits) {
        self.enrolment.await_acknowledgements(awaits);
    }

    /// Where the next byte will stand in what is said to the client.
    pub(crate) fn position(&self) -> u64 {
        match &self.channel {
            Channel::Plain => self.sent,
            Channel::Tls(session) => session.positions().end(),
        }
    }

    /// How many bytes of what is said to the client were written.
    pub(crate) fn sent(&self) -> u64 {
        self.conversation_at(self.sent)
    }

    /// How many bytes of what is said to the client its system has acknowledged.
    pub(crate) fn acknowledged(&self) -> u64 {
        self.conversation_at(self.stream_acknowledged())
    }

    /// Whether records carry the conversation, so that nothing can be sent but from memory.
    pub(crate) fn is_sealed(&self) -> bool {
        matches!(self.channel, Channel::Tls(_))
    }

    fn conversation_at(&self, stream: u64) -> u64 {
        match &self.channel {
            Channel::Plain => stream,
            Channel::Tls(session) => session.positions().conversation_at(stream),
        }
    }

    /// How far what is said to the client is.
    pub(crate) fn progress(&self) -> Progress {
        Progress { sent: self.sent(), acknowledged: self.acknowledged() }
    }

    /// Tells those who look on how far the connection is. It is asked to while it waits for its client; before it waits for
    /// anything else, it does so by itself.
    pub(crate) fn tell_progress(&self) {
        self.presence().tell_progress(self.progress());
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

    /// Ready with how many bytes were put into the input's room, which are to be added to it; 0 means that the client has
    /// said that nothing more comes.
    pub(super) fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
        input: &mut Input,
        pool: &Buffers,
    ) -> Poll<Result<usize, End>> {
        if let Poll::Ready(end) = self.poll_interrupt(context) {
            return Poll::Ready(Err(end));
        }
        match &self.channel {
            Channel::Plain => self.stream.poll_receive(context, input.room(pool)).map_err(|_| End::Gone),
            Channel::Tls(_) => self.poll_open(context, input, pool),
        }
    }

    /// Sends all of `bytes`.
    pub(crate) async fn send(&mut self, bytes: &[u8], followed: Followed) -> Result<(), End> {
        if self.is_sealed() {
            return self.send_sealed(bytes, &[], followed).await;
        }
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
        if self.is_sealed() {
            return self.send_sealed(first, second, followed).await;
        }
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

    /// Takes some of `bytes` to be sent; returns how many. What is taken need not be sent before [`Socket::try_flush`] succeeds.
    ///
    /// Fails with `WouldBlock` if the kernel takes nothing now, which [`Socket::poll_again`] waits for.
    pub(super) fn try_send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_sealed() {
            // Records are made when those before them are gone, so that a batch at most is held.
            self.try_flush()?;
            return self.seal(bytes, &[]).map_err(|_| io::ErrorKind::ConnectionReset.into());
        }
        let sent = self.stream.try_write(|socket| rustix::net::send(socket, bytes, SendFlags::empty()))?;
        Ok(self.note_sent(sent))
    }

    /// Sends everything that was taken.
    ///
    /// Fails as [`Socket::try_send`] does.
    pub(super) fn try_flush(&mut self) -> io::Result<()> {
        while self.try_send_records(Followed::ByNothing)? > 0 {}
        Ok(())
    }

    /// Ready when a write that failed may be tried again.
    pub(super) fn poll_again(
        &mut self,
        context: &mut Context<'_>,
        error: &io::Error,
    ) -> Poll<Result<(), End>> {
        match error.kind() {
            io::ErrorKind::Interrupted => Poll::Ready(Ok(())),
            io::ErrorKind::WouldBlock => {
                if let Poll::Ready(end) = self.poll_interrupt(context) {
                    return Poll::Ready(Err(end));
                }
                self.stream.poll_writable(context).map_err(|_| End::Gone)
            }
            _ => Poll::Ready(Err(End::Gone)),
        }
    }

    /// Sends what is still held back because more was announced.
    pub(crate) async fn push(&mut self) -> Result<(), End> {
        if self.is_sealed() {
            return self.send_records(Followed::ByNothing).await;
        }
        // A failed socket tells with its next write.
        let _ = self.stream.push();
        Ok(())
    }

    /// Sends what the kernel takes of `bytes` without waiting, and forgets the rest.
    pub(crate) fn send_at_once(&mut self, bytes: &[u8]) {
        if self.is_sealed() {
            // A session that cannot seal has nothing to send either.
            let _ = self.seal(bytes, &[]);
            self.send_records_at_once();
            return;
        }
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
                Ok(sent) => return Ok(self.note_sent(sent)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.writable().await?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(End::Gone),
            }
        }
    }

    fn note_sent(&mut self, sent: usize) -> usize {
        self.sent += sent as u64;
        self.enrolment.meter().sent(sent as u64);
        sent
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

    /// Ready when the connection has failed or the client is given up, while it is waited for something else.
    pub(crate) async fn failure(&mut self) -> End {
        let (presence, limits) = (Rc::clone(self.presence()), *self.enrolment.limits());
        let mut failure = pin!(self.stream.failure());
        poll_fn(|context| match failure.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(End::Gone),
            // Only a transfer is judged by what has arrived.
            Poll::Pending => presence.poll_interrupt(&limits, context, || 0).map(End::Interrupted),
        })
        .await
    }

    /// Begins to receive a request's content.
    pub(crate) fn begin_content(&self) {
        self.presence().begin_transfer(Phase::Transfer, self.arrived());
    }

    /// Notes that so many bytes of a request's content have come.
    pub(crate) fn note_content(&mut self, length: usize) {
        self.received_content += length as u64;
    }

    /// Notes that so many bytes are said that are no answer.
    pub(crate) fn note_small_talk(&mut self, length: usize) {
        let overhead = if self.is_sealed() { MAX_RECORD_OVERHEAD } else { 0 };
        self.small_talk += (length + overhead) as u64;
    }

    /// Says that nothing more comes, and lets go of the connection, which is closed when its client has everything.
    ///
    /// Fails where the connection has failed.
    pub(crate) fn depart(self, mut undelivered: Undelivered, farewell: Farewell) -> io::Result<Departing> {
        if let Err(error) = self.stream.finish() {
            undelivered.settle(self.progress());
            return Err(error);
        }
        // What has arrived is looked for a moment later, when it is all there of nearly every client.
        let arrived = undelivered.acknowledged();
        undelivered.settle(Progress { sent: self.sent(), acknowledged: arrived });
        let Socket { stream, enrolment, channel, sent, .. } = self;
        let stream = stream.into_socket()?;
        enrolment.await_acknowledgements(Awaits::None);
        // Under TLS somewhat more of the stream has arrived, which is to the client's favour for once.
        enrolment.presence().begin_closing(arrived);
        let positions = match channel {
            Channel::Plain => None,
            Channel::Tls(session) => Some(Box::new(session.into_positions())),
        };
        Ok(Departing { stream, enrolment, sent, positions, undelivered, farewell })
    }

    /// Sees to it that nothing more is sent once this is dropped: the kernel goes on delivering what it holds for a socket that is
    /// closed, and what is reported as cut would be whole after all.
    pub(crate) fn break_off(&self) {
        if self.unacknowledged() > 0 {
            self.stream.break_off();
        }
    }

    /// Ready when the client is given up; meanwhile those who look on are told how far the connection is.
    pub(super) fn poll_interrupt(&self, context: &Context<'_>) -> Poll<End> {
        if self.presence().is_asked() {
            self.tell_progress();
        }
        let arrived = || self.arrived();
        self.presence().poll_interrupt(self.enrolment.limits(), context, arrived).map(End::Interrupted)
    }

    /// Bytes of content and of answers that have arrived, in either direction: what a client's rate is judged by, as they lie
    /// in the stream.
    pub(super) fn arrived(&self) -> u64 {
        (self.received_content + self.stream_acknowledged()).saturating_sub(self.small_talk)
    }

    /// Bytes of the stream that the client's system has acknowledged.
    fn stream_acknowledged(&self) -> u64 {
        self.sent.saturating_sub(self.unacknowledged())
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
