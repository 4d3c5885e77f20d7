//! What is asked for: methods, known and unknown, OPTIONS, expectations, content that nobody wants (RFC 9110
//! sections 9, 10.1.1 and 15.6.2).
//!
//! Over HTTP/1.1 alone: what is no method, forms of a target that are not elsewhere, content that is told of and does not come.

use super::arena::Arena;
use crate::harness::{Protocol, on_every_protocol};

on_every_protocol! {
    methods,
    options,
    expectations,
    unwanted_content,
    one_after_the_other,
}

fn check_all(protocol: Protocol, rows: &[(&str, &str)]) {
    let mut arena = Arena::over(protocol);
    for (bytes, expect) in rows {
        arena.check(&format!("{bytes:?}"), bytes, expect);
    }
    arena.finish();
}

fn check_methods(protocol: Protocol, rows: &[(&str, &str)]) {
    let mut arena = Arena::over(protocol);
    for (method, expect) in rows {
        arena.check(&format!("{method:?}"), format!("{method} /f HTTP/1.1\r\nHost: a\r\n\r\n"), expect);
    }
    arena.finish();
}

fn methods(protocol: Protocol) {
    let rows = [
        ("GET", "200 open"),
        ("HEAD", "200- open"),
        ("OPTIONS", "200|204 open"),
        // Known, and not for files. Whether the connection stays is the server's choice.
        ("POST", "405 any"),
        ("PUT", "405 any"),
        ("DELETE", "405 any"),
        ("PATCH", "405 any"),
        ("TRACE", "405 any"),
        // Not known; methods are case-sensitive (section 9.1).
        ("FOO", "501 any"),
        ("get", "501 any"),
        ("Get", "501 any"),
        ("GETS", "501 any"),
        ("GE", "501 any"),
        ("G", "501 any"),
        ("X-UNKNOWN_~1", "501 any"),
        ("PROPFIND", "405|501 any"),
    ];
    check_methods(protocol, &rows);
}

#[test]
fn methods_that_are_none() {
    let rows = [
        // CONNECT goes with another form of target, so the target can be at fault as well.
        ("CONNECT", "400|405|501 any"),
        // Not a token.
        ("G(T", "400 any"),
        ("G\"T", "400 any"),
        ("GET:", "400 any"),
        ("GET/", "400 any"),
        ("G\u{e9}T", "400 any"),
        ("G\0T", "400 any"),
        ("", "400 any"),
    ];
    check_methods(Protocol::Http1, &rows);
}

fn options(protocol: Protocol) {
    let rows = [
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "200|204 open"),
        ("OPTIONS /f HTTP/1.1\r\nHost: a\r\n\r\n", "200|204 open"),
        // What is allowed does not depend on whether there is a file; saying so is allowed too.
        ("OPTIONS /missing HTTP/1.1\r\nHost: a\r\n\r\n", "200|204|404 open"),
        ("OPTIONS /../secret HTTP/1.1\r\nHost: a\r\n\r\n", "200|204|400|403|404 any"),
        ("OPTIONS /f HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", "200|204 open"),
        ("HEAD * HTTP/1.1\r\nHost: a\r\n\r\n", "400- any"),
        ("HEAD /missing HTTP/1.1\r\nHost: a\r\n\r\n", "404- open"),
        ("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", "200- open"),
        ("HEAD /dir HTTP/1.1\r\nHost: a\r\n\r\n", "301|308- open"),
        // An answer to HEAD without content does not shift the next one.
        ("HEAD /f HTTP/1.1\r\nHost: a\r\n\r\nGET /f HTTP/1.1\r\nHost: a\r\n\r\n", "200- 200 open"),
    ];
    check_all(protocol, &rows);
}

#[test]
fn options_in_absolute_form() {
    let rows = [
        ("OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n", "200|204 open"),
        ("OPTIONS http://a/f HTTP/1.1\r\nHost: a\r\n\r\n", "200|204 open"),
    ];
    check_all(Protocol::Http1, &rows);
}

fn expectations(protocol: Protocol) {
    let rows = [
        // The content comes with the head, so the interim answer may be left out; a final one may come at once.
        (
            "GET /f HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
            "100 200 any or 200 any",
        ),
        ("GET /f HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n\r\n", "100 200 open or 200 open"),
        ("GET /f HTTP/1.1\r\nHost: a\r\nExpect: the-unexpected\r\n\r\n", "417 any"),
        ("GET /f HTTP/1.1\r\nHost: a\r\nExpect: 100-continue, more\r\n\r\n", "417 any"),
    ];
    check_all(protocol, &rows);
}

#[test]
fn expectations_of_content_that_does_not_come() {
    let rows = [
        ("POST /f HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n", "405 closed"),
        // From HTTP/1.0 it is to be ignored.
        ("GET /f HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\n\r\n", "200 closed"),
    ];
    check_all(Protocol::Http1, &rows);
}

fn with_content(method: &str, length: usize) -> String {
    let head = format!("{method} /f HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n");
    head + &"c".repeat(length)
}

fn unwanted_content(protocol: Protocol) {
    let mut arena = Arena::over(protocol);
    let mut check = |method: &str, length: usize, expect: &str| {
        arena.check(&format!("{method} with {length} bytes"), with_content(method, length), expect);
    };
    check("GET", 200, "200 open");
    check("GET", 4_000, "200 open");
    check("HEAD", 200, "200- open");
    check("POST", 200, "405 any");
    check("FOO", 200, "501 any");
    check("POST", 4_000, "405 any");
    arena.finish();
}

/// It is read up to a limit, or the connection closed; where there are streams, one of them ends.
#[test]
fn more_unwanted_content_than_is_read() {
    let mut arena = Arena::new();
    arena.check("GET", with_content("GET", 10_000_000), "200|413 closed");
    arena.check("POST", with_content("POST", 10_000_000), "405|413 closed");
    arena.finish();
}

#[test]
fn pipelines_with_a_fault() {
    let faulty = "GET /f HTTP/1.1\r\nHost: a\r\n\r\nBAD\r\n\r\nGET /f HTTP/1.1\r\nHost: a\r\n\r\n";
    // What came before the fault is answered; nothing after it is.
    check_all(Protocol::Http1, &[(faulty, "200 400 closed")]);
}

fn one_after_the_other(protocol: Protocol) {
    let rows = [
        ("GET /f HTTP/1.1\r\nHost: a\r\n\r\nGET /missing HTTP/1.1\r\nHost: a\r\n\r\n", "200 404 open"),
        ("GET /missing HTTP/1.1\r\nHost: a\r\n\r\nGET /f HTTP/1.1\r\nHost: a\r\n\r\n", "404 200 open"),
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\nGET /f HTTP/1.1\r\nHost: a\r\n\r\n", "200|204 200 open"),
    ];
    check_all(protocol, &rows);
}
