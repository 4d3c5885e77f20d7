//! Who is answered: tested in every combination by the guard itself; here, that it stands before everything.

use std::fs;

use super::visitor::Visitor;
use crate::harness::{Content, SOON, Server, Site, eventually, tallyd};

/// What stands behind the guard.
const TARGETS: [&str; 12] = [
    "/",
    "/page.js",
    "/style.css",
    "/api/v1/summary",
    "/api/v1/files",
    "/api/v1/file?path=/a.txt",
    "/api/v1/transfers",
    "/api/v1/history",
    "/api/v1/events",
    "/api/v1/openapi.json",
    "/metrics",
    "/nothing",
];

#[test]
fn a_page_elsewhere_reads_nothing() {
    let site = Site::new();
    let server = Server::start(&site, &[]);
    let visitor = Visitor::of(&server);
    for target in TARGETS {
        let mut conn = visitor.connect();
        conn.send(format!("GET {target} HTTP/1.1\r\nHost: evil.example\r\n\r\n"));
        let answer = conn.answer();
        assert_eq!(answer.status, 421, "{target}");
        assert_eq!(answer.field("Access-Control-Allow-Origin"), None);
        for lines in ["Origin: http://evil.example\r\n", "Sec-Fetch-Site: cross-site\r\n", "Origin: null\r\n"]
        {
            let answer = visitor.ask(target, lines);
            assert_eq!(answer.status, 403, "{target} {lines}");
            assert_eq!(answer.field("X-Content-Type-Options"), Some("nosniff"));
            assert!(
                answer
                    .field("Content-Security-Policy")
                    .is_some_and(|policy| policy.contains("frame-ancestors 'none'"))
            );
        }
    }
}

#[test]
fn nothing_can_be_changed() {
    let site = Site::with(&[("a.txt", "a")]);
    let server = Server::start(&site, &[]);
    let visitor = Visitor::of(&server);
    assert_eq!(server.fetch("/a.txt").status, 200);
    let totals = || {
        let mut totals = visitor.json("/api/v1/summary")["totals"].take();
        totals["as_of"].take();
        (totals["requests"] == 1).then_some(totals)
    };
    let before = eventually("it is counted", SOON, totals);
    let document = visitor.json("/api/v1/openapi.json");
    let described = document["paths"].as_object().expect("paths").iter();
    for (path, methods) in described.clone() {
        let methods: Vec<&String> = methods.as_object().expect("methods").keys().collect();
        assert_eq!(methods, ["get"], "{path}");
    }
    let targets = described.map(|(path, _)| path.as_str()).chain(TARGETS);
    for target in targets {
        for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "BREW"] {
            let mut conn = visitor.connect();
            conn.send(format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"));
            let answer = conn.next(Content::Sent).expect("an answer");
            assert_eq!(answer.status, 405, "{method} {target}");
        }
    }
    assert_eq!(eventually("it is as it was", SOON, totals), before);
    assert_eq!(server.fetch("/a.txt").status, 200);
}

#[test]
fn a_token_is_asked_for_where_there_is_one() {
    let site = Site::new();
    let file = site.around().join("token");
    fs::write(&file, "correct-horse-battery\nsecond line\n").expect("a token file");
    let server = Server::start(&site, &["--admin-token-file", file.to_str().expect("UTF-8")]);
    let visitor = Visitor::of(&server);
    for target in TARGETS {
        let answer = visitor.ask(target, "");
        assert_eq!(answer.status, 401, "{target}");
        assert!(answer.field("WWW-Authenticate").is_some_and(|offer| offer.contains("Basic")));
        assert_eq!(visitor.ask(target, "Authorization: Bearer correct-horse-batterz\r\n").status, 401);
    }
    assert_eq!(visitor.ask("/api/v1/summary", "Authorization: Bearer correct-horse-battery\r\n").status, 200);
    assert_eq!(visitor.ask("/healthz", "").status, 200);
}

#[test]
fn what_does_not_fit_is_said_at_the_start() {
    let site = Site::new();
    let missing = site.around().join("missing");
    let short = site.around().join("short");
    fs::write(&short, "short\n").expect("a token file");
    let check = |arguments: &[&str], expect: &str| {
        let output = tallyd(&site).args(arguments).output().expect("the program runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(expect), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(!said.contains("correct-horse-battery"), "{said}");
    };
    check(&["--admin", "0.0.0.0:0"], "can be reached by others, and there is no token");
    check(&["--admin", "192.0.2.1:9"], "can be reached by others, and there is no token");
    check(&["--admin", "192.0.2.1:9", "--admin-insecure"], "cannot be listened on");
    check(&["--admin-token-file", missing.to_str().expect("UTF-8")], "cannot be read");
    check(&["--admin-token-file", short.to_str().expect("UTF-8")], "holds a token that is not 16 to 256");
    let both =
        ["--admin-token", "correct-horse-battery", "--admin-token-file", short.to_str().expect("UTF-8")];
    check(&both, "is given, and so is a file with one");
}

#[test]
fn off_is_off() {
    let site = Site::new();
    let mut server = Server::start(&site, &["--admin", "off"]);
    assert_eq!(server.fetch("/").status, 200);
    server.signal(rustix::process::Signal::TERM);
    assert!(server.wait_for_exit(SOON).success());
    server.stderr().wait_for_end();
    assert!(!server.stderr().all().iter().any(|line| line.contains("dashboard")));
}
