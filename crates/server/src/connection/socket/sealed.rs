//! A socket through TLS: what is said on it goes out and comes in as records (RFC 8446).

use std::future::poll_fn;
use std::io::{self, Read};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustls::ServerConfig;

use super::{Channel, End, Followed, Socket};
use crate::connection::buffers::{Buffers, Input};
use crate::connection::session::Session;
use crate::connection::stream::Stream;

/// Why a handshake came to nothing.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The connection ended first.
    End(End),
    /// It cannot be completed; the client was told why.
    Refused(rustls::Error),
}

impl Socket {
    /// Begins a session with the client, whose first bytes are `begun`; they are not needed any more then.
    pub(crate) fn begin_handshake(
        &mut self,
        config: Arc<ServerConfig>,
        mut begun: &[u8],
    ) -> Result<(), Failure> {
        let mut session = Session::new(config).map_err(Failure::Refused)?;
        let mut worked = Ok(());
        while !begun.is_empty() && worked.is_ok() {
            // A message that does not fit is refused like any that cannot be understood.
            let fed = session.feed(&mut begun).map_err(|_| rustls::Error::PeerSentOversizedRecord);
            worked = fed.and_then(|_| session.work(self.sent));
        }
        self.channel = Channel::Tls(Box::new(session));
        worked.map_err(|error| self.refuse_handshake(error))
    }

    /// Completes what was begun. What is sent at its end is held back until there is an answer to go with it, or the client
    /// is waited for.
    pub(crate) async fn complete_handshake(&mut self) -> Result<(), Failure> {
        loop {
            let Channel::Tls(session) = &self.channel else { return Ok(()) };
            if !session.is_handshaking() {
                return Ok(());
            }
            self.send_records(Followed::ByNothing).await.map_err(Failure::End)?;
            if let Err(error) = poll_fn(|context| self.poll_handshake(context)).await? {
                return Err(self.refuse_handshake(error));
            }
        }
    }

    /// What the handshake has agreed to speak, if the client has offered anything (RFC 7301).
    pub(crate) fn protocol(&self) -> Option<&[u8]> {
        match &self.channel {
            Channel::Plain => None,
            Channel::Tls(session) => session.protocol(),
        }
    }

    /// Whether the handshake has resumed an earlier session.
    pub(crate) fn is_resumed(&self) -> bool {
        match &self.channel {
            Channel::Plain => false,
            Channel::Tls(session) => session.is_resumed(),
        }
    }

    /// Says that nothing more comes, where that is said within the conversation's protection.
    pub(crate) async fn say_end(&mut self) -> Result<(), End> {
        if let Channel::Tls(session) = &mut self.channel {
            session.finish();
        }
        // The end of the connection travels in the same packet.
        self.send_records(Followed::ByMore).await
    }

    /// Makes records of up to a batch of `first` and what follows it, to be sent later; returns how many bytes that is.
    pub(crate) fn seal(&mut self, first: &[u8], second: &[u8]) -> Result<usize, End> {
        let acknowledged = match &self.channel {
            Channel::Tls(session) if session.positions().are_many() => Some(self.stream_acknowledged()),
            Channel::Plain | Channel::Tls(_) => None,
        };
        let Channel::Tls(session) = &mut self.channel else { return Ok(0) };
        if let Some(acknowledged) = acknowledged {
            session.positions_mut().forget(acknowledged);
        }
        session.seal(first, second, self.sent).map_err(|_| End::Gone)
    }

    /// Sends what was sealed.
    pub(crate) async fn send_records(&mut self, followed: Followed) -> Result<(), End> {
        loop {
            match self.try_send_records(followed) {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.writable().await?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(End::Gone),
            }
        }
    }

    /// Tries to send what was sealed; 0 means that there is nothing left.
    pub(super) fn try_send_records(&mut self, followed: Followed) -> io::Result<usize> {
        let Channel::Tls(session) = &mut self.channel else { return Ok(0) };
        if !session.has_records() {
            return Ok(0);
        }
        let sent = self.stream.try_write(|socket| session.send_records(socket, followed.flags()))?;
        Ok(self.note_sent(sent))
    }

    /// Sends what the kernel takes of the records without waiting.
    pub(super) fn send_records_at_once(&mut self) {
        // What it does not take now, goes with the next records or is of no use.
        let _ = self.try_send_records(Followed::ByNothing);
    }

    /// Sends the records that were held back, because the client that is waited for may be waiting for them. Ready only
    /// when the connection is broken.
    fn poll_held_back(&mut self, context: &mut Context<'_>) -> Poll<End> {
        loop {
            match self.try_send_records(Followed::ByNothing) {
                Ok(0) => return Poll::Pending,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Also when the runtime has just begun to watch the stream, and does not know yet that it takes something.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if ready!(self.stream.poll_writable(context)).is_err() {
                        return Poll::Ready(End::Gone);
                    }
                }
                Err(_) => return Poll::Ready(End::Gone),
            }
        }
    }

    pub(super) async fn send_sealed(
        &mut self,
        first: &[u8],
        second: &[u8],
        followed: Followed,
    ) -> Result<(), End> {
        let (mut first, mut second) = (first, second);
        while !first.is_empty() || !second.is_empty() {
            let sealed = self.seal(first, second)?;
            let of_first = sealed.min(first.len());
            (first, second) = (&first[of_first..], &second[sealed - of_first..]);
            // What is followed goes with what follows.
            if followed == Followed::ByNothing || !first.is_empty() || !second.is_empty() {
                self.send_records(followed).await?;
            }
        }
        Ok(())
    }

    /// Takes in what has come, and works on it.
    fn poll_handshake(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Result<(), rustls::Error>, Failure>> {
        if let Poll::Ready(end) = self.poll_interrupt(context) {
            return Poll::Ready(Err(Failure::End(end)));
        }
        match ready!(self.poll_feed(context)) {
            Ok(0) => Poll::Ready(Err(Failure::End(End::Finished))),
            Ok(_) => {
                let Channel::Tls(session) = &mut self.channel else { return Poll::Ready(Ok(Ok(()))) };
                Poll::Ready(Ok(session.work(self.sent)))
            }
            Err(_) => Poll::Ready(Err(Failure::End(End::Gone))),
        }
    }

    /// Tells the client why there is no session.
    fn refuse_handshake(&mut self, error: rustls::Error) -> Failure {
        self.send_records_at_once();
        Failure::Refused(error)
    }

    /// Takes what the client has said, decrypted.
    pub(super) fn poll_open(
        &mut self,
        context: &mut Context<'_>,
        input: &mut Input,
        pool: &Buffers,
    ) -> Poll<Result<usize, End>> {
        loop {
            let Channel::Tls(session) = &mut self.channel else { return Poll::Ready(Err(End::Gone)) };
            if session.is_readable() {
                return Poll::Ready(session.take(input.room(pool)).map_err(|_| End::Gone));
            }
            if session.has_ended() {
                return Poll::Ready(Ok(0));
            }
            match self.poll_feed(context) {
                Poll::Ready(Ok(1..)) => {}
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(End::Cut)),
                Poll::Ready(Err(_)) => return Poll::Ready(Err(End::Gone)),
                Poll::Pending => return self.poll_held_back(context).map(Err),
            }
            let Channel::Tls(session) = &mut self.channel else { return Poll::Ready(Err(End::Gone)) };
            if session.work(self.sent).is_err() {
                self.send_records_at_once();
                return Poll::Ready(Err(End::Gone));
            }
        }
    }

    /// Takes in what has come; 0 means that the stream has ended.
    fn poll_feed(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let Channel::Tls(session) = &mut self.channel else { return Poll::Ready(Ok(0)) };
        match session.feed(&mut Source { stream: &mut self.stream, context }) {
            Ok(taken) => Poll::Ready(Ok(taken)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
            Err(error) => Poll::Ready(Err(error)),
        }
    }
}

/// A stream that is read while its reader may be put to sleep: `WouldBlock` means that it will be woken.
struct Source<'s, 'c, 'w> {
    stream: &'s mut Stream,
    context: &'c mut Context<'w>,
}

impl Read for Source<'_, '_, '_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match self.stream.poll_receive(self.context, room) {
            Poll::Ready(read) => read,
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}
