//! Whether a head is one: line ends, fields, Host, versions, sizes (RFC 9112 sections 2 to 5).
//!
//! But for sizes and what is ignored, this is the text of HTTP/1.1; sections of fields are malformed in their own ways
//! (`http2::stream_errors`).

use super::arena::Arena;
use crate::harness::{Protocol, on_every_protocol};

on_every_protocol! {
    fields_in_plenty,
}

fn check_all(rows: &[(&str, &str)]) {
    let mut arena = Arena::new();
    for (bytes, expect) in rows {
        arena.check(&format!("{bytes:?}"), bytes, expect);
    }
    arena.finish();
}

/// Rows of field lines, in a head that has what else it needs.
fn check_fields(rows: &[(&str, &str)]) {
    let mut arena = Arena::new();
    for (fields, expect) in rows {
        arena.check(
            &format!("{fields:?}"),
            format!("GET /f HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n"),
            expect,
        );
    }
    arena.finish();
}

/// Rows of field lines that are all there is: Host is in them or missing.
fn check_host(rows: &[(&str, &str)]) {
    let mut arena = Arena::new();
    for (fields, expect) in rows {
        arena.check(&format!("{fields:?}"), format!("GET /f HTTP/1.1\r\n{fields}X: y\r\n\r\n"), expect);
    }
    arena.finish();
}

#[test]
fn line_ends() {
    // A single LF may be taken for a line end, in start line and fields (section 2.2).
    const LENIENT: &str = "200 open or 400 closed";
    check_all(&[
        ("GET /f HTTP/1.1\nHost: a\n\n", LENIENT),
        ("GET /f HTTP/1.1\nHost: a\r\n\r\n", LENIENT),
        ("GET /f HTTP/1.1\r\nHost: a\n\r\n", LENIENT),
        ("GET /f HTTP/1.1\r\nHost: a\r\n\n", LENIENT),
        // A bare CR makes its element invalid, or is read as a space.
        ("GET /f HTTP/1.1\rHost: a\r\r", "400 closed"),
        ("GET /f HTTP/1.1\r\nHost: a\rX: y\r\n\r\n", "400 closed"),
        ("GET /f\r HTTP/1.1\r\nHost: a\r\n\r\n", "400 closed"),
        ("GET\r/f HTTP/1.1\r\nHost: a\r\n\r\n", "400 closed"),
        // At least one empty line before a request is to be ignored; more may be.
        ("\r\nGET /f HTTP/1.1\r\nHost: a\r\n\r\n", "200 open"),
        ("\r\n\r\n\r\nGET /f HTTP/1.1\r\nHost: a\r\n\r\n", LENIENT),
        ("GET /f HTTP/1.1\r\nHost: a\r\n\r\n\r\nGET /f HTTP/1.1\r\nHost: a\r\n\r\n", "200 200 open"),
        (" GET /f HTTP/1.1\r\nHost: a\r\n\r\n", "400 closed"),
        // The words of a request line may be told apart by other white space, or by more of it (section 3).
        ("GET  /f HTTP/1.1\r\nHost: a\r\n\r\n", LENIENT),
        ("GET /f  HTTP/1.1\r\nHost: a\r\n\r\n", LENIENT),
        ("GET\t/f\tHTTP/1.1\r\nHost: a\r\n\r\n", LENIENT),
        ("GET /f HTTP/1.1 \r\nHost: a\r\n\r\n", LENIENT),
        ("GET /f HTTP/1.1 x\r\nHost: a\r\n\r\n", "400 closed"),
        ("GET /f\r\n\r\n", "400 closed"),
        ("GET\r\n\r\n", "400 closed"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "400|501 closed"),
        ("{\"json\": true}\r\n\r\n", "400 closed"),
        ("\0\0\0\0\r\n\r\n", "400 closed"),
    ]);
}

#[test]
fn field_lines() {
    check_fields(&[
        ("X: y", "200 open"),
        ("X:y", "200 open"),
        ("X:", "200 open"),
        ("X: \t y \t ", "200 open"),
        ("X: a:b:c", "200 open"),
        ("!#$%&'*+-.^_`|~09azAZ: y", "200 open"),
        ("X: y\r\nX: z\r\nx: y", "200 open"),
        // White space before the colon: 400, without a choice (section 5.1).
        ("X : y", "400 closed"),
        ("X\t: y", "400 closed"),
        ("X y: z", "400 closed"),
        (": y", "400 closed"),
        ("no colon", "400 closed"),
        ("X", "400 closed"),
        ("X(Y): z", "400 closed"),
        ("X\"Y\": z", "400 closed"),
        ("X/Y: z", "400 closed"),
        ("X[0]: z", "400 closed"),
        ("X\u{e9}: z", "400 closed"),
        ("X\0: z", "400 closed"),
        ("X\x7f: z", "400 closed"),
        // A folded line is refused, or its fold read as spaces (section 5.2).
        ("X: y\r\n z", "400 closed or 200 open"),
        ("X: y\r\n\tz", "400 closed or 200 open"),
        ("X:\r\n y", "400 closed or 200 open"),
        // CR and NUL in a value make the message invalid, or are read as spaces; other controls may be
        // kept where that is safe (RFC 9110 section 5.5).
        ("X: a\rb", "400 closed or 200 open"),
        ("X: a\0b", "400 closed or 200 open"),
        ("X: \x01", "400 closed or 200 open"),
        ("X: \x7f", "400 closed or 200 open"),
        ("X: caf\u{e9}", "200 open"),
        // Upgrades that are not offered are ignored (RFC 9110 section 7.8).
        (
            "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
            "200 open",
        ),
        ("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x", "200 open"),
    ]);
}

#[test]
fn before_the_first_field() {
    // White space there: refused, or each such line ignored (section 2.2), so that no Host is left.
    check_all(&[
        ("GET /f HTTP/1.1\r\n Host: a\r\n\r\n", "400 closed"),
        ("GET /f HTTP/1.1\r\n\tHost: a\r\n\r\n", "400 closed"),
        ("GET /f HTTP/1.1\r\n X: y\r\nHost: a\r\n\r\n", "400 closed or 200 open"),
        ("GET /f HTTP/1.1\r\n \r\nHost: a\r\n\r\n", "400 closed or 200 open"),
    ]);
}

#[test]
fn host() {
    check_host(&[
        ("Host: a\r\n", "200 open"),
        ("hOST:a\r\n", "200 open"),
        ("Host: a.example:80\r\n", "200 open"),
        ("Host: 127.0.0.1:8080\r\n", "200 open"),
        ("Host: [::1]:8080\r\n", "200 open"),
        ("Host: [::1]\r\n", "200 open"),
        // No port, or no name: the grammar allows both; an http URI without a host is invalid.
        ("Host: a:\r\n", "200 open or 400 closed"),
        ("Host:\r\n", "200 open or 400 closed"),
        // Missing, more than one, invalid: 400 (section 3.2).
        ("", "400 closed"),
        ("Host: a\r\nHost: a\r\n", "400 closed"),
        ("Host: a\r\nHost: b\r\n", "400 closed"),
        ("Host: a\r\nX: y\r\nhost: a\r\n", "400 closed"),
        ("Host : a\r\n", "400 closed"),
        ("Host: a b\r\n", "400 closed"),
        ("Host: a, b\r\n", "400 closed"),
        ("Host: a/b\r\n", "400 closed"),
        ("Host: a?b\r\n", "400 closed"),
        ("Host: a#b\r\n", "400 closed"),
        ("Host: http://a\r\n", "400 closed"),
        ("Host: user@a\r\n", "400 closed"),
        ("Host: a\\b\r\n", "400 closed"),
        ("Host: <a>\r\n", "400 closed"),
        ("Host: a:port\r\n", "400 closed"),
        ("Host: a:80:80\r\n", "400 closed"),
        ("Host: ::1\r\n", "400 closed"),
        ("Host: [::1\r\n", "400 closed"),
        ("Host: a\0\r\n", "400 closed"),
        ("Host: %zz\r\n", "400 closed"),
        ("Host: \u{e9}\r\n", "400 closed"),
    ]);
}

#[test]
fn host_in_other_versions_and_forms() {
    check_all(&[
        ("GET /f HTTP/1.0\r\n\r\n", "200 closed"),
        ("GET /f HTTP/1.0\r\nHost: a\r\n\r\n", "200 closed"),
        ("GET /f HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", "400 closed"),
        ("GET /f HTTP/1.0\r\nHost: a b\r\n\r\n", "400 closed"),
        // Absolute form does not excuse a missing Host.
        ("GET http://a/f HTTP/1.1\r\n\r\n", "400 closed"),
        ("GET http://a/f HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "400 closed"),
    ]);
}

#[test]
fn versions() {
    check_all(&[
        ("GET /f HTTP/1.1\r\nHost: a\r\n\r\n", "200 open"),
        // A higher minor version is read as the highest known (RFC 9110 section 2.5).
        ("GET /f HTTP/1.2\r\nHost: a\r\n\r\n", "200 open"),
        ("GET /f HTTP/1.9\r\nHost: a\r\n\r\n", "200 open"),
        ("GET /f HTTP/2.0\r\nHost: a\r\n\r\n", "505 closed"),
        ("GET /f HTTP/3.0\r\nHost: a\r\n\r\n", "505 closed"),
        ("GET /f HTTP/9.9\r\nHost: a\r\n\r\n", "505 closed"),
        // The preface of HTTP/2 begins so; what goes on otherwise is none.
        ("PRI * HTTP/2.0\r\nHost: a\r\n\r\n", "400|505 closed"),
        // Version 0.9 has no version in its request line; with one it is another major version.
        ("GET /f HTTP/0.9\r\nHost: a\r\n\r\n", "400|505 closed"),
        ("GET /f HTTP/1.\r\nHost: a\r\n\r\n", "400 closed"),
        ("GET /f HTTP/1\r\nHost: a\r\n\r\n", "400 closed"),
        ("GET /f HTTP/2\r\nHost: a\r\n\r\n", "400|505 closed"),
        ("GET /f HTTP/1.10\r\nHost: a\r\n\r\n", "400|505 closed"),
        ("GET /f HTTP/01.1\r\nHost: a\r\n\r\n", "400|505 closed"),
        ("GET /f HTTP/11\r\nHost: a\r\n\r\n", "400|505 closed"),
        ("GET /f HTTP/-1.1\r\nHost: a\r\n\r\n", "400|505 closed"),
        ("GET /f HTTP/1,1\r\nHost: a\r\n\r\n", "400 closed"),
        ("GET /f HTTP/1.1x\r\nHost: a\r\n\r\n", "400 closed"),
        ("GET /f HTTP/x.y\r\nHost: a\r\n\r\n", "400 closed"),
        // The version is case-sensitive (section 2.3).
        ("GET /f http/1.1\r\nHost: a\r\n\r\n", "400 closed"),
        ("GET /f Http/1.1\r\nHost: a\r\n\r\n", "400 closed"),
        ("GET /f HTTPS/1.1\r\nHost: a\r\n\r\n", "400 closed"),
        ("GET /f XTTP/1.1\r\nHost: a\r\n\r\n", "400 closed"),
        ("GET /f ICY/1.1\r\nHost: a\r\n\r\n", "400 closed"),
    ]);
}

fn check_size(arena: &mut Arena, name: &str, fields: &str, expect: &str) {
    arena.check(name, format!("GET /f HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n"), expect);
}

fn fields_in_plenty(protocol: Protocol) {
    let mut arena = Arena::over(protocol);
    check_size(&mut arena, "a cookie of 4,000 bytes", &format!("Cookie: {}", "c".repeat(4_000)), "200 open");
    check_size(&mut arena, "50 fields", &vec!["X: y"; 50].join("\r\n"), "200 open");
    arena.finish();
}

/// A client of HTTP/3 that keeps to what it was told does not say so much (RFC 9114 section 4.2.2).
#[test]
fn more_bytes_of_fields_than_are_taken() {
    for protocol in [Protocol::Http1, Protocol::Http1Tls, Protocol::Http2] {
        let mut arena = Arena::over(protocol);
        let long = format!("X: {}", "v".repeat(20_000));
        check_size(&mut arena, &format!("20,000 bytes over {protocol:?}"), &long, "431 any");
        arena.finish();
    }
}

#[test]
fn sizes() {
    let mut arena = Arena::new();
    let mut check = |name: &str, fields: String, expect: &str| {
        check_size(&mut arena, name, &fields, expect);
    };
    check("10,000 fields", vec!["X: y"; 10_000].join("\r\n"), "431 closed");
    check("a value of 100,000 bytes", format!("X: {}", "v".repeat(100_000)), "431 closed");
    check("a name of 100,000 bytes", format!("{}: y", "n".repeat(100_000)), "431 closed");
    check("a value of 1,000,000 bytes", format!("X: {}", "v".repeat(1_000_000)), "431 closed");
    // These never end, so the refusal cannot wait for the end.
    arena.check(
        "a field without end",
        format!("GET /f HTTP/1.1\r\nHost: {}", "a".repeat(200_000)),
        "431 closed",
    );
    arena.check("a target without end", format!("GET /{}", "n".repeat(200_000)), "414 closed");
    arena.check("a method without end", "G".repeat(200_000), "400|414|431|501 closed");
    // Empty lines may be ignored for as long as the time for a head lasts.
    arena.check(
        "empty lines without end",
        "\r\n".repeat(100_000),
        "none open or none closed or 400|414|431 closed",
    );
    arena.finish();
}

#[test]
fn other_protocols() {
    let mut arena = Arena::new();
    // A ClientHello: its first byte is no token. TLS and SOCKS clients get their answer at once, not when
    // a time-out has passed.
    let hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x00\x01\x02\x03\x04\x05\x06\x07";
    arena.check("TLS", hello, "400 closed or none closed");
    arena.check("SOCKS 5", b"\x05\x01\x00", "400 closed or none closed");
    arena.check("bytes that are not ASCII", b"\xff\xfe\xfd\r\n\r\n", "400 closed");
    arena.finish();
}

#[test]
fn persistence() {
    // The table of RFC 9112 section 9.3.
    let mut arena = Arena::new();
    for (version, fields, expect) in [
        ("1.1", "", "200 open"),
        ("1.1", "Connection: close\r\n", "200 closed"),
        ("1.1", "connection: CLOSE\r\n", "200 closed"),
        ("1.1", "Connection: close, x\r\n", "200 closed"),
        ("1.1", "Connection: x , close\r\n", "200 closed"),
        ("1.1", "Connection: keep-alive, close\r\n", "200 closed"),
        ("1.1", "Connection: x\r\nConnection: close\r\n", "200 closed"),
        ("1.1", "Connection: keep-alive\r\n", "200 open"),
        ("1.1", "Connection: closed\r\n", "200 open"),
        ("1.1", "Connection: x-close\r\n", "200 open"),
        ("1.1", "Connection:\r\n", "200 open"),
        ("1.0", "", "200 closed"),
        ("1.0", "Connection: close\r\n", "200 closed"),
        ("1.0", "Connection: keep-alive\r\n", "200 open"),
        ("1.0", "Connection: Keep-Alive\r\n", "200 open"),
        ("1.0", "Connection: keep-alive, close\r\n", "200 closed"),
        ("1.0", "Connection: x\r\n", "200 closed"),
    ] {
        let name = format!("HTTP/{version} {fields:?}");
        arena.check(&name, format!("GET /f HTTP/{version}\r\nHost: a\r\n{fields}\r\n"), expect);
    }
    let after_close =
        "GET /f HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET /f HTTP/1.1\r\nHost: a\r\n\r\n";
    arena.check("what comes after a close is not served", after_close, "200 closed");
    arena.finish();
}
