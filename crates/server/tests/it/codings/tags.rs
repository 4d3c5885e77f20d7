//! What entity tags are made from (RFC 9110 section 8.8.3).

use std::fs::{self, File, FileTimes};
use std::time::{Duration, SystemTime};

use super::coded::{accept, coding, decode, request, settle, tag, text};
use crate::harness::{Protocol, SOON, Server, Site, eventually, on_every_protocol};

on_every_protocol! {
    equal_files_have_equal_tags_where_that_is_wanted,
    a_touched_file_is_not_sent_again_where_tags_are_of_content,
    a_file_of_which_the_hash_is_not_known_yet_is_served_without_a_tag,
}

const EPOCH: SystemTime = SystemTime::UNIX_EPOCH;

/// Kept in memory, and not.
const LENGTHS: [usize; 2] = [5_000, 300_000];

fn write(site: &Site, name: &str, content: &[u8], modified: Duration) {
    let path = site.file(name, content);
    let file = File::options().write(true).open(path).expect("it was just written");
    file.set_times(FileTimes::new().set_modified(EPOCH + modified)).expect("its time");
}

/// The tags of a page of this length, seed and time in each coding, from a server and a folder of their own, which is
/// added to `sites`: as long as it is there, no other file has its inode.
fn tags(
    protocol: Protocol,
    source: &str,
    (length, seed): (usize, usize),
    modified: Duration,
    sites: &mut Vec<Site>,
) -> Vec<String> {
    let site = Site::new();
    write(&site, "page.html", &text(length, seed % 10), modified);
    let server = Server::start_over(protocol, &site, &["--etag", source]);
    sites.push(site);
    ["identity", "br", "zstd", "gzip"].map(|name| tag(&settle(&server, "/page.html", name))).to_vec()
}

fn equal_files_have_equal_tags_where_that_is_wanted(protocol: Protocol) {
    let (time, other_time) = (Duration::from_secs(1_600_000_000), Duration::from_secs(1_700_000_000));
    for length in LENGTHS {
        // A seed of 11 gives the content of 1, in another inode.
        let check = |source: &str, copies: bool, touched: bool, changed: bool| {
            let mut sites = Vec::new();
            let mut tags = |seed, modified| tags(protocol, source, (length, seed), modified, &mut sites);
            let one = tags(1, time);
            let mut distinct = one.clone();
            distinct.sort_unstable();
            distinct.dedup();
            assert_eq!(distinct.len(), 4, "each coding has its own: {one:?}");
            assert_eq!(tags(11, time) == one, copies, "{source}: a copy");
            assert_eq!(tags(1, other_time) == one, touched, "{source}: another time");
            assert_eq!(tags(2, time) == one, changed, "{source}: another content");
        };
        check("default", false, false, false);
        // Another content of the same length and time is what `portable` cannot tell.
        check("portable", true, false, true);
        check("content", true, true, false);
    }
}

fn a_touched_file_is_not_sent_again_where_tags_are_of_content(protocol: Protocol) {
    let site = Site::new();
    for length in LENGTHS {
        write(&site, "page.html", &text(length, 0), Duration::from_secs(1_600_000_000));
        let server = Server::start_over(protocol, &site, &["--etag", "content"]);
        for name in ["identity", "br"] {
            let mut conn = server.connect();
            // The first answers may still be those of the round before.
            let known = eventually("the file settles", SOON, || {
                let answer = accept(&mut conn, "/page.html", name);
                let is_it = decode(&answer) == text(length, 0) && coding(&answer) == name;
                is_it.then(|| answer.field("ETag").map(str::to_owned)).flatten()
            });
            let lines = [format!("Accept-Encoding: {name}"), format!("If-None-Match: {known}")];
            let lines = [lines[0].as_str(), lines[1].as_str()];
            assert_eq!(request(&mut conn, "GET", "/page.html", &lines).status, 304, "{name}");
            write(&site, "page.html", &text(length, 0), Duration::from_secs(1_700_000_000));
            eventually("the touched file is known again", SOON, || {
                (request(&mut conn, "GET", "/page.html", &lines).status == 304).then_some(())
            });
            write(&site, "page.html", &text(length, 1), Duration::from_secs(1_700_000_000));
            eventually("the changed file is sent", SOON, || {
                let answer = accept(&mut conn, "/page.html", name);
                assert_eq!(answer.status, 200);
                let is_new = decode(&answer) == text(length, 1) && coding(&answer) == name;
                (is_new && answer.field("ETag").is_some_and(|it| it != known)).then_some(())
            });
            write(&site, "page.html", &text(length, 0), Duration::from_secs(1_600_000_000));
        }
    }
}

fn a_file_of_which_the_hash_is_not_known_yet_is_served_without_a_tag(protocol: Protocol) {
    let site = Site::new();
    // Sparse, so that hashing takes a while and nothing else does.
    File::create(site.path("large")).and_then(|file| file.set_len(1 << 27)).expect("a large file");
    let server = Server::start_over(protocol, &site, &["--etag", "content"]);
    let mut conn = server.connect();
    let part = request(&mut conn, "GET", "/large", &["Range: bytes=5-9"]);
    assert_eq!((part.status, part.content.as_slice(), part.field("ETag")), (206, &[0; 5][..], None));
    assert!(part.field("Last-Modified").is_some(), "{part:?}");
    let tagged = eventually("it is hashed", Duration::from_mins(2), || {
        let answer = request(&mut conn, "HEAD", "/large", &[]);
        answer.field("ETag").map(str::to_owned)
    });
    let lines = ["Range: bytes=5-9", &*format!("If-Range: {tagged}")];
    assert_eq!(request(&mut conn, "GET", "/large", &lines).status, 206);
    fs::remove_file(site.path("large")).expect("it is there");
}
