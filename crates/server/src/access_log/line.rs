//! The lines of the `tally` format.

use std::fmt;
use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tallyd_ledger::tally::Tally;

/// Something that the access log tells.
#[derive(Debug)]
pub(crate) enum Entry {
    /// A client has connected.
    Connected(Peer),
    /// A delivery has ended: the resource, to whom, and the request's number.
    Delivered { tally: Arc<Tally>, peer: Peer, number: u64 },
}

/// A client's address. An IPv4 address that came through an IPv6 socket is IPv4 again (RFC 4291 §2.5.5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    /// The address.
    pub(crate) ip: IpAddr,
    /// The port.
    pub(crate) port: u16,
}

impl From<SocketAddr> for Peer {
    fn from(address: SocketAddr) -> Peer {
        Peer { ip: address.ip().to_canonical(), port: address.port() }
    }
}

impl Entry {
    /// Appends the entry's line.
    pub(super) fn write_line(&self, out: &mut Vec<u8>) {
        match self {
            Entry::Connected(Peer { ip, port }) => {
                append(out, format_args!("Client connected with ip : {ip} and port no. : {port}\n"));
            }
            Entry::Delivered { tally, peer: Peer { ip, port }, number } => {
                out.extend_from_slice(tally.path().as_bytes());
                append(out, format_args!("|{ip}|{port}|{number}\n"));
            }
        }
    }
}

fn append(out: &mut Vec<u8>, text: fmt::Arguments<'_>) {
    out.write_fmt(text).expect("writing to a vector cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;
    use tallyd_ledger::tally::Ledger;

    #[track_caller]
    fn check(entry: &Entry, expect: &str) {
        let mut out = Vec::new();
        entry.write_line(&mut out);
        assert_eq!(String::from_utf8_lossy(&out), expect);
    }

    fn peer(address: &str) -> Peer {
        Peer::from(address.parse::<SocketAddr>().expect("the test writes addresses"))
    }

    #[test]
    fn one_entry_is_one_line() {
        let tally = Ledger::default().tally(b"/a|b\n");
        check(
            &Entry::Connected(peer("127.0.0.1:80")),
            "Client connected with ip : 127.0.0.1 and port no. : 80\n",
        );
        check(&Entry::Connected(peer("[::1]:80")), "Client connected with ip : ::1 and port no. : 80\n");
        let delivered = Entry::Delivered { tally, peer: peer("[::ffff:192.0.2.1]:65535"), number: 3 };
        check(&delivered, "/a%7Cb%0A|192.0.2.1|65535|3\n");
    }
}
