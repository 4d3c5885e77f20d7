//! Badges: how often a file was downloaded, as an image for project pages and as the JSON from which shields.io makes one.
//!
//! A badge is made when it is asked for, of a file that could be asked for as well, and is a representation like any other
//! but that nothing counts it. A path that begins like one of a badge never means a file.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use tallyd_http::content_coding::ContentCoding;
use tallyd_http::representation::{Representation, SelectedBy};
use tallyd_http::target::SitePath;
use tallyd_http::validator::{StrongTag, Variant};
use tallyd_ledger::path_text;

use super::lookup::{Lookup, Source, look_up_path};
use crate::backend::folder::{Failure, Patience};
use crate::backend::remembered::Handle;

/// Where badges are.
const PREFIX: &[u8] = b"/.tallyd/badge/";

/// How long a cache may show a badge without asking: project pages are visited more often than files are downloaded.
pub(crate) const CACHE_CONTROL: &str = "public, max-age=300";

/// What an image may do where somebody opens it by itself.
pub(crate) const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

/// How wide a character of the text is on average, and the room at each side of a text, in pixels.
const CHARACTER_WIDTH: usize = 7;
const PADDING: usize = 6;

/// Whether there are badges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Badges {
    /// There are none.
    Off,
    /// Of every file.
    Served,
}

/// A badge that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BadgeOrder {
    /// The file that it is about.
    path: SitePath<'static>,
    form: BadgeForm,
}

/// What a path means where there may be badges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BadgePath {
    /// Something other than a badge.
    Elsewhere,
    /// A badge of no file.
    OfNothing,
    /// This badge.
    Of(BadgeOrder),
}

/// What a badge is made as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum BadgeForm {
    /// An image (SVG 1.1).
    Svg,
    /// For the endpoint badge of shields.io.
    Json,
}

/// A badge that is ready to be sent.
pub(crate) type Badge = Representation<Handle>;

impl Badges {
    /// The badge that a path means.
    pub(super) fn order(self, path: &SitePath<'_>) -> BadgePath {
        let rest = match self {
            Badges::Off => None,
            Badges::Served => path.as_bytes().strip_prefix(PREFIX),
        };
        match rest.map(BadgeOrder::parse) {
            None => BadgePath::Elsewhere,
            Some(None) => BadgePath::OfNothing,
            Some(Some(order)) => BadgePath::Of(order),
        }
    }
}

impl BadgeOrder {
    fn parse(rest: &[u8]) -> Option<BadgeOrder> {
        let (name, form) = match (rest.strip_suffix(b".svg"), rest.strip_suffix(b".json")) {
            (Some(name), _) => (name, BadgeForm::Svg),
            (None, Some(name)) => (name, BadgeForm::Json),
            (None, None) => return None,
        };
        let path = SitePath::from_decoded(&[b"/", name].concat()).ok()?;
        (!path.is_directory_form()).then_some(BadgeOrder { path, form })
    }

    /// How often the file was downloaded, if it is there for those who ask. May wait for a disk.
    pub(super) fn read(&self, source: &Source) -> Result<u64, Failure> {
        let file = match look_up_path(source, &self.path, Patience::MayBlock) {
            Lookup::File(file) => file,
            Lookup::Redirect(_) | Lookup::Directory(_) => return Err(Failure::Missing),
            Lookup::Failed(failure) => return Err(failure),
        };
        let path = path_text::print(file.path.as_bytes()).into_owned();
        let query = source.publication.ledger.query().map_err(|_| Failure::Busy)?;
        let downloads = query.downloads([path]).map_err(|_| Failure::Busy)?;
        Ok(downloads.first().copied().unwrap_or(0))
    }

    /// The badge that says so.
    pub(super) fn make(&self, downloads: u64) -> Badge {
        self.form.render(downloads)
    }
}

impl BadgeForm {
    fn render(self, downloads: u64) -> Badge {
        let text = brief(downloads);
        let (content, content_type) = match self {
            BadgeForm::Svg => (image("downloads", &text), "image/svg+xml"),
            BadgeForm::Json => (
                format!(
                    r#"{{"schemaVersion":1,"label":"downloads","message":"{text}","color":"blue","cacheSeconds":300}}"#
                ),
                "application/json",
            ),
        };
        Representation {
            complete_length: content.len() as u64,
            entity_tag: Some(tag(&content)),
            handle: Handle::Shared(content.into_bytes().into()),
            content_type: content_type.into(),
            coding: ContentCoding::Identity,
            selected_by: SelectedBy::Target,
            modified: None,
        }
    }
}

/// The same for the same content.
fn tag(content: &str) -> StrongTag {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    let mut hash = [0; 32];
    hash[..8].copy_from_slice(&hasher.finish().to_be_bytes());
    StrongTag::of_content(&hash, Variant::Original)
}

/// A number in three digits, as people say it: 12345 is 12.3k. It is cut, not rounded: no badge shows more than there was.
fn brief(number: u64) -> String {
    let mut unit = "";
    let mut tenths = u128::from(number) * 10;
    for next in ["k", "M", "G", "T", "P", "E"] {
        if tenths < 10_000 {
            break;
        }
        tenths /= 1000;
        unit = next;
    }
    match (unit, tenths % 10) {
        ("", _) => number.to_string(),
        (unit, tenth) if tenths < 1000 && tenth > 0 => format!("{}.{tenth}{unit}", tenths / 10),
        (unit, _) => format!("{}{unit}", tenths / 10),
    }
}

/// Two boxes with a text in each, in the usual form of such badges. Neither text has a character with a meaning in XML.
fn image(label: &str, value: &str) -> String {
    let width = |text: &str| text.len() * CHARACTER_WIDTH + 2 * PADDING;
    let (left, right) = (width(label), width(value));
    let (middle, total) = (left / 2, left + right);
    let mut image = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{total}" height="20" role="img" aria-label="{label}: {value}">"#
    );
    let style =
        r##"text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" fill="#fff""##;
    write!(
        image,
        r##"<title>{label}: {value}</title><clipPath id="r"><rect width="{total}" height="20" rx="3"/></clipPath><g clip-path="url(#r)"><path fill="#454c57" d="M0 0h{left}v20H0z"/><path fill="#b93320" d="M{left} 0h{right}v20H{left}z"/></g><g {style}><text x="{middle}" y="14">{label}</text><text x="{}" y="14">{value}</text></g></svg>"##,
        left + right / 2
    )
    .expect("memory takes any text");
    image
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_badge_a_path_means() {
        let check = |badges: Badges, path: &str, expect: &str| {
            let path = SitePath::from_decoded(path.as_bytes()).expect("a clean path");
            let seen = match badges.order(&path) {
                BadgePath::Elsewhere => "elsewhere".to_owned(),
                BadgePath::OfNothing => "nothing".to_owned(),
                BadgePath::Of(BadgeOrder { path, form }) => {
                    format!("{form:?} {}", String::from_utf8_lossy(path.as_bytes()))
                }
            };
            assert_eq!(seen, expect, "{path:?}");
        };
        let served = Badges::Served;
        check(served, "/.tallyd/badge/a.iso.svg", "Svg /a.iso");
        check(served, "/.tallyd/badge/pub/a b.json.json", "Json /pub/a b.json");
        check(served, "/.tallyd/badge/a.svg.svg", "Svg /a.svg");
        check(served, "/.tallyd/badge/a.png", "nothing");
        check(served, "/.tallyd/badge/.svg", "nothing");
        check(served, "/.tallyd/badge/pub/.svg", "nothing");
        check(served, "/.tallyd/badge/", "nothing");
        check(served, "/.tallyd/badge", "elsewhere");
        check(served, "/pub/.tallyd/badge/a.svg", "elsewhere");
        check(Badges::Off, "/.tallyd/badge/a.svg", "elsewhere");
    }

    #[test]
    fn numbers_as_people_say_them() {
        let check = |number: u64, expect: &str| assert_eq!(brief(number), expect);
        check(0, "0");
        check(999, "999");
        check(1_000, "1k");
        check(1_099, "1k");
        check(1_100, "1.1k");
        check(12_345, "12.3k");
        check(99_999, "99.9k");
        check(100_900, "100k");
        check(999_999, "999k");
        check(1_000_000, "1M");
        check(1_250_000_000, "1.2G");
        check(u64::MAX, "18.4E");
    }

    #[test]
    fn what_is_sent() {
        let json = BadgeForm::Json.render(12_345);
        let Handle::Shared(content) = &json.handle else { panic!("it is in memory") };
        let content: serde_json::Value = serde_json::from_slice(content).expect("it is JSON");
        assert_eq!(content["schemaVersion"], 1);
        assert_eq!((&content["label"], &content["message"]), (&"downloads".into(), &"12.3k".into()));
        let tag = |form: BadgeForm, downloads| form.render(downloads).entity_tag;
        assert_eq!(tag(BadgeForm::Svg, 7), tag(BadgeForm::Svg, 7));
        assert_ne!(tag(BadgeForm::Svg, 7), tag(BadgeForm::Svg, 8));
        assert_ne!(tag(BadgeForm::Svg, 7), tag(BadgeForm::Json, 7));
    }
}
