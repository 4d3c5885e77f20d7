//! Writing a response's head (RFC 9112 §4, §5).

use std::io::Write;

use crate::h1::persistence::Persistence;
use crate::response::Fields;
use crate::status::Status;

/// The start of every head: status line, `Date` and `Server`.
///
/// `date` is an IMF-fixdate (RFC 9110 §5.6.7). Without `Server`'s version: what runs here is the operator's to tell.
pub fn write_start(out: &mut Vec<u8>, status: Status, date: &[u8]) {
    let Status { code, reason } = status;
    for part in ["HTTP/1.1 ", &code.to_string(), " ", reason, "\r\nServer: tallyd\r\nDate: "] {
        out.extend_from_slice(part.as_bytes());
    }
    out.extend_from_slice(date);
    out.extend_from_slice(b"\r\n");
}

/// One field line. The value is a valid field value: no CR, LF or NUL (RFC 9110 §5.5).
pub fn write_field(out: &mut Vec<u8>, name: &str, value: &str) {
    debug_assert!(!value.contains(['\r', '\n', '\0']), "{name}: {value:?} is not a field value");
    for part in [name, ": ", value, "\r\n"] {
        out.extend_from_slice(part.as_bytes());
    }
}

/// The field lines of a planned response.
pub fn write_fields(out: &mut Vec<u8>, fields: &Fields<'_>) {
    for field in fields.iter() {
        write!(out, "{}: {field}\r\n", field.name()).expect("writing to a vector cannot fail");
    }
}

/// A chunk of content whose length was not known (RFC 9112 §7.1); the empty one is the last.
pub fn write_chunk(out: &mut Vec<u8>, content: &[u8]) {
    write!(out, "{:x}\r\n", content.len()).expect("writing to a vector cannot fail");
    out.extend_from_slice(content);
    out.extend_from_slice(b"\r\n");
}

/// The end of the head: what becomes of the connection, and the empty line.
pub fn write_end(out: &mut Vec<u8>, persistence: Persistence) {
    out.extend_from_slice(persistence.field_line().as_bytes());
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_rfc_9112_7_1() {
        let mut out = Vec::new();
        write_chunk(&mut out, b"seventeen letters");
        write_chunk(&mut out, b"");
        assert_eq!(String::from_utf8_lossy(&out), "11\r\nseventeen letters\r\n0\r\n\r\n");
    }

    #[test]
    fn a_head_is_lines_that_end_in_crlf() {
        let mut out = Vec::new();
        write_start(&mut out, Status::NOT_FOUND, b"Sun, 06 Nov 1994 08:49:37 GMT");
        write_field(&mut out, "Content-Length", "0");
        write_end(&mut out, Persistence::Close);
        let expect = "HTTP/1.1 404 Not Found\r\nServer: tallyd\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
                      Content-Length: 0\r\nConnection: close\r\n\r\n";
        assert_eq!(String::from_utf8_lossy(&out), expect);
    }
}
