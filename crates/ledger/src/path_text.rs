//! The printed form of a path: one line is always one record, whatever bytes a file name holds.

/// Percent-encodes control characters, `|`, `%` and bytes that are not UTF-8; everything else stays readable.
pub fn encode(path: &[u8]) -> String {
    let mut text = String::with_capacity(path.len());
    for chunk in path.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character.is_control() || matches!(character, '|' | '%') {
                let mut buffer = [0; 4];
                encode_bytes(&mut text, character.encode_utf8(&mut buffer).as_bytes());
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
        text.push('%');
        for digit in [byte >> 4, byte & 0xf] {
            text.push(char::from(b"0123456789ABCDEF"[usize::from(digit)]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &[u8], expect: &str) {
        assert_eq!(encode(path), expect, "{}", path.escape_ascii());
    }

    #[test]
    fn what_could_break_a_record_is_encoded() {
        check(b"/a b.html", "/a b.html");
        check("/größe/日本".as_bytes(), "/größe/日本");
        check(b"/a|b", "/a%7Cb");
        check(b"/100%", "/100%25");
        check(b"/a\nb\r\t\x7f", "/a%0Ab%0D%09%7F");
        check("/\u{85}".as_bytes(), "/%C2%85");
        check(b"/\xff\xc3", "/%FF%C3");
    }
}
