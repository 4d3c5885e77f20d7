//! Request methods (RFC 9110 §9), sorted by what this server does with them.

/// What a request asks to be done with its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Transfer the selected representation (RFC 9110 §9.3.1).
    Get,
    /// The same head as `GET`, without content (RFC 9110 §9.3.2).
    Head,
    /// Say what is allowed (RFC 9110 §9.3.7).
    Options,
    /// A registered method that no resource here supports: 405 (RFC 9110 §15.5.6).
    NotAllowed,
    /// A method that this server does not know: 501 (RFC 9110 §15.6.2).
    Unknown,
}

/// The value of `Allow` for every resource (RFC 9110 §10.2.1).
pub const ALLOW: &str = "GET, HEAD, OPTIONS";

impl Method {
    /// Sorts a method token. Methods are case-sensitive (RFC 9110 §9.1), so `get` is unknown.
    pub fn parse(token: &str) -> Method {
        match token {
            "GET" => Method::Get,
            "HEAD" => Method::Head,
            "OPTIONS" => Method::Options,
            "POST" | "PUT" | "DELETE" | "CONNECT" | "TRACE" | "PATCH" => Method::NotAllowed,
            _ => Method::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(token: &str, expect: Method) {
        assert_eq!(Method::parse(token), expect, "{token:?}");
    }

    #[test]
    fn methods_are_case_sensitive_tokens() {
        check("GET", Method::Get);
        check("HEAD", Method::Head);
        check("OPTIONS", Method::Options);
        check("POST", Method::NotAllowed);
        check("CONNECT", Method::NotAllowed);
        check("get", Method::Unknown);
        check("BREW", Method::Unknown);
        check("", Method::Unknown);
    }
}
