//! From a request as `h2` has read it to one as this server understands it (RFC 9113 §8.3.1).

use http::request::Parts;
use http::uri::Authority;
use tallyd_http::fields::Fields;
use tallyd_http::method::Method;
use tallyd_http::request::{Request, Version};

/// The request. `h2` has refused what breaks the rules of HTTP/2, such as fields about one connection.
pub(super) fn request_of(parts: &Parts) -> Request<'_> {
    let method_token = parts.method.as_str();
    Request {
        method: Method::parse(method_token),
        method_token,
        target: target_of(parts),
        version: Version::Http2,
        fields: Fields::collect(lines_of(parts)),
    }
}

fn target_of(parts: &Parts) -> &[u8] {
    // What has no path names an authority alone, as CONNECT does.
    parts.uri.path_and_query().map_or(b"*".as_slice(), |target| target.as_str().as_bytes())
}

/// The field lines. The authority takes the place of `Host`; a `Host` that says the same counts once.
fn lines_of(parts: &Parts) -> impl Iterator<Item = (&str, &[u8])> {
    let authority = parts.uri.authority().map(Authority::as_str);
    let is_told = move |name: &str, value: &[u8]| {
        name == "host" && authority.is_some_and(|authority| authority.as_bytes() == value)
    };
    let lines = parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    authority
        .map(|authority| ("host", authority.as_bytes()))
        .into_iter()
        .chain(lines.filter(move |(name, value)| !is_told(name, value)))
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
        let request = request_of(&parts);
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
