//! Where an authority's directory is (RFC 8555 §7.1.1): the address from which all others are learnt.

use std::fmt;

use hyper::Uri;

/// An address by HTTPS. Without TLS, whoever is on the way could order certificates in our name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Directory(Box<str>);

impl Directory {
    /// An address from its text, or why it is none, as the end of a sentence.
    pub(crate) fn parse(text: &str) -> Result<Directory, &'static str> {
        let uri: Uri = text.parse().map_err(|_| "is not an address that begins with https://")?;
        let is_secure = uri.scheme_str() == Some("https");
        let authority = uri.authority().map(http::uri::Authority::as_str).unwrap_or_default();
        if !is_secure || authority.is_empty() || authority.contains('@') {
            return Err("is not an address that begins with https://");
        }
        Ok(Directory(text.into()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let check = |text: &str, is_one: bool| assert_eq!(Directory::parse(text).is_ok(), is_one, "{text:?}");
        check("https://acme-v02.api.letsencrypt.org/directory", true);
        check("https://127.0.0.1:14000/dir", true);
        check("https://[::1]/dir", true);
        check("https://ca.example", true);
        for text in [
            "",
            "acme-v02.api.letsencrypt.org",
            "/directory",
            "http://ca.example/dir",
            "ftp://ca.example",
            "https://",
            "https:///dir",
            "https://user@ca.example/dir",
            "https://ca.example/a b",
        ] {
            check(text, false);
        }
    }
}
