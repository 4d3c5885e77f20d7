//! TLS on one connection: what is received becomes the client's words, what is sent becomes records.
//!
//! Does no input or output of its own: the socket hands it what has come and takes what is to go. rustls does the rest.

use std::io::{self, IoSlice, Read, Write};
use std::os::fd::BorrowedFd;
use std::sync::Arc;

use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendFlags, sendmsg};
use rustls::{Error, ServerConfig, ServerConnection};

use super::positions::Positions;

/// How much is made into records before they are sent, in bytes: enough to make a system call cheap, and little enough to
/// stay in a core's own cache and to be held for many slow clients.
pub(crate) const BATCH_BYTES: usize = 64 * 1024;

/// How much is made into records at a time at most, in bytes: a batch, and what framing has added to it.
const MAX_SEALED_BYTES: usize = BATCH_BYTES + RECORD_BYTES;

/// The content of the longest record, in bytes (RFC 8446 §5.1).
pub(crate) const RECORD_BYTES: usize = 16 * 1024;

/// How much longer than its content a record may be, in bytes (RFC 5246 §6.2.3.3, RFC 5288 §3).
pub(crate) const MAX_RECORD_OVERHEAD: usize = 5 + 8 + 16;

/// Where in a page the content of records is best taken from, in bytes. The record's own begins a few bytes behind the start of
/// a page; a copy to just behind its source, modulo the size of a page, has the processor take each load for one that waits
/// for the store before, and is ten times slower.
pub(crate) const SKEW_BYTES: usize = 256;

/// A connection's TLS.
pub(crate) struct Session {
    connection: ServerConnection,
    positions: Positions,
    /// Bytes of the client's that are decrypted and wait to be taken.
    readable: usize,
    ended: bool,
}

impl Session {
    /// The start of a handshake.
    pub(super) fn new(config: Arc<ServerConfig>) -> Result<Session, Error> {
        let mut connection = ServerConnection::new(config)?;
        // What waits is bounded by who asks for records, a batch at a time.
        connection.set_buffer_limit(None);
        Ok(Session { connection, positions: Positions::default(), readable: 0, ended: false })
    }

    /// Whether the handshake still has to be completed.
    pub(super) fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    /// What the client and we have agreed to speak (RFC 7301).
    pub(super) fn protocol(&self) -> Option<&[u8]> {
        self.connection.alpn_protocol()
    }

    /// Whether the session goes on from an earlier one.
    pub(super) fn is_resumed(&self) -> bool {
        self.connection.handshake_kind() == Some(rustls::HandshakeKind::Resumed)
    }

    /// Takes in what `source` has; 0 means that the stream has ended.
    pub(super) fn feed(&mut self, source: &mut dyn Read) -> io::Result<usize> {
        self.connection.read_tls(source)
    }

    /// Works on what was taken in, when `sent` bytes of the stream were sent. After an error there may be an alert to send,
    /// and nothing else.
    pub(super) fn work(&mut self, sent: u64) -> Result<(), Error> {
        let state = self.connection.process_new_packets()?;
        self.readable = state.plaintext_bytes_to_read();
        self.ended = state.peer_has_closed();
        self.positions.resume_at(sent + state.tls_bytes_to_write() as u64);
        Ok(())
    }

    /// Takes what the client has said, as far as there is room.
    pub(super) fn take(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let taken = self.connection.reader().read(room)?;
        self.readable -= taken;
        Ok(taken)
    }

    /// Whether the client has said something that was not taken.
    pub(super) fn is_readable(&self) -> bool {
        self.readable > 0
    }

    /// Whether the client has said that nothing more comes.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Makes records of up to a batch of `first` and what follows it; returns how many bytes that is.
    pub(super) fn seal(&mut self, first: &[u8], second: &[u8], sent: u64) -> io::Result<usize> {
        let first = &first[..first.len().min(MAX_SEALED_BYTES)];
        let second = &second[..second.len().min(MAX_SEALED_BYTES - first.len())];
        let mut writer = self.connection.writer();
        let sealed = match second {
            [] => writer.write(first)?,
            second => writer.write_vectored(&[IoSlice::new(first), IoSlice::new(second)])?,
        };
        if self.positions.is_unmeasured() {
            // Without input, it only tells how much is to be sent.
            let state = self.connection.process_new_packets().map_err(io::Error::other)?;
            self.positions.add_measured(sealed as u64, sent + state.tls_bytes_to_write() as u64);
        } else {
            self.positions.add(sealed as u64);
        }
        Ok(sealed)
    }

    /// Says that nothing more comes (RFC 8446 §6.1).
    pub(super) fn finish(&mut self) {
        self.connection.send_close_notify();
    }

    /// Whether there are records to send.
    pub(super) fn has_records(&self) -> bool {
        self.connection.wants_write()
    }

    /// Sends records, as many as the kernel takes in one write.
    pub(super) fn send_records(
        &mut self,
        socket: BorrowedFd<'_>,
        flags: SendFlags,
    ) -> rustix::io::Result<usize> {
        self.connection
            .write_tls(&mut Sink { socket, flags })
            .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
    }

    /// How the stream and the conversation run together.
    pub(super) fn positions(&self) -> &Positions {
        &self.positions
    }

    /// The same, to be told what has arrived.
    pub(super) fn positions_mut(&mut self) -> &mut Positions {
        &mut self.positions
    }

    /// What remains to be known of a conversation that has ended.
    pub(super) fn into_positions(self) -> Positions {
        self.positions
    }
}

/// A socket that takes records.
struct Sink<'a> {
    socket: BorrowedFd<'a>,
    flags: SendFlags,
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::net::send(self.socket, bytes, self.flags)?)
    }

    fn write_vectored(&mut self, records: &[IoSlice<'_>]) -> io::Result<usize> {
        match records {
            [record] => self.write(record),
            records => Ok(sendmsg(self.socket, records, &mut SendAncillaryBuffer::default(), self.flags)?),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
