//! What a redirect or a rewrite leads to: a text in which `$1` stands for what the first wildcard of its pattern has
//! matched, and so on to `$9`.

use std::borrow::Cow;
use std::fmt;

use tallyd_http::percent_encoding::{encode, is_plain_in_segment};

use super::pattern::Captured;

/// A text with places for what was matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(Box<str>),
    /// What the wildcard of this number has matched, from 1.
    Wildcard(usize),
}

/// As it was written.
impl fmt::Display for Template {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pieces.iter().try_for_each(|piece| match piece {
            Piece::Text(text) => formatter.write_str(text),
            Piece::Wildcard(number) => write!(formatter, "${number}"),
        })
    }
}

impl Template {
    /// Reads a text for a pattern with this many wildcards; the error is the end of a sentence about it.
    pub(crate) fn parse(text: &str, wildcards: usize) -> Result<Template, Cow<'static, str>> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            let digit = characters.peek().and_then(|next| next.to_digit(10)).filter(|_| character == '$');
            let Some(number) = digit.map(|digit| digit as usize) else {
                plain.push(character);
                continue;
            };
            characters.next();
            if !(1..=wildcards).contains(&number) {
                return Err(format!("has ${number}, and the pattern has {wildcards} wildcards").into());
            }
            if !plain.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut plain).into()));
            }
            pieces.push(Piece::Wildcard(number));
        }
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain.into()));
        }
        Ok(Template { pieces })
    }

    /// The text before the first place.
    pub(crate) fn constant_start(&self) -> &str {
        match self.pieces.first() {
            Some(Piece::Text(text)) => text,
            Some(Piece::Wildcard(_)) | None => "",
        }
    }

    /// Whether there is no place.
    pub(crate) fn is_constant(&self) -> bool {
        self.pieces.iter().all(|piece| matches!(piece, Piece::Text(_)))
    }

    /// Filled in, as a URI reference: what was matched is data in it, and in a query not even a separator.
    pub(crate) fn reference(&self, captured: &Captured<'_>) -> String {
        let mut reference = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => reference.push_str(text),
                Piece::Wildcard(number) => {
                    let is_in_path = !reference.contains(['?', '#']);
                    encode(&mut reference, captured.wildcard(*number), |byte| {
                        if is_in_path {
                            byte == b'/' || is_plain_in_segment(byte)
                        } else {
                            byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
                        }
                    });
                }
            }
        }
        reference
    }

    /// Filled in, as bytes that stand for themselves.
    pub(crate) fn bytes(&self, captured: &Captured<'_>) -> Vec<u8> {
        let mut bytes = Vec::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => bytes.extend_from_slice(text.as_bytes()),
                Piece::Wildcard(number) => bytes.extend_from_slice(captured.wildcard(*number)),
            }
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::pattern::Pattern;

    #[test]
    fn filled_in() {
        #[track_caller]
        fn check(pattern: &str, path: &str, template: &str, reference: &str, bytes: &str) {
            let pattern = Pattern::parse(pattern).expect("a pattern");
            let template = Template::parse(template, pattern.wildcards()).expect("a template");
            let captured = pattern.capture(path.as_bytes()).expect("it matches");
            assert_eq!(template.reference(&captured), reference);
            assert_eq!(template.bytes(&captured), bytes.as_bytes());
        }
        check("/a", "/a", "/b", "/b", "/b");
        check("/*/*", "/x/y", "/$2/$1$1", "/y/xx", "/y/xx");
        check("/**", "/x y/z", "/n/$1", "/n/x%20y/z", "/n/x y/z");
        check("/*", "/a?b&c=d#e", "/p/$1", "/p/a%3Fb%26c=d%23e", "/p/a?b&c=d#e");
        check("/**", "/a/b&c=d", "/p?q=$1", "/p?q=a%2Fb%26c%3Dd", "/p?q=a/b&c=d");
        check("/*", "/a", "/$/$x$1", "/$/$xa", "/$/$xa");
        check("/{a,b*}", "/a", "/[$1$2]", "/[a]", "/[a]");
        check("/*", "/x", "$1", "x", "x");
    }

    #[test]
    fn a_place_for_nothing_is_refused() {
        let check = |text, wildcards, expect: &str| {
            assert_eq!(Template::parse(text, wildcards), Err(expect.to_owned().into()), "{text}");
        };
        check("/$1", 0, "has $1, and the pattern has 0 wildcards");
        check("/$2", 1, "has $2, and the pattern has 1 wildcards");
        check("/$0", 1, "has $0, and the pattern has 1 wildcards");
    }
}
