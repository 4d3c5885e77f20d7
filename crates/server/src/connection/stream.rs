//! A client's stream of bytes, registered with the runtime's poller when it has to be waited for, and not before.
//!
//! A client that sends its one request with its connection, and takes the answer at once, is never waited for: it costs
//! neither a registration nor its removal, two system calls out of ten.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::thread;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{RecvFlags, Shutdown, sockopt};
use tokio::io::{AsyncRead, Interest, ReadBuf};
use tokio::net::TcpStream;

/// A connected socket that does not block.
#[derive(Debug)]
pub(crate) struct Stream {
    state: State,
}

#[derive(Debug)]
enum State {
    /// It was never waited for.
    Unwatched(OwnedFd),
    /// The runtime watches it.
    Watched(TcpStream),
    /// Between the two, for no longer than a call, or for good if the runtime refused it.
    Lost,
}

impl Stream {
    /// A stream from a connected socket, which must not block.
    pub(crate) fn new(socket: OwnedFd) -> Stream {
        Stream { state: State::Unwatched(socket) }
    }

    /// Reads into `room`; 0 means that the client has said that nothing more comes.
    pub(crate) fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
        room: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if let State::Unwatched(socket) = &self.state {
            // Where the runtime does not watch, it does not see either when it is time for others.
            let turn = ready!(tokio::task::coop::poll_proceed(context));
            match rustix::net::recv(socket, &mut *room, RecvFlags::empty()) {
                Err(Errno::AGAIN) => {}
                outcome => {
                    turn.made_progress();
                    return Poll::Ready(Ok(outcome?.0));
                }
            }
        }
        // After a read that does not fill the room the runtime knows, without another call, that there is no more.
        let mut room = ReadBuf::new(room);
        ready!(Pin::new(self.watched()?).poll_read(context, &mut room))?;
        Poll::Ready(Ok(room.filled().len()))
    }

    /// Tries to write by `write`; fails with `WouldBlock` if the kernel takes nothing now.
    pub(crate) fn try_write(
        &mut self,
        write: impl FnOnce(BorrowedFd<'_>) -> rustix::io::Result<usize>,
    ) -> io::Result<usize> {
        match &self.state {
            State::Unwatched(socket) => Ok(write(socket.as_fd())?),
            State::Watched(stream) => stream.try_io(Interest::WRITABLE, || Ok(write(stream.as_fd())?)),
            State::Lost => Err(lost()),
        }
    }

    /// Ready when the kernel may take something again.
    pub(crate) fn poll_writable(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.watched() {
            Ok(stream) => stream.poll_write_ready(context),
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    /// Ready when the connection has failed, as by a reset. That the client says nothing more is no failure.
    pub(crate) async fn failure(&mut self) {
        let Ok(stream) = self.watched() else { return };
        // An error of the runtime's is one of the connection's.
        while stream.ready(Interest::ERROR).await.is_ok_and(|ready| !ready.is_error()) {}
    }

    /// Sends what the kernel holds back because more was announced.
    pub(crate) fn push(&self) -> io::Result<()> {
        // Setting the option flushes, also when it was set before (tcp(7)).
        Ok(sockopt::set_tcp_nodelay(self.socket()?, true)?)
    }

    /// Says that nothing more comes.
    pub(crate) fn finish(&self) -> io::Result<()> {
        Ok(rustix::net::shutdown(self.socket()?, Shutdown::Write)?)
    }

    /// Sees to it that closing breaks the connection off, see [`break_off`].
    pub(crate) fn break_off(&self) {
        if let Ok(socket) = self.socket() {
            break_off(socket);
        }
    }

    /// The socket by itself, which nobody watches any more.
    pub(crate) fn into_socket(mut self) -> io::Result<std::net::TcpStream> {
        match std::mem::replace(&mut self.state, State::Lost) {
            State::Unwatched(socket) => Ok(socket.into()),
            State::Watched(stream) => stream.into_std(),
            State::Lost => Err(lost()),
        }
    }

    /// The socket, for questions about it.
    pub(crate) fn socket(&self) -> io::Result<BorrowedFd<'_>> {
        match &self.state {
            State::Unwatched(socket) => Ok(socket.as_fd()),
            State::Watched(stream) => Ok(stream.as_fd()),
            State::Lost => Err(lost()),
        }
    }

    /// The stream as the runtime watches it, from now on.
    fn watched(&mut self) -> io::Result<&mut TcpStream> {
        if let State::Unwatched(_) = self.state
            && let State::Unwatched(socket) = std::mem::replace(&mut self.state, State::Lost)
        {
            self.state = State::Watched(TcpStream::from_std(socket.into())?);
        }
        match &mut self.state {
            State::Watched(stream) => Ok(stream),
            State::Unwatched(_) | State::Lost => Err(lost()),
        }
    }
}

impl Drop for Stream {
    /// Breaks off what a panic leaves: where an answer ends that nobody finishes, its client is not to take for its end.
    fn drop(&mut self) {
        if thread::panicking() {
            self.break_off();
        }
    }
}

/// Sees to it that closing `socket` breaks the connection off: what the kernel still holds for the client is thrown away, and the
/// client is told by a reset (`SO_LINGER` in socket(7)).
pub(super) fn break_off(socket: BorrowedFd<'_>) {
    // Where that cannot be had, the socket is closed like any other, and the client may get what it is not counted for.
    let _ = sockopt::set_socket_linger(socket, Some(Duration::ZERO));
}

/// The runtime did not take the socket, which closed it.
fn lost() -> io::Error {
    io::ErrorKind::NotConnected.into()
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::{TcpListener, TcpStream};
    use std::panic::catch_unwind;

    use super::*;

    /// What a client reads from a connection whose server side ends by `end`.
    fn read_after(end: fn(Stream)) -> io::Result<usize> {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let mut client = TcpStream::connect(address).expect("somebody listens");
        let (socket, _) = listener.accept().expect("the client has connected");
        // Whether it has panicked is what the client is to tell.
        let _ = catch_unwind(|| end(Stream::new(socket.into())));
        client.read(&mut [0])
    }

    #[test]
    fn a_panic_breaks_the_connection_off() {
        let reset = read_after(|_stream| panic!("as if something were wrong"));
        assert_eq!(reset.map_err(|error| error.kind()), Err(io::ErrorKind::ConnectionReset));
        assert_eq!(read_after(drop).expect("nothing is wrong"), 0);
    }
}
