//! What HTTP says, as pure functions and values: no input or output, no clock, no async, no threads.
//!
//! The words are those of RFC 9110 (semantics), RFC 9111 (caching), RFC 9112 (HTTP/1.1), RFC 9113 (HTTP/2) and RFC 9114 (HTTP/3). Everything
//! here can be tested without a socket or a file; the crate does not know the ledger.
#![forbid(unsafe_code)]

pub mod accept;
pub mod base_path;
pub mod content_coding;
pub mod disposition;
pub mod extra_field;
pub mod field_lines;
pub mod fields;
pub mod h1;
pub mod h2;
pub mod h3;
pub mod location;
pub mod media_type;
pub mod method;
pub mod multipart;
pub mod percent_encoding;
pub mod precondition;
mod prefix_integer;
pub mod pseudo;
mod quality;
pub mod range;
pub mod refusal;
pub mod representation;
pub mod request;
pub mod response;
pub mod status;
pub mod target;
pub mod validator;
