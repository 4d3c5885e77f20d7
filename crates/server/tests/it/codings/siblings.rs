//! Precompressed siblings.

use std::fs::{self, File, FileTimes};
use std::os::unix::fs::symlink;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use rustix::fs::{CWD, Mode, mkfifoat};

use super::coded::{accept, coding, decode, encode, request, settle, tag, text};
use crate::harness::{Protocol, SOON, Server, Site, eventually, on_every_protocol};

on_every_protocol! {
    rfc9110_section_12_5_3_each_client_gets_what_it_takes,
    ranges_and_preconditions_are_about_the_selected_coding,
    a_sibling_counts_for_the_file_that_was_asked_for,
    an_index_has_siblings_too,
    what_is_no_sibling_is_passed_over,
    precompressed_off_serves_files_as_they_are,
    hostile_fields_are_answered_all_the_same,
    siblings_come_and_go_between_requests,
    a_sibling_of_a_file_that_is_asked_for_all_the_time_is_seen,
}

const CODINGS: [(&str, &str); 3] = [("br", ".br"), ("zstd", ".zst"), ("gzip", ".gz")];

/// Long after `old`.
const NOW: Duration = Duration::from_secs(1_700_000_000);
const OLD: Duration = Duration::from_secs(1_600_000_000);

/// Larger than what is kept in memory, and smaller when coded.
const LENGTH: usize = 200_000;

fn write(site: &Site, name: &str, content: &[u8], modified: Duration) {
    let path = site.file(name, content);
    let file = File::options().write(true).open(path).expect("it was just written");
    file.set_times(FileTimes::new().set_modified(SystemTime::UNIX_EPOCH + modified)).expect("its time");
}

/// A page with a sibling in each coding. The codings' contents differ, so that a mixture would show.
fn site() -> Site {
    let site = Site::new();
    write(&site, "page.html", &text(LENGTH, 0), NOW);
    for (seed, (coding, extension)) in CODINGS.into_iter().enumerate() {
        write(&site, &format!("page.html{extension}"), &encode(coding, &text(LENGTH, seed + 1)), NOW);
    }
    site
}

/// What `page.html` decodes to in this coding.
fn expected(coding: &str) -> Vec<u8> {
    let seed = CODINGS.iter().position(|(name, _)| *name == coding).map_or(0, |place| place + 1);
    text(LENGTH, seed)
}

fn rfc9110_section_12_5_3_each_client_gets_what_it_takes(protocol: Protocol) {
    let site = site();
    let server = Server::start_over(protocol, &site, &[]);
    let mut tags = Vec::new();
    for (field, expect) in [
        ("br", "br"),
        ("zstd", "zstd"),
        ("gzip", "gzip"),
        ("identity", "identity"),
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, deflate", "gzip"),
        ("gzip;q=1.0, br;q=0.1", "gzip"),
        ("*", "br"),
        ("*;q=0", "identity"),
        ("identity;q=0, *;q=0.1", "br"),
        ("compress, deflate", "identity"),
        ("", "identity"),
    ] {
        let answer = settle(&server, "/page.html", field);
        assert_eq!((answer.status, coding(&answer)), (200, expect), "{field}");
        assert_eq!(decode(&answer), expected(expect), "{field}");
        // Section 8.3: the type of what is coded; section 12.5.5: whoever stores it must know.
        assert_eq!(answer.field("Content-Type"), Some("text/html; charset=utf-8"), "{field}");
        assert_eq!(answer.field("Vary"), Some("Accept-Encoding"), "{field}");
        // Section 8.8.3.3: each coding has its own tag, and each its own length.
        assert_eq!(answer.content_length(), Some(answer.content.len()), "{field}");
        tags.push((tag(&answer), expect));

        let head =
            request(&mut server.connect(), "HEAD", "/page.html", &[&format!("Accept-Encoding: {field}")]);
        let described = |fields: &[(String, String)]| {
            fields.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("Date")).cloned().collect::<Vec<_>>()
        };
        assert_eq!(described(&head.fields), described(&answer.fields), "{field}");
    }
    tags.sort_unstable();
    tags.dedup();
    assert_eq!(tags.len(), 4, "one tag for each coding: {tags:?}");
    tags.dedup_by(|one, other| one.0 == other.0);
    assert_eq!(tags.len(), 4, "no tag for two codings: {tags:?}");
}

fn ranges_and_preconditions_are_about_the_selected_coding(protocol: Protocol) {
    let site = site();
    let server = Server::start_over(protocol, &site, &[]);
    let mut conn = server.connect();
    for (name, _) in CODINGS {
        let whole = settle(&server, "/page.html", name);
        let accepts = format!("Accept-Encoding: {name}");
        let other = tag(&settle(&server, "/page.html", "identity"));

        let part = request(&mut conn, "GET", "/page.html", &[&accepts, "Range: bytes=10-29"]);
        assert_eq!((part.status, part.content.as_slice()), (206, &whole.content[10..30]), "{name}");
        assert_eq!(
            part.field("Content-Range"),
            Some(format!("bytes 10-29/{}", whole.content.len()).as_str()),
            "{name}"
        );
        for field in ["Content-Encoding", "ETag", "Vary", "Content-Type"] {
            assert_eq!(part.field(field), whole.field(field), "{name} {field}");
        }
        let beyond = format!("Range: bytes={}-", whole.content.len());
        let beyond = request(&mut conn, "GET", "/page.html", &[&accepts, &beyond]);
        assert_eq!(beyond.status, 416, "{name}: of the coded length, not of the original's");

        for (if_range, status) in [(tag(&whole), 206), (other.clone(), 200)] {
            let lines = [&accepts, "Range: bytes=10-29", &format!("If-Range: {if_range}")];
            let answer = request(&mut conn, "GET", "/page.html", &lines);
            assert_eq!((answer.status, coding(&answer)), (status, name), "If-Range: {if_range}");
        }
        for (known, status) in [(tag(&whole), 304), (other.clone(), 200)] {
            let answer =
                request(&mut conn, "GET", "/page.html", &[&accepts, &format!("If-None-Match: {known}")]);
            assert_eq!(answer.status, status, "{name}, If-None-Match: {known}");
            assert_eq!(answer.field("Vary"), Some("Accept-Encoding"), "{name}");
            assert_eq!(answer.field("ETag"), whole.field("ETag"), "{name}");
        }
        let lines = [&accepts, &*format!("If-Match: {other}")];
        assert_eq!(request(&mut conn, "GET", "/page.html", &lines).status, 412, "{name}");
    }
}

fn a_sibling_counts_for_the_file_that_was_asked_for(protocol: Protocol) {
    let site = site();
    let server = Server::start_over(protocol, &site, &[]);
    let mut conn = server.connect();
    for field in ["br", "gzip", "identity"] {
        accept(&mut conn, "/page.html", field);
    }
    let direct = accept(&mut conn, "/page.html.gz", "gzip");
    // What was asked for is the coded file itself: nothing is said to be coded, and nothing is coded again.
    assert_eq!((direct.status, direct.field("Content-Encoding")), (200, None));
    assert_eq!(direct.field("Content-Type"), Some("application/gzip"));
    assert_eq!(direct.content, encode("gzip", &expected("gzip")));
    let mut counted: Vec<_> =
        server.stdout().wait_for_deliveries(4).into_iter().map(|it| (it.path, it.n)).collect();
    counted.sort_unstable();
    let expect = [("/page.html", 1), ("/page.html", 2), ("/page.html", 3), ("/page.html.gz", 1)];
    assert_eq!(counted, expect.map(|(path, n)| (path.to_owned(), n)));
}

fn an_index_has_siblings_too(protocol: Protocol) {
    let site = Site::new();
    write(&site, "dir/index.html", &text(LENGTH, 0), NOW);
    write(&site, "dir/index.html.br", &encode("br", &text(LENGTH, 0)), NOW);
    let server = Server::start_over(protocol, &site, &[]);
    let answer = settle(&server, "/dir/", "br");
    assert_eq!((coding(&answer), decode(&answer)), ("br", text(LENGTH, 0)));
}

fn what_is_no_sibling_is_passed_over(protocol: Protocol) {
    let site = Site::new();
    let outside = site.around().join("outside.br");
    fs::write(&outside, encode("br", b"outside")).expect("a file beside the root");
    for name in ["older", "newer", "directory", "fifo", "out"] {
        write(&site, name, &text(LENGTH, 0), NOW);
    }
    write(&site, "older.br", &encode("br", &text(LENGTH, 0)), OLD);
    write(&site, "newer.br", &encode("br", &text(LENGTH, 0)), NOW + Duration::from_secs(1));
    fs::create_dir(site.path("directory.br")).expect("a folder");
    mkfifoat(CWD, site.path("fifo.br"), Mode::RUSR).expect("a FIFO");
    symlink("../outside.br", site.path("out.br")).expect("a link");
    let server = Server::start_over(protocol, &site, &["--workers", "1", "--compress", "off"]);
    for (name, expect) in [
        ("older", "identity"),
        ("newer", "br"),
        ("directory", "identity"),
        ("fifo", "identity"),
        ("out", "identity"),
    ] {
        let answer = settle(&server, &format!("/{name}"), "br");
        assert_eq!((answer.status, coding(&answer)), (200, expect), "{name}");
        assert_eq!(decode(&answer), text(LENGTH, 0), "{name}");
        let vary = (expect == "br").then_some("Accept-Encoding");
        assert_eq!(answer.field("Vary"), vary, "{name}: there is a choice, or none");
    }
}

fn siblings_come_and_go_between_requests(protocol: Protocol) {
    let site = Site::new();
    write(&site, "page", &text(LENGTH, 0), NOW);
    let server = Server::start_over(protocol, &site, &["--workers", "1", "--compress", "off"]);
    let mut conn = server.connect();
    let mut becomes = |what: &str, expect: &str, content: &[u8]| {
        eventually(what, SOON, || {
            let answer = accept(&mut conn, "/page", "br");
            assert_eq!(answer.status, 200, "{what}");
            (coding(&answer) == expect && decode(&answer) == content).then_some(())
        });
    };
    becomes("no sibling yet", "identity", &text(LENGTH, 0));
    write(&site, "page.br", &encode("br", &text(LENGTH, 1)), NOW);
    becomes("a sibling appears", "br", &text(LENGTH, 1));
    write(&site, "new", &encode("br", &text(LENGTH, 2)), NOW);
    fs::rename(site.path("new"), site.path("page.br")).expect("a replacement");
    becomes("another takes its place", "br", &text(LENGTH, 2));
    fs::remove_file(site.path("page.br")).expect("it is there");
    becomes("it is removed", "identity", &text(LENGTH, 0));
    write(&site, "page.br", &encode("br", &text(LENGTH, 3)), NOW);
    becomes("it comes again", "br", &text(LENGTH, 3));
    write(&site, "page", &text(LENGTH, 4), NOW + Duration::from_secs(1));
    becomes("the original is newer now", "identity", &text(LENGTH, 4));
    fs::remove_file(site.path("page")).expect("it is there");
    eventually("the original is removed", SOON, || {
        (accept(&mut conn, "/page", "br").status == 404).then_some(())
    });
}

fn precompressed_off_serves_files_as_they_are(protocol: Protocol) {
    let site = site();
    let server = Server::start_over(protocol, &site, &["--precompressed", "off", "--compress", "off"]);
    let answer = settle(&server, "/page.html", "br");
    assert_eq!((coding(&answer), answer.field("Vary")), ("identity", None));
    assert_eq!(answer.content, expected("identity"));
}

fn hostile_fields_are_answered_all_the_same(protocol: Protocol) {
    let site = site();
    let server = Server::start_over(protocol, &site, &[]);
    let mut conn = server.connect();
    let many = vec!["gzip;q=0.001"; 1_000].join(",");
    let nested = format!("\"{}", "br,".repeat(1_000));
    let fields =
        ["br;q=99999999999999999999", ";;;;", ",,,,", &many, &nested, "br;q=0.5;q=1", "b r", "br\tgzip"];
    for field in fields {
        let answer = accept(&mut conn, "/page.html", field);
        assert_eq!(answer.status, 200, "{field}");
        assert_eq!(decode(&answer), expected(coding(&answer)), "{field}");
    }
    let lines = ["Accept-Encoding: br;q=0.1", "Accept-Encoding: gzip"];
    assert_eq!(coding(&request(&mut conn, "GET", "/page.html", &lines)), "gzip");
}

fn a_sibling_of_a_file_that_is_asked_for_all_the_time_is_seen(protocol: Protocol) {
    let site = Site::new();
    write(&site, "page", &text(LENGTH, 0), NOW);
    let server = Server::start_over(protocol, &site, &["--workers", "1", "--compress", "off"]);
    let mut conn = server.connect();
    // So long that the server has come to rely on being told of changes.
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(1_500) {
        assert_eq!(coding(&accept(&mut conn, "/page", "br")), "identity");
        thread::sleep(Duration::from_millis(10));
    }
    write(&site, "page.br", &encode("br", &text(LENGTH, 1)), NOW);
    eventually("the sibling is served", SOON, || {
        (coding(&accept(&mut conn, "/page", "br")) == "br").then_some(())
    });
}

#[test]
fn curl_decodes_what_it_gets() {
    let site = site();
    let server = Server::start(&site, &[]);
    for version in ["--http1.1", "--http2-prior-knowledge"] {
        let output = Command::new("curl")
            .args([version, "--silent", "--show-error", "--fail", "--max-time", "20", "--compressed"])
            .arg(server.url("/page.html"))
            .output()
            .expect("curl is installed");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        // Which codings it knows depends on how it was built; gzip is among them.
        let coded = CODINGS.map(|(name, _)| expected(name));
        assert!(coded.contains(&output.stdout), "not one of the coded contents");
    }
}
