//! Lengths for people.

/// A length in bytes, exactly below 1 KiB and to three digits above.
pub(super) fn size_text(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut amount = bytes as f64 / 1024.0;
    let mut units = UNITS.into_iter();
    let mut unit = units.next().expect("there are six units");
    // 1023.5 and more would be shown with four digits.
    while amount >= 1023.5 {
        let Some(larger) = units.next() else { break };
        (amount, unit) = (amount / 1024.0, larger);
    }
    let decimals = if amount < 9.995 { 2 } else { usize::from(amount < 99.95) };
    format!("{amount:.decimals$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits() {
        #[track_caller]
        fn check(bytes: u64, expect: &str) {
            assert_eq!(size_text(bytes), expect, "{bytes}");
        }
        check(0, "0 B");
        check(1, "1 B");
        check(1023, "1023 B");
        check(1024, "1.00 KiB");
        check(1536, "1.50 KiB");
        check(10_229, "9.99 KiB");
        check(10_240, "10.0 KiB");
        check(102_400, "100 KiB");
        check(1024 * 1023, "1023 KiB");
        check(1024 * 1024 - 1, "1.00 MiB");
        check(1024 * 1024 * 1024, "1.00 GiB");
        check(5 << 40, "5.00 TiB");
        check(u64::MAX, "16.0 EiB");
    }
}
