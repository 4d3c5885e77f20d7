//! Writing an answer's frames (RFC 9114 §7.2): its head from the lines of a head in HTTP/1.1, which say the same.
//!
//! So there is one writer of heads, and what is prepared of them serves every protocol.

use super::field_section::{begin, write_line};
use crate::h1::written::WrittenHead;

/// The types of frames that an answer consists of (RFC 9114 §7.2.1, §7.2.2).
const DATA: u8 = 0x00;
const HEADERS: u8 = 0x01;

/// The longest field section whose length is written in four bytes (RFC 9000 §16); no head comes near.
const LONGEST_SECTION: usize = (1 << 30) - 1;

/// Writes the HEADERS frame for the head that `bytes` begin with, and returns the length of that head.
///
/// The head is one that `h1::writer` has written: a status line, field lines, and an empty line.
pub fn write_head(out: &mut Vec<u8>, bytes: &[u8]) -> usize {
    out.push(HEADERS);
    let length_at = out.len();
    out.extend_from_slice(&[0; 4]);
    let head = WrittenHead::read(bytes);
    begin(out, head.status);
    head.lines.for_each(|(name, value)| write_line(out, name, value));
    let length = (out.len() - length_at - 4).min(LONGEST_SECTION) as u32;
    // The two first bits say that it is four bytes long.
    out[length_at..length_at + 4].copy_from_slice(&(length | 0x8000_0000).to_be_bytes());
    head.length
}

/// Begins a DATA frame with this much content, in bytes; at most 2⁶² − 1, which no file is longer than.
pub fn begin_content(out: &mut Vec<u8>, length: u64) {
    out.push(DATA);
    match length {
        0..64 => out.push(length as u8),
        64..16_384 => out.extend_from_slice(&(length as u16 | 0x4000).to_be_bytes()),
        16_384..=0x3fff_ffff => out.extend_from_slice(&(length as u32 | 0x8000_0000).to_be_bytes()),
        _ => out.extend_from_slice(&(length | 0xc000_0000_0000_0000).to_be_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_a_frame_with_the_same_lines() {
        let head = b"HTTP/1.1 200 OK\r\nServer: tallyd\r\nX: a:b\r\nConnection: close\r\n\
                     Content-Length: 5\r\n\r\n";
        let bytes = [head.as_slice(), b"hello"].concat();
        let mut out = Vec::new();
        assert_eq!(write_head(&mut out, &bytes), head.len());
        let section = b"\0\0\xd9\x5f\x4d\x06tallyd\x21x\x03a:b\x54\x015";
        let expect = [b"\x01\x80\0\0".as_slice(), &[section.len() as u8], section].concat();
        assert_eq!(out.escape_ascii().to_string(), expect.escape_ascii().to_string());
    }

    #[test]
    fn lengths_rfc_9000_16() {
        #[track_caller]
        fn check(length: u64, expect: &[u8]) {
            let mut out = Vec::new();
            begin_content(&mut out, length);
            assert_eq!((out[0], &out[1..]), (DATA, expect), "{length}");
        }
        check(0, &[0]);
        check(63, &[63]);
        check(64, &[0x40, 64]);
        check(15_293, &[0x7b, 0xbd]);
        check(16_383, &[0x7f, 0xff]);
        check(16_384, &[0x80, 0, 0x40, 0]);
        check(494_878_333, &[0x9d, 0x7f, 0x3e, 0x7d]);
        check(0x3fff_ffff, &[0xbf, 0xff, 0xff, 0xff]);
        check(0x4000_0000, &[0xc0, 0, 0, 0, 0x40, 0, 0, 0]);
        check(151_288_809_941_952_652, &[0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c]);
    }
}
