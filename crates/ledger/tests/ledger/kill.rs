//! `kill -9` at random moments: this test runs itself as the process to be killed.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use super::*;

const LEDGER: &str = "LEDGER_OF_THE_PROCESS_TO_BE_KILLED";
const FILES: u64 = 50;

/// Prints every committed delivery at once, as an access log without a buffer does.
struct Printer;

impl Observer<()> for Printer {
    fn committed(&mut self, path: &str, delivery: &Delivery<()>) {
        let line = format!("{path}|{}\n", delivery.request.number());
        // When the reader is gone the kill is under way.
        let _ = std::io::stdout().write_all(line.as_bytes());
    }
}

/// Serves for ever if it is asked to; otherwise there is nothing to do.
#[test]
fn process_to_be_killed() {
    let Some(path) = env::var_os(LEDGER) else { return };
    let (ledger, _) = Ledger::open(&Place::File(path.into()), Options::default(), Printer).unwrap();
    let reporter = ledger.reporter();
    let mut slow: Option<Request> = None;
    for turn in 0_u64.. {
        let tally = ledger.resource(format!("/{}", turn * 7 % FILES).as_bytes());
        let mut request = tally.take_number(Kind::Full, TODAY);
        if turn % 5 == 0 {
            reporter.began(&mut request);
            if let Some(slow) = slow.replace(request) {
                reporter.ended(delivery(slow, 1, LENGTH / 2));
            }
        } else {
            reporter.ended(delivery(request, 1, LENGTH));
        }
        if turn % 256 == 0 {
            std::thread::yield_now();
        }
    }
}

#[test]
fn what_was_printed_is_in_the_ledger_and_never_printed_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let mut printed: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    for round in 0..12_usize {
        let mut process = Command::new(env::current_exe().unwrap())
            .args(["--exact", "kill::process_to_be_killed", "--nocapture"])
            .env(LEDGER, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        // Killed after a number of lines that has nothing to do with the size of a batch.
        for line in lines.by_ref().take(200 + round * 977) {
            note(&mut printed, &line.unwrap());
        }
        process.kill().unwrap();
        // What was in the pipe was printed, too; the last line may be cut.
        lines.map_while(Result::ok).for_each(|line| note(&mut printed, &line));
        process.wait().unwrap();

        // As it was left, for a reader, and as the next owner finds it.
        check(&Query::open(&path).unwrap(), &printed);
        let (ledger, _) = Ledger::<()>::open(&Place::File(path.clone()), Options::default(), ()).unwrap();
        let query = ledger.query().unwrap();
        check(&query, &printed);
        assert_eq!(query.whole().unwrap().counters.in_flight(), 0);
        ledger.close(SOON).unwrap();
    }
    assert_eq!(printed.len() as u64, FILES);
}

#[track_caller]
fn check(query: &Query, printed: &BTreeMap<String, BTreeSet<u64>>) {
    for (file, numbers) in printed {
        let counters = counters(query, file);
        assert!(numbers.last().unwrap() <= &counters.requests, "{file}: {counters:?}");
    }
    laws_hold(query);
}

fn note(printed: &mut BTreeMap<String, BTreeSet<u64>>, line: &str) {
    // The test harness prints lines of its own.
    let Some((file, number)) = line.split_once('|') else { return };
    let Some(at) = file.find('/') else { return };
    let fresh = printed.entry(file[at..].to_owned()).or_default().insert(number.parse().unwrap());
    assert!(fresh, "{line} is printed twice");
}
