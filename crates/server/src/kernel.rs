//! The one place with unsafe code: calls to the kernel that no crate wraps safely.
#![allow(unsafe_code)]

use std::ffi::c_int;
use std::net::TcpListener;
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd};
use std::ptr;

use rustix::io;
use rustix::ioctl::{Getter, ioctl};
use rustix::mm::{Advice, madvise};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// `SIOCOUTQ` (tcp(7)): Linux gives it the number of `TIOCOUTQ`.
const SIOCOUTQ: rustix::ioctl::Opcode = 0x5411;

/// How many bytes written to a TCP socket the peer has not acknowledged yet.
///
/// Fails as `ioctl(2)` does, for instance on a descriptor that is not a socket.
pub(crate) fn unacknowledged_bytes(socket: impl AsFd) -> io::Result<u64> {
    // SAFETY: SIOCOUTQ writes one `int` through its argument and does nothing else (tcp(7)); `Getter` passes a
    // pointer to an `int` that outlives the call and reads it only after success.
    let queued: c_int = unsafe { ioctl(socket, Getter::<SIOCOUTQ, c_int>::new()) }?;
    Ok(u64::from(queued.unsigned_abs()))
}

/// Unmaps the pages of a mapping of a program or library that nobody has written to; the kernel maps them again from the file
/// when they are needed (madvise(2), `MADV_DONTNEED`).
///
/// `range` is that of a mapping that is private, of a file and not writable, as `/proc/self/maps` gives it: its code, or the
/// part with its headers. Fails as `madvise(2)` does.
pub(crate) fn unmap_unwritten(range: Range<usize>) -> io::Result<()> {
    let start = ptr::without_provenance_mut(range.start);
    // SAFETY: nothing was ever written to these pages, as loaders do not write to code or headers (no text relocations), so what the
    // file gives for them again is what they are. If the range is not mapped any more, the call fails.
    unsafe { madvise(start, range.len(), Advice::LinuxDontNeed) }
}

/// A listener that the runtime watches for clients, without a say in how they are accepted: `tokio::net::TcpListener`
/// registers each connection at once.
///
/// Fails as `epoll_ctl(2)` does. Panics outside a runtime.
pub(crate) fn watch_listener(listener: TcpListener) -> std::io::Result<AsyncFd<TcpListener>> {
    // SAFETY: a `TcpListener` owns its descriptor, gives the same one whenever it is asked, and neither closes nor
    // replaces it before it is dropped; nobody takes a mutable reference to it out of the `AsyncFd`.
    Ok(unsafe { AsyncFd::register_with_interest(listener, Interest::READABLE) }?)
}

/// Has the kernel keep a new connection to itself until the client has said something, or has kept silent for `seconds`
/// (tcp(7), `TCP_DEFER_ACCEPT`; rounded up to the next of its retransmissions, after 1, 3, 7, … seconds).
///
/// Fails as `setsockopt(2)` does.
pub(crate) fn await_first_bytes(listener: impl AsFd, seconds: c_int) -> std::io::Result<()> {
    let descriptor = listener.as_fd().as_raw_fd();
    let length = libc::socklen_t::try_from(size_of::<c_int>()).map_err(std::io::Error::other)?;
    // SAFETY: the descriptor is borrowed for the call, which reads one `int` of the length that is given with it.
    let done = unsafe {
        libc::setsockopt(
            descriptor,
            libc::IPPROTO_TCP,
            libc::TCP_DEFER_ACCEPT,
            (&raw const seconds).cast(),
            length,
        )
    };
    if done == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn bytes_are_unacknowledged_until_the_peer_takes_them() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let mut writer = TcpStream::connect(listener.local_addr().expect("it is bound")).expect("it listens");
        let (mut reader, _) = listener.accept().expect("the writer has connected");
        assert_eq!(unacknowledged_bytes(&writer), Ok(0));
        writer.set_nonblocking(true).expect("a socket can be made non-blocking");
        let mut written = 0_u64;
        while let Ok(length) = writer.write(&[0; 4096]) {
            written += length as u64;
        }
        let queued = unacknowledged_bytes(&writer).expect("it is a TCP socket");
        assert!(queued > 0 && queued < written, "{queued} of {written}");
        drop(writer);
        let mut received = Vec::new();
        reader.read_to_end(&mut received).expect("the writer has closed");
        assert_eq!(received.len() as u64, written);
        let not_a_socket = std::fs::File::open("/dev/null").expect("every Linux has it");
        assert!(unacknowledged_bytes(not_a_socket).is_err());
    }

    #[test]
    fn a_connection_is_there_with_its_first_bytes_or_after_a_second() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        await_first_bytes(&listener, 1).expect("it is a TCP socket");
        let address = listener.local_addr().expect("it is bound");
        let silent = TcpStream::connect(address).expect("it listens");
        let mut talker = TcpStream::connect(address).expect("it listens");
        let talker_address = talker.local_addr().expect("it is connected");
        talker.write_all(b"!").expect("the kernel takes a byte");
        let (_, first) = listener.accept().expect("somebody has connected");
        let (_, second) = listener.accept().expect("somebody else has connected");
        assert_eq!(first, talker_address, "the silent one was there before");
        assert_eq!(second, silent.local_addr().expect("it is connected"));
        let not_a_socket = std::fs::File::open("/dev/null").expect("every Linux has it");
        assert!(await_first_bytes(not_a_socket, 1).is_err());
    }
}
