//! Frames that cost the server work and ask for nothing: counted, and too many of them give a client up.
//!
//! What has a memory (streams, field sections, windows) is bounded where it is kept; what passes without a trace is bounded
//! here.

use std::time::Duration;

use tallyd_http::h2::frame::{END_STREAM, Frame, Kind, PADDED};

use crate::clock::Moment;

/// How many such frames a client may send within a window. A browser sends some dozen; a client that opens its window for each
/// of a thousand frames of content a second has answers to show for it.
const MOST: u32 = 4_000;
const WINDOW: Duration = Duration::from_secs(4);

/// How many window updates are for nothing each: one is sent for every few frames of content.
const UPDATES: u32 = 16;

/// How long settings are that weigh as much as another frame, in bytes: far more than a client has to say at a time.
const SETTINGS_BYTES: u32 = 64;

/// How many such frames a request is worth that its client takes back before its answer is complete (CVE-2023-44487): whoever
/// moves a map about takes back hundreds.
const OF_CANCELLED: u32 = 4;

/// How many one is worth that makes the server reset its stream (CVE-2025-8671), which no honest client sends.
const OF_FAULTY: u32 = 20;

/// A request that comes to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waste {
    /// Its client has taken it back, or could know that it would not be answered.
    Cancelled,
    Faulty,
    /// There is more of it than anybody waits for.
    TooLate,
}

/// What a client has sent in this window.
#[derive(Debug, Default)]
pub(super) struct Flood {
    since: Moment,
    frames: u32,
    updates: u32,
}

impl Flood {
    /// Notes a frame of the client's.
    pub(super) fn note(&mut self, frame: Frame) {
        let weight = match frame.kind {
            Kind::Settings => 1 + frame.length / SETTINGS_BYTES,
            Kind::Ping
            | Kind::Priority
            | Kind::Reset
            | Kind::PushPromise
            | Kind::GoAway
            | Kind::Continuation
            | Kind::Unknown => 1,
            // With padding, it may be empty all the same.
            Kind::Data => u32::from((frame.length == 0 || frame.has(PADDED)) && !frame.has(END_STREAM)),
            Kind::WindowUpdate => {
                self.updates += 1;
                u32::from(self.updates.is_multiple_of(UPDATES))
            }
            Kind::Headers => 0,
        };
        if weight > 0 {
            self.add(weight);
        }
    }

    /// Notes a request that comes to nothing.
    pub(super) fn note_waste(&mut self, waste: Waste) {
        self.add(match waste {
            Waste::Cancelled => OF_CANCELLED,
            Waste::Faulty => OF_FAULTY,
            Waste::TooLate => 1,
        });
    }

    fn add(&mut self, frames: u32) {
        let now = Moment::now();
        if now.since(self.since) >= WINDOW {
            (self.since, self.frames) = (now, 0);
        }
        self.frames += frames;
    }

    /// Whether they are too many.
    pub(super) fn is_one(&self) -> bool {
        self.frames > MOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: Kind, flags: u8, length: u32, count: u32, expect: bool) {
        let mut flood = Flood::default();
        for _ in 0..count {
            flood.note(Frame { kind, flags, stream: 1, length });
        }
        assert_eq!(flood.is_one(), expect, "{count} of {kind:?}");
    }

    #[test]
    fn frames_that_ask_for_nothing_are_bounded() {
        for kind in [Kind::Settings, Kind::Ping, Kind::Priority, Kind::Reset, Kind::Continuation] {
            check(kind, 0, 8, MOST, false);
            check(kind, 0, 8, 2 * MOST, true);
        }
        check(Kind::Settings, 0, 16_380, MOST / 256, false);
        check(Kind::Settings, 0, 16_380, MOST / 256 + 1, true);
        check(Kind::Data, 0, 0, 2 * MOST, true);
        check(Kind::Data, PADDED, 256, 2 * MOST, true);
        check(Kind::Data, 0, 1, 2 * MOST, false);
        check(Kind::Data, END_STREAM, 0, 2 * MOST, false);
        check(Kind::Headers, 0, 8, 100 * MOST, false);
        check(Kind::WindowUpdate, 0, 4, 8 * MOST, false);
        check(Kind::WindowUpdate, 0, 4, 100 * MOST, true);
    }

    #[test]
    fn requests_that_come_to_nothing_are_bounded() {
        for (waste, frames) in
            [(Waste::Cancelled, OF_CANCELLED), (Waste::Faulty, OF_FAULTY), (Waste::TooLate, 1)]
        {
            let mut flood = Flood::default();
            for _ in 0..MOST / frames {
                flood.note_waste(waste);
            }
            assert!(!flood.is_one(), "{waste:?}");
            flood.note_waste(waste);
            assert!(flood.is_one(), "{waste:?}");
        }
    }
}
