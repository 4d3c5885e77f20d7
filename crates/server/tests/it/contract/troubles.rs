//! A disk that is full, a ledger that is damaged or locked, output that nobody reads: serving goes on, the state is
//! said on standard error, and after it no count is missing.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::harness::{
    Books, Conn, Protocol, SOON, Server, Site, Stdout, deliveries, is_root, on_every_protocol,
};

on_every_protocol! {
    a_full_disk_delays_counts_and_loses_none,
    a_locked_ledger_delays_counts_and_loses_none,
    a_damaged_ledger_is_set_aside,
    a_ledger_that_is_moved_away_is_missed_and_keeps_its_owner,
    a_ledger_that_is_damaged_while_it_is_open_is_set_aside,
    output_that_stalls_costs_lines_and_no_counts,
    output_that_still_stalls_at_the_end_costs_a_number_that_is_said,
    output_that_is_closed_costs_lines_and_no_counts,
    an_end_that_a_locked_ledger_spoils_says_what_is_lost_within_the_grace,
    the_second_signal_ends_the_wait_for_a_locked_ledger,
    a_small_disk_is_not_filled_by_the_log_alone,
}

/// How often `/f` is asked for at a time. A request on a stream of its own costs its client many times what one in a pipeline
/// does.
fn load_by(protocol: Protocol) -> u64 {
    match protocol {
        Protocol::Http1 | Protocol::Http1Tls => 3_000,
        Protocol::Http2 | Protocol::Http3 => 300,
    }
}

/// How often it is asked for where lines must be more than a pipe holds (64 KiB).
fn flood_by(protocol: Protocol) -> u64 {
    match protocol {
        Protocol::Http1 | Protocol::Http1Tls => 60_000,
        Protocol::Http2 | Protocol::Http3 => 10_000,
    }
}

/// Asks for `/f` so often, and for as many files of their own as `files` says; returns how long it took.
fn load(server: &Server, requests: u64, files: std::ops::Range<u64>) -> Duration {
    let start = Instant::now();
    let mut conn = server.connect();
    conn.get_often("/f", requests as usize, b"content");
    for file in files {
        assert_eq!(conn.get(&format!("/many/{file}")).status, 200);
    }
    // It may go at a moment at which the server speaks, and then resets the connection.
    conn.acknowledge();
    start.elapsed()
}

fn site(files: u64) -> Site {
    let site = Site::with(&[("f", "content")]);
    (0..files).for_each(|file| drop(site.file(format!("many/{file}"), "x")));
    site
}

/// Waits until standard error has said this, and returns the line.
fn said(server: &Server, words: &str) -> String {
    server.stderr().wait_for(words, |lines| lines.iter().find(|line| line.contains(words)).cloned())
}

fn stop(server: &mut Server) {
    server.signal(Signal::TERM);
    assert!(server.wait_for_exit(SOON).success());
}

/// The numbers of `/f` were printed once each.
fn all_printed(server: &Server, count: u64) {
    let of_f = |lines: &[String]| -> Vec<u64> {
        deliveries(lines).into_iter().filter(|it| it.path == "/f").map(|it| it.n).collect()
    };
    let mut numbers = server.stdout().wait_for("all lines of /f", |lines| {
        let numbers = of_f(lines);
        (numbers.len() as u64 >= count).then_some(numbers)
    });
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=count).collect::<Vec<_>>());
}

/// The command, in a mount namespace of its own with a file system of 1 MiB at `at`; `None` where that is not allowed.
pub(super) fn on_a_small_disk(command: &Command, at: &Path) -> Option<Command> {
    fs::create_dir(at).expect("a mount point");
    let mut confined = Command::new("unshare");
    confined.arg("--mount").args((!is_root()).then_some("--map-root-user")).arg("sh");
    let permitted =
        Command::new("unshare").args(confined.get_args().take_while(|it| *it != "sh")).arg("true").output();
    if !permitted.is_ok_and(|output| output.status.success()) {
        return None;
    }
    confined.args(["-c", "mount -t tmpfs -o size=1m tmpfs \"$0\" && exec \"$@\""]).arg(at);
    confined.arg(command.get_program()).args(command.get_args());
    confined.current_dir(command.get_current_dir().expect("the site's folder"));
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => confined.env(name, value),
            None => confined.env_remove(name),
        };
    }
    Some(confined)
}

fn a_full_disk_delays_counts_and_loses_none(protocol: Protocol) {
    const FILES: u64 = 2_000;
    let often = load_by(protocol);
    let site = site(FILES);
    let disk = site.around().join("disk");
    let books = Books { file: disk.join("ledger") };
    let Some(mut command) = on_a_small_disk(&books.server(&site), &disk) else {
        println!("DID NOT RUN: no mount namespace for a small disk (unshare --mount)");
        return;
    };
    let mut server = Server::launch_over(protocol, &site, &mut command, Stdout::Followed);
    let inside = PathBuf::from(format!("/proc/{}/root{}", server.pid(), disk.display()));
    let sound = load(&server, often, 0..200);
    server.stdout().wait_for_deliveries((often + 200) as usize);
    let mut ballast = fs::File::create(inside.join("ballast")).expect("a file on the small disk");
    // What the ledger finds that it can do without is taken as well.
    let mut rounds = 0;
    let mut troubled = Duration::ZERO;
    while !server.stderr().all().iter().any(|line| line.contains("the ledger cannot be written")) {
        while ballast.write_all(&[0; 4096]).is_ok() {}
        troubled += load(&server, often, 200..FILES);
        rounds += 1;
    }
    println!(
        "{often} requests before the disk was full: {sound:?}; with it full, {rounds} times as many, and 9 times as many files: {troubled:?}"
    );
    // Let it be full for some more requests than one.
    load(&server, often, 0..0);
    drop(ballast);
    fs::remove_file(inside.join("ballast")).expect("our own file");
    said(&server, "the ledger is written again");
    let of_f = (2 + rounds) * often;
    let all = of_f + 200 + rounds * (FILES - 200);
    assert_eq!(server.stdout().wait_for_deliveries(all as usize).len() as u64, all);
    let books = copied(&server, &site, &inside);
    let counted = books.tally("/f");
    assert_eq!((counted.completed, counted.downloads, counted.bytes), (of_f, of_f, of_f * 7));
    assert_eq!(books.all().len() as u64, FILES + 1);
    books.check_laws();
    stop(&mut server);
}

/// Copies of the files in which all is committed, which are the ledger. (SQLite would not find the other namespace's files,
/// because it resolves the link that leads there.)
fn copied(server: &Server, site: &Site, inside: &Path) -> Books {
    // Whatever it puts in order meanwhile, the copies are of one moment.
    server.signal(Signal::STOP);
    for suffix in ["", "-wal"] {
        let name = format!("ledger{suffix}");
        fs::copy(inside.join(&name), site.around().join(&name)).expect("a copy");
    }
    server.signal(Signal::CONT);
    Books::of(site)
}

/// What is counted takes a quarter of the room; the log would take all of it within some thousand requests.
fn a_small_disk_is_not_filled_by_the_log_alone(protocol: Protocol) {
    const FILES: u64 = 2_000;
    const ROUNDS: u64 = 8;
    let site = site(FILES);
    let disk = site.around().join("disk");
    let books = Books { file: disk.join("ledger") };
    let Some(mut command) = on_a_small_disk(&books.server(&site), &disk) else {
        println!("DID NOT RUN: no mount namespace for a small disk (unshare --mount)");
        return;
    };
    let mut server = Server::launch_over(protocol, &site, &mut command, Stdout::Followed);
    let inside = PathBuf::from(format!("/proc/{}/root{}", server.pid(), disk.display()));
    fs::write(inside.join("ballast"), vec![0; 200_000]).expect("a file on the small disk");
    for _ in 0..ROUNDS {
        load(&server, 200, 0..FILES);
    }
    // Nobody makes room.
    let all = ROUNDS * (200 + FILES);
    assert_eq!(server.stdout().wait_for_deliveries(all as usize).len() as u64, all);
    let books = copied(&server, &site, &inside);
    assert_eq!(books.tally("/f").downloads, ROUNDS * 200);
    assert_eq!(books.tally("/many/7").downloads, ROUNDS);
    books.check_laws();
    stop(&mut server);
}

fn a_locked_ledger_delays_counts_and_loses_none(protocol: Protocol) {
    let often = load_by(protocol);
    let site = site(0);
    let books = Books::of(&site);
    let mut server = Server::launch_over(protocol, &site, &mut books.server(&site), Stdout::Followed);
    load(&server, often, 0..0);
    books.wait_for("/f", "counted before", |counted| counted.completed == often);
    let other = rusqlite::Connection::open(&books.file).expect("a database");
    other.busy_timeout(SOON).expect("patience");
    other.execute_batch("BEGIN IMMEDIATE").expect("a lock");
    load(&server, often, 0..0);
    said(&server, "the ledger cannot be written");
    assert_eq!(books.tally("/f").requests, often);
    other.execute_batch("ROLLBACK").expect("the end of it");
    said(&server, "the ledger is written again");
    books.wait_for("/f", "complete", |counted| counted.downloads == 2 * often);
    all_printed(&server, 2 * often);
    stop(&mut server);
    books.check_laws();
}

fn a_damaged_ledger_is_set_aside(protocol: Protocol) {
    let often = load_by(protocol);
    let site = site(200);
    let books = Books::of(&site);
    let mut server = Server::launch_over(protocol, &site, &mut books.server(&site), Stdout::Followed);
    load(&server, often, 0..200);
    stop(&mut server);
    // All but the header's page, so that it is still known to be ours.
    let mut bytes = fs::read(&books.file).expect("the ledger");
    bytes[4096..].fill(0xA5);
    fs::write(&books.file, &bytes).expect("our own file");
    let mut server = Server::launch_over(protocol, &site, &mut books.server(&site), Stdout::Followed);
    let line = said(&server, "damaged");
    println!("{line}");
    load(&server, often, 0..0);
    all_printed(&server, often);
    stop(&mut server);
    assert_eq!(books.tally("/f").downloads, often);
    let aside: Vec<PathBuf> = fs::read_dir(site.around())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| {
            path.to_string_lossy().contains("ledger.corrupt-") && fs::read(path).is_ok_and(|it| it == bytes)
        })
        .collect();
    assert_eq!(aside.len(), 1, "the damaged ledger is kept as it was");
}

fn a_ledger_that_is_moved_away_is_missed_and_keeps_its_owner(protocol: Protocol) {
    let often = load_by(protocol);
    let site = site(0);
    let books = Books::of(&site);
    let moved = Books { file: site.around().join("moved") };
    let mut server = Server::launch_over(protocol, &site, &mut books.server(&site), Stdout::Followed);
    load(&server, often, 0..0);
    books.wait_for("/f", "complete", |counted| counted.downloads == often);
    fs::rename(&books.file, &moved.file).expect("our own file");
    println!("{}", said(&server, "moved or removed"));
    load(&server, often, 0..0);
    // Under its new name it is complete up to here, and still this server's; its old name is, too.
    assert_eq!(moved.tally("/f").downloads, often);
    for name in [&moved, &books] {
        let second = name.server(&site).output().expect("the program starts");
        assert!(!second.status.success());
        let words = String::from_utf8(second.stderr).expect("text");
        assert!(words.contains("owned by another server"), "{words}");
    }
    fs::rename(&moved.file, &books.file).expect("our own file");
    said(&server, "the ledger is written again");
    books.wait_for("/f", "complete", |counted| counted.downloads == 2 * often);
    all_printed(&server, 2 * often);
    stop(&mut server);
    books.check_laws();
    // A name more is one too many.
    fs::hard_link(&books.file, &moved.file).expect("our own file");
    let linked = moved.server(&site).output().expect("the program starts");
    let words = String::from_utf8(linked.stderr).expect("text");
    assert!(!linked.status.success() && words.contains("hard link"), "{words}");
}

/// Overwrites a ledger that a server has open, all but the header that says whose it is, and its log.
pub(super) fn damage(books: &Books) {
    books.open();
    // Another program's commit, so that the server must read again what it has read before.
    let other = rusqlite::Connection::open(&books.file).expect("a database");
    other.busy_timeout(SOON).expect("patience");
    other.execute_batch("UPDATE ledger SET created = created + 1").expect("a commit");
    let log = books.file.with_extension("-wal").to_string_lossy().replace(".-wal", "-wal");
    for (path, keep) in [(books.file.clone(), 100), (PathBuf::from(log), 0)] {
        let mut bytes = fs::read(&path).expect("our own file");
        bytes[keep..].fill(0xA5);
        let mut file = fs::OpenOptions::new().write(true).open(&path).expect("our own file");
        file.write_all(&bytes).expect("room for as much as there was");
    }
}

fn a_ledger_that_is_damaged_while_it_is_open_is_set_aside(protocol: Protocol) {
    let often = load_by(protocol);
    let site = site(200);
    let books = Books::of(&site);
    let mut server = Server::launch_over(protocol, &site, &mut books.server(&site), Stdout::Followed);
    load(&server, often, 0..100);
    books.wait_for("/many/99", "counted before", |counted| counted.completed == 1);
    all_printed(&server, often);
    damage(&books);
    load(&server, often, 100..200);
    let line = said(&server, "the ledger was damaged and is now at ");
    println!("{line}");
    // What is lost is said, and where it is.
    assert!(line.contains("those of other files are in the old one alone"), "{line}");
    all_printed(&server, 2 * often);
    stop(&mut server);
    // Of the files in memory nothing is lost.
    assert_eq!(books.tally("/f").downloads, 2 * often);
    books.check_laws();
    let rest = line.split_once(" is now at ").expect("the words above").1;
    let aside =
        fs::read(rest.split_once(';').expect("the rest of the sentence").0).expect("the damaged ledger");
    assert!(aside[100..].iter().all(|byte| *byte == 0xA5), "it is as it was");
}

/// It is at the start that they are refused, before any client.
#[test]
fn a_second_server_and_a_foreign_file_are_refused() {
    let often = load_by(Protocol::Http1);
    let site = site(0);
    let books = Books::of(&site);
    let mut server = Server::launch(&mut books.server(&site), Stdout::Followed);
    let second = books.server(&site).output().expect("the program starts");
    assert!(!second.status.success());
    let words = String::from_utf8(second.stderr).expect("text");
    assert!(words.contains("another server") && words.contains(&server.pid().to_string()), "{words}");
    load(&server, often, 0..0);
    stop(&mut server);
    assert_eq!(books.tally("/f").downloads, often);
    let foreign = site.around().join("notes.txt");
    fs::write(&foreign, "buy milk\n").expect("our own file");
    let refused = Books { file: foreign.clone() }.server(&site).output().expect("the program starts");
    assert!(!refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains("not a ledger"));
    assert_eq!(fs::read(foreign).expect("our own file"), b"buy milk\n");
}

/// Connections that say nothing: each is a line of its own, and an entry of its own in the access log's queue.
const CONNECTIONS: u64 = 20_000;

/// A server whose output nobody reads, after more lines than are kept for it; how many lines there are in all.
fn with_a_stalled_output(protocol: Protocol, site: &Site, books: &Books) -> (Server, u64) {
    let (flood, often) = (flood_by(protocol), load_by(protocol));
    let mut command = books.server(site);
    command.args(["--workers", "1", "--grace", "5s"]);
    let server = Server::launch_over(protocol, site, &mut command, Stdout::NeverRead);
    // Each commit hands over one entry, and the queue holds thousands: single connections fill it, of the kind that costs its
    // client least.
    load(&server, flood, 0..0);
    for _ in 0..CONNECTIONS {
        drop(Conn::open(server.address()));
    }
    // They are accepted in order: when one more is answered, all are.
    assert_eq!(Conn::open(server.address()).get("/missing").status, 404);
    books.wait_for("/f", "complete", |counted| counted.downloads == flood);
    load(&server, often, 0..0);
    books.wait_for("/f", "complete", |counted| counted.downloads == flood + often);
    (server, flood + often + CONNECTIONS + 3)
}

/// The sum of the numbers in front of these words, in all that standard error has said.
fn sum_said(server: &Server, words: &str) -> u64 {
    let number = |line: &String| {
        let before = line.split_once(words)?.0;
        before.rsplit(' ').next().expect("a word").parse::<u64>().ok()
    };
    server.stderr().all().iter().filter_map(number).sum()
}

fn output_that_stalls_costs_lines_and_no_counts(protocol: Protocol) {
    let site = site(0);
    let books = Books::of(&site);
    let (mut server, lines) = with_a_stalled_output(protocol, &site, &books);
    // While it stalls.
    println!("{}", said(&server, " lines were dropped"));
    server.follow_stdout();
    stop(&mut server);
    server.stdout().wait_for_end();
    server.stderr().wait_for_end();
    let printed = server.stdout().all();
    let mut numbers: Vec<u64> = deliveries(&printed).into_iter().map(|it| it.n).collect();
    let deliveries = numbers.len();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), deliveries, "printed twice");
    assert!(numbers.last().is_none_or(|last| *last <= flood_by(protocol) + load_by(protocol)));
    let dropped = sum_said(&server, " lines were dropped");
    assert_eq!(printed.len() as u64 + dropped, lines, "printed, and said to be dropped");
    books.check_laws();
}

fn output_that_still_stalls_at_the_end_costs_a_number_that_is_said(protocol: Protocol) {
    let site = site(0);
    let books = Books::of(&site);
    let (mut server, lines) = with_a_stalled_output(protocol, &site, &books);
    stop(&mut server);
    server.stderr().wait_for_end();
    let dropped = sum_said(&server, " lines were dropped");
    let given_up = sum_said(&server, " lines are given up");
    server.follow_stdout();
    server.stdout().wait_for_end();
    // The last line in the pipe may be cut.
    let printed = server.stdout().all().len() as u64;
    println!("of {lines} lines {printed} printed, {dropped} dropped, up to {given_up} given up");
    assert!(dropped > 0 && given_up > 0);
    assert!(printed + dropped <= lines + 1 && lines <= printed + dropped + given_up);
    assert_eq!(books.tally("/f").downloads, flood_by(protocol) + load_by(protocol));
    books.check_laws();
}

fn output_that_is_closed_costs_lines_and_no_counts(protocol: Protocol) {
    let flood = flood_by(protocol);
    let site = site(0);
    let books = Books::of(&site);
    let mut server = Server::launch_over(protocol, &site, &mut books.server(&site), Stdout::Closed);
    load(&server, flood, 0..0);
    said(&server, "nobody reads the access log any more");
    stop(&mut server);
    assert_eq!(books.tally("/f").downloads, flood);
    books.check_laws();
    server.stderr().wait_for_end();
    // What was in the pipe when its reader went is lost as well, and nobody can know how much that is.
    let lost = sum_said(&server, " lines of the access log could not be written");
    assert!((1..=flood + 1).contains(&lost), "{lost}");
}

/// Locks the ledger as another program would, with requests that are counted already and as many that are not.
fn lock(server: &Server, books: &Books) -> rusqlite::Connection {
    let often = load_by(server.protocol());
    load(server, often, 0..0);
    books.wait_for("/f", "counted before", |counted| counted.completed == often);
    let other = rusqlite::Connection::open(&books.file).expect("a database");
    other.busy_timeout(SOON).expect("patience");
    other.execute_batch("BEGIN IMMEDIATE").expect("a lock");
    load(server, often, 0..0);
    said(server, "the ledger cannot be written");
    other
}

fn an_end_that_a_locked_ledger_spoils_says_what_is_lost_within_the_grace(protocol: Protocol) {
    let often = load_by(protocol);
    let site = site(0);
    let books = Books::of(&site);
    let mut server =
        Server::launch_over(protocol, &site, books.server(&site).args(["--grace", "2s"]), Stdout::Followed);
    let other = lock(&server, &books);
    let start = Instant::now();
    server.signal(Signal::TERM);
    assert_eq!(server.wait_for_exit(SOON).code(), Some(1));
    let took = start.elapsed();
    println!("ended after {took:?}: {}", said(&server, "could not be written to the ledger"));
    // It has its grace, and no more; a busy machine may take a little longer.
    assert!((Duration::from_millis(1_500)..Duration::from_secs(5)).contains(&took), "{took:?}");
    assert_eq!(sum_said(&server, " requests, and how"), often);
    assert_eq!(sum_said(&server, " ended, could not be written to the ledger"), often);
    other.execute_batch("ROLLBACK").expect("the end of it");
    assert_eq!(books.tally("/f").requests, often);
    // What was lost was not printed, and its numbers are given again.
    server.stdout().wait_for_end();
    assert_eq!(deliveries(&server.stdout().all()).len() as u64, often);
    assert_eq!(sum_said(&server, " lines were dropped"), often);
}

fn the_second_signal_ends_the_wait_for_a_locked_ledger(protocol: Protocol) {
    let often = load_by(protocol);
    let site = site(0);
    let books = Books::of(&site);
    let mut server =
        Server::launch_over(protocol, &site, books.server(&site).args(["--grace", "60s"]), Stdout::Followed);
    let _other = lock(&server, &books);
    // A connection that ends shows that the first signal was heeded.
    let mut idle = server.connect();
    server.signal(Signal::TERM);
    idle.end();
    server.signal(Signal::TERM);
    assert_eq!(server.wait_for_exit(SOON).code(), Some(1));
    assert_eq!(sum_said(&server, " requests, and how"), often);
}
