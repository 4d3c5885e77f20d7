//! What the program costs when it does nothing, and what a connection costs that does nothing.

use std::time::{Duration, Instant};

use crate::harness::{Conn, Protocol, Server, Site, anonymous_kib, crowd, noise, on_every_protocol, pss_kib};

on_every_protocol! {
    idle_connections_are_cheap_and_hold_up_nobody,
    the_first_answer_comes_at_once,
}

/// How many connections are held, and how many bytes of the server's memory each may take.
fn measure(protocol: Protocol) -> (usize, u64) {
    match protocol {
        Protocol::Http1 => (10_000, 3 * 1024),
        // A session takes some 11 KiB, 4 of which are the room into which rustls has read last; nginx takes 15.
        Protocol::Http1Tls => (2_000, 12 * 1024),
        // The same session, and some KiB for tables of fields and streams.
        Protocol::Http2 => (400, 20 * 1024),
        // Some 64 KiB: what the kernel keeps of a connection of TCP is kept here.
        Protocol::Http3 => (400, 96 * 1024),
    }
}

fn idle_connections_are_cheap_and_hold_up_nobody(protocol: Protocol) {
    // Ten MiB is the limit; the code of a debug build takes up to six more.
    const IDLE_KIB: u64 = if cfg!(debug_assertions) { 16 * 1024 } else { 10 * 1024 };
    let site = Site::new();
    site.file("f", noise(1_000, 1));
    let server = Server::start_over(protocol, &site, &["--workers", "2", "--idle-timeout", "600s"]);
    server.fetch("/f");
    let idle = pss_kib(server.pid());
    println!("idle: {idle} KiB");
    assert!(idle <= IDLE_KIB, "{idle} KiB when idle");

    // What the first ones have the server set up for all.
    (0..16).for_each(|_| drop(server.fetch("/f")));
    let (count, most) = measure(protocol);
    // A client that has streams has descriptors beside its socket's.
    let each = if protocol.has_streams() { 6 } else { 1 };
    let crowd = crowd(count * each);
    let conns = idle_connections(&server, crowd.size / each, most);
    let waited = best_of(10, || {
        assert_eq!(server.fetch("/f").content.len(), 1_000);
    });
    println!("a new client beside them: {waited:?}");
    assert!(waited <= Duration::from_millis(100), "a new client waited for {waited:?}");
    // By reset, so that no port of this machine waits for the end of 10,000 connections.
    conns.into_iter().for_each(Conn::reset);
}

/// As many connections as this, idle after a request each, none of which may cost more than `most` bytes.
fn idle_connections(server: &Server, count: usize, most: u64) -> Vec<Conn> {
    // Of what it shares with the servers of other tests, its share grows when they end.
    let before = anonymous_kib(server.pid());
    let conns: Vec<Conn> = (0..count)
        .map(|_| {
            let mut conn = server.connect();
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

fn the_first_answer_comes_at_once(protocol: Protocol) {
    // The library for TLS spends some 30 ms on the seed of its random numbers, out of the processor's jitter (AWS-LC).
    let limit = Duration::from_millis(if protocol.is_secure() { 100 } else { 20 });
    let site = Site::with(&[("f", "content")]);
    // The best of forty: what the program needs, not what else the machine does.
    let best = best_of(40, || {
        let server = Server::start_over(protocol, &site, &[]);
        assert_eq!(server.fetch("/f").content, b"content");
    });
    println!("from start to first answer: {best:?}");
    assert!(best <= limit, "from start to first answer: {best:?}");
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
