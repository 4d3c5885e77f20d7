//! Standard output that nobody reads, or that is gone: serving goes on.

use std::time::{Duration, Instant};

use crate::harness::{Protocol, Server, Site, Stdout, on_every_protocol, tallyd};

on_every_protocol! {
    output_that_is_never_read_stalls_nothing,
    output_that_is_closed_ends_nothing,
    all_lines_come_when_output_is_read,
    lines_are_not_held_back,
}

/// Asks for so many files that their lines fill a pipe (64 KiB), and where many requests can be under way, many times over.
pub(crate) fn fill(server: &Server) {
    let requests = if server.protocol() == Protocol::Http1 { 50_000 } else { 5_000 };
    server.connect().get_often("/f", requests, b"content");
    // New connections have lines of their own.
    for _ in 0..100 {
        assert_eq!(server.fetch("/f").status, 200);
    }
}

/// Serves as before, with about as much time per request as when its output is read.
fn serves_on(protocol: Protocol, stdout: Stdout) {
    let site = Site::with(&[("f", "content")]);
    let server = Server::launch_over(protocol, &site, tallyd(&site).args(["--workers", "1"]), stdout);
    let start = Instant::now();
    fill(&server);
    assert!(start.elapsed() < Duration::from_secs(20), "it took {:?}", start.elapsed());
    assert_eq!(server.fetch("/f").status, 200);
}

fn output_that_is_never_read_stalls_nothing(protocol: Protocol) {
    serves_on(protocol, Stdout::NeverRead);
}

fn output_that_is_closed_ends_nothing(protocol: Protocol) {
    serves_on(protocol, Stdout::Closed);
}

fn all_lines_come_when_output_is_read(protocol: Protocol) {
    let site = Site::with(&[("f", "content")]);
    let server = Server::start_over(protocol, &site, &["--workers", "1"]);
    let mut conn = server.connect();
    for _ in 0..5_000 {
        conn.get("/f");
    }
    // In order too: one connection, one request after the other.
    let numbers: Vec<u64> = server.stdout().wait_for_deliveries(5_000).iter().map(|it| it.n).collect();
    assert!(numbers.is_sorted() && numbers.len() == 5_000 && numbers.last() == Some(&5_000), "{numbers:?}");
}

fn lines_are_not_held_back(protocol: Protocol) {
    let site = Site::with(&[("f", "content")]);
    let server = Server::start_over(protocol, &site, &[]);
    for count in 1..=5 {
        let mut conn = server.connect();
        conn.get("/f");
        // The connection is still open and nothing else happens: the line must come by itself.
        server.stdout().wait_for_deliveries(count);
    }
}
