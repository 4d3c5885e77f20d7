//! The lines of one request field, as the peer sent them, and their division into list members.
//!
//! A field may arrive on several lines, which mean the same as one line joined by commas (RFC 9110
//! §5.3). Nothing is joined here: a list is read line after line, and a field that takes a single value
//! is recognised as repeated. What a member means is not this module's business.

use std::slice;

/// The values of all lines of one field, borrowed from the head of the request, without the optional
/// white space around them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum FieldLines<'a> {
    /// The request does not have this field.
    #[default]
    Absent,
    /// The usual case, which costs no allocation. The value may be empty.
    One(&'a [u8]),
    /// Two lines or more, in the order of the request. The limit on the size of a head bounds them.
    Repeated(Vec<&'a [u8]>),
}

impl<'a> FieldLines<'a> {
    /// Adds the value of the next line of this field.
    pub fn push(&mut self, value: &'a [u8]) {
        let value = trim_optional_white_space(value);
        match self {
            Self::Absent => *self = Self::One(value),
            Self::One(earlier) => *self = Self::Repeated(vec![*earlier, value]),
            Self::Repeated(lines) => lines.push(value),
        }
    }

    /// The values, one for each line.
    pub fn lines(&self) -> &[&'a [u8]] {
        match self {
            Self::Absent => &[],
            Self::One(value) => slice::from_ref(value),
            Self::Repeated(lines) => lines,
        }
    }

    /// Whether the request does not have this field. An empty field is present.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// The members of a comma-separated list over all lines, without the white space around them; empty
    /// members are skipped (RFC 9110 §5.6.1.2).
    pub fn members(&self) -> impl Iterator<Item = &'a [u8]> {
        self.lines().iter().flat_map(|line| members(line, b','))
    }
}

impl<'a> FromIterator<&'a [u8]> for FieldLines<'a> {
    fn from_iter<Values: IntoIterator<Item = &'a [u8]>>(values: Values) -> Self {
        let mut field = Self::default();
        for value in values {
            field.push(value);
        }
        field
    }
}

/// The non-empty parts of `value` between separators that stand outside quoted strings (RFC 9110
/// §5.6.4), without the white space around them.
pub(crate) fn members(value: &[u8], separator: u8) -> Members<'_> {
    Members { rest: value, separator }
}

/// See [`members`].
pub(crate) struct Members<'a> {
    rest: &'a [u8],
    separator: u8,
}

impl<'a> Iterator for Members<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        while !self.rest.is_empty() {
            let (member, rest) = self.rest.split_at(end_of_member(self.rest, self.separator));
            // What is left begins with the separator, unless this was the last member.
            self.rest = rest.get(1..).unwrap_or_default();
            let member = trim_optional_white_space(member);
            if !member.is_empty() {
                return Some(member);
            }
        }
        None
    }
}

fn end_of_member(value: &[u8], separator: u8) -> usize {
    let mut quoted = false;
    let mut escaped = false;
    for (position, &byte) in value.iter().enumerate() {
        if escaped {
            escaped = false;
        } else if quoted && byte == b'\\' {
            escaped = true;
        } else if byte == b'"' {
            quoted = !quoted;
        } else if byte == separator && !quoted {
            return position;
        }
    }
    value.len()
}

/// Whether `value` is a token: one or more of the characters that names are made of (RFC 9110 §5.6.2).
pub(crate) fn is_token(value: &[u8]) -> bool {
    let is_token_character = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !value.is_empty() && value.iter().all(is_token_character)
}

/// `value` without the spaces and tabs at both ends (RFC 9110 §5.6.3).
pub(crate) fn trim_optional_white_space(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(lines: &[&str], expect: &[&str]) {
        let field: FieldLines<'_> = lines.iter().map(|line| line.as_bytes()).collect();
        let members: Vec<_> = field.members().map(|member| str::from_utf8(member).unwrap()).collect();
        assert_eq!(members, expect, "{lines:?}");
        assert_eq!(field.is_absent(), lines.is_empty());
    }

    #[test]
    fn rfc9110_section_5_3_and_5_6_1_lists() {
        check(&[], &[]);
        check(&[""], &[]);
        check(&[" \t "], &[]);
        check(&["a"], &["a"]);
        check(&["a,b"], &["a", "b"]);
        check(&[" a\t, \tb "], &["a", "b"]);
        check(&[",, a ,,, b, "], &["a", "b"]);
        check(&["a b"], &["a b"]);
        check(&["a", "b, c", "", "d"], &["a", "b", "c", "d"]);
    }

    #[test]
    fn rfc9110_section_5_6_4_quoted_strings_hide_commas() {
        check(&[r#"a;x="1,2",b"#], &[r#"a;x="1,2""#, "b"]);
        check(&[r#"a;x="\",",b"#], &[r#"a;x="\",""#, "b"]);
        check(&[r#"a;x="open,b"#], &[r#"a;x="open,b"#]);
        check(&[r#"a;x="open"#, "b"], &[r#"a;x="open"#, "b"]);
        check(&[r"a\,b"], &[r"a\", "b"]);
    }
}
