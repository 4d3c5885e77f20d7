//! How fast things go: rates over the last few seconds, from figures that only grow.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Over how long a rate is taken: long enough to be readable, short enough to be of now.
const SPAN: Duration = Duration::from_secs(5);

/// The least time between two figures that are kept.
const APART: Duration = Duration::from_millis(400);

/// A figure that grows, and when it was how large.
#[derive(Clone, Debug, Default)]
pub(super) struct Pace {
    seen: VecDeque<(Instant, u64)>,
}

impl Pace {
    /// Notes the figure as it is at `now`.
    pub(super) fn note(&mut self, now: Instant, figure: u64) {
        // The newest within a moment stands for it, but the first stays, so that there is something to compare with.
        if self.seen.len() > 1
            && self.seen.iter().rev().nth(1).is_some_and(|(at, _)| now.duration_since(*at) < APART)
        {
            self.seen.pop_back();
        }
        self.seen.push_back((now, figure));
        // One older than the span is kept: rates are taken from it.
        while self.seen.get(1).is_some_and(|(at, _)| now.duration_since(*at) >= SPAN) {
            self.seen.pop_front();
        }
    }

    /// By how much the figure grew per second.
    pub(super) fn per_second(&self) -> f64 {
        let (Some((first_at, first)), Some((last_at, last))) = (self.seen.front(), self.seen.back()) else {
            return 0.0;
        };
        let seconds = last_at.duration_since(*first_at).as_secs_f64();
        if seconds > 0.0 { last.saturating_sub(*first) as f64 / seconds } else { 0.0 }
    }

    /// The same as a whole number.
    pub(super) fn whole_per_second(&self) -> u64 {
        let (Some((first_at, first)), Some((last_at, last))) = (self.seen.front(), self.seen.back()) else {
            return 0;
        };
        let micros = last_at.duration_since(*first_at).as_micros().max(1);
        let grown = u128::from(last.saturating_sub(*first));
        u64::try_from(grown * 1_000_000 / micros).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_of_the_last_seconds() {
        let start = Instant::now();
        let mut pace = Pace::default();
        let mut check = |at_ms: u64, figure: u64, expect: f64| {
            pace.note(start + Duration::from_millis(at_ms), figure);
            assert!((pace.per_second() - expect).abs() < 0.01, "{at_ms}: {}", pace.per_second());
        };
        check(0, 100, 0.0);
        check(1_000, 200, 100.0);
        check(1_100, 210, 100.0);
        check(2_000, 300, 100.0);
        check(3_000, 300, 66.67);
        check(4_000, 300, 50.0);
        check(5_000, 300, 40.0);
        check(6_000, 300, 20.0);
        check(7_000, 300, 0.0);
        check(8_000, 300, 0.0);
        check(9_000, 1_300, 200.0);
    }
}
