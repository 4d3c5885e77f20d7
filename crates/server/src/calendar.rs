//! The time of day in UTC by its numbers, and as RFC 3339 writes it.

use tallyd_http::validator::Timestamp;

/// A second, as calendars and clocks show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Calendar {
    pub(crate) year: i64,
    /// 1 to 12.
    pub(crate) month: u32,
    /// 1 to 31.
    pub(crate) day: u32,
    pub(crate) hour: u32,
    pub(crate) minute: u32,
    pub(crate) second: u32,
}

impl Calendar {
    /// The second that is `unix_seconds` after 1970-01-01T00:00:00Z.
    pub(crate) fn of(unix_seconds: i64) -> Calendar {
        const DAY: i64 = 86_400;
        let (year, month, day) = date(unix_seconds.div_euclid(DAY));
        // Less than a day's seconds.
        let second = unix_seconds.rem_euclid(DAY).unsigned_abs() as u32;
        Calendar { year, month, day, hour: second / 3600, minute: second / 60 % 60, second: second % 60 }
    }
}

/// A moment as RFC 3339 §5.6 writes it, in UTC with milliseconds.
pub(crate) fn rfc_3339(time: Timestamp) -> String {
    let Calendar { year, month, day, hour, minute, second } = Calendar::of(time.seconds);
    let millisecond = time.nanoseconds / 1_000_000;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z")
}

/// The date of a day counted from 1970-01-01, in the Gregorian calendar (Howard Hinnant, "chrono-Compatible Low-Level Date
/// Algorithms", `civil_from_days`): years begin in March, so that the leap day is a year's last.
fn date(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    // Both are positive and small.
    (year, month.unsigned_abs() as u32, day.unsigned_abs() as u32)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    /// Against the dates of HTTP, for a moment of every day of 800 years.
    #[test]
    fn every_day_is_the_one_that_http_names() {
        const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
        for day in 0..292_194 {
            let seconds = day * 86_400 + day % 86_400;
            let Calendar { year, month, day, hour, minute, second } = Calendar::of(seconds);
            let month = &MONTHS[month as usize * 3 - 3..][..3];
            let shown = format!("{day:02} {month} {year} {hour:02}:{minute:02}:{second:02} GMT");
            let expect = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds.unsigned_abs()));
            assert_eq!(Some(shown.as_str()), expect.split_once(", ").map(|(_, date)| date));
        }
    }
}
