//! What is the server's own is nothing that clients can fetch, whatever leads to it: the ledger, the log, keys. To ask for
//! it takes no number.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use crate::harness::{Books, Identity, Protocol, SOON, Server, Site, Stdout, eventually, on_every_protocol};

on_every_protocol! {
    a_ledger_under_a_dot_name_in_the_root,
    a_ledger_that_links_lead_to,
    a_ledger_with_a_second_name_in_the_root,
    logs_keys_and_tokens_that_links_lead_to,
}

/// What is added to a ledger's name for the files that are there while a server owns it.
const SUFFIXES: [&str; 4] = ["", "-wal", "-shm", "-lock"];

fn files_of(books: &Books) -> [PathBuf; 4] {
    SUFFIXES.map(|suffix| {
        let mut name = OsString::from(&books.file);
        name.push(suffix);
        name.into()
    })
}

/// Whether the server holds locks of SQLite's kind on this file, which it loses if it closes any descriptor of it
/// (fcntl(2)); proc(5) has the columns.
fn is_locked(server: &Server, file: &Path) -> bool {
    let (pid, inode) = (server.pid().to_string(), fs::metadata(file).expect("it is there").ino().to_string());
    fs::read_to_string("/proc/locks").expect("Linux tells").lines().any(|line| {
        let columns: Vec<&str> = line.split_ascii_whitespace().collect();
        let [_, "POSIX", _, _, owner, place, ..] = columns[..] else { return false };
        owner == pid && place.rsplit(':').next() == Some(&inode)
    })
}

/// Each of `targets` is answered 404, and none is in the ledger; a file is served and counted meanwhile.
#[track_caller]
fn check(server: &Server, books: &Books, targets: &[String]) {
    for target in targets {
        assert_eq!(server.fetch(target).status, 404, "{target}");
    }
    assert_eq!(server.fetch("/open").status, 200);
    books.wait_for("/open", "counted", |counted| counted.requests > 0);
    assert_eq!(books.all().into_keys().collect::<Vec<_>>(), ["/open"]);
    books.check_laws();
}

fn targets(names: impl Iterator<Item = impl AsRef<Path>>) -> Vec<String> {
    names.map(|name| format!("/{}", name.as_ref().display())).collect()
}

fn a_ledger_under_a_dot_name_in_the_root(protocol: Protocol) {
    let site = Site::with(&[("open", "x")]);
    let books = Books { file: site.path(".state/www.ledger") };
    let server = Server::launch_over(protocol, &site, &mut books.server(&site), Stdout::Followed);
    let of = |folder: &str| SUFFIXES.map(|suffix| format!("/{folder}/www.ledger{suffix}"));
    check(&server, &books, &[of(".state"), of("%2estate"), of("x/../.state")].concat());
}

fn a_ledger_that_links_lead_to(protocol: Protocol) {
    let site = Site::with(&[("open", "x")]);
    let books = Books::of(&site);
    symlink("..", site.path("around")).expect("a link");
    for suffix in SUFFIXES {
        symlink(format!("../ledger{suffix}"), site.path(format!("leads{suffix}"))).expect("a link");
    }
    let links = || SUFFIXES.map(|suffix| format!("leads{suffix}"));
    let around = || SUFFIXES.map(|suffix| format!("around/ledger{suffix}"));
    let refused = targets(links().iter().chain(&around()));
    for arguments in [&[][..], &["--follow-links"]] {
        let server =
            Server::launch_over(protocol, &site, books.server(&site).args(arguments), Stdout::Followed);
        for file in files_of(&books) {
            assert!(file.exists(), "{} is not there to be asked for", file.display());
        }
        check(&server, &books, &refused);
        check(&server, &books, &refused);
        for file in [&books.file, &files_of(&books)[2]] {
            assert!(is_locked(&server, file), "what was asked for has lost its lock: {}", file.display());
        }
        // A listing does not tell of them either.
        let listing = String::from_utf8(server.fetch("/").content).expect("UTF-8");
        assert!(listing.contains("open") && !listing.contains("leads"), "{listing}");
    }
}

fn a_ledger_with_a_second_name_in_the_root(protocol: Protocol) {
    let site = Site::with(&[("open", "x"), ("page", "y")]);
    let books = Books::of(&site);
    let server = Server::launch_over(protocol, &site, &mut books.server(&site), Stdout::Followed);
    for (file, suffix) in files_of(&books).iter().zip(SUFFIXES) {
        fs::hard_link(file, site.path(format!("second{suffix}"))).expect("a second name");
    }
    // Nor is it sent in the place of another file.
    fs::hard_link(&books.file, site.path("open.gz")).expect("a second name");
    let mut client = server.connect();
    client.send("GET /open HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n");
    assert_eq!(client.answer().content, b"x");
    let mut refused = targets(SUFFIXES.map(|suffix| format!("second{suffix}")).iter());
    refused.push("/open.gz".to_owned());
    check(&server, &books, &refused);
    let listing = String::from_utf8(server.fetch("/").content).expect("UTF-8");
    assert!(listing.contains("page") && !listing.contains("second"), "{listing}");
}

fn logs_keys_and_tokens_that_links_lead_to(protocol: Protocol) {
    let site = Site::with(&[("open", "x")]);
    let books = Books::of(&site);
    let around = |name: &str| site.around().join(name);
    let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let identity = Identity::of(&site);
    let key = text(&identity.key);
    // A server whose clients speak through TLS has them already.
    let of_tls: &[&str] = if protocol.is_secure() { &[] } else { &identity.flags() };
    fs::write(around("token"), "0123456789abcdef").expect("a file");
    fs::write(around("log.1"), "lines").expect("an older log");
    symlink(&key, site.path("key")).expect("a link");
    for name in ["log", "log.1", "token"] {
        symlink(around(name), site.path(name)).expect("a link");
    }
    let (ledger, log, token) = (text(&books.file), text(&around("log")), text(&around("token")));
    let flags = ["--ledger", &ledger, "--log-file", &log, "--admin-token-file", &token, "--follow-links"];
    let server = Server::start_with_format_over(protocol, &site, &[of_tls, &flags].concat());
    check(&server, &books, &targets(["log", "log.1", "token", "key"].iter()));

    // One that takes its place is missed, too, and then withheld.
    fs::copy(&key, around("next")).and_then(|_| fs::rename(around("next"), &key)).expect("a new key");
    eventually("the new key is withheld", SOON, || (server.fetch("/key").status == 404).then_some(()));
}
