//! HTTP/3 (RFC 9114): what is its own in an answer. Streams and their rules are others'.

pub mod answer;
mod field_section;
