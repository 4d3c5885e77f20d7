//! The content of a response, as a description of where its bytes are.

use std::borrow::Cow;

use crate::multipart::Multipart;
use crate::range::ByteRange;

/// Which bytes are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body<Handle> {
    /// None.
    Empty,
    /// These: a refusal's explanation, a listing.
    Bytes(Cow<'static, [u8]>),
    /// A part of what the handle gives, or all of it.
    Slice {
        /// Where the content is.
        handle: Handle,
        /// The bytes of it.
        range: ByteRange,
    },
    /// Several parts, with a head before each.
    Parts {
        /// Where the content is.
        handle: Handle,
        /// The heads and the ranges.
        parts: Multipart,
    },
}

impl<Handle> Body<Handle> {
    /// The length in bytes.
    pub fn length(&self) -> u64 {
        match self {
            Self::Empty => 0,
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Slice { range, .. } => range.length(),
            Self::Parts { parts, .. } => parts.length(),
        }
    }
}
