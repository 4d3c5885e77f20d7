//! Dates for people and programs: RFC 3339, in UTC, to the second.

use tallyd_http::validator::{HttpDate, Timestamp};

/// As an IMF-fixdate has them (RFC 9110 §5.6.7).
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The date, rounded down, as in `2026-11-22T21:48:16Z`. Nothing if its year does not have four digits.
///
/// The calendar is the one that writes `Last-Modified`; only the order of its parts is another here.
pub(crate) fn rfc_3339(time: Timestamp) -> Option<String> {
    // Sun, 06 Nov 1994 08:49:37 GMT
    let date = HttpDate::from_unix_seconds(time.seconds)?.to_string();
    let (day, month, year, clock) = (&date[5..7], &date[8..11], &date[12..16], &date[17..25]);
    let month = MONTHS.iter().position(|name| *name == month).expect("the month has one of twelve names");
    Some(format!("{year}-{:02}-{day}T{clock}Z", month + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_rfc_3339() {
        #[track_caller]
        fn check(seconds: i64, expect: Option<&str>) {
            let time = Timestamp { seconds, nanoseconds: 999_999_999 };
            assert_eq!(rfc_3339(time).as_deref(), expect, "{seconds}");
        }
        check(0, Some("1970-01-01T00:00:00Z"));
        check(784_111_777, Some("1994-11-06T08:49:37Z"));
        check(951_782_400, Some("2000-02-29T00:00:00Z"));
        check(-1, Some("1969-12-31T23:59:59Z"));
        check(-62_167_219_200, Some("0000-01-01T00:00:00Z"));
        check(-62_167_219_201, None);
        check(253_402_300_799, Some("9999-12-31T23:59:59Z"));
        check(253_402_300_800, None);
        check(i64::MAX, None);
        check(i64::MIN, None);
    }
}
