//! What HTTP says, as pure functions and values: no input or output, no clock, no async, no threads.
#![forbid(unsafe_code)]

pub mod accept;
pub mod content_coding;
pub mod disposition;
pub mod field_lines;
pub mod multipart;
pub mod precondition;
mod quality;
pub mod range;
pub mod representation;
pub mod response;
pub mod validator;
