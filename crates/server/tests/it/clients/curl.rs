//! `curl`: resuming, asking whether a file has changed, and accepting codings.

use std::fs;
use std::process::Command;

use super::program::{self, run};
use super::served::{Served, put, settle};
use crate::harness::{Site, noise};

const LENGTH: usize = 5_000_003;
const KEPT: usize = 1_000_000;

fn curl(served: &Served, arguments: &[&str]) -> Command {
    let mut command = served.client("curl");
    // `--disable`, which must come first, leaves the user's own settings out.
    command.args(["--disable", "--silent", "--show-error", "--fail"]).args(arguments);
    command
}

#[test]
fn a_resumed_download_is_whole_and_counts_once() {
    let content = noise(LENGTH, 1);
    let served = Served::with_file("f", &content);
    let url = served.url("/f");
    run(&mut curl(&served, &["--range", &format!("0-{}", KEPT - 1), "--remote-name", &url])).well();
    assert_eq!(served.saved("f").len(), KEPT);
    served.counted("/f", "requests 1 partial 1 completed 1");
    run(&mut curl(&served, &["--continue-at", "-", "--remote-name", &url])).well();
    assert!(served.saved("f") == content);
    let counted = served.counted("/f", "requests 2 partial 2 completed 2 downloads 1");
    assert_eq!(counted.bytes, LENGTH as u64);
    // Nothing is left to get: 416 takes no number.
    let ended = run(&mut curl(&served, &["--continue-at", "-", "--remote-name", &url]));
    assert!(served.saved("f") == content, "{ended:?}");
    served.counted("/f", "requests 2 partial 2 completed 2 downloads 1");
}

#[test]
fn a_resumed_download_of_a_changed_file_never_mixes_versions() {
    let (old, new) = (noise(LENGTH, 1), noise(LENGTH, 2));
    let served = Served::with_file("f", &old);
    let url = served.url("/f");
    let save_tag = ["--range", "0-999999", "--remote-name", "--etag-save", "tag", &url];
    run(&mut curl(&served, &save_tag)).well();
    let tag = String::from_utf8(served.saved("tag")).expect("an entity tag");
    assert!(tag.starts_with('"'), "a strong one: {tag}");
    served.replace("f", &new, 2);
    let condition = format!("If-Range: {}", tag.trim());
    let resume = ["--continue-at", "-", "--header", &condition, "--remote-name", &url];
    // The whole new version comes, and curl, which was promised a part, takes none of it (curl(1), exit code 33).
    let ended = run(&mut curl(&served, &resume));
    assert_eq!(ended.status.code(), Some(33), "{ended:?}");
    assert!(served.saved("f") == old[..KEPT]);
    run(&mut curl(&served, &["--remote-name", &url])).well();
    assert!(served.saved("f") == new);
    served.counted("/f", "requests 3 full 2 partial 1 completed 2 aborted 1 downloads 1");
    // The same question while the version holds.
    run(&mut curl(&served, &["--range", "0-999999", "--etag-save", "tag", "--output", "g", &url])).well();
    let tag = String::from_utf8(served.saved("tag")).expect("an entity tag");
    let condition = format!("If-Range: {}", tag.trim());
    run(&mut curl(&served, &["--continue-at", "-", "--header", &condition, "--output", "g", &url])).well();
    assert!(served.saved("g") == new);
    served.counted("/f", "requests 5 full 2 partial 3 completed 4 aborted 1 downloads 2");
}

#[test]
fn a_file_is_fetched_again_only_when_it_has_changed() {
    let (old, new) = (noise(50_000, 1), noise(50_000, 2));
    let served = Served::with_file("f", &old);
    let url = served.url("/f");
    let check = |expect: &str, content: &[u8], counters: &str| {
        let arguments = ["--etag-save", "tag", "--etag-compare", "tag", "--output", "f", &url];
        let status = run(curl(&served, &arguments).args(["--write-out", "%{http_code} %{size_download}"]));
        assert_eq!(status.well().stdout, expect);
        assert!(served.saved("f") == content, "{expect}");
        served.counted("/f", counters);
    };
    check("200 50000", &old, "requests 1 full 1 completed 1 downloads 1");
    check("304 0", &old, "requests 2 full 1 not_modified 1 completed 1 downloads 1");
    served.replace("f", &new, 2);
    check("200 50000", &new, "requests 3 full 2 not_modified 1 completed 2 downloads 2");
    check("304 0", &new, "requests 4 full 2 not_modified 2 completed 2 downloads 2");
    // By time, as `--time-cond` asks.
    let arguments = ["--time-cond", "f", "--remote-time", "--output", "f", &url];
    run(&mut curl(&served, &["--remote-time", "--output", "f", &url])).well();
    run(&mut curl(&served, &arguments)).well();
    assert!(served.saved("f") == new);
    served.counted("/f", "requests 6 full 3 not_modified 3 completed 3 downloads 3");
}

#[test]
fn a_compressed_sibling_arrives_as_the_original_and_counts_for_it() {
    let text = b"All work and no play makes Jack a dull boy.\n".repeat(2_000);
    let site = Site::new();
    let original = put(&site, "page.txt", &text, 1);
    run(program::command("gzip", site.around()).args(["--keep", "--no-name", "-9"]).arg(&original)).well();
    let sibling = original.with_extension("txt.gz");
    settle(&sibling);
    let compressed = fs::metadata(sibling).expect("a compressed sibling").len();
    let served = Served::start(site, &[]);
    let url = served.url("/page.txt");
    let report = ["--write-out", "%{http_code} %header{content-encoding} %{size_download}", "--output", "f"];
    let check = |arguments: &[&str], expect: &str| {
        let ended = run(curl(&served, arguments).args(report).arg(&url)).well();
        assert_eq!(ended.stdout, expect, "{arguments:?}");
    };
    check(&[], &format!("200  {}", text.len()));
    assert!(served.saved("f") == text);
    served.counted("/page.txt", "requests 1 full 1 completed 1 downloads 1");
    // Only gzip is accepted, so that no other coding can be preferred.
    let gzip =
        ["--compressed", "--header", "Accept-Encoding: gzip", "--etag-save", "tag", "--etag-compare", "tag"];
    check(&gzip, &format!("200 gzip {compressed}"));
    assert!(served.saved("f") == text, "curl has decoded it");
    let counted = served.counted("/page.txt", "requests 2 full 2 completed 2 downloads 2");
    assert_eq!(counted.bytes, text.len() as u64 + compressed);
    check(&gzip, "304  0");
    served.counted("/page.txt", "requests 3 full 2 not_modified 1 completed 2 downloads 2");
    // Whatever curl accepts by itself.
    let ended = run(curl(&served, &["--compressed"]).args(report).arg(&url)).well();
    assert!(ended.stdout.starts_with("200 ") && served.saved("f") == text, "{ended:?}");
    served.counted("/page.txt", "requests 4 full 3 not_modified 1 completed 3 downloads 3");
}
