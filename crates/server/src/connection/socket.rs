//! A connected socket: reading, writing and `sendfile`, each interrupted when the roster gives the client up.

use std::future::poll_fn;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rustix::net::SendFlags;
use tokio::io::{AsyncRead, Interest, ReadBuf};
use tokio::net::TcpStream;

use super::buffers::{Buffers, Input};
use super::roster::{Enrolment, Interrupt, Phase, Presence};
use crate::kernel;

/// How long a client that has received everything may take to notice that its connection is being closed, and how
/// many bytes it may still send meanwhile: enough for what was under way, too little to be of use to an attacker.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: u64 = 1024 * 1024;

/// A client's socket with its place on the roster.
pub(crate) struct Socket {
    stream: TcpStream,
    enrolment: Enrolment,
    /// Bytes that the kernel took from us or gave to us.
    moved: u64,
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

/// How a connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Farewell {
    /// As soon as the client's system has everything.
    AtOnce,
    /// A moment later: the client may still be sending, and should see the answer before a reset.
    Linger,
}

/// The client's direction of a connection that is being closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Peer {
    Open,
    Closed,
}

impl Socket {
    pub(crate) fn new(stream: TcpStream, enrolment: Enrolment) -> Socket {
        Socket { stream, enrolment, moved: 0 }
    }

    /// The connection's place on the roster.
    pub(crate) fn presence(&self) -> &Presence {
        self.enrolment.presence()
    }

    /// Waits for input. The buffer is given back while there is nothing to hold in it.
    pub(crate) async fn receive(&mut self, input: &mut Input, pool: &Buffers) -> Result<(), End> {
        let taken = poll_fn(|context| {
            let received = self.poll_receive(context, input, pool);
            if received.is_pending() {
                input.release(pool);
            }
            received
        })
        .await?;
        self.moved += taken as u64;
        input.extend(taken);
        if taken == 0 { Err(End::Finished) } else { Ok(()) }
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
        let mut room = ReadBuf::new(input.room(pool));
        let outcome = ready!(Pin::new(&mut self.stream).poll_read(context, &mut room));
        Poll::Ready(outcome.map(|()| room.filled().len()).map_err(|_| End::Gone))
    }

    /// Sends all of `bytes`.
    pub(crate) async fn send(&mut self, bytes: &[u8], followed: Followed) -> Result<(), End> {
        let flags = match followed {
            Followed::ByMore => SendFlags::MORE,
            Followed::ByNothing => SendFlags::empty(),
        };
        let mut rest = bytes;
        while !rest.is_empty() {
            let sent = self.attempt(|stream| rustix::net::send(stream, rest, flags)).await?;
            rest = &rest[sent..];
        }
        Ok(())
    }

    /// Sends what the kernel still holds back because more was announced.
    pub(crate) fn push(&self) {
        // Setting the option flushes, also when it was set before (tcp(7)); a failed socket tells with its next write.
        let _ = self.stream.set_nodelay(true);
    }

    /// Sends what the kernel takes of `bytes` without waiting, and forgets the rest.
    pub(crate) fn send_at_once(&self, bytes: &[u8]) {
        // Nothing depends on it: the connection is about to be closed.
        let _ = self.stream.try_write(bytes);
    }

    /// Sends up to `count` bytes of `file` from `offset`, and advances it; 0 means that the file ends there.
    pub(crate) async fn send_file(
        &mut self,
        file: &OwnedFd,
        offset: &mut u64,
        count: usize,
    ) -> Result<usize, End> {
        self.attempt(|stream| rustix::fs::sendfile(stream, file, Some(offset), count)).await
    }

    /// Tries to write until the kernel takes something.
    async fn attempt(
        &mut self,
        mut write: impl FnMut(&TcpStream) -> rustix::io::Result<usize>,
    ) -> Result<usize, End> {
        loop {
            match self.stream.try_io(Interest::WRITABLE, || write(&self.stream).map_err(io::Error::from)) {
                Ok(sent) => {
                    self.moved += sent as u64;
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
            self.stream.poll_write_ready(context).map_err(|_| End::Gone)
        })
        .await
    }

    /// Sends what the kernel still holds back, and says that nothing more comes.
    fn finish(&self) {
        // It fails only where the connection has failed, which ends it as well.
        let _ = rustix::net::shutdown(&self.stream, rustix::net::Shutdown::Write);
    }

    /// Begins to receive a request's content.
    pub(crate) fn begin_content(&self) {
        self.presence().begin_transfer(Phase::Transfer, self.arrived());
    }

    /// Says that nothing more comes, and closes once the client's system has everything.
    ///
    /// What is unread when a socket is closed, or comes later, makes the kernel reset the connection, which destroys
    /// what is still under way to the client (RFC 9112 §9.6). So what comes is read until then, and a little longer where
    /// the client is known to be sending.
    pub(crate) async fn depart(mut self, pool: &Buffers, farewell: Farewell) {
        self.finish();
        self.presence().begin_transfer(Phase::Closing, self.arrived());
        let mut left = LINGER_BYTES;
        let mut peer = Peer::Open;
        poll_fn(|context| self.poll_departure(context, pool, farewell, &mut peer, &mut left)).await;
    }

    fn poll_departure(
        &mut self,
        context: &mut Context<'_>,
        pool: &Buffers,
        farewell: Farewell,
        peer: &mut Peer,
        left: &mut u64,
    ) -> Poll<()> {
        let mut input = Input::default();
        while *peer == Peer::Open {
            let received = self.poll_receive(context, &mut input, pool);
            input.release(pool);
            match received {
                Poll::Ready(Ok(0)) => *peer = Peer::Closed,
                Poll::Ready(Ok(taken)) if taken as u64 <= *left => *left -= taken as u64,
                Poll::Ready(Ok(_) | Err(_)) => return Poll::Ready(()),
                Poll::Pending => break,
            }
        }
        if self.poll_interrupt(context).is_ready() {
            return Poll::Ready(());
        }
        // What was written a moment ago cannot have been acknowledged: the first look comes with the client's close, or
        // with the next sweep.
        if *peer == Peer::Open && self.presence().waited().is_zero() {
            return Poll::Pending;
        }
        let may_close = match (*peer, farewell) {
            (Peer::Closed, _) | (Peer::Open, Farewell::AtOnce) => true,
            (Peer::Open, Farewell::Linger) => self.presence().waited() >= LINGER,
        };
        if may_close && self.unacknowledged() == 0 { Poll::Ready(()) } else { Poll::Pending }
    }

    fn poll_interrupt(&self, context: &Context<'_>) -> Poll<End> {
        let arrived = || self.arrived();
        self.presence().poll_interrupt(self.enrolment.limits(), context, arrived).map(End::Interrupted)
    }

    /// Bytes moved that are not waiting in the kernel for the client's acknowledgement.
    fn arrived(&self) -> u64 {
        self.moved.saturating_sub(self.unacknowledged())
    }

    /// Bytes that wait in the kernel for the client's acknowledgement.
    fn unacknowledged(&self) -> u64 {
        // A socket that cannot tell has failed, and the next call will say so.
        kernel::unacknowledged_bytes(self.stream.as_fd()).unwrap_or(0)
    }
}
