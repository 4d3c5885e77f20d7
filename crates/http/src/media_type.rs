//! The media type of a file, from its name alone (RFC 9110 §8.3).
//!
//! Content is never sniffed: a file is what its publisher named it.

use std::borrow::Cow;
use std::fmt::{self, Display};

use crate::field_lines::is_token;

/// What is not known is a stream of bytes (RFC 2046 §4.5.1).
const UNKNOWN: &str = "application/octet-stream";

/// The media types of files: those that a publisher gives, before the table that everyone shares.
#[derive(Clone, Debug, Default)]
pub struct MediaTypes {
    own: Vec<OwnType>,
}

/// A media type for an extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnType {
    /// In lower case, without a dot.
    extension: Box<str>,
    /// The value of `Content-Type`.
    content_type: Box<str>,
}

/// Why an extension cannot have a type; [`Display`] is the end of a sentence about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypeFault {
    /// What is after the last dot of a name has no dot and no slash.
    Extension,
    /// Not `type/subtype`, with parameters in printable ASCII (RFC 9110 §8.3.1).
    Type,
}

impl OwnType {
    /// A type for names that end in a dot and this extension, which may be written with the dot. Text without a charset
    /// gets the one that it is in today.
    pub fn new(extension: &str, media_type: &str) -> Result<OwnType, TypeFault> {
        let extension = extension.strip_prefix('.').unwrap_or(extension);
        if extension.is_empty() || extension.contains(['.', '/', '\0']) {
            return Err(TypeFault::Extension);
        }
        let (essence, parameters) = media_type.split_once(';').unwrap_or((media_type, ""));
        let essence = essence.trim_end().to_ascii_lowercase();
        let (main, sub) = essence.split_once('/').ok_or(TypeFault::Type)?;
        let is_value = parameters.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        if !is_token(main.as_bytes()) || !is_token(sub.as_bytes()) || !is_value {
            return Err(TypeFault::Type);
        }
        let has_charset = parameters.to_ascii_lowercase().contains("charset=");
        let content_type = match parameters.trim() {
            "" => with_charset(&essence).into_owned(),
            _ if is_text(&essence) && !has_charset => format!("{}; charset=utf-8", media_type.trim()),
            _ => media_type.trim().to_owned(),
        };
        Ok(OwnType { extension: extension.to_ascii_lowercase().into(), content_type: content_type.into() })
    }
}

/// As a setting says it, with what was added.
impl Display for OwnType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}={}", self.extension, self.content_type)
    }
}

impl Display for TypeFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            TypeFault::Extension => "has an extension that no name can end in",
            TypeFault::Type => "has a type that is not of the form type/subtype",
        })
    }
}

impl MediaTypes {
    /// With these before the table that everyone shares; of two for one extension the later counts.
    pub fn new(own: Vec<OwnType>) -> MediaTypes {
        MediaTypes { own }
    }

    /// The value of `Content-Type` for a file of this name: by its extension, in any case; text with its charset.
    pub fn of_file_name(&self, name: &[u8]) -> Cow<'static, str> {
        let extension = extension(name);
        let is_meant = |own: &&OwnType| own.extension.as_bytes().eq_ignore_ascii_case(extension);
        match self.own.iter().rfind(is_meant) {
            Some(own) => own.content_type.to_string().into(),
            None => with_charset(std::str::from_utf8(extension).map_or(UNKNOWN, of_extension)),
        }
    }
}

/// A type without parameters as the value of `Content-Type`.
fn with_charset<'t>(essence: impl Into<Cow<'t, str>>) -> Cow<'t, str> {
    let essence = essence.into();
    if is_text(&essence) { format!("{essence}; charset=utf-8").into() } else { essence }
}

/// The part after the last dot; empty for a name without one, and for a dot file's whole name.
fn extension(name: &[u8]) -> &[u8] {
    match memchr::memrchr(b'.', name) {
        None | Some(0) => b"",
        Some(dot) => &name[dot + 1..],
    }
}

fn of_extension(extension: &str) -> &'static str {
    let lower = extension.to_ascii_lowercase();
    match lower.as_str() {
        // Registered after the table of `mime_guess` was made, or named differently by IANA.
        "deb" | "udeb" => "application/vnd.debian.binary-package",
        "js" | "mjs" => "text/javascript",
        "webmanifest" => "application/manifest+json",
        "zst" => "application/zstd",
        "br" => UNKNOWN,
        "md" => "text/markdown",
        "rs" | "toml" | "log" => "text/plain",
        known => mime_guess::from_ext(known).first_raw().unwrap_or(UNKNOWN),
    }
}

/// Whether a type is text whose charset must be said, because it would otherwise be guessed.
fn is_text(essence: &str) -> bool {
    essence.starts_with("text/")
        || matches!(essence, "application/xhtml+xml" | "application/xml" | "image/svg+xml")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expect: &str) {
        assert_eq!(MediaTypes::default().of_file_name(name.as_bytes()), expect, "{name}");
    }

    #[test]
    fn media_types_by_extension() {
        check("index.html", "text/html; charset=utf-8");
        check("INDEX.HTM", "text/html; charset=utf-8");
        check("a.css", "text/css; charset=utf-8");
        check("a.js", "text/javascript; charset=utf-8");
        check("a.mjs", "text/javascript; charset=utf-8");
        check("a.json", "application/json");
        check("a.svg", "image/svg+xml; charset=utf-8");
        check("a.pdf", "application/pdf");
        check("a.tif", "image/tiff");
        check("a.TIFF", "image/tiff");
        check("a.png", "image/png");
        check("a.jpg", "image/jpeg");
        check("a.deb", "application/vnd.debian.binary-package");
        check("a.tar.gz", "application/gzip");
        check("a.zst", "application/zstd");
        check("a.zip", "application/zip");
        check("a.wasm", "application/wasm");
        check("a.mp4", "video/mp4");
        check("a.woff2", "font/woff2");
        check("a.txt", "text/plain; charset=utf-8");
        check("README", "application/octet-stream");
        check(".html", "application/octet-stream");
        check("a.", "application/octet-stream");
        check("a.unheard-of", "application/octet-stream");
        assert_eq!(MediaTypes::default().of_file_name(b"a.\xff"), UNKNOWN);
    }

    #[test]
    fn types_of_the_publisher() {
        let own = [
            ("webc", "text/html"),
            ("txt", "text/plain"),
            (".TXT", "text/plain; charset=latin1"),
            ("x", "A/b; c=d"),
        ];
        let own = own.map(|(extension, media_type)| OwnType::new(extension, media_type).expect("a type"));
        let types = MediaTypes::new(own.to_vec());
        let check =
            |name: &str, expect: &str| assert_eq!(types.of_file_name(name.as_bytes()), expect, "{name}");
        check("a.webc", "text/html; charset=utf-8");
        check("a.WebC", "text/html; charset=utf-8");
        check("a.txt", "text/plain; charset=latin1");
        check("a.x", "A/b; c=d");
        check("a.css", "text/css; charset=utf-8");
        check("webc", "application/octet-stream");
    }

    #[test]
    fn what_is_no_type_rfc_9110_8_3_1() {
        let check = |extension: &str, media_type: &str, expect: TypeFault| {
            assert_eq!(OwnType::new(extension, media_type), Err(expect), "{extension}={media_type}");
        };
        for extension in ["", ".", "tar.gz", "a/b", "..a"] {
            check(extension, "a/b", TypeFault::Extension);
        }
        for media_type in ["", "a", "/", "a/", "/b", "a/b/c", "a b/c", "a/b; c=\r\nX: y", "a/b;é"] {
            check("x", media_type, TypeFault::Type);
        }
    }
}
