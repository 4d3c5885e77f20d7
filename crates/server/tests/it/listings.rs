//! Directories without an index file, as browsers and programs see them.

use std::process::Command;

use crate::harness::{Server, Site};

/// What curl gets: the content, and the fields on which `-w` reports.
fn curl(server: &Server, path: &str, arguments: &[&str]) -> (String, String) {
    let report = "\n%{http_code} %{content_type}";
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--fail-with-body", "--max-time", "20", "--write-out", report])
        .args(arguments)
        .arg(server.url(path))
        .output()
        .expect("curl is installed");
    let text = String::from_utf8(output.stdout).expect("a listing is UTF-8");
    let (content, report) = text.rsplit_once('\n').expect("curl reports");
    (content.to_owned(), report.to_owned())
}

#[test]
fn a_directory_is_listed_in_the_form_that_is_asked_for() {
    let site = Site::with(&[("bare/a b#.txt", "twelve bytes"), ("bare/dir/f", ""), ("bare/.dot", "")]);
    let server = Server::start(&site, &[]);
    let (html, report) = curl(&server, "/bare/", &[]);
    assert_eq!(report, "200 text/html; charset=utf-8");
    assert!(html.contains("href=\"a%20b%23.txt\"") && html.contains("href=\"dir/\""), "{html}");
    assert!(!html.contains(".dot"), "{html}");
    let (json, report) = curl(&server, "/bare/", &["--header", "Accept: application/json"]);
    assert_eq!(report, "200 application/json");
    assert!(json.contains(r#""name":"a b#.txt","href":"a%20b%23.txt","type":"file","size":12"#), "{json}");
    // A listing takes no number; the file that it leads to does.
    assert_eq!(server.fetch("/bare/a%20b%23.txt").content, b"twelve bytes");
    let delivered = server.stdout().wait_for_deliveries(1);
    assert_eq!((delivered[0].path.as_str(), delivered[0].n), ("/bare/a b#.txt", 1));
}

#[test]
fn a_long_listing_is_whole_however_it_is_framed() {
    const ENTRIES: usize = 3_000;
    let site = Site::new();
    for entry in 0..ENTRIES {
        site.file(format!("many/{entry:04}"), "");
    }
    let server = Server::start(&site, &["--workers", "1"]);
    // A browser gets pages, a program that does not name a form all there is.
    let browser = ["--header", "Accept: text/html,*/*;q=0.8"];
    let (page, _) = curl(&server, "/many/", &browser);
    assert_eq!(page.matches("href=\"0").count(), 1_000);
    assert!(page.contains("href=\"?page=2\""), "{page}");
    let (all, _) = curl(&server, "/many/", &[]);
    assert!(all.contains("href=\"2999\"") && !all.contains("?page="), "{all}");
    let path = format!("/many/?per_page={ENTRIES}");
    for arguments in [&[][..], &["--http1.0"]] {
        let (html, _) = curl(&server, &path, arguments);
        let starting_with = |digit| html.matches(&format!("href=\"{digit}")).count();
        assert_eq!((0..3).map(starting_with).sum::<usize>(), ENTRIES, "{arguments:?}");
        assert!(html.trim_end().ends_with("</html>"), "{arguments:?}");
    }
    // The connection goes on behind a listing in chunks, and HEAD has none.
    let (_, report) = curl(&server, "/many/0000", &["--output", "/dev/null", &server.url(&path)]);
    assert!(report.contains("200"), "{report}");
    let head = server.connect().head(&path);
    assert_eq!((head.status, head.field("Transfer-Encoding")), (200, Some("chunked")));
}

#[test]
fn listings_can_be_turned_off_or_kept_to_programs() {
    let site = Site::with(&[("bare/f", "")]);
    let server = Server::start(&site, &["--listing", "json"]);
    assert_eq!(curl(&server, "/bare/", &[]).1, "200 application/json");
    // One ledger has one owner at a time.
    drop(server);
    let server = Server::start(&site, &["--listing", "off"]);
    assert!(curl(&server, "/bare/", &[]).1.starts_with("404 "));
    drop(server);
    let server = Server::start(&site, &["--index", "start.htm", "--index", "f"]);
    assert_eq!(server.fetch("/bare/").status, 200);
    assert_eq!(server.stdout().wait_for_deliveries(1)[0].path, "/bare/f");
}
