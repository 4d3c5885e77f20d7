//! How much time something may take in the long run, and how long the next piece of work must wait for that. Pure: it is told
//! what was spent, and what time it is.

use std::time::{Duration, Instant};

/// One part in so many of all time, and a reserve for what comes all at once.
#[derive(Debug)]
pub(super) struct Allowance {
    one_in: u32,
    /// When all that was spent is made up for.
    settled: Option<Instant>,
}

impl Allowance {
    /// One second of work in `one_in` seconds.
    pub(super) fn new(one_in: u32) -> Allowance {
        Allowance { one_in, settled: None }
    }

    /// Notes work that ended at `now`.
    pub(super) fn spend(&mut self, now: Instant, worked: Duration) {
        let from = self.settled.map_or(now, |settled| settled.max(now));
        self.settled = Some(from + worked * self.one_in);
    }

    /// How long to wait until all but `reserve` of what was spent is made up for.
    pub(super) fn wait(&self, now: Instant, reserve: Duration) -> Duration {
        let left = self.settled.map_or(Duration::ZERO, |settled| settled.saturating_duration_since(now));
        left.saturating_sub(reserve * self.one_in)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spends milliseconds of work at milliseconds of time, and then asks for the wait with a reserve of 100 ms.
    #[track_caller]
    fn check(spent: &[(u64, u64)], at: u64, expect: u64) {
        let start = Instant::now();
        let ms = Duration::from_millis;
        let mut allowance = Allowance::new(4);
        for (at, worked) in spent {
            allowance.spend(start + ms(*at), ms(*worked));
        }
        assert_eq!(allowance.wait(start + ms(at), ms(100)), ms(expect), "{spent:?} at {at}");
    }

    #[test]
    fn waits() {
        check(&[], 0, 0);
        check(&[(0, 100)], 0, 0);
        check(&[(0, 110)], 0, 40);
        check(&[(0, 110)], 30, 10);
        check(&[(0, 110)], 40, 0);
        check(&[(0, 110), (40, 10)], 40, 40);
        check(&[(0, 50), (0, 50), (0, 50)], 0, 200);
        // What was not spent long ago is no more than the reserve.
        check(&[(0, 10), (100_000, 110)], 100_000, 40);
    }
}
