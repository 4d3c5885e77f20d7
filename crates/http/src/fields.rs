//! The fields of a request that this server acts on (RFC 9110 §5).

use crate::field_lines::FieldLines;
use crate::precondition::Conditions;

/// The fields of a request that have a meaning here; all others are passed over.
#[derive(Clone, Debug, Default)]
pub struct Fields<'a> {
    /// `Accept` (RFC 9110 §12.5.1).
    pub accept: FieldLines<'a>,
    /// `Accept-Encoding` (RFC 9110 §12.5.3).
    pub accept_encoding: FieldLines<'a>,
    /// The preconditions (RFC 9110 §13).
    pub conditions: Conditions<'a>,
    /// `Connection` (RFC 9110 §7.6.1).
    pub connection: FieldLines<'a>,
    /// `Content-Length` (RFC 9110 §8.6).
    pub content_length: FieldLines<'a>,
    /// `Expect` (RFC 9110 §10.1.1).
    pub expect: FieldLines<'a>,
    /// `Host` (RFC 9110 §7.2).
    pub host: FieldLines<'a>,
    /// `Origin` (RFC 6454 §7, Fetch Standard).
    pub origin: FieldLines<'a>,
    /// `Range` (RFC 9110 §14.2).
    pub range: FieldLines<'a>,
    /// `Referer` (RFC 9110 §10.1.3).
    pub referrer: FieldLines<'a>,
    /// `User-Agent` (RFC 9110 §10.1.5).
    pub user_agent: FieldLines<'a>,
    /// `Transfer-Encoding` (RFC 9112 §6.1).
    pub transfer_encoding: FieldLines<'a>,
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

    /// The place of a known name. Its length and first letter are compared first: they decide for nearly every
    /// unknown name.
    fn line_of(&mut self, name: &str) -> Option<&mut FieldLines<'a>> {
        let first = name.as_bytes().first()?.to_ascii_lowercase();
        let (known, place) = match (name.len(), first) {
            (4, b'h') => ("host", &mut self.host),
            (5, b'r') => ("range", &mut self.range),
            (6, b'a') => ("accept", &mut self.accept),
            (6, b'o') => ("origin", &mut self.origin),
            (6, b'e') => ("expect", &mut self.expect),
            (7, b'r') => ("referer", &mut self.referrer),
            (8, b'i') if name.as_bytes()[3].eq_ignore_ascii_case(&b'm') => {
                ("if-match", &mut self.conditions.if_match)
            }
            (8, b'i') => ("if-range", &mut self.conditions.if_range),
            (10, b'u') => ("user-agent", &mut self.user_agent),
            (10, b'c') => ("connection", &mut self.connection),
            (13, b'i') => ("if-none-match", &mut self.conditions.if_none_match),
            (14, b'c') => ("content-length", &mut self.content_length),
            (15, b'a') => ("accept-encoding", &mut self.accept_encoding),
            (17, b'i') => ("if-modified-since", &mut self.conditions.if_modified_since),
            (17, b't') => ("transfer-encoding", &mut self.transfer_encoding),
            (19, b'i') => ("if-unmodified-since", &mut self.conditions.if_unmodified_since),
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
            ("Accept-Language", b"de"),
            ("Accept-encoding", b"br"),
        ]);
        assert_eq!(fields.host, FieldLines::One(b"a"));
        assert_eq!(fields.connection.lines(), [b"x".as_slice(), b"y, z"]);
        assert_eq!(fields.accept_encoding, FieldLines::One(b"br"));
        assert_eq!(fields.expect, FieldLines::Absent);
    }
}
