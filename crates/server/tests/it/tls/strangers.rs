//! Whoever comes to the port for HTTPS and speaks something else, or nothing, or not to the end.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::harness::{
    Channel, Conn, Content, End, Identity, Protocol, SOON, Server, Site, anonymous_kib, crowd, noise,
    on_every_protocol,
};

on_every_protocol! { who_does_nothing_wrong_is_not_spoken_of }

/// The start of a handshake that says that 512 bytes of it come.
const HELLO: &[u8] = b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03";

fn served(arguments: &[&str]) -> (Site, Identity, Server) {
    let site = Site::with(&[("f", noise(1_000_003, 1))]);
    let identity = Identity::new(&site, "own", &["a.example"]);
    let server = Server::start(&site, &[&identity.flags()[..], arguments].concat());
    (site, identity, server)
}

#[test]
fn http_without_tls_gets_a_readable_answer() {
    let (_site, _identity, server) = served(&[]);
    let mut conn = Conn::open(server.tls_address());
    conn.send("GET /f HTTP/1.1\r\nHost: a\r\n\r\n");
    let answer = conn.answer();
    assert_eq!((answer.status, answer.announces_close()), (400, true));
    assert_eq!(answer.content, b"This port is for HTTPS: the address begins with https://.\n");
    assert_eq!(conn.end(), End::Clean);
}

#[test]
fn tls_on_the_port_without_it_is_refused_like_any_noise() {
    let (_site, identity, server) = served(&[]);
    let mut conn = Conn::open(server.address());
    conn.send(HELLO);
    let answer = conn.answer();
    assert_eq!((answer.status, answer.announces_close()), (400, true));
    assert_eq!(conn.end(), End::Clean);
    let conn = Conn::open(server.address());
    assert!(!conn.through(Channel::to(&identity, "a.example")).tries_to_shake_hands());
    assert_eq!(server.fetch("/f").status, 200);
}

#[test]
fn noise_is_closed() {
    let (_site, identity, server) = served(&[]);
    // No record, a record that is none, and one longer than a record may be.
    for noise in [
        &b"\0\0\0\0"[..],
        b"\x16\x03\x01\0\x04\x01\0\0\0",
        b"\x16\x03\x01\xff\xff\x01",
        b"\x16GET / HTTP/1.1\r\n\r\n",
    ] {
        let mut conn = Conn::open(server.tls_address());
        conn.send(noise);
        // An alert may come first.
        conn.take(usize::MAX);
        assert!(matches!(conn.end(), End::Clean | End::Reset), "{noise:?}");
    }
    assert_eq!(server.connect_tls(&identity, "a.example").get("/f").status, 200);
}

#[test]
fn a_handshake_that_stalls_is_given_up() {
    let (_site, identity, server) = served(&["--header-timeout", "300ms"]);
    for begun in [&b""[..], &HELLO[..3], HELLO] {
        let mut conn = Conn::open(server.tls_address());
        let start = Instant::now();
        conn.send(begun);
        assert!(matches!(conn.end(), End::Clean | End::Reset));
        assert!(start.elapsed() >= Duration::from_millis(250), "{:?}", start.elapsed());
    }
    assert_eq!(server.connect_tls(&identity, "a.example").get("/f").status, 200);
}

/// The settings and a data frame of no stream, behind the start of HTTP/2 (RFC 9113 sections 3.4 and 6.1).
const DATA_OF_NO_STREAM: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/// What is said of clients.
fn remarks(lines: &[String]) -> Vec<&str> {
    lines.iter().filter_map(|line| line.strip_prefix("tallyd: client 127.0.0.1 port ")).collect()
}

#[test]
fn what_goes_wrong_with_clients_is_said_to_who_asks() {
    for (arguments, is_said) in [(&[][..], false), (&["--verbose"], true)] {
        let (_site, _identity, mut server) =
            served(&[&["--workers", "1", "--header-timeout", "300ms"], arguments].concat());
        let (plain, secure) = (server.address(), server.tls_address());
        for (address, words, what) in [
            (secure, &b"GET / HTTP/1.1\r\n\r\n"[..], "no handshake: it speaks HTTP without TLS"),
            (secure, b"\0\0", "no handshake: what it says is no beginning of one"),
            (secure, b"\x16\x03\x01\0\x04\x01\0\0\0", "no handshake: received corrupt message"),
            (secure, HELLO, "no handshake: it was not completed in time"),
            (plain, b"\x16\r\n\r\n", "refused, because a request cannot be read (malformed)"),
            (plain, b"GET / HT", "given up, because a head took too long"),
            (plain, DATA_OF_NO_STREAM, "HTTP/2 ended: "),
        ] {
            let mut conn = Conn::open(address);
            conn.send(words);
            conn.take(usize::MAX);
            let remark = format!("{}: {what}", conn.port());
            if is_said {
                let is_there = |lines: &[String]| remarks(lines).iter().any(|it| it.starts_with(&remark));
                server.stderr().wait_for(&remark, |lines| is_there(lines).then_some(()));
            }
        }
        server.signal(Signal::TERM);
        server.wait_for_exit(SOON);
        server.stderr().wait_for_end();
        assert_eq!(!remarks(&server.stderr().all()).is_empty(), is_said, "{:#?}", server.stderr().all());
    }
}

fn who_does_nothing_wrong_is_not_spoken_of(protocol: Protocol) {
    let site = Site::with(&[("f", noise(1_000_003, 1))]);
    let mut server = Server::start_over(protocol, &site, &["--verbose"]);
    let mut conn = server.connect();
    for (target, status) in [("/f", 200), ("/missing", 404)] {
        assert_eq!(conn.get(target).status, status);
    }
    drop(conn);
    // One is still there when the server ends.
    let mut conn = server.connect();
    assert_eq!(conn.get("/f").status, 200);
    server.signal(Signal::TERM);
    server.wait_for_exit(SOON);
    server.stderr().wait_for_end();
    assert_eq!(remarks(&server.stderr().all()), [""; 0]);
}

#[test]
fn a_flood_of_strangers_is_summed_up() {
    const STRANGERS: u64 = 200;
    let (_site, _identity, server) = served(&["--workers", "1", "--verbose"]);
    for _ in 0..STRANGERS {
        let mut conn = Conn::open(server.tls_address());
        conn.send(b"\0\0");
        conn.take(usize::MAX);
    }
    let left_out = |line: &String| -> Option<u64> {
        line.strip_prefix("tallyd: ")?.strip_suffix(" left out")?.split(' ').next()?.parse().ok()
    };
    server.stderr().wait_for("all of them, in one way or the other", |lines| {
        let unsaid: u64 = lines.iter().filter_map(left_out).sum();
        let said = remarks(lines).len() as u64;
        assert!(said + unsaid <= STRANGERS, "{lines:#?}");
        (said + unsaid == STRANGERS && unsaid > 0).then_some(())
    });
}

#[test]
fn others_are_served_beside_10_000_half_open_handshakes() {
    let crowd = crowd(10_000);
    let (_site, identity, server) = served(&["--header-timeout", "1h"]);
    let before = anonymous_kib(server.pid());
    let half_open: Vec<TcpStream> = (0..crowd.size)
        .map(|_| {
            let mut stream = TcpStream::connect(server.tls_address()).expect("the server accepts");
            stream.write_all(HELLO).expect("it takes it");
            stream
        })
        .collect();
    let mut conn = server.connect_tls(&identity, "a.example");
    let start = Instant::now();
    assert!(conn.get("/f").content == noise(1_000_003, 1));
    assert_eq!(server.fetch("/f").status, 200);
    let each = (anonymous_kib(server.pid()) - before) * 1024 / half_open.len() as u64;
    println!("{} half-open handshakes: {each} bytes each, served in {:?}", half_open.len(), start.elapsed());
    assert!(each < 16 * 1024, "{each} bytes each");
}

#[test]
fn the_end_of_a_conversation_is_said_on_both_sides() {
    let (_site, identity, server) = served(&[]);
    // Ours: after the last answer.
    let mut conn = server.connect_tls(&identity, "a.example");
    conn.send("GET /f HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert!(conn.answer().content == noise(1_000_003, 1));
    assert_eq!(conn.end(), End::Clean);
    // The client's, with a word or without one: it still gets what it has asked for.
    for finish in [Conn::finish_sending, Conn::cut_sending] {
        let mut conn = server.connect_tls(&identity, "a.example");
        conn.send("GET /f HTTP/1.1\r\nHost: a\r\n\r\n");
        finish(&mut conn);
        assert!(conn.answer().content == noise(1_000_003, 1));
        assert_eq!(conn.end(), End::Clean);
    }
    // A stream that ends within a head, without a word: there is nothing to answer.
    let mut conn = server.connect_tls(&identity, "a.example");
    conn.shake_hands();
    conn.send("GET /f HTTP/1.1\r\nHost: a\r\n");
    conn.cut_sending();
    assert!(conn.next(Content::Sent).is_err());
}
