//! Floods: frames that cost a server more than their client. Each comes to an end, costs bounded memory, and leaves others
//! served.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use super::frames::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, Frames, HEADERS, INITIAL_WINDOW_SIZE, PING, PREFACE,
    PRIORITY, RST_STREAM, SETTINGS, WINDOW_UPDATE, frame, request, request_fields, section, settings_payload,
};
use crate::harness::{Books, SOON, Server, Site, Stdout, anonymous_kib, eventually};

/// A client that is still served after so many bytes of nothing but a flood is not bounded.
const FLOOD_BYTES: usize = 64 * 1024 * 1024;

/// What a flood may cost while it lasts, beyond what the server had: one connection's buffers, many times over.
const COST_KIB: u64 = 16 * 1024;

fn site() -> Site {
    let site = Site::with(&[("f", "content of f")]);
    site.file("large", vec![b'x'; 2_000_000]);
    site
}

/// Sends what `turn` makes for 0, 1, 2, … until the server ends the connection; how many bytes it took.
fn flood(server: &Server, mut turn: impl FnMut(u32) -> Vec<u8>) -> Option<usize> {
    let mut stream = TcpStream::connect(server.address()).expect("the server accepts");
    stream.set_write_timeout(Some(SOON)).expect("a time-out");
    stream.set_read_timeout(Some(SOON)).expect("a time-out");
    let mut answers = stream.try_clone().expect("a second handle");
    // What the server says must be read, or it could wait for that instead.
    let reading = thread::spawn(move || {
        let mut portion = vec![0; 64 * 1024];
        while answers.read(&mut portion).is_ok_and(|length| length > 0) {}
    });
    let greeting = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
    stream.write_all(&greeting).expect("the server takes the preface");
    let mut sent = 0;
    let mut at = 0;
    let ended = loop {
        let mut portion = Vec::with_capacity(80 * 1024);
        while portion.len() < 64 * 1024 {
            portion.extend(turn(at));
            at += 1;
        }
        if stream.write_all(&portion).is_err() {
            break Some(sent);
        }
        sent += portion.len();
        if sent > FLOOD_BYTES {
            break None;
        }
    };
    // The reader ends with the connection, whoever ends it.
    let _ = stream.shutdown(Shutdown::Both);
    reading.join().expect("a reader that passed");
    ended
}

#[track_caller]
fn check(name: &str, turn: impl FnMut(u32) -> Vec<u8>) {
    let site = site();
    let books = Books::of(&site);
    let server = Server::launch(books.server(&site).args(["--workers", "1"]), Stdout::Followed);
    assert_eq!(server.fetch("/f").status, 200);
    let before = anonymous_kib(server.pid());
    let ended = flood(&server, turn);
    let cost = anonymous_kib(server.pid()).saturating_sub(before);
    println!("{name}: ended after {ended:?} bytes, {cost} KiB");
    assert!(ended.is_some(), "{name}: served on");
    assert!(cost < COST_KIB, "{name}: {cost} KiB");
    assert_eq!(server.fetch("/f").status, 200);
    // Whatever was counted of it has ended, too.
    eventually("nothing is in flight", SOON, || {
        books.all().values().all(|counted| counted.in_flight() == 0).then_some(())
    });
    books.check_laws();
}

/// The odd stream of a turn.
fn stream_of(turn: u32) -> u32 {
    2 * turn + 1
}

#[test]
fn requests_that_are_reset_at_once() {
    // CVE-2023-44487.
    check("rapid reset", |turn| {
        let stream = stream_of(turn);
        [request(stream, "/large", &[]), frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes())].concat()
    });
}

#[test]
fn requests_that_the_server_must_reset() {
    // CVE-2025-8671.
    check("reset by an error", |turn| {
        let stream = stream_of(turn);
        let block = section(&request_fields("/large", &[]));
        let open = frame(HEADERS, END_HEADERS, stream, &block);
        [open, frame(WINDOW_UPDATE, 0, stream, &[0; 4])].concat()
    });
    check("malformed", |turn| request(stream_of(turn), "/f", &[("connection", "close")]));
}

#[test]
fn requests_beyond_the_limit() {
    const ASKED: u32 = 140;
    let site = site();
    let server = Server::start(&site, &["--workers", "1"]);
    // Nothing of their content is taken, so each stays open.
    let mut conn = Frames::open(server.address(), &[(INITIAL_WINDOW_SIZE, 0)]);
    let asked: Vec<u8> = (0..ASKED).flat_map(|turn| request(stream_of(turn), "/large", &[])).collect();
    conn.send_bytes(&asked);
    let (mut answered, mut refused) = (0, 0);
    while answered + refused < ASKED {
        let next = conn.next_telling().expect("an answer or a refusal of each");
        match next.kind {
            HEADERS => answered += 1,
            RST_STREAM => {
                assert_eq!(next.code(), "REFUSED_STREAM");
                refused += 1;
            }
            _ => panic!("{}", next.told()),
        }
    }
    assert!((100..=128).contains(&answered), "{answered} at a time");
}

#[test]
fn heads_without_an_end() {
    let begun = frame(HEADERS, END_STREAM, 1, &section(&request_fields("/f", &[])));
    check("continuations of nothing", |turn| match turn {
        0 => begun.clone(),
        _ => frame(CONTINUATION, 0, 1, b""),
    });
    let more = section(&[("x", &"y".repeat(100))]);
    check("continuations of fields", |turn| match turn {
        0 => begun.clone(),
        _ => frame(CONTINUATION, 0, 1, &more),
    });
}

#[test]
fn heads_that_unfold() {
    // A field of 3 KiB that the table keeps (RFC 7541 section 6.2.1), and then named by a byte each, four thousand times.
    let value = "y".repeat(3_000);
    let mut kept = section(&[("x", &value)]);
    kept[0] = 0x40;
    let bomb = [section(&request_fields("/f", &[])), kept, vec![0xbe; 4_000]].concat();
    check("an unfolding head", |turn| frame(HEADERS, END_HEADERS | END_STREAM, stream_of(turn), &bomb));
}

#[test]
fn frames_that_must_be_acknowledged() {
    check("pings", |_| frame(PING, 0, 0, b"12345678"));
    check("settings", |_| frame(SETTINGS, 0, 0, &[]));
    let windows = |turn: u32| settings_payload(&[(INITIAL_WINDOW_SIZE, turn % 2)]);
    check("settings of windows", |turn| frame(SETTINGS, 0, 0, &windows(turn)));
}

#[test]
fn frames_without_a_meaning() {
    check("priorities", |turn| frame(PRIORITY, 0, stream_of(turn), &[0, 0, 0, 0, 1]));
    check("unknown frames", |_| frame(0xee, 0, 0, b""));
    let open = frame(HEADERS, END_HEADERS, 1, &section(&request_fields("/f", &[])));
    check("empty data", |turn| match turn {
        0 => open.clone(),
        _ => frame(DATA, 0, 1, b""),
    });
    check("windows of a byte", |_| frame(WINDOW_UPDATE, 0, 0, &1_u32.to_be_bytes()));
}

#[test]
fn a_preface_or_a_head_that_never_ends_is_not_waited_for() {
    let site = site();
    let server = Server::start(&site, &["--header-timeout", "500ms", "--idle-timeout", "1s"]);
    let half_a_head = frame(HEADERS, 0, 1, &section(&request_fields("/f", &[])));
    let rows: [(&str, Vec<u8>); 4] = [
        ("half a preface", PREFACE[..10].to_vec()),
        ("a preface", PREFACE.to_vec()),
        ("half a frame", [PREFACE, &frame(SETTINGS, 0, 0, &[]), &[0, 0, 9, 1]].concat()),
        ("half a head", [PREFACE, &frame(SETTINGS, 0, 0, &[]), &half_a_head].concat()),
    ];
    for (name, bytes) in rows {
        let mut conn = Frames::silent(server.address());
        let start = Instant::now();
        conn.send_bytes(&bytes);
        let end = |conn: &mut Frames| while conn.next().is_some() {};
        if bytes.len() > PREFACE.len() {
            end(&mut conn);
        } else {
            conn.wait_for_end();
        }
        let took = start.elapsed();
        assert!(took < Duration::from_secs(6), "{name}: closed after {took:?}");
    }
}
