//! A request as this server understands it, whatever version of HTTP carried it (RFC 9110 §3.4).

use crate::field_lines::FieldLines;
use crate::fields::Fields;
use crate::method::Method;
use crate::percent_encoding::first_escape;
use crate::refusal::Refusal;

/// A request's head. It borrows from the bytes that it was read from.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// What is asked for.
    pub method: Method,
    /// The method, as sent.
    pub method_token: &'a str,
    /// The request target, as sent: `target::Target::parse` says what it means.
    pub target: &'a [u8],
    /// The version.
    pub version: Version,
    /// The fields that matter here.
    pub fields: Fields<'a>,
}

/// A version of HTTP (RFC 9110 §2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0: connections end after one request unless both sides say otherwise.
    Http10,
    /// HTTP/1.1: connections persist unless one side says otherwise.
    Http11,
    /// HTTP/2: each request has a stream of its own, whose end is the end of its content.
    Http2,
    /// HTTP/3: each request has a stream of its own, whose end is the end of its content.
    Http3,
}

/// Whether the client waits for permission before it sends its content (RFC 9110 §10.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// The client sends its content at once.
    Absent,
    /// The client waits for `100 Continue` or a final answer.
    Continue,
}

impl Request<'_> {
    /// Checks `Host` (RFC 9112 §3.2): required in HTTP/1.1, never repeated, and of valid form.
    pub fn check_host(&self) -> Result<(), Refusal> {
        match (&self.fields.host, self.version) {
            (FieldLines::One(host), _) if is_host(host) => Ok(()),
            (FieldLines::Absent, Version::Http10) => Ok(()),
            (FieldLines::Absent | FieldLines::One(_) | FieldLines::Repeated(_), _) => Err(Refusal::BadHost),
        }
    }

    /// Reads `Expect`; anything other than `100-continue` is refused. HTTP/1.0 has no expectations.
    pub fn expectation(&self) -> Result<Expectation, Refusal> {
        let mut members = self.fields.expect.members();
        match (self.version, members.next(), members.next()) {
            (Version::Http10, _, _) | (Version::Http11 | Version::Http2 | Version::Http3, None, _) => {
                Ok(Expectation::Absent)
            }
            (Version::Http11 | Version::Http2 | Version::Http3, Some(only), None)
                if only.eq_ignore_ascii_case(b"100-continue") =>
            {
                Ok(Expectation::Continue)
            }
            (Version::Http11 | Version::Http2 | Version::Http3, Some(_), _) => {
                Err(Refusal::ExpectationFailed)
            }
        }
    }
}

/// Whether a value is `uri-host [ ":" port ]` (RFC 9110 §7.2): by its characters, which is enough to keep
/// paths, user information, lists and white space out. Empty is valid (RFC 9112 §3.2).
fn is_host(value: &[u8]) -> bool {
    let after = match value.strip_prefix(b"[") {
        None => Some(behind_name(value)),
        Some(literal) => behind_address(literal),
    };
    after.is_some_and(|after| match after {
        [] => true,
        [b':', port @ ..] => port.iter().all(u8::is_ascii_digit),
        [_, ..] => false,
    })
}

/// What follows the name at the start of `value`, which may be empty.
fn behind_name(mut value: &[u8]) -> &[u8] {
    loop {
        let end = value.iter().position(|byte| !IS_IN_NAME[usize::from(*byte)]);
        value = &value[end.unwrap_or(value.len())..];
        match first_escape(value) {
            Some(_) => value = &value[3..],
            None => return value,
        }
    }
}

/// What follows the bracket that ends `literal`, if it is an address up to there.
fn behind_address(literal: &[u8]) -> Option<&[u8]> {
    let mut rest = behind_name(literal);
    while let [b':', after @ ..] = rest {
        rest = behind_name(after);
    }
    rest.strip_prefix(b"]").filter(|_| rest.len() < literal.len())
}

/// The characters of a name that stand for themselves (RFC 3986 §3.2.2), by their codes: every request is asked for each of
/// its host's.
const IS_IN_NAME: [bool; 256] = {
    let mut table = [false; 256];
    let characters = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-._~!$&'()*+;=";
    let mut at = 0;
    while at < characters.len() {
        table[characters[at] as usize] = true;
        at += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    fn request<'a>(version: Version, lines: &[(&'a str, &'a [u8])]) -> Request<'a> {
        let fields = Fields::collect(lines.iter().copied());
        Request { method: Method::Get, method_token: "GET", target: b"/", version, fields }
    }

    #[test]
    fn host_rfc_9112_3_2() {
        #[track_caller]
        fn check(version: Version, hosts: &[&str], expect: Result<(), Refusal>) {
            let lines: Vec<_> = hosts.iter().map(|host| ("Host", host.as_bytes())).collect();
            assert_eq!(request(version, &lines).check_host(), expect, "{hosts:?}");
        }
        use Version::{Http10, Http11};
        let refused = Err(Refusal::BadHost);
        check(Http11, &["example.org"], Ok(()));
        check(Http11, &["example.org:8080"], Ok(()));
        check(Http11, &["example.org:"], Ok(()));
        check(Http11, &["[::1]:80"], Ok(()));
        check(Http11, &["[::1]"], Ok(()));
        check(Http11, &["a_b.example"], Ok(()));
        check(Http11, &[""], Ok(()));
        check(Http10, &[], Ok(()));
        check(Http10, &["a"], Ok(()));
        check(Http11, &[], refused);
        check(Http11, &["a", "a"], refused);
        check(Http10, &["a", "b"], refused);
        check(Http11, &["a%41"], Ok(()));
        check(Http11, &["%zz"], refused);
        check(Http11, &["a%4"], refused);
        check(Http11, &["a b"], refused);
        check(Http11, &["a,b"], refused);
        check(Http11, &["a/b"], refused);
        check(Http11, &["user@a"], refused);
        check(Http11, &["a:b"], refused);
        check(Http11, &["a:80:80"], refused);
        check(Http11, &["[::1"], refused);
        check(Http11, &["[]"], refused);
        check(Http11, &["[fe80::1%25eth0]"], Ok(()));
        check(Http11, &["[fe80::1%eth0]"], refused);
        check(Http11, &["[::1]]"], refused);
        check(Http11, &["a%41:80"], Ok(()));
        check(Http11, &["a:%38"], refused);
        check(Http11, &["[::1]x"], refused);
        check(Http11, &["::1"], refused);
    }

    #[test]
    fn expectations_rfc_9110_10_1_1() {
        #[track_caller]
        fn check(version: Version, value: Option<&str>, expect: Result<Expectation, Refusal>) {
            let lines: Vec<_> = value.iter().map(|value| ("Expect", value.as_bytes())).collect();
            assert_eq!(request(version, &lines).expectation(), expect, "{value:?}");
        }
        check(Version::Http11, None, Ok(Expectation::Absent));
        check(Version::Http11, Some("100-continue"), Ok(Expectation::Continue));
        check(Version::Http11, Some("100-Continue"), Ok(Expectation::Continue));
        check(Version::Http11, Some(""), Ok(Expectation::Absent));
        check(Version::Http10, Some("100-continue"), Ok(Expectation::Absent));
        check(Version::Http11, Some("200-ok"), Err(Refusal::ExpectationFailed));
        check(Version::Http11, Some("100-continue, x"), Err(Refusal::ExpectationFailed));
    }
}
