//! Writing bytes into a URI (RFC 3986 §2.1). How a target is read as a whole is [`crate::target`]'s, which
//! refuses what a lenient reader would pass over.

/// Appends `bytes`, with each that is not plain as `%` and two upper-case hexadecimal digits.
pub fn encode(text: &mut String, bytes: &[u8], is_plain: impl Fn(u8) -> bool) {
    for &byte in bytes {
        if is_plain(byte) {
            text.push(char::from(byte));
        } else {
            text.push('%');
            text.extend(
                [byte >> 4, byte & 0xf].map(|digit| char::from(b"0123456789ABCDEF"[usize::from(digit)])),
            );
        }
    }
}

/// The byte that an escape of three characters at the start of `bytes` stands for, if there is one.
pub fn first_escape(bytes: &[u8]) -> Option<u8> {
    let [b'%', high, low, ..] = *bytes else { return None };
    let hex = |digit: u8| char::from(digit).to_digit(16).map(|value| value as u8);
    Some(hex(high)? << 4 | hex(low)?)
}

/// Whether a byte stands for itself in a segment of a path: RFC 3986 §2.3, and of the sub-delims those that mean
/// nothing anywhere.
pub fn is_plain_in_segment(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'@' | b'+' | b',' | b'=')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_rfc_3986_2_1() {
        let check = |bytes: &[u8], expect: Option<u8>| {
            assert_eq!(first_escape(bytes), expect, "{}", bytes.escape_ascii());
        };
        check(b"%20", Some(b' '));
        check(b"%aFx", Some(0xaf));
        for bytes in [b"".as_slice(), b"20", b"%", b"%2", b"%2g", b"%+1", b"a%20"] {
            check(bytes, None);
        }
    }

    #[test]
    fn what_has_a_meaning_in_a_uri_is_encoded_rfc_3986_2_1() {
        #[track_caller]
        fn check(bytes: &[u8], expect: &str) {
            let mut text = String::new();
            encode(&mut text, bytes, is_plain_in_segment);
            assert_eq!(text, expect, "{}", bytes.escape_ascii());
        }
        check(b"a-b.c_d~e@f+g,h=i", "a-b.c_d~e@f+g,h=i");
        check(b" \"#%&'/:;<>?[\\]^`{|}", "%20%22%23%25%26%27%2F%3A%3B%3C%3E%3F%5B%5C%5D%5E%60%7B%7C%7D");
        check(b"\x00\x1f\x7f\xff", "%00%1F%7F%FF");
        check("é".as_bytes(), "%C3%A9");
    }
}
