//! The media type of a file, from its name alone (RFC 9110 §8.3).
//!
//! Content is never sniffed: a file is what its publisher named it.

use std::borrow::Cow;

/// What is not known is a stream of bytes (RFC 2046 §4.5.1).
const UNKNOWN: &str = "application/octet-stream";

/// The value of `Content-Type` for a file of this name: by its extension, in any case; text with its charset.
pub fn of_file_name(name: &[u8]) -> Cow<'static, str> {
    let essence = std::str::from_utf8(extension(name)).ok().map_or(UNKNOWN, of_extension);
    if is_text(essence) { format!("{essence}; charset=utf-8").into() } else { essence.into() }
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
        assert_eq!(of_file_name(name.as_bytes()), expect, "{name}");
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
        assert_eq!(of_file_name(b"a.\xff"), UNKNOWN);
    }
}
