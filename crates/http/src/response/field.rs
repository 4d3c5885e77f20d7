//! The response fields that follow from a representation and from what is sent of it.

use std::fmt::{self, Display};

use crate::content_coding::ContentCoding;
use crate::multipart::Boundary;
use crate::range::ContentRange;
use crate::validator::{HttpDate, StrongTag};

/// A field; its [`Display`] writes the value, in ASCII and on one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field<'r> {
    /// `Accept-Ranges: bytes`, RFC 9110 §14.3.
    AcceptRanges,
    /// `Content-Encoding`, RFC 9110 §8.4.
    ContentEncoding(ContentCoding),
    /// `Content-Length` in bytes, RFC 9110 §8.6.
    ContentLength(u64),
    /// `Content-Range`, RFC 9110 §14.4.
    ContentRange(ContentRange),
    /// `Content-Type`, RFC 9110 §8.3.
    ContentType(&'r str),
    /// `Content-Type` of several parts with this boundary, RFC 9110 §14.6.
    ContentTypeByteranges(Boundary),
    /// `ETag`, RFC 9110 §8.8.3.
    EntityTag(&'r StrongTag),
    /// `Last-Modified`, RFC 9110 §8.8.2.
    LastModified(HttpDate),
    /// `Vary: Accept-Encoding`, RFC 9110 §12.5.5.
    VaryAcceptEncoding,
}

/// The fields of a response, without an allocation.
#[derive(Clone, Debug)]
pub struct Fields<'r>([Option<Field<'r>>; 8]);

impl<'r> Fields<'r> {
    /// Leaves out what is nothing, and keeps the order of the rest. At most eight.
    pub(super) fn new<const COUNT: usize>(fields: [Option<Field<'r>>; COUNT]) -> Self {
        let mut all = [None; 8];
        all[..COUNT].copy_from_slice(&fields);
        Self(all)
    }

    /// The fields in order.
    pub fn iter(&self) -> impl Iterator<Item = Field<'r>> {
        self.0.iter().flatten().copied()
    }
}

impl Field<'_> {
    /// The name, in its usual spelling.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::AcceptRanges => "Accept-Ranges",
            Self::ContentEncoding(_) => "Content-Encoding",
            Self::ContentLength(_) => "Content-Length",
            Self::ContentRange(_) => "Content-Range",
            Self::ContentType(_) | Self::ContentTypeByteranges(_) => "Content-Type",
            Self::EntityTag(_) => "ETag",
            Self::LastModified(_) => "Last-Modified",
            Self::VaryAcceptEncoding => "Vary",
        }
    }
}

impl Display for Field<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AcceptRanges => formatter.write_str("bytes"),
            Self::ContentEncoding(coding) => formatter.write_str(coding.token()),
            Self::ContentLength(length) => length.fmt(formatter),
            Self::ContentRange(content_range) => content_range.fmt(formatter),
            Self::ContentType(content_type) => formatter.write_str(content_type),
            Self::ContentTypeByteranges(boundary) => {
                write!(formatter, "multipart/byteranges; boundary={boundary}")
            }
            Self::EntityTag(tag) => tag.fmt(formatter),
            Self::LastModified(date) => date.fmt(formatter),
            Self::VaryAcceptEncoding => formatter.write_str("Accept-Encoding"),
        }
    }
}
