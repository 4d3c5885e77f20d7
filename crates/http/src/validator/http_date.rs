//! Dates of HTTP fields (RFC 9110 §5.6.7), to the second.
//!
//! `httpdate` reads and writes the calendar. Added here: years before 1970, which it refuses, and the two
//! digits of an RFC 850 year, which are read relative to the present.

use std::fmt::{self, Display};
use std::time::{Duration, UNIX_EPOCH};

/// A date that a field can express: years 0000 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HttpDate {
    /// Since 1970-01-01T00:00:00Z, negative before it; within `EARLIEST..=LATEST`.
    unix_seconds: i64,
}

/// 0000-01-01T00:00:00Z.
const EARLIEST: i64 = -62_167_219_200;
/// 9999-12-31T23:59:59Z.
const LATEST: i64 = 253_402_300_799;
/// 2000 years, five whole cycles of the calendar: a year before 1970 is read and written as the one that
/// is this much later, in which every date falls on the same day of the week.
const SHIFT_YEARS: u16 = 2000;
const SHIFT_S: i64 = 5 * 146_097 * 86_400;
/// 50 years of 365.2425 days.
const FIFTY_YEARS_S: i64 = 1_577_847_600;

impl HttpDate {
    /// The date this many seconds after the beginning of 1970, or before it. Nothing if its year does not
    /// have four digits: such a date has no expression in HTTP, and a field with it is left out.
    pub fn from_unix_seconds(unix_seconds: i64) -> Option<Self> {
        (EARLIEST..=LATEST).contains(&unix_seconds).then_some(Self { unix_seconds })
    }

    /// Seconds since the beginning of 1970, negative before it.
    pub fn unix_seconds(self) -> i64 {
        self.unix_seconds
    }

    /// Reads a date in any of the three formats. Nothing if it is malformed, does not exist, or has a day
    /// name that is not its own. `now` is the present, to which the two-digit years of RFC 850 relate.
    pub fn parse(value: &[u8], now: Self) -> Option<Self> {
        let text = str::from_utf8(value).ok()?;
        match *value {
            // Sun, 06 Nov 1994 08:49:37 GMT
            [_, _, _, b',', ..] => parse_with_year_at(text, 12),
            // Sun Nov  6 08:49:37 1994
            [_, _, _, b' ', ..] => parse_with_year_at(text, 20),
            // Sunday, 06-Nov-94 08:49:37 GMT
            _ => parse_rfc850(text, now),
        }
    }
}

/// Reads a date whose year is four digits at this position.
fn parse_with_year_at(text: &str, position: usize) -> Option<HttpDate> {
    let digits =
        text.get(position..position + 4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    let year: u16 = digits.parse().ok()?;
    if year >= 1970 {
        return parse_since_1970(text);
    }
    let shifted = format!("{}{}{}", &text[..position], year + SHIFT_YEARS, &text[position + 4..]);
    HttpDate::from_unix_seconds(parse_since_1970(&shifted)?.unix_seconds - SHIFT_S)
}

fn parse_since_1970(text: &str) -> Option<HttpDate> {
    let since_1970 = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
    HttpDate::from_unix_seconds(i64::try_from(since_1970.as_secs()).ok()?)
}

/// Reads the obsolete format with two digits for the year: the latest such year that is not more than 50
/// years in the future (RFC 9110 §5.6.7), or a century earlier if only then the day name is right.
fn parse_rfc850(text: &str, now: HttpDate) -> Option<HttpDate> {
    const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    let (day_name, rest) = text.split_once(", ")?;
    let day_name = DAYS.iter().find(|name| **name == day_name)?;
    // `06-Nov-94 08:49:37 GMT`
    let &[d1, d2, b'-', m1, m2, m3, b'-', y1 @ b'0'..=b'9', y2 @ b'0'..=b'9', b' ', ..] = rest.as_bytes()
    else {
        return None;
    };
    let day_and_month = [d1, d2, b' ', m1, m2, m3];
    let day_and_month = str::from_utf8(&day_and_month).ok()?;
    let two_digits = i64::from(y1 - b'0') * 10 + i64::from(y2 - b'0');

    let limit = now.unix_seconds + FIFTY_YEARS_S;
    // A mean year off the calendar's by hours at most: the date itself is compared below.
    let latest_year = 1970 + limit.div_euclid(FIFTY_YEARS_S / 50) + 1;
    let year = latest_year - (latest_year - two_digits).rem_euclid(100);
    [year, year - 100]
        .into_iter()
        .filter_map(|year| {
            let imf_fixdate = format!("{}, {day_and_month} {year:04} {}", &day_name[..3], rest.get(10..)?);
            parse_with_year_at(&imf_fixdate, 12)
        })
        .find(|date| date.unix_seconds <= limit)
}

impl Display for HttpDate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shift = if self.unix_seconds < 0 { SHIFT_S } else { 0 };
        let since_1970 =
            u64::try_from(self.unix_seconds + shift).expect("2000 years after year 0 or later is after 1970");
        let imf_fixdate = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(since_1970));
        if shift == 0 {
            return formatter.write_str(&imf_fixdate);
        }
        let year: u16 = imf_fixdate[12..16].parse().expect("an IMF-fixdate has its year there");
        write!(formatter, "{}{:04}{}", &imf_fixdate[..12], year - SHIFT_YEARS, &imf_fixdate[16..])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Fri, 24 Jul 2026 12:00:00 GMT
    const NOW: HttpDate = HttpDate { unix_seconds: 1_784_894_400 };

    fn check_at(now: HttpDate, value: &str, expect: Option<&str>) {
        let date = HttpDate::parse(value.as_bytes(), now);
        assert_eq!(date.map(|date| date.to_string()).as_deref(), expect, "{value:?}");
    }

    fn check(value: &str, expect: Option<&str>) {
        check_at(NOW, value, expect);
    }

    #[test]
    fn rfc9110_section_5_6_7_three_formats() {
        let expect = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        check("Sun, 06 Nov 1994 08:49:37 GMT", expect);
        check("Sunday, 06-Nov-94 08:49:37 GMT", expect);
        check("Sun Nov  6 08:49:37 1994", expect);
        assert_eq!(
            HttpDate::parse(b"Sun, 06 Nov 1994 08:49:37 GMT", NOW).unwrap().unix_seconds(),
            784_111_777
        );
    }

    #[test]
    fn years_with_four_digits() {
        for date in [
            "Sat, 01 Jan 0000 00:00:00 GMT",
            "Tue, 29 Feb 1600 12:00:00 GMT",
            "Wed, 31 Dec 1969 23:59:59 GMT",
            "Thu, 01 Jan 1970 00:00:00 GMT",
            "Fri, 31 Dec 9999 23:59:59 GMT",
        ] {
            check(date, Some(date));
        }
        check("Wed Dec 31 23:59:59 1969", Some("Wed, 31 Dec 1969 23:59:59 GMT"));
    }

    #[test]
    fn rfc9110_section_5_6_7_years_with_two_digits() {
        check("Friday, 24-Jul-26 12:00:00 GMT", Some("Fri, 24 Jul 2026 12:00:00 GMT"));
        check("Saturday, 25-Jul-26 12:00:00 GMT", Some("Sat, 25 Jul 2026 12:00:00 GMT"));
        check("Tuesday, 29-Feb-00 00:00:00 GMT", Some("Tue, 29 Feb 2000 00:00:00 GMT"));
        check("Wednesday, 01-Jan-70 00:00:00 GMT", Some("Wed, 01 Jan 2070 00:00:00 GMT"));
        // 50 mean years from now end at 15:00:00 on that day.
        check("Thursday, 23-Jul-76 15:00:00 GMT", Some("Thu, 23 Jul 2076 15:00:00 GMT"));
        check("Thursday, 23-Jul-76 15:00:01 GMT", None);
        check("Friday, 23-Jul-76 15:00:01 GMT", Some("Fri, 23 Jul 1976 15:00:01 GMT"));
        check("Saturday, 01-Jan-77 00:00:00 GMT", Some("Sat, 01 Jan 1977 00:00:00 GMT"));
        let in_2090 = HttpDate { unix_seconds: 3_800_000_000 };
        // Where two centuries are possible, the day name tells them apart.
        check("Thursday, 01-Jan-70 00:00:00 GMT", Some("Thu, 01 Jan 1970 00:00:00 GMT"));
        check("Friday, 01-Jan-70 00:00:00 GMT", None);
        check_at(in_2090, "Sunday, 06-Nov-94 08:49:37 GMT", Some("Sun, 06 Nov 1994 08:49:37 GMT"));
        check_at(in_2090, "Saturday, 06-Nov-94 08:49:37 GMT", Some("Sat, 06 Nov 2094 08:49:37 GMT"));
        check_at(in_2090, "Thursday, 06-Nov-10 08:49:37 GMT", Some("Thu, 06 Nov 2110 08:49:37 GMT"));
    }

    #[test]
    fn malformed() {
        for value in [
            "",
            " ",
            "0",
            "784111777",
            "sun, 06 nov 1994 08:49:37 gmt",
            "Mon, 06 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nov 1994 08:49:37 +0000",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov +994 08:49:37 GMT",
            "Sun, 06 Nov 19940 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sat, 31 Dec 2016 23:59:60 GMT",
            "Thu, 29 Feb 1900 12:00:00 GMT",
            "Wed, 31 Feb 1994 08:49:37 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
            "Sun, 06-Nov-94 08:49:37 GMT",
            "Sunday, 06-Nov-1994 08:49:37 GMT",
            "Sunday, 06-Nov-94",
            "Funday, 06-Nov-94 08:49:37 GMT",
            "Sunday, ",
            "Sun Nov  6 08:49:37 94",
            "Sun Nov 6 08:49:37 1994",
            "Sün, 06 Nov 1994 08:49:37 GMT",
            "1994-11-06T08:49:37Z",
            "\"tag\"",
        ] {
            check(value, None);
        }
        assert_eq!(HttpDate::parse(b"Sun, 06 Nov 1994 08:49:37 GM\xff", NOW), None);
    }

    #[test]
    fn times_that_have_no_date() {
        for (unix_seconds, expect) in [
            (i64::MIN, None),
            (EARLIEST - 1, None),
            (EARLIEST, Some("Sat, 01 Jan 0000 00:00:00 GMT")),
            (-1, Some("Wed, 31 Dec 1969 23:59:59 GMT")),
            (0, Some("Thu, 01 Jan 1970 00:00:00 GMT")),
            (LATEST, Some("Fri, 31 Dec 9999 23:59:59 GMT")),
            (LATEST + 1, None),
            (i64::MAX, None),
        ] {
            let date = HttpDate::from_unix_seconds(unix_seconds).map(|date| date.to_string());
            assert_eq!(date.as_deref(), expect, "{unix_seconds}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(unix_seconds in EARLIEST..=LATEST) {
            let date = HttpDate::from_unix_seconds(unix_seconds).unwrap();
            prop_assert_eq!(HttpDate::parse(date.to_string().as_bytes(), NOW), Some(date));
        }

        #[test]
        fn any_bytes_are_read_without_harm(value: Vec<u8>, now in EARLIEST..=LATEST) {
            let now = HttpDate { unix_seconds: now };
            if let Some(date) = HttpDate::parse(&value, now) {
                prop_assert!((EARLIEST..=LATEST).contains(&date.unix_seconds));
            }
        }
    }
}
