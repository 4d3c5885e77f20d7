//! Lengths of time as people write them: `10`, `1.5s`, `500ms`, `2m`, `1h`.
//!
//! One number and one unit; a bare number is seconds. No sums (`1m30s`), no signs, no exponents.

use std::time::Duration;

use super::value::Fault;

/// A length of time that must pass: from one millisecond, the finest unit, to [`LONGEST`].
pub(crate) fn some_time(text: &str) -> Result<Duration, Fault> {
    let duration = up_to_longest(text)?;
    if duration < SHORTEST {
        return Err(Fault::new("is shorter than 1ms"));
    }
    Ok(duration)
}

/// A length of time that may be none at all, up to [`LONGEST`].
pub(crate) fn up_to_longest(text: &str) -> Result<Duration, Fault> {
    let duration = duration(text).ok_or_else(not_a_duration)?;
    if duration > LONGEST {
        return Err(Fault::new("is longer than 24h"));
    }
    Ok(duration)
}

/// How old a file may get: none at all, up to [`OLDEST`].
pub(crate) fn up_to_oldest(text: &str) -> Result<Duration, Fault> {
    let duration = duration(text).ok_or_else(not_a_duration)?;
    if duration > OLDEST {
        return Err(Fault::new("is longer than 8784h"));
    }
    Ok(duration)
}

/// For how long browsers may be told to remember something: not at all, up to [`TWO_YEARS`].
pub(crate) fn up_to_two_years(text: &str) -> Result<Duration, Fault> {
    let duration = duration(text).ok_or_else(not_a_duration)?;
    if duration > TWO_YEARS {
        return Err(Fault::new("is longer than 17568h"));
    }
    Ok(duration)
}

/// The finest unit: nothing that is timed here is known more finely.
const SHORTEST: Duration = Duration::from_millis(1);

/// A day: a peer that was silent for longer has gone, and any more is a slip of the unit.
const LONGEST: Duration = Duration::from_hours(24);

/// A leap year: what is to be kept for longer needs no limit.
const OLDEST: Duration = Duration::from_hours(366 * 24);

/// Two leap years: what lists of sites for browsers ask for, and more than a slip can be repaired in.
const TWO_YEARS: Duration = Duration::from_hours(2 * 366 * 24);

fn not_a_duration() -> Fault {
    Fault::new("is not a duration (a number with ms, s, m or h; without: seconds)")
}

/// The length of time a text stands for, whatever it is.
fn duration(text: &str) -> Option<Duration> {
    let unit_at = text.find(|character: char| character.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let unit_seconds = match unit {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let is_decimal = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_decimal(whole) || !is_decimal(fraction) {
        return None;
    }
    let seconds = number.parse::<f64>().ok()? * unit_seconds;
    // Too many seconds for a `Duration` are too many for every setting: the caller's limit says so.
    Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let shown = match some_time(text) {
            Ok(value) => format!("{value:?}"),
            Err(fault) => fault.to_string(),
        };
        assert_eq!(shown, expect, "{text:?}");
    }

    #[test]
    fn each_unit() {
        check("10", "10s");
        check("10s", "10s");
        check("1.5s", "1.5s");
        check("1.1", "1.1s");
        check("500ms", "500ms");
        check("0.25ms", "is shorter than 1ms");
        check("2m", "120s");
        check("1h", "3600s");
        check("0.5h", "1800s");
    }

    #[test]
    fn each_end() {
        check("1ms", "1ms");
        check("0.001", "1ms");
        check("0", "is shorter than 1ms");
        check("0h", "is shorter than 1ms");
        check("24h", "86400s");
        check("86400.001", "is longer than 24h");
        check("99999999999999999999999999", "is longer than 24h");
        check(&"9".repeat(400), "is longer than 24h");
        assert_eq!(up_to_longest("0"), Ok(Duration::ZERO));
        assert_eq!(up_to_oldest("0"), Ok(Duration::ZERO));
        assert_eq!(up_to_oldest("8784h"), Ok(OLDEST));
        assert_eq!(up_to_oldest("8785h"), Err(Fault::new("is longer than 8784h")));
    }

    #[test]
    fn what_is_not_a_duration() {
        const BAD: &str = "is not a duration (a number with ms, s, m or h; without: seconds)";
        for text in
            ["", "s", ".", ".5", "5.", "1.2.3", "-1", "+1", "1e3", "inf", "nan", "1 s", "1S", "1m30s", "1d"]
        {
            check(text, BAD);
        }
    }
}
