//! What names lead to: a name server that answers every question for an IPv4 address with the same one.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

/// A name server (RFC 1035) that ends with its test.
pub(super) struct Names {
    pub(super) address: SocketAddr,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// The length of a message's header, and what of it says how many records follow (RFC 1035 section 4.1.1).
const HEADER: usize = 12;

impl Names {
    /// One that listens on this address and answers with it.
    pub(super) fn leading_to(ip: Ipv4Addr) -> Names {
        let socket = UdpSocket::bind((ip, 0)).expect("an address of the loopback interface");
        let address = socket.local_addr().expect("a bound socket has an address");
        let ended = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&ended);
        let thread = thread::spawn(move || {
            let mut message = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut message)
                && !told.load(Ordering::Acquire)
            {
                if let Some(answer) = answer(&message[..length], ip) {
                    // Whoever asked may be gone.
                    let _ = socket.send_to(&answer, from);
                }
            }
        });
        Names { address, ended, thread: Some(thread) }
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
        // A message wakes it up, so that it sees that.
        let woken = UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.send_to(&[], self.address));
        if woken.is_ok() {
            // If it has panicked, its test has failed already.
            let _ = self.thread.take().map(JoinHandle::join);
        }
    }
}

/// The answer to a message with one question: an address for type A, nothing for any other.
fn answer(message: &[u8], ip: Ipv4Addr) -> Option<Vec<u8>> {
    const A: [u8; 2] = [0, 1];
    let name = message.get(HEADER..)?.iter().position(|byte| *byte == 0)? + 1;
    let question = message.get(HEADER..HEADER + name + 4)?;
    let is_for_address = question[name..name + 2] == A;
    let mut answer = message[..2].to_vec();
    // An answer without an error to a question with recursion desired and available; one question, one answer or none.
    answer.extend_from_slice(&[0x81, 0x80, 0, 1, 0, u8::from(is_for_address), 0, 0, 0, 0]);
    answer.extend_from_slice(question);
    if is_for_address {
        // The name of the question, type A, class IN, to be remembered for no time.
        answer.extend_from_slice(&[0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4]);
        answer.extend_from_slice(&ip.octets());
    }
    Some(answer)
}
