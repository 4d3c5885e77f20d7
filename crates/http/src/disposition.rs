//! `Content-Disposition` for a file that is to be saved under its name (RFC 6266, RFC 8187).

use std::fmt::Write;

/// Whether a query asks that what it leads to be saved: by a parameter `download`, whatever its value. The value is
/// not taken for a name: whoever makes a link must not be able to name somebody else's file.
pub fn is_asked_for(query: &[u8]) -> bool {
    query.split(|&byte| byte == b'&').any(|parameter| {
        parameter.strip_prefix(b"download").is_some_and(|rest| matches!(rest, [] | [b'=', ..]))
    })
}

/// The field's value for a file of this name, which may have any bytes; in printable ASCII.
///
/// A name that plain ASCII can carry goes into `filename` alone. Any other goes into `filename*` as
/// UTF-8, after a `filename` for old clients in which `_` stands for what they could misread. Control
/// characters and path separators are `_` in both, bytes that are not UTF-8 become U+FFFD.
pub fn attachment(name: &[u8]) -> String {
    let name: String = String::from_utf8_lossy(name)
        .chars()
        .map(
            |character| {
                if character.is_control() || matches!(character, '/' | '\\') { '_' } else { character }
            },
        )
        .collect();
    let plain: String =
        name.chars().map(|character| if is_plain(character) { character } else { '_' }).collect();

    let mut value = format!("attachment; filename=\"{plain}\"");
    if plain != name {
        value.push_str("; filename*=UTF-8''");
        for byte in name.bytes() {
            if is_attribute_character(byte) {
                value.push(char::from(byte));
            } else {
                write!(value, "%{byte:02X}").expect("writing to a string does not fail");
            }
        }
    }
    value
}

/// Stands for itself in a quoted string in every client. `%` does not: some decode it (RFC 6266,
/// appendix D).
fn is_plain(character: char) -> bool {
    matches!(character, ' '..='~') && !matches!(character, '"' | '\\' | '%')
}

/// `attr-char` of RFC 8187 §3.2.1.
fn is_attribute_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#' | b'$' | b'&' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(name: &[u8], expect: &str) {
        assert_eq!(attachment(name), format!("attachment; {expect}"), "{}", name.escape_ascii());
    }

    #[test]
    fn what_asks_for_a_download() {
        let check = |query: &str, expect: bool| assert_eq!(is_asked_for(query.as_bytes()), expect, "{query}");
        check("download", true);
        check("download=", true);
        check("download=x", true);
        check("a=b&download", true);
        check("download&a", true);
        check("", false);
        check("downloads", false);
        check("a=download", false);
        check("Download", false);
        check("xdownload", false);
    }

    #[test]
    fn rfc6266_section_4_3_plain_names() {
        check(b"a.txt", "filename=\"a.txt\"");
        check(b"two words.txt", "filename=\"two words.txt\"");
        check(b"a;b=c'd.txt", "filename=\"a;b=c'd.txt\"");
        check(b"", "filename=\"\"");
    }

    #[test]
    fn rfc8187_section_3_2_other_names() {
        check("naïve.txt".as_bytes(), "filename=\"na_ve.txt\"; filename*=UTF-8''na%C3%AFve.txt");
        check("€ rates".as_bytes(), "filename=\"_ rates\"; filename*=UTF-8''%E2%82%AC%20rates");
        check(b"50% off", "filename=\"50_ off\"; filename*=UTF-8''50%25%20off");
        check(b"say \"hi\"", "filename=\"say _hi_\"; filename*=UTF-8''say%20%22hi%22");
        check(b"\xff.bin", "filename=\"_.bin\"; filename*=UTF-8''%EF%BF%BD.bin");
    }

    #[test]
    fn nothing_that_ends_the_line_or_names_a_path() {
        check(b"a\r\nSet-Cookie: x", "filename=\"a__Set-Cookie: x\"");
        check(b"..\\..\\a", "filename=\".._.._a\"");
        check(b"../a", "filename=\".._a\"");
        check(b"a\0\x7f", "filename=\"a__\"");
        check("\u{85}é".as_bytes(), "filename=\"__\"; filename*=UTF-8''_%C3%A9");
    }

    proptest! {
        #[test]
        fn any_name_gives_one_line_of_printable_ascii(name: Vec<u8>) {
            let value = attachment(&name);
            prop_assert!(value.bytes().all(|byte| matches!(byte, b' '..=b'~')));
            prop_assert_eq!(value.matches('"').count(), 2);
        }
    }
}
