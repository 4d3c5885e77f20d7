//! From a request as `h2` has read it to one as this server understands it (RFC 9113 §8.3.1).

use http::HeaderValue;
use http::header::HOST;
use http::request::Parts;
use tallyd_http::pseudo::{Read, Start, read};
use tallyd_http::request::Version;

/// Reads the request.
pub(super) fn read_parts(parts: &Parts) -> Read<'_> {
    let authority = parts.uri.authority().map(|authority| authority.as_str().as_bytes());
    let start = Start {
        version: Version::Http2,
        method: parts.method.as_str(),
        // What has no path names an authority alone, as CONNECT does.
        target: parts.uri.path_and_query().map_or(b"*", |target| target.as_str().as_bytes()),
        authority: authority.or_else(|| parts.headers.get(HOST).map(HeaderValue::as_bytes)),
    };
    read(start, || parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `expect` is the target and the values of `Host`.
    #[track_caller]
    fn check(uri: &str, hosts: &[&str], expect: (&str, &[&str])) {
        let mut builder = http::Request::builder().uri(uri);
        for host in hosts {
            builder = builder.header("host", *host);
        }
        let (parts, ()) = builder.body(()).expect("a request").into_parts();
        let Read::Request(request) = read_parts(&parts) else { panic!("{uri} is no request") };
        let told: Vec<_> =
            request.fields.host.lines().iter().map(|line| line.escape_ascii().to_string()).collect();
        assert_eq!(
            (request.target.escape_ascii().to_string().as_str(), told),
            (expect.0, expect.1.iter().map(ToString::to_string).collect())
        );
    }

    #[test]
    fn the_authority_is_the_host_rfc_9113_8_3_1() {
        check("https://a.example/b?c", &[], ("/b?c", &["a.example"]));
        check("https://a.example/", &["a.example"], ("/", &["a.example"]));
        // Two hosts: whoever checks them refuses.
        check("https://a.example/", &["b.example"], ("/", &["a.example", "b.example"]));
        check("/b%20c", &["a.example:81"], ("/b%20c", &["a.example:81"]));
        check("*", &[], ("*", &[]));
    }
}
