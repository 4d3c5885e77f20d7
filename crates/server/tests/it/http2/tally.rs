//! The tally's contract on streams: what each row of it comes to when many answers share a connection.

use std::collections::BTreeSet;

use rustix::process::Signal;

use super::frames::{
    Answered, DATA, END_HEADERS, END_STREAM, Frames, HEADERS, WINDOW, fields_of, frame, request, section,
};
use super::shop::{LENGTH, Shop};
use crate::harness::{SOON, noise};

#[test]
fn whole_files_of_every_length_count_once() {
    let shop = Shop::open(&[]);
    let mut conn = shop.connect();
    for (stream, path, length) in [(1, "/f", LENGTH), (3, "/small", 7), (5, "/empty", 0)] {
        conn.get(stream, path);
        assert_eq!(conn.answer(stream).content.len(), length);
        conn.acknowledge();
        assert_eq!(shop.counted(path, "requests 1 full 1 completed 1 downloads 1"), length as u64);
    }
}

#[test]
fn ranges_on_streams_of_one_connection_make_one_download() {
    let shop = Shop::open(&[]);
    let mut conn = shop.connect();
    let ranges: Vec<(u32, String)> = (0..16_u32)
        .map(|part| {
            let first = part as usize * LENGTH / 16;
            let last = (part as usize + 1) * LENGTH / 16 - 1;
            (2 * part + 1, format!("bytes={first}-{last}"))
        })
        .collect();
    let asked: Vec<Vec<u8>> =
        ranges.iter().map(|(stream, range)| request(*stream, "/f", &[("range", range)])).collect();
    conn.send_bytes(&asked.concat());
    let mut contents = vec![Answered::default(); 16];
    let mut left = 16;
    while left > 0 {
        let next = conn.next_telling().expect("an answer");
        left -= usize::from(contents[next.stream as usize / 2].add(&next));
    }
    let content: Vec<u8> = contents.iter().flat_map(|answered| answered.content.clone()).collect();
    assert!(content == noise(LENGTH, 1) && contents.iter().all(|answered| answered.status == 206));
    let bytes = shop.counted("/f", "requests 16 partial 16 completed 16 downloads 1");
    assert_eq!(bytes, LENGTH as u64);
}

#[test]
fn what_has_no_content_takes_a_number_and_no_download() {
    let shop = Shop::open(&[]);
    let mut conn = shop.connect();
    let head = fields_of("HEAD", "/f");
    conn.send_bytes(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &section(&head)));
    let answered = conn.answer(1);
    assert_eq!((answered.status, answered.content.len()), (200, 0));
    conn.send_bytes(&request(3, "/f", &[("if-modified-since", "Fri, 31 Dec 2100 23:59:59 GMT")]));
    conn.send_bytes(&request(5, "/f", &[("if-none-match", "*")]));
    assert_eq!(conn.answer(5).status, 304);
    conn.send_bytes(&request(7, "/f", &[("range", "bytes=9999999-")]));
    assert_eq!(conn.answer(7).status, 416);
    conn.send_bytes(&request(9, "/missing", &[]));
    assert_eq!(conn.answer(9).status, 404);
    shop.counted("/f", "requests 3 head 1 full 1 not_modified 1 completed 1 downloads 1");
}

#[test]
fn a_reset_stream_is_aborted_and_its_neighbours_are_not() {
    let shop = Shop::open(&[]);
    let mut conn = Frames::open(shop.server.address(), &[]);
    conn.get(1, "/f");
    let mut received = 0;
    while received < WINDOW {
        let next = conn.next_telling().expect("content");
        received += if next.kind == DATA { next.payload.len() } else { 0 };
    }
    conn.acknowledge();
    shop.books.wait_for("/f", "begun", |counted| counted.requests == 1);
    conn.cancel(1);
    let bytes = shop.counted("/f", "requests 1 full 1 aborted 1");
    assert_eq!(bytes, WINDOW as u64, "what came was acknowledged before the reset");
    conn.grant(0, 100_000);
    conn.get(3, "/small");
    assert_eq!(conn.answer(3).content, b"content");
    shop.counted("/small", "requests 1 full 1 completed 1 downloads 1");
    // The rest of it, as a download manager asks.
    let rest = format!("bytes={WINDOW}-");
    conn.grant(0, LENGTH);
    conn.send_bytes(&request(5, "/f", &[("range", &rest)]));
    conn.grant(5, LENGTH);
    let answered = conn.answer(5);
    assert!(answered.content == noise(LENGTH, 1)[WINDOW..]);
    shop.counted("/f", "requests 2 full 1 partial 1 completed 1 aborted 1 downloads 1");
}

#[test]
fn a_reset_behind_the_last_byte_changes_nothing() {
    let shop = Shop::open(&[]);
    let mut conn = shop.connect();
    conn.get(1, "/f");
    conn.answer(1);
    conn.acknowledge();
    conn.cancel(1);
    shop.counted("/f", "requests 1 full 1 completed 1 downloads 1");
    conn.get(3, "/small");
    assert_eq!(conn.answer(3).status, 200);
}

#[test]
fn a_connection_that_breaks_aborts_what_had_not_arrived() {
    let shop = Shop::open(&[]);
    let mut conn = Frames::open(shop.server.address(), &[]);
    conn.get(1, "/small");
    conn.answer(1);
    conn.acknowledge();
    conn.get(3, "/f");
    conn.get(5, "/f");
    let mut received = 7;
    while received < WINDOW {
        let next = conn.next_telling().expect("content");
        received += if next.kind == DATA { next.payload.len() } else { 0 };
    }
    shop.books.wait_for("/f", "begun", |counted| counted.requests == 2);
    conn.acknowledge();
    conn.reset();
    let bytes = shop.counted("/f", "requests 2 full 2 aborted 2");
    assert!(bytes <= WINDOW as u64, "{bytes}");
    shop.counted("/small", "requests 1 full 1 completed 1 downloads 1");
}

#[test]
fn a_client_that_vanishes_has_received_nothing() {
    let shop =
        Shop::open(&["--min-rate", "1k", "--rate-window", "1s", "--idle-timeout", "1s", "--grace", "1s"]);
    let mut conn = shop.connect();
    conn.get(1, "/small");
    conn.answer(1);
    conn.acknowledge();
    shop.counted("/small", "requests 1 full 1 completed 1 downloads 1");
    conn.vanish();
    conn.get(3, "/small");
    // The answer fits every buffer; nobody acknowledges it.
    shop.counted("/small", "requests 2 full 2 completed 1 aborted 1 downloads 1");
}

#[test]
fn numbers_are_exact_with_many_streams_on_many_connections() {
    const CLIENTS: usize = 8;
    const STREAMS: u32 = 32;
    const TURNS: u32 = 10;
    let mut shop = Shop::open(&["--workers", "2"]);
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let mut conn = shop.connect();
                for turn in 0..TURNS {
                    let streams = (0..STREAMS).map(|at| 2 * (turn * STREAMS + at) + 1);
                    let asked: Vec<u8> = streams.flat_map(|stream| request(stream, "/small", &[])).collect();
                    conn.send_bytes(&asked);
                    let mut left = STREAMS;
                    while left > 0 {
                        let next = conn.next_telling().expect("an answer");
                        left -= u32::from(next.flags & END_STREAM != 0);
                    }
                }
            });
        }
    });
    shop.server.signal(Signal::TERM);
    assert!(shop.server.wait_for_exit(SOON).success());
    let total = CLIENTS as u64 * u64::from(STREAMS * TURNS);
    let lines = shop.server.stdout().wait_for_deliveries(total as usize);
    let numbers: BTreeSet<u64> = lines.iter().map(|it| it.n).collect();
    assert!(lines.len() as u64 == total && numbers == (1..=total).collect());
    let expect = format!("requests {total} full {total} completed {total} downloads {total}");
    assert_eq!(shop.counted("/small", &expect), total * 7);
}

#[test]
fn lines_tell_the_clients_port_and_the_file() {
    let shop = Shop::open(&[]);
    let mut conn = shop.connect();
    conn.get(1, "/small");
    conn.answer(1);
    let lines = shop.server.stdout().wait_for_deliveries(1);
    assert_eq!((lines[0].path.as_str(), lines[0].port, lines[0].n), ("/small", conn.port(), 1));
    assert!(shop.site.path("small").exists());
}
