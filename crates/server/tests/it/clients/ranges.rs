//! Many ranges of a file of 5 GiB: what they cost, and that every byte of what is sent is right.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::Instant;

use super::served::{Served, settle};
use crate::harness::{Answer, Conn, Protocol, Site, anonymous_kib, cpu_time, noise, on_every_protocol};

on_every_protocol! {
    as_many_ranges_as_are_honoured_arrive_byte_for_byte,
    a_thousand_ranges_cost_next_to_nothing,
}

const LENGTH: u64 = 5 << 30;

/// The most ranges of a request that are honoured (docs: README, "What is served").
const MOST: u64 = 200;

/// The length of each range: no multiple of anything.
const PIECE: usize = 40_001;

/// More memory than so much, in KiB, is not bounded by the requests but by the file.
const BOUND_KIB: u64 = 4 * 1024;

/// Where the ranges begin: all over the file, on both sides of 4 GiB, and never at the start of a page.
fn starts() -> impl Iterator<Item = u64> {
    (0..MOST).map(|number| number * 26_000_000 + 1_237 * number + 11)
}

/// A file that is empty but for what the ranges ask for.
fn large_file(protocol: Protocol) -> Served {
    let site = Site::new();
    let path = site.file("large", "");
    let file = File::options().write(true).open(&path).expect("our file");
    file.set_len(LENGTH).expect("a file system with sparse files");
    for start in starts() {
        file.write_all_at(&noise(PIECE, start), start).expect("room for the content");
    }
    settle(&path);
    Served::start_over(protocol, site, &["--workers", "1"])
}

fn ask(conn: &mut Conn, ranges: &str) {
    conn.send(format!("GET /large HTTP/1.1\r\nHost: a\r\nRange: bytes={ranges}\r\n\r\n"));
}

fn pieces() -> String {
    let ranges: Vec<String> = starts().map(|start| format!("{start}-{}", start + PIECE as u64 - 1)).collect();
    ranges.join(",")
}

fn as_many_ranges_as_are_honoured_arrive_byte_for_byte(protocol: Protocol) {
    let served = large_file(protocol);
    let mut conn = served.server.connect();
    let before = anonymous_kib(served.server.pid());
    ask(&mut conn, &pieces());
    let answer = conn.answer();
    let after = anonymous_kib(served.server.pid());
    println!("{MOST} ranges: {} bytes, memory {before} KiB, then {after} KiB", answer.content.len());
    assert!(after <= before + BOUND_KIB, "{before} KiB, then {after} KiB");
    assert!(answer.content == multipart(&answer), "the parts differ");
    let counted = served.counted("/large", "requests 1 partial 1 completed 1");
    assert_eq!(counted.bytes, MOST * PIECE as u64, "what is between the parts is not content");
}

/// What the content must be, with the boundary that the answer names (RFC 9110 section 14.6).
fn multipart(answer: &Answer) -> Vec<u8> {
    assert_eq!(answer.status, 206);
    let content_type = answer.field("Content-Type").expect("Content-Type");
    let boundary = content_type.strip_prefix("multipart/byteranges; boundary=").expect("a boundary");
    let mut expect = Vec::with_capacity(answer.content.len());
    for start in starts() {
        let end = start + PIECE as u64 - 1;
        let head = format!(
            "--{boundary}\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes {start}-{end}/{LENGTH}\r\n\r\n"
        );
        expect.extend_from_slice(head.as_bytes());
        expect.extend_from_slice(&noise(PIECE, start));
        expect.extend_from_slice(b"\r\n");
    }
    expect.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    expect
}

fn a_thousand_ranges_cost_next_to_nothing(protocol: Protocol) {
    // What is encrypted for a client and not yet taken is its own; without TLS it is the page cache's.
    let bound = if protocol.is_secure() { 4 * BOUND_KIB } else { BOUND_KIB };
    let served = large_file(protocol);
    let pid = served.server.pid();
    let before = (anonymous_kib(pid), cpu_time(pid));
    // So many that fit into a head are more than are honoured: the whole is offered, and each of these clients, who
    // would not read it, goes away.
    let near: Vec<String> = (0..1_000).map(|number| format!("{0}-{0}", number * 100)).collect();
    let started = Instant::now();
    let unread: Vec<Conn> = (0..20)
        .map(|_| {
            let mut conn = served.server.connect_with_small_window();
            ask(&mut conn, &near.join(","));
            let head = conn.next_head().expect("an answer");
            assert_eq!((head.status, head.content_length()), (200, Some(LENGTH as usize)));
            conn
        })
        .collect();
    // So many all over the file do not fit into a head.
    let far: Vec<String> = (0..1_000_u64).map(|number| format!("{0}-{0}", number * 5_000_000 + 1)).collect();
    let mut conn = served.server.connect();
    // A client of HTTP/3 has been told so, and does not try (RFC 9114 section 4.2.2).
    if protocol != Protocol::Http3 {
        ask(&mut conn, &far.join(","));
        assert_eq!(conn.answer().status, 431);
    }
    // As many as are honoured, by clients who do not read either.
    let parts: Vec<Conn> = (0..20)
        .map(|_| {
            let mut conn = served.server.connect_with_small_window();
            ask(&mut conn, &pieces());
            assert_eq!(conn.next_head().expect("an answer").status, 206);
            conn
        })
        .collect();
    let after = (anonymous_kib(pid), cpu_time(pid));
    println!(
        "20 clients with 1,000 ranges and 20 with {MOST}, under way: {} KiB, before {} KiB; {:?} of the server's time in {:?}",
        after.0,
        before.0,
        after.1.saturating_sub(before.1),
        started.elapsed()
    );
    assert!(after.0 <= before.0 + bound, "{} KiB, then {} KiB", before.0, after.0);
    unread.into_iter().chain(parts).for_each(Conn::reset);
    served.counted("/large", "requests 40 full 20 partial 20 aborted 40");
}
