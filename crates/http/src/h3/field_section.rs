//! Writing field sections (QPACK, RFC 9204) by the static table and literals alone.
//!
//! Nothing depends on what was sent before, so that no answer waits for another and nothing is remembered for a client.

use crate::prefix_integer::{write, write_text};

/// The required insert count and the base, when no dynamic table is used (RFC 9204 §4.5.1).
const PREFIX: [u8; 2] = [0, 0];

/// Places in the static table (RFC 9204, appendix A) of names that answers have.
const NAMES: [(&str, u8); 24] = [
    ("accept-ranges", 32),
    ("access-control-allow-headers", 33),
    ("access-control-allow-methods", 76),
    ("access-control-allow-origin", 35),
    ("access-control-expose-headers", 79),
    ("age", 2),
    ("alt-svc", 83),
    ("cache-control", 36),
    ("content-disposition", 3),
    ("content-encoding", 42),
    ("content-length", 4),
    ("content-security-policy", 85),
    ("content-type", 44),
    ("date", 6),
    ("etag", 7),
    ("last-modified", 10),
    ("link", 11),
    ("location", 12),
    ("server", 92),
    ("strict-transport-security", 56),
    ("timing-allow-origin", 93),
    ("vary", 59),
    ("x-content-type-options", 61),
    ("x-frame-options", 97),
];

/// Places of whole lines that most answers have.
const LINES: [(&str, &str, u8); 8] = [
    ("accept-ranges", "bytes", 32),
    ("content-encoding", "br", 42),
    ("content-encoding", "gzip", 43),
    ("content-length", "0", 4),
    ("content-type", "text/css", 51),
    ("content-type", "text/html; charset=utf-8", 52),
    ("content-type", "image/png", 50),
    ("x-content-type-options", "nosniff", 61),
];

/// Places of statuses.
const STATUSES: [(u16, u8); 9] =
    [(200, 25), (204, 64), (206, 65), (302, 66), (304, 26), (400, 67), (403, 68), (404, 27), (500, 71)];

/// The place of the name `:status`.
const STATUS_NAME: u8 = 24;

/// An indexed line of the static table (RFC 9204 §4.5.2), a literal with a name from there (§4.5.4), and one with a name of
/// its own (§4.5.6), without Huffman coding: what it saves on a head is worth less than what it costs.
const INDEXED: u8 = 0b1100_0000;
const NAMED: u8 = 0b0101_0000;
const LITERAL: u8 = 0b0010_0000;

/// Begins a section with a status (RFC 9114 §4.3.2).
pub(super) fn begin(out: &mut Vec<u8>, status: u16) {
    out.extend_from_slice(&PREFIX);
    match STATUSES.iter().find(|(known, _)| *known == status) {
        Some((_, place)) => write(out, INDEXED, 6, usize::from(*place)),
        None => {
            write(out, NAMED, 4, usize::from(STATUS_NAME));
            write_text(out, status.to_string().as_bytes());
        }
    }
}

/// Adds a line; the name is put into lower case (RFC 9114 §4.2).
pub(super) fn write_line(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    let is_name = |known: &str| known.as_bytes().eq_ignore_ascii_case(name);
    let Some((known, place)) = NAMES.iter().find(|(known, _)| is_name(known)) else {
        write(out, LITERAL, 3, name.len());
        out.extend(name.iter().map(u8::to_ascii_lowercase));
        return write_text(out, value);
    };
    match LINES.iter().find(|(name, whole, _)| name == known && whole.as_bytes() == value) {
        Some((_, _, place)) => write(out, INDEXED, 6, usize::from(*place)),
        None => {
            write(out, NAMED, 4, usize::from(*place));
            write_text(out, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(add: impl FnOnce(&mut Vec<u8>), expect: &[u8]) {
        let mut out = Vec::new();
        add(&mut out);
        assert_eq!(out.escape_ascii().to_string(), expect.escape_ascii().to_string());
    }

    #[test]
    fn statuses_rfc_9204_appendix_a() {
        check(|out| begin(out, 200), &[0, 0, 0xd9]);
        check(|out| begin(out, 206), &[0, 0, 0xff, 2]);
        check(|out| begin(out, 416), b"\0\0\x5f\x09\x03416");
    }

    #[test]
    fn lines_rfc_9204_4_5() {
        check(|out| write_line(out, b"Accept-Ranges", b"bytes"), &[0xc0 | 32]);
        check(|out| write_line(out, b"Content-Length", b"5"), b"\x54\x015");
        check(|out| write_line(out, b"Server", b"tallyd"), b"\x5f\x4d\x06tallyd");
        check(|out| write_line(out, b"X-Own", b"a b"), b"\x25x-own\x03a b");
        check(|out| write_line(out, b"X-Longer", b""), b"\x27\x01x-longer\0");
        let long = vec![b'v'; 200];
        check(|out| write_line(out, b"ETag", &long), &[b"\x57\x7f\x49", long.as_slice()].concat());
    }
}
