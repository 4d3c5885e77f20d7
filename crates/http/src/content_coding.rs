//! Content codings: which one a client takes best (RFC 9110 §8.4.1, §12.5.3), and which content is worth
//! one. Nothing is encoded here.

use crate::field_lines::{FieldLines, members, trim_optional_white_space};
use crate::quality::Quality;

/// What has been done to the original's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ContentCoding {
    /// Nothing.
    Identity,
    /// RFC 1952; `x-gzip` is the same (RFC 9110 §8.4.1.3).
    Gzip,
    /// RFC 7932.
    Brotli,
    /// RFC 8878, with a window of at most 8 MiB (RFC 9659).
    Zstd,
}

impl ContentCoding {
    /// The registered name. `identity` is a name for requests only and never sent in `Content-Encoding`
    /// (RFC 9110 §8.4).
    pub const fn token(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }

    /// What the name of a precompressed sibling adds to the original's, with the point; nothing for the
    /// original itself.
    pub const fn sibling_extension(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some(".gz"),
            Self::Brotli => Some(".br"),
            Self::Zstd => Some(".zst"),
        }
    }

    /// The coding with this name in a request, in any case.
    fn from_token(token: &[u8]) -> Option<Self> {
        match token {
            _ if token.eq_ignore_ascii_case(b"identity") => Some(Self::Identity),
            _ if token.eq_ignore_ascii_case(b"gzip") || token.eq_ignore_ascii_case(b"x-gzip") => {
                Some(Self::Gzip)
            }
            _ if token.eq_ignore_ascii_case(b"br") => Some(Self::Brotli),
            _ if token.eq_ignore_ascii_case(b"zstd") => Some(Self::Zstd),
            _ => None,
        }
    }

    const fn index(self) -> usize {
        match self {
            Self::Identity => 0,
            Self::Gzip => 1,
            Self::Brotli => 2,
            Self::Zstd => 3,
        }
    }
}

/// What a request's `Accept-Encoding` says about the codings that this server has.
///
/// An absent field and an empty one both say nothing: RFC 9110 lets the server choose any coding for the
/// first, but a client that does not mention codings may well not know them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AcceptEncoding {
    listed: [Option<Quality>; 4],
    /// The weight of `*`: of every coding that is not listed.
    others: Option<Quality>,
}

impl AcceptEncoding {
    /// Reads the field. A malformed member and one of an unknown coding are ignored; of two members for
    /// the same coding the first counts.
    pub fn parse(field: &FieldLines<'_>) -> Self {
        let mut accept = Self::default();
        for member in field.members() {
            let Some((token, quality)) = weighted_token(member) else { continue };
            let entry = match ContentCoding::from_token(token) {
                Some(coding) => &mut accept.listed[coding.index()],
                None if token == b"*" => &mut accept.others,
                None => continue,
            };
            entry.get_or_insert(quality);
        }
        accept
    }

    /// The coding to send, of those in `available` and identity. The highest weight wins, and of equal
    /// weights the one that comes first in `available`, with identity last.
    ///
    /// When the client accepts none, not even identity, it is sent identity all the same (RFC 9110
    /// §12.4.1): content that may be unreadable is of more use than a certain error.
    pub fn negotiate(&self, available: &[ContentCoding]) -> ContentCoding {
        let mut best = (ContentCoding::Identity, Quality::ZERO);
        for &coding in available.iter().chain(&[ContentCoding::Identity]) {
            let quality = self.quality(coding);
            if quality > best.1 {
                best = (coding, quality);
            }
        }
        best.0
    }

    /// Unlisted and without `*`, a coding is not acceptable. So is identity here, although it would be:
    /// it is what remains when nothing that the client asked for is available.
    fn quality(&self, coding: ContentCoding) -> Quality {
        self.listed[coding.index()].or(self.others).unwrap_or(Quality::ZERO)
    }
}

/// `gzip` or `gzip;q=0.5`. A weight is the only parameter that the grammar has.
fn weighted_token(member: &[u8]) -> Option<(&[u8], Quality)> {
    match memchr::memchr(b';', member) {
        None => Some((member, Quality::ONE)),
        Some(end) => {
            let parameter = trim_optional_white_space(&member[end + 1..]);
            Some((trim_optional_white_space(&member[..end]), Quality::parse_parameter(parameter)?))
        }
    }
}

/// Every coding but identity; of codings that a client takes equally well, the earlier is preferred: it is the
/// smaller one, as a rule.
pub const PREFERENCE: [ContentCoding; 3] = [ContentCoding::Brotli, ContentCoding::Zstd, ContentCoding::Gzip];

/// Whether content of this media type usually becomes much smaller. Images, sound, film, archives and
/// fonts in WOFF are compressed by themselves.
pub fn is_compressible(media_type: &str) -> bool {
    const TYPES: [&str; 15] = [
        "application/dash+xml",
        "application/ecmascript",
        "application/javascript",
        "application/json",
        "application/rtf",
        "application/sql",
        "application/toml",
        "application/vnd.ms-fontobject",
        "application/wasm",
        "application/x-javascript",
        "application/x-sh",
        "application/xml",
        "application/yaml",
        "image/bmp",
        "image/x-icon",
    ];
    const BEGINNINGS: [&str; 4] = ["text/", "font/ttf", "font/otf", "image/vnd.microsoft.icon"];
    // Structured syntaxes (RFC 6839): `image/svg+xml`, `application/ld+json`.
    const ENDINGS: [&str; 4] = ["+json", "+xml", "+text", "+yaml"];

    let essence = members(media_type.as_bytes(), b';').next().unwrap_or_default().to_ascii_lowercase();
    TYPES.iter().any(|name| essence == name.as_bytes())
        || BEGINNINGS.iter().any(|beginning| essence.starts_with(beginning.as_bytes()))
        || ENDINGS.iter().any(|ending| essence.ends_with(ending.as_bytes()))
}

/// Whether content of this media type is compressed by itself, so that a coding on top of it gains nothing.
pub fn is_compressed(media_type: &str) -> bool {
    const TYPES: [&str; 10] = [
        "application/epub+zip",
        "application/gzip",
        "application/java-archive",
        "application/vnd.rar",
        "application/x-7z-compressed",
        "application/x-bzip2",
        "application/x-rar-compressed",
        "application/x-xz",
        "application/zip",
        "application/zstd",
    ];
    const BEGINNINGS: [&str; 4] = ["audio/", "image/", "video/", "font/woff"];

    let essence = members(media_type.as_bytes(), b';').next().unwrap_or_default().to_ascii_lowercase();
    !is_compressible(media_type)
        && (TYPES.iter().any(|name| essence == name.as_bytes())
            || BEGINNINGS.iter().any(|beginning| essence.starts_with(beginning.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::ContentCoding::{Brotli, Gzip, Identity, Zstd};
    use super::*;

    const ALL: [ContentCoding; 3] = [Zstd, Brotli, Gzip];

    fn check_lines(lines: &[&str], available: &[ContentCoding], expect: ContentCoding) {
        let field = lines.iter().map(|line| line.as_bytes()).collect();
        assert_eq!(AcceptEncoding::parse(&field).negotiate(available), expect, "{lines:?} of {available:?}");
    }

    fn check(value: &str, available: &[ContentCoding], expect: ContentCoding) {
        check_lines(&[value], available, expect);
    }

    #[test]
    fn rfc9110_section_12_5_3_acceptable_codings() {
        check_lines(&[], &ALL, Identity);
        check("", &ALL, Identity);
        check("gzip", &ALL, Gzip);
        check("GZip", &ALL, Gzip);
        check("x-gzip", &ALL, Gzip);
        check("br", &ALL, Brotli);
        check("zstd", &ALL, Zstd);
        check("identity", &ALL, Identity);
        check("deflate, compress", &ALL, Identity);
        check("gzip, deflate, br, zstd", &ALL, Zstd);
        check("gzip, deflate, br, zstd", &[Brotli, Gzip], Brotli);
        check("gzip, deflate, br, zstd", &[Gzip], Gzip);
        check("gzip, deflate, br, zstd", &[], Identity);
        check("br", &[Gzip], Identity);
        check_lines(&["gzip", "br"], &ALL, Brotli);
    }

    #[test]
    fn rfc9110_section_12_4_2_weights() {
        check("gzip;q=1.0, br;q=0.5", &ALL, Gzip);
        check("gzip;q=0.5, br;q=0.501", &ALL, Brotli);
        check("gzip;q=0.5, br;q=0.5", &ALL, Brotli);
        check("gzip ; Q=0.5 , br ;\tq=0.4", &ALL, Gzip);
        check("gzip;q=0.001", &ALL, Gzip);
        check("gzip;q=0", &ALL, Identity);
        check("gzip;q=0.000, br", &ALL, Brotli);
        check("identity, gzip;q=0.5", &ALL, Identity);
        check("identity;q=0.5, gzip;q=0.5", &ALL, Gzip);
        check("identity;q=0.5, gzip;q=0.4", &ALL, Identity);
        check("gzip, gzip;q=0", &ALL, Gzip);
        check("x-gzip;q=0, gzip", &ALL, Identity);
    }

    #[test]
    fn rfc9110_section_12_5_3_any_other_coding() {
        check("*", &ALL, Zstd);
        check("*", &[], Identity);
        check("*;q=0", &ALL, Identity);
        check("gzip, *;q=0", &ALL, Gzip);
        check("gzip;q=0, *", &[Gzip], Identity);
        check("gzip;q=0, *", &[Brotli, Gzip], Brotli);
        check("gzip;q=0.5, *;q=0.8", &[Gzip], Identity);
        check("gzip;q=0.5, *;q=0.8", &[Zstd, Gzip], Zstd);
        check("zstd;q=0.2, *;q=0.1", &ALL, Zstd);
    }

    #[test]
    fn rfc9110_section_12_5_3_identity_excluded() {
        check("identity;q=0, gzip", &ALL, Gzip);
        check("gzip, identity;q=0", &ALL, Gzip);
        check("identity;q=0, *;q=0.5", &ALL, Zstd);
        check("identity, *;q=0", &ALL, Identity);
        // None is acceptable: §12.4.1.
        check("identity;q=0", &ALL, Identity);
        check("gzip, identity;q=0", &[Brotli], Identity);
        check("br, *;q=0", &[Gzip], Identity);
    }

    #[test]
    fn malformed_members_are_ignored() {
        check("gzip;q=2, br;q=0.5", &ALL, Brotli);
        check("gzip;q=0.1234", &ALL, Identity);
        check("gzip;q=", &ALL, Identity);
        check("gzip;", &ALL, Identity);
        check("gzip;level=9, br", &ALL, Brotli);
        check("gzip;q=1;x=1, br;q=0.1", &ALL, Brotli);
        check("gzip br", &ALL, Identity);
        check("\"gzip\"", &ALL, Identity);
        check(";q=1, gzip", &ALL, Gzip);
        check(",,gzip,,", &ALL, Gzip);
        check("**", &ALL, Identity);
    }

    const WEIGHTS: [Option<u16>; 4] = [None, Some(0), Some(400), Some(1000)];

    /// RFC 9110 §12.5.3 once more, as its numbered list reads, for every combination of small fields and of
    /// available codings.
    #[test]
    fn all_small_fields_against_the_rules_as_written() {
        for number in 0..WEIGHTS.len().pow(5) {
            let weight = |place: u32| WEIGHTS[number / WEIGHTS.len().pow(place) % WEIGHTS.len()];
            let listed =
                [("br", weight(0)), ("zstd", weight(1)), ("gzip", weight(2)), ("identity", weight(3))];
            for subset in 0..8 {
                let available: Vec<_> =
                    (0..3).filter(|bit| subset >> bit & 1 == 1).map(|bit| PREFERENCE[bit]).collect();
                check_against_rules(&listed, weight(4), &available);
            }
        }
    }

    fn check_against_rules(
        listed: &[(&str, Option<u16>); 4],
        others: Option<u16>,
        available: &[ContentCoding],
    ) {
        let named = listed.iter().copied().chain([("*", others)]);
        let members = named.filter_map(|(name, weight)| {
            weight.map(|weight| format!("{name};q={}.{:03}", weight / 1000, weight % 1000))
        });
        let value = members.collect::<Vec<_>>().join(", ");
        // Rules 2 to 4: a coding's own weight, or that of `*`; without both it is not acceptable.
        let weight = |coding: ContentCoding| {
            let own = listed.iter().find(|(name, _)| *name == coding.token());
            own.and_then(|(_, weight)| *weight).or(others).unwrap_or(0)
        };
        let candidates = || available.iter().copied().chain([Identity]);
        let highest = candidates().map(weight).max().unwrap_or(0);
        let acceptable = candidates().find(|coding| highest > 0 && weight(*coding) == highest);
        check(&value, available, acceptable.unwrap_or(Identity));
    }

    #[test]
    fn compressible_types() {
        for media_type in [
            "text/html; charset=utf-8",
            "TEXT/css",
            "application/json",
            "image/svg+xml",
            "font/ttf",
            "application/wasm",
        ] {
            assert!(is_compressible(media_type), "{media_type}");
        }
        for media_type in [
            "",
            "image/png",
            "application/gzip",
            "application/octet-stream",
            "video/mp4",
            "font/woff2",
            "application/zip",
        ] {
            assert!(!is_compressible(media_type), "{media_type}");
        }
    }

    #[test]
    fn compressed_types() {
        for media_type in ["image/png", "video/mp4", "font/woff2", "application/gzip", "APPLICATION/zip;a=b"]
        {
            assert!(is_compressed(media_type), "{media_type}");
        }
        for media_type in ["", "image/svg+xml", "application/octet-stream", "text/html", "application/x-tar"]
        {
            assert!(!is_compressed(media_type), "{media_type}");
        }
    }

    #[test]
    fn names() {
        for coding in [Identity, Gzip, Brotli, Zstd] {
            assert_eq!(ContentCoding::from_token(coding.token().as_bytes()), Some(coding));
        }
        assert_eq!(ALL.map(ContentCoding::sibling_extension), [Some(".zst"), Some(".br"), Some(".gz")]);
        assert_eq!(Identity.sibling_extension(), None);
    }
}
