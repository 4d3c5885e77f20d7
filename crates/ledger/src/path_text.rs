//! How a path is printed: the one text that access lines, the store and `tallyd counts` share.
//!
//! Control characters, `|`, `%` and bytes that are not UTF-8 are percent-encoded, so that one line is always
//! one record and the text can be turned back into the bytes; so are the separators that some programs take for the
//! end of a line, and the marks that change the direction of writing, with which a name could show a record that
//! it is not. Nothing else is encoded: a name in any script stays readable. This is not a URL; the server decodes
//! those.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The printed text of a path given as bytes. Borrows when nothing needs encoding.
pub fn print(path: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(path) {
        Ok(text) if !text.contains(is_encoded) => Cow::Borrowed(text),
        Ok(_) | Err(_) => Cow::Owned(encode(path)),
    }
}

/// The bytes that a printed text stands for; `None` if a `%` is not followed by two hexadecimal digits.
pub fn parse(text: &str) -> Option<Vec<u8>> {
    let mut path = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        path.push(if byte == b'%' { hex_digit(rest.next()?)? << 4 | hex_digit(rest.next()?)? } else { byte });
    }
    Some(path)
}

fn is_encoded(character: char) -> bool {
    character == '|' || character == '%' || character.is_control() || MISLEADING.contains(&character)
}

/// LINE SEPARATOR and PARAGRAPH SEPARATOR (Unicode Standard Annex #14, class BK), and all that has the property
/// `Bidi_Control` (Unicode Standard Annex #9, section 2).
const MISLEADING: [char; 14] = [
    '\u{2028}', '\u{2029}', '\u{61C}', '\u{200E}', '\u{200F}', '\u{202A}', '\u{202B}', '\u{202C}',
    '\u{202D}', '\u{202E}', '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}',
];

fn encode(path: &[u8]) -> String {
    let mut text = String::with_capacity(path.len() + 8);
    for chunk in path.utf8_chunks() {
        for character in chunk.valid().chars() {
            if is_encoded(character) {
                encode_bytes(&mut text, character.encode_utf8(&mut [0; 4]).as_bytes());
            } else {
                text.push(character);
            }
        }
        encode_bytes(&mut text, chunk.invalid());
    }
    text
}

fn encode_bytes(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        write!(text, "%{byte:02X}").expect("writing to a String does not fail");
    }
}

fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(path: &[u8], expect: &str) {
        assert_eq!(print(path), expect);
        assert_eq!(parse(expect).as_deref(), Some(path));
    }

    #[test]
    fn printed_text() {
        check(b"/index.html", "/index.html");
        check("/Größe 日本.txt".as_bytes(), "/Größe 日本.txt");
        check(b"/a|b", "/a%7Cb");
        check(b"/100%", "/100%25");
        check(b"/two\nlines\r\t\x7f\0", "/two%0Alines%0D%09%7F%00");
        check("/next\u{85}line".as_bytes(), "/next%C2%85line");
        check("/next\u{2028}line\u{2029}".as_bytes(), "/next%E2%80%A8line%E2%80%A9");
        check("/txt.\u{202e}exe\u{2066}".as_bytes(), "/txt.%E2%80%AEexe%E2%81%A6");
        check("/\u{200e}\u{200f}\u{61c}\u{202a}".as_bytes(), "/%E2%80%8E%E2%80%8F%D8%9C%E2%80%AA");
        // Neighbours of these, which join emoji and letters.
        check(
            "/\u{200d}\u{200c}\u{2027}\u{2065}\u{206a}".as_bytes(),
            "/\u{200d}\u{200c}\u{2027}\u{2065}\u{206a}",
        );
        check(b"/latin-\xe9.txt", "/latin-%E9.txt");
        check(b"/cut \xe6\x97", "/cut %E6%97");
        check(b"", "");
    }

    #[test]
    fn a_percent_sign_without_two_digits_is_no_text() {
        for text in ["%", "/%4", "/%zz", "/%+1"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_path_comes_back_and_is_one_field_of_one_line(path in proptest::collection::vec(any::<u8>(), 0..40)) {
            let text = print(&path);
            prop_assert!(!text.contains(|c: char| c == '|' || c.is_control()));
            prop_assert!(!text.contains(MISLEADING));
            prop_assert_eq!(parse(&text), Some(path.clone()));
        }
    }
}
