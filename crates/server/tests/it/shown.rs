//! What the public side tells of the tally, where it is asked to: a column in listings, and badges.

use serde_json::Value;

use crate::harness::{Answer, Books, Protocol, Server, Site, Stdout, on_every_protocol};

on_every_protocol! {
    a_listing_tells_downloads_and_sorts_by_them,
    a_badge_tells_downloads_of_what_can_be_fetched,
    nothing_is_told_unasked,
}

fn ask(server: &Server, target: &str, lines: &str) -> Answer {
    let mut conn = server.connect();
    conn.send(format!("GET {target} HTTP/1.1\r\nHost: a\r\n{lines}\r\n"));
    conn.answer()
}

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.content.clone()).expect("text")
}

/// A server that shows all that it can, after `a|b.txt` was downloaded three times and `c.txt` once.
fn asked_for_three_times(protocol: Protocol, site: &Site) -> (Server, Books) {
    let books = Books::of(site);
    let mut command = books.server(site);
    let server =
        Server::launch_over(protocol, site, command.args(["--listing-counts", "--badges"]), Stdout::Followed);
    for target in ["/pub/a%7Cb.txt", "/pub/a%7Cb.txt", "/pub/a%7Cb.txt", "/pub/c.txt"] {
        assert_eq!(server.fetch(target).status, 200);
    }
    books.wait_for("/pub/a%7Cb.txt", "3 downloads", |it| it.downloads == 3);
    books.wait_for("/pub/c.txt", "1 download", |it| it.downloads == 1);
    (server, books)
}

fn site() -> Site {
    Site::with(&[
        ("pub/a|b.txt", "ab"),
        ("pub/c.txt", "c"),
        ("pub/never.txt", ""),
        ("pub/.dot", "d"),
        ("pub/sub/f", ""),
    ])
}

fn a_listing_tells_downloads_and_sorts_by_them(protocol: Protocol) {
    let site = site();
    let (server, books) = asked_for_three_times(protocol, &site);
    let listing = ask(&server, "/pub/?sort=downloads&order=desc", "Accept: application/json\r\n");
    let listing: Value = serde_json::from_slice(&listing.content).expect("JSON");
    let entries = listing["entries"].as_array().expect("entries").iter();
    let told: Vec<String> = entries.map(|it| format!("{} {}", it["name"], it["downloads"])).collect();
    assert_eq!(told, ["\"sub\" null", "\"a|b.txt\" 3", "\"c.txt\" 1", "\"never.txt\" 0"]);
    let page = text(&ask(&server, "/pub/", "Accept: text/html\r\n"));
    assert!(page.contains("<button>Downloads</button>") && page.contains("<td class=\"n\">3</td>"), "{page}");
    assert_eq!(books.all().len(), 2);
}

fn a_badge_tells_downloads_of_what_can_be_fetched(protocol: Protocol) {
    let site = site();
    let (server, books) = asked_for_three_times(protocol, &site);
    let image = ask(&server, "/.tallyd/badge/pub/a%7Cb.txt.svg", "");
    assert_eq!((image.status, image.field("Content-Type")), (200, Some("image/svg+xml")));
    assert_eq!(image.field("Cache-Control"), Some("public, max-age=300"));
    assert!(text(&image).contains("<title>downloads: 3</title>"), "{}", text(&image));
    let json = ask(&server, "/.tallyd/badge/pub/c.txt.json", "");
    let content: Value = serde_json::from_slice(&json.content).expect("JSON");
    assert_eq!((&content["schemaVersion"], &content["message"]), (&1.into(), &"1".into()));
    assert_eq!(text(&ask(&server, "/.tallyd/badge/pub/never.txt.svg", "")).matches(">0</text>").count(), 1);

    let tag = image.field("ETag").expect("a badge has a tag");
    let known = ask(&server, "/.tallyd/badge/pub/a%7Cb.txt.svg", &format!("If-None-Match: {tag}\r\n"));
    assert_eq!((known.status, known.content.len()), (304, 0));
    let head = server.connect().head("/.tallyd/badge/pub/c.txt.svg");
    assert_eq!((head.status, head.content.len()), (200, 0));

    for missing in [
        "pub/.dot.svg",
        "pub/gone.svg",
        "pub.svg",
        "pub/sub/.svg",
        "pub/c.txt",
        "..%2f..%2fetc/passwd.svg",
        "",
        ".svg",
    ] {
        let answer = ask(&server, &format!("/.tallyd/badge/{missing}"), "");
        assert!(matches!(answer.status, 400 | 404), "{missing}: {}", answer.status);
    }
    let listing = text(&ask(&server, "/", ""));
    assert!(!listing.contains(".tallyd"), "{listing}");
    assert_eq!(books.all().len(), 2);
}

fn nothing_is_told_unasked(protocol: Protocol) {
    let site = site();
    let server = Server::start_over(protocol, &site, &[]);
    assert_eq!(server.fetch("/pub/c.txt").status, 200);
    assert_eq!(server.fetch("/.tallyd/badge/pub/c.txt.svg").status, 404);
    let listing = text(&ask(&server, "/pub/?sort=downloads", "Accept: application/json\r\n"));
    assert!(listing.contains("\"sort\":\"name\"") && !listing.contains("\"downloads\":"), "{listing}");
}
