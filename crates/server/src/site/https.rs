//! What a site says of HTTPS: to those who come without it, and to those who come by it.

use std::time::Duration;

use tallyd_http::location::Location;
use tallyd_http::refusal::Refusal;
use tallyd_http::status::Status;
use tallyd_http::target::SitePath;

use super::routes::{Reason, Redirect};
use crate::config::{Http3, PlainRequests};
use crate::connection::buffers::Scheme;

/// Where an authority fetches the proof that a name is ours, without TLS (RFC 8555 §8.3).
const CHALLENGES: &[u8] = b"/.well-known/acme-challenge/";

/// For how long clients may come by HTTP/3 without asking again: the usual day.
const ALTERNATIVE_AGE_SECONDS: u32 = 86_400;

/// What is said, and to whom.
#[derive(Debug, Default)]
pub(crate) struct Https {
    /// The port that requests without TLS are sent to, if they are.
    redirect_to: Option<u16>,
    /// Lines of the head of every answer over TLS.
    fields: Box<[u8]>,
}

impl Https {
    /// Of a site that is served over TLS on `port`, if it is.
    pub(crate) fn new(
        port: Option<u16>,
        plain: PlainRequests,
        promise: Option<Duration>,
        http3: Http3,
    ) -> Https {
        let redirect_to = match plain {
            PlainRequests::Served => None,
            PlainRequests::Redirected => port,
        };
        // RFC 6797 §6.1; §7.2 forbids it without TLS.
        let promise = promise.map(|age| format!("Strict-Transport-Security: max-age={}\r\n", age.as_secs()));
        // RFC 7838 §3, RFC 9114 §3.1.1.
        let alternative = port
            .filter(|_| http3 == Http3::Offered)
            .map(|port| format!("Alt-Svc: h3=\":{port}\"; ma={ALTERNATIVE_AGE_SECONDS}\r\n"));
        let fields: String = [promise, alternative].into_iter().flatten().collect();
        Https { redirect_to, fields: fields.into_bytes().into() }
    }

    /// The lines that every answer has under this scheme.
    pub(crate) fn fields(&self, scheme: Scheme) -> &[u8] {
        match scheme {
            Scheme::Http => &[],
            Scheme::Https => &self.fields,
        }
    }

    /// Where a request for this path of this host is sent, if it is not answered where it came; a client that names no host
    /// cannot be sent to it.
    pub(crate) fn redirect(
        &self,
        scheme: Scheme,
        host: Option<&[u8]>,
        path: &SitePath<'_>,
    ) -> Option<Result<Redirect, Refusal>> {
        let port = self
            .redirect_to
            .filter(|_| scheme == Scheme::Http && !path.as_bytes().starts_with(CHALLENGES))?;
        let location = host.and_then(|host| Location::of_https(host, port, path)).ok_or(Refusal::BadHost);
        Some(location.map(|location| Redirect {
            status: Status::PERMANENT_REDIRECT,
            location,
            reason: Reason::Rule,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_without_tls_are_sent_to_the_same_address_with_it() {
        #[track_caller]
        fn check(scheme: Scheme, host: Option<&str>, path: &str, expect: Option<Result<&str, Refusal>>) {
            let https = Https::new(Some(8443), PlainRequests::Redirected, None, Http3::Absent);
            let path = SitePath::from_decoded(path.as_bytes()).expect("the test writes paths");
            let redirect = https.redirect(scheme, host.map(str::as_bytes), &path);
            let location = redirect.map(|redirect| redirect.map(|it| it.location.as_str().to_owned()));
            assert_eq!(location, expect.map(|expect| expect.map(str::to_owned)), "{host:?}");
        }
        let host = Some("a.example:8080");
        check(Scheme::Http, host, "/b", Some(Ok("https://a.example:8443/b")));
        check(Scheme::Http, None, "/b", Some(Err(Refusal::BadHost)));
        check(Scheme::Https, host, "/b", None);
        check(Scheme::Http, host, "/.well-known/acme-challenge/token", None);
        check(
            Scheme::Http,
            host,
            "/.well-known/security.txt",
            Some(Ok("https://a.example:8443/.well-known/security.txt")),
        );
        let root = SitePath::from_decoded(b"/").expect("the root");
        for https in [
            Https::new(Some(8443), PlainRequests::Served, None, Http3::Absent),
            Https::new(None, PlainRequests::Redirected, None, Http3::Absent),
        ] {
            assert_eq!(https.redirect(Scheme::Http, Some(b"a"), &root), None);
        }
    }

    #[test]
    fn the_promise_is_made_over_tls_alone() {
        let https =
            Https::new(Some(443), PlainRequests::Served, Some(Duration::from_hours(1)), Http3::Absent);
        assert_eq!(https.fields(Scheme::Https), b"Strict-Transport-Security: max-age=3600\r\n");
        assert_eq!(https.fields(Scheme::Http), b"");
        assert_eq!(Https::default().fields(Scheme::Https), b"");
    }

    #[test]
    fn http3_is_told_of_over_tls_alone() {
        let https = Https::new(Some(8443), PlainRequests::Served, None, Http3::Offered);
        assert_eq!(https.fields(Scheme::Https), b"Alt-Svc: h3=\":8443\"; ma=86400\r\n");
        assert_eq!(https.fields(Scheme::Http), b"");
        let without_tls = Https::new(None, PlainRequests::Served, None, Http3::Offered);
        assert_eq!(without_tls.fields(Scheme::Https), b"");
    }
}
