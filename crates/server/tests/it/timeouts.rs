//! How long a client may take: for a head, between requests, and, judged by its rate, for an answer.
//!
//! Heads and content that trickle in byte by byte are those of HTTP/1.1: elsewhere they come in frames (`http2::floods`). A client
//! that does not even come to the end of its handshake is in `tls::strangers`.

use std::thread;
use std::time::{Duration, Instant};

use crate::harness::{Conn, Content, End, Protocol, SOON, Server, Site, noise, on_every_protocol};

on_every_protocol! {
    a_client_that_does_not_read_is_cut,
    a_client_that_reads_slowly_but_steadily_is_served_in_full,
    without_a_minimum_rate_a_client_may_take_its_time,
    an_idle_connection_is_closed_without_a_word,
    each_request_renews_the_idle_time,
    the_time_for_a_head_does_not_bound_a_connection,
    a_connection_without_a_request_is_closed,
}

const TIMEOUT: Duration = Duration::from_millis(500);

/// A server may look at its clocks in steps; a client is never cut before its time, and not long after it.
fn is_about(took: Duration, expected: Duration) {
    assert!(took >= expected * 9 / 10, "cut after {took:?}, before its time of {expected:?}");
    assert!(took < expected * 3 + Duration::from_secs(2), "cut after {took:?} instead of {expected:?}");
}

fn an_idle_connection_is_closed_without_a_word(protocol: Protocol) {
    let site = Site::with(&[("f", "content")]);
    let server = Server::start_over(protocol, &site, &["--idle-timeout", "500ms"]);
    let mut conn = server.connect();
    conn.get("/f");
    let idle = Instant::now();
    // An answer now could be taken for that of a request which is just on its way.
    assert_eq!(conn.end(), End::Clean);
    is_about(idle.elapsed(), TIMEOUT);
}

fn each_request_renews_the_idle_time(protocol: Protocol) {
    let site = Site::with(&[("f", "content")]);
    let server = Server::start_over(protocol, &site, &["--idle-timeout", "1s"]);
    let mut conn = server.connect();
    for _ in 0..8 {
        conn.get("/f");
        // The client's own pace: together twice the time-out.
        thread::sleep(Duration::from_millis(250));
    }
    assert_eq!(conn.get("/f").status, 200);
}

fn the_time_for_a_head_does_not_bound_a_connection(protocol: Protocol) {
    let site = Site::with(&[("f", "content")]);
    let server = Server::start_over(protocol, &site, &["--header-timeout", "500ms", "--idle-timeout", "60s"]);
    let mut conn = server.connect();
    for _ in 0..10 {
        conn.get("/f");
        // The client's own pace: together three times the time for a head.
        thread::sleep(Duration::from_millis(150));
    }
    // A single pause beyond that time is the idle time-out's business.
    thread::sleep(Duration::from_millis(1_500));
    assert_eq!(conn.get("/f").status, 200);
}

/// Writes a byte whenever nothing has come for `pace`; how long the connection lasted, and the status it ended
/// with, if any.
fn trickle(conn: &mut Conn, bytes: impl Iterator<Item = u8>, pace: Duration) -> (Duration, Option<u16>) {
    let start = Instant::now();
    conn.set_patience(pace);
    for byte in bytes {
        // After a cut the bytes go nowhere; the next read says so.
        let _ = conn.try_send(&[byte]);
        match conn.next(Content::Sent) {
            Ok(answer) => return (start.elapsed(), Some(answer.status)),
            Err(End::Clean | End::Reset | End::Cut) => return (start.elapsed(), None),
            Err(End::Silence) => assert!(start.elapsed() < SOON, "never cut"),
        }
    }
    panic!("the bytes ran out before the connection ended");
}

#[test]
fn a_head_that_trickles_in_is_cut() {
    let site = Site::with(&[("f", "content")]);
    let server = Server::start(&site, &["--header-timeout", "500ms", "--idle-timeout", "60s"]);
    let endless = || b"GET /f HTTP/1.1\r\nHost: a\r\nX: ".iter().copied().chain(std::iter::repeat(b'x'));
    let (took, status) = trickle(&mut server.connect(), endless(), Duration::from_millis(100));
    is_about(took, TIMEOUT);
    assert!(matches!(status, None | Some(408)), "{status:?}");

    // The second request of a connection has no more time than the first.
    let mut second = server.connect();
    second.get("/f");
    let (took, status) = trickle(&mut second, endless(), Duration::from_millis(100));
    is_about(took, TIMEOUT);
    assert!(matches!(status, None | Some(408)), "{status:?}");

    // Empty lines before a request are no way around it.
    let (took, _) =
        trickle(&mut server.connect(), b"\r\n".iter().copied().cycle(), Duration::from_millis(100));
    assert!(took < Duration::from_secs(5), "empty lines held the connection for {took:?}");
}

fn a_connection_without_a_request_is_closed(protocol: Protocol) {
    let site = Site::with(&[("f", "content")]);
    let server =
        Server::start_over(protocol, &site, &["--header-timeout", "500ms", "--idle-timeout", "500ms"]);
    let start = Instant::now();
    let mut conn = server.connect();
    let status = conn.next(Content::Sent).map(|answer| answer.status);
    assert!(matches!(status, Err(End::Clean) | Ok(408)), "{status:?}");
    is_about(start.elapsed(), TIMEOUT);
}

#[test]
fn content_that_trickles_in_is_not_waited_for() {
    let site = Site::with(&[("f", "content")]);
    let arguments = ["--header-timeout", "500ms", "--idle-timeout", "500ms", "--min-rate", "1000"];
    let server = Server::start(&site, &[&arguments[..], &["--rate-window", "500ms"]].concat());
    let mut conn = server.connect();
    conn.send("GET /f HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
    let (mut took, mut status) = trickle(&mut conn, std::iter::repeat(b'c'), Duration::from_millis(100));
    if status == Some(200) {
        // Answered before the content was there; then it is the draining that must end.
        let rest = trickle(&mut conn, std::iter::repeat(b'c'), Duration::from_millis(100));
        (took, status) = (took + rest.0, rest.1);
    }
    assert!(matches!(status, None | Some(408 | 400)), "{status:?}");
    assert!(took < Duration::from_secs(5), "content of 10 bytes per second held the connection for {took:?}");
}

fn a_client_that_does_not_read_is_cut(protocol: Protocol) {
    let site = Site::new();
    site.file("large", noise(20_000_000, 1));
    let server = Server::start_over(
        protocol,
        &site,
        &["--min-rate", "1000", "--rate-window", "1s", "--idle-timeout", "60s"],
    );
    let start = Instant::now();
    let mut conn = server.connect_with_small_window();
    conn.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    // The line is printed when the transfer has ended; reading here would be a sign of life.
    server.stdout().wait_for_deliveries(1);
    is_about(start.elapsed(), Duration::from_secs(1));
    if protocol == Protocol::Http3 {
        // What came before a connection of QUIC was ended is not given out any more.
        return;
    }
    let head = conn.next_head().expect("the head came before the cut");
    assert_eq!(head.content_length(), Some(20_000_000));
    let received = conn.take(20_000_000);
    assert!(received.len() < 20_000_000, "all came");
    assert!(noise(20_000_000, 1).starts_with(&received), "what came differs");
}

fn a_client_that_reads_slowly_but_steadily_is_served_in_full(protocol: Protocol) {
    // The kernel takes up to some megabytes ahead of the client and asks for more in large steps: between two of
    // them more than one window passes. What counts is what the client takes, not what the kernel does.
    const LENGTH: usize = 6_000_000;
    const PORTION: usize = 40_000;
    let site = Site::new();
    site.file("large", noise(LENGTH, 2));
    let server = Server::start_over(
        protocol,
        &site,
        &["--min-rate", "50000", "--rate-window", "500ms", "--idle-timeout", "500ms"],
    );
    let mut conn = server.connect_with_small_window();
    conn.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(conn.next_head().expect("an answer").content_length(), Some(LENGTH));
    let mut received = Vec::new();
    let start = Instant::now();
    while received.len() < LENGTH {
        let portion = conn.take(PORTION.min(LENGTH - received.len()));
        assert!(!portion.is_empty(), "cut after {} bytes, {:?}", received.len(), start.elapsed());
        received.extend_from_slice(&portion);
        // The client's own pace: at most 800,000 bytes per second, 16 times the minimum.
        thread::sleep(Duration::from_millis(50));
    }
    assert!(received == noise(LENGTH, 2), "what came differs");
}

fn without_a_minimum_rate_a_client_may_take_its_time(protocol: Protocol) {
    let site = Site::new();
    site.file("large", noise(20_000_000, 3));
    let timeouts = ["--header-timeout", "300ms", "--idle-timeout", "300ms"];
    let server = Server::start_over(
        protocol,
        &site,
        &[&timeouts[..], &["--min-rate", "0", "--rate-window", "300ms"]].concat(),
    );
    let mut conn = server.connect_with_small_window();
    conn.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    conn.next_head().expect("an answer");
    // The client's own pace: a pause of several time-outs.
    thread::sleep(Duration::from_secs(2));
    assert!(conn.take(20_000_000) == noise(20_000_000, 3));
}
