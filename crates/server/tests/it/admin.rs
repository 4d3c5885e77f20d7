//! The admin side as those who look on meet it: through its own socket, beside clients that download.

mod answers;
mod browser;
mod dashboard;
mod guarded;
mod scraped;
mod streams;
pub(crate) mod visitor;
