//! Patterns for paths: what a setting means by `*.js`, `/downloads/**` or `/blog/*/index.html`.
//!
//! One dialect for every setting that speaks of paths, matched by the `regex` crate in time linear to the path. A
//! pattern is compared with a whole path from the root, percent-decoded, byte for byte. What a wildcard has matched can
//! be used again, in its order.

use std::fmt::Write as _;

use regex::bytes::{Regex, RegexBuilder};
use tallyd_http::percent_encoding::first_escape;

/// A pattern for paths.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    text: Box<str>,
    regex: Regex,
    sample: Box<[u8]>,
}

/// A path that a pattern matches, in pieces.
pub(crate) struct Captured<'p>(regex::bytes::Captures<'p>);

impl Pattern {
    /// Reads a pattern; the error is the end of a sentence about it.
    ///
    /// `*` stands for any characters of one segment, `**` for any at all, `**/` for any folders or none, `?` for one
    /// character other than `/`, and `{a,b}` for either; `\` takes the meaning off the next. `%20` stands for a space,
    /// and likewise for every byte. A pattern that does not begin with `/` holds in every folder.
    pub(crate) fn parse(text: &str) -> Result<Pattern, &'static str> {
        let Translation { expression, sample, .. } = Translation::of(text)?;
        let regex = RegexBuilder::new(&expression).unicode(false).dot_matches_new_line(true).build();
        // What was escaped cannot be malformed, so that only the size is left to complain of.
        let regex = regex.map_err(|_| "is too long for a pattern")?;
        Ok(Pattern { text: text.into(), regex, sample: sample.into() })
    }

    /// Whether `path`, with its leading `/`, is one of those that are meant.
    pub(crate) fn matches(&self, path: &[u8]) -> bool {
        self.regex.is_match(path)
    }

    /// The path in pieces, if it is one of those that are meant.
    pub(crate) fn capture<'p>(&self, path: &'p [u8]) -> Option<Captured<'p>> {
        self.regex.captures(path).map(Captured)
    }

    /// How many wildcards it has.
    pub(crate) fn wildcards(&self) -> usize {
        self.regex.captures_len() - 1
    }

    /// A path that is meant: `x` for each wildcard, the first of alternatives.
    pub(crate) fn sample(&self) -> &[u8] {
        &self.sample
    }

    /// The pattern as it was written.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Pattern) -> bool {
        self.text == other.text
    }
}

impl<'p> Captured<'p> {
    /// What the `number`th wildcard has matched, from 1; nothing where it took part in no match.
    pub(crate) fn wildcard(&self, number: usize) -> &'p [u8] {
        self.0.get(number).map_or(b"".as_slice(), |matched| matched.as_bytes())
    }
}

/// A pattern on its way to a regular expression.
struct Translation {
    expression: String,
    sample: Vec<u8>,
    braces: Braces,
}

/// Where a comma separates alternatives.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Braces {
    Outside,
    FirstAlternative,
    OtherAlternative,
}

impl Translation {
    fn of(text: &str) -> Result<Translation, &'static str> {
        let (expression, sample) = if text.starts_with('/') { ("^", "") } else { ("^/(?:.*/)?", "/") };
        let mut translation =
            Translation { expression: expression.into(), sample: sample.into(), braces: Braces::Outside };
        let mut rest = text;
        let mut begins_segment = true;
        while !rest.is_empty() {
            let taken = translation.push_next(rest, begins_segment)?;
            begins_segment = rest[..taken].ends_with('/');
            rest = &rest[taken..];
        }
        translation.expression.push('$');
        match (text, translation.braces) {
            ("", _) => Err("is empty"),
            (_, Braces::Outside) => Ok(translation),
            (_, Braces::FirstAlternative | Braces::OtherAlternative) => Err("has { without }"),
        }
    }

    /// Translates what stands at the start of `rest`, and returns its length.
    fn push_next(&mut self, rest: &str, begins_segment: bool) -> Result<usize, &'static str> {
        let is_outside = self.braces == Braces::Outside;
        match rest.as_bytes()[0] {
            b'*' if begins_segment && rest.starts_with("**/") => Ok(self.push("(?:(.*)/)?", "", 3)),
            b'*' if rest.starts_with("**") => Ok(self.push("(.*)", "x", 2)),
            b'*' => Ok(self.push("([^/]*)", "x", 1)),
            b'?' => Ok(self.push("([^/])", "x", 1)),
            b'{' if is_outside => {
                self.braces = Braces::FirstAlternative;
                Ok(self.push("(", "", 1))
            }
            b'{' => Err("has { within {}"),
            b'}' if is_outside => Err("has } without {"),
            b'}' => {
                self.braces = Braces::Outside;
                Ok(self.push(")", "", 1))
            }
            b',' if !is_outside => {
                self.braces = Braces::OtherAlternative;
                Ok(self.push("|", "", 1))
            }
            b'[' | b']' => Err("has a bracket; write {a,b} for either, and \\[ for a bracket"),
            _ => self.push_literal(rest),
        }
    }

    fn push(&mut self, expression: &str, sample: &str, taken: usize) -> usize {
        self.expression.push_str(expression);
        if self.braces != Braces::OtherAlternative {
            self.sample.extend_from_slice(sample.as_bytes());
        }
        taken
    }

    /// Takes the bytes that stand for themselves.
    fn push_literal(&mut self, rest: &str) -> Result<usize, &'static str> {
        if let Some(byte) = first_escape(rest.as_bytes()) {
            self.push_bytes(&[byte]);
            return Ok(3);
        }
        let literal = rest.strip_prefix('\\').unwrap_or(rest);
        let Some(character) = literal.chars().next() else {
            return Err("ends in \\, which takes the meaning off the next character");
        };
        let length = character.len_utf8();
        self.push_bytes(&literal.as_bytes()[..length]);
        Ok(rest.len() - literal.len() + length)
    }

    fn push_bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            write!(self.expression, "\\x{byte:02X}").expect("a string takes any text");
        }
        if self.braces != Braces::OtherAlternative {
            self.sample.extend_from_slice(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `expect` is what the wildcards have matched, each in brackets; or nothing if the pattern does not match.
    #[track_caller]
    fn check(pattern: &str, path: &str, expect: Option<&str>) {
        let parsed = Pattern::parse(pattern).unwrap_or_else(|fault| panic!("{pattern}: {fault}"));
        let captured = parsed.capture(path.as_bytes()).map(|captured| {
            let matched = |number| format!("[{}]", captured.wildcard(number).escape_ascii());
            (1..=parsed.wildcards()).map(matched).collect::<String>()
        });
        assert_eq!(captured.as_deref(), expect, "{pattern} {path}");
        assert_eq!(parsed.matches(path.as_bytes()), expect.is_some(), "{pattern} {path}");
    }

    #[test]
    fn whole_paths() {
        check("/a", "/a", Some(""));
        check("/a", "/a/", None);
        check("/a", "/b/a", None);
        check("/a", "/ab", None);
        check("/a.b", "/axb", None);
        check("/a/", "/a/", Some(""));
        check("/(a|b)+$^", "/(a|b)+$^", Some(""));
        check("/é", "/é", Some(""));
        check("/A", "/a", None);
    }

    #[test]
    fn names_in_every_folder() {
        check("a", "/a", Some(""));
        check("a", "/b/c/a", Some(""));
        check("a", "/ba", None);
        check("*.js", "/x.js", Some("[x]"));
        check("*.js", "/a/b/x.min.js", Some("[x.min]"));
        check("*.js", "/x.js/y", None);
        check("pub/*", "/pub/x", Some("[x]"));
        check("pub/*", "/a/pub/x", Some("[x]"));
    }

    #[test]
    fn wildcards() {
        check("/*", "/a", Some("[a]"));
        check("/*", "/", Some("[]"));
        check("/*", "/a/b", None);
        check("/*/b/*", "/a/b/c", Some("[a][c]"));
        check("/**", "/", Some("[]"));
        check("/**", "/a/b/", Some("[a/b/]"));
        check("/a/**", "/a/", Some("[]"));
        check("/a/**", "/a", None);
        check("/a/**/b", "/a/b", Some("[]"));
        check("/a/**/b", "/a/x/y/b", Some("[x/y]"));
        check("/a/**/b", "/a/xb", None);
        check("/a**/b", "/ab", None);
        check("/a**/b", "/ax/y/b", Some("[x/y]"));
        check("**", "/a/b", Some("[b]"));
        check("/?", "/a", Some("[a]"));
        check("/?", "/ab", None);
        check("/a?b", "/a/b", None);
        check("/a-{b,c*}.{js,css}", "/a-cx.css", Some("[cx][x][css]"));
        check("/a-{b,c}", "/a-d", None);
        check("/a,b", "/a,b", Some(""));
        check("/*", "/a\nb", Some("[a\\nb]"));
    }

    #[test]
    fn what_stands_for_itself() {
        check("/a%20b", "/a b", Some(""));
        check("/a%2Ab", "/a*b", Some(""));
        check("/%C3%A9", "/é", Some(""));
        check("/100%", "/100%", Some(""));
        check("/%zz", "/%zz", Some(""));
        check("/\\*", "/*", Some(""));
        check("/\\*", "/a", None);
        check("/\\[\\{\\\\", "/[{\\", Some(""));
        check("/\\%20", "/%20", Some(""));
    }

    #[test]
    fn bytes_that_are_not_utf8() {
        let matches = |pattern: &str, path: &[u8]| Pattern::parse(pattern).expect("a pattern").matches(path);
        assert!(matches("/*", b"/\xff"));
        assert!(matches("/?", b"/\xff"));
        assert!(matches("/%ff", b"/\xff"));
        assert!(!matches("/%ff", b"/\xfe"));
    }

    #[test]
    fn what_is_no_pattern() {
        let check = |text: &str, expect: &str| assert_eq!(Pattern::parse(text), Err(expect), "{text}");
        check("", "is empty");
        check("/{a", "has { without }");
        check("/a}", "has } without {");
        check("/{a{b}}", "has { within {}");
        check("/[ab]", "has a bracket; write {a,b} for either, and \\[ for a bracket");
        check("/a\\", "ends in \\, which takes the meaning off the next character");
    }

    #[test]
    fn samples() {
        let check = |text: &str, expect: &str| {
            let pattern = Pattern::parse(text).expect("a pattern");
            assert_eq!(pattern.sample().escape_ascii().to_string(), expect, "{text}");
            assert!(pattern.matches(pattern.sample()), "{text}");
        };
        check("/a/*/**/b-{c*,d}.?", "/a/x/b-cx.x");
        check("*.js", "/x.js");
        check("/%20\\*", "/ *");
    }

    /// A pattern that is matched by backtracking would not end.
    #[test]
    fn the_time_is_linear() {
        let path = [b"/".as_slice(), &b"a".repeat(4000), b"!"].concat();
        assert!(!Pattern::parse("/**a**a**a**a**a**a**a**a**b").expect("a pattern").matches(&path));
    }
}
