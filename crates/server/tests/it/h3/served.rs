//! Files over QUIC, byte for byte, and counted.

use http::Method;

use super::{LENGTH, site};
use crate::harness::{Books, H3Conn, Server, Stdout, counters, deliveries, noise};

#[test]
fn files_are_whole_and_counted() {
    let (site, identity) = site();
    let books = Books::of(&site);
    let server = Server::launch(books.server(&site).args(identity.flags()), Stdout::Followed);
    let mut conn = H3Conn::open(&server, &identity);
    for _ in 0..3 {
        assert!(conn.get("/small").content == noise(1024, 1));
    }
    assert!(conn.get("/large").content == noise(LENGTH, 2));
    assert!(conn.get("/empty").content.is_empty());
    let port = conn.local_address().port();
    server.stdout().wait_for("a connection", |lines| {
        let line = format!("Client connected with ip : 127.0.0.1 and port no. : {port}");
        lines.contains(&line).then_some(())
    });
    server.stdout().wait_for("a line for each", |lines| {
        let told = deliveries(lines);
        let of_port = told.iter().filter(|line| line.port == port).count();
        (of_port == 5).then_some(())
    });
    let expect = counters("requests 3 full 3 completed 3 downloads 3");
    let tally = books.wait_for("/small", "three downloads", |tally| tally.downloads == 3);
    assert_eq!((tally.requests, tally.completed, tally.aborted), (expect.requests, expect.completed, 0));
    assert_eq!(tally.bytes, 3 * 1024);
    assert_eq!(books.wait_for("/large", "a download", |tally| tally.downloads == 1).bytes, LENGTH as u64);
    assert_eq!(books.wait_for("/empty", "a download", |tally| tally.downloads == 1).aborted, 0);
    books.check_laws();
}

#[test]
fn answers_are_those_of_every_protocol() {
    let (site, identity) = site();
    let server = Server::start(&site, &identity.flags());
    let mut conn = H3Conn::open(&server, &identity);
    let mut check = |method: Method, target: &str, fields: &[(&str, &str)], status: u16, length: usize| {
        let answer = conn.ask(method.clone(), target, fields);
        assert_eq!((answer.status, answer.content.len()), (status, length), "{method} {target} {fields:?}");
        answer
    };
    let whole = check(Method::GET, "/small", &[], 200, 1024);
    assert_eq!(whole.field("content-length"), "1024");
    assert_eq!(whole.field("server"), "tallyd");
    assert_eq!(whole.field("accept-ranges"), "bytes");
    assert_eq!(whole.field("connection"), "");
    let port = server.tls_address().port();
    assert_eq!(whole.field("alt-svc"), format!("h3=\":{port}\"; ma=86400"));
    let tag = whole.field("etag").to_owned();
    let head = check(Method::HEAD, "/large", &[], 200, 0);
    assert_eq!(head.field("content-length"), LENGTH.to_string());
    check(Method::GET, "/small", &[("if-none-match", &tag)], 304, 0);
    check(Method::GET, "/small", &[("if-match", "\"other\"")], 412, 0);
    let partial = check(Method::GET, "/large", &[("range", "bytes=70000-200000")], 206, 130_001);
    assert!(partial.content == noise(LENGTH, 2)[70_000..=200_000]);
    assert_eq!(partial.field("content-range"), format!("bytes 70000-200000/{LENGTH}"));
    check(Method::GET, "/small", &[("range", "bytes=2000-")], 416, 0);
    let parts = conn.ask(Method::GET, "/large", &[("range", "bytes=0-9,100000-100009")]);
    assert_eq!((parts.status, parts.content.len()), (206, parts.field("content-length").parse().unwrap()));
    let text = String::from_utf8_lossy(&parts.content).into_owned();
    assert!(text.contains(&format!("Content-Range: bytes 100000-100009/{LENGTH}")), "{text}");
    for (method, target, status) in [
        (Method::GET, "/none", 404),
        (Method::GET, "/../small", 400),
        (Method::GET, "/folder", 301),
        (Method::POST, "/small", 405),
        (Method::from_bytes(b"BREW").expect("a token"), "/small", 501),
        (Method::OPTIONS, "/small", 204),
    ] {
        assert_eq!(conn.ask(method.clone(), target, &[]).status, status, "{method} {target}");
    }
    let listing = conn.ask(Method::GET, "/folder/", &[("accept", "application/json")]);
    assert_eq!((listing.status, listing.field("content-type")), (200, "application/json"));
    assert!(String::from_utf8_lossy(&listing.content).contains("page.txt"));
}
