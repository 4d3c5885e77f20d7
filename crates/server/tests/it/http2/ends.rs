//! The ends of connections: what was written is waited for, whoever ends and however.

use std::time::Duration;

use rustix::process::Signal;

use super::frames::{
    Answered, DATA, END_HEADERS, END_STREAM, Frames, GOAWAY, HEADERS, INITIAL_WINDOW_SIZE, PING, WINDOW,
    fields_of, frame, request, section, streams,
};
use super::shop::{ENOUGH, LENGTH, MIDDLE, Shop};
use crate::harness::{SOON, eventually, noise};

/// A client whose system takes in little before its program has read it, and which grants each stream so much.
fn small_client(shop: &Shop, granted: usize) -> Frames {
    let granted = u32::try_from(granted).expect("a window's size");
    let mut conn = Frames::with_small_window(shop.server.address(), &[(INITIAL_WINDOW_SIZE, granted)]);
    conn.grant(0, ENOUGH as usize);
    conn
}

/// An answer that was written whole before its client has read any of it is received, and completed.
#[track_caller]
fn check(end: impl Fn(&mut Frames)) {
    let shop = Shop::open(&[]);
    let mut conn = small_client(&shop, MIDDLE);
    conn.get(1, "/middle");
    shop.books.wait_for("/middle", "begun", |counted| counted.requests == 1);
    end(&mut conn);
    let mut answered = Answered::default();
    while let Some(next) = conn.next_telling() {
        if next.kind != GOAWAY && answered.add(&next) {
            break;
        }
    }
    assert!(answered.content == noise(MIDDLE, 2), "{} bytes", answered.content.len());
    conn.wait_for_end();
    shop.counted("/middle", "requests 1 full 1 completed 1 downloads 1");
}

#[test]
fn a_client_that_has_ended_its_side_is_waited_for() {
    check(|conn| conn.finish_sending());
}

#[test]
fn a_client_that_has_said_farewell_is_waited_for() {
    check(|conn| conn.send_bytes(&frame(GOAWAY, 0, 0, &[0; 8])));
    check(|conn| {
        conn.send_bytes(&frame(GOAWAY, 0, 0, &[0; 8]));
        conn.finish_sending();
    });
}

#[test]
fn a_client_that_breaks_the_rules_is_waited_for() {
    check(|conn| conn.send_bytes(&frame(PING, 0, 1, b"anything")));
    check(|conn| {
        conn.send_bytes(&frame(PING, 0, 1, b"anything"));
        conn.finish_sending();
    });
}

#[test]
fn a_server_that_ends_waits_for_its_clients() {
    for finishes in [false, true] {
        let mut shop = Shop::open(&[]);
        let mut conn = small_client(&shop, MIDDLE);
        conn.get(1, "/middle");
        shop.books.wait_for("/middle", "begun", |counted| counted.requests == 1);
        if finishes {
            conn.finish_sending();
        }
        shop.server.signal(Signal::TERM);
        let mut answered = Answered::default();
        while let Some(next) = conn.next_telling() {
            match next.kind {
                // A client that still can says that it knows.
                PING if !finishes => conn.send_bytes(&frame(PING, 1, 0, &next.payload)),
                PING | GOAWAY => {}
                _ => _ = answered.add(&next),
            }
        }
        assert!(answered.content == noise(MIDDLE, 2), "{} bytes", answered.content.len());
        drop(conn);
        assert!(shop.server.wait_for_exit(SOON).success());
        shop.counted("/middle", "requests 1 full 1 completed 1 downloads 1");
    }
}

#[test]
fn what_was_not_written_is_given_up_alone() {
    let shop = Shop::open(&[]);
    let mut conn = small_client(&shop, MIDDLE);
    conn.send_bytes(&[request(1, "/middle", &[]), request(3, "/f", &[])].concat());
    shop.books.wait_for("/f", "begun", |counted| counted.requests == 1);
    conn.send_bytes(&frame(PING, 0, 1, b"anything"));
    let mut ended = Vec::new();
    while let Some(next) = conn.next_telling() {
        match next.kind {
            GOAWAY => assert_eq!(next.code(), "PROTOCOL_ERROR"),
            _ if next.flags & END_STREAM != 0 => ended.push(next.stream),
            _ => {}
        }
    }
    assert_eq!(ended, [1]);
    shop.counted("/middle", "requests 1 full 1 completed 1 downloads 1");
    shop.counted("/f", "requests 1 full 1 aborted 1");
}

#[test]
fn a_client_that_grants_the_rest_and_ends_its_side_gets_it() {
    let shop = Shop::open(&["--workers", "1"]);
    let mut conn = Frames::open(shop.server.address(), &[]);
    conn.get(1, "/f");
    let mut answered = Answered::default();
    while answered.content.len() < WINDOW {
        answered.add(&conn.next_telling().expect("content"));
    }
    // The server finds all of it at once.
    shop.server.signal(Signal::STOP);
    conn.grant(0, LENGTH);
    conn.grant(1, LENGTH);
    conn.finish_sending();
    shop.server.signal(Signal::CONT);
    while let Some(next) = conn.next_telling() {
        answered.add(&next);
    }
    assert!(answered.content == noise(LENGTH, 1), "{} bytes", answered.content.len());
    shop.counted("/f", "requests 1 full 1 completed 1 downloads 1");
}

#[test]
fn whoever_takes_nothing_is_not_answered_without_end() {
    const PORTION: u32 = 100;
    const PORTIONS: u32 = 20;
    let shop = Shop::open(&["--workers", "1"]);
    let mut conn = small_client(&shop, MIDDLE);
    let head = fields_of("HEAD", "/small");
    let mut asked = 0;
    for portion in 0..PORTIONS {
        let requests = streams(portion, PORTION)
            .flat_map(|stream| frame(HEADERS, END_HEADERS | END_STREAM, stream, &section(&head)));
        conn.send_bytes(&requests.collect::<Vec<u8>>());
        asked += u64::from(PORTION);
        if asked <= 1_000 {
            shop.books.wait_for("/small", "answered", |counted| counted.requests >= asked);
        }
    }
    let mut last = 0;
    let waiting = || {
        let before = std::mem::replace(&mut last, shop.books.tally("/small").requests);
        std::thread::sleep(Duration::from_millis(100));
        (before == last && last > 1_000).then_some(last)
    };
    let requests = eventually("nothing more is answered", SOON, waiting);
    assert!(requests < asked, "all {requests} requests are answered although nobody reads");
    // Whoever reads gets the rest.
    let last_stream = 2 * (PORTIONS * PORTION - 1) + 1;
    while conn.next_telling().expect("an answer").stream != last_stream {}
    conn.acknowledge();
    let expect = format!("requests {asked} head {asked}");
    shop.counted("/small", &expect);
}

#[test]
fn whoever_is_given_up_gets_no_more_than_is_counted() {
    let shop = Shop::open(&["--min-rate", "1k", "--rate-window", "500ms", "--idle-timeout", "1s"]);
    let mut conn = small_client(&shop, ENOUGH as usize);
    conn.get(1, "/f");
    // With this, all that the client has to say is said: whatever it said afterwards would itself be met by a reset.
    assert_eq!(conn.next_telling().expect("an answer").kind, HEADERS);
    let counted = shop.counted("/f", "requests 1 full 1 aborted 1");
    let mut received = 0;
    while let Some(next) = conn.next_telling() {
        received += if next.kind == DATA { next.payload.len() as u64 } else { 0 };
    }
    assert!(received <= counted, "{received} came, {counted} were counted");
}

#[test]
fn a_client_that_takes_back_everything_and_ends_its_side_is_let_go() {
    let shop = Shop::open(&["--idle-timeout", "1h"]);
    let mut conn = small_client(&shop, MIDDLE);
    conn.get(1, "/f");
    shop.books.wait_for("/f", "begun", |counted| counted.requests == 1);
    conn.cancel(1);
    conn.finish_sending();
    conn.wait_for_end();
    shop.counted("/f", "requests 1 full 1 aborted 1");
}
