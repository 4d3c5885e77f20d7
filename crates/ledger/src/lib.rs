//! What was delivered: the tally of every file. Knows no HTTP.
#![forbid(unsafe_code)]

pub mod path_text;
pub mod tally;
