//! Where a request's content ends (RFC 9112 §6.3). Whatever could be read in two ways is refused: that is
//! how requests are smuggled past a proxy (RFC 9112 §11.2).

use crate::field_lines::{FieldLines, is_token};
use crate::refusal::Refusal;
use crate::request::{Request, Version};

/// How the content of a request is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// There is no content.
    Empty,
    /// The content is this many bytes.
    Length(u64),
    /// The content is in chunks (RFC 9112 §7.1).
    Chunked,
}

/// Decides the framing of a request from its fields.
///
/// Refuses `Transfer-Encoding` together with `Content-Length` or in HTTP/1.0, transfer codings other than a
/// single `chunked`, and a `Content-Length` that is repeated or not a plain number.
pub fn of_request(request: &Request<'_>) -> Result<Framing, Refusal> {
    let fields = &request.fields;
    match (&fields.transfer_encoding, &fields.content_length) {
        (FieldLines::Absent, FieldLines::Absent) => Ok(Framing::Empty),
        (FieldLines::Absent, FieldLines::One(length)) => content_length(length),
        (FieldLines::One(codings), FieldLines::Absent) if request.version == Version::Http11 => {
            transfer_codings(codings)
        }
        (FieldLines::Absent | FieldLines::One(_) | FieldLines::Repeated(_), _) => {
            Err(Refusal::AmbiguousFraming)
        }
    }
}

/// RFC 9110 §8.6: digits only. A list of equal numbers could be accepted, but no honest client sends one.
fn content_length(value: &[u8]) -> Result<Framing, Refusal> {
    let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(value).ok().filter(|_| is_number).ok_or(Refusal::AmbiguousFraming)?;
    match text.parse() {
        Ok(0) => Ok(Framing::Empty),
        Ok(length) => Ok(Framing::Length(length)),
        Err(_) => Err(Refusal::AmbiguousFraming),
    }
}

/// RFC 9112 §6.1: `chunked` is last and applied once; a coding that is unknown here is 501, and one that makes
/// `chunked` not the last is 400, because the end of the content cannot be told.
fn transfer_codings(value: &[u8]) -> Result<Framing, Refusal> {
    if value.eq_ignore_ascii_case(b"chunked") {
        return Ok(Framing::Chunked);
    }
    let codings: Vec<&[u8]> = value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii).collect();
    let is_chunked = |coding: &&[u8]| coding.eq_ignore_ascii_case(b"chunked");
    let ends_once_in_chunked = codings.iter().position(is_chunked) == Some(codings.len() - 1);
    let others_are_tokens = codings.iter().all(|coding| is_token(coding));
    if ends_once_in_chunked && others_are_tokens {
        Err(Refusal::NotImplemented)
    } else {
        Err(Refusal::AmbiguousFraming)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::Fields;
    use crate::method::Method;

    #[track_caller]
    fn check(version: Version, lines: &[(&str, &str)], expect: Result<Framing, Refusal>) {
        let fields = Fields::collect(lines.iter().map(|&(name, value)| (name, value.as_bytes())));
        let request = Request { method: Method::Get, method_token: "GET", target: b"/", version, fields };
        assert_eq!(of_request(&request), expect, "{lines:?}");
    }

    #[test]
    fn content_length_rfc_9110_8_6() {
        let check = |value, expect| check(Version::Http11, &[("Content-Length", value)], expect);
        check("0", Ok(Framing::Empty));
        check("5", Ok(Framing::Length(5)));
        check("005", Ok(Framing::Length(5)));
        check("18446744073709551615", Ok(Framing::Length(u64::MAX)));
        for bad in ["", "-1", "+5", "5,5", "5, 6", "0x5", "5 5", "5.0", "five", "18446744073709551616"] {
            check(bad, Err(Refusal::AmbiguousFraming));
        }
    }

    #[test]
    fn framing_rfc_9112_6_3() {
        use Version::{Http10, Http11};
        let ambiguous = Err(Refusal::AmbiguousFraming);
        check(Http11, &[], Ok(Framing::Empty));
        check(Http11, &[("Transfer-Encoding", "chunked")], Ok(Framing::Chunked));
        check(Http11, &[("transfer-encoding", "Chunked")], Ok(Framing::Chunked));
        check(Http11, &[("Transfer-Encoding", "gzip, chunked")], Err(Refusal::NotImplemented));
        check(Http11, &[("Transfer-Encoding", "x-gzip, chunked")], Err(Refusal::NotImplemented));
        check(Http11, &[("Transfer-Encoding", "chunked, gzip")], ambiguous);
        check(Http11, &[("Transfer-Encoding", "chunked, chunked")], ambiguous);
        check(Http11, &[("Transfer-Encoding", "gzip")], ambiguous);
        check(Http11, &[("Transfer-Encoding", "identity")], ambiguous);
        check(Http11, &[("Transfer-Encoding", "\"chunked\"")], ambiguous);
        check(Http11, &[("Transfer-Encoding", "x chunked")], ambiguous);
        check(Http11, &[("Transfer-Encoding", ",chunked")], ambiguous);
        check(Http11, &[("Transfer-Encoding", "")], ambiguous);
        check(Http11, &[("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "chunked")], ambiguous);
        check(Http11, &[("Transfer-Encoding", "chunked"), ("Content-Length", "5")], ambiguous);
        check(Http11, &[("Content-Length", "5"), ("Content-Length", "5")], ambiguous);
        check(Http11, &[("Content-Length", "5"), ("Content-Length", "6")], ambiguous);
        check(Http10, &[("Transfer-Encoding", "chunked")], ambiguous);
        check(Http10, &[("Content-Length", "5")], Ok(Framing::Length(5)));
    }
}
