//! Standard output that nobody reads, or that is gone: serving goes on.

use std::time::{Duration, Instant};

use crate::harness::{Server, Site, Stdout, tallyd};

/// Asks for so many files that their lines fill a pipe (64 KiB) many times over.
pub(crate) fn fill(server: &Server) {
    const REQUESTS: usize = 50_000;
    const BATCH: usize = 500;
    let mut conn = server.connect();
    let batch = "GET /f HTTP/1.1\r\nHost: a\r\n\r\n".repeat(BATCH);
    for _ in 0..REQUESTS / BATCH {
        conn.send(&batch);
        for _ in 0..BATCH {
            assert_eq!(conn.answer().content, b"content");
        }
    }
    // New connections have lines of their own.
    for _ in 0..100 {
        assert_eq!(server.fetch("/f").status, 200);
    }
}

/// Serves as before, with about as much time per request as when its output is read.
fn serves_on(stdout: Stdout) {
    let site = Site::with(&[("f", "content")]);
    let server = Server::launch(tallyd(&site).args(["--workers", "1"]), stdout);
    let start = Instant::now();
    fill(&server);
    assert!(start.elapsed() < Duration::from_secs(20), "50,000 requests took {:?}", start.elapsed());
    assert_eq!(server.fetch("/f").status, 200);
}

#[test]
fn output_that_is_never_read_stalls_nothing() {
    serves_on(Stdout::NeverRead);
}

#[test]
fn output_that_is_closed_ends_nothing() {
    serves_on(Stdout::Closed);
}

#[test]
fn all_lines_come_when_output_is_read() {
    let site = Site::with(&[("f", "content")]);
    let server = Server::start(&site, &["--workers", "1"]);
    let mut conn = server.connect();
    for _ in 0..5_000 {
        conn.get("/f");
    }
    // In order too: one connection, one request after the other.
    let numbers: Vec<u64> = server.stdout().wait_for_deliveries(5_000).iter().map(|it| it.n).collect();
    assert_eq!(numbers, (1..=5_000).collect::<Vec<_>>());
}

#[test]
fn lines_are_not_held_back() {
    let site = Site::with(&[("f", "content")]);
    let server = Server::start(&site, &[]);
    for count in 1..=5 {
        let mut conn = server.connect();
        conn.get("/f");
        // The connection is still open and nothing else happens: the line must come by itself.
        server.stdout().wait_for_deliveries(count);
    }
}
