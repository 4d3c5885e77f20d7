//! The names that certificates are ordered for: host names as they stand in DNS (RFC 1035 §2.3.1, RFC 1123 §2.1).

use std::fmt;

/// A host name in lower case: labels of letters, digits and hyphens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Domain(Box<str>);

/// No name in DNS is longer in text (RFC 1035 §2.3.4: 255 octets with the lengths of labels and the root).
const LONGEST: usize = 253;

/// No label is longer (RFC 1035 §2.3.4).
const LONGEST_LABEL: usize = 63;

impl Domain {
    /// A name from its text, or why it is none that a certificate could be ordered for, as the end of a sentence.
    pub(crate) fn parse(text: &str) -> Result<Domain, &'static str> {
        if text.starts_with("*.") {
            return Err("is a wildcard, for which authorities want a proof in DNS that is not offered here");
        }
        if text.parse::<std::net::IpAddr>().is_ok() {
            return Err("is an address, not the name of a host");
        }
        if !text.is_ascii() {
            return Err("is not in the form that it has in DNS, where such a name begins with xn--");
        }
        let name = text.to_ascii_lowercase();
        let last = name.rsplit('.').next().unwrap_or_default();
        // A name that ends in a number would be read as an address (RFC 3696 §2).
        let ends_in_number = last.bytes().all(|byte| byte.is_ascii_digit());
        if name.len() > LONGEST || ends_in_number || !name.split('.').all(is_label) {
            return Err("is not the name of a host");
        }
        Ok(Domain(name.into()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_label(label: &str) -> bool {
    (1..=LONGEST_LABEL).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_hosts() {
        let check = |text: &str, expect: Result<&str, &str>| {
            assert_eq!(
                Domain::parse(text).as_ref().map(Domain::as_str),
                expect.as_ref().copied(),
                "{text:?}"
            );
        };
        let longest_label = "a".repeat(63);
        let longest = [&*longest_label, &longest_label, &longest_label, &"a".repeat(61)].join(".");
        for text in ["example.org", "a.b-c.d", "xn--bcher-kva.example", "3com.example", "server", &longest] {
            check(text, Ok(text));
        }
        check("WWW.Example.ORG", Ok("www.example.org"));
        let too_long = format!("a{longest}");
        let long_label = format!("a{longest_label}.example");
        for text in [
            "",
            ".",
            "example.org.",
            ".example.org",
            "a..b",
            "-a.example",
            "a-.example",
            "a_b.example",
            "a b",
            "a/b",
            "https://example.org",
            "example.org:443",
            "1.2.3",
            "a.*",
            &too_long,
            &long_label,
        ] {
            check(text, Err("is not the name of a host"));
        }
        check("192.0.2.1", Err("is an address, not the name of a host"));
        check("2001:db8::1", Err("is an address, not the name of a host"));
        check(
            "*.example.org",
            Err("is a wildcard, for which authorities want a proof in DNS that is not offered here"),
        );
        check(
            "bücher.example",
            Err("is not in the form that it has in DNS, where such a name begins with xn--"),
        );
    }
}
