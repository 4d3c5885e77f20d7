//! What the program costs when it does nothing, and what a connection costs that does nothing.

use std::time::{Duration, Instant};

use crate::harness::{Conn, Identity, Server, Site, anonymous_kib, crowd, noise, pss_kib};

#[test]
fn idle_connections_are_cheap_and_hold_up_nobody() {
    // Ten MiB is the limit; the code of a debug build takes up to six more.
    const IDLE_KIB: u64 = if cfg!(debug_assertions) { 16 * 1024 } else { 10 * 1024 };
    const PER_CONNECTION: u64 = 3 * 1024;
    let site = Site::new();
    site.file("f", noise(1_000, 1));
    let server = Server::start(&site, &["--workers", "2", "--idle-timeout", "600s"]);
    server.fetch("/f");
    let idle = pss_kib(server.pid());
    println!("idle: {idle} KiB");
    assert!(idle <= IDLE_KIB, "{idle} KiB when idle");

    let crowd = crowd(10_000);
    let conns = idle_connections(&server, crowd.size, PER_CONNECTION, || server.connect());
    let waited = best_of(10, || {
        assert_eq!(server.fetch("/f").content.len(), 1_000);
    });
    println!("a new client beside them: {waited:?}");
    assert!(waited <= Duration::from_millis(100), "a new client waited for {waited:?}");
    // By reset, so that no port of this machine waits for the end of 10,000 connections.
    conns.into_iter().for_each(Conn::reset);
}

/// A session takes some 11 KiB, 4 of which are the room into which rustls has read last; nginx takes 15.
#[test]
fn idle_connections_with_tls_are_cheap() {
    const PER_CONNECTION: u64 = 12 * 1024;
    let site = Site::new();
    site.file("f", noise(1_000, 1));
    let identity = Identity::new(&site, "own", &["a.example"]);
    let flags = [&identity.flags()[..], &["--workers", "2", "--idle-timeout", "600s"]].concat();
    let server = Server::start(&site, &flags);
    let connect = || server.connect_tls(&identity, "a.example");
    // What the first ones have the server set up for all.
    (0..16).for_each(|_| drop(connect().get("/f")));
    let crowd = crowd(2_000);
    let conns = idle_connections(&server, crowd.size, PER_CONNECTION, connect);
    conns.into_iter().for_each(Conn::reset);
}

/// As many connections as this, idle after a request each, none of which may cost more than `most` bytes.
fn idle_connections(server: &Server, count: usize, most: u64, connect: impl Fn() -> Conn) -> Vec<Conn> {
    // Of what it shares with the servers of other tests, its share grows when they end.
    let before = anonymous_kib(server.pid());
    let conns: Vec<Conn> = (0..count)
        .map(|_| {
            let mut conn = connect();
            assert_eq!(conn.get("/f").content.len(), 1_000);
            conn
        })
        .collect();
    let after = anonymous_kib(server.pid());
    let each = after.saturating_sub(before) * 1024 / count as u64;
    println!("{count} idle connections: {after} KiB, {each} bytes each");
    assert!(each <= most, "{each} bytes for each of {count} connections");
    conns
}

#[test]
fn the_first_answer_comes_at_once() {
    const LIMIT: Duration = Duration::from_millis(20);
    let site = Site::with(&[("f", "content")]);
    // The best of forty: what the program needs, not what else the machine does.
    let best = best_of(40, || {
        let server = Server::start(&site, &[]);
        assert_eq!(server.fetch("/f").content, b"content");
    });
    println!("from start to first answer: {best:?}");
    assert!(best <= LIMIT, "from start to first answer: {best:?}");
}

/// The shortest of so many runs.
fn best_of(runs: usize, mut run: impl FnMut()) -> Duration {
    let times = (0..runs).map(|_| {
        let start = Instant::now();
        run();
        start.elapsed()
    });
    times.min().expect("at least one run")
}
