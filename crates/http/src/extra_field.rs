//! Fields that the publisher of a site adds to answers (RFC 9110 §5).
//!
//! What the server says of itself and of the content is not theirs to say: a `Content-Length` or an `ETag` from a
//! settings file would be a lie at the next change. Which answers get a field is not decided here.

use std::fmt::{self, Display};

use crate::field_lines::{is_token, trim_optional_white_space};

/// A field that may be added: its name and value are what RFC 9110 allows, and no one else's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtraField {
    name: Box<str>,
    value: Box<str>,
}

/// Why a field may not be added; [`Display`] is the end of a sentence about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldFault {
    /// The name is not a token (RFC 9110 §5.1).
    Name,
    /// The value has characters other than printable ASCII, spaces and tabs: CR, LF and NUL would end the line or worse
    /// (RFC 9110 §5.5), and what is beyond ASCII has no agreed meaning.
    Value,
    /// The server says it itself; the words say how to change it, where that can be changed.
    Owned(&'static str),
}

/// The fields that the server says itself, in lower case, and how each is changed.
const OWNED: &[(&str, &str)] = &[
    ("accept-ranges", NOTHING_ELSE),
    ("access-control-allow-origin", "write it with the setting cors"),
    ("allow", NOTHING_ELSE),
    ("connection", NOTHING_ELSE),
    ("content-encoding", NOTHING_ELSE),
    ("content-length", NOTHING_ELSE),
    ("content-range", NOTHING_ELSE),
    ("content-type", "write it with the setting mime"),
    ("date", NOTHING_ELSE),
    ("etag", NOTHING_ELSE),
    ("keep-alive", NOTHING_ELSE),
    ("last-modified", NOTHING_ELSE),
    ("location", "write it with the setting redirect"),
    ("proxy-connection", NOTHING_ELSE),
    ("server", NOTHING_ELSE),
    ("te", NOTHING_ELSE),
    ("trailer", NOTHING_ELSE),
    ("transfer-encoding", NOTHING_ELSE),
    ("upgrade", NOTHING_ELSE),
    ("vary", NOTHING_ELSE),
];

const NOTHING_ELSE: &str = "leave it out";

impl ExtraField {
    /// A field of this name and value, without the white space around the value.
    pub fn new(name: &str, value: &str) -> Result<ExtraField, FieldFault> {
        let value = trim_optional_white_space(value.as_bytes());
        if !is_token(name.as_bytes()) {
            return Err(FieldFault::Name);
        }
        if !value.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\t')) {
            return Err(FieldFault::Value);
        }
        if let Some((_, cure)) = OWNED.iter().find(|(owned, _)| owned.eq_ignore_ascii_case(name)) {
            return Err(FieldFault::Owned(cure));
        }
        let value = std::str::from_utf8(value).map_err(|_| FieldFault::Value)?;
        Ok(ExtraField { name: name.into(), value: value.into() })
    }

    /// The name, as it was written; it compares without regard to case.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value.
    pub fn value(&self) -> &str {
        &self.value
    }
}

impl Display for FieldFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FieldFault::Name => formatter.write_str("has a field name that is not a token of HTTP"),
            FieldFault::Value => {
                formatter.write_str("has a field value with other characters than printable ASCII")
            }
            FieldFault::Owned(cure) => {
                write!(formatter, "names a field that the server itself is responsible for: {cure}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, value: &str, expect: Result<&str, FieldFault>) {
        let field = ExtraField::new(name, value);
        let shown = field.map(|field| format!("{}: {}", field.name(), field.value()));
        assert_eq!(shown, expect.map(str::to_owned), "{name:?} {value:?}");
    }

    #[test]
    fn names_rfc_9110_5_1() {
        check("X-Robots-Tag", "noindex", Ok("X-Robots-Tag: noindex"));
        check("x_1!", "a", Ok("x_1!: a"));
        for name in ["", " ", "a b", "a:", "é", "a\r\nb", "(a)"] {
            check(name, "a", Err(FieldFault::Name));
        }
    }

    #[test]
    fn values_rfc_9110_5_5() {
        check("A", "", Ok("A: "));
        check("A", " \t a \t b ", Ok("A: a \t b"));
        check("A", "\"quoted\"; q=1, b", Ok("A: \"quoted\"; q=1, b"));
        for value in ["a\r", "a\nb: c", "\0", "\x7f", "é", "\x1b[0m"] {
            check("A", value, Err(FieldFault::Value));
        }
    }

    #[test]
    fn what_the_server_is_responsible_for() {
        for (name, cure) in OWNED {
            assert_eq!(*name, name.to_ascii_lowercase());
            check(name, "1", Err(FieldFault::Owned(cure)));
            check(&name.to_ascii_uppercase(), "1", Err(FieldFault::Owned(cure)));
        }
        check("Cache-Control", "no-store", Ok("Cache-Control: no-store"));
        check("Content-Disposition", "attachment", Ok("Content-Disposition: attachment"));
    }
}
