//! HTTP/3 (RFC 9114): what is said on a QUIC connection, between accepting and closing it.
//!
//! The framing of requests is `h3`'s, the answers are decided like all others. A stream is to an answer what a connection is
//! in HTTP/1: an output of its own, with the answer's head as it would stand there, so that one writer and one set of
//! receipts serve both.

mod accept;
mod content;
mod conversation;
mod exchange;
mod outflow;
mod transport;

pub(crate) use accept::accept;
