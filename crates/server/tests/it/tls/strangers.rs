//! Whoever comes to the port for HTTPS and speaks something else, or nothing, or not to the end.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::harness::{Channel, Conn, Content, End, Identity, Server, Site, anonymous_kib, crowd, noise};

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
    // The client's: it still gets what it has asked for.
    let mut conn = server.connect_tls(&identity, "a.example");
    conn.send("GET /f HTTP/1.1\r\nHost: a\r\n\r\n");
    conn.finish_sending();
    assert!(conn.answer().content == noise(1_000_003, 1));
    assert_eq!(conn.end(), End::Clean);
    // A stream that ends within a head, without a word: there is nothing to answer.
    let mut conn = server.connect_tls(&identity, "a.example");
    conn.shake_hands();
    conn.send("GET /f HTTP/1.1\r\nHost: a\r\n");
    conn.cut_sending();
    assert!(conn.next(Content::Sent).is_err());
}
