//! Error pages: which are shown, and that they stay refusals.

use std::fs;

use rustix::process::Signal;

use crate::harness::{Content, Protocol, SOON, Server, Site, eventually, on_every_protocol};

on_every_protocol! {
    a_page_of_the_site_is_shown_and_not_counted,
    a_page_is_exchanged_while_the_server_runs,
}

fn a_page_of_the_site_is_shown_and_not_counted(protocol: Protocol) {
    let site = Site::with(&[
        ("404.html", "<p>lost</p>"),
        (".errors/403.txt", "closed"),
        ("50x.html", "sorry"),
        ("f", "f"),
        (".env", "s"),
    ]);
    let server = Server::start_over(protocol, &site, &["--error-page", "405=.errors/403.txt"]);
    let mut conn = server.connect();
    for (method, target, status, content_type, content) in [
        ("GET", "/missing", 404, "text/html; charset=utf-8", "<p>lost</p>"),
        ("GET", "/missing.js", 404, "text/html; charset=utf-8", "<p>lost</p>"),
        // No more is told of what is hidden than of what is missing.
        ("GET", "/.env", 404, "text/html; charset=utf-8", "<p>lost</p>"),
        ("DELETE", "/f", 405, "text/plain; charset=utf-8", "closed"),
        ("GET", "/%", 400, "text/plain; charset=utf-8", "The address is not a valid path on this site.\n"),
        ("BREW", "/f", 501, "text/html; charset=utf-8", "sorry"),
    ] {
        conn.send(format!("{method} {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
        let answer = conn.answer();
        let seen = (answer.status, answer.field("Content-Type"), String::from_utf8_lossy(&answer.content));
        assert_eq!(seen, (status, Some(content_type), content.into()), "{method} {target}");
        assert!(answer.field("ETag").is_none() && answer.field("Last-Modified").is_none());
        if answer.announces_close() {
            conn = server.connect();
        }
    }
    conn.send("HEAD /missing HTTP/1.1\r\nHost: a\r\n\r\n");
    let head = conn.next(Content::Withheld).expect("an answer");
    assert_eq!((head.status, head.field("Content-Length")), (404, Some("11")));
    // A precondition or a range is about the resource, which is not there.
    conn.send("GET /missing HTTP/1.1\r\nHost: a\r\nRange: bytes=0-1\r\nIf-None-Match: *\r\n\r\n");
    assert_eq!(conn.answer().status, 404);
    // Under its own path it is a file like any other, with its first number.
    assert_eq!(conn.get("/404.html").status, 200);
    let delivery = server.stdout().wait_for_deliveries(1).remove(0);
    assert_eq!((delivery.path.as_str(), delivery.n), ("/404.html", 1));
}

fn a_page_is_exchanged_while_the_server_runs(protocol: Protocol) {
    let site = Site::new();
    let server = Server::start_over(protocol, &site, &[]);
    let shown = || String::from_utf8(server.fetch("/missing").content).expect("text");
    assert_eq!(shown(), "There is nothing here under this address.\n");
    for content in ["one", "two"] {
        site.file("404.html", content);
        eventually("the page is shown", SOON, || (shown() == content).then_some(()));
    }
    // On SIGHUP it is not waited for the next look.
    fs::remove_file(site.path("404.html")).expect("it was there");
    server.signal(Signal::HUP);
    eventually("the page is gone", SOON, || shown().starts_with("There is nothing").then_some(()));
}
