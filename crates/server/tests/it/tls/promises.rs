//! Who comes without TLS is sent to it, and who comes with it is told to stay.

use crate::harness::{Identity, Server, Site};

#[test]
fn requests_without_tls_are_sent_to_the_same_address_with_it() {
    let site = Site::with(&[("f", "x"), (".well-known/acme-challenge/token", "proof")]);
    let identity = Identity::new(&site, "own", &["a.example"]);
    let server = Server::start(&site, &[&identity.flags()[..], &["--https-redirect"]].concat());
    let port = server.tls_address().port();
    let mut conn = server.connect();
    let mut check = |target: &str, host: &str, expect: &str| {
        conn.send(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        let answer = conn.answer();
        assert_eq!((answer.status, answer.field("Location")), (308, Some(expect)), "{target}");
    };
    check("/f", "a.example:80", &format!("https://a.example:{port}/f"));
    check("/f?a=b&c", "a.example", &format!("https://a.example:{port}/f?a=b&c"));
    check("/missing%20file", "[::1]:80", &format!("https://[::1]:{port}/missing%20file"));
    check("//evil.example", "a.example", &format!("https://a.example:{port}/evil.example"));
    assert_eq!(conn.head("/f").status, 308);
    assert_eq!(conn.get("/.well-known/acme-challenge/token").content, b"proof");
    assert_eq!(server.connect_tls(&identity, "a.example").get("/f").content, b"x");
}

#[test]
fn the_promise_is_made_over_tls_alone() {
    let site = Site::with(&[("f", "x")]);
    let identity = Identity::new(&site, "own", &["a.example"]);
    let server = Server::start(&site, &[&identity.flags()[..], &["--hsts", "1h"]].concat());
    let mut conn = server.connect_tls(&identity, "a.example");
    for target in ["/f", "/", "/missing", "/../.."] {
        assert_eq!(conn.get(target).field("Strict-Transport-Security"), Some("max-age=3600"), "{target}");
        assert_eq!(server.fetch(target).field("Strict-Transport-Security"), None, "{target}");
    }
}
