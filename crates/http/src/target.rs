//! The request target (RFC 9112 §3.2) and the clean path that comes out of it.
//!
//! A `SitePath` is made here alone, so that nothing can be looked up on a site without having passed
//! every check here. What a path means on a site (index files, hidden names) is decided elsewhere.

use std::borrow::Cow;

use memchr::{memchr, memchr2, memmem};

use crate::percent_encoding::first_escape;
use crate::refusal::Refusal;

/// What a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// A path on the site, with the query as it was sent, without its `?`.
    Path {
        /// Where to look.
        path: SitePath<'a>,
        /// The raw query, if there was a `?`.
        query: Option<&'a [u8]>,
    },
    /// `*`: the server as a whole (RFC 9112 §3.2.4), which only `OPTIONS` can be about.
    Server,
}

/// A path below the root of a site: percent-decoded and clean.
///
/// It begins with `/`; no segment is empty, `.` or `..`; it holds no NUL. A trailing `/` is kept, because it
/// asks for a directory. The bytes need not be UTF-8.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SitePath<'a>(Cow<'a, [u8]>);

impl<'a> Target<'a> {
    /// Reads a target in origin-form, absolute-form or asterisk-form.
    ///
    /// Refuses anything else, a fragment, an incomplete or non-hexadecimal escape, NUL, an encoded slash
    /// (it would make two resources look like one), and `..` that would leave the root.
    pub fn parse(raw: &'a [u8]) -> Result<Target<'a>, Refusal> {
        if raw == b"*" {
            return Ok(Target::Server);
        }
        let origin_form = if raw.first() == Some(&b'/') { raw } else { without_authority(raw)? };
        let (path, query) = match memchr2(b'?', b'#', origin_form) {
            None => (origin_form, None),
            Some(mark) => {
                let query = &origin_form[mark + 1..];
                if origin_form[mark] == b'#' || memchr(b'#', query).is_some() {
                    return Err(Refusal::BadTarget);
                }
                (&origin_form[..mark], Some(query))
            }
        };
        Ok(Target::Path { path: SitePath::decode(path)?, query })
    }
}

/// Takes scheme and authority off an absolute-form target (RFC 9112 §3.2.2).
fn without_authority(raw: &[u8]) -> Result<&[u8], Refusal> {
    let scheme_length = ["http://", "https://"]
        .iter()
        .find(|scheme| {
            raw.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme.as_bytes()))
        })
        .map(|scheme| scheme.len())
        .ok_or(Refusal::BadTarget)?;
    let rest = &raw[scheme_length..];
    match memchr2(b'/', b'?', rest) {
        Some(0) => Err(Refusal::BadTarget),
        Some(end) if rest[end] == b'/' => Ok(&rest[end..]),
        // "http://host?query" has no path to point into; no client sends it.
        Some(_) => Err(Refusal::BadTarget),
        None if rest.is_empty() => Err(Refusal::BadTarget),
        // An empty path means "/" (RFC 9110 §4.2.3).
        None => Ok(b"/"),
    }
}

impl<'a> SitePath<'a> {
    /// Decodes and cleans the path part of a target that begins with `/`. Here and in `from_decoded` alone, a path
    /// comes into being.
    fn decode(path: &'a [u8]) -> Result<SitePath<'a>, Refusal> {
        debug_assert_eq!(path.first(), Some(&b'/'));
        if is_plain(path) {
            return Ok(SitePath(Cow::Borrowed(path)));
        }
        clean(&percent_decode(path)?).map(|path| SitePath(Cow::Owned(path)))
    }

    /// The bytes of the path, beginning with `/`.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The path relative to the root: without the leading `/`, so empty for the root itself.
    pub fn relative(&self) -> &[u8] {
        &self.0[1..]
    }

    /// The last segment; empty for a directory.
    pub fn file_name(&self) -> &[u8] {
        &self.0[memchr::memrchr(b'/', &self.0).map_or(0, |slash| slash + 1)..]
    }

    /// Whether the path asks for a directory, by ending in `/`.
    pub fn is_directory_form(&self) -> bool {
        self.0.ends_with(b"/")
    }

    /// Whether any segment's name begins with a dot, other than a leading `.well-known` (RFC 8615), whose
    /// purpose is to be public.
    pub fn is_hidden(&self) -> bool {
        let after_well_known =
            self.0.strip_prefix(b"/.well-known".as_slice()).filter(|rest| rest.starts_with(b"/"));
        memmem::find(after_well_known.unwrap_or(&self.0), b"/.").is_some()
    }

    /// The same path as that of a directory: with a final slash.
    #[must_use]
    pub fn to_directory(&self) -> SitePath<'static> {
        let slash: &[u8] = if self.is_directory_form() { b"" } else { b"/" };
        SitePath(Cow::Owned([&self.0, slash].concat()))
    }

    /// The same path as that of a file: without the final slash. Nothing for the root.
    pub fn to_file(&self) -> Option<SitePath<'static>> {
        let path = self.0.strip_suffix(b"/").unwrap_or(&self.0);
        (!path.is_empty()).then(|| SitePath(Cow::Owned(path.to_vec())))
    }

    /// The path that this is below `prefix`, which has no final slash. Nothing if it is not.
    pub fn without_prefix(&self, prefix: &SitePath<'_>) -> Option<SitePath<'a>> {
        let is_below = self.0.strip_prefix(&*prefix.0).is_some_and(|rest| rest.starts_with(b"/"));
        is_below.then(|| match &self.0 {
            Cow::Borrowed(path) => SitePath(Cow::Borrowed(&path[prefix.0.len()..])),
            Cow::Owned(path) => SitePath(Cow::Owned(path[prefix.0.len()..].to_vec())),
        })
    }

    /// A path from bytes that stand for themselves, cleaned like one from a target. Refuses what no target could mean: a
    /// path that does not begin with `/`, NUL, and `..` beyond the root.
    pub fn from_decoded(path: &[u8]) -> Result<SitePath<'static>, Refusal> {
        if path.first() != Some(&b'/') || memchr(0, path).is_some() {
            return Err(Refusal::BadTarget);
        }
        clean(path).map(|path| SitePath(Cow::Owned(path)))
    }

    /// The path of a file in this directory-form path, such as its index file.
    ///
    /// `name` is one clean segment; the caller's configuration guarantees that.
    #[must_use]
    pub fn join(&self, name: &str) -> SitePath<'static> {
        debug_assert!(self.is_directory_form() && !name.contains('/') && !name.is_empty());
        SitePath(Cow::Owned([&self.0, name.as_bytes()].concat()))
    }

    /// Detaches the path from the request that it came from.
    pub fn into_owned(self) -> SitePath<'static> {
        SitePath(Cow::Owned(self.0.into_owned()))
    }
}

/// Whether a path is already clean: nothing escaped, no empty segment, no segment that begins with a dot.
fn is_plain(path: &[u8]) -> bool {
    let mut after_slash = false;
    for &byte in path {
        match byte {
            b'%' | 0 => return false,
            b'/' | b'.' if after_slash => return false,
            _ => after_slash = byte == b'/',
        }
    }
    true
}

fn percent_decode(path: &[u8]) -> Result<Vec<u8>, Refusal> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((&byte, after)) = rest.split_first() {
        let piece = rest;
        rest = after;
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        match first_escape(piece) {
            None | Some(b'/') => return Err(Refusal::BadTarget),
            Some(escaped) => decoded.push(escaped),
        }
        rest = &piece[3..];
    }
    if memchr(0, &decoded).is_some() { Err(Refusal::BadTarget) } else { Ok(decoded) }
}

/// Removes empty and dot segments (RFC 3986 §5.2.4), but refuses to climb out of the root.
fn clean(decoded: &[u8]) -> Result<Vec<u8>, Refusal> {
    let mut cleaned: Vec<u8> = Vec::with_capacity(decoded.len());
    let mut is_directory = false;
    for segment in decoded[1..].split(|&byte| byte == b'/') {
        is_directory = matches!(segment, b"" | b"." | b"..");
        match segment {
            b"" | b"." => {}
            b".." => {
                let parent = memchr::memrchr(b'/', &cleaned).ok_or(Refusal::BadTarget)?;
                cleaned.truncate(parent);
            }
            name => {
                cleaned.push(b'/');
                cleaned.extend_from_slice(name);
            }
        }
    }
    if is_directory {
        cleaned.push(b'/');
    }
    Ok(cleaned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(raw: &str, expect: &str) {
        check_bytes(raw.as_bytes(), expect.as_bytes());
    }

    /// `expect` is the path, with its query behind a `?`; or `refused`; or `server`.
    #[track_caller]
    fn check_bytes(raw: &[u8], expect: &[u8]) {
        let seen = match Target::parse(raw) {
            Ok(Target::Path { path, query: None }) => path.as_bytes().to_vec(),
            Ok(Target::Path { path, query: Some(query) }) => [path.as_bytes(), b"?", query].concat(),
            Ok(Target::Server) => b"server".to_vec(),
            Err(Refusal::BadTarget) => b"refused".to_vec(),
            Err(other) => panic!("{other:?}"),
        };
        assert_eq!(
            seen.escape_ascii().to_string(),
            expect.escape_ascii().to_string(),
            "{}",
            raw.escape_ascii()
        );
    }

    #[test]
    fn origin_form_rfc_9112_3_2_1() {
        check("/", "/");
        check("/a", "/a");
        check("/a/", "/a/");
        check("/a/b.html", "/a/b.html");
        check("/a?b=c", "/a?b=c");
        check("/a?", "/a?");
        check("/?../..", "/?../..");
        check("/a#b", "refused");
        check("", "refused");
        check("a", "refused");
        check("../a", "refused");
        check("?a", "refused");
    }

    #[test]
    fn absolute_form_rfc_9112_3_2_2() {
        check("http://example.org/a", "/a");
        check("HTTPS://example.org:8080/a?b", "/a?b");
        check("http://example.org", "/");
        check("http://example.org//evil/../a", "/a");
        check("http:///a", "refused");
        check("http://", "refused");
        check("http://example.org?a", "refused");
        check("ftp://example.org/a", "refused");
        check("file:///etc/passwd", "refused");
    }

    #[test]
    fn authority_and_asterisk_form_rfc_9112_3_2_3_and_4() {
        check("*", "server");
        check("**", "refused");
        check("example.org:443", "refused");
    }

    #[test]
    fn escapes_rfc_3986_2_1() {
        check("/a%20b", "/a b");
        check("/%61", "/a");
        check("/100%25", "/100%");
        check("/%2541", "/%41");
        check("/a%3Fb", "/a?b");
        check("/a%23b", "/a#b");
        check("/a%5cb", "/a\\b");
        check("/%7C", "/|");
        check_bytes(b"/%ff", b"/\xff");
        check_bytes(b"/\xc3\xa9", b"/\xc3\xa9");
        // An overlong "." is two bytes like any others, never a dot.
        check_bytes(b"/%c0%ae%c0%ae/", b"/\xc0\xae\xc0\xae/");
        check("/%", "refused");
        check("/%4", "refused");
        check("/%zz", "refused");
        check("/%+1", "refused");
        check("/%00", "refused");
        check("/a%2fb", "refused");
        check("/a%2Fb", "refused");
        check("/..%2f", "refused");
    }

    #[test]
    fn dot_segments_rfc_3986_5_2_4() {
        check("/.", "/");
        check("/./a", "/a");
        check("/a/.", "/a/");
        check("/a/..", "/");
        check("/a/../b", "/b");
        check("/a/b/../../c", "/c");
        check("/a/%2e%2E/b", "/b");
        check("//a", "/a");
        check("/a//b", "/a/b");
        check("/a//", "/a/");
        check("/...", "/...");
        check("/..a", "/..a");
        check("/a..", "/a..");
        check("/.hidden", "/.hidden");
        check("/..", "refused");
        check("/../a", "refused");
        check("/a/../../b", "refused");
        check("/%2e%2e/a", "refused");
        check("/./../a", "refused");
    }

    #[test]
    fn hidden_names() {
        for (path, expect) in [
            ("/a", false),
            ("/.a", true),
            ("/a/.b/c", true),
            ("/a.b", false),
            ("/.well-known/security.txt", false),
            ("/.well-known/", false),
            ("/.well-known", true),
            ("/.well-known/.a", true),
            ("/.well-knownx/a", true),
            ("/a/.well-known/b", true),
        ] {
            let Ok(Target::Path { path: site_path, .. }) = Target::parse(path.as_bytes()) else {
                panic!("{path}")
            };
            assert_eq!(site_path.is_hidden(), expect, "{path}");
        }
    }

    #[test]
    fn paths_from_decoded_bytes() {
        #[track_caller]
        fn check(path: &[u8], expect: Option<&[u8]>) {
            let seen = SitePath::from_decoded(path).ok().map(|path| path.0.into_owned());
            assert_eq!(seen.as_deref(), expect, "{}", path.escape_ascii());
        }
        check(b"/a/b", Some(b"/a/b"));
        check(b"/%20", Some(b"/%20"));
        check(b"//a//b/", Some(b"/a/b/"));
        check(b"/a/../b/.", Some(b"/b/"));
        check(b"/..", None);
        check(b"/a\0", None);
        check(b"a", None);
        check(b"", None);
    }

    #[test]
    fn forms_of_files_and_directories() {
        for (path, directory, file) in
            [("/a", "/a/", Some("/a")), ("/a/b/", "/a/b/", Some("/a/b")), ("/", "/", None)]
        {
            let Ok(Target::Path { path: site_path, .. }) = Target::parse(path.as_bytes()) else {
                panic!("{path}")
            };
            assert_eq!(site_path.to_directory().as_bytes(), directory.as_bytes(), "{path}");
            assert_eq!(
                site_path.to_file().map(|file| file.0.into_owned()),
                file.map(|it| it.as_bytes().to_vec()),
                "{path}"
            );
        }
    }

    /// Every target over a small alphabet: what comes out is clean, and cleaning it again changes nothing.
    #[test]
    fn a_site_path_is_always_clean() {
        let alphabet = ["/", ".", "a", "%2e", "%2f", "%00", "?", "%25"];
        for code in 0..alphabet.len().pow(6) {
            let raw: String = std::iter::once("/")
                .chain((0..6).map(|digit| alphabet[code / alphabet.len().pow(digit) % alphabet.len()]))
                .collect();
            let Ok(Target::Path { path, .. }) = Target::parse(raw.as_bytes()) else { continue };
            let bytes = path.as_bytes();
            assert_eq!(bytes[0], b'/', "{raw}");
            let segments: Vec<_> = bytes[1..].split(|&byte| byte == b'/').collect();
            let (last, parents) = segments.split_last().expect("split yields at least one piece");
            assert!(parents.iter().all(|name| !matches!(*name, b"" | b"." | b"..")), "{raw}");
            assert!(!matches!(*last, b"." | b".."), "{raw}");
            assert!(!bytes.contains(&0), "{raw}");
            if !bytes.contains(&b'%') && !bytes.contains(&b'?') {
                assert_eq!(SitePath::decode(bytes).as_ref(), Ok(&path), "{raw}");
            }
        }
    }
}
