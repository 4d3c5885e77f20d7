//! What paths mean instead of themselves: redirects, rewrites, a base, and a page that stands in.

use std::fs;

use crate::harness::{Protocol, Server, Site, on_every_protocol, tallyd};

on_every_protocol! {
    redirects_lead_where_they_say_and_nowhere_else,
    rewrites_answer_with_another_file_once,
    rewrites_to_another_form_come_to_an_end,
    circles_of_rewrites_come_to_an_end,
    everything_is_beneath_the_base,
    a_page_stands_in_for_addresses_that_its_script_knows,
    a_stand_in_that_is_missing_is_missing,
    a_folder_does_not_stand_in,
    media_types_of_the_publisher,
}

/// Each path with its numbers, in the order of the paths.
fn counted(server: &Server, deliveries: usize) -> Vec<(String, u64)> {
    let mut counted: Vec<_> =
        server.stdout().wait_for_deliveries(deliveries).into_iter().map(|it| (it.path, it.n)).collect();
    counted.sort_unstable();
    counted
}

fn redirects_lead_where_they_say_and_nowhere_else(protocol: Protocol) {
    let site = Site::with(&[("there", "t"), ("new/a", "n")]);
    let config = site.around().join("tallyd.toml");
    fs::write(
        &config,
        "[[redirect]]\nfrom = '/old/**'\nto = '/new/$1'\nstatus = 301\n\
         [[redirect]]\nfrom = '/there'\nto = '/here?own'\n\
         [[redirect]]\nfrom = '/search/*'\nto = 'https://search.example/?q=$1#top'\nstatus = 308\n\
         [[redirect]]\nfrom = '/go**'\nto = '/$1'\nstatus = 307\n",
    )
    .expect("a file for the test");
    let server =
        Server::start_over(protocol, &site, &["--config", config.to_str().expect("a path in UTF-8")]);
    let mut conn = server.connect();
    for (target, status, location) in [
        ("/old/a", 301, "/new/a"),
        ("/old/a%20b/c?x=y", 301, "/new/a%20b/c?x=y"),
        // Also where there is a file.
        ("/there", 302, "/here?own"),
        ("/there?x", 302, "/here?own"),
        ("/search/a%26b", 308, "https://search.example/?q=a%26b#top"),
        ("/go/evil.example", 307, "/evil.example"),
        ("/go//evil.example", 307, "/evil.example"),
        ("/go/%5Cevil.example", 307, "/%5Cevil.example"),
        ("/go%5C/evil.example", 307, "/%5C/evil.example"),
        ("/go/a%0d%0aX:%20y", 307, "/a%0D%0AX%3A%20y"),
    ] {
        for answer in [conn.get(target), conn.head(target)] {
            assert_eq!((answer.status, answer.field("Location")), (status, Some(location)), "{target}");
            assert!(answer.field("X").is_none(), "{target}");
        }
    }
    assert_eq!(conn.get("/new/a").status, 200);
    assert_eq!(counted(&server, 1), [("/new/a".to_owned(), 1)]);
}

fn rewrites_answer_with_another_file_once(protocol: Protocol) {
    let site =
        Site::with(&[("v2/a.txt", "two"), ("v1/a.txt", "one"), (".secret", "s"), ("dir/f", "f"), ("b", "b")]);
    let server = Server::start_over(
        protocol,
        &site,
        &[
            "--rewrite",
            "/latest/** /v2/$1",
            "--rewrite",
            "/v2/** /v1/$1",
            "--rewrite",
            "/x/** /$1",
            "--rewrite",
            "/folder /dir/",
            "--rewrite",
            "/up/?b /$1$1/$1$1/b",
        ],
    );
    for (target, status, content) in [
        ("/latest/a.txt", 200, "two"),
        ("/latest/a.txt", 200, "two"),
        ("/v2/a.txt", 200, "one"),
        ("/x/b", 200, "b"),
        // What is hidden stays hidden, and nothing leads out.
        ("/x/.secret", 404, ""),
        ("/up/.b", 404, ""),
    ] {
        let answer = server.fetch(target);
        assert_eq!(answer.status, status, "{target}");
        assert!(status != 200 || answer.content == content.as_bytes(), "{target}: {answer:?}");
    }
    // A folder is shown at its own address, where its references lead somewhere.
    assert_eq!(server.fetch("/folder").field("Location"), Some("/dir/"));
    let expect = [("/b", 1), ("/v1/a.txt", 1), ("/v2/a.txt", 1), ("/v2/a.txt", 2)];
    assert_eq!(counted(&server, 4), expect.map(|(path, n)| (path.to_owned(), n)));
}

fn rewrites_to_another_form_come_to_an_end(protocol: Protocol) {
    let site = Site::with(&[("app/index.html", "app"), ("pub/f", "f"), ("page", "page")]);
    let rules = ["/app/** /app", "/pub/** /pub/", "/page /page/"];
    let server = Server::start_over(protocol, &site, &rules.map(|rule| ["--rewrite", rule]).concat());
    for (target, status, location) in [
        ("/app/x", 301, Some("/app/")),
        ("/app", 301, Some("/app/")),
        ("/app/", 200, None),
        ("/pub/f", 301, Some("/pub/")),
        ("/pub/", 200, None),
        ("/page/", 301, Some("/page")),
        ("/page", 200, None),
    ] {
        // What was remembered of the first leads the second to the same.
        for _ in 0..2 {
            let answer = server.fetch(target);
            assert_eq!((answer.status, answer.field("Location")), (status, location), "{target}");
        }
    }
}

fn circles_of_rewrites_come_to_an_end(protocol: Protocol) {
    let files = ["a/f", "b/f", "d/f", "e/f", "v2/index.html"];
    let site = Site::with(&files.map(|file| (file, "content")));
    let rewrites = ["/a/ /b/", "/b/ /a/", "/c/ /d", "/d/ /v2/", "/f /e/"];
    let mut arguments = vec!["--redirect", "/e/ /f"];
    arguments.extend(rewrites.iter().flat_map(|rule| ["--rewrite", rule]));
    let server = Server::start_over(protocol, &site, &arguments);
    for (target, status, location) in [
        ("/a/", 404, None),
        ("/b/", 404, None),
        ("/a/f", 200, None),
        // A redirect may be one of the steps.
        ("/f", 404, None),
        ("/e/", 302, Some("/f")),
        // Where it comes to an end, one rewrite may lead to the next.
        ("/c/", 301, Some("/d/")),
        ("/d/", 200, None),
    ] {
        let answer = server.fetch(target);
        assert_eq!((answer.status, answer.field("Location")), (status, location), "{target}");
    }
    // With an index file, a folder is what it is rewritten to.
    site.file("b/index.html", "b");
    assert_eq!(server.fetch("/a/").content, b"b");
}

#[test]
fn circles_and_open_redirects_are_refused_at_start() {
    let site = Site::new();
    let config = site.around().join("tallyd.toml");
    for (file, sentence) in [
        ("redirect = ['/x /y', '/a /b', '/b /a']", "leads in a circle"),
        ("[[redirect]]\nfrom = '/**'\nto = '/new/$1'", "leads in a circle"),
        ("redirect = ['/x /y', '/docs/ /docs 301']", "leads back to its own path but for the final slash"),
        ("[[redirect]]\nfrom = '/**'\nto = 'https://$1'", "has a wildcard in the host"),
        ("[[redirect]]\nfrom = '/**'\nto = '//a.example/$1'", "leads neither to a path nor"),
        ("[[rewrite]]\nfrom = '/a'\nto = '/../b'", "leads out of the folder to serve"),
        ("[[rewrite]]\nform = '/a'\nto = '/b'", "did you mean \"from\"?"),
    ] {
        fs::write(&config, format!("# a comment\n{file}")).expect("a file for the test");
        let ended = tallyd(&site).arg("--config").arg(&config).output().expect("it ends");
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!((ended.status.code(), said.lines().count()), (Some(2), 1), "{file}: {said}");
        assert!(said.contains(sentence) && said.contains(" line "), "{file}: {said}");
    }
}

fn everything_is_beneath_the_base(protocol: Protocol) {
    let site = Site::with(&[("index.html", "i"), ("dir/a b.txt", "a"), ("page", "p"), ("base/f", "not it")]);
    let server =
        Server::start_over(protocol, &site, &["--base-path", "/my%20base/", "--redirect", "/old /dir/"]);
    for (target, content) in
        [("/my%20base/", "i"), ("/my%20base/dir/a%20b.txt", "a"), ("/my%20base//page", "p")]
    {
        let answer = server.fetch(target);
        assert_eq!((answer.status, answer.content.as_slice()), (200, content.as_bytes()), "{target}");
    }
    for (target, status, location) in [
        ("/my%20base?x=y", 301, "/my%20base/?x=y"),
        ("/my%20base/dir", 301, "/my%20base/dir/"),
        ("/my%20base/page/", 301, "/my%20base/page"),
        ("/my%20base/old", 302, "/my%20base/dir/"),
    ] {
        let answer = server.fetch(target);
        assert_eq!((answer.status, answer.field("Location")), (status, Some(location)), "{target}");
    }
    for target in ["/", "/page", "/my%20based", "/my%20base/../page", "/index.html", "/base/f", "/old"] {
        assert_eq!(server.fetch(target).status, 404, "{target}");
    }
    // Links of a listing are relative, and "Home" climbs no higher than the base.
    let listing = String::from_utf8(server.fetch("/my%20base/dir/").content).expect("a listing is text");
    assert!(listing.contains("href=\"a%20b.txt\"") && listing.contains("href=\"../\""), "{listing}");
    // Paths are counted as they are in the folder.
    let expect = [("/dir/a b.txt", 1), ("/index.html", 1), ("/page", 1)];
    assert_eq!(counted(&server, 3), expect.map(|(path, n)| (path.to_owned(), n)));
}

fn a_page_stands_in_for_addresses_that_its_script_knows(protocol: Protocol) {
    let site = Site::with(&[("app/index.html", "app"), ("real.html", "real"), ("dir/f", "f"), (".env", "s")]);
    let server = Server::start_over(protocol, &site, &["--spa", "app/index.html", "--listing", "off"]);
    let browser = "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n";
    let script = "Accept: */*\r\n";
    for (target, accept, stands_in) in [
        ("/", browser, true),
        ("/users/7", browser, true),
        ("/users/7?tab=1", script, true),
        ("/users/7/", script, true),
        ("/users/john.doe", browser, true),
        ("/users/john.doe", script, false),
        ("/missing.js", script, false),
        ("/missing.js", "", false),
        ("/dir/", browser, true),
        // No more is told of what is hidden than of what is missing.
        ("/.env", script, false),
        ("/.env", browser, true),
    ] {
        for method in ["GET", "HEAD"] {
            let mut conn = server.connect();
            conn.send(format!("{method} {target} HTTP/1.1\r\nHost: a\r\n{accept}\r\n"));
            let head = conn.next_head().expect("an answer");
            assert_eq!(head.status, if stands_in { 200 } else { 404 }, "{method} {target} {accept}");
            assert_eq!(head.field("Vary"), Some("Accept"), "{method} {target} {accept}");
            if stands_in {
                assert_eq!(head.field("Content-Length"), Some("3"));
            }
        }
    }
    assert_eq!(server.fetch("/real.html").content, b"real");
    assert_eq!(server.fetch("/dir").field("Location"), Some("/dir/"));
    // A file that comes to be at such an address is found there.
    site.file("users/7", "seven");
    assert_eq!(server.fetch("/users/7").content, b"seven");
    assert!(counted(&server, 16).contains(&("/app/index.html".to_owned(), 14)));
}

fn a_stand_in_that_is_missing_is_missing(protocol: Protocol) {
    let site = Site::with(&[("f", "f")]);
    let server = Server::start_over(protocol, &site, &["--spa", "none.html"]);
    assert_eq!(server.fetch("/route").status, 404);
    assert_eq!(server.fetch("/none.html").status, 404);
    assert_eq!(server.fetch("/f").status, 200);
}

fn a_folder_does_not_stand_in(protocol: Protocol) {
    let site = Site::with(&[("dir/f", "f")]);
    let server = Server::start_over(protocol, &site, &["--spa", "dir", "--listing", "off"]);
    for target in ["/route", "/dir/"] {
        assert_eq!(server.fetch(target).status, 404, "{target}");
    }
    assert_eq!(server.fetch("/dir").field("Location"), Some("/dir/"));
}

fn media_types_of_the_publisher(protocol: Protocol) {
    let site = Site::with(&[("a.webc", "a"), ("b.txt", "b"), ("c.bin", "c"), ("d.css", "d")]);
    let config = site.around().join("tallyd.toml");
    fs::write(
        &config,
        "[mime]\nwebc = 'text/html'\ntxt = 'text/plain; charset=iso-8859-1'\nbin = 'application/x-own'\n",
    )
    .expect("a file for the test");
    let server =
        Server::start_over(protocol, &site, &["--config", config.to_str().expect("a path in UTF-8")]);
    for (target, media_type) in [
        ("/a.webc", "text/html; charset=utf-8"),
        ("/b.txt", "text/plain; charset=iso-8859-1"),
        ("/c.bin", "application/x-own"),
        ("/d.css", "text/css; charset=utf-8"),
    ] {
        assert_eq!(server.fetch(target).field("Content-Type"), Some(media_type), "{target}");
    }
}
