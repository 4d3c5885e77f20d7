//! Clients that vanish or stop to read: no end, no reset, no acknowledgement. What was written to them was not delivered.

use super::table::{Table, exactly};
use crate::harness::{Protocol, SMALL_WINDOW, Window, on_every_protocol};

on_every_protocol! {
    what_nobody_acknowledges_is_not_delivered,
}

/// Limits under which a client that takes nothing is given up within two seconds.
const IMPATIENT: [&str; 6] = ["--idle-timeout", "1s", "--rate-window", "300ms", "--min-rate", "1K"];

fn what_nobody_acknowledges_is_not_delivered(protocol: Protocol) {
    let mut table = Table::new(protocol, &IMPATIENT);
    for length in [500, 20_000, 1_000_003] {
        table.check(
            "vanishes before its answer comes",
            length,
            |visit| {
                let mut conn = visit.connect(None, Window::Usual);
                conn.vanish();
                conn.send(visit.request(""));
                visit.wait_for_line();
                exactly(0)
            },
            "requests 1 full 1 aborted 1",
        );
        table.check(
            "vanishes, having sent its next request before the first answer was there",
            length,
            |visit| {
                let mut conn = visit.connect(None, Window::Usual);
                conn.vanish();
                conn.send(visit.request(""));
                // The first answer is booked as begun a moment after it was written, and nothing of it can have arrived.
                visit.wait_until_begun(1);
                conn.send(visit.request(""));
                visit.wait_until_begun(2);
                exactly(0)
            },
            "requests 2 full 2 aborted 2",
        );
    }
    table.check(
        "takes a part of its answer, then never reads again",
        1_000_003,
        |visit| {
            let _unread = visit.take_a_part("", 100_000);
            visit.wait_for_line();
            100_000..=100_000 + SMALL_WINDOW
        },
        "requests 1 full 1 aborted 1",
    );
    table.check(
        "takes a part of its answer, is given up, and reads on: what is not counted does not come either",
        1_000_003,
        |visit| {
            let (_, mut conn) = visit.take_a_part("", 100_000);
            visit.wait_for_line();
            let received = 100_000 + conn.take(900_003).len() as u64;
            received - protocol.unacknowledged()..=100_000 + SMALL_WINDOW
        },
        "requests 1 full 1 aborted 1",
    );
    table.check(
        "takes a part of its answer, then vanishes",
        1_000_003,
        |visit| {
            let (_, conn) = visit.take_a_part("", 100_000);
            conn.vanish();
            visit.wait_for_line();
            100_000..=100_000 + SMALL_WINDOW
        },
        "requests 1 full 1 aborted 1",
    );
    table.check(
        "a segment vanishes once it is written whole; the next one is no resumption",
        40_000,
        |visit| {
            let mut conn = visit.connect(None, Window::Usual);
            conn.vanish();
            conn.send(visit.request("Range: bytes=0-19999\r\n"));
            visit.wait_for_line();
            exactly(visit.get("Range: bytes=20000-\r\n").content.len() as u64)
        },
        "requests 2 partial 2 completed 1 aborted 1",
    );
    table.finish();
}
