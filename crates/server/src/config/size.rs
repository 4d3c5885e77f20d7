//! Numbers of bytes as people write them: `4096`, `64K`, `128M`, `2G`, `64KiB`.
//!
//! A whole number and a power of 1024, in either case. `KB` and `MB` are refused: half of the world reads
//! them as powers of 1000.

use super::value::Fault;

/// A number of bytes, 0 to 1 TiB.
pub(crate) fn size(text: &str) -> Result<u64, Fault> {
    let bytes = bytes(text).ok_or_else(|| {
        Fault::new("is not a size (a whole number with K, M, G or T, powers of 1024; without: bytes)")
    })?;
    if bytes > LARGEST {
        return Err(Fault::new("is more than 1T"));
    }
    Ok(bytes)
}

/// 1 TiB: more memory, and more bytes per second, than the machines this is written for have.
const LARGEST: u64 = 1 << 40;

/// The number of bytes a text stands for, whatever it is.
fn bytes(text: &str) -> Option<u64> {
    let unit_at = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let unit_bytes: u64 = match unit.to_ascii_lowercase().as_str() {
        "" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "t" | "tib" => 1 << 40,
        _ => return None,
    };
    if number.is_empty() {
        return None;
    }
    // Digits that do not fit are too many for every setting: the caller's limit says so.
    Some(number.parse::<u64>().unwrap_or(u64::MAX).saturating_mul(unit_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let shown = match size(text) {
            Ok(bytes) => bytes.to_string(),
            Err(fault) => fault.to_string(),
        };
        assert_eq!(shown, expect, "{text:?}");
    }

    #[test]
    fn each_unit() {
        check("0", "0");
        check("4096", "4096");
        check("64K", "65536");
        check("64k", "65536");
        check("64KiB", "65536");
        check("128M", "134217728");
        check("2G", "2147483648");
        check("1T", "1099511627776");
    }

    #[test]
    fn each_end() {
        check("1099511627777", "is more than 1T");
        check("1025G", "is more than 1T");
        check("18446744073709551615T", "is more than 1T");
        check("99999999999999999999999", "is more than 1T");
    }

    #[test]
    fn what_is_not_a_size() {
        const BAD: &str = "is not a size (a whole number with K, M, G or T, powers of 1024; without: bytes)";
        for text in ["", "K", "-1", "+1", "1.5G", "64KB", "64MB", "64 K", "1P", "K64", "0x10", "auto"] {
            check(text, BAD);
        }
    }
}
