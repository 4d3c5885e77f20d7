//! The field lines of a request that this server acts on (RFC 9110 §5), and their list syntax.

/// All lines of one field, in the order received. Nothing is allocated unless a field is repeated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Lines<'a> {
    /// The field is not in the request.
    #[default]
    Absent,
    /// The field has one line, as nearly always.
    One(&'a [u8]),
    /// The field is repeated.
    Several(Vec<&'a [u8]>),
}

impl<'a> Lines<'a> {
    /// The raw values, one per line, in order.
    pub fn as_slice(&self) -> &[&'a [u8]] {
        match self {
            Lines::Absent => &[],
            Lines::One(value) => std::slice::from_ref(value),
            Lines::Several(values) => values,
        }
    }

    /// The members of a comma-separated list over all lines, trimmed, without empty ones (RFC 9110 §5.6.1).
    ///
    /// For lists of tokens; a list whose members can be quoted strings needs a parser of its own.
    pub fn tokens(&self) -> impl Iterator<Item = &'a [u8]> {
        self.as_slice()
            .iter()
            .flat_map(|value| value.split(|&byte| byte == b','))
            .map(<[u8]>::trim_ascii)
            .filter(|token| !token.is_empty())
    }

    fn push(&mut self, value: &'a [u8]) {
        match self {
            Lines::Absent => *self = Lines::One(value),
            Lines::One(first) => *self = Lines::Several(vec![*first, value]),
            Lines::Several(values) => values.push(value),
        }
    }
}

/// The fields of a request that have a meaning here; all others are passed over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields<'a> {
    /// `Connection` (RFC 9110 §7.6.1).
    pub connection: Lines<'a>,
    /// `Content-Length` (RFC 9110 §8.6).
    pub content_length: Lines<'a>,
    /// `Expect` (RFC 9110 §10.1.1).
    pub expect: Lines<'a>,
    /// `Host` (RFC 9110 §7.2).
    pub host: Lines<'a>,
    /// `Transfer-Encoding` (RFC 9112 §6.1).
    pub transfer_encoding: Lines<'a>,
}

impl<'a> Fields<'a> {
    /// Sorts field lines by name; names are case-insensitive (RFC 9110 §5.1).
    pub fn collect(lines: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Fields<'a> {
        let mut fields = Fields::default();
        for (name, value) in lines {
            if let Some(known) = fields.line_of(name) {
                known.push(value);
            }
        }
        fields
    }

    /// The place of a known name. The length is compared first: it decides for nearly every unknown name.
    fn line_of(&mut self, name: &str) -> Option<&mut Lines<'a>> {
        let (known, place) = match name.len() {
            4 => ("host", &mut self.host),
            6 => ("expect", &mut self.expect),
            10 => ("connection", &mut self.connection),
            14 => ("content-length", &mut self.content_length),
            17 => ("transfer-encoding", &mut self.transfer_encoding),
            _ => return None,
        };
        name.eq_ignore_ascii_case(known).then_some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_case_insensitive_and_repeats_kept_in_order() {
        let fields = Fields::collect([
            ("HOST", b"a".as_slice()),
            ("connection", b"x"),
            ("Post", b"no"),
            ("Connection", b"y, z"),
        ]);
        assert_eq!(fields.host, Lines::One(b"a"));
        assert_eq!(fields.connection.as_slice(), [b"x".as_slice(), b"y, z"]);
        assert_eq!(fields.expect, Lines::Absent);
    }

    #[test]
    fn lists_rfc_9110_5_6_1() {
        let lines = Lines::Several(vec![b" a ,, b\t", b"", b",c"]);
        assert_eq!(lines.tokens().collect::<Vec<_>>(), [b"a", b"b", b"c"]);
        assert_eq!(Lines::Absent.tokens().count(), 0);
    }
}
