//! HTTP/2 (RFC 9113): the same answers as HTTP/1.1, the tally's contract for streams, and what hostile frames come to.

mod connection_errors;
mod ends;
mod floods;
mod flow;
mod frames;
mod idle;
mod shop;
mod stream_errors;
mod table;
mod tally;
mod turns;
mod unread;
