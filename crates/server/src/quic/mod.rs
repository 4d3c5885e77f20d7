//! QUIC (RFC 9000): datagrams to a worker's connections. What is said on them is `connection::h3`'s.
//!
//! A connection lives on one worker, as it does over TCP: each has an endpoint of its own on a socket that shares the
//! address with the others' (`endpoint`), the kernel spreads clients by their addresses, and for those who change theirs the
//! connection IDs (`connection_id`) say where they belong (`socket`).

mod connection_id;
mod endpoint;
mod socket;

pub(crate) use endpoint::{Place, SEND_WINDOW_BYTES, close, places, server_config};
