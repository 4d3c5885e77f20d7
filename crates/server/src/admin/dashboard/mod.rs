//! The dashboard: one page with its style and its scripts, which are part of the program.
//!
//! It is made of the API's figures by the browser; nothing is rendered here, and nothing is asked of another host. The
//! guard's `Content-Security-Policy` holds the page to that.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use axum::Router;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

/// Something that the browser fetches.
struct Asset {
    path: &'static str,
    content_type: &'static str,
    content: &'static str,
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// An asset that has the name of its file.
macro_rules! asset {
    ($name:literal, $content_type:expr) => {
        Asset { path: concat!("/", $name), content_type: $content_type, content: include_str!($name) }
    };
}

const ASSETS: [Asset; 24] = [
    Asset { path: "/", content_type: HTML, content: include_str!("index.html") },
    asset!("icon.svg", SVG),
    asset!("style.css", CSS),
    asset!("api.js", SCRIPT),
    asset!("busiest.js", SCRIPT),
    asset!("deliveries.js", SCRIPT),
    asset!("element.js", SCRIPT),
    asset!("feed.js", SCRIPT),
    asset!("file.js", SCRIPT),
    asset!("files.js", SCRIPT),
    asset!("format.js", SCRIPT),
    asset!("keyboard.js", SCRIPT),
    asset!("overview.js", SCRIPT),
    asset!("page.js", SCRIPT),
    asset!("panel.js", SCRIPT),
    asset!("plot.js", SCRIPT),
    asset!("route.js", SCRIPT),
    asset!("rows.js", SCRIPT),
    asset!("split.js", SCRIPT),
    asset!("table.js", SCRIPT),
    asset!("totals.js", SCRIPT),
    asset!("traffic.js", SCRIPT),
    asset!("transfers.js", SCRIPT),
    asset!("warnings.js", SCRIPT),
];

/// Adds what the browser fetches.
pub(super) fn add_to<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    ASSETS.iter().fold(router, |router, asset| {
        router.route(asset.path, get(async move |fields: HeaderMap| asset.answer(&fields)))
    })
}

impl Asset {
    /// The asset, or 304 to a browser that has it. It must ask each time: another version of the program may answer.
    fn answer(&self, fields: &HeaderMap) -> Response {
        let tag = self.entity_tag();
        let is_known = fields.get(header::IF_NONE_MATCH).is_some_and(|known| *known == tag);
        let common = [(header::ETAG, tag), (header::CACHE_CONTROL, HeaderValue::from_static("no-cache"))];
        if is_known {
            return (StatusCode::NOT_MODIFIED, common).into_response();
        }
        (common, [(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type))], self.content)
            .into_response()
    }

    /// The same for the same content, whichever build it is of.
    fn entity_tag(&self) -> HeaderValue {
        let mut hasher = DefaultHasher::new();
        self.content.hash(&mut hasher);
        HeaderValue::from_str(&format!("\"{:016x}\"", hasher.finish())).expect("hexadecimal digits in quotes")
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    /// Names that scripts, styles and the page mention as modules or files of theirs.
    fn mentioned(content: &str) -> impl Iterator<Item = String> {
        content.split(['"', '\'']).filter_map(|text| {
            let name = text.strip_prefix("./").unwrap_or(text);
            let known = [".js", ".css", ".svg"].iter().any(|end| name.ends_with(end));
            (known && !name.contains([' ', '\n'])).then(|| format!("/{name}"))
        })
    }

    #[test]
    fn every_file_is_there_and_mentioned() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/admin/dashboard");
        let mut files: Vec<String> = fs::read_dir(folder)
            .expect("the sources are there")
            .map(|entry| format!("/{}", entry.expect("a source").file_name().to_string_lossy()))
            .filter(|name| name != "/mod.rs")
            .map(|name| if name == "/index.html" { "/".to_owned() } else { name })
            .collect();
        files.sort();
        let mut served: Vec<String> = ASSETS.iter().map(|asset| asset.path.to_owned()).collect();
        served.sort();
        assert_eq!(served, files);
        let mut all: Vec<String> = ASSETS.iter().flat_map(|asset| mentioned(asset.content)).collect();
        all.push("/".to_owned());
        all.sort();
        all.dedup();
        assert_eq!(all, files);
    }

    #[test]
    fn nothing_is_markup_by_accident_or_from_elsewhere() {
        let check = |asset: &Asset, word: &str| {
            assert!(!asset.content.contains(word), "{word} in {}", asset.path);
        };
        for asset in &ASSETS {
            for word in
                ["innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", "https://", "style="]
            {
                check(asset, word);
            }
            // The name of SVG's elements is the one address, and it is never fetched.
            let addresses = asset.content.matches("http://").count();
            assert_eq!(
                addresses,
                asset.content.matches("http://www.w3.org/2000/svg").count(),
                "{}",
                asset.path
            );
        }
    }

    #[test]
    fn a_browser_that_has_it_is_told_so() {
        let [page, ..] = &ASSETS;
        let whole = page.answer(&HeaderMap::new());
        assert_eq!(whole.status(), StatusCode::OK);
        assert_eq!(whole.headers()[header::CONTENT_TYPE], HTML);
        let tag = whole.headers()[header::ETAG].clone();
        let known = HeaderMap::from_iter([(header::IF_NONE_MATCH, tag)]);
        assert_eq!(page.answer(&known).status(), StatusCode::NOT_MODIFIED);
        let other = HeaderMap::from_iter([(header::IF_NONE_MATCH, HeaderValue::from_static("\"other\""))]);
        assert_eq!(page.answer(&other).status(), StatusCode::OK);
    }
}
