//! Directories without an index file, as browsers and programs see them.

use std::fs;
use std::time::Duration;

use crate::harness::{Protocol, Server, Site, cpu_time, on_every_protocol};

on_every_protocol! {
    a_directory_is_listed_in_the_form_that_is_asked_for,
    a_long_listing_is_whole_however_it_is_framed,
    listings_can_be_turned_off_or_kept_to_programs,
}

/// What a client gets that accepts this: the content, and its status and type.
fn ask(server: &Server, path: &str, accept: &str) -> (String, String) {
    let mut conn = server.connect();
    conn.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\nAccept: {accept}\r\n\r\n"));
    let answer = conn.answer();
    let report = format!("{} {}", answer.status, answer.field("Content-Type").expect("a type"));
    (String::from_utf8(answer.content).expect("a listing is UTF-8"), report)
}

fn a_directory_is_listed_in_the_form_that_is_asked_for(protocol: Protocol) {
    let site = Site::with(&[("bare/a b#.txt", "twelve bytes"), ("bare/dir/f", ""), ("bare/.dot", "")]);
    let server = Server::start_over(protocol, &site, &[]);
    let (html, report) = ask(&server, "/bare/", "*/*");
    assert_eq!(report, "200 text/html; charset=utf-8");
    assert!(html.contains("href=\"a%20b%23.txt\"") && html.contains("href=\"dir/\""), "{html}");
    assert!(!html.contains(".dot"), "{html}");
    let (json, report) = ask(&server, "/bare/", "application/json");
    assert_eq!(report, "200 application/json");
    assert!(json.contains(r#""name":"a b#.txt","href":"a%20b%23.txt","type":"file","size":12"#), "{json}");
    // A listing takes no number; the file that it leads to does.
    assert_eq!(server.fetch("/bare/a%20b%23.txt").content, b"twelve bytes");
    let delivered = server.stdout().wait_for_deliveries(1);
    assert_eq!((delivered[0].path.as_str(), delivered[0].n), ("/bare/a b#.txt", 1));
}

fn a_long_listing_is_whole_however_it_is_framed(protocol: Protocol) {
    const ENTRIES: usize = 3_000;
    let site = Site::new();
    for entry in 0..ENTRIES {
        site.file(format!("many/{entry:04}"), "");
    }
    let server = Server::start_over(protocol, &site, &["--workers", "1"]);
    // A browser gets pages, a program that does not name a form all there is.
    let (page, _) = ask(&server, "/many/", "text/html,*/*;q=0.8");
    assert_eq!(page.matches("href=\"0").count(), 1_000);
    assert!(page.contains("href=\"?page=2\""), "{page}");
    let (all, _) = ask(&server, "/many/", "*/*");
    assert!(all.contains("href=\"2999\"") && !all.contains("?page="), "{all}");
    let path = format!("/many/?per_page={ENTRIES}");
    let is_whole = |html: &str| {
        let starting_with = |digit| html.matches(&format!("href=\"{digit}")).count();
        assert_eq!((0..3).map(starting_with).sum::<usize>(), ENTRIES);
        assert!(html.trim_end().ends_with("</html>"));
    };
    is_whole(&ask(&server, &path, "*/*").0);
    // The connection goes on behind a listing, and HEAD has none.
    let mut conn = server.connect();
    assert_eq!(conn.get(&path).status, 200);
    if protocol.has_streams() {
        assert_eq!((conn.get("/many/0000").status, conn.head(&path).status), (200, 200));
        return;
    }
    let head = conn.head(&path);
    assert_eq!((head.status, head.field("Transfer-Encoding")), (200, Some("chunked")));
    assert_eq!(conn.get("/many/0000").status, 200);
    // An older client is told by the end of the connection.
    conn.send(format!("GET {path} HTTP/1.0\r\n\r\n"));
    is_whole(&String::from_utf8(conn.answer().content).expect("a listing is UTF-8"));
}

fn listings_can_be_turned_off_or_kept_to_programs(protocol: Protocol) {
    let site = Site::with(&[("bare/f", "")]);
    let server = Server::start_over(protocol, &site, &["--listing", "json"]);
    assert_eq!(ask(&server, "/bare/", "*/*").1, "200 application/json");
    // One ledger has one owner at a time.
    drop(server);
    let server = Server::start_over(protocol, &site, &["--listing", "off"]);
    assert!(ask(&server, "/bare/", "*/*").1.starts_with("404 "));
    drop(server);
    let server = Server::start_over(protocol, &site, &["--index", "start.htm", "--index", "f"]);
    assert_eq!(server.fetch("/bare/").status, 200);
    assert_eq!(server.stdout().wait_for_deliveries(1)[0].path, "/bare/f");
}

#[test]
fn a_folder_is_not_read_to_its_end_for_nobody() {
    const ENTRIES: usize = 100_000;
    const CLIENTS: u32 = 24;
    let site = Site::with(&[("f", "content")]);
    fs::create_dir(site.path("many")).expect("a folder");
    for entry in 0..ENTRIES {
        fs::File::create(site.path(format!("many/{entry}"))).expect("a file");
    }
    for protocol in [Protocol::Http1, Protocol::Http1Tls, Protocol::Http2, Protocol::Http3] {
        let server = Server::start_over(protocol, &site, &["--workers", "1", "--ledger", "none"]);
        // In this order every entry is looked at, for each page anew.
        let page = |page: u32| format!("/many/?sort=size&page={page}");
        let spent = |what: &dyn Fn()| -> Duration {
            let before = cpu_time(server.pid());
            what();
            cpu_time(server.pid()).saturating_sub(before)
        };
        let reading = spent(&|| assert_eq!(server.fetch(&page(1)).status, 200));
        let all = spent(&|| {
            for number in 0..CLIENTS {
                let mut conn = server.connect();
                // Both come together, so that with the answer to one the other is there.
                let listing = page(number + 2);
                conn.send(format!(
                    "GET /f HTTP/1.1\r\nHost: a\r\n\r\nGET {listing} HTTP/1.1\r\nHost: a\r\n\r\n"
                ));
                assert_eq!(conn.answer().content, b"content");
                if protocol.has_streams() {
                    conn.cancel();
                } else {
                    conn.reset();
                }
            }
            // It has to wait for those before it.
            assert_eq!(server.fetch(&page(CLIENTS + 2)).status, 200);
        });
        println!("{protocol:?}: one reading takes {reading:?}, {CLIENTS} for nobody and one {all:?}");
        assert!(all < reading * (CLIENTS / 2), "{protocol:?}: {reading:?}, {all:?}");
    }
}
