//! Days as people write them: `YYYY-MM-DD`, in UTC (RFC 3339, `full-date`).

use tallyd_ledger::Day;

/// The day of a date from 1970-01-01 to 9999-12-31; `None` if there is no such day or it is written otherwise.
pub(crate) fn parse(text: &str) -> Option<Day> {
    let bytes = text.as_bytes();
    let is_formed = bytes.len() == 10
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    if !is_formed {
        return None;
    }
    let (year, month, day) = (text[..4].parse().ok()?, text[5..7].parse().ok()?, text[8..].parse().ok()?);
    let exists = year >= 1970 && (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
    exists.then(|| Day(days_before_year(year) + (1..month).map(|m| days_in(year, m)).sum::<u32>() + day - 1))
}

/// The date of a day, or `carried` for the days whose figures are only in a ledger that was set aside.
pub(crate) fn print(day: Day) -> String {
    if day == Day::CARRIED {
        return "carried".to_owned();
    }
    let mut year = 1970 + day.0 / 366;
    while days_before_year(year + 1) <= day.0 {
        year += 1;
    }
    let mut left = day.0 - days_before_year(year);
    let mut month = 1;
    while left >= days_in(year, month) {
        left -= days_in(year, month);
        month += 1;
    }
    format!("{year:04}-{month:02}-{:02}", left + 1)
}

/// Days from 1970-01-01 to the first of a year from 1970 on.
fn days_before_year(year: u32) -> u32 {
    let leap_years_to = |year: u32| year / 4 - year / 100 + year / 400;
    (year - 1970) * 365 + leap_years_to(year - 1) - leap_years_to(1969)
}

fn days_in(year: u32, month: u32) -> u32 {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        let check = |text: &str, expect: Option<u32>| {
            assert_eq!(parse(text), expect.map(Day), "{text:?}");
            if let Some(day) = expect.filter(|day| *day > 0) {
                assert_eq!(print(Day(day)), text);
            }
        };
        check("1970-01-01", Some(0));
        check("1970-01-02", Some(1));
        check("1972-02-29", Some(789));
        check("2000-02-29", Some(11_016));
        check("2026-01-01", Some(20_454));
        check("2026-12-31", Some(20_818));
        check("9999-12-31", Some(2_932_896));
        for text in [
            "",
            "2026",
            "2026-1-1",
            "2026-13-01",
            "2026-00-01",
            "2026-02-29",
            "2100-02-29",
            "2026-04-31",
            "2026-01-00",
            "1969-12-31",
            "26-01-01",
            "2026/01/01",
            "2026-01-01 ",
            "+026-01-01",
            "2026-01-é",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn every_day_comes_back() {
        for day in 1..=60_000 {
            assert_eq!(parse(&print(Day(day))), Some(Day(day)));
        }
        assert_eq!(print(Day::CARRIED), "carried");
    }
}
