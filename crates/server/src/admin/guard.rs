//! Who is answered on the admin side: only GET and HEAD, only under its own names, no pages of other origins, and where
//! there is a token only those who know it.
//!
//! A page elsewhere can make a browser ask here: by having its own name lead here (DNS rebinding; `Host` then has that
//! name), or by a request across origins (which says so by `Origin` or `Sec-Fetch-Site`).

use std::net::{IpAddr, SocketAddr};

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use std::sync::Arc;

use super::api::Denial;
use super::listener::LocalAddress;
use crate::config::Token;

/// What every answer says to a browser: nothing from elsewhere, in no frame, for no other page, and not to be kept.
const FIELDS: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
         connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// Targets that are told to anyone on the right name: whether the process lives and serves.
pub(super) const OPEN: [&str; 2] = ["/healthz", "/readyz"];

/// Who may be answered.
#[derive(Debug)]
pub(super) struct Guard {
    /// Names of this host, in lower case, beside its addresses.
    hosts: Vec<Box<str>>,
    token: Option<Token>,
}

impl Guard {
    pub(super) fn new(hosts: Vec<Box<str>>, token: Option<Token>) -> Guard {
        Guard { hosts, token }
    }

    fn judge(&self, method: &Method, uri: &Uri, fields: &HeaderMap, local: SocketAddr) -> Result<(), Denial> {
        if method != Method::GET && method != Method::HEAD {
            return Err(Denial::MethodNotAllowed);
        }
        let host = sole_text(fields, &header::HOST).ok_or(Denial::Misdirected)?;
        let authority = uri.authority().map(http::uri::Authority::as_str);
        if !self.is_ours(host, local) || authority.is_some_and(|authority| !self.is_ours(authority, local)) {
            return Err(Denial::Misdirected);
        }
        check_origin(uri, fields, host)?;
        match &self.token {
            Some(token) if !OPEN.contains(&uri.path()) && !knows(fields, token) => Err(Denial::Unauthorized),
            Some(_) | None => Ok(()),
        }
    }

    /// Whether an authority, with or without a port, names this listener. An address is no name that another could own, but
    /// it must be one that leads here.
    fn is_ours(&self, authority: &str, local: SocketAddr) -> bool {
        let host = match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            Some(_) | None => authority,
        };
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        match bare.parse::<IpAddr>() {
            Ok(ip) => ip.is_loopback() || ip.to_canonical() == local.ip().to_canonical(),
            Err(_) => {
                let name = host.to_ascii_lowercase();
                name == "localhost" || self.hosts.iter().any(|own| **own == *name)
            }
        }
    }
}

/// Refuses what a page of another origin has a browser ask. To follow a link to a page here is allowed: what the browser
/// shows then, the other page cannot read.
fn check_origin(uri: &Uri, fields: &HeaderMap, host: &str) -> Result<(), Denial> {
    let is_own = |origin: &str| {
        let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
    };
    if fields.contains_key(header::ORIGIN) && !sole_text(fields, &header::ORIGIN).is_some_and(is_own) {
        return Err(Denial::Forbidden);
    }
    let fetch = |name: &'static str| fields.get(name).map(HeaderValue::as_bytes);
    let is_page = !uri.path().starts_with("/api/") && uri.path() != "/metrics";
    let is_visit =
        fetch("sec-fetch-mode") == Some(b"navigate") && fetch("sec-fetch-dest") == Some(b"document");
    match fetch("sec-fetch-site") {
        None | Some(b"same-origin" | b"none") => Ok(()),
        Some(_) if is_page && is_visit => Ok(()),
        Some(_) => Err(Denial::Forbidden),
    }
}

/// Whether the request shows the token.
fn knows(fields: &HeaderMap, token: &Token) -> bool {
    let Some(credentials) = sole_text(fields, &header::AUTHORIZATION) else { return false };
    let Some((scheme, rest)) = credentials.split_once(' ') else { return false };
    let rest = rest.trim_start_matches(' ');
    let shown = if scheme.eq_ignore_ascii_case("bearer") {
        rest.as_bytes().to_vec()
    } else if scheme.eq_ignore_ascii_case("basic") {
        let Ok(pair) = BASE64_STANDARD.decode(rest) else { return false };
        let Some(colon) = pair.iter().position(|byte| *byte == b':') else { return false };
        pair[colon + 1..].to_vec()
    } else {
        return false;
    };
    token.is(&shown)
}

/// The value of a field that is there once and is text.
fn sole_text<'a>(fields: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut lines = fields.get_all(name).iter();
    match (lines.next(), lines.next()) {
        (Some(line), None) => line.to_str().ok(),
        (_, _) => None,
    }
}

/// Answers, or refuses, and says to browsers what they may do with it.
pub(super) async fn watch_over(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let judged = match request.extensions().get::<LocalAddress>() {
        Some(LocalAddress(local)) => guard.judge(request.method(), request.uri(), request.headers(), *local),
        None => Err(Denial::Misdirected),
    };
    let mut response = match judged {
        Ok(()) => next.run(request).await,
        Err(denial) => denial.into_response(),
    };
    let fields = response.headers_mut();
    for (name, value) in FIELDS {
        fields.insert(name, HeaderValue::from_static(value));
    }
    fields.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Judges a request: method, target, and fields as lines. `expect` is the status of the refusal, 200 for none.
    #[track_caller]
    fn check(token: Option<&str>, method: &str, target: &str, lines: &[(&str, &str)], expect: u16) {
        let token = token.map(|token| Token::parse(token).expect("a token"));
        let guard = Guard::new(vec!["localhost".into(), "stats.example".into()], token);
        let mut fields = HeaderMap::new();
        for (name, value) in lines {
            let name: HeaderName = name.parse().expect("a name");
            fields.append(name, HeaderValue::from_str(value).expect("a value"));
        }
        let (method, uri) = (method.parse().expect("a method"), target.parse().expect("a target"));
        let local = "192.0.2.1:9000".parse().expect("an address");
        let status = guard
            .judge(&method, &uri, &fields, local)
            .map_or_else(|denial| denial.status().as_u16(), |()| 200);
        assert_eq!(status, expect, "{method} {uri} {lines:?}");
    }

    const HERE: (&str, &str) = ("host", "localhost:9000");
    const API: &str = "/api/v1/summary";

    #[test]
    fn only_reading() {
        for (method, expect) in [("GET", 200), ("HEAD", 200), ("POST", 405), ("OPTIONS", 405), ("X", 405)] {
            check(None, method, API, &[HERE], expect);
        }
    }

    #[test]
    fn only_under_its_own_names() {
        let host = |host: &str, expect| check(None, "GET", API, &[("host", host)], expect);
        for own in [
            "localhost",
            "LOCALHOST:1",
            "127.0.0.1:9000",
            "127.9.9.9",
            "[::1]:9000",
            "[::1]",
            "192.0.2.1:9000",
            "[::ffff:192.0.2.1]",
            "stats.example",
            "Stats.Example:80",
        ] {
            host(own, 200);
        }
        for foreign in [
            "evil.example",
            "localhost.evil.example",
            "192.0.2.2",
            "",
            "localhost:x",
            "127.0.0.1.evil.example:9000",
            "127.0.0.1@evil.example",
            "0x7f.1",
            "evil.example:80:localhost",
        ] {
            host(foreign, 421);
        }
        check(None, "GET", API, &[], 421);
        check(None, "GET", API, &[HERE, HERE], 421);
        check(None, "GET", "http://evil.example/api/v1/summary", &[HERE], 421);
        check(None, "GET", "http://localhost:9000/api/v1/summary", &[HERE], 200);
        check(None, "GET", "/healthz", &[("host", "evil.example")], 421);
    }

    #[test]
    fn no_pages_of_other_origins() {
        let origin = |origin: &str, expect| check(None, "GET", API, &[HERE, ("origin", origin)], expect);
        origin("http://localhost:9000", 200);
        origin("https://localhost:9000", 200);
        origin("http://localhost:9001", 403);
        origin("http://localhost", 403);
        origin("http://evil.example", 403);
        origin("null", 403);
        origin("", 403);
        let site = |site: &str, expect| check(None, "GET", API, &[HERE, ("sec-fetch-site", site)], expect);
        site("same-origin", 200);
        site("none", 200);
        site("same-site", 403);
        site("cross-site", 403);
        let visit = |target: &str, dest: &str, expect| {
            let lines = [
                HERE,
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-mode", "navigate"),
                ("sec-fetch-dest", dest),
            ];
            check(None, "GET", target, &lines, expect);
        };
        visit("/", "document", 200);
        visit("/", "iframe", 403);
        visit(API, "document", 403);
        visit("/metrics", "document", 403);
    }

    #[test]
    fn only_with_the_token() {
        const TOKEN: &str = "0123456789abcdef";
        let shown = |credentials: &str, expect| {
            check(Some(TOKEN), "GET", API, &[HERE, ("authorization", credentials)], expect);
        };
        shown("Bearer 0123456789abcdef", 200);
        shown("bearer  0123456789abcdef", 200);
        shown("Basic OjAxMjM0NTY3ODlhYmNkZWY=", 200);
        shown("Basic YTowMTIzNDU2Nzg5YWJjZGVm", 200);
        shown("Bearer 0123456789abcdee", 401);
        shown("Bearer 0123456789abcde", 401);
        shown("Bearer 0123456789abcdeff", 401);
        shown("Bearer", 401);
        shown("Bearer ", 401);
        shown("Basic 0123456789abcdef", 401);
        shown("Basic %%%", 401);
        shown("Basic YWJj", 401);
        shown("Digest 0123456789abcdef", 401);
        check(Some(TOKEN), "GET", API, &[HERE], 401);
        let good = ("authorization", "Bearer 0123456789abcdef");
        check(Some(TOKEN), "GET", API, &[HERE, good, good], 401);
        check(Some(TOKEN), "GET", "/", &[HERE], 401);
        check(Some(TOKEN), "GET", "/metrics", &[HERE], 401);
        check(Some(TOKEN), "GET", "/healthz", &[HERE], 200);
        check(Some(TOKEN), "GET", "/readyz", &[HERE], 200);
        check(Some(TOKEN), "GET", API, &[("host", "evil.example"), good], 421);
    }
}
