//! Whether a connection carries another request (RFC 9112 §9.3), and how that is said.

use crate::field_lines::FieldLines;
use crate::request::Version;

/// What becomes of the connection after this answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persistence {
    /// HTTP/1.1's default: nothing needs to be said.
    Keep,
    /// HTTP/1.0 asked for it, and is told that it is granted.
    KeepSaid,
    /// This answer is the last; the client is told.
    Close,
}

impl Persistence {
    /// What the request asks for.
    pub fn of_request(version: Version, connection: &FieldLines<'_>) -> Persistence {
        let says =
            |option: &str| connection.members().any(|token| token.eq_ignore_ascii_case(option.as_bytes()));
        match version {
            _ if says("close") => Persistence::Close,
            Version::Http11 | Version::Http2 | Version::Http3 => Persistence::Keep,
            Version::Http10 if says("keep-alive") => Persistence::KeepSaid,
            Version::Http10 => Persistence::Close,
        }
    }

    /// The `Connection` line that says so, with its line end; empty where nothing needs to be said.
    pub fn field_line(self) -> &'static str {
        match self {
            Persistence::Keep => "",
            Persistence::KeepSaid => "Connection: keep-alive\r\n",
            Persistence::Close => "Connection: close\r\n",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(version: Version, connection: &str, expect: Persistence) {
        let lines =
            if connection.is_empty() { FieldLines::Absent } else { FieldLines::One(connection.as_bytes()) };
        assert_eq!(Persistence::of_request(version, &lines), expect, "{version:?} {connection:?}");
    }

    #[test]
    fn persistence_rfc_9112_9_3() {
        use Persistence::{Close, Keep, KeepSaid};
        use Version::{Http10, Http11};
        check(Http11, "", Keep);
        check(Http11, "keep-alive", Keep);
        check(Http11, "close", Close);
        check(Http11, "Close", Close);
        check(Http11, "upgrade, close", Close);
        check(Http11, "keep-alive, close", Close);
        check(Http11, "closed", Keep);
        check(Http10, "", Close);
        check(Http10, "keep-alive", KeepSaid);
        check(Http10, "Keep-Alive", KeepSaid);
        check(Http10, "keep-alive, close", Close);
    }
}
