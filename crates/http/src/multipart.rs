//! The content of a 206 with several ranges: `multipart/byteranges` (RFC 9110 §14.6).
//!
//! Described, never assembled: heads and ranges one piece after another, as a sender needs them.

use std::fmt::{self, Display};

use crate::range::{ByteRange, ContentRange};

/// Stands between the parts; whoever fills the files should not be able to guess it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Boundary(u128);

impl Boundary {
    /// A boundary of random bits: fresh ones for each response or at least for each start of the program.
    pub const fn from_random(bits: u128) -> Self {
        Self(bits)
    }
}

/// Its 32 digits, without the dashes that come before it between parts.
impl Display for Boundary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", self.0)
    }
}

/// A `multipart/byteranges` content. A few hundred bytes of memory for each range when it is sent, however
/// long the ranges are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Multipart {
    boundary: Boundary,
    /// The representation's, which each part repeats.
    content_type: Box<str>,
    complete_length: u64,
    ranges: Box<[ByteRange]>,
}

/// What is sent next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A part's head with what comes before it, or the end.
    Bytes(Vec<u8>),
    /// Bytes of the representation.
    Slice(ByteRange),
}

impl Multipart {
    /// The content with these ranges of a representation of this type and length in bytes.
    pub fn new(
        boundary: Boundary,
        content_type: &str,
        complete_length: u64,
        ranges: Box<[ByteRange]>,
    ) -> Self {
        Self { boundary, content_type: content_type.into(), complete_length, ranges }
    }

    /// The ranges of the representation, in the order of the parts.
    pub fn ranges(&self) -> &[ByteRange] {
        &self.ranges
    }

    /// The piece at this place, from 0; nothing after the last. The pieces are a head and a slice for each
    /// range, and the closing delimiter.
    pub fn piece(&self, index: usize) -> Option<Piece> {
        let piece = match self.ranges.get(index / 2) {
            Some(range) if index.is_multiple_of(2) => {
                Piece::Bytes(self.part_head(index == 0, *range).into_bytes())
            }
            Some(range) => Piece::Slice(*range),
            None if index == self.ranges.len() * 2 => {
                Piece::Bytes(format!("\r\n--{}--\r\n", self.boundary).into_bytes())
            }
            None => return None,
        };
        Some(piece)
    }

    /// All pieces in order.
    pub fn pieces(&self) -> impl Iterator<Item = Piece> {
        (0..).map_while(|index| self.piece(index))
    }

    /// The length in bytes, from the pieces that are sent.
    pub fn length(&self) -> u64 {
        self.pieces().map(|piece| piece.length()).sum()
    }

    fn part_head(&self, is_first: bool, range: ByteRange) -> String {
        // The line end before a delimiter belongs to it (RFC 2046 §5.1.1); before the first is nothing.
        let line_end = if is_first { "" } else { "\r\n" };
        let Self { boundary, content_type, complete_length, .. } = self;
        let content_range = ContentRange::Of { range, complete_length: *complete_length };
        format!(
            "{line_end}--{boundary}\r\nContent-Type: {content_type}\r\nContent-Range: {content_range}\r\n\r\n"
        )
    }
}

impl Piece {
    /// The length in bytes.
    pub fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Slice(range) => range.length(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDARY: Boundary = Boundary::from_random(0xabc);

    fn multipart(content: &[u8], ranges: &[(u64, u64)]) -> Multipart {
        let complete_length = content.len() as u64;
        let ranges =
            ranges.iter().map(|(first, last)| ByteRange::within(*first, *last, complete_length).unwrap());
        Multipart::new(BOUNDARY, "text/plain", complete_length, ranges.collect())
    }

    fn send(multipart: &Multipart, content: &[u8]) -> String {
        let sent: Vec<u8> = multipart
            .pieces()
            .flat_map(|piece| match piece {
                Piece::Bytes(bytes) => bytes,
                Piece::Slice(range) => content[range.first() as usize..=range.last() as usize].to_vec(),
            })
            .collect();
        String::from_utf8(sent).unwrap()
    }

    #[test]
    fn rfc9110_section_15_3_7_2_as_sent() {
        let content = b"hello world";
        let multipart = multipart(content, &[(0, 0), (6, 10)]);
        let expect = "--00000000000000000000000000000abc\r\n\
             Content-Type: text/plain\r\n\
             Content-Range: bytes 0-0/11\r\n\
             \r\n\
             h\r\n\
             --00000000000000000000000000000abc\r\n\
             Content-Type: text/plain\r\n\
             Content-Range: bytes 6-10/11\r\n\
             \r\n\
             world\r\n\
             --00000000000000000000000000000abc--\r\n";
        assert_eq!(send(&multipart, content), expect);
        assert_eq!(multipart.length(), expect.len() as u64);
        assert_eq!(multipart.pieces().count(), 5);
        assert_eq!((multipart.piece(5), multipart.piece(6)), (None, None));
    }

    #[test]
    fn the_length_is_that_of_what_is_sent() {
        let content = [b'x'; 12];
        for first in 0..12 {
            for last in first..12 {
                let multipart = multipart(&content, &[(first, last), (0, 0), (11, 11)]);
                assert_eq!(multipart.length(), send(&multipart, &content).len() as u64);
            }
        }
    }

    #[test]
    fn long_ranges_are_described_not_held() {
        let complete_length = 1 << 62;
        let ranges = [(0, (1 << 61) - 1), (1 << 61, (1 << 62) - 1)];
        let ranges = ranges.map(|(first, last)| ByteRange::within(first, last, complete_length).unwrap());
        let multipart = Multipart::new(BOUNDARY, "video/mp4", complete_length, ranges.into());
        let heads: usize = multipart
            .pieces()
            .map(|piece| match piece {
                Piece::Bytes(bytes) => bytes.len(),
                Piece::Slice(_) => 0,
            })
            .sum();
        assert_eq!(multipart.length(), complete_length + heads as u64);
        assert!(heads < 500);
    }
}
