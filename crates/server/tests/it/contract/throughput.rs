//! What trouble costs those who are served: the server's processor time for the same requests, with and without it.
//!
//! Two servers take turns, one of them in trouble, so that whatever else the machine does meets both. What is compared is the
//! work of the ledger and the log, to which every protocol reports the same: HTTP/1.1 has the least beside it, and is the
//! hardest case (`troubles` has them all).

use std::io::Write;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;

use crate::harness::Books;
use crate::harness::{Conn, SOON, Server, Site, Stdout, cpu_time};

const ROUNDS: u32 = 5;
/// Enough for tenths of a second of processor time in all, and for more lines than wait for a store that fails.
const REQUESTS: u64 = 100_000;
const BATCH: u64 = 500;

/// The promise is nine tenths; processor time is measured in hundredths of a second, on a machine that others use.
const LEAST: f64 = 0.8;

/// The processor time of one turn, with what it puts off for some milliseconds.
fn turn(server: &Server) -> Duration {
    let before = cpu_time(server.pid());
    let mut conn = Conn::open(server.address());
    for _ in 0..REQUESTS / BATCH {
        conn.send("GET /f HTTP/1.1\r\nHost: a\r\n\r\n".repeat(BATCH as usize));
        for _ in 0..BATCH {
            assert_eq!(conn.answer().content, b"content");
        }
    }
    cpu_time(server.pid()).saturating_sub(before)
}

/// Compares a sound server with one that `trouble` has met.
fn check(row: &str, sound: &Server, troubled: &Server) {
    let (mut with, mut without) = (Duration::ZERO, Duration::ZERO);
    turn(sound);
    turn(troubled);
    for _ in 0..ROUNDS {
        without += turn(sound);
        with += turn(troubled);
    }
    let ratio = without.as_secs_f64() / with.as_secs_f64();
    println!("{row}: {:.0} % of the sound state's work per CPU-second", ratio * 100.0);
    assert!(ratio >= LEAST, "{row}: {without:?} without, {with:?} with it");
}

struct Pair {
    site: Site,
    books: Books,
    sound: Server,
}

impl Pair {
    fn new() -> Self {
        let site = Site::with(&[("f", "content")]);
        let other = Books { file: site.around().join("sound") };
        let sound = Server::launch(other.server(&site).args(["--workers", "1"]), Stdout::Followed);
        Self { books: Books::of(&site), site, sound }
    }

    fn command(&self) -> Command {
        let mut command = self.books.server(&self.site);
        command.args(["--workers", "1"]);
        command
    }

    /// How many requests the server in trouble has answered, which is what its ledger must come to.
    const ASKED: u64 = (ROUNDS as u64 + 1) * REQUESTS;
}

fn said(server: &Server, words: &str) {
    server.stderr().wait_for(words, |lines| lines.iter().any(|line| line.contains(words)).then_some(()));
}

fn ends_with_everything(pair: &Pair, mut server: Server) {
    server.signal(Signal::TERM);
    assert!(server.wait_for_exit(SOON).success());
    let counted = pair.books.tally("/f");
    assert_eq!((counted.downloads, counted.bytes), (Pair::ASKED, Pair::ASKED * 7));
    pair.books.check_laws();
}

#[test]
fn a_locked_ledger_costs_no_throughput() {
    let pair = Pair::new();
    let server = Server::launch(&mut pair.command(), Stdout::Followed);
    pair.books.open();
    let other = rusqlite::Connection::open(&pair.books.file).expect("a database");
    other.busy_timeout(SOON).expect("patience");
    other.execute_batch("BEGIN IMMEDIATE").expect("a lock");
    check("a locked ledger", &pair.sound, &server);
    said(&server, "the ledger cannot be written");
    other.execute_batch("ROLLBACK").expect("the end of it");
    said(&server, "the ledger is written again");
    ends_with_everything(&pair, server);
}

#[test]
fn a_full_disk_costs_no_throughput() {
    let pair = Pair::new();
    let disk = pair.site.around().join("disk");
    let books = Books { file: disk.join("ledger") };
    let mut command = books.server(&pair.site);
    command.args(["--workers", "1"]);
    let Some(mut command) = super::troubles::on_a_small_disk(&command, &disk) else {
        println!("DID NOT RUN: no mount namespace for a small disk (unshare --mount)");
        return;
    };
    let server = Server::launch(&mut command, Stdout::Followed);
    let inside = std::path::PathBuf::from(format!("/proc/{}/root{}", server.pid(), disk.display()));
    let mut ballast = std::fs::File::create(inside.join("ballast")).expect("a file on the small disk");
    while ballast.write_all(&[0; 4096]).is_ok() {}
    check("a full disk", &pair.sound, &server);
    said(&server, "the ledger cannot be written");
    drop(ballast);
    std::fs::remove_file(inside.join("ballast")).expect("our own file");
    said(&server, "the ledger is written again");
}

#[test]
fn a_damaged_ledger_costs_no_throughput() {
    let pair = Pair::new();
    let server = Server::launch(&mut pair.command(), Stdout::Followed);
    super::troubles::damage(&pair.books);
    check("a damaged ledger", &pair.sound, &server);
    said(&server, "the ledger was damaged");
    ends_with_everything(&pair, server);
}

#[test]
fn a_stalled_output_costs_no_throughput() {
    let pair = Pair::new();
    let server = Server::launch(&mut pair.command(), Stdout::NeverRead);
    check("a stalled output", &pair.sound, &server);
    ends_with_everything(&pair, server);
}

#[test]
fn a_closed_output_costs_no_throughput() {
    let pair = Pair::new();
    let server = Server::launch(&mut pair.command(), Stdout::Closed);
    check("a closed output", &pair.sound, &server);
    said(&server, "nobody reads the access log any more");
    ends_with_everything(&pair, server);
}
