//! Whole listings, of real directories, in both forms.

use std::fs::{self, File};
use std::hash::RandomState;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use serde_json::{Value, json};
use tallyd_http::media_type::MediaTypes;
use tallyd_http::target::Target;
use tallyd_http::validator::TagScope;
use tallyd_ledger::{Ledger, Options, Place};

use super::unrendered::CHUNK_BYTES;
use super::*;
use crate::backend::folder::{Folder, Links};
use crate::backend::remembered::CHECK_HOLDS;
use crate::backend::siblings::Precompressed;
use crate::site::Publication;
use crate::site::added_fields::{AddedFields, Hardening};
use crate::site::badge::Badges;
use crate::site::cors::Cors;
use crate::site::entity_tags::EntityTags;
use crate::site::https::Https;
use crate::site::routes::Routes;

fn source(root: &Path, mode: ListingMode) -> Source {
    source_with(root, mode, Column::Absent)
}

fn source_with(root: &Path, mode: ListingMode, column: Column) -> Source {
    let (ledger, _) = Ledger::open(&Place::Memory, Options::default(), ()).expect("memory can be had");
    let folder = Folder::new(File::open(root).expect("the root exists").into(), Links::Beneath)
        .expect("the kernel guards it");
    let publication = Publication {
        https: Https::default(),
        index: Vec::new(),
        listings: Listings::new(mode, DotNames::Hidden, column),
        badges: Badges::Off,
        precompressed: Precompressed::Served,
        base: None,
        routes: Routes::default(),
        stand_in: None,
        media_types: MediaTypes::default(),
        added_fields: AddedFields::new(Hardening::Off, Vec::new(), Cors::Off),
        tags: EntityTags::OfMetadata(TagScope::FileSystem),
        proofs: None,
        compressor: None,
        ledger,
        identities: RandomState::new(),
    };
    Source { publication: Arc::new(publication), folder: Arc::new(folder) }
}

/// Reads a listing as a request for `target` would.
fn read(source: &Source, target: &str, form: ListingForm) -> Result<Listing, Failure> {
    let Ok(Target::Path { path, query }) = Target::parse(target.as_bytes()) else { panic!("{target}") };
    let query = Query::parse(query, PerPage::Readable);
    let (source, path) = (source.clone(), path.into_owned());
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime for the test");
    runtime.block_on(Listing::read(source, path, query, form))
}

/// All chunks of a listing, each checked against its limit.
fn render(mut listing: Listing) -> String {
    let mut text = Vec::new();
    loop {
        let mut chunk = Vec::new();
        let progress = listing.render(&mut chunk);
        text.extend_from_slice(&chunk);
        match progress {
            Progress::More => assert!((CHUNK_BYTES..CHUNK_BYTES + 4096).contains(&chunk.len())),
            Progress::Done => break,
        }
    }
    let mut nothing = Vec::new();
    assert_eq!((listing.render(&mut nothing), nothing.len()), (Progress::Done, 0));
    String::from_utf8(text).expect("a listing is UTF-8")
}

fn html(root: &Path, target: &str) -> String {
    let listing = read(&source(root, ListingMode::Html), target, ListingForm::Html);
    render(listing.expect("it is readable"))
}

fn json(root: &Path, target: &str) -> Value {
    let listing = read(&source(root, ListingMode::Json), target, ListingForm::Json);
    serde_json::from_str(&render(listing.expect("it is readable"))).expect("it is JSON")
}

/// Names with which listings of other servers have been broken.
const NAMES: [&[u8]; 22] = [
    b"plain.txt",
    b"a b",
    b"a#b",
    b"a?b",
    b"100%",
    b"%41",
    b"a;b",
    b"a:b",
    b"javascript:alert(1)",
    b"a&amp;b",
    b"<script>alert(1)<",
    b"\" onmouseover=\"x",
    b"'",
    b"a\\b",
    b"\\\\evil.example",
    b"new\nline",
    b"\x01\x1b[31m",
    b"\xff\xfe",
    b"a\xc3",
    "größe 日本 👩‍💻".as_bytes(),
    "\u{202e}gpj.exe".as_bytes(),
    b"-->",
];

fn folder_of_names() -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a folder for the test");
    for name in NAMES {
        fs::write(root.path().join(std::ffi::OsStr::from_bytes(name)), name).expect("a file");
    }
    root
}

/// Checks that a reference in the listing of `/` leads to a file whose content is its own name.
#[track_caller]
fn check_leads_back(root: &Path, reference: &str) {
    let target = format!("/{}", reference.strip_prefix("./").unwrap_or(reference));
    let Ok(Target::Path { path, query: None }) = Target::parse(target.as_bytes()) else { panic!("{target}") };
    let name = path.relative();
    let content =
        fs::read(root.join(std::ffi::OsStr::from_bytes(name))).expect("the reference leads to a file");
    assert_eq!(content, name);
}

#[test]
fn every_name_round_trips_in_html() {
    let root = folder_of_names();
    let page = html(root.path(), "/");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("<tr><td>")).collect();
    assert_eq!(rows.len(), NAMES.len());
    for row in rows {
        let (reference, rest) = row["<tr><td><a href=\"".len()..].split_once('"').expect("it is quoted");
        check_leads_back(root.path(), reference);
        let (text, _) = rest[1..].split_once("</a>").expect("the link ends");
        let text = text.strip_prefix("<bdi>").and_then(|text| text.strip_suffix("</bdi>")).expect("isolated");
        assert!(!text.contains(['<', '>', '"', '\'', '\n', '\u{202e}']), "{text}");
    }
}

#[test]
fn every_name_round_trips_in_json() {
    let root = folder_of_names();
    let listing = json(root.path(), "/");
    let entries = listing["entries"].as_array().expect("entries are a list");
    assert_eq!(entries.len(), NAMES.len());
    for entry in entries {
        check_leads_back(root.path(), entry["href"].as_str().expect("a reference is text"));
        let name = entry["name"].as_str().expect("a name is text").as_bytes();
        let is_exact = NAMES.contains(&name);
        assert!(is_exact || String::from_utf8_lossy(name).contains('\u{fffd}'), "{entry}");
    }
}

#[test]
fn the_shape_of_json() {
    let root = tempfile::tempdir().expect("a folder for the test");
    let folder = root.path().join("pub a");
    fs::create_dir_all(folder.join("sub")).expect("folders");
    fs::write(folder.join("file:1"), "12345").expect("a file");
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(784_111_777);
    for path in [folder.join("file:1"), folder.join("sub")] {
        let times = fs::FileTimes::new().set_modified(time);
        File::open(path).and_then(|file| file.set_times(times)).expect("the time can be set");
    }
    let expect = json!({
        "path": "/pub a/",
        "sort": "size",
        "order": "desc",
        "filter": "",
        "page": 1,
        "pages": 1,
        "per_page": 1000,
        "total": 2,
        "complete": true,
        "entries": [
            {"name": "sub", "href": "sub/", "type": "directory", "size": null, "modified": "1994-11-06T08:49:37Z"},
            {"name": "file:1", "href": "./file%3A1", "type": "file", "size": 5, "modified": "1994-11-06T08:49:37Z"},
        ],
    });
    assert_eq!(json(root.path(), "/pub%20a/?sort=size&order=desc"), expect);
    assert_eq!(json(root.path(), "/pub%20a/sub/")["entries"], json!([]));
    assert_eq!(json(root.path(), "/?q=%ff%22")["filter"], json!("\u{fffd}\""));
}

#[test]
fn a_long_listing_comes_in_chunks_and_pages() {
    let root = tempfile::tempdir().expect("a folder for the test");
    for number in 0..2_500 {
        fs::write(root.path().join(format!("{number:04}")), "").expect("a file");
    }
    let names = |target: &str| -> Vec<String> {
        let listing = json(root.path(), target);
        assert_eq!(listing["total"], json!(2_500));
        let entries = listing["entries"].as_array().expect("entries are a list").iter();
        entries.map(|entry| entry["name"].as_str().expect("a name is text").to_owned()).collect()
    };
    let pages: Vec<String> = ["/", "/?page=2", "/?page=3"].into_iter().flat_map(names).collect();
    let expect: Vec<String> = (0..2_500).map(|number| format!("{number:04}")).collect();
    assert_eq!(pages, expect);
    assert_eq!(names("/?per_page=100000"), expect);

    let page = html(root.path(), "/?page=2&q=0&sort=size");
    let part = |start, end| {
        page.split_once(start).and_then(|(_, rest)| rest.split_once(end)).expect("it is there").0
    };
    assert_eq!(
        part("<p role=\"status\">", "</p>"),
        "1,001 to 1,447 of 1,447 entries with “<bdi>0</bdi>” in the name"
    );
    let expect = r#"<a href="?sort=size&amp;q=0">First</a><a rel="prev" href="?sort=size&amp;q=0">Previous</a><span>Page 2 of 2</span>"#;
    assert_eq!(part("aria-label=\"Pages\">", "</nav>"), expect);
}

#[test]
fn the_page_around_the_entries() {
    let root = tempfile::tempdir().expect("a folder for the test");
    fs::create_dir_all(root.path().join("a<b/c d/e")).expect("folders");
    let check = |target: &str, expect: &[&str]| {
        let page = html(root.path(), target);
        for expect in expect {
            assert!(page.contains(expect), "{expect} is not in {page}");
        }
        // The name space of an image within the page is the only address: nothing is loaded from anywhere.
        let addresses: Vec<_> =
            page.split("://").skip(1).filter(|rest| !rest.starts_with("www.w3.org/2000/svg'")).collect();
        assert!(addresses.is_empty() && !page.contains("<script"), "{page}");
    };
    check("/", &["<title>Index of /</title>", "<h1>All files</h1>", "<p role=\"status\">1 entry</p>"]);
    check(
        "/a%3Cb/c%20d/",
        &[
            "<title>Index of /a&lt;b/c d/</title>",
            r#"<li><a href="../../"><bdi>Home</bdi></a></li><li><a href="../"><bdi>a&lt;b</bdi></a></li></ol>"#,
            "<h1><bdi>c d</bdi></h1>",
            r#"<tr class="d"><td><a href="e/"><bdi>e</bdi>/</a></td><td></td><td><time datetime=""#,
            r#"<th scope="col" aria-sort="ascending"><form><input type="hidden" name="order" value="desc"><button>Name"#,
            r#"<th scope="col"><form><input type="hidden" name="sort" value="size"><input type="hidden" name="order""#,
        ],
    );
    check("/a%3Cb/c%20d/e/", &["This folder is empty."]);
    check(
        "/?q=%22%3E%3Cb&sort=time&page=3",
        &[
            "0 entries with “<bdi>&quot;&gt;&lt;b</bdi>” in the name",
            r#"autocomplete="off" value="&quot;&gt;&lt;b">"#,
            r#"<a href="?sort=time">Show all entries</a>"#,
        ],
    );
}

#[test]
fn what_cannot_be_listed() {
    let root = folder_of_names();
    let source = source(root.path(), ListingMode::Html);
    let refused = |target| read(&source, target, ListingForm::Html).expect_err("it is no directory");
    assert_eq!(refused("/missing/"), Failure::Missing);
    assert_eq!(refused("/plain.txt/"), Failure::Missing);
}

#[test]
fn large_pages_are_bounded() {
    let root = tempfile::tempdir().expect("a folder for the test");
    for number in 0..=LARGE_PAGE_ENTRIES {
        File::create(root.path().join(number.to_string())).expect("a file");
    }
    let source = source(root.path(), ListingMode::Json);
    let large = || read(&source, "/?per_page=100000", ListingForm::Json);
    let mut under_way: Vec<Listing> = (0..LARGE_PAGES_ENTRIES / (LARGE_PAGE_ENTRIES + 1))
        .map(|_| large().expect("there is room"))
        .collect();
    assert_eq!(large().expect_err("there is no room"), Failure::Busy);
    read(&source, "/", ListingForm::Json).expect("a page of usual size needs none");
    under_way.pop();
    large().expect("there is room again");
}

#[test]
fn forms_and_fields() {
    #[track_caller]
    fn check(mode: ListingMode, accept: Option<&str>, expect: &str) {
        let listings = Listings::new(mode, DotNames::Hidden, Column::Absent);
        let accept = accept.into_iter().map(str::as_bytes).collect();
        let seen = match listings.form(&accept) {
            Some(form) => Listing::fields(form).map(|(name, value)| format!("{name}: {value}")).collect(),
            None => vec!["off".to_owned()],
        };
        assert_eq!(seen.join("\n"), expect, "{mode:?}");
    }
    const HTML: &str = "Cache-Control: no-cache\nContent-Type: text/html; charset=utf-8\n\
        Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; \
        base-uri 'none'\nX-Content-Type-Options: nosniff\nVary: Accept";
    const JSON: &str = "Cache-Control: no-cache\nContent-Type: application/json\nX-Content-Type-Options: nosniff\n\
        Vary: Accept";
    let browser = Some("text/html,application/xhtml+xml,*/*;q=0.8");
    check(ListingMode::Html, None, HTML);
    check(ListingMode::Html, browser, HTML);
    check(ListingMode::Html, Some("application/json"), JSON);
    check(ListingMode::Json, browser, JSON);
    check(ListingMode::Off, browser, "off");
}

#[test]
fn downloads_are_told_where_they_are_asked_for() {
    let root = tempfile::tempdir().expect("a folder for the test");
    fs::create_dir(root.path().join("sub")).expect("a folder");
    for name in ["a", "b|c", "d"] {
        fs::write(root.path().join(name), "x").expect("a file");
    }
    let shown = |target: &str, form| {
        let source = source_with(root.path(), ListingMode::Html, Column::Shown);
        render(read(&source, target, form).expect("it is readable"))
    };
    let listing: Value = serde_json::from_str(&shown("/?sort=downloads", ListingForm::Json)).expect("JSON");
    assert_eq!(listing["sort"], "downloads");
    let told: Vec<_> =
        listing["entries"].as_array().expect("entries").iter().map(|it| &it["downloads"]).collect();
    assert_eq!(told, [&Value::Null, &json!(0), &json!(0), &json!(0)]);
    let page = shown("/?sort=downloads&order=desc", ListingForm::Html);
    for expect in [
        r#"<th scope="col" class="n" aria-sort="descending">"#,
        r#"<bdi>d</bdi></a></td><td title="1 bytes">1 B</td><td class="n">0</td><td><time"#,
        r#"<bdi>sub</bdi>/</a></td><td></td><td class="n"></td>"#,
    ] {
        assert!(page.contains(expect), "{expect} is not in {page}");
    }
    // Where they are not shown nobody can order by them.
    let listing = json(root.path(), "/?sort=downloads");
    assert_eq!((&listing["sort"], listing["entries"][1].get("downloads")), (&json!("name"), None));
}

/// Lists `target` as a request would that comes beside others.
async fn list(recent: &Recent, source: &Source, target: &str) -> Result<Listing, Failure> {
    let Ok(Target::Path { path, .. }) = Target::parse(target.as_bytes()) else { panic!("{target}") };
    let query = Query::unasked(PerPage::Readable);
    recent.list(source.clone(), path.into_owned(), query, ListingForm::Json).await
}

#[test]
fn those_who_ask_together_share_a_reading_and_later_ones_do_not() {
    let root = tempfile::tempdir().expect("a folder for the test");
    fs::create_dir(root.path().join("sub")).expect("a folder");
    let source = source(root.path(), ListingMode::Html);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let (recent, later) = (Recent::default(), 4 * CHECK_HOLDS);
    runtime.block_on(async {
        let ask = || list(&recent, &source, "/sub/");
        // Both wait before either has read.
        let (Ok(one), Ok(other), Ok(elsewhere)) = tokio::join!(ask(), ask(), list(&recent, &source, "/"))
        else {
            panic!("they are readable")
        };
        let texts = [&one, &other, &elsewhere].map(|listing| listing.text().expect("a short text"));
        assert!(Arc::ptr_eq(texts[0], texts[1]));
        assert!(!Arc::ptr_eq(texts[0], texts[2]));
        fs::write(root.path().join("sub/new"), "").expect("a file");
        tokio::time::sleep(later).await;
        assert!(render(ask().await.expect("it is readable")).contains("\"new\""));
        // What fails is told to each.
        fs::remove_dir_all(root.path().join("sub")).expect("our own folder");
        tokio::time::sleep(later).await;
        let failures = tokio::join!(ask(), ask());
        assert!(matches!(failures, (Err(Failure::Missing), Err(Failure::Missing))), "{failures:?}");
    });
}
