//! Which fields the settings add to which answers.

use crate::harness::{Answer, Conn, Content, Protocol, Server, Site, on_every_protocol, tallyd};

on_every_protocol! {
    fields_by_pattern_belong_to_answers_from_a_file,
    a_download_is_named_once,
    security_headers_are_on_every_answer,
    cors_names_the_one_who_asks,
}

/// Sends a request with more field lines, separated by CRLF.
fn ask(conn: &mut Conn, method: &str, target: &str, lines: &str) -> Answer {
    conn.send(format!("{method} {target} HTTP/1.1\r\nHost: a\r\n{lines}\r\n"));
    let content = if method == "HEAD" { Content::Withheld } else { Content::Sent };
    conn.next(content).expect("an answer")
}

fn fields_by_pattern_belong_to_answers_from_a_file(protocol: Protocol) {
    let site =
        Site::with(&[("index.html", "i"), ("app.js", "0123456789"), ("assets/x.css", "c"), ("pub/f", "f")]);
    let server = Server::start_over(
        protocol,
        &site,
        &[
            "--cache-control",
            "no-cache",
            "--cache-control",
            "/assets/**: max-age=31536000, immutable",
            "--header",
            "*.{html,js}: X-Robots-Tag: noindex",
            "--header",
            "*.js: X-Robots-Tag: none",
        ],
    );
    let mut conn = server.connect();
    for (target, caching, robots) in [
        ("/", "no-cache", Some("noindex")),
        ("/index.html", "no-cache", Some("noindex")),
        ("/app.js", "no-cache", Some("none")),
        ("/assets/x.css", "max-age=31536000, immutable", None),
    ] {
        // From the disk, from memory, and without content.
        for answer in [conn.get(target), conn.get(target), conn.head(target)] {
            let fields = (answer.field("Cache-Control"), answer.field("X-Robots-Tag"));
            assert_eq!((answer.status, fields), (200, (Some(caching), robots)), "{target}");
        }
    }
    for (lines, status, caching) in [
        ("Range: bytes=0-1\r\n", 206, Some("no-cache")),
        ("Range: bytes=0-1,4-5\r\n", 206, Some("no-cache")),
        ("If-None-Match: *\r\n", 304, Some("no-cache")),
        ("If-Match: \"x\"\r\n", 412, None),
        ("Range: bytes=10-\r\n", 416, None),
    ] {
        let answer = ask(&mut conn, "GET", "/app.js", lines);
        assert_eq!((answer.status, answer.field("Cache-Control")), (status, caching), "{lines}");
    }
    // Not from a file: a refusal, and a redirect and a listing, which have their own.
    for (target, status, caching) in
        [("/no.js", 404, None), ("/pub", 301, Some("no-cache")), ("/pub/", 200, Some("no-cache"))]
    {
        let answer = conn.get(target);
        assert_eq!((answer.status, answer.field("Cache-Control")), (status, caching), "{target}");
        assert_eq!(answer.field("X-Robots-Tag"), None, "{target}");
    }
}

fn a_download_is_named_once(protocol: Protocol) {
    let site = Site::with(&[("a.bin", "a"), ("b.bin", "b")]);
    let server = Server::start_over(protocol, &site, &["--header", "/a.bin: Content-Disposition: inline"]);
    assert_eq!(server.fetch("/a.bin?download").field("Content-Disposition"), Some("inline"));
    assert_eq!(
        server.fetch("/b.bin?download").field("Content-Disposition"),
        Some("attachment; filename=\"b.bin\"")
    );
}

fn security_headers_are_on_every_answer(protocol: Protocol) {
    let preset = [
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "SAMEORIGIN"),
        ("Referrer-Policy", "strict-origin-when-cross-origin"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
    ];
    let site = Site::with(&[("f", "f"), ("pub/f", "f"), ("framed", "f")]);
    let server = Server::start_over(
        protocol,
        &site,
        &["--security-headers", "--header", "/framed: X-Frame-Options: DENY"],
    );
    let mut conn = server.connect();
    for (method, target, status) in [
        ("GET", "/f", 200),
        ("HEAD", "/f", 200),
        ("GET", "/pub/", 200),
        ("GET", "/pub", 301),
        ("GET", "/no", 404),
        ("OPTIONS", "*", 204),
        ("POST", "/f", 405),
        ("GET", "/%", 400),
    ] {
        let answer = ask(&mut conn, method, target, "");
        assert_eq!(answer.status, status, "{method} {target}");
        for (name, value) in preset {
            assert_eq!(answer.field(name), Some(value), "{method} {target}");
        }
    }
    let framed = conn.get("/framed");
    assert_eq!(
        (framed.field("X-Frame-Options"), framed.field("Referrer-Policy")),
        (Some("DENY"), Some(preset[2].1))
    );
}

fn cors_names_the_one_who_asks(protocol: Protocol) {
    const EXPOSED: &str = "Accept-Ranges, Content-Disposition, Content-Encoding, Content-Range, Date, ETag";
    let site = Site::with(&[("f", "0123456789")]);
    let (a, b, evil) = ("https://a.example", "https://b.example:8443", "https://evil.example");
    let several = Server::start_over(protocol, &site, &["--cors", a, "--cors", b]);
    let one = Server::start_over(protocol, &site, &["--ledger", "none", "--cors", a]);
    let any = Server::start_over(protocol, &site, &["--ledger", "none", "--cors", "*"]);
    let rows = [
        (&several, Some(a), Some(a), Some("Origin")),
        (&several, Some(b), Some(b), Some("Origin")),
        (&several, Some(evil), None, Some("Origin")),
        (&several, None, None, Some("Origin")),
        (&one, Some(evil), Some(a), None),
        (&any, Some(evil), Some("*"), None),
        (&any, None, Some("*"), None),
    ];
    for (server, asks, allowed, vary) in rows {
        let mut conn = server.connect();
        let origin = asks.map_or(String::new(), |origin| format!("Origin: {origin}\r\n"));
        for (method, target, lines, status) in [
            ("GET", "/f", "", 200),
            ("GET", "/f", "", 200),
            ("GET", "/f", "Range: bytes=0-1\r\n", 206),
            ("GET", "/f", "If-None-Match: *\r\n", 304),
            ("GET", "/f", "Range: bytes=99-\r\n", 416),
            ("GET", "/no", "", 404),
            (
                "OPTIONS",
                "/f",
                "Access-Control-Request-Method: GET\r\nAccess-Control-Request-Headers: range\r\n",
                204,
            ),
        ] {
            let answer = ask(&mut conn, method, target, &format!("{origin}{lines}"));
            assert_eq!(answer.status, status, "{method} {target} {asks:?}");
            let fields = (answer.field("Access-Control-Allow-Origin"), answer.field("Vary"));
            assert_eq!(fields, (allowed, vary), "{method} {target} {asks:?}");
            assert_eq!(answer.field("Access-Control-Expose-Headers"), allowed.map(|_| EXPOSED));
            let preflight = (status == 204).then_some("GET, HEAD");
            assert_eq!(answer.field("Access-Control-Allow-Methods"), preflight);
        }
    }
}

#[test]
fn what_may_not_be_added_is_refused_at_start() {
    let site = Site::new();
    for (argument, reason) in [
        ("*: Content-Length: 1", "names a field that the server itself is responsible for"),
        ("*: etag: \"1\"", "names a field that the server itself is responsible for"),
        ("*: X-A: 1\r\nX-B: 2", "has a field value with other characters than printable ASCII"),
        ("*: X A: 1", "has a field name that is not a token of HTTP"),
        ("X-A: 1", "is not of the form PATTERN: Name: value"),
    ] {
        let ended = tallyd(&site).args(["--header", argument]).output().expect("it ends");
        let sentence = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(2), "{argument:?}: {sentence}");
        assert!(sentence.contains(reason) && sentence.lines().count() == 1, "{argument:?}: {sentence}");
    }
}
