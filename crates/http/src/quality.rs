//! Quality values, by which a client says what it prefers (RFC 9110 §12.4.2).

/// A weight in thousandths, 0 to 1000; 0 means "not acceptable".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Quality(u16);

impl Quality {
    /// The weight of what is listed without one.
    pub(crate) const ONE: Self = Self(1000);
    /// Not acceptable.
    pub(crate) const ZERO: Self = Self(0);

    /// Reads the parameter `q=0.5`. Nothing if it is another parameter, or if the number is not one that
    /// the grammar allows: 0 to 1 with at most three digits after the point.
    pub(crate) fn parse_parameter(parameter: &[u8]) -> Option<Self> {
        match parameter {
            [b'q' | b'Q', b'=', value @ ..] => Self::parse(value),
            _ => None,
        }
    }

    fn parse(value: &[u8]) -> Option<Self> {
        let (whole, fraction) = match value {
            [whole @ (b'0' | b'1')] => (whole, &[][..]),
            [whole @ (b'0' | b'1'), b'.', fraction @ ..] => (whole, fraction),
            _ => return None,
        };
        if fraction.len() > 3 || !fraction.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let digit = |position: usize| fraction.get(position).map_or(0, |digit| u16::from(digit - b'0'));
        let thousandths = u16::from(whole - b'0') * 1000 + digit(0) * 100 + digit(1) * 10 + digit(2);
        (thousandths <= 1000).then_some(Self(thousandths))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(parameter: &str, expect: Option<u16>) {
        let quality = Quality::parse_parameter(parameter.as_bytes());
        assert_eq!(quality.map(|quality| quality.0), expect, "{parameter:?}");
    }

    #[test]
    fn rfc9110_section_12_4_2() {
        check("q=0", Some(0));
        check("q=0.", Some(0));
        check("q=0.5", Some(500));
        check("q=0.05", Some(50));
        check("q=0.123", Some(123));
        check("q=0.000", Some(0));
        check("q=1", Some(1000));
        check("q=1.", Some(1000));
        check("Q=1.000", Some(1000));
    }

    #[test]
    fn malformed() {
        for parameter in [
            "", "q", "q=", "q=.5", "q=2", "q=1.001", "q=0.1234", "q=-1", "q=0,5", "q=0.x", "q =1", "q= 1",
            "x=1",
        ] {
            check(parameter, None);
        }
    }
}
