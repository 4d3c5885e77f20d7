//! Requests with content: nobody reads it, no answer waits for it, and none is lost for it (RFC 9113 section 8.1).

use std::time::{Duration, Instant};

use super::frames::{
    ACK, DATA, END_HEADERS, END_STREAM, Frames, HEADERS, PING, RST_STREAM, fields_of, frame, request_fields,
    section, streams,
};
use crate::harness::{Books, Server, Site, Stdout, anonymous_kib};

const PUT: [(&str, &str); 4] = fields_of("PUT", "/f");

/// How long a stream stays open for the rest, with room for a busy machine.
const STREAM_STAYS: std::ops::Range<Duration> = Duration::from_millis(1_900)..Duration::from_secs(20);

fn served() -> (Site, Books, Server) {
    let site = Site::with(&[("f", "content")]);
    let books = Books::of(&site);
    let server = Server::launch(books.server(&site).args(["--workers", "1"]), Stdout::Followed);
    (site, books, server)
}

/// The head of a request whose content follows.
fn begun(stream: u32, fields: &[(&str, &str)]) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, stream, &section(fields))
}

/// Reads up to the answer to a ping, behind which nothing is left that was said before.
fn expect_nothing_before_pong(conn: &mut Frames) {
    conn.send_bytes(&frame(PING, 0, 0, b"anything"));
    let next = conn.next_telling().expect("a pong");
    assert_eq!((next.kind, next.flags), (PING, ACK), "{}", next.told());
}

#[test]
fn a_client_that_is_still_sending_has_its_answer_and_is_not_disturbed() {
    let (_site, _books, server) = served();
    let mut conn = Frames::open(server.address(), &[]);
    for (stream, fields, status) in
        [(1, &PUT[..], 405), (3, &request_fields("/f", &[]), 200), (5, &request_fields("/missing", &[]), 404)]
    {
        conn.send_bytes(&begun(stream, fields));
        assert_eq!(conn.answer(stream).status, status);
        expect_nothing_before_pong(&mut conn);
        conn.send_bytes(&frame(DATA, 0, stream, &[b'x'; 1_000]));
        expect_nothing_before_pong(&mut conn);
        conn.send_bytes(&frame(DATA, END_STREAM, stream, b"x"));
        expect_nothing_before_pong(&mut conn);
    }
    conn.get(7, "/f");
    assert_eq!(conn.answer(7).content, b"content");
}

#[test]
fn a_client_that_never_comes_to_an_end_is_told_to_stop() {
    let (_site, books, server) = served();
    let mut conn = Frames::open(server.address(), &[]);
    let check = |conn: &mut Frames, stream, fields: &[(&str, &str)], status, content: &[u8]| {
        let start = Instant::now();
        conn.send_bytes(&begun(stream, fields));
        conn.send_bytes(
            &content.chunks(16_000).flat_map(|part| frame(DATA, 0, stream, part)).collect::<Vec<_>>(),
        );
        assert_eq!(conn.answer(stream).status, status);
        let next = conn.next_telling().expect("a reset");
        assert_eq!((next.kind, next.stream, next.code()), (RST_STREAM, stream, "NO_ERROR"));
        let took = start.elapsed();
        assert!(STREAM_STAYS.contains(&took), "reset after {took:?}");
    };
    check(&mut conn, 1, &PUT, 405, b"");
    // All that the window allows; it is open again when the stream is gone.
    check(&mut conn, 3, &request_fields("/missing", &[]), 404, &vec![b'x'; 65_000]);
    check(&mut conn, 5, &request_fields("/f", &[]), 200, &vec![b'x'; 65_000]);
    // Its answer was whole, and counts.
    let counted = books.wait_for("/f", "a download", |counted| counted.downloads == 1);
    assert_eq!((counted.completed, counted.aborted, counted.bytes), (1, 0, 7));
}

#[test]
fn content_that_has_come_is_not_waited_for() {
    const PORTION: u32 = 100;
    let (_site, _books, server) = served();
    let mut conn = Frames::open(server.address(), &[]);
    conn.get(1, "/f");
    conn.answer(1);
    let before = anonymous_kib(server.pid());
    let head = fields_of("HEAD", "/f");
    for portion in 1..300 {
        let requests = streams(portion, PORTION)
            .flat_map(|stream| [begun(stream, &head), frame(DATA, END_STREAM, stream, b"x")].concat());
        conn.send_bytes(&requests.collect::<Vec<u8>>());
        assert_eq!(conn.answer(2 * ((portion + 1) * PORTION - 1) + 1).status, 200);
    }
    let more = anonymous_kib(server.pid()).saturating_sub(before);
    println!("{more} KiB for 30,000 requests whose content came with them");
    assert!(more < 8 * 1024, "{more} KiB");
}

#[test]
fn all_streams_that_never_come_to_an_end_leave_others_served() {
    let (_site, _books, server) = served();
    let mut conn = Frames::open(server.address(), &[]);
    // As many as a client may have.
    let begun: Vec<u8> = (1..257).step_by(2).flat_map(|stream| begun(stream, &PUT)).collect();
    conn.send_bytes(&begun);
    let mut resets = 0;
    while resets < 128 {
        let next = conn.next_telling().expect("answers, then resets");
        if next.kind == RST_STREAM {
            assert_eq!(next.code(), "NO_ERROR");
            resets += 1;
        }
    }
    conn.get(257, "/f");
    assert_eq!(conn.answer(257).content, b"content");
}
