//! What the program costs when it does nothing, and what a connection costs that does nothing.

use std::time::{Duration, Instant};

use crate::harness::{Conn, Server, Site, noise, pss_kib, raise_descriptor_limit};

/// As many idle connections as are asked for, if this process may have as many descriptors.
const CONNECTIONS: u64 = 10_000;

#[test]
fn idle_connections_are_cheap_and_hold_up_nobody() {
    // Ten MiB is the limit; the code of a debug build takes up to six more.
    const IDLE_KIB: u64 = if cfg!(debug_assertions) { 16 * 1024 } else { 10 * 1024 };
    const PER_CONNECTION: u64 = 3 * 1024;
    // The other tests of this process need some hundreds.
    let count = CONNECTIONS.min(raise_descriptor_limit().saturating_sub(2_000));
    assert!(count >= 100, "this process may not have enough descriptors to measure anything");
    let site = Site::new();
    site.file("f", noise(1_000, 1));
    let server = Server::start(&site, &["--workers", "2", "--idle-timeout", "600s"]);
    server.fetch("/f");
    let idle = pss_kib(server.pid());
    println!("idle: {idle} KiB");
    assert!(idle <= IDLE_KIB, "{idle} KiB when idle");

    let conns: Vec<Conn> = (0..count)
        .map(|_| {
            let mut conn = server.connect();
            assert_eq!(conn.get("/f").content.len(), 1_000);
            conn
        })
        .collect();
    let loaded = pss_kib(server.pid());
    let each = loaded.saturating_sub(idle) * 1024 / count;
    println!("{count} idle connections: {loaded} KiB, {each} bytes each");
    assert!(each <= PER_CONNECTION, "{each} bytes for each of {count} connections");

    let waited = best_of(10, || {
        assert_eq!(server.fetch("/f").content.len(), 1_000);
    });
    println!("a new client beside them: {waited:?}");
    assert!(waited <= Duration::from_millis(100), "a new client waited for {waited:?}");
    // By reset, so that no port of this machine waits for the end of 10,000 connections.
    conns.into_iter().for_each(Conn::reset);
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
