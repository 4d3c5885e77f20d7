//! From a field section to a request (RFC 9113 §8.3.1), or to what is none (§8.1.1).

use super::field_section::FieldSection;
use crate::field_lines::is_token;
use crate::method::Method;
use crate::pseudo::{Read, Start, read};
use crate::refusal::Refusal;
use crate::request::Version;

/// What stands before the fields, each as it was sent.
#[derive(Default)]
struct Pseudo<'a> {
    method: Option<&'a [u8]>,
    scheme: Option<&'a [u8]>,
    authority: Option<&'a [u8]>,
    path: Option<&'a [u8]>,
}

/// Reads the request that a section makes.
pub fn read_section(section: &FieldSection) -> Read<'_> {
    if section.is_too_long() {
        // What is before the fields is kept for sure only if it is short.
        let method = section.lines().find(|(name, _)| *name == b":method");
        let method = method.map_or(Method::Unknown, |(_, method)| Method::parse(text(method)));
        return Read::Refused(Refusal::FieldsTooLarge, method);
    }
    let (Some(pseudo), Some(())) = (Pseudo::collect(section), check_lines(section)) else {
        return Read::Malformed;
    };
    let Some((method, target)) = pseudo.method_and_target() else { return Read::Malformed };
    let lines =
        || section.lines().skip_while(|(name, _)| is_pseudo(name)).map(|(name, value)| (text(name), value));
    read(Start { version: Version::Http2, method, target, authority: pseudo.authority }, lines)
}

/// How long a request says that its content is; nothing if it does not say, and no request comes of what says so in any other
/// way than by one number (RFC 9113 §8.1.1).
pub(super) fn content_length(section: &FieldSection) -> Result<Option<u64>, Malformed> {
    let mut said = section.lines().filter(|(name, _)| *name == b"content-length");
    match (said.next(), said.next()) {
        (None, _) => Ok(None),
        (Some((_, value)), None) if value.iter().all(u8::is_ascii_digit) => {
            text(value).parse().map(Some).map_err(|_| Malformed)
        }
        (Some(_), _) => Err(Malformed),
    }
}

/// Whether a section may stand behind content (RFC 9113 §8.1).
pub(super) fn are_trailers(section: &FieldSection) -> bool {
    section.lines().all(|(name, _)| !is_pseudo(name))
}

/// What is no request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

impl<'a> Pseudo<'a> {
    /// Those of a section; nothing if one is unknown, repeated or behind a field (RFC 9113 §8.3).
    fn collect(section: &'a FieldSection) -> Option<Pseudo<'a>> {
        let mut pseudo = Pseudo::default();
        let mut lines = section.lines();
        for (name, value) in lines.by_ref().take_while(|(name, _)| is_pseudo(name)) {
            let place = match name {
                b":method" => &mut pseudo.method,
                b":scheme" => &mut pseudo.scheme,
                b":authority" => &mut pseudo.authority,
                b":path" => &mut pseudo.path,
                _ => return None,
            };
            if place.replace(value).is_some() {
                return None;
            }
        }
        lines.all(|(name, _)| !is_pseudo(name)).then_some(pseudo)
    }

    /// CONNECT names an authority alone (RFC 9113 §8.5); every other request has a scheme and a path.
    fn method_and_target(&self) -> Option<(&'a str, &'a [u8])> {
        let method = text(self.method.filter(|method| is_token(method))?);
        match (method, self.scheme, self.path) {
            ("CONNECT", None, None) => self.authority.map(|_| (method, b"*".as_slice())),
            ("CONNECT", _, _) => None,
            (_, Some(_), Some(path)) => Some((method, path)),
            (_, _, _) => None,
        }
    }
}

fn is_pseudo(name: &[u8]) -> bool {
    name.first() == Some(&b':')
}

/// Checks the characters of names and values (RFC 9113 §8.2.1), and those of RFC 9110 §5.5 where they say more.
fn check_lines(section: &FieldSection) -> Option<()> {
    let is_valid = |(name, value): (&[u8], &[u8])| {
        let name = if is_pseudo(name) { &name[1..] } else { name };
        let is_in_value = |byte: &u8| (*byte >= b' ' && *byte != 0x7f) || *byte == b'\t';
        let is_padded = matches!(value, [b' ' | b'\t', ..] | [.., b' ' | b'\t']);
        is_token(name)
            && !name.iter().any(u8::is_ascii_uppercase)
            && value.iter().all(is_in_value)
            && !is_padded
    };
    section.lines().all(is_valid).then_some(())
}

/// What was checked to be ASCII.
fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(lines: &[(&str, &str)]) -> FieldSection {
        let mut section = FieldSection::default();
        for (name, value) in lines {
            section.push(name.as_bytes(), value.as_bytes());
        }
        section
    }

    const USUAL: [(&str, &str); 4] =
        [(":method", "GET"), (":scheme", "https"), (":path", "/b?c"), (":authority", "a")];

    /// `expect` is the method, the target and the values of `Host`.
    #[track_caller]
    fn check(lines: &[(&str, &str)], expect: &str) {
        let section = section(lines);
        let told = match read_section(&section) {
            Read::Request(request) => {
                let hosts = request.fields.host.lines().iter().map(|line| line.escape_ascii().to_string());
                let hosts: Vec<_> = hosts.collect();
                format!("{} {} {}", request.method_token, request.target.escape_ascii(), hosts.join(","))
            }
            Read::Refused(refusal, method) => format!("{refusal:?} {method:?}"),
            Read::Malformed => "malformed".to_owned(),
        };
        assert_eq!(told, expect, "{lines:?}");
    }

    #[test]
    fn the_authority_is_the_host_rfc_9113_8_3_1() {
        let behind = |more: &[(&'static str, &'static str)]| [&USUAL[..], more].concat();
        check(&USUAL, "GET /b?c a");
        check(&behind(&[("host", "a")]), "GET /b?c a");
        // Two hosts: whoever checks them refuses.
        check(&behind(&[("host", "b")]), "GET /b?c a,b");
        check(&behind(&[("host", "a"), ("host", "a")]), "GET /b?c a,a");
        check(&[&USUAL[..3], &[("host", "b:81")]].concat(), "GET /b?c b:81");
        check(&[&USUAL[..3], &[("host", "b"), ("host", "b")]].concat(), "GET /b?c b,b");
        check(&USUAL[..3], "GET /b?c ");
    }

    #[test]
    fn pseudo_fields_rfc_9113_8_3() {
        let [method, scheme, path, authority] = USUAL;
        check(&[authority, path, scheme, method], "GET /b?c a");
        check(&[(":method", "CONNECT"), authority], "CONNECT * a");
        check(&[(":method", "OPTIONS"), scheme, (":path", "*"), authority], "OPTIONS * a");
        for malformed in [
            vec![],
            vec![scheme, path, authority],
            vec![method, path, authority],
            vec![method, scheme, authority],
            vec![method, scheme, (":path", ""), authority],
            vec![method, scheme, (":path", "http://a/b"), authority],
            vec![(":method", ""), scheme, path, authority],
            vec![(":method", "G T"), scheme, path, authority],
            vec![method, scheme, path, path, authority],
            vec![method, scheme, path, authority, (":status", "200")],
            vec![method, scheme, path, ("x", "y"), authority],
            vec![(":method", "CONNECT"), scheme, path, authority],
            vec![(":method", "CONNECT")],
        ] {
            check(&malformed, "malformed");
        }
    }

    #[test]
    fn characters_rfc_9113_8_2_1() {
        for (name, value) in [("x", "a b\tc"), ("x-y_z", ""), ("x", "\u{fc}")] {
            check(&[&USUAL[..], &[(name, value)]].concat(), "GET /b?c a");
        }
        let malformed = [
            ("X", ""),
            ("", ""),
            ("a b", ""),
            ("a:", ""),
            ("\u{fc}", ""),
            ("x", " a"),
            ("x", "a\t"),
            ("x", "a\r\nb"),
            ("x", "a\0b"),
            ("x", "\x7f"),
            ("connection", "close"),
            ("te", "gzip"),
        ];
        for (name, value) in malformed {
            check(&[&USUAL[..], &[(name, value)]].concat(), "malformed");
        }
    }

    #[test]
    fn sections_are_bounded() {
        let long = "v".repeat(super::super::field_section::MAX_SECTION_BYTES);
        check(&[&USUAL[..], &[("x", &long)]].concat(), "FieldsTooLarge Get");
        let target = format!("/{}", "t".repeat(8_000));
        check(&[USUAL[0], USUAL[1], (":path", &target), USUAL[3]], "TargetTooLong Get");
    }

    #[test]
    fn lengths_of_contents_rfc_9113_8_1_1() {
        #[track_caller]
        fn check(values: &[&str], expect: Result<Option<u64>, Malformed>) {
            let lines: Vec<_> = values.iter().map(|value| ("content-length", *value)).collect();
            assert_eq!(content_length(&section(&lines)), expect, "{values:?}");
        }
        check(&[], Ok(None));
        check(&["0"], Ok(Some(0)));
        check(&["18446744073709551615"], Ok(Some(u64::MAX)));
        for malformed in [&["18446744073709551616"][..], &[""], &["+1"], &["1, 1"], &["1", "1"], &["x"]] {
            check(malformed, Err(Malformed));
        }
    }
}
