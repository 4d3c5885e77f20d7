//! Writing an answer's head (RFC 9113 §6.2): its field section (HPACK, RFC 7541) from the lines of a head in HTTP/1.1, which
//! say the same.
//!
//! It is written by the static table and literals alone: nothing depends on what was sent before, and nothing is remembered
//! for a client.

use super::frame::{END_HEADERS, END_STREAM, Frame, HEAD_BYTES, Kind, MAX_FRAME_BYTES};
use crate::h1::written::WrittenHead;
use crate::prefix_integer::{write, write_text};

/// An indexed line (RFC 7541 §6.1), and a literal that is not added to the client's table (§6.2.2).
const INDEXED: u8 = 0b1000_0000;
const LITERAL: u8 = 0b0000_0000;

/// A client's table that has no room (RFC 7541 §6.3).
const NO_TABLE: u8 = 0b0010_0000;

/// Places of statuses, and of the name of others (RFC 7541, appendix A).
const STATUSES: [(u16, usize); 7] =
    [(200, 8), (204, 9), (206, 10), (304, 11), (400, 12), (404, 13), (500, 14)];
const STATUS_NAME: usize = 8;

/// Whether content follows a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Followed {
    /// It does.
    ByContent,
    /// The stream ends with it.
    ByNothing,
}

/// What a client must be told of its table before the next section (RFC 7541 §4.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Table {
    /// Nothing.
    #[default]
    AsItIs,
    /// That it is not used, whatever it has room for.
    Unused,
}

/// Writes the frames of a head.
pub fn write_head(out: &mut Vec<u8>, stream: u32, head: &WrittenHead<'_>, followed: Followed, table: Table) {
    let start = out.len();
    out.extend_from_slice(&[0; HEAD_BYTES]);
    match table {
        Table::AsItIs => {}
        Table::Unused => out.push(NO_TABLE),
    }
    write_status(out, head.status);
    head.lines.clone().for_each(|(name, value)| write_line(out, name, value));
    let end_stream = match followed {
        Followed::ByContent => 0,
        Followed::ByNothing => END_STREAM,
    };
    let length = out.len() - start - HEAD_BYTES;
    if length <= MAX_FRAME_BYTES {
        let frame =
            Frame { kind: Kind::Headers, flags: END_HEADERS | end_stream, stream, length: length as u32 };
        out[start..start + HEAD_BYTES].copy_from_slice(&frame.to_bytes());
    } else {
        let section = out.split_off(start + HEAD_BYTES);
        out.truncate(start);
        write_in_parts(out, stream, &section, end_stream);
    }
}

/// Writes a section that does not fit a frame (RFC 9113 §6.10).
fn write_in_parts(out: &mut Vec<u8>, stream: u32, section: &[u8], end_stream: u8) {
    let (mut kind, mut flags) = (Kind::Headers, end_stream);
    let mut parts = section.chunks(MAX_FRAME_BYTES).peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            flags |= END_HEADERS;
        }
        out.extend_from_slice(&Frame { kind, flags, stream, length: part.len() as u32 }.to_bytes());
        out.extend_from_slice(part);
        (kind, flags) = (Kind::Continuation, 0);
    }
}

fn write_status(out: &mut Vec<u8>, status: u16) {
    match STATUSES.iter().find(|(known, _)| *known == status) {
        Some((_, place)) => write(out, INDEXED, 7, *place),
        None => {
            write(out, LITERAL, 4, STATUS_NAME);
            write_text(out, status.to_string().as_bytes());
        }
    }
}

/// Adds a line; the name is put into lower case (RFC 9113 §8.2).
fn write_line(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    match place_of(name) {
        Some(place) => write(out, LITERAL, 4, place),
        None => {
            out.push(LITERAL);
            write(out, 0, 7, name.len());
            out.extend(name.iter().map(u8::to_ascii_lowercase));
        }
    }
    write_text(out, value);
}

/// The place of a name in the static table (RFC 7541, appendix A), for those that answers have. Its length decides which are
/// compared.
fn place_of(name: &[u8]) -> Option<usize> {
    let known: &[(&str, usize)] = match name.len() {
        3 => &[("age", 21)],
        4 => &[("date", 33), ("etag", 34), ("vary", 59), ("link", 45)],
        5 => &[("allow", 22)],
        6 => &[("server", 54)],
        7 => &[("expires", 36)],
        8 => &[("location", 46)],
        11 => &[("retry-after", 53)],
        12 => &[("content-type", 31)],
        13 => &[("last-modified", 44), ("accept-ranges", 18), ("cache-control", 24), ("content-range", 30)],
        14 => &[("content-length", 28)],
        16 => &[("content-encoding", 26), ("content-language", 27), ("content-location", 29)],
        19 => &[("content-disposition", 25)],
        25 => &[("strict-transport-security", 56)],
        27 => &[("access-control-allow-origin", 20)],
        _ => &[],
    };
    known.iter().find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name)).map(|(_, place)| *place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::h2::decoder::Decoder;
    use crate::h2::field_section::FieldSection;
    use crate::h2::static_table::ENTRIES;

    /// Decodes what is written for a head with these lines.
    #[track_caller]
    fn check(head: &str, followed: Followed, table: Table, frames: &str, expect: &str) {
        let mut out = b"before".to_vec();
        write_head(&mut out, 7, &WrittenHead::read(head.as_bytes()), followed, table);
        let (mut rest, mut block, mut told) = (&out[6..], Vec::new(), Vec::new());
        while let Some((head, behind)) = rest.split_first_chunk() {
            let frame = Frame::read(*head);
            assert_eq!(frame.stream, 7);
            told.push(format!("{:?} {:x} {}", frame.kind, frame.flags, frame.length));
            let (part, behind) = behind.split_at(frame.length as usize);
            block.extend_from_slice(part);
            rest = behind;
        }
        assert_eq!(told.join(", "), frames);
        let mut section = FieldSection::default();
        Decoder::default().decode(&block, &mut section).expect("a section");
        let line =
            |(name, value): (&[u8], &[u8])| format!("{}={}", name.escape_ascii(), value.escape_ascii());
        assert_eq!(section.lines().map(line).collect::<Vec<_>>().join("; "), expect);
    }

    #[test]
    fn heads_say_the_same() {
        use Followed::{ByContent, ByNothing};
        let usual = "HTTP/1.1 200 OK\r\nServer: tallyd\r\nX-Own: a: b\r\nConnection: close\r\nContent-Length: 5\r\n\r\n";
        let expect = ":status=200; server=tallyd; x-own=a: b; content-length=5";
        check(usual, ByContent, Table::AsItIs, "Headers 4 26", expect);
        check(usual, ByNothing, Table::Unused, "Headers 5 27", expect);
        let other = "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */5\r\n\r\n";
        check(other, ByNothing, Table::AsItIs, "Headers 5 17", ":status=416; content-range=bytes */5");
    }

    #[test]
    fn long_heads_are_continued() {
        let value = "v".repeat(16_000);
        let lines = format!("A: {value}\r\n");
        let head = format!("HTTP/1.1 204 No Content\r\n{lines}\r\n");
        check(
            &head,
            Followed::ByContent,
            Table::AsItIs,
            "Headers 4 16007",
            &format!(":status=204; a={value}"),
        );
        let mut out = Vec::new();
        let longer = format!("HTTP/1.1 204 No Content\r\n{lines}{lines}{lines}\r\n");
        let head = WrittenHead::read(longer.as_bytes());
        write_head(&mut out, 1, &head, Followed::ByNothing, Table::AsItIs);
        let first = Frame::read(*out.first_chunk().expect("a frame"));
        assert_eq!(
            (first.kind, first.flags, first.length as usize),
            (Kind::Headers, END_STREAM, MAX_FRAME_BYTES)
        );
        let second = Frame::read(*out[HEAD_BYTES + MAX_FRAME_BYTES..].first_chunk().expect("a frame"));
        assert_eq!((second.kind, second.flags), (Kind::Continuation, 0));
        let at = 2 * (HEAD_BYTES + MAX_FRAME_BYTES);
        let third = Frame::read(*out[at..].first_chunk().expect("a frame"));
        assert_eq!((third.kind, third.flags), (Kind::Continuation, END_HEADERS));
        assert_eq!(out.len(), at + HEAD_BYTES + third.length as usize);
    }

    #[test]
    fn places_are_those_of_the_table() {
        for (name, _) in ENTRIES {
            if let Some(place) = place_of(name.to_ascii_uppercase().as_bytes()) {
                assert_eq!(ENTRIES[place - 1].0, name);
            }
        }
        for (status, place) in STATUSES {
            assert_eq!(ENTRIES[place - 1], (":status", status.to_string().as_str()));
        }
        assert_eq!((place_of(b"Content-Type"), place_of(b"X-Own"), place_of(b"")), (Some(31), None, None));
    }
}
