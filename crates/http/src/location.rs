//! Where a client is sent: the value of `Location` (RFC 9110 §10.2.2).
//!
//! A location is a path of this site, whose authority is the client's own business, or an absolute reference that the
//! publisher wrote. A path that a client made up never becomes an authority: two slashes at the start, or a slash
//! and a backslash, would lead to another host (RFC 3986 §4.2, and the URL Standard, which reads `\` as `/`).

use std::fmt::{self, Display};

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

    /// The same with the query that was sent along, unless it has its own.
    #[must_use]
    pub fn with_query(self, query: Option<&[u8]>) -> Location {
        let Some(query) = query else { return self };
        let Location(mut location) = self;
        location.push('?');
        encode(&mut location, query, |byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>'));
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
}
