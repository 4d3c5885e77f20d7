//! HTTP/2 as `curl` and `h2load` speak it: the answers of HTTP/1.1, and many of them at once.

use std::process::Command;

use super::program::run;
use super::served::{Served, put};
use crate::harness::{Site, noise};

const LENGTH: usize = 3_000_017;

/// The two ways to ask for the same.
const VERSIONS: [&str; 2] = ["--http1.1", "--http2-prior-knowledge"];

/// Fields that belong to the moment or to one version (RFC 9113 section 8.2.2).
const OF_ONE_ANSWER: [&str; 3] = ["date", "connection", "transfer-encoding"];

fn served(arguments: &[&str]) -> Served {
    let site = Site::new();
    put(&site, "f", &noise(LENGTH, 1), 1);
    put(&site, "page.html", b"<!doctype html><title>page</title>".repeat(200).as_slice(), 1);
    put(&site, "empty.txt", b"", 1);
    put(&site, "dir/index.html", b"index", 1);
    put(&site, "404.html", b"nothing here", 1);
    for entry in 0..300 {
        site.file(format!("many/{entry} of <all>"), "x");
    }
    Served::start(site, arguments)
}

/// What an answer says: its status and fields in the order of their names, and its content.
fn ask(served: &Served, version: &str, arguments: &[&str]) -> (Vec<String>, Vec<u8>) {
    let mut command = served.client("curl");
    command.args(["--disable", "--silent", "--show-error", "--path-as-is", "--output", "content"]);
    command.args(["--dump-header", "head", "--write-out", "%{http_version} %{http_code}", version]);
    let ended = run(command.args(arguments)).well();
    let (spoken, status) = ended.stdout.split_once(' ').expect("two words");
    assert_eq!(spoken == "2", version != VERSIONS[0], "{arguments:?} was asked in HTTP/{spoken}");
    let head = String::from_utf8(served.saved("head")).expect("a head in ASCII");
    let mut told: Vec<String> = head.lines().skip(1).filter_map(field).collect();
    told.sort_unstable();
    told.insert(0, status.to_owned());
    let content = served.saved("content");
    served.leave("content", b"");
    (told, content)
}

/// A field with its name in lower case, as HTTP/2 writes it.
fn field(line: &str) -> Option<String> {
    let (name, value) = line.split_once(": ")?;
    let name = name.to_ascii_lowercase();
    (!OF_ONE_ANSWER.contains(&name.as_str())).then(|| format!("{name}: {value}"))
}

#[test]
fn both_versions_answer_alike() {
    let served =
        served(&["--cors", "https://a.example", "--security-headers", "--cache-control", "/f: max-age=60"]);
    let check = |path: &str, arguments: &[&str], expect: &str| {
        let url = served.url(path);
        let all = [arguments, &[&url]].concat();
        let [first, second] = VERSIONS.map(|version| ask(&served, version, &all));
        assert_eq!(first.0, second.0, "{path} {arguments:?}");
        // Of a HEAD, curl saves the head.
        let is_head = arguments.contains(&"--head");
        assert!(is_head || first.1 == second.1, "the contents of {path} {arguments:?}");
        assert_eq!(first.0[0], expect, "{path} {arguments:?}");
    };
    check("/f", &[], "200");
    check("/f", &["--head"], "200");
    check("/f?download", &[], "200");
    check("/f", &["--range", "5-99999"], "206");
    check("/f", &["--range", "-5"], "206");
    check("/f", &["--range", "99999999-"], "416");
    check("/f", &["--header", "If-None-Match: *"], "304");
    check("/f", &["--header", "If-Match: \"other\""], "412");
    check("/f", &["--header", "Origin: https://a.example"], "200");
    check("/page.html", &["--header", "Accept-Encoding: gzip"], "200");
    check("/page.html", &["--header", "Accept-Encoding: br"], "200");
    check("/empty.txt", &[], "200");
    check("/dir", &[], "301");
    check("/dir/", &[], "200");
    check("/many/", &[], "200");
    check("/many/", &["--header", "Accept: application/json"], "200");
    check("/missing", &[], "404");
    check("/%2e%2e/f", &[], "400");
    check(&format!("/{}", "a".repeat(9_000)), &[], "414");
    check("/f", &["--request", "OPTIONS"], "204");
    check("/f", &["--request", "BREW"], "501");
}

#[test]
fn several_ranges_arrive_as_parts() {
    let served = served(&[]);
    let [first, second] = VERSIONS
        .map(|version| ask(&served, version, &["--range", "0-9,1000000-1999999,-7", &served.url("/f")]));
    assert_eq!((&first.0[0], &second.0[0]), (&"206".to_owned(), &"206".to_owned()));
    assert_eq!(first.1.len(), second.1.len());
    let holds = |part: &[u8]| second.1.windows(part.len()).any(|window| window == part);
    let content = noise(LENGTH, 1);
    assert!(holds(&content[..10]) && holds(&content[1_000_000..1_000_100]) && holds(&content[LENGTH - 7..]));
    let counted = served.counted("/f", "requests 2 partial 2 completed 2");
    assert_eq!(counted.bytes, 2 * (10 + 1_000_000 + 7));
}

#[test]
fn a_resumed_download_is_whole_and_counts_once() {
    let served = served(&[]);
    let url = served.url("/f");
    let curl = |arguments: &[&str]| -> Command {
        let mut command = served.client("curl");
        command.args(["--disable", "--silent", "--show-error", "--fail", "--http2-prior-knowledge"]);
        command.args(arguments);
        command
    };
    run(&mut curl(&["--range", "0-999999", "--remote-name", &url])).well();
    run(&mut curl(&["--continue-at", "-", "--remote-name", &url])).well();
    assert!(served.saved("f") == noise(LENGTH, 1));
    let counted = served.counted("/f", "requests 2 partial 2 completed 2 downloads 1");
    assert_eq!(counted.bytes, LENGTH as u64);
}

#[test]
fn a_version_is_told_where_versions_are_told() {
    let site = Site::with(&[("f", "content")]);
    let log = site.around().join("log");
    let arguments = ["--log-format", "combined", "--log-file", log.to_str().expect("a path in UTF-8")];
    let server = crate::harness::Server::start_with_format(&site, &arguments);
    let mut curl = super::program::command("curl", site.around());
    curl.args(["--disable", "--silent", "--http2-prior-knowledge", "--user-agent", "me", &server.url("/f")]);
    assert_eq!(run(&mut curl).well().stdout, "content");
    let line = crate::harness::eventually("the line is written", crate::harness::SOON, || {
        let text = std::fs::read_to_string(&log).ok()?;
        text.lines().next().map(str::to_owned)
    });
    assert!(line.ends_with("\"GET /f HTTP/2.0\" 200 7 \"-\" \"me\""), "{line}");
}

/// Runs `h2load` over the path; every request must succeed.
fn load(served: &Served, path: &str, requests: u32, clients: u32, streams: u32) {
    let mut h2load = served.client("h2load");
    h2load.args(["-n", &requests.to_string(), "-c", &clients.to_string(), "-m", &streams.to_string()]);
    let ended = run(h2load.arg(served.url(path))).well();
    let expect = format!("{requests} succeeded, 0 failed, 0 errored, 0 timeout");
    assert!(ended.stdout.contains(&expect), "{}", ended.stdout);
}

#[test]
fn no_request_of_a_load_fails_and_each_is_counted() {
    let served = served(&["--workers", "2"]);
    load(&served, "/page.html", 20_000, 16, 32);
    served.counted("/page.html", "requests 20000 full 20000 completed 20000 downloads 20000");
    load(&served, "/f", 100, 4, 10);
    let counted = served.counted("/f", "requests 100 full 100 completed 100 downloads 100");
    assert_eq!(counted.bytes, 100 * LENGTH as u64);
    load(&served, "/empty.txt", 2_000, 4, 100);
    served.counted("/empty.txt", "requests 2000 full 2000 completed 2000 downloads 2000");
}
