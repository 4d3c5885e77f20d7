//! Entity tags as clients send them: reading and the two comparisons (RFC 9110 §8.8.3).
//!
//! The tags that this server makes are [`super::StrongTag`].

use crate::field_lines::FieldLines;

/// An entity tag, borrowed from where it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntityTag<'a> {
    /// Whether the tag promises equality byte for byte.
    pub strength: Strength,
    /// What stands between the quotes. Only equality has a meaning.
    pub opaque: &'a [u8],
}

/// What the same tag on two representations promises (RFC 9110 §8.8.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strength {
    /// The same bytes.
    Strong,
    /// Equivalent for the reader's purpose, perhaps with other bytes.
    Weak,
}

impl<'a> EntityTag<'a> {
    /// Reads a value that is exactly one entity tag.
    pub fn parse(value: &'a [u8]) -> Option<Self> {
        match Self::parse_start(value) {
            Some((tag, [])) => Some(tag),
            Some(_) | None => None,
        }
    }

    /// Reads the entity tag that `value` starts with; with it comes what follows.
    fn parse_start(value: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (strength, quoted) = match value.strip_prefix(b"W/") {
            Some(quoted) => (Strength::Weak, quoted),
            None => (Strength::Strong, value),
        };
        let opened = quoted.strip_prefix(b"\"")?;
        let (opaque, closed) = opened.split_at(memchr::memchr(b'"', opened)?);
        opaque
            .iter()
            .copied()
            .all(is_entity_tag_character)
            .then_some((Self { strength, opaque }, &closed[1..]))
    }

    /// Both are strong and the same: the contents are equal byte for byte (RFC 9110 §8.8.3.2).
    pub fn strong_eq(&self, other: &EntityTag<'_>) -> bool {
        self.strength == Strength::Strong && other.strength == Strength::Strong && self.opaque == other.opaque
    }

    /// The same, whether strong or weak (RFC 9110 §8.8.3.2).
    pub fn weak_eq(&self, other: &EntityTag<'_>) -> bool {
        self.opaque == other.opaque
    }
}

/// The entity tags of a list. A line is read up to its first malformed member: a quote may be what is
/// missing, so where the next member would begin is a guess.
pub fn entity_tags<'a>(field: &FieldLines<'a>) -> impl Iterator<Item = EntityTag<'a>> {
    field.lines().iter().flat_map(|line| Tags { rest: line })
}

/// The tags of one line. The separator cannot be looked for first, since a tag may contain commas, and
/// no quoted string can be read, since in a tag a backslash is itself.
struct Tags<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Tags<'a> {
    type Item = EntityTag<'a>;

    fn next(&mut self) -> Option<EntityTag<'a>> {
        while let [b' ' | b'\t' | b',', rest @ ..] = self.rest {
            self.rest = rest;
        }
        let (tag, mut after) = EntityTag::parse_start(self.rest)?;
        while let [b' ' | b'\t', rest @ ..] = after {
            after = rest;
        }
        self.rest = after;
        matches!(after, [] | [b',', ..]).then_some(tag)
    }
}

/// `etagc` of RFC 9110 §8.8.3. The closing quote is excluded before.
fn is_entity_tag_character(byte: u8) -> bool {
    matches!(byte, b'!'..=b'~' | 0x80..)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(tag: EntityTag<'_>) -> String {
        let prefix = match tag.strength {
            Strength::Strong => "",
            Strength::Weak => "W/",
        };
        format!("{prefix}{}", tag.opaque.escape_ascii())
    }

    fn check_one(value: &[u8], expect: Option<&str>) {
        assert_eq!(EntityTag::parse(value).map(render).as_deref(), expect, "{}", value.escape_ascii());
    }

    fn check_list(lines: &[&str], expect: &str) {
        let field = lines.iter().map(|line| line.as_bytes()).collect();
        let tags: Vec<_> = entity_tags(&field).map(render).collect();
        assert_eq!(tags.join(" "), expect, "{lines:?}");
    }

    #[test]
    fn rfc9110_section_8_8_3_one_tag() {
        check_one(b"\"xyzzy\"", Some("xyzzy"));
        check_one(b"W/\"xyzzy\"", Some("W/xyzzy"));
        check_one(b"\"\"", Some(""));
        check_one(b"\"a,b\"", Some("a,b"));
        check_one(b"\"a\\\"", Some("a\\\\"));
        check_one(b"\"!#~\xff\"", Some("!#~\\xff"));
    }

    #[test]
    fn rfc9110_section_8_8_3_malformed_tags() {
        for value in [
            "",
            "\"",
            "xyzzy",
            "\"xyzzy",
            "xyzzy\"",
            "w/\"a\"",
            "W\"a\"",
            "W/a",
            "W/",
            "\"a b\"",
            "\"a\tb\"",
            "\"a\"b",
            "\"a\" ",
            "\"a\"\"",
            "'a'",
            "*",
            "\"a\x7f\"",
            "\"a\0\"",
        ] {
            check_one(value.as_bytes(), None);
        }
    }

    #[test]
    fn rfc9110_section_5_6_1_lists_of_tags() {
        check_list(&[], "");
        check_list(&["\"a\""], "a");
        check_list(&["\"a\", W/\"b\" ,\t\"c\""], "a W/b c");
        check_list(&["\"a\",\"b\""], "a b");
        check_list(&[", ,\"a\",, \"b\" ,"], "a b");
        check_list(&["\"a,b\", \"c\""], "a,b c");
        check_list(&["\"a\\\", \"c\""], "a\\\\ c");
        check_list(&["\"a\"", "\"b\", \"c\""], "a b c");
    }

    #[test]
    fn a_line_ends_at_its_first_malformed_member() {
        check_list(&["\"a\", b, \"c\""], "a");
        check_list(&["\"a\" \"b\""], "");
        check_list(&["\"a\"b, \"c\""], "");
        check_list(&["\"a, \"c\""], "");
        check_list(&["\"a\", *"], "a");
        check_list(&["b", "\"c\""], "c");
    }

    #[test]
    fn rfc9110_section_8_8_3_2_comparison() {
        // The table of that section: first tag, second tag, strong comparison, weak comparison.
        for (first, second, strong, weak) in [
            ("W/\"1\"", "W/\"1\"", false, true),
            ("W/\"1\"", "W/\"2\"", false, false),
            ("W/\"1\"", "\"1\"", false, true),
            ("\"1\"", "\"1\"", true, true),
            ("\"1\"", "\"2\"", false, false),
        ] {
            let [first, second] = [first, second].map(|tag| EntityTag::parse(tag.as_bytes()).unwrap());
            assert_eq!(
                (first.strong_eq(&second), first.weak_eq(&second)),
                (strong, weak),
                "{first:?} {second:?}"
            );
            assert_eq!(
                (second.strong_eq(&first), second.weak_eq(&first)),
                (strong, weak),
                "{second:?} {first:?}"
            );
        }
    }
}
