//! When a certificate is ordered: renewed in good time, and tried again after a failure, ever more rarely.
//!
//! Pure: what the time is and what was drawn by lot are arguments. Times are Unix seconds.

use std::ops::RangeInclusive;
use std::time::Duration;

/// A number drawn by lot, so that servers that were started together do not ask together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Draw(pub(super) u32);

/// The pause after the first failure.
const FIRST_PAUSE: Duration = Duration::from_mins(1);

/// Each further pause is so many times as long: attempts at 0, 1, 4, 13 and 40 minutes, which is as many in the first hour
/// as Let's Encrypt lets fail for a name (letsencrypt.org/docs/rate-limits, "Authorization Failures").
const GROWTH: u32 = 3;

/// The longest pause. Whoever repairs the cause does not wait for longer, and four attempts a day burden nobody.
const LONGEST_PAUSE: Duration = Duration::from_hours(6);

/// An authority that asks for more patience is not believed: a month is a third of most certificates' lives.
const MOST_PATIENCE_S: i64 = 30 * 24 * 60 * 60;

/// When a certificate with this validity is to be renewed: when two thirds of it are over, a 24th of it earlier or later.
/// What is left is enough for weeks of failures with a certificate for 90 days, and for two days with one for six.
pub(super) fn renewal(valid: &RangeInclusive<i64>, draw: Draw) -> i64 {
    let life = i128::from(*valid.end()) - i128::from(*valid.start());
    let of_life = life * 2 / 3 - life / 24 + life / 12 * i128::from(draw.0) / i128::from(u32::MAX);
    let at = i128::from(*valid.start()) + of_life;
    i64::try_from(at).unwrap_or(*valid.end())
}

/// When it is tried again after so many failures in a row, at least one; `not_before` is what the authority demanded, if it
/// did (`Retry-After`).
pub(super) fn next_attempt(now: i64, failures: u32, not_before: Option<i64>, draw: Draw) -> i64 {
    let growth = GROWTH.saturating_pow(failures.saturating_sub(1));
    let pause = FIRST_PAUSE.saturating_mul(growth).min(LONGEST_PAUSE).as_secs();
    // Up to an eighth longer.
    let pause = pause + pause / 8 * u64::from(draw.0) / u64::from(u32::MAX);
    let at = now.saturating_add(i64::try_from(pause).unwrap_or(i64::MAX));
    at.max(demanded(now, not_before))
}

/// When it may be tried again at the earliest, whoever asks for it.
pub(super) fn demanded(now: i64, not_before: Option<i64>) -> i64 {
    not_before.unwrap_or(now).min(now.saturating_add(MOST_PATIENCE_S))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EARLY: Draw = Draw(0);
    const LATE: Draw = Draw(u32::MAX);
    const DAY: i64 = 86_400;

    #[test]
    fn renewals() {
        let check = |valid: RangeInclusive<i64>, early: i64, late: i64| {
            assert_eq!((renewal(&valid, EARLY), renewal(&valid, LATE)), (early, late), "{valid:?}");
        };
        check(0..=90 * DAY, 60 * DAY - 90 * DAY / 24, 60 * DAY + 90 * DAY / 24);
        check(1000 * DAY..=1006 * DAY, 1003 * DAY + 18 * 3600, 1004 * DAY + 6 * 3600);
        check(100..=124, 115, 117);
        check(100..=100, 100, 100);
        check(-DAY..=2 * DAY, DAY - DAY / 8, DAY + DAY / 8);
        // Nothing overflows, whatever a certificate says.
        assert!((i64::MIN..=i64::MAX).contains(&renewal(&(i64::MIN..=i64::MAX), LATE)));
    }

    #[test]
    fn pauses_grow_to_a_limit() {
        let check = |failures: u32, early: i64, late: i64| {
            let at = |draw| next_attempt(1000, failures, None, draw) - 1000;
            assert_eq!((at(EARLY), at(LATE)), (early, late), "{failures}");
        };
        check(1, 60, 67);
        check(2, 180, 202);
        check(3, 540, 607);
        check(4, 1620, 1822);
        check(5, 4860, 5467);
        check(6, 14_580, 16_402);
        check(7, 21_600, 24_300);
        check(u32::MAX, 21_600, 24_300);
    }

    #[test]
    fn what_the_authority_demands_is_kept() {
        let check = |not_before: Option<i64>, expect: i64| {
            assert_eq!(next_attempt(1000, 1, not_before, EARLY), expect, "{not_before:?}");
        };
        check(None, 1060);
        check(Some(0), 1060);
        check(Some(1059), 1060);
        check(Some(5000), 5000);
        check(Some(i64::MAX), 1000 + 30 * DAY);
    }
}
