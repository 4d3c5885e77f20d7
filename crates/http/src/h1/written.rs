//! The lines of a head that `writer` has written, for versions of HTTP that send them in another form.
//!
//! So there is one writer of heads, and what is prepared of them serves every version.

use memchr::memchr;

/// What begins every status line; three digits follow.
const BEFORE_STATUS: usize = "HTTP/1.1 ".len();

/// A head, at the start of an answer.
#[derive(Clone, Debug)]
pub struct WrittenHead<'a> {
    /// The status code.
    pub status: u16,
    /// The field lines that are not about one connection.
    pub lines: Lines<'a>,
    /// The length of the head in bytes, with the empty line: where the content begins.
    pub length: usize,
}

/// Field lines in the order of the head, as names and values.
#[derive(Clone, Debug)]
pub struct Lines<'a>(&'a [u8]);

impl<'a> WrittenHead<'a> {
    /// The head that `bytes` begin with, which `writer` has written.
    pub fn read(bytes: &'a [u8]) -> WrittenHead<'a> {
        let start = memchr(b'\n', bytes).map_or(bytes.len(), |end| end + 1);
        let digits = bytes.get(BEFORE_STATUS..BEFORE_STATUS + 3).unwrap_or(b"500");
        let status = digits.iter().fold(0, |code, digit| code * 10 + u16::from(digit.wrapping_sub(b'0')));
        let mut rest = &bytes[start..];
        let length = loop {
            match split_line(rest) {
                Some((b"", after)) => break bytes.len() - after.len(),
                Some((_, after)) => rest = after,
                None => break bytes.len(),
            }
        };
        WrittenHead { status, lines: Lines(&bytes[start..length]), length }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (line, after) = split_line(self.0)?;
            self.0 = after;
            let colon = memchr(b':', line)?;
            let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
            if !is_about_connection(name) {
                return Some((name, value));
            }
        }
    }
}

/// Whether a field is about one connection, which later versions have other means for (RFC 9113 §8.2.2).
fn is_about_connection(name: &[u8]) -> bool {
    [b"Connection".as_slice(), b"Transfer-Encoding"].iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// The first line without its end, and what follows it.
fn split_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr(b'\n', bytes)?;
    Some((bytes[..end].trim_ascii_end(), &bytes[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(head: &str, status: u16, lines: &[(&str, &str)]) {
        let bytes = format!("{head}content: of\r\n\r\nthe answer");
        let read = WrittenHead::read(bytes.as_bytes());
        assert_eq!((read.status, read.length), (status, head.len()), "{head}");
        let expect: Vec<_> = lines.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
        assert_eq!(read.lines.collect::<Vec<_>>(), expect, "{head}");
    }

    #[test]
    fn lines_are_read_as_they_were_written() {
        check("HTTP/1.1 200 OK\r\nServer: tallyd\r\n\r\n", 200, &[("Server", "tallyd")]);
        check("HTTP/1.1 404 Not Found\r\n\r\n", 404, &[]);
        check(
            "HTTP/1.1 206 Partial Content\r\nX: a: b\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nEmpty: \r\n\r\n",
            206,
            &[("X", "a: b"), ("Empty", "")],
        );
    }
}
