//! Which form of a listing a client wants, by its `Accept` field (RFC 9110 §12.5.1).
//!
//! Files are not negotiated by media type: what lies in the folder is what there is.

use std::cmp::Reverse;

use crate::field_lines::{FieldLines, members};
use crate::quality::Quality;

/// The forms in which the content of a directory is described.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ListingForm {
    /// `text/html`, for people.
    Html,
    /// `application/json`, for programs.
    Json,
}

impl ListingForm {
    /// The form that the client prefers: by weight, then by how precisely it is named (a program that
    /// sends `application/json, */*` means JSON), then HTML. A client that wants neither gets HTML (RFC
    /// 9110 §12.4.1). Malformed members are ignored.
    pub fn negotiate(accept: &FieldLines<'_>) -> Self {
        let json = preference(accept, b"application", b"json");
        let html = preference(accept, b"text", b"html");
        if json > html { Self::Json } else { Self::Html }
    }

    /// Whether the client names this form, as browsers name HTML; `*/*` or no field at all does not.
    pub fn is_named_in(self, accept: &FieldLines<'_>) -> bool {
        let preference = match self {
            Self::Html => preference(accept, b"text", b"html"),
            Self::Json => preference(accept, b"application", b"json"),
        };
        preference.is_some_and(|(_, precision)| precision == Precision::Subtype)
    }
}

/// Whether a client names HTML among what it accepts, as a browser does where a person goes to a page; `*/*`, which
/// scripts and downloads send, names nothing.
pub fn names_html(accept: &FieldLines<'_>) -> bool {
    preference(accept, b"text", b"html").is_some_and(|(_, precision)| precision == Precision::Subtype)
}

/// How well a media range describes a media type, from the least.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Precision {
    Any,
    Type,
    Subtype,
}

/// The weight that the most precise matching range gives; nothing if none matches or it is refused.
fn preference(accept: &FieldLines<'_>, main: &[u8], sub: &[u8]) -> Option<(Quality, Precision)> {
    accept
        .members()
        .filter_map(|member| {
            let mut parts = members(member, b';');
            let precision = precision(parts.next()?, main, sub)?;
            Some((quality(parts)?, precision))
        })
        // Of equally precise ranges the first counts.
        .min_by_key(|(_, precision)| Reverse(*precision))
        .filter(|(quality, _)| *quality > Quality::ZERO)
}

fn precision(range: &[u8], main: &[u8], sub: &[u8]) -> Option<Precision> {
    let slash = memchr::memchr(b'/', range)?;
    match (&range[..slash], &range[slash + 1..]) {
        (b"*", b"*") => Some(Precision::Any),
        (range_main, b"*") if range_main.eq_ignore_ascii_case(main) => Some(Precision::Type),
        (range_main, range_sub)
            if range_main.eq_ignore_ascii_case(main) && range_sub.eq_ignore_ascii_case(sub) =>
        {
            Some(Precision::Subtype)
        }
        _ => None,
    }
}

/// The weight among the parameters. The others, such as `charset`, do not matter to the choice.
fn quality<'a>(mut parameters: impl Iterator<Item = &'a [u8]>) -> Option<Quality> {
    match parameters.find(|parameter| matches!(parameter, [b'q' | b'Q', b'=', ..])) {
        Some(weight) => Quality::parse_parameter(weight),
        None => Some(Quality::ONE),
    }
}

#[cfg(test)]
mod tests {
    use super::ListingForm::{Html, Json};
    use super::*;

    fn check(lines: &[&str], expect: ListingForm) {
        let field = lines.iter().map(|line| line.as_bytes()).collect();
        assert_eq!(ListingForm::negotiate(&field), expect, "{lines:?}");
    }

    #[test]
    fn rfc9110_section_12_5_1_forms() {
        check(&[], Html);
        check(&[""], Html);
        check(&["*/*"], Html);
        check(&["text/html"], Html);
        check(&["application/json"], Json);
        check(&["Application/JSON"], Json);
        check(&["application/*"], Json);
        check(&["text/*"], Html);
        check(&["text/plain"], Html);
        check(&["application/json", "text/html"], Html);
        check(&["text/plain", "application/json"], Json);
        check(&["text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"], Html);
    }

    #[test]
    fn who_names_html() {
        let check = |lines: &[&str], expect: bool| {
            let field = lines.iter().map(|line| line.as_bytes()).collect();
            assert_eq!(names_html(&field), expect, "{lines:?}");
        };
        check(&["text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"], true);
        check(&["text/html;q=0.1"], true);
        check(&["text/html;q=0, */*"], false);
        check(&["*/*"], false);
        check(&["text/*"], false);
        check(&["image/avif,image/webp,*/*;q=0.8"], false);
        check(&[], false);
    }

    #[test]
    fn rfc9110_section_12_4_2_weights() {
        check(&["application/json;q=0.9, text/html;q=0.8"], Json);
        check(&["application/json;q=0.8, text/html;q=0.9"], Html);
        check(&["application/json;q=0"], Html);
        check(&["application/json;q=0, */*"], Html);
        check(&["text/html;q=0, */*;q=0.1"], Json);
        check(&["text/html;q=0, application/json;q=0"], Html);
    }

    #[test]
    fn rfc9110_section_12_5_1_precision() {
        check(&["application/json, text/plain, */*"], Json);
        check(&["*/*, application/json"], Json);
        check(&["*/*;q=0.9, application/json;q=0.1"], Html);
        check(&["application/*;q=0.1, application/json;q=0.9, text/html;q=0.5"], Json);
        check(&["text/*;q=0.9, text/html;q=0.1, application/json;q=0.5"], Json);
        check(&["application/json;charset=utf-8"], Json);
        check(&["application/json;x=\";q=0,\";q=1, text/html;q=0.5"], Json);
        check(&["application/json;q=0.3, application/json;q=0.9, text/html;q=0.5"], Html);
    }

    #[test]
    fn a_form_is_named_by_type_and_subtype() {
        #[track_caller]
        fn check(lines: &[&str], html: bool, json: bool) {
            let field: FieldLines<'_> = lines.iter().map(|line| line.as_bytes()).collect();
            assert_eq!((Html.is_named_in(&field), Json.is_named_in(&field)), (html, json), "{lines:?}");
        }
        check(&[], false, false);
        check(&["*/*"], false, false);
        check(&["text/*, application/*;q=0.5"], false, false);
        check(&["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"], true, false);
        check(&["application/json, */*"], false, true);
        check(&["*/*", "text/html;q=0.1"], true, false);
        check(&["text/html;q=0, */*"], false, false);
        check(&["text/html, application/json"], true, true);
    }

    #[test]
    fn malformed_members_are_ignored() {
        check(&["json"], Html);
        check(&["application/json;q=5"], Html);
        check(&["application/json;q=, application/json;q=0.5"], Json);
        check(&["*/json"], Html);
        check(&["/"], Html);
        check(&[";q=1, application/json"], Json);
        check(&["application / json"], Html);
    }
}
