//! Compression on the fly.

use std::fs;
use std::process::Command;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use super::coded::{accept, coding, decode, encode, request, settle, tag, text};
use crate::harness::{
    Books, Conn, Protocol, SOON, Server, Site, Stdout, eventually, noise, on_every_protocol,
    raise_descriptor_limit,
};

on_every_protocol! {
    rfc9110_section_8_4_text_is_coded_for_who_accepts_it,
    what_is_not_worth_a_coding_goes_out_as_it_is,
    compress_off_serves_files_as_they_are,
    a_sibling_comes_before_what_would_be_made,
    ranges_and_preconditions_are_about_the_coding_that_was_made,
    a_coded_delivery_counts_for_the_file,
    a_file_that_changes_while_it_is_compressed_is_never_mixed,
    a_thousand_clients_share_one_compression_and_delay_nobody,
}

/// Larger than what is copied behind its head, also when it is coded.
const LENGTH: usize = 600_000;

const CODINGS: [&str; 3] = ["br", "zstd", "gzip"];

fn rfc9110_section_8_4_text_is_coded_for_who_accepts_it(protocol: Protocol) {
    let site = Site::with(&[("large.txt", text(LENGTH, 1)), ("small.css", text(2_000, 2))]);
    let server = Server::start_over(protocol, &site, &[]);
    for (target, content) in [("/large.txt", text(LENGTH, 1)), ("/small.css", text(2_000, 2))] {
        let mut tags = vec![tag(&settle(&server, target, "identity"))];
        for name in CODINGS {
            let mut conn = server.connect();
            // The first answer is coded, like each that follows: a cache in front keeps the first.
            for _ in 0..3 {
                let answer = accept(&mut conn, target, name);
                assert_eq!((answer.status, coding(&answer)), (200, name), "{target}");
                assert_eq!(decode(&answer), content, "{target} {name}");
                assert!(answer.content.len() * 2 < content.len(), "{target} {name}");
                assert_eq!(answer.field("Vary"), Some("Accept-Encoding"), "{target} {name}");
                tags.push(tag(&answer));
            }
            let head = request(&mut conn, "HEAD", target, &[&format!("Accept-Encoding: {name}")]);
            let again = accept(&mut conn, target, name);
            assert_eq!(head.content_length(), Some(again.content.len()), "{target} {name}");
            assert_eq!(coding(&head), name, "{target}");
        }
        let plain = settle(&server, target, "gzip;q=0");
        assert_eq!((coding(&plain), plain.field("Vary")), ("identity", Some("Accept-Encoding")), "{target}");
        assert_eq!(plain.content, content, "{target}");
        tags.sort_unstable();
        tags.dedup();
        assert_eq!(tags.len(), 4, "one tag for each coding: {tags:?}");
    }
}

fn what_is_not_worth_a_coding_goes_out_as_it_is(protocol: Protocol) {
    let site = Site::with(&[
        ("tiny.txt", text(1_023, 0)),
        ("picture.png", text(10_000, 0)),
        ("unknown", text(10_000, 0)),
        ("huge.txt", text(8 * 1024 * 1024 + 1, 0)),
    ]);
    site.file("noise.txt", noise(10_000, 1));
    site.file("empty.txt", "");
    let server = Server::start_over(protocol, &site, &[]);
    // Of noise it is known only when it was tried.
    for (target, vary) in [
        ("/tiny.txt", None),
        ("/picture.png", None),
        ("/unknown", None),
        ("/huge.txt", None),
        ("/empty.txt", None),
        ("/noise.txt", Some("Accept-Encoding")),
    ] {
        for field in ["gzip, br, zstd", "gzip", "identity;q=0, br"] {
            let answer = settle(&server, target, field);
            assert_eq!((answer.status, coding(&answer)), (200, "identity"), "{target} {field}");
            assert_eq!(answer.field("Vary"), vary, "{target} {field}");
            let length = fs::metadata(site.path(&target[1..])).expect("it is there").len();
            assert_eq!(answer.content.len() as u64, length, "{target} {field}");
        }
    }
}

fn compress_off_serves_files_as_they_are(protocol: Protocol) {
    let site = Site::with(&[("page.html", text(LENGTH, 0))]);
    for arguments in [["--compress", "off"], ["--compress-cache", "0"]] {
        let server = Server::start_over(protocol, &site, &arguments);
        let answer = settle(&server, "/page.html", "gzip, br, zstd");
        assert_eq!((coding(&answer), answer.field("Vary")), ("identity", None), "{arguments:?}");
    }
}

fn a_sibling_comes_before_what_would_be_made(protocol: Protocol) {
    let site = Site::with(&[("page.html", text(LENGTH, 0))]);
    site.file("page.html.gz", encode("gzip", &text(LENGTH, 1)));
    let server = Server::start_over(protocol, &site, &[]);
    for (field, expect, seed) in
        [("gzip, br, zstd", "gzip", 1), ("br", "br", 0), ("gzip;q=0.5, zstd", "zstd", 0)]
    {
        let answer = settle(&server, "/page.html", field);
        assert_eq!((coding(&answer), decode(&answer)), (expect, text(LENGTH, seed)), "{field}");
    }
}

fn ranges_and_preconditions_are_about_the_coding_that_was_made(protocol: Protocol) {
    let site = Site::with(&[("page.html", text(LENGTH, 0))]);
    let server = Server::start_over(protocol, &site, &[]);
    let mut conn = server.connect();
    let plain = tag(&settle(&server, "/page.html", "identity"));
    for name in CODINGS {
        let whole = settle(&server, "/page.html", name);
        let accepts = format!("Accept-Encoding: {name}");
        let half = whole.content.len() / 2;
        let range = format!("Range: bytes={half}-");
        for (if_range, expect) in [(tag(&whole), 206), (plain.clone(), 200)] {
            let lines = [&accepts, &range, &format!("If-Range: {if_range}")];
            let answer = request(&mut conn, "GET", "/page.html", &lines.map(String::as_str));
            let from = if expect == 206 { half } else { 0 };
            assert_eq!((answer.status, coding(&answer)), (expect, name));
            assert_eq!(answer.content, whole.content[from..], "{name} {expect}");
        }
        for (known, expect) in [(tag(&whole), 304), (plain.clone(), 200)] {
            let lines = [&accepts, &format!("If-None-Match: {known}")];
            let answer = request(&mut conn, "GET", "/page.html", &lines.map(String::as_str));
            assert_eq!((answer.status, answer.field("ETag")), (expect, whole.field("ETag")), "{name}");
            assert_eq!(answer.field("Vary"), Some("Accept-Encoding"), "{name}");
        }
        // The client of the plain file goes on with the plain file.
        let lines = [accepts, format!("If-Match: {plain}")];
        let answer = request(&mut conn, "GET", "/page.html", &[&lines[0], &lines[1]]);
        assert_eq!(answer.status, 412, "{name}");
    }
}

fn a_coded_delivery_counts_for_the_file(protocol: Protocol) {
    let site = Site::with(&[("page.html", text(LENGTH, 0))]);
    let books = Books::of(&site);
    let server = Server::launch_over(protocol, &site, &mut books.server(&site), Stdout::Followed);
    settle(&server, "/page.html", "identity");
    let mut conn = server.connect();
    for name in CODINGS {
        assert_eq!(coding(&accept(&mut conn, "/page.html", name)), name);
    }
    let counted = books.wait_for("/page.html", "each coding is downloaded", |counted| {
        counted.requests >= 4 && counted.downloads == counted.requests && counted.bytes > 0
    });
    // Less than as often the plain content: what is counted is what was sent.
    assert!(counted.bytes < counted.requests * LENGTH as u64, "{counted:?}");
    books.check_laws();
    assert_eq!(books.all().len(), 1, "{:?}", books.all());
}

fn a_file_that_changes_while_it_is_compressed_is_never_mixed(protocol: Protocol) {
    const VERSIONS: usize = 40;
    const LARGE: usize = 2_000_000;
    let site = Site::with(&[("page.html", text(LARGE, 0))]);
    let server = Server::start_over(protocol, &site, &["--workers", "2"]);
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for version in 1..=VERSIONS {
                // In turns by rename and in place; in place only to the same length, so that a transfer from the file that
                // has begun can go on.
                if version % 2 == 0 {
                    fs::write(site.path("new"), text(LARGE, version)).expect("a file");
                    fs::rename(site.path("new"), site.path("page.html")).expect("a replacement");
                } else {
                    site.file("page.html", text(LARGE, version));
                }
                // Some versions get old enough to be compressed, and some do not.
                thread::sleep(Duration::from_millis(25));
            }
        });
        let mut conn = server.connect();
        let mut coded = 0;
        while !writer.is_finished() {
            conn.send("GET /page.html HTTP/1.1\r\nHost: a\r\nAccept-Encoding: zstd\r\n\r\n");
            match conn.next(crate::harness::Content::Sent) {
                Ok(answer) if answer.is_whole() && coding(&answer) == "zstd" => {
                    let content = decode(&answer);
                    let seed = content.split(|byte| *byte == b' ').next().expect("a first word");
                    let seed = std::str::from_utf8(seed).ok().and_then(|seed| seed.parse().ok());
                    // What is written in place has had each of its lengths, for as long as its writer was not let go on.
                    let version = text(LARGE, seed.expect("a number"));
                    assert!(version.starts_with(&content), "of one version");
                    coded += 1;
                }
                Ok(answer) if answer.is_whole() => assert_eq!(answer.status, 200),
                // The file was cut while it was sent as it is.
                Ok(_) | Err(_) => conn = server.connect(),
            }
        }
        println!("{coded} coded answers while the file changed");
    });
    eventually("the last version", SOON, || {
        let answer = accept(&mut server.connect(), "/page.html", "zstd");
        (coding(&answer) == "zstd" && decode(&answer) == text(LARGE, VERSIONS)).then_some(())
    });
}

fn a_thousand_clients_share_one_compression_and_delay_nobody(protocol: Protocol) {
    // What a thousand handshakes cost is another matter.
    let count = if protocol == Protocol::Http1 { 1_000 } else { 100 };
    raise_descriptor_limit();
    let (plain, small) = (text(6_000_000, 0), text(500, 1));
    let site = Site::with(&[("big.txt", &plain), ("hot.txt", &small)]);
    let server = Server::start_over(protocol, &site, &["--workers", "2"]);
    settle(&server, "/big.txt", "identity");
    let mut clients: Vec<Conn> = (0..count).map(|_| server.connect()).collect();
    let asked = Barrier::new(2);
    thread::scope(|scope| {
        let hot = scope.spawn(|| {
            let mut conn = server.connect();
            asked.wait();
            let mut slowest = Duration::ZERO;
            for _ in 0..200 {
                let began = Instant::now();
                assert_eq!(conn.get("/hot.txt").content, small);
                slowest = slowest.max(began.elapsed());
            }
            slowest
        });
        for (number, client) in clients.iter_mut().enumerate() {
            client.send("GET /big.txt HTTP/1.1\r\nHost: a\r\nAccept-Encoding: br\r\n\r\n");
            if number == 0 {
                asked.wait();
            }
        }
        // Each is answered from one and the same content; where all cores are taken by others for seconds, as it is.
        let mut first = None;
        for client in &mut clients {
            let answer = client.answer();
            assert_eq!(answer.status, 200);
            if coding(&answer) == "identity" {
                assert_eq!(answer.content, plain);
                continue;
            }
            let first = first.get_or_insert_with(|| {
                assert_eq!(decode(&answer), plain);
                answer.clone()
            });
            assert_eq!((tag(first), &first.content), (tag(&answer), &answer.content));
        }
        let slowest = hot.join().expect("no panic");
        println!("the slowest of 200 small answers meanwhile took {slowest:?}");
        assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    });
    eventually("it is compressed", SOON, || {
        (coding(&accept(&mut server.connect(), "/big.txt", "br")) == "br").then_some(())
    });
}

#[test]
fn curl_decodes_what_was_made() {
    let site = Site::with(&[("page.html", text(LENGTH, 0))]);
    let server = Server::start(&site, &[]);
    settle(&server, "/page.html", "identity");
    for version in ["--http1.1", "--http2-prior-knowledge"] {
        let output = Command::new("curl")
            .args([
                version,
                "--silent",
                "--show-error",
                "--fail",
                "--max-time",
                "20",
                "--compressed",
                "--include",
            ])
            .arg(server.url("/page.html"))
            .output()
            .expect("curl is installed");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let end = output.stdout.windows(4).position(|window| window == b"\r\n\r\n").expect("a head") + 4;
        let head = String::from_utf8_lossy(&output.stdout[..end]).to_ascii_lowercase();
        assert!(head.contains("\r\ncontent-encoding: "), "{head}");
        assert_eq!(output.stdout[end..], text(LENGTH, 0));
    }
}
