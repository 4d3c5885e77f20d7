//! HTTP/2 (RFC 9113): frames, field sections, and what a client's frames come to. Sockets, clocks and files are others'.

pub mod answer;
pub mod conversation;
mod decoder;
pub mod field_section;
pub mod frame;
mod huffman;
pub mod request;
mod static_table;
mod streams;
