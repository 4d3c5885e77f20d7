//! TLS (RFC 8446, RFC 5246): which certificates there are, how they are chosen, and what sessions are made of.
//!
//! Knows neither sockets nor HTTP. `certificate` is one chain with its key, `certificates` all of them and the choice among
//! them, `session` what every protocol's handshake begins from, `files` where they come from and how they are renewed.

pub(crate) mod certificate;
pub(crate) mod certificates;
pub(crate) mod files;
pub(crate) mod session;
mod x509;

pub(crate) use certificates::Certificates;
