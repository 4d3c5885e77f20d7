//! The admin side as those who look on meet it: through its own socket, beside clients that download.
//!
//! That socket speaks HTTP/1.1 alone; the clients of whom it tells speak every protocol.

mod answers;
mod browser;
mod dashboard;
mod guarded;
mod scraped;
mod streams;
pub(crate) mod visitor;
