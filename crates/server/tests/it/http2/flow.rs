//! Flow control and the life of a connection: one stream holds up no other, what waits is bounded, and ends are orderly.

use std::fs::File;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::frames::{
    Answered, DATA, END_HEADERS, END_STREAM, Frames, GOAWAY, HEADERS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE,
    RST_STREAM, WINDOW, WINDOW_UPDATE, fields_of, frame, request, request_fields, section,
};
use crate::harness::{Books, SOON, Server, Site, Stdout, anonymous_kib, eventually, noise};

const LARGE: usize = 5_000_000;
const SMALL: usize = 20_000;

fn site() -> Site {
    let site = Site::new();
    site.file("large", noise(LARGE, 1));
    site.file("small", noise(SMALL, 2));
    site
}

/// Reads one stream's answer and grants it as much as it needs.
fn read_whole(conn: &mut Frames, stream: u32) -> Answered {
    let mut answered = Answered::default();
    loop {
        let next = conn.next_telling().expect("an answer");
        assert_eq!(next.stream, stream, "{}", next.told());
        if answered.add(&next) {
            return answered;
        }
        if !next.payload.is_empty() && next.kind == DATA {
            conn.grant(0, next.payload.len());
            conn.grant(stream, next.payload.len());
        }
    }
}

#[test]
fn a_stalled_stream_holds_up_no_other() {
    let site = site();
    let server = Server::start(&site, &["--workers", "1"]);
    let mut conn = Frames::open(server.address(), &[(INITIAL_WINDOW_SIZE, 0)]);
    for stream in (1..200).step_by(2) {
        conn.get(stream, "/large");
    }
    conn.get(201, "/small");
    conn.grant(201, SMALL);
    let answered = conn.answer(201);
    assert_eq!(answered.status, 200);
    assert!(answered.content == noise(SMALL, 2));
    // Now the stalled ones go on, one at a time.
    conn.grant(0, LARGE);
    conn.grant(7, LARGE);
    let answered = conn.answer(7);
    assert!(answered.content == noise(LARGE, 1));
}

#[test]
fn no_more_is_sent_than_was_granted() {
    let site = site();
    let server = Server::start(&site, &["--workers", "1"]);
    let mut conn = Frames::open(server.address(), &[]);
    conn.get(1, "/large");
    conn.get(3, "/small");
    let mut received = 0;
    let mut heads = 0;
    while received < WINDOW || heads < 2 {
        let next = conn.next_telling().expect("content");
        match next.kind {
            HEADERS => heads += 1,
            DATA => {
                assert!(next.payload.len() <= 16_384, "a frame of {} bytes", next.payload.len());
                received += next.payload.len();
            }
            _ => panic!("{}", next.told()),
        }
    }
    assert_eq!(received, WINDOW, "the connection's window is used up, and no byte more");
    // A ping is answered before any other byte of content.
    conn.send_bytes(&frame(super::frames::PING, 0, 0, b"anything"));
    assert_eq!(conn.next_telling().expect("an answer").kind, super::frames::PING);
}

#[test]
fn windows_that_shrink_below_nothing_are_made_up_first() {
    // RFC 9113 section 6.9.2.
    let site = site();
    let server = Server::start(&site, &["--workers", "1"]);
    let mut conn = Frames::open(server.address(), &[(INITIAL_WINDOW_SIZE, 30_000)]);
    conn.get(1, "/large");
    let mut answered = Answered::default();
    while answered.content.len() < 30_000 {
        answered.add(&conn.next_telling().expect("content"));
    }
    let smaller = super::frames::settings_payload(&[(INITIAL_WINDOW_SIZE, 10_000), (MAX_FRAME_SIZE, 20_000)]);
    conn.send_bytes(&frame(super::frames::SETTINGS, 0, 0, &smaller));
    conn.grant(1, 20_000);
    conn.send_bytes(&frame(super::frames::PING, 0, 0, b"anything"));
    assert_eq!(conn.next_telling().expect("an answer").kind, super::frames::PING, "nothing is granted yet");
    conn.grant(1, 5);
    while answered.content.len() < 30_005 {
        answered.add(&conn.next_telling().expect("content"));
    }
    assert!(answered.content == noise(LARGE, 1)[..30_005]);
}

#[test]
fn content_of_requests_does_not_use_the_window_up() {
    const PORTION: usize = 10_000;
    let site = site();
    let server = Server::start(&site, &["--workers", "1"]);
    let mut conn = Frames::open(server.address(), &[]);
    let put = fields_of("PUT", "/small");
    let mut window = WINDOW;
    for stream in (1..400).step_by(2) {
        conn.send_bytes(&frame(HEADERS, END_HEADERS, stream, &section(&put)));
        let mut is_answered = false;
        let mut is_sent = false;
        while !(is_answered && is_sent) {
            if !is_sent && window >= PORTION {
                window -= PORTION;
                conn.send_bytes(&frame(DATA, END_STREAM, stream, &[b'x'; PORTION]));
                is_sent = true;
                continue;
            }
            // A server that does not open the connection's window again ends this.
            let next = conn.next().expect("an answer, or a larger window");
            match next.kind {
                WINDOW_UPDATE if next.stream == 0 => {
                    let more: [u8; 4] = next.payload[..].try_into().expect("four bytes");
                    window += u32::from_be_bytes(more) as usize;
                }
                DATA => is_answered |= next.stream == stream && next.flags & END_STREAM != 0,
                GOAWAY => panic!("{}", next.told()),
                _ => {}
            }
        }
    }
}

#[test]
fn clients_that_take_nothing_cost_little() {
    const CLIENTS: u64 = 20;
    let site = site();
    let server = Server::start(&site, &["--workers", "1"]);
    assert_eq!(server.fetch("/small").status, 200);
    let before = anonymous_kib(server.pid());
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        // All the windows that there can be, and a system that takes in next to nothing.
        let mut conn = Frames::with_small_window(server.address(), &[(INITIAL_WINDOW_SIZE, 0x7fff_ffff)]);
        conn.grant(0, 0x7fff_0000);
        // What was asked is not kept until it is answered.
        let padding = "x".repeat(12_000);
        for stream in (1..200).step_by(2) {
            conn.send_bytes(&request(stream, "/large", &[("x", &padding)]));
        }
        clients.push(conn);
    }
    eventually("all of them are stalled", SOON, || {
        let cpu = crate::harness::cpu_time(server.pid());
        std::thread::sleep(Duration::from_millis(100));
        (crate::harness::cpu_time(server.pid()) == cpu).then_some(())
    });
    assert_eq!(server.fetch("/small").status, 200);
    let each = anonymous_kib(server.pid()).saturating_sub(before) / CLIENTS;
    println!("{each} KiB for each of {CLIENTS} connections with 100 stalled streams");
    assert!(each < 2_048, "{each} KiB for each connection");
}

#[test]
fn a_file_that_shrinks_ends_its_stream_alone() {
    let site = site();
    let books = Books::of(&site);
    let server = Server::launch(books.server(&site).args(["--workers", "1"]), Stdout::Followed);
    let mut conn = Frames::open(server.address(), &[]);
    conn.get(1, "/large");
    let mut answered = Answered::default();
    while answered.content.len() < WINDOW {
        answered.add(&conn.next_telling().expect("content"));
    }
    File::options()
        .write(true)
        .open(site.path("large"))
        .and_then(|file| file.set_len(70_000))
        .expect("our file");
    conn.grant(0, LARGE);
    conn.grant(1, LARGE);
    loop {
        let next = conn.next_telling().expect("the stream's end");
        if next.kind == RST_STREAM {
            assert_eq!((next.stream, next.code()), (1, "INTERNAL_ERROR"));
            break;
        }
        assert!(!answered.add(&next), "it must not seem whole");
    }
    conn.get(3, "/small");
    assert!(conn.answer(3).content == noise(SMALL, 2));
    books.wait_for("/large", "aborted", |counted| (counted.aborted, counted.in_flight()) == (1, 0));
    books.check_laws();
}

#[test]
fn sigterm_lets_streams_finish() {
    let site = site();
    let mut server = Server::start(&site, &["--workers", "1", "--grace", "60s", "--idle-timeout", "60s"]);
    let mut idle = Frames::open(server.address(), &[]);
    idle.get(1, "/small");
    idle.answer(1);
    let mut conn = Frames::open(server.address(), &[]);
    conn.get(1, "/large");
    assert_eq!(conn.next_telling().expect("a head").status(), 200);
    server.signal(Signal::TERM);
    let farewell = idle.next_telling().expect("a farewell");
    assert_eq!((farewell.kind, farewell.code()), (GOAWAY, "NO_ERROR"));
    idle.wait_for_end();
    let mut answered = Answered { status: 200, content: Vec::new() };
    let mut last_streams = Vec::new();
    loop {
        let next = conn.next_telling().expect("content");
        match next.kind {
            GOAWAY => {
                assert_eq!(next.code(), "NO_ERROR");
                last_streams.push(next.last_stream());
            }
            super::frames::PING => conn.send_bytes(&frame(super::frames::PING, 1, 0, &next.payload)),
            _ => {
                let is_last = answered.add(&next);
                conn.grant(0, next.payload.len().max(1));
                if is_last {
                    break;
                }
                conn.grant(1, next.payload.len().max(1));
            }
        }
    }
    assert!(answered.content == noise(LARGE, 1));
    conn.wait_for_end();
    assert_eq!(server.wait_for_exit(SOON).code(), Some(0));
    let delivered = server.stdout().wait_for_deliveries(2);
    assert!(delivered.iter().any(|it| it.path == "/large" && it.n == 1), "{delivered:?}");
}

#[test]
fn an_idle_connection_is_told_before_it_is_closed() {
    let site = site();
    let server = Server::start(&site, &["--idle-timeout", "500ms"]);
    let mut conn = Frames::open(server.address(), &[]);
    conn.get(1, "/small");
    conn.answer(1);
    let start = Instant::now();
    let farewell = conn.next_telling().expect("a farewell");
    assert_eq!((farewell.kind, farewell.code()), (GOAWAY, "NO_ERROR"));
    assert_eq!(farewell.last_stream(), 1);
    conn.wait_for_end();
    let took = start.elapsed();
    assert!((Duration::from_millis(400)..Duration::from_secs(5)).contains(&took), "closed after {took:?}");
}

#[test]
fn a_client_that_takes_too_little_is_given_up() {
    let site = site();
    let books = Books::of(&site);
    let arguments = ["--min-rate", "1k", "--rate-window", "1s", "--idle-timeout", "60s"];
    let server = Server::launch(books.server(&site).args(arguments), Stdout::Followed);
    let mut conn = Frames::open(server.address(), &[(INITIAL_WINDOW_SIZE, 0)]);
    conn.get(1, "/large");
    let start = Instant::now();
    conn.wait_for_end();
    let took = start.elapsed();
    assert!((Duration::from_millis(900)..Duration::from_secs(10)).contains(&took), "given up after {took:?}");
    books.wait_for("/large", "aborted", |counted| (counted.aborted, counted.bytes) == (1, 0));
}

#[test]
fn whoever_takes_too_little_is_given_up_whatever_it_says_meanwhile() {
    #[track_caller]
    fn check(say: impl Fn(u32) -> Vec<u8>) {
        let site = site();
        let books = Books::of(&site);
        let arguments = ["--min-rate", "20k", "--rate-window", "1s", "--idle-timeout", "60s"];
        let server = Server::launch(books.server(&site).args(arguments), Stdout::Followed);
        let mut conn = Frames::open(server.address(), &[(INITIAL_WINDOW_SIZE, 0)]);
        conn.get(1, "/large");
        let start = Instant::now();
        let mut turns = 1..;
        // Far less than is asked for comes in return, and it comes all the time.
        while turns.next().is_some_and(|turn| conn.try_send_bytes(&say(2 * turn + 1)).is_ok()) {
            std::thread::sleep(Duration::from_millis(50));
            assert!(start.elapsed() < SOON, "it is not given up");
        }
        books.wait_for("/large", "aborted", |counted| (counted.aborted, counted.bytes) == (1, 0));
    }
    let head = fields_of("HEAD", "/small");
    check(|stream| frame(HEADERS, END_HEADERS | END_STREAM, stream, &section(&head)));
    check(|_| frame(super::frames::PING, 0, 0, b"anything").repeat(32));
    check(|_| frame(WINDOW_UPDATE, 0, 0, &1_u32.to_be_bytes()).repeat(20));
}

#[test]
fn a_client_that_says_farewell_gets_what_it_asked_for() {
    let site = site();
    let server = Server::start(&site, &[]);
    let mut conn = Frames::open(server.address(), &[]);
    let farewell = frame(GOAWAY, 0, 0, &[0; 8]);
    conn.send_bytes(&[request(1, "/large", &[]), farewell].concat());
    let answered = read_whole(&mut conn, 1);
    assert!(answered.content == noise(LARGE, 1));
}

#[test]
fn a_client_that_asks_and_ends_its_side_gets_what_it_asked_for() {
    let site = site();
    let server = Server::start(&site, &[]);
    let mut conn = Frames::open(server.address(), &[]);
    let block = section(&request_fields("/small", &[]));
    conn.send_bytes(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &block));
    conn.finish_sending();
    assert!(conn.answer(1).content == noise(SMALL, 2));
}

#[test]
fn a_client_that_ends_its_side_and_grants_too_little_is_not_waited_for() {
    let site = site();
    let books = Books::of(&site);
    let arguments = ["--min-rate", "0", "--idle-timeout", "1h"];
    let server = Server::launch(books.server(&site).args(arguments), Stdout::Followed);
    let mut conn = Frames::open(server.address(), &[(INITIAL_WINDOW_SIZE, 1_000)]);
    conn.get(1, "/large");
    conn.finish_sending();
    let mut answered = Answered::default();
    while let Some(next) = conn.next_telling() {
        assert!(!answered.add(&next), "more was sent than was granted");
    }
    assert_eq!(answered.content.len(), 1_000);
    books.wait_for("/large", "aborted", |counted| (counted.aborted, counted.bytes) == (1, 1_000));
}
