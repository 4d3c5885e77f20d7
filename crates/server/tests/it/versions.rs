//! Files that change while they are served: length, validators and content of an answer always belong to one
//! version, and a new version is seen at once.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::{Answer, Conn, End, Protocol, SOON, Server, Site, noise, on_every_protocol};

on_every_protocol! {
    a_file_truncated_during_its_transfer_ends_the_connection,
    every_change_is_seen_at_once,
    a_file_that_becomes_something_else_is_seen_at_once,
    last_modified_follows_the_file,
    a_root_that_is_gone_serves_nothing_and_ends_nothing,
    a_file_that_grows_during_its_transfer_is_sent_as_it_was_announced,
    a_file_replaced_during_its_transfer_is_sent_whole_in_its_old_version,
    a_file_removed_during_its_transfer_is_sent_whole,
}

/// How old what a server remembers of a file may be.
const FRESHNESS: Duration = Duration::from_millis(20);

const LENGTH: usize = 20_000_000;

/// A transfer of `/large` of which the head has been read, and its start: the server waits for this client.
fn transfer(server: &Server) -> (Conn, Vec<u8>) {
    let mut conn = server.connect_with_small_window();
    conn.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(conn.next_head().expect("an answer").content_length(), Some(LENGTH));
    let start = conn.take(1_000);
    (conn, start)
}

/// Lets what the server may still remember of a file grow too old. Until then it may promise a length that the
/// file, changed in place, no longer has, and must break the promise.
fn let_memory_expire() {
    // The server's own time is what is waited for; there is nothing else to see.
    thread::sleep(FRESHNESS);
}

/// Asks without a pause until the answer `is_new`, which keeps the file as hot as can be; an old answer to a
/// request that began more than [`FRESHNESS`] after the change is a failure.
fn is_seen_at_once(conn: &mut Conn, target: &str, changed: Instant, is_new: impl Fn(&Answer) -> bool) {
    loop {
        let began = Instant::now();
        let answer = conn.get(target);
        if is_new(&answer) {
            return;
        }
        let age = began - changed;
        assert!(age <= FRESHNESS, "{target}: old ({}) {age:?} after the change", answer.status);
    }
}

fn a_file_truncated_during_its_transfer_ends_the_connection(protocol: Protocol) {
    // To nothing, and to a length that the transfer has not reached: whole pages, because the kernel clears
    // the rest of a last page even where it is already on its way to the client.
    for kept in [0, 16_777_216] {
        let site = Site::new();
        let content = noise(LENGTH, 1);
        let path = site.file("large", &content);
        let server = Server::start_over(protocol, &site, &["--workers", "1"]);
        let (mut conn, mut received) = transfer(&server);
        fs::File::options()
            .write(true)
            .open(path)
            .and_then(|file| file.set_len(kept))
            .expect("a truncated file");
        received.extend(conn.take(LENGTH - received.len()));
        assert!(received.len() < LENGTH, "the promised length came, so something was made up");
        assert!(content.starts_with(&received), "what came is not the file's");
        assert!(matches!(conn.end(), End::Clean | End::Reset));
        let_memory_expire();
        // It took its number and has its line; others are served.
        assert_eq!(server.stdout().wait_for_deliveries(1)[0].n, 1);
        assert_eq!(server.fetch("/large").content_length(), Some(kept as usize));
    }
}

fn a_file_that_grows_during_its_transfer_is_sent_as_it_was_announced(protocol: Protocol) {
    let site = Site::new();
    let content = noise(LENGTH, 2);
    let path = site.file("large", &content);
    let server = Server::start_over(protocol, &site, &[]);
    let (mut conn, mut received) = transfer(&server);
    let mut file = fs::File::options().append(true).open(path).expect("our file");
    file.write_all(&noise(5_000_000, 3)).expect("a longer file");
    received.extend(conn.take(LENGTH - received.len()));
    assert!(received == content, "what came is not what was announced");
    let_memory_expire();
    // The next answer begins where the first ends, and has the new length.
    assert_eq!(conn.get("/large").content_length(), Some(LENGTH + 5_000_000));
}

fn a_file_replaced_during_its_transfer_is_sent_whole_in_its_old_version(protocol: Protocol) {
    let site = Site::new();
    let (old, new) = (noise(LENGTH, 4), noise(LENGTH + 1, 5));
    let path = site.file("large", &old);
    let server = Server::start_over(protocol, &site, &["--workers", "1"]);
    let (mut conn, mut received) = transfer(&server);
    fs::rename(site.file("new", &new), path).expect("a new version");
    let changed = Instant::now();
    is_seen_at_once(&mut server.connect(), "/large", changed, |answer| answer.content == new);
    received.extend(conn.take(LENGTH - received.len()));
    assert!(received == old, "versions were mixed");
    assert!(conn.get("/large").content == new);
}

fn a_file_removed_during_its_transfer_is_sent_whole(protocol: Protocol) {
    let site = Site::new();
    let content = noise(LENGTH, 6);
    let path = site.file("large", &content);
    let server = Server::start_over(protocol, &site, &[]);
    let (mut conn, mut received) = transfer(&server);
    fs::remove_file(path).expect("our file");
    received.extend(conn.take(LENGTH - received.len()));
    assert!(received == content);
    let_memory_expire();
    assert_eq!(conn.get("/large").status, 404);
}

fn every_change_is_seen_at_once(protocol: Protocol) {
    for length in [100, 50_000, 2_000_000] {
        let site = Site::new();
        let content = |version: u64| noise(length, version);
        let path = site.file("f", content(0));
        let server = Server::start_over(protocol, &site, &["--workers", "1"]);
        let mut conn = server.connect();
        is_seen_at_once(&mut conn, "/f", Instant::now(), |answer| answer.content == content(0));
        for version in 1..5 {
            // By rename, which is how a file should be replaced: same length, maybe the same second.
            fs::rename(site.file("new", content(version)), &path).expect("a new version");
            is_seen_at_once(&mut conn, "/f", Instant::now(), |answer| answer.content == content(version));

            fs::remove_file(&path).expect("our file");
            is_seen_at_once(&mut conn, "/f", Instant::now(), |answer| answer.status == 404);

            site.file("f", content(version));
            is_seen_at_once(&mut conn, "/f", Instant::now(), |answer| answer.content == content(version));

            // In place: by a process that writes another length.
            fs::write(&path, &content(version)[1..]).expect("our file");
            let_memory_expire();
            assert!(conn.get("/f").content == content(version)[1..], "version {version} in place differs");
        }
    }
}

fn a_file_that_becomes_something_else_is_seen_at_once(protocol: Protocol) {
    let site = Site::with(&[("f", "content"), ("other", "other content"), ("dir/f", "f")]);
    fs::write(site.around().join("secret"), "secret").expect("a file beside the root");
    let server = Server::start_over(protocol, &site, &["--workers", "1"]);
    let mut conn = server.connect();
    assert_eq!(conn.get("/f").content, b"content");

    fs::remove_file(site.path("f")).expect("our file");
    fs::create_dir(site.path("f")).expect("a folder");
    is_seen_at_once(&mut conn, "/f", Instant::now(), |answer| matches!(answer.status, 301 | 308));

    fs::remove_dir(site.path("f")).expect("our folder");
    symlink("other", site.path("f")).expect("a link");
    is_seen_at_once(&mut conn, "/f", Instant::now(), |answer| answer.content == b"other content");

    fs::remove_file(site.path("f")).expect("our link");
    symlink("../secret", site.path("f")).expect("a link");
    is_seen_at_once(&mut conn, "/f", Instant::now(), |answer| matches!(answer.status, 403 | 404));

    // The folder on the way changes, not the file.
    assert_eq!(conn.get("/dir/f").content, b"f");
    fs::rename(site.path("dir"), site.path("moved")).expect("our folder");
    is_seen_at_once(&mut conn, "/dir/f", Instant::now(), |answer| answer.status == 404);
    assert_eq!(conn.get("/moved/f").content, b"f");
}

fn last_modified_follows_the_file(protocol: Protocol) {
    let site = Site::with(&[("f", "content")]);
    let server = Server::start_over(protocol, &site, &["--workers", "1"]);
    let mut conn = server.connect();
    let file = fs::File::options().append(true).open(site.path("f")).expect("our file");
    for (seconds, date) in [
        (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (1_000_000_000, "Sun, 09 Sep 2001 01:46:40 GMT"),
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
    ] {
        let time = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        file.set_modified(time).expect("a modification time");
        is_seen_at_once(&mut conn, "/f", Instant::now(), |answer| {
            answer.field("Last-Modified") == Some(date)
        });
    }
    // A time to come is not sent: nothing was modified after the answer was made (RFC 9110 section 8.8.2.1).
    file.set_modified(std::time::SystemTime::now() + Duration::from_hours(24)).expect("a modification time");
    is_seen_at_once(&mut conn, "/f", Instant::now(), |answer| {
        answer.field("Last-Modified").is_none_or(|modified| Some(modified) == answer.field("Date"))
    });
}

fn a_root_that_is_gone_serves_nothing_and_ends_nothing(protocol: Protocol) {
    let site = Site::with(&[("f", "content")]);
    let server = Server::start_over(protocol, &site, &["--workers", "1"]);
    let mut conn = server.connect();
    assert_eq!(conn.get("/f").status, 200);
    fs::remove_dir_all(site.root()).expect("our folder");
    is_seen_at_once(&mut conn, "/f", Instant::now(), |answer| answer.status == 404);
    let status = crate::harness::eventually("an answer", SOON, || Some(server.fetch("/").status));
    assert!(matches!(status, 403 | 404), "{status}");
}
