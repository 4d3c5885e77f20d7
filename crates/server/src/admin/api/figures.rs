//! The shapes that several answers share: counters, points in time, deliveries.

use serde::Serialize;
use tallyd_http::validator::Timestamp;
use tallyd_ledger::{Counters, Day, Kind, Moment, Outcome};

use super::super::deliveries::{Delivered, Gain};
use crate::calendar::rfc_3339;
use crate::{clock, date};

/// Counters under the names of the contract.
#[derive(Serialize)]
pub(super) struct Figures {
    requests: u64,
    head: u64,
    full: u64,
    partial: u64,
    not_modified: u64,
    completed: u64,
    aborted: u64,
    in_flight: u64,
    downloads: u64,
    bytes: u64,
}

impl From<&Counters> for Figures {
    fn from(counters: &Counters) -> Figures {
        let in_flight = counters.in_flight();
        let Counters { requests, head, full, partial, not_modified, completed, aborted, downloads, bytes } =
            *counters;
        Figures {
            requests,
            head,
            full,
            partial,
            not_modified,
            completed,
            aborted,
            in_flight,
            downloads,
            bytes,
        }
    }
}

/// What ended within a span of time.
#[derive(Serialize)]
pub(super) struct Point {
    start: String,
    requests: u64,
    completed: u64,
    aborted: u64,
    bytes: u64,
}

impl Point {
    pub(super) fn new((start_s, gain): (u64, Gain)) -> Point {
        let Gain { requests, completed, aborted, bytes } = gain;
        Point { start: unix_time(start_s), requests, completed, aborted, bytes }
    }
}

/// A delivery as it is told.
#[derive(Serialize)]
pub(super) struct Told<'a> {
    path: &'a str,
    n: u64,
    client: String,
    port: u16,
    kind: &'static str,
    outcome: &'static str,
    bytes: u64,
    ended: String,
    duration_ms: u64,
}

impl<'a> Told<'a> {
    pub(super) fn new(delivered: &'a Delivered) -> Told<'a> {
        Told {
            path: &delivered.path,
            n: delivered.number,
            client: delivered.peer.ip.to_string(),
            port: delivered.peer.port,
            kind: kind_name(delivered.kind),
            outcome: match delivered.outcome {
                Outcome::Completed => "completed",
                Outcome::Aborted => "aborted",
            },
            bytes: delivered.bytes,
            ended: moment(delivered.ended),
            duration_ms: delivered.ended.0.saturating_sub(delivered.began.0) / 1000,
        }
    }
}

pub(super) fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Head => "head",
        Kind::Full => "full",
        Kind::Partial => "partial",
        Kind::NotModified => "not_modified",
    }
}

/// The time of day of a moment on the monotonic clock.
pub(super) fn moment(moment: Moment) -> String {
    let (time, tick_us) = (clock::timestamp(), clock::ledger_moment().0);
    // A moment is at most as old as the process, far from the ends of either clock.
    let now = i128::from(time.seconds) * 1_000_000_000 + i128::from(time.nanoseconds);
    let then = now - (i128::from(tick_us) - i128::from(moment.0)) * 1000;
    let seconds = then.div_euclid(1_000_000_000) as i64;
    rfc_3339(Timestamp { seconds, nanoseconds: then.rem_euclid(1_000_000_000) as u32 })
}

/// A second since 1970.
pub(super) fn unix_time(seconds: u64) -> String {
    rfc_3339(Timestamp { seconds: seconds.cast_signed(), nanoseconds: 0 })
}

/// A day, unless it stands for all that were carried over.
pub(super) fn day(day: Option<Day>) -> Option<String> {
    day.filter(|day| *day != Day::CARRIED).map(date::print)
}
