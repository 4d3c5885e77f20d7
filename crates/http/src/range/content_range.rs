//! The field `Content-Range` (RFC 9110 §14.4).

use std::fmt::{self, Display};

use super::ByteRange;

/// The value of `Content-Range`, as its [`Display`] writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentRange {
    /// `bytes 0-4/11`: what a 206 or one of its parts holds.
    Of {
        /// The bytes that are sent.
        range: ByteRange,
        /// The length of the representation in bytes.
        complete_length: u64,
    },
    /// `bytes */11`: in a 416, so that the client can ask better.
    Unsatisfied {
        /// The length of the representation in bytes.
        complete_length: u64,
    },
}

impl Display for ContentRange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Of { range: ByteRange { first, last }, complete_length } => {
                write!(formatter, "bytes {first}-{last}/{complete_length}")
            }
            Self::Unsatisfied { complete_length } => write!(formatter, "bytes */{complete_length}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc9110_section_14_4() {
        let check = |content_range: ContentRange, expect: &str| assert_eq!(content_range.to_string(), expect);
        let complete_length = 1234;
        check(ContentRange::Unsatisfied { complete_length }, "bytes */1234");
        check(ContentRange::Unsatisfied { complete_length: 0 }, "bytes */0");
        let range = ByteRange::within(42, 1233, complete_length).unwrap();
        check(ContentRange::Of { range, complete_length }, "bytes 42-1233/1234");
        let complete_length = u64::MAX;
        let range = ByteRange::whole(complete_length).unwrap();
        check(
            ContentRange::Of { range, complete_length },
            "bytes 0-18446744073709551614/18446744073709551615",
        );
    }
}
