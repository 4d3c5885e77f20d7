//! Passing over content in chunks (RFC 9112 §7.1). This server has no use for request content; it must only find,
//! beyond doubt, where it ends.

use crate::field_lines::is_token;
use crate::refusal::Refusal;

/// The longest chunk-size line or trailer line, in bytes. Extensions have no use that needs more (RFC 9112 §7.1.1).
const MAX_LINE_BYTES: usize = 256;

/// The longest trailer section, in lines.
const MAX_TRAILER_LINES: usize = 32;

/// Reads content in chunks, from any number of pieces, and keeps none of it.
#[derive(Debug, Default)]
pub struct ChunkSkipper {
    stage: Stage,
    trailer_lines: usize,
}

/// What the next byte belongs to.
#[derive(Debug)]
enum Stage {
    /// The line that gives a chunk's size.
    Size(Line),
    /// The chunk itself.
    Chunk { left: u64 },
    /// The line end after a chunk.
    ChunkEnd(Line),
    /// The trailer section after the last chunk.
    Trailer(Line),
    /// The content has ended.
    End,
}

/// A line, as far as it has been read.
#[derive(Debug, Default)]
struct Line(Vec<u8>);

impl Default for Stage {
    fn default() -> Self {
        Stage::Size(Line::default())
    }
}

impl ChunkSkipper {
    /// Passes over as much of `bytes` as belongs to the content, and says how many bytes that is.
    ///
    /// A malformed size, an overlong line, a line end other than CRLF, or data beyond a chunk's size is refused.
    pub fn skip(&mut self, bytes: &[u8]) -> Result<usize, Refusal> {
        let mut at = 0;
        while at < bytes.len() && !self.is_at_end() {
            at += self.step(&bytes[at..])?;
        }
        Ok(at)
    }

    /// Whether the content has ended.
    pub fn is_at_end(&self) -> bool {
        matches!(self.stage, Stage::End)
    }

    fn step(&mut self, bytes: &[u8]) -> Result<usize, Refusal> {
        match &mut self.stage {
            Stage::Size(line) => {
                let (taken, whole) = line.take(bytes)?;
                if let Some(text) = whole {
                    self.stage = match chunk_size(&text)? {
                        0 => Stage::Trailer(Line::default()),
                        left => Stage::Chunk { left },
                    };
                }
                Ok(taken)
            }
            Stage::Chunk { left } => {
                let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= taken as u64;
                if *left == 0 {
                    self.stage = Stage::ChunkEnd(Line::default());
                }
                Ok(taken)
            }
            Stage::ChunkEnd(line) => {
                let (taken, whole) = line.take(bytes)?;
                match whole {
                    Some(text) if text.is_empty() => self.stage = Stage::default(),
                    Some(_) => return Err(Refusal::AmbiguousFraming),
                    None => {}
                }
                Ok(taken)
            }
            Stage::Trailer(line) => {
                let (taken, whole) = line.take(bytes)?;
                match whole {
                    Some(text) if text.is_empty() => self.stage = Stage::End,
                    Some(_) if self.trailer_lines == MAX_TRAILER_LINES => {
                        return Err(Refusal::FieldsTooLarge);
                    }
                    Some(text) if !is_field_line(&text) => return Err(Refusal::AmbiguousFraming),
                    Some(_) => {
                        self.trailer_lines += 1;
                        self.stage = Stage::Trailer(Line::default());
                    }
                    None => {}
                }
                Ok(taken)
            }
            Stage::End => Ok(0),
        }
    }
}

impl Line {
    /// Takes bytes up to the end of the line; the text comes without its CRLF.
    fn take(&mut self, bytes: &[u8]) -> Result<(usize, Option<Vec<u8>>), Refusal> {
        let end = memchr::memchr(b'\n', bytes);
        let taken = end.map_or(bytes.len(), |end| end + 1);
        if self.0.len() + taken > MAX_LINE_BYTES {
            return Err(Refusal::AmbiguousFraming);
        }
        self.0.extend_from_slice(&bytes[..taken]);
        if end.is_none() {
            return Ok((taken, None));
        }
        // A bare LF is taken for a line end by some and for data by others: that difference is an attack.
        let text = self.0.strip_suffix(b"\r\n").ok_or(Refusal::AmbiguousFraming)?;
        Ok((taken, Some(text.to_vec())))
    }
}

/// RFC 9112 §5: a name, a colon right behind it, and a value without control characters.
fn is_field_line(line: &[u8]) -> bool {
    let Some(colon) = memchr::memchr(b':', line) else { return false };
    let (name, value) = line.split_at(colon);
    is_token(name) && value.iter().all(|&byte| byte == b'\t' || !byte.is_ascii_control())
}

/// The number before any extension: hexadecimal digits only, at most what 64 bits hold.
fn chunk_size(line: &[u8]) -> Result<u64, Refusal> {
    let end = line.iter().position(|&byte| byte == b';').unwrap_or(line.len());
    let (digits, extension) = line.split_at(end);
    let digits = if extension.is_empty() { digits } else { digits.trim_ascii_end() };
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit);
    let extension_is_text = extension.iter().all(|&byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f));
    if !is_number || !extension_is_text {
        return Err(Refusal::AmbiguousFraming);
    }
    let text = std::str::from_utf8(digits).map_err(|_| Refusal::AmbiguousFraming)?;
    u64::from_str_radix(text, 16).map_err(|_| Refusal::AmbiguousFraming)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `expect` is what is left over behind the content, or "more", or "refused": for the bytes at once, and one by one.
    #[track_caller]
    fn check(bytes: &str, expect: &str) {
        for piece_length in [bytes.len().max(1), 1, 3] {
            assert_eq!(skip_in_pieces(bytes.as_bytes(), piece_length), expect, "{bytes:?} by {piece_length}");
        }
    }

    fn skip_in_pieces(bytes: &[u8], piece_length: usize) -> String {
        let mut skipper = ChunkSkipper::default();
        let mut taken = 0;
        for piece in bytes.chunks(piece_length) {
            match skipper.skip(piece) {
                Ok(length) => taken += length,
                Err(_) => return "refused".to_owned(),
            }
        }
        if skipper.is_at_end() {
            format!("rest {}", bytes[taken..].escape_ascii())
        } else {
            "more".to_owned()
        }
    }

    #[test]
    fn chunks_rfc_9112_7_1() {
        check("0\r\n\r\n", "rest ");
        check("0\r\n\r\nGET", "rest GET");
        check("5\r\nhello\r\n0\r\n\r\n", "rest ");
        check("5\r\nhello\r\nA\r\n0123456789\r\n0\r\n\r\n!", "rest !");
        check("a\r\n0123456789\r\n000\r\n\r\n", "rest ");
        check("5;name=value\r\nhello\r\n0\r\n\r\n", "rest ");
        check("5 ;name\r\nhello\r\n0;last\r\n\r\n", "rest ");
        check("0\r\nTrailer: x\r\nAnother: y\r\n\r\n!", "rest !");
        check("", "more");
        check("5\r\nhel", "more");
        check("0\r\n", "more");
        check("0\r\nTrailer: x\r\n", "more");
    }

    #[test]
    fn malformed_chunks_rfc_9112_7_1() {
        check("\r\n", "refused");
        check("x\r\n", "refused");
        check("-1\r\n", "refused");
        check("+5\r\nhello\r\n", "refused");
        check("0x5\r\nhello\r\n", "refused");
        check("5 \r\nhello\r\n", "refused");
        check(" 5\r\nhello\r\n", "refused");
        check("5\nhello\n0\n\n", "refused");
        check("5\r\nhello!\r\n", "refused");
        check("5\r\nhello0\r\n\r\n", "refused");
        check("5\r\nhello\n0\r\n\r\n", "refused");
        check("5;\u{1}\r\nhello\r\n", "refused");
        check("0\r\nno colon\r\n\r\n", "refused");
        check("0\r\nA : b\r\n\r\n", "refused");
        check("0\r\nA: \u{0}\r\n\r\n", "refused");
        check("0\r\n: b\r\n\r\n", "refused");
        check("10000000000000000\r\n", "refused");
        check(&format!("5;{}", "a".repeat(MAX_LINE_BYTES)), "refused");
        check(&format!("0\r\n{}\r\n", "A: b\r\n".repeat(MAX_TRAILER_LINES + 1)), "refused");
    }
}
