//! The one place with unsafe code: calls to the kernel that no crate wraps safely.
#![allow(unsafe_code)]

use std::ffi::c_int;
use std::os::fd::AsFd;

use rustix::io;
use rustix::ioctl::{Getter, ioctl};

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

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

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
}
