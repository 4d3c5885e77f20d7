//! Connections: what is said on a socket, between accepting it and closing it.

mod answer;
mod badge;
pub(crate) mod buffers;
pub(crate) mod departures;
mod errand;
pub(crate) mod h1;
pub(crate) mod h2;
pub(crate) mod h3;
mod listing;
mod positions;
pub(crate) mod presence;
pub(crate) mod receipts;
pub(crate) mod roster;
pub(crate) mod secure;
pub(crate) mod session;
pub(crate) mod socket;
mod stream;
