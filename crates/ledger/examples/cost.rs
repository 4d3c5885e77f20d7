//! What counting costs: `cargo run --release -p tallyd-ledger --example cost [FOLDER]`.
//!
//! Measures the push of one delivery, the writer's work on few and on many files, and a ledger of one million
//! files requested once each: memory, size, and the time of `counts --top 20` on it. FOLDER is where the
//! ledgers are made; by default the system's folder for temporary files.

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tallyd_ledger::query::{Order, Selection};
use tallyd_ledger::{
    Client, Day, Delivery, Kind, Ledger, Moment, Options, Outcome, Place, Query, Received, Reporter,
    Representation, Tally, Weight,
};

/// As much as the server hands along for an access line: a few words.
struct Line([u64; 4]);

impl Weight for Line {
    fn weight(&self) -> usize {
        size_of_val(&self.0)
    }
}

const DAY: Day = Day(20_000);
const LENGTH: u64 = 1_024;

/// How fast new files come: more than two workers can look up, open and read.
const FILES_PER_SECOND: u64 = 50_000;

fn main() {
    let folder = std::env::args_os().nth(1).map_or_else(std::env::temp_dir, Into::into);
    let folder = tempfile::tempdir_in(folder).expect("the folder is writable");
    println!("size of a delivery: {} bytes", size_of::<Delivery<Line>>());
    push(folder.path());
    for files in [1, 100, 10_000] {
        rate(folder.path(), files);
    }
    million(folder.path());
}

fn open(path: &Path) -> Ledger<Line> {
    Ledger::open(&Place::File(path.to_owned()), Options::default(), ()).expect("a new ledger").0
}

fn deliver(reporter: &Reporter<Line>, tally: &Tally) {
    reporter.ended(Delivery {
        request: tally.take_number(Kind::Full, DAY),
        client: Client { address: IpAddr::V4(Ipv4Addr::LOCALHOST), port: 50_000, agent: 7 },
        representation: Representation { entity_tag: 1, complete_length: LENGTH },
        received: Received::Single(0..LENGTH),
        written_to: LENGTH,
        outcome: Outcome::Completed,
        began: Moment(1),
        ended: Moment(2),
        line: black_box(Line([1, 2, 3, 4])),
    });
}

/// Bursts that fit the ring, as a worker under load makes them, with the writer at work on another core.
fn push(folder: &Path) {
    let ledger = open(&folder.join("push"));
    let reporter = ledger.reporter();
    let tally = ledger.resource(b"/hot");
    let (bursts, burst) = (200_u32, 2_000_u32);
    let mut spent = Duration::ZERO;
    for _ in 0..bursts {
        let start = Instant::now();
        for _ in 0..burst {
            deliver(&reporter, &tally);
        }
        spent += start.elapsed();
        thread::sleep(Duration::from_millis(12));
    }
    println!("number and push: {:.1} ns", spent.as_nanos() as f64 / f64::from(bursts * burst));
    drop(reporter);
    ledger.close(Duration::ZERO).expect("the disk has room");
}

/// 100,000 deliveries a second for two seconds, spread over `files`.
fn rate(folder: &Path, files: usize) {
    let ledger = open(&folder.join(format!("rate-{files}")));
    let reporter = ledger.reporter();
    let tallies: Vec<Arc<Tally>> =
        (0..files).map(|file| ledger.resource(format!("/folder/{file}.txt").as_bytes())).collect();
    let (rounds, burst) = (400_usize, 500_usize);
    let (start, before) = (Instant::now(), cpu_of_writer());
    for round in 0..rounds {
        for index in 0..burst {
            // A stride that visits all files in no helpful order.
            deliver(&reporter, &tallies[(round * burst + index) * 7_919 % files]);
        }
        thread::sleep((Duration::from_millis(5) * (round as u32 + 1)).saturating_sub(start.elapsed()));
    }
    drop(reporter);
    thread::sleep(Duration::from_millis(100));
    let spent = cpu_of_writer().saturating_sub(before);
    println!(
        "{files} files at 100,000/s: the writer needs {:.2} µs per delivery, {:.1} % of a core; dropped {}",
        spent.as_micros() as f64 / (rounds * burst) as f64,
        spent.as_secs_f64() / start.elapsed().as_secs_f64() * 100.0,
        ledger.status().lines_dropped
    );
    ledger.close(Duration::ZERO).expect("the disk has room");
}

fn million(folder: &Path) {
    let path = folder.join("million");
    let ledger = open(&path);
    let reporter = ledger.reporter();
    let (files, before, mut highest) = (1_000_000_u64, memory(), 0);
    let start = Instant::now();
    for file in 0..files {
        let tally =
            ledger.resource(format!("/pool/main/{:03}/package_{file}_amd64.deb", file % 1_000).as_bytes());
        deliver(&reporter, &tally);
        if file % 500 == 499 {
            let due = Duration::from_nanos(file * 1_000_000_000 / FILES_PER_SECOND);
            thread::sleep(due.saturating_sub(start.elapsed()));
            highest = highest.max(ledger.status().in_memory);
        }
    }
    let produced = start.elapsed();
    drop(reporter);
    let (after, status) = (memory(), ledger.status());
    ledger.close(Duration::ZERO).expect("the disk has room");
    println!(
        "1,000,000 files once each: {:.2} s to report, {:.2} s to close; memory {} KiB more, at most {} tallies, {} lines lost",
        produced.as_secs_f64(),
        start.elapsed().as_secs_f64(),
        after.saturating_sub(before),
        highest,
        status.lines_dropped
    );
    let size = path.metadata().expect("it was just written").len();
    println!("ledger: {} bytes, {} per file", size, size / files);
    for order in [Order::Downloads, Order::Bytes] {
        let start = Instant::now();
        let query = Query::open(&path).expect("a ledger");
        let mut rows = 0_u32;
        let selection = Selection { order, top: Some(20), ..Selection::default() };
        query.tallies(&selection, |_| rows += 1).expect("it can be read");
        println!("the {rows} first by {order:?}: {} ms", start.elapsed().as_millis());
    }
    let start = Instant::now();
    let broken: u64 =
        Query::open(&path).unwrap().verify().unwrap().iter().map(|finding| finding.broken).sum();
    println!("verify: {} ms, {broken} broken", start.elapsed().as_millis());
    let start = Instant::now();
    let ledger = open(&path);
    println!("to open it again: {} ms", start.elapsed().as_millis());
    ledger.close(Duration::ZERO).expect("nothing is to be written");
}

/// Resident memory in KiB, see `proc_pid_status(5)`.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it is always there");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// The processor time of all threads called "ledger", see proc(5).
fn cpu_of_writer() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux");
    let nanoseconds = tasks
        .flatten()
        .filter(|task| {
            std::fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.trim() == "ledger")
        })
        .filter_map(|task| std::fs::read_to_string(task.path().join("schedstat")).ok())
        .filter_map(|times| times.split(' ').next()?.parse::<u64>().ok())
        .sum();
    Duration::from_nanos(nanoseconds)
}
