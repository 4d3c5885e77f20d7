//! Where a client is sent: the value of `Location` (RFC 9110 §10.2.2).
//!
//! A location is a path of this site, whose authority is the client's own business, or an absolute reference that the
//! publisher wrote. A path that a client made up never becomes an authority: two slashes at the start, or a slash
//! and a backslash, would lead to another host (RFC 3986 §4.2, and the URL Standard, which reads `\` as `/`).

use std::fmt::{self, Display};

use crate::base_path::BasePath;
use crate::percent_encoding::{encode, is_plain_in_segment};
use crate::target::SitePath;

/// A valid field value that leads where it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location(String);

impl Location {
    /// This path of this site.
    pub fn of_path(path: &SitePath<'_>) -> Location {
        let mut location = String::with_capacity(path.as_bytes().len() + 1);
        // A `SitePath` begins with one slash and has no empty segment.
        push_path(&mut location, path.as_bytes());
        Location(location)
    }

    /// A reference that the publisher wrote: a path of this site, or an absolute one, with query and fragment.
    ///
    /// In a path each run of slashes becomes one, so that nothing that was put into it can make it an authority. What is
    /// not printable ASCII is encoded.
    pub fn of_reference(reference: &str) -> Location {
        let path_length = reference.find(['?', '#']).unwrap_or(reference.len());
        let (path, rest) = reference.split_at(path_length);
        let mut location = String::with_capacity(reference.len());
        let mut after_slash = false;
        for &byte in path.as_bytes() {
            let is_slash = matches!(byte, b'/' | b'\\') && path.starts_with('/');
            if !(is_slash && after_slash) {
                encode(
                    &mut location,
                    if is_slash { b"/" } else { std::slice::from_ref(&byte) },
                    is_plain_in_reference,
                );
            }
            after_slash = is_slash;
        }
        encode(&mut location, rest.as_bytes(), is_plain_in_reference);
        Location(location)
    }

    /// This path of a host by HTTPS on a port, where `host` is a valid `Host` field, whose own port does not count;
    /// `None` if it names nobody.
    pub fn of_https(host: &[u8], port: u16, path: &SitePath<'_>) -> Option<Location> {
        // The brackets of an IPv6 address hold colons; behind them, or behind a name, is the port (RFC 3986 §3.2).
        let after_brackets = host.iter().rposition(|&byte| byte == b']').map_or(0, |at| at + 1);
        let name_length = host[after_brackets..]
            .iter()
            .position(|&byte| byte == b':')
            .map_or(host.len(), |at| after_brackets + at);
        let name = str::from_utf8(&host[..name_length]).ok().filter(|name| !name.is_empty())?;
        let mut location = match port {
            443 => format!("https://{name}"),
            port => format!("https://{name}:{port}"),
        };
        push_path(&mut location, path.as_bytes());
        Some(Location(location))
    }

    /// The same below a base, unless it leads to another host.
    #[must_use]
    pub fn beneath(self, base: Option<&BasePath>) -> Location {
        match base {
            Some(base) if self.0.starts_with('/') => {
                let Location(mut location) = Location::of_path(base.path());
                location.push_str(&self.0);
                Location(location)
            }
            Some(_) | None => self,
        }
    }

    /// The same with the query that was sent along, unless it has its own.
    #[must_use]
    pub fn with_query(self, query: Option<&[u8]>) -> Location {
        let (reference, fragment) = self.0.split_at(self.0.find('#').unwrap_or(self.0.len()));
        let Some(query) = query.filter(|_| !reference.contains('?')) else { return self };
        let mut location = format!("{reference}?");
        encode(&mut location, query, is_plain_in_reference);
        location.push_str(fragment);
        Location(location)
    }

    /// The field's value.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Appends a path, each of its segments encoded.
fn push_path(location: &mut String, path: &[u8]) {
    encode(location, path, |byte| byte == b'/' || is_plain_in_segment(byte));
}

/// Whether a byte may stand in a reference as it is; what separates its parts does.
fn is_plain_in_reference(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Target;

    #[test]
    fn paths_of_this_site_rfc_9110_10_2_2() {
        #[track_caller]
        fn check(raw: &str, expect: &str) {
            let Ok(Target::Path { path, query }) = Target::parse(raw.as_bytes()) else { panic!("{raw}") };
            assert_eq!(Location::of_path(&path).with_query(query).as_str(), expect, "{raw}");
        }
        check("/a", "/a");
        check("/a/", "/a/");
        check("/a?b=c&d", "/a?b=c&d");
        check("/a?", "/a?");
        check("//evil.example", "/evil.example");
        check("/%5Cevil.example", "/%5Cevil.example");
        check("/a%20b%3F%25", "/a%20b%3F%25");
        check("/a%0D%0ASet-Cookie:x", "/a%0D%0ASet-Cookie%3Ax");
        check("/é?é\r\nX: y", "/%C3%A9?%C3%A9%0D%0AX:%20y");
    }

    #[test]
    fn the_same_address_by_https() {
        #[track_caller]
        fn check(host: &str, port: u16, path: &str, expect: Option<&str>) {
            let path = SitePath::from_decoded(path.as_bytes()).expect("a path");
            let location = Location::of_https(host.as_bytes(), port, &path);
            assert_eq!(location.as_ref().map(Location::as_str), expect, "{host} {port}");
        }
        check("a.example", 443, "/b/", Some("https://a.example/b/"));
        check("a.example:80", 443, "/b c", Some("https://a.example/b%20c"));
        check("a.example:", 8443, "/", Some("https://a.example:8443/"));
        check("[::1]", 443, "/", Some("https://[::1]/"));
        check("[::1]:8080", 8443, "/", Some("https://[::1]:8443/"));
        check("", 443, "/", None);
        check(":80", 443, "/", None);
    }

    #[test]
    fn references_of_the_publisher() {
        #[track_caller]
        fn check(reference: &str, query: Option<&str>, expect: &str) {
            let location = Location::of_reference(reference).with_query(query.map(str::as_bytes));
            assert_eq!(location.as_str(), expect, "{reference} {query:?}");
        }
        check("/a", None, "/a");
        check("/a", Some("b"), "/a?b");
        check("/a?c", Some("b"), "/a?c");
        check("/a?", Some("b"), "/a?");
        check("/a#d", Some("b"), "/a?b#d");
        check("/a#d?e", Some("b"), "/a?b#d?e");
        check("//evil.example", None, "/evil.example");
        check("/\\evil.example/\\x", None, "/evil.example/x");
        check("/a//b?c=//d", None, "/a/b?c=//d");
        check("/é\r\nX: y", None, "/%C3%A9%0D%0AX:%20y");
        check("https://a.example/b", Some("c"), "https://a.example/b?c");
        check("https://a.example", None, "https://a.example");
    }

    #[test]
    fn below_a_base() {
        let base = BasePath::parse("/two words");
        let base = base.as_ref();
        assert_eq!(Location::of_reference("/a").beneath(base).as_str(), "/two%20words/a");
        assert_eq!(Location::of_reference("/a").beneath(None).as_str(), "/a");
        assert_eq!(Location::of_reference("http://a.example/").beneath(base).as_str(), "http://a.example/");
    }
}
