//! Byte ranges: which part of a representation a request asks for (RFC 9110 §14).
//!
//! A range is of the selected representation, in its content coding. Whether `Range` applies at all is
//! decided before: by the method ([`crate::response`]) and by `If-Range` ([`crate::precondition`]).

mod content_range;
mod select;

pub use content_range::ContentRange;
pub use select::{MAX_OVERLAPS, MAX_RANGES, NEARLY_TOUCHING, Selection, select};

/// The bytes `first..=last` of some content, counted from 0; never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ByteRange {
    first: u64,
    last: u64,
}

impl ByteRange {
    /// All of a content with this length in bytes; nothing if it is empty.
    pub fn whole(complete_length: u64) -> Option<Self> {
        Some(Self { first: 0, last: complete_length.checked_sub(1)? })
    }

    /// The part of `first..=last` that lies within a content of this length; nothing if none does.
    pub fn within(first: u64, last: u64, complete_length: u64) -> Option<Self> {
        let last = last.min(complete_length.checked_sub(1)?);
        (first <= last).then_some(Self { first, last })
    }

    /// The position of the first byte.
    pub fn first(self) -> u64 {
        self.first
    }

    /// The position of the last byte, not of the one after it.
    pub fn last(self) -> u64 {
        self.last
    }

    /// How many bytes, at least 1. It does not overflow: both constructors keep `last` below a length.
    pub fn length(self) -> u64 {
        self.last - self.first + 1
    }
}
