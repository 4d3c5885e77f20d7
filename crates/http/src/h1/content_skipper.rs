//! Passing over the content of a request, however it is framed.

use crate::h1::chunked::ChunkSkipper;
use crate::h1::framing::Framing;
use crate::refusal::Refusal;

/// Finds the end of a request's content, in any number of pieces.
#[derive(Debug)]
pub enum ContentSkipper {
    /// By its length.
    Counted {
        /// How many bytes are still to come.
        left: u64,
    },
    /// By its chunks.
    Chunked(ChunkSkipper),
}

impl ContentSkipper {
    /// At the start of a content.
    pub fn new(framing: Framing) -> ContentSkipper {
        match framing {
            Framing::Empty => ContentSkipper::Counted { left: 0 },
            Framing::Length(left) => ContentSkipper::Counted { left },
            Framing::Chunked => ContentSkipper::Chunked(ChunkSkipper::default()),
        }
    }

    /// Passes over as much of `bytes` as belongs to the content, and says how many bytes that is. Refuses malformed chunks.
    pub fn skip(&mut self, bytes: &[u8]) -> Result<usize, Refusal> {
        match self {
            ContentSkipper::Counted { left } => {
                let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= taken as u64;
                Ok(taken)
            }
            ContentSkipper::Chunked(chunks) => chunks.skip(bytes),
        }
    }

    /// Whether the content has ended.
    pub fn is_at_end(&self) -> bool {
        match self {
            ContentSkipper::Counted { left } => *left == 0,
            ContentSkipper::Chunked(chunks) => chunks.is_at_end(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `expect` is what is passed over of each piece, and where the content stands then.
    #[track_caller]
    fn check(framing: Framing, pieces: &[&str], expect: &str) {
        let mut skipper = ContentSkipper::new(framing);
        let mut passed = Vec::new();
        for piece in pieces {
            passed.push(skipper.skip(piece.as_bytes()).expect("it is well formed").to_string());
        }
        passed.push(if skipper.is_at_end() { "end" } else { "more" }.to_owned());
        assert_eq!(passed.join(" "), expect, "{framing:?} {pieces:?}");
    }

    #[test]
    fn content_ends_where_its_framing_says() {
        check(Framing::Empty, &[], "end");
        check(Framing::Empty, &["GET /"], "0 end");
        check(Framing::Length(5), &[], "more");
        check(Framing::Length(5), &["hello"], "5 end");
        check(Framing::Length(5), &["hel", "lo GET /"], "3 2 end");
        check(Framing::Length(5), &["", "hell"], "0 4 more");
        check(Framing::Length(u64::MAX), &["hello"], "5 more");
        check(Framing::Chunked, &["5\r\nhel", "lo\r\n0\r\n\r\nGET /"], "6 9 end");
        check(Framing::Chunked, &["5\r\nhello\r\n"], "10 more");
    }
}
