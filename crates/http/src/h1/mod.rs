//! HTTP/1.1 as bytes (RFC 9112): heads, framing and persistence. Connections and sockets are elsewhere.

pub mod chunked;
pub mod content_skipper;
pub mod framing;
pub mod head;
pub mod persistence;
pub mod writer;
pub mod written;
