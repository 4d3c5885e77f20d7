//! One entry of a listing, and the reference that leads to it.

use std::borrow::Cow;
use std::ffi::CString;

use tallyd_http::percent_encoding::{self, is_plain_in_segment};
use tallyd_http::validator::Timestamp;

use crate::backend::directory::{EntryKind, Facts};

/// One entry. What could not be learned of it, because it vanished or may not be looked at, is absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: CString,
    pub(crate) kind: EntryKind,
    /// Of a file, in bytes.
    pub(crate) length: Option<u64>,
    /// Last modification.
    pub(crate) modified: Option<Timestamp>,
    /// Of a file, if it was asked for.
    pub(crate) downloads: Option<u64>,
}

impl Entry {
    /// An entry of this name and kind with what a look at it told.
    pub(crate) fn new(name: CString, kind: EntryKind, facts: Option<Facts>) -> Entry {
        let length = match kind {
            EntryKind::File => facts.map(|facts| facts.length),
            EntryKind::Directory => None,
        };
        Entry { name, kind, length, modified: facts.map(|facts| facts.modified), downloads: None }
    }

    /// The name as text, with U+FFFD for what is not UTF-8.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        self.name.to_string_lossy()
    }

    /// Appends the reference that leads from the directory to this entry, exact for any name. It holds no character that
    /// has a meaning in HTML, JSON or a path.
    pub(crate) fn write_reference(&self, text: &mut String) {
        let name = self.name.to_bytes();
        // What stands before a colon could be taken for a scheme, by those who decode first (RFC 3986 §4.2).
        if name.contains(&b':') {
            text.push_str("./");
        }
        percent_encoding::encode(text, name, is_plain_in_segment);
        match self.kind {
            EntryKind::File => {}
            EntryKind::Directory => text.push('/'),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tallyd_http::target::Target;

    use super::*;

    fn reference(name: &[u8], kind: EntryKind) -> String {
        let mut text = String::new();
        let name = CString::new(name).expect("no name holds a NUL");
        Entry::new(name, kind, None).write_reference(&mut text);
        text
    }

    #[test]
    fn references() {
        #[track_caller]
        fn check(name: &[u8], expect: &str) {
            assert_eq!(reference(name, EntryKind::File), expect, "{}", name.escape_ascii());
            assert_eq!(reference(name, EntryKind::Directory), format!("{expect}/"));
        }
        check(b"a.tar.gz", "a.tar.gz");
        check(b"a b", "a%20b");
        check(b"a+b", "a+b");
        check(b"100%", "100%25");
        check(b"%41", "%2541");
        check(b"a?b#c;d", "a%3Fb%23c%3Bd");
        check(b"\"'<&>", "%22%27%3C%26%3E");
        check(b"javascript:x", "./javascript%3Ax");
        check(b"a:b", "./a%3Ab");
        check(b"\\\\evil", "%5C%5Cevil");
        check(b"\n\t\x7f", "%0A%09%7F");
        check("größe".as_bytes(), "gr%C3%B6%C3%9Fe");
        check(b"\xff\xfe", "%FF%FE");
        check(b"...", "...");
        check(b"~a", "~a");
    }

    proptest! {
        /// A browser resolves a reference with no `//`, `?` or `#` and no scheme by appending it to the base, and takes a
        /// leading `./` off (RFC 3986 §5.3); what arrives is the name again.
        #[test]
        fn a_reference_leads_back_to_its_name(
            name in prop::collection::vec(1_u8.., 1..40),
            kind in prop::sample::select(vec![EntryKind::File, EntryKind::Directory]),
        ) {
            prop_assume!(!name.contains(&b'/') && name != b"." && name != b"..");
            let reference = reference(&name, kind);
            prop_assert!(reference.bytes().all(|byte| byte.is_ascii_graphic()));
            prop_assert!(!reference.contains([':', '?', '#', '"', '\'', '<', '>', '&', '\\', ';']));
            let resolved = format!("/base/{}", reference.strip_prefix("./").unwrap_or(&reference));
            let Ok(Target::Path { path, query: None }) = Target::parse(resolved.as_bytes()) else {
                return Err(TestCaseError::fail(resolved));
            };
            let slash: &[u8] = if kind == EntryKind::Directory { b"/" } else { b"" };
            prop_assert_eq!(path.as_bytes(), [b"/base/", name.as_slice(), slash].concat());
        }
    }
}
