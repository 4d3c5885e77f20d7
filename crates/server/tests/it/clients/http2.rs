//! HTTP/2 as `curl` and `h2load` speak it, with and without TLS.

use std::fs;

use super::program::{command, run};
use crate::harness::{Identity, Server, Site, deliveries, noise};

const FILES: [(&str, usize); 5] =
    [("empty", 0), ("small", 500), ("middle", 30_000), ("large", 300_007), ("larger", 9_000_011)];

/// A site of files of all sizes.
fn site() -> Site {
    let files = FILES.map(|(name, length)| (name, noise(length, length as u64)));
    Site::with(&files.each_ref().map(|(name, content)| (*name, content)))
}

#[test]
fn files_are_identical_with_tls_and_without_and_each_is_counted() {
    let site = site();
    let identity = Identity::new(&site, "own", &["127.0.0.1"]);
    let server = Server::start(&site, &identity.flags());
    let trusted = identity.chain.to_str().expect("UTF-8");
    for (number, (name, length)) in (1..).step_by(2).zip(FILES) {
        let saved = site.around().join("saved");
        for (scheme, address, how) in [
            ("http", server.address(), "--http2-prior-knowledge"),
            ("https", server.tls_address(), "--http2"),
        ] {
            let url = format!("{scheme}://{address}/{name}");
            let saved_as = saved.to_str().expect("UTF-8");
            let mut curl = command("curl", site.around());
            curl.args(["--disable", "--silent", "--show-error", "--fail", "--cacert", trusted, how]);
            curl.args(["--write-out", "%{http_version}", "--output", saved_as, &url]);
            assert_eq!(run(&mut curl).well().stdout, "2", "{url}");
            let content = fs::read(&saved).unwrap_or_default();
            assert!(content == noise(length, length as u64), "{url} differs");
            let _ = fs::remove_file(&saved);
        }
        let told = server.stdout().wait_for("two lines", |lines| {
            let told = deliveries(lines);
            (told.len() == number + 1).then_some(told)
        });
        let mut numbers: Vec<_> = told[number - 1..].iter().map(|line| (line.path.clone(), line.n)).collect();
        // They come from two workers, in any order.
        numbers.sort_unstable();
        assert_eq!(numbers, [(format!("/{name}"), 1), (format!("/{name}"), 2)]);
    }
}

#[test]
fn many_streams_at_a_time_fail_none_and_count_each_once() {
    const REQUESTS: usize = 2_000;
    let site = site();
    let identity = Identity::new(&site, "own", &["127.0.0.1"]);
    let server = Server::start(&site, &identity.flags());
    let base = |name: &str| format!("https://{}/{name}", server.tls_address());
    let mut h2load = command("h2load", site.around());
    h2load.args(["--requests", &REQUESTS.to_string(), "--clients", "8", "--max-concurrent-streams", "32"]);
    h2load.args([base("small"), base("middle"), base("large")]);
    let said = run(&mut h2load).well().stdout;
    assert!(said.contains(&format!("{REQUESTS} succeeded, 0 failed, 0 errored, 0 timeout")), "{said}");
    let told = server.stdout().wait_for("a line for each", |lines| {
        let told = deliveries(lines);
        (told.len() == REQUESTS).then_some(told)
    });
    for name in ["/small", "/middle", "/large"] {
        let mut numbers: Vec<_> = told.iter().filter(|line| line.path == name).map(|line| line.n).collect();
        numbers.sort_unstable();
        let expect: Vec<_> = (1..).take(numbers.len()).collect();
        assert!(!numbers.is_empty() && numbers == expect, "{name}");
    }
}

/// A client may meet a stream's reset while it sends, and take its answer for lost (`curl` 7.88).
#[test]
fn what_cannot_be_sent_here_is_refused_in_words_every_time() {
    const TIMES: usize = 50;
    let site = site();
    let identity = Identity::new(&site, "own", &["127.0.0.1"]);
    let server = Server::start(&site, &identity.flags());
    let trusted = identity.chain.to_str().expect("UTF-8");
    let (small, large) = (site.root().join("small"), site.root().join("larger"));
    let [small, large] = [&small, &large].map(|file| file.to_str().expect("UTF-8"));
    let as_data = format!("@{large}");
    for (scheme, address, how) in
        [("http", server.address(), "--http2-prior-knowledge"), ("https", server.tls_address(), "--http2")]
    {
        let url = format!("{scheme}://{address}/small");
        for sending in [["--upload-file", small], ["--data", "anything"], ["--data-binary", &as_data]] {
            for time in 0..TIMES {
                let mut curl = command("curl", site.around());
                curl.args(["--disable", "--silent", "--show-error", "--cacert", trusted, how]);
                curl.args(["--write-out", "%{http_code}", "--output", "/dev/null", &url]).args(sending);
                assert_eq!(run(&mut curl).well().stdout, "405", "{how} {sending:?}, time {time}");
            }
        }
    }
}
