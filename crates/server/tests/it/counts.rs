//! The counts outlive the server: `tallyd counts` reads them while it runs and afterwards, and the next run
//! goes on from them.
//!
//! What it prints of a ledger, and where a ledger can be, does not depend on who was served.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rustix::process::Signal;

use crate::harness::{Protocol, SOON, Server, Site, on_every_protocol, tallyd};
use crate::startup::check;

on_every_protocol! {
    counts_go_on_from_one_run_to_the_next,
    without_a_ledger_it_counts_since_the_start,
}

const WORLD_DOES_NOT_FIT: i32 = 1;

/// `tallyd counts` in the place of the site's server.
fn counts(site: &Site, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tallyd"));
    command.arg("counts").args(arguments).current_dir(site.around());
    command.env("XDG_STATE_HOME", site.around().join("state")).env_remove("STATE_DIRECTORY");
    command
}

/// What it prints; it must succeed.
fn answer(site: &Site, arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } = counts(site, arguments).output().expect("the program starts");
    assert!(status.success() && stderr.is_empty(), "{status}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).expect("text")
}

/// Paths with their requests, completed transfers and downloads.
fn figures(site: &Site, arguments: &[&str]) -> Vec<String> {
    let csv = answer(site, &[&["--csv"], arguments].concat());
    let mut lines = csv.lines();
    let header = "path,requests,head,full,partial,not_modified,completed,aborted,in_flight,downloads,bytes";
    assert_eq!(lines.next(), Some(header));
    let figure = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        format!("{} {} {} {}", fields[0], fields[1], fields[6], fields[9])
    };
    lines.map(figure).collect()
}

/// The only ledger in the state folder.
fn ledger(site: &Site) -> PathBuf {
    let entries = fs::read_dir(site.around().join("state/tallyd")).expect("the state folder");
    let mut ledgers = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|it| it == "ledger"));
    let ledger = ledgers.next().expect("a ledger");
    assert_eq!(ledgers.next(), None, "one root, one ledger");
    ledger
}

/// The numbers in the first `count` lines, sorted: two workers' lines may come in any order.
fn numbers(server: &Server, count: usize) -> Vec<u64> {
    let mut numbers: Vec<u64> = server.stdout().wait_for_deliveries(count).iter().map(|it| it.n).collect();
    numbers.sort_unstable();
    numbers
}

fn counts_go_on_from_one_run_to_the_next(protocol: Protocol) {
    let site = Site::with(&[("a", "content"), ("b/c", "more")]);
    let mut first = Server::start_over(protocol, &site, &[]);
    for target in ["/a", "/a", "/b/c"] {
        assert_eq!(first.fetch(target).status, 200);
    }
    assert_eq!(numbers(&first, 3), [1, 1, 2]);
    // A line is printed when its number is committed, so that it can be read now, while the server runs.
    let expect = ["/a 2 2 2", "/b/c 1 1 1"];
    assert_eq!(figures(&site, &[]), expect);
    first.signal(Signal::TERM);
    assert_eq!(first.wait_for_exit(SOON).code(), Some(0));
    assert_eq!(figures(&site, &[]), expect);

    let second = Server::start_over(protocol, &site, &[]);
    assert_eq!(second.fetch("/a").status, 200);
    assert_eq!(numbers(&second, 1), [3]);
    let said = second.stderr().wait_for("where it counts", |lines| lines.first().cloned());
    assert_eq!(said, format!("tallyd: counting in {} (2 files)", ledger(&site).display()));
    // A run that is killed has committed what it printed.
    drop(second);
    assert_eq!(figures(&site, &["--top", "1"]), ["/a 3 3 3"]);
    assert_eq!(figures(&site, &["/b/"]), ["/b/c 1 1 1"]);
    assert_eq!(figures(&site, &["--until", "2020-01-01"]), [""; 0]);
    let by_name = ledger(&site);
    let by_name = by_name.to_str().expect("UTF-8");
    assert_eq!(figures(&site, &["--ledger", by_name, "/a"]), ["/a 3 3 3"]);
}

#[test]
fn every_form_of_the_answer() {
    let site = Site::with(&[("a", "content")]);
    let server = Server::start(&site, &[]);
    server.fetch("/a");
    server.stdout().wait_for_deliveries(1);
    assert_eq!(
        answer(&site, &["--json"]),
        "[\n{\"path\":\"/a\",\"requests\":1,\"head\":0,\"full\":1,\"partial\":0,\"not_modified\":0,\
         \"completed\":1,\"aborted\":0,\"in_flight\":0,\"downloads\":1,\"bytes\":7}\n]\n"
    );
    let by_day = answer(&site, &["--json", "--by", "day"]);
    assert!(by_day.contains("{\"path\":\"/a\",\"day\":\"20"), "{by_day}");
    let table = answer(&site, &[]);
    assert!(table.starts_with("downloads ") && table.ends_with(" total of 1 file\n"), "{table}");
    let verdict = answer(&site, &["--verify"]);
    assert!(
        verdict.lines().count() > 3 && verdict.lines().all(|line| line.starts_with("holds ")),
        "{verdict}"
    );
}

#[test]
fn an_answer_that_nobody_reads_to_the_end_ends_quietly() {
    let site = Site::new();
    let server = Server::start(&site, &[]);
    // So many bytes that no pipe holds them (64 KiB).
    for number in 0..400 {
        let name = format!("{number:0>250}");
        site.file(&name, "");
        server.fetch(&format!("/{name}"));
    }
    server.stdout().wait_for_deliveries(400);
    let mut command = counts(&site, &["--json"]);
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let mut first = [0; 2];
    child.stdout.take().expect("a piped stdout").read_exact(&mut first).expect("a first line");
    let Output { status, stderr, .. } = child.wait_with_output().expect("our child");
    assert!(status.success() && stderr.is_empty(), "{status}: {}", String::from_utf8_lossy(&stderr));
}

#[test]
fn one_ledger_has_one_server() {
    let site = Site::with(&[("a", "content")]);
    let server = Server::start(&site, &[]);
    let name = ledger(&site);
    let name = name.to_str().expect("UTF-8");
    let process = format!("process {}", server.pid());
    check(&mut tallyd(&site), WORLD_DOES_NOT_FIT, &["ledger", name, &process]);
    // Under another name it is the same.
    let link = site.around().join("link");
    std::os::unix::fs::symlink(name, &link).expect("a link");
    check(tallyd(&site).arg("--ledger").arg(&link), WORLD_DOES_NOT_FIT, &["--ledger", "link", &process]);
    // The first has noticed nothing.
    server.fetch("/a");
    assert_eq!(numbers(&server, 1), [1]);
}

fn without_a_ledger_it_counts_since_the_start(protocol: Protocol) {
    let site = Site::with(&[("a", "content")]);
    for _ in 0..2 {
        let server = Server::start_over(protocol, &site, &["--ledger", "none"]);
        server.fetch("/a");
        assert_eq!(numbers(&server, 1), [1]);
        let said = server.stderr().wait_for("where it counts", |lines| lines.first().cloned());
        assert_eq!(said, "tallyd: counting in memory, since this start only");
    }
    assert!(!site.around().join("state").exists(), "it left something behind");
    check(&mut counts(&site, &[]), WORLD_DOES_NOT_FIT, &["ledger", "is not there", "state/tallyd/"]);
    check(&mut counts(&site, &["--ledger", "none"]), WORLD_DOES_NOT_FIT, &["none"]);
}

#[test]
fn places_where_no_ledger_can_be() {
    let site = Site::with(&[("a", "content")]);
    let refused = |path: &Path, words: &[&str]| {
        check(tallyd(&site).arg("--ledger").arg(path), WORLD_DOES_NOT_FIT, words);
    };
    refused(&site.path("x.ledger"), &["--ledger", "x.ledger", "in the folder to serve"]);
    std::os::unix::fs::symlink("www", site.around().join("link")).expect("a link");
    refused(&site.around().join("link/x.ledger"), &["in the folder to serve"]);
    assert_eq!(fs::read_dir(site.root()).expect("our folder").count(), 1, "it left something in the root");

    let diary = site.around().join("diary");
    fs::write(&diary, "dear diary").expect("our file");
    refused(&diary, &["diary", "is not a ledger of tallyd"]);
    check(&mut counts(&site, &["--ledger", "diary"]), WORLD_DOES_NOT_FIT, &["diary", "no ledger of tallyd"]);
    assert_eq!(fs::read(&diary).expect("our file"), b"dear diary");

    // The kernel's own file system is one in which nobody, not even root, can make files.
    refused(Path::new("/sys/x.ledger"), &["/sys/x.ledger", "cannot be written"]);
    let mut nowhere = tallyd(&site);
    nowhere.env("XDG_STATE_HOME", "/sys/state");
    check(&mut nowhere, WORLD_DOES_NOT_FIT, &["auto", "/sys/state/tallyd/", "--ledger none"]);
    let mut homeless = tallyd(&site);
    homeless.env_remove("XDG_STATE_HOME").env_remove("HOME");
    check(&mut homeless, WORLD_DOES_NOT_FIT, &["HOME", "--ledger"]);
}

#[test]
fn paths_and_folders_that_are_not_there() {
    let site = Site::with(&[("a", "content"), ("b|c/d", "content"), ("later", "content")]);
    let server = Server::start(&site, &[]);
    for target in ["/a", "/b%7Cc/d"] {
        server.fetch(target);
    }
    server.stdout().wait_for_deliveries(2);
    drop(server);
    let refused = |arguments: &[&str], words: &[&str]| {
        check(&mut counts(&site, arguments), WORLD_DOES_NOT_FIT, words);
    };
    for arguments in [&["/nosuch"][..], &["/nosuch", "--json"], &["/a", "/nosuch"], &["/nosuch/"]] {
        refused(
            arguments,
            &["the path \"/nosuch", "(PATH, command line)", "ledger", "\"www\"", "as in: tallyd counts"],
        );
    }
    // Whoever names a folder of the machine means its ledger.
    let root = site.root();
    let root = root.to_str().expect("UTF-8");
    refused(&[root], &[&format!("tallyd counts --root {root}")]);
    refused(&["--root", "nowhere"], &["\"nowhere\" (--root, command line) does not exist", "--ledger FILE"]);
    // What is in the folder and was not asked for yet is no mistake, and neither is a day on which nothing was.
    assert_eq!(figures(&site, &["/later"]), [""; 0]);
    assert_eq!(figures(&site, &["/b|c/"]), ["/b%7Cc/d 1 1 1"]);
    assert_eq!(figures(&site, &["/a", "--until", "2020-01-01"]), [""; 0]);

    // The counts outlive what was counted.
    fs::remove_file(site.path("a")).expect("our file");
    assert_eq!(figures(&site, &["/a"]), ["/a 1 1 1"]);
    fs::remove_dir_all(root).expect("our folder");
    assert_eq!(figures(&site, &["/a"]), ["/a 1 1 1"]);
    assert_eq!(figures(&site, &["--root", "x/../www/."]).len(), 2);
}
