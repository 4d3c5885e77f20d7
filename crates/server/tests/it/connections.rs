//! How a connection lives: kept and ended as both sides say, answers in order and without stalls, however the
//! client writes, half-closes or dawdles.
//!
//! What a connection's end, its pipeline and its half-closed sides mean is told in HTTP/1.1 alone: elsewhere answers have
//! streams (`http2`, `h3`). What must hold for whoever waits runs on every protocol.

use std::thread;
use std::time::{Duration, Instant};

use crate::harness::{Conn, Content, End, Protocol, Server, Site, noise, on_every_protocol};

on_every_protocol! {
    no_answer_waits_for_an_acknowledgement,
    heads_without_content_do_not_wait_either,
    slow_readers_hold_up_nobody,
}

#[test]
fn a_connection_persists_until_one_side_says_close() {
    let site = Site::with(&[("f", "content")]);
    let server = Server::start(&site, &[]);
    let mut conn = server.connect();
    for _ in 0..100 {
        assert!(!conn.get("/f").announces_close());
    }
    conn.send("GET /f HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert!(conn.answer().announces_close());
    assert_eq!(conn.end(), End::Clean);
}

#[test]
fn an_http_1_0_client_must_ask_for_persistence() {
    let site = Site::with(&[("f", "content")]);
    let server = Server::start(&site, &[]);
    let mut kept = server.connect();
    for _ in 0..3 {
        kept.send("GET /f HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        // Such a client takes silence for a close, so it is told (RFC 9112 appendix C.2.2).
        let answer = kept.answer();
        let told = answer.field("Connection").expect("Connection");
        assert!(told.eq_ignore_ascii_case("keep-alive"), "{told:?}");
    }
    let mut plain = server.connect();
    plain.send("GET /f HTTP/1.0\r\n\r\n");
    assert_eq!(plain.answer().content, b"content");
    assert_eq!(plain.end(), End::Clean);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let site = Site::new();
    for length in 0..100 {
        // From nothing to about 100 KB: some leave memory in one write, some the page cache.
        site.file(format!("{length}"), noise(length * 1_000, length as u64));
    }
    let server = Server::start(&site, &[]);
    let mut conn = server.connect();
    let requests: Vec<String> =
        (0..100).map(|name| format!("GET /{name} HTTP/1.1\r\nHost: a\r\n\r\n")).collect();
    conn.send(requests.concat());
    for length in 0..100 {
        assert!(conn.answer().content == noise(length * 1_000, length as u64), "answer {length} differs");
    }
    // Nothing was left over, and nothing is owed.
    assert_eq!(conn.get("/7").content, noise(7_000, 7));
}

#[test]
fn a_flood_of_pipelined_requests_from_a_client_that_does_not_read_waits() {
    // Of 1,000 requests each: their answers would be 10 GB, which a server that went on reading would have to hold.
    const PORTIONS: usize = 500;
    let site = Site::new();
    site.file("f", noise(20_000, 1));
    let server = Server::start(&site, &["--workers", "1"]);
    let mut flood = Conn::with_small_window(server.address());
    flood.set_patience(Duration::from_secs(2));
    let portion = "GET /f HTTP/1.1\r\nHost: a\r\n\r\n".repeat(1_000);
    let writer = thread::spawn(move || {
        let sent = (0..PORTIONS).take_while(|_| flood.try_send(portion.as_bytes()).is_ok()).count();
        (flood, sent)
    });
    let mut other = server.connect();
    for _ in 0..100 {
        assert_eq!(other.get("/f").content.len(), 20_000);
    }
    let held = crate::harness::pss_kib(server.pid());
    assert!(held < 20 * 1024, "{held} KiB held for a client that does not read");
    // The write ends, by its time-out or by the server's, once the sockets' buffers are full.
    let (flood, sent) = writer.join().expect("the writer ends");
    assert!(sent < PORTIONS, "the server took all {sent} portions");
    flood.reset();
}

#[test]
fn a_client_that_has_finished_sending_gets_its_whole_answer() {
    let site = Site::new();
    let content = noise(20_000_000, 5);
    site.file("large", &content);
    site.file("small", "small");
    let server = Server::start(&site, &[]);
    for (name, expected) in [("/small", b"small".as_slice()), ("/large", &content)] {
        let mut conn = server.connect();
        conn.send(format!("GET {name} HTTP/1.1\r\nHost: a\r\n\r\n"));
        conn.finish_sending();
        assert!(conn.answer().content == expected, "{name} differs");
        assert_eq!(conn.end(), End::Clean);
    }
    let mut several = server.connect();
    several.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\nGET /small HTTP/1.1\r\nHost: a\r\n\r\n");
    several.finish_sending();
    assert!(several.answer().content == content);
    assert_eq!(several.answer().content, b"small");
    assert_eq!(several.end(), End::Clean);
}

#[test]
fn a_refused_upload_gets_its_answer_and_no_reset() {
    // A server that closes with unread bytes makes the kernel send a reset, which may destroy the answer on its
    // way (RFC 9112 section 9.6).
    let site = Site::with(&[("f", "content")]);
    let server = Server::start(&site, &[]);
    let mut conn = server.connect();
    conn.send("POST /f HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
    let answer = conn.answer();
    assert_eq!((answer.status, answer.announces_close()), (405, true));
    conn.try_send(&noise(200_000, 6)).expect("what is on its way when the server closes does no harm");
    conn.finish_sending();
    assert_eq!(conn.end(), End::Clean);
}

#[test]
fn bytes_after_the_last_request_do_not_destroy_its_answer() {
    // The last megabytes of the answer wait in the kernel when the server is done with it: closing then, with these
    // bytes unread, would throw them away.
    let site = Site::new();
    site.file("large", noise(20_000_000, 11));
    let server = Server::start(&site, &[]);
    for stray in ["\r\n", "GET /large HTTP/1.1\r\nHost: a\r\n\r\n"] {
        let mut conn = Conn::with_small_window(server.address());
        conn.send("GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        assert!(conn.next_head().expect("an answer").announces_close());
        conn.send(stray);
        let received = conn.take(20_000_000);
        assert!(
            received == noise(20_000_000, 11),
            "{} bytes came before the end, after {stray:?}",
            received.len()
        );
        assert_eq!(conn.end(), End::Clean);
    }
}

/// How a client brings a request onto the wire.
#[derive(Clone, Copy, Debug)]
enum Writing {
    AtOnce,
    LineByLine,
    HeadThenContent,
}

impl Writing {
    fn ask(self, conn: &mut Conn, target: &str) {
        match self {
            Self::AtOnce => conn.send(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")),
            Self::LineByLine => {
                for line in [&format!("GET {target} HTTP/1.1\r\n"), "Host: a\r\n", "\r\n"] {
                    conn.send(line);
                }
            }
            Self::HeadThenContent => {
                conn.send(format!("GET {target} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"));
                conn.send("hello");
            }
        }
    }
}

fn no_answer_waits_for_an_acknowledgement(protocol: Protocol) {
    // Where a server's last portion waits for the acknowledgement of the one before, each answer takes the 40 ms
    // by which the client's kernel delays it; or 200 ms if a portion is held back for more to come.
    const ROUNDS: u32 = 100;
    const STALL: Duration = Duration::from_millis(40);
    let site = Site::new();
    let lengths = [0, 1, 1_024, 10 * 1_024, 32 * 1_024, 40_000, 65_536, 100_000, 1_000_000];
    for length in lengths {
        site.file(length.to_string(), noise(length, 7));
    }
    let server = Server::start_over(protocol, &site, &["--workers", "1"]);
    // Where what is said is translated, it goes out when it is whole.
    for writing in [Writing::AtOnce, Writing::LineByLine, Writing::HeadThenContent] {
        for length in lengths.map(|length| length.to_string()).iter().chain([&"missing".to_owned()]) {
            let mut conn = server.connect();
            let start = Instant::now();
            for _ in 0..ROUNDS {
                writing.ask(&mut conn, &format!("/{length}"));
                conn.answer();
            }
            let took = start.elapsed();
            assert!(took < ROUNDS * STALL / 2, "{writing:?}, {length} bytes: {ROUNDS} answers in {took:?}");
        }
    }
}

fn heads_without_content_do_not_wait_either(protocol: Protocol) {
    let site = Site::new();
    site.file("f", noise(100_000, 8));
    let server = Server::start_over(protocol, &site, &[]);
    let mut conn = server.connect();
    let start = Instant::now();
    for _ in 0..100 {
        assert_eq!(conn.head("/f").content_length(), Some(100_000));
        assert_eq!(conn.get("/f").content.len(), 100_000);
    }
    assert!(start.elapsed() < Duration::from_secs(2), "200 answers in {:?}", start.elapsed());
}

fn slow_readers_hold_up_nobody(protocol: Protocol) {
    let site = Site::new();
    site.file("large", noise(20_000_000, 9));
    site.file("small", noise(1_000, 10));
    let server = Server::start_over(protocol, &site, &["--workers", "1"]);
    let slow: Vec<Conn> = (0..8)
        .map(|_| {
            let mut conn = server.connect_with_small_window();
            conn.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
            assert_eq!(conn.next_head().map(|head| head.content_length()), Ok(Some(20_000_000)));
            conn
        })
        .collect();
    let start = Instant::now();
    let mut quick = server.connect();
    for _ in 0..100 {
        assert_eq!(quick.get("/small").content.len(), 1_000);
    }
    assert_eq!(quick.get("/large").content.len(), 20_000_000);
    assert!(start.elapsed() < Duration::from_secs(4), "the quick client took {:?}", start.elapsed());
    // The slow ones were held back, not cut: each still gets all.
    for mut conn in slow {
        assert!(conn.take(20_000_000) == noise(20_000_000, 9));
    }
}

#[test]
fn an_interim_answer_invites_the_content_that_a_client_holds_back() {
    let site = Site::with(&[("f", "content")]);
    let server = Server::start(&site, &[]);
    let mut conn = server.connect();
    conn.send("GET /f HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    let first = conn.next(Content::Sent).expect("an answer");
    // Inviting it, or answering without it and closing: both end the client's wait (RFC 9110 section 10.1.1).
    if first.status == 100 {
        conn.send("hello");
        assert_eq!(conn.answer().status, 200);
        assert_eq!(conn.get("/f").status, 200);
    } else {
        assert_eq!((first.status, first.announces_close()), (200, true));
    }
}
