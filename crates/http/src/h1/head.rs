//! Reading a request's head (RFC 9112 §2–5).
//!
//! The tokens come from `httparse` in its strict setting: no folded lines, no white space before a colon, no bare
//! CR, no control characters. A bare LF ends a line (RFC 9112 §2.2 allows it, and people type it).

use std::mem::MaybeUninit;

use memchr::memchr;

use crate::fields::Fields;
use crate::method::Method;
use crate::refusal::Refusal;
use crate::request::{Request, Version};

/// The longest head, in bytes, request line and field section together. Browsers send under 2 KiB; cookies of
/// other applications on the same name can make it four times that.
pub const MAX_HEAD_BYTES: usize = 16 * 1024;

/// The longest request target, in bytes: the length that RFC 9112 §3 asks every recipient to support.
pub const MAX_TARGET_BYTES: usize = 8000;

/// The most field lines: what nginx and Apache accept, and more than any browser sends.
pub(crate) const MAX_FIELD_LINES: usize = 100;

/// What the bytes received so far amount to.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "it lives on the stack for one call, and the large variant is the usual one"
)]
pub enum Head<'a> {
    /// A whole head.
    Complete {
        /// The request.
        request: Request<'a>,
        /// Its length in bytes: where the content, or the next head, begins.
        length: usize,
    },
    /// Nothing wrong yet, and more is needed.
    Partial,
    /// No request can come of this.
    Refused(Refusal),
}

/// Reads the head at the start of `bytes`, skipping empty lines before it (RFC 9112 §2.2).
pub fn read(bytes: &[u8]) -> Head<'_> {
    let mut lines = [const { MaybeUninit::uninit() }; MAX_FIELD_LINES];
    let mut parsed = httparse::Request::new(&mut []);
    match parsed.parse_with_uninit_headers(bytes, &mut lines) {
        Ok(httparse::Status::Complete(length)) if length > MAX_HEAD_BYTES => Head::Refused(too_long(bytes)),
        Ok(httparse::Status::Complete(length)) => match assemble(&parsed, parsed.headers) {
            Ok(request) => Head::Complete { request, length },
            Err(refusal) => Head::Refused(refusal),
        },
        Ok(httparse::Status::Partial) => unfinished(bytes),
        Err(httparse::Error::TooManyHeaders) => Head::Refused(Refusal::FieldsTooLarge),
        Err(httparse::Error::Version) => read_other_version(&parsed, bytes),
        Err(
            httparse::Error::HeaderName
            | httparse::Error::HeaderValue
            | httparse::Error::NewLine
            | httparse::Error::Status
            | httparse::Error::Token,
        ) => Head::Refused(Refusal::Malformed),
    }
}

fn assemble<'a>(
    parsed: &httparse::Request<'_, 'a>,
    lines: &[httparse::Header<'a>],
) -> Result<Request<'a>, Refusal> {
    let (Some(method), Some(target), Some(minor)) = (parsed.method, parsed.path, parsed.version) else {
        return Err(Refusal::Malformed);
    };
    if target.len() > MAX_TARGET_BYTES {
        return Err(Refusal::TargetTooLong);
    }
    Ok(Request {
        method: Method::parse(method),
        method_token: method,
        target: target.as_bytes(),
        version: if minor == 0 { Version::Http10 } else { Version::Http11 },
        fields: Fields::collect(lines.iter().map(|line| (line.name, line.value))),
    })
}

/// A head that is not complete: more may come, up to the limit.
fn unfinished(bytes: &[u8]) -> Head<'_> {
    if bytes.len() < MAX_HEAD_BYTES { Head::Partial } else { Head::Refused(too_long(bytes)) }
}

/// What makes a head too long: its request line, or its fields.
fn too_long(bytes: &[u8]) -> Refusal {
    match memchr(b'\n', bytes.trim_ascii_start()) {
        Some(end) if end <= MAX_TARGET_BYTES => Refusal::FieldsTooLarge,
        Some(_) | None => Refusal::TargetTooLong,
    }
}

/// A head whose version is neither 1.0 nor 1.1: later minor versions are read as 1.1 (RFC 9110 §2.5), other major
/// ones get 505, and what is no version is malformed. The verdict waits for the end of the line, so that it does not
/// depend on how the bytes were split on the way.
fn read_other_version<'a>(parsed: &httparse::Request<'_, 'a>, bytes: &'a [u8]) -> Head<'a> {
    let start = bytes.len() - bytes.trim_ascii_start().len();
    let Some(line_length) = memchr(b'\n', &bytes[start..]) else { return unfinished(bytes) };
    let line = bytes[start..start + line_length].trim_ascii_end();
    let version = line.splitn(3, |&byte| byte == b' ').nth(2).unwrap_or_default();
    match *version {
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'2'..=b'9'] => {
            read_as_http11(parsed, bytes, start + line_length + 1)
        }
        [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => {
            Head::Refused(Refusal::VersionNotSupported)
        }
        _ => Head::Refused(Refusal::Malformed),
    }
}

/// Reads the field section behind a request line whose method and target have been read.
fn read_as_http11<'a>(parsed: &httparse::Request<'_, 'a>, bytes: &'a [u8], fields_at: usize) -> Head<'a> {
    let mut lines = [httparse::EMPTY_HEADER; MAX_FIELD_LINES];
    match httparse::parse_headers(&bytes[fields_at..], &mut lines) {
        Ok(httparse::Status::Complete((length, lines))) => {
            let mut whole = httparse::Request::new(&mut []);
            (whole.method, whole.path, whole.version) = (parsed.method, parsed.path, Some(1));
            match assemble(&whole, lines) {
                Ok(request) => Head::Complete { request, length: fields_at + length },
                Err(refusal) => Head::Refused(refusal),
            }
        }
        Ok(httparse::Status::Partial) => unfinished(bytes),
        Err(httparse::Error::TooManyHeaders) => Head::Refused(Refusal::FieldsTooLarge),
        Err(_) => Head::Refused(Refusal::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `expect` is the method, target and version of a complete head with what follows it, or the outcome.
    #[track_caller]
    fn check(bytes: &str, expect: &str) {
        assert_eq!(describe(read(bytes.as_bytes()), bytes.as_bytes()), expect, "{bytes:?}");
    }

    fn describe(head: Head<'_>, bytes: &[u8]) -> String {
        match head {
            Head::Complete { request, length } => {
                let (target, rest) = (request.target.escape_ascii(), bytes[length..].escape_ascii());
                format!("{:?} {target} {:?} +{rest}", request.method, request.version)
            }
            Head::Partial => "partial".to_owned(),
            Head::Refused(refusal) => format!("{refusal:?}"),
        }
    }

    #[test]
    fn request_line_rfc_9112_3() {
        check("GET / HTTP/1.1\r\n\r\n", "Get / Http11 +");
        check("GET / HTTP/1.0\r\n\r\nnext", "Get / Http10 +next");
        check("\r\n\r\nHEAD /a HTTP/1.1\r\n\r\n", "Head /a Http11 +");
        check("GET / HTTP/1.1\n\n", "Get / Http11 +");
        check("get / HTTP/1.1\r\n\r\n", "Unknown / Http11 +");
        check("GET  / HTTP/1.1\r\n\r\n", "Malformed");
        check(" GET / HTTP/1.1\r\n\r\n", "Malformed");
        check("GET /a b HTTP/1.1\r\n\r\n", "Malformed");
        check("GET /\r\n", "Malformed");
        check("G\u{0}T / HTTP/1.1\r\n\r\n", "Malformed");
        check("\u{16}\u{3}\u{1}", "Malformed");
    }

    #[test]
    fn versions_rfc_9110_2_5() {
        check("GET / HTTP/2.0\r\n\r\n", "VersionNotSupported");
        check("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "VersionNotSupported");
        check("GET / HTTP/1.2\r\n\r\n", "Get / Http11 +");
        check("\r\nGET /a HTTP/1.9\nA: b\n\nnext", "Get /a Http11 +next");
        check("GET / HTTP/1.2\r\nA : b\r\n\r\n", "Malformed");
        check("GET / HTTP/1.2\r\nA: b\r\n", "partial");
        check("GET / HTTP/0.9\n", "VersionNotSupported");
        check("GET / HTTP/2", "partial");
        check("GET / HTTP/2\r\n", "Malformed");
        check("GET / http/1.1\r\n\r\n", "Malformed");
        check("GET / HTTP/11.1\r\n\r\n", "Malformed");
        check("GET / HTTP/1.1 x\r\n\r\n", "Malformed");
    }

    #[test]
    fn field_lines_rfc_9112_5() {
        check("GET / HTTP/1.1\r\nA: b\r\n\r\n", "Get / Http11 +");
        check("GET / HTTP/1.1\r\nA:\r\n\r\n", "Get / Http11 +");
        check("GET / HTTP/1.1\r\nA : b\r\n\r\n", "Malformed");
        check("GET / HTTP/1.1\r\n A: b\r\n\r\n", "Malformed");
        check("GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", "Malformed");
        check("GET / HTTP/1.1\r\nA: b\rc\r\n\r\n", "Malformed");
        check("GET / HTTP/1.1\r\nA: b\u{0}\r\n\r\n", "Malformed");
        check("GET / HTTP/1.1\r\n: b\r\n\r\n", "Malformed");
        check("GET / HTTP/1.1\r\nA\r\n\r\n", "Malformed");
    }

    #[test]
    fn limits_rfc_9112_3_and_rfc_6585_5() {
        let target = "/".repeat(MAX_TARGET_BYTES);
        check(&format!("GET {target} HTTP/1.1\r\n\r\n"), &format!("Get {target} Http11 +"));
        check(&format!("GET {target}/ HTTP/1.1\r\n\r\n"), "TargetTooLong");
        check(&format!("GET /{}", "a".repeat(MAX_HEAD_BYTES)), "TargetTooLong");
        check(&format!("GET / HTTP/1.1\r\nA: {}", "a".repeat(MAX_HEAD_BYTES)), "FieldsTooLarge");
        check(&format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n", "a".repeat(MAX_HEAD_BYTES)), "FieldsTooLarge");
        check(&format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(MAX_FIELD_LINES)), "Get / Http11 +");
        check(&format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(MAX_FIELD_LINES + 1)), "FieldsTooLarge");
    }

    /// However a head is split, every prefix is partial until the verdict, and the verdict is the same.
    #[test]
    fn a_prefix_never_decides_otherwise() {
        for head in [
            "GET /a?b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            "\r\nGET / HTTP/1.0\n\n",
            "GET / HTTP/2.0\r\n\r\n",
            "GET / HTTP/1.9\r\nA: b\r\n\r\n",
            "GET / HTTP/2.9\r\n",
            "GET / http/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nA : b\r\n\r\n",
            "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
        ] {
            let whole = describe(read(head.as_bytes()), head.as_bytes());
            for end in 0..head.len() {
                let prefix = &head.as_bytes()[..end];
                let seen = describe(read(prefix), prefix);
                assert!(seen == "partial" || seen == whole, "{head:?} cut at {end}: {seen}, not {whole}");
            }
        }
    }
}
