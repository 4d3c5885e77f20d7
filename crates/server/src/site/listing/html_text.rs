//! Text in HTML: nothing in a name can become markup, hide, or turn the text around it.

/// Appends text for an element or a quoted attribute.
///
/// Controls are shown by their pictures or U+FFFD: most are not allowed in HTML at all. So are the characters that
/// reorder text, with which `exe.gpj` can be made to look like `jpg.exe`.
pub(super) fn write_text(out: &mut Vec<u8>, text: &str) {
    for character in text.chars() {
        match character {
            '&' => out.extend_from_slice(b"&amp;"),
            '<' => out.extend_from_slice(b"&lt;"),
            '>' => out.extend_from_slice(b"&gt;"),
            '"' => out.extend_from_slice(b"&quot;"),
            '\'' => out.extend_from_slice(b"&#39;"),
            plain => {
                out.extend_from_slice(visible(plain).encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
    }
}

fn visible(character: char) -> char {
    match character {
        // U+2400 and on are the pictures of the controls from U+0000 on.
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(character)).unwrap_or(char::REPLACEMENT_CHARACTER),
        '\u{7f}' => '\u{2421}',
        '\u{80}'..='\u{9f}'
        // Marks, embeddings, overrides and isolates (UAX #9, §2), and the ends of lines and paragraphs.
        | '\u{61c}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}' => char::REPLACEMENT_CHARACTER,
        plain => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_markup_hidden_or_reordered() {
        #[track_caller]
        fn check(text: &str, expect: &str) {
            let mut out = Vec::new();
            write_text(&mut out, text);
            assert_eq!(String::from_utf8_lossy(&out), expect);
        }
        check("größe 日本 a.b", "größe 日本 a.b");
        check("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;");
        check("\" onclick='x", "&quot; onclick=&#39;x");
        check("&amp;", "&amp;amp;");
        check("a\tb\nc\r\u{1b}\u{7f}\0", "a␉b␊c␍␛␡␀");
        check("a\u{85}b", "a\u{fffd}b");
        check("a\u{202e}gpj.exe\u{2066}", "a\u{fffd}gpj.exe\u{fffd}");
        check("👩\u{200d}💻", "👩\u{200d}💻");
    }
}
