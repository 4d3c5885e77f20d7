//! What the log is told, and the lines of the `tally` format.

use std::net::{IpAddr, SocketAddr};

use tallyd_ledger::Weight as _;

use super::exchange::{Answered, Record};
use super::{append, combined, json};
use crate::config::LogFormat;

/// Something that the access log tells.
#[derive(Debug)]
pub(crate) enum Entry {
    /// A client has connected.
    Connected(Peer),
    /// Deliveries have ended and are committed: so many lines.
    Delivered { text: Vec<u8>, lines: u64 },
    /// An answer that took no number has ended.
    Answered(Answered),
    /// The file is to be opened anew.
    Reopen,
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
    pub(super) fn write_line(&self, format: LogFormat, out: &mut Vec<u8>) {
        match self {
            Entry::Connected(Peer { ip, port }) => {
                append(out, format_args!("Client connected with ip : {ip} and port no. : {port}\n"));
            }
            Entry::Delivered { text, .. } => out.extend_from_slice(text),
            Entry::Answered(answered) => {
                let path = answered.exchange.path();
                write_record(format, out, &answered.record(path.as_deref()));
            }
            Entry::Reopen => {}
        }
    }

    /// How many lines the entry has.
    pub(super) fn lines(&self) -> u64 {
        match self {
            Entry::Connected(_) | Entry::Answered(_) => 1,
            Entry::Delivered { lines, .. } => *lines,
            Entry::Reopen => 0,
        }
    }

    /// How many bytes of text it holds.
    pub(super) fn weight(&self) -> usize {
        match self {
            Entry::Connected(_) | Entry::Reopen => 0,
            Entry::Delivered { text, .. } => text.len(),
            Entry::Answered(answered) => answered.exchange.weight(),
        }
    }
}

/// Appends the line of a record; the formats that tell of no such records have none.
pub(super) fn write_record(format: LogFormat, out: &mut Vec<u8>, record: &Record<'_>) {
    match format {
        LogFormat::Combined => combined::write(out, record),
        LogFormat::Json => json::write(out, record),
        LogFormat::Tally | LogFormat::Off => {}
    }
}

/// Appends the line of a delivery, in the form `PATH|CLIENT ADDRESS|CLIENT PORT|N`.
pub(super) fn write_delivery(out: &mut Vec<u8>, path: &str, peer: Peer, number: u64) {
    out.extend_from_slice(path.as_bytes());
    out.push(b'|');
    write_address(out, peer.ip);
    out.push(b'|');
    out.extend_from_slice(itoa::Buffer::new().format(peer.port).as_bytes());
    out.push(b'|');
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    out.push(b'\n');
}

/// Appends an address, as `Display` writes it; those of IPv4 without the cost of formatting.
fn write_address(out: &mut Vec<u8>, address: IpAddr) {
    match address {
        IpAddr::V4(address) => {
            for (index, octet) in address.octets().into_iter().enumerate() {
                if index > 0 {
                    out.push(b'.');
                }
                out.extend_from_slice(itoa::Buffer::new().format(octet).as_bytes());
            }
        }
        IpAddr::V6(address) => append(out, format_args!("{address}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(entry: &Entry, expect: &str) {
        let mut out = Vec::new();
        entry.write_line(LogFormat::Tally, &mut out);
        assert_eq!(String::from_utf8_lossy(&out), expect);
    }

    fn peer(address: &str) -> Peer {
        Peer::from(address.parse::<SocketAddr>().expect("the test writes addresses"))
    }

    #[test]
    fn one_entry_is_one_line() {
        check(
            &Entry::Connected(peer("127.0.0.1:80")),
            "Client connected with ip : 127.0.0.1 and port no. : 80\n",
        );
        check(&Entry::Connected(peer("[::1]:80")), "Client connected with ip : ::1 and port no. : 80\n");
        check(
            &Entry::Connected(peer("[::ffff:192.0.2.1]:65535")),
            "Client connected with ip : 192.0.2.1 and port no. : 65535\n",
        );
    }
}
