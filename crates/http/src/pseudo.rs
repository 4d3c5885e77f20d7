//! A request whose start came as pseudo-header fields (RFC 9113 §8.3.1, RFC 9114 §4.3.1).

use crate::fields::Fields;
use crate::h1::head::{MAX_FIELD_LINES, MAX_TARGET_BYTES};
use crate::method::Method;
use crate::refusal::Refusal;
use crate::request::{Request, Version};

/// The parts of a request before its fields.
#[derive(Clone, Copy, Debug)]
pub struct Start<'a> {
    /// The version that it came in.
    pub version: Version,
    /// `:method`.
    pub method: &'a str,
    /// `:path`, or `*` where there is none.
    pub target: &'a [u8],
    /// `:authority`.
    pub authority: Option<&'a [u8]>,
}

/// Whether a request is one (RFC 9113 §8.1.1, RFC 9114 §4.1.2), besides being something to answer.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "it lives on the stack for one call, and the large variant is the usual one"
)]
pub enum Read<'a> {
    /// It is.
    Request(Request<'a>),
    /// It is and is refused; this is its method.
    Refused(Refusal, Method),
    /// It is not, and its stream is to be reset.
    Malformed,
}

/// Reads a request whose field lines are these. The authority takes the place of `Host`; a `Host` that says the same is not
/// counted, and one that says something else makes two, which [`Request::check_host`] refuses.
pub fn read<'a, L>(start: Start<'a>, lines: impl Fn() -> L) -> Read<'a>
where
    L: Iterator<Item = (&'a str, &'a [u8])>,
{
    let Start { version, method, target, authority } = start;
    let is_misplaced = |(name, value): (&str, &[u8])| {
        is_about_connection(name) || (name == "te" && !value.eq_ignore_ascii_case(b"trailers"))
    };
    // What names the server as well is no path (RFC 9113 §8.3.1).
    if lines().any(is_misplaced) || !(target.starts_with(b"/") || target == b"*") {
        return Read::Malformed;
    }
    let known_method = Method::parse(method);
    if target.len() > MAX_TARGET_BYTES {
        return Read::Refused(Refusal::TargetTooLong, known_method);
    }
    // One line of cookies may come in pieces (RFC 9113 §8.2.3, RFC 9114 §4.2.1).
    if lines().filter(|(name, _)| *name != "cookie").count() > MAX_FIELD_LINES {
        return Read::Refused(Refusal::FieldsTooLarge, known_method);
    }
    let host = authority.map(|authority| ("host", authority));
    let mut says_it_again = host;
    let others = lines().filter(|line| says_it_again.take_if(|host| host == line).is_none());
    Read::Request(Request {
        method: known_method,
        method_token: method,
        target,
        version,
        fields: Fields::collect(host.into_iter().chain(others)),
    })
}

/// Whether a field is about one connection, which these requests must not have (RFC 9113 §8.2.2, RFC 9114 §4.2).
fn is_about_connection(name: &str) -> bool {
    matches!(name, "connection" | "keep-alive" | "proxy-connection" | "transfer-encoding" | "upgrade")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(authority: Option<&str>, lines: &[(&str, &str)], expect: &str) {
        let authority = authority.map(str::as_bytes);
        let start = Start { version: Version::Http3, method: "GET", target: b"/a", authority };
        let lines = || lines.iter().map(|(name, value)| (*name, value.as_bytes()));
        let seen = match read(start, lines) {
            Read::Request(request) => match request.check_host() {
                Ok(()) => format!("{:?} {:?}", request.method, request.version),
                Err(refusal) => format!("{refusal:?}"),
            },
            Read::Refused(refusal, method) => format!("{refusal:?} {method:?}"),
            Read::Malformed => "malformed".to_owned(),
        };
        assert_eq!(seen, expect);
    }

    #[test]
    fn fields_of_a_connection_rfc_9114_4_2() {
        check(Some("a"), &[("accept", "*/*")], "Get Http3");
        check(Some("a"), &[("te", "trailers")], "Get Http3");
        check(Some("a"), &[("te", "gzip")], "malformed");
        check(Some("a"), &[("connection", "close")], "malformed");
        check(Some("a"), &[("transfer-encoding", "chunked")], "malformed");
        check(Some("a"), &[("upgrade", "x")], "malformed");
    }

    #[test]
    fn field_lines_are_bounded_and_pieces_of_cookies_are_not_counted() {
        let most = [("x", "y")].repeat(MAX_FIELD_LINES);
        check(Some("a"), &most, "Get Http3");
        check(Some("a"), &[&most[..], &[("cookie", "a=b"), ("cookie", "c=d")]].concat(), "Get Http3");
        check(Some("a"), &[&most[..], &[("x", "y")]].concat(), "FieldsTooLarge Get");
    }

    #[test]
    fn the_authority_is_the_host() {
        check(Some("a"), &[("host", "a")], "Get Http3");
        check(Some("a"), &[("host", "b")], "BadHost");
        check(Some("a"), &[("host", "a"), ("host", "a")], "BadHost");
        check(None, &[("host", "a")], "Get Http3");
        check(None, &[("host", "a"), ("host", "a")], "BadHost");
        check(None, &[], "BadHost");
        check(Some("user@a"), &[], "BadHost");
    }

    #[test]
    fn targets_are_paths_rfc_9113_8_3_1() {
        #[track_caller]
        fn check(method: &str, target: &[u8], expect: &str) {
            let start = Start { version: Version::Http2, method, target, authority: Some(b"a") };
            let seen = match read(start, std::iter::empty) {
                Read::Request(request) => format!("{:?}", request.method),
                Read::Refused(refusal, method) => format!("{refusal:?} {method:?}"),
                Read::Malformed => "malformed".to_owned(),
            };
            assert_eq!(seen, expect, "{}", target.escape_ascii());
        }
        check("GET", b"/a?b", "Get");
        check("OPTIONS", b"*", "Options");
        check("GET", b"a", "malformed");
        check("GET", b"http://a/b", "malformed");
        check("GET", b"?b", "malformed");
        check("GET", b"**", "malformed");
        check("HEAD", &vec![b'/'; MAX_TARGET_BYTES + 1], "TargetTooLong Head");
    }
}
