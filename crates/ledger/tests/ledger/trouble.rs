//! A store that stops working while the server runs.

use std::fs::OpenOptions;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::time::{Duration, Instant};

use super::*;

#[test]
fn a_locked_store_costs_nothing_but_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let (ledger, told) = open(&path);
    let (tally, reporter) = (ledger.resource(b"/a"), ledger.reporter());
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();

    reporter.ended(delivery(tally.take_number(Kind::Full, TODAY), 1, LENGTH));
    assert_eq!(told.recv().unwrap(), Told::Failing);
    reporter.ended(delivery(tally.take_number(Kind::Full, TODAY), 1, LENGTH));
    let state = ledger.status().store;
    assert!(matches!(state, StoreState::Failing { error, .. } if error.to_string().contains("lock")));

    other.execute_batch("COMMIT").unwrap();
    assert_eq!(told.recv().unwrap(), Told::Sound);
    assert_eq!(told.recv().unwrap(), Told::Line("/a".to_owned(), 1));
    assert_eq!(told.recv().unwrap(), Told::Line("/a".to_owned(), 2));
    assert_eq!(counters(&ledger.query().unwrap(), "/a").downloads, 2);
}

#[test]
fn closing_a_store_that_stays_locked_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let (ledger, told) = open(&path);
    let (tally, reporter) = (ledger.resource(b"/a"), ledger.reporter());
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut slow = tally.take_number(Kind::Full, TODAY);
    reporter.began(&mut slow);
    reporter.ended(delivery(tally.take_number(Kind::Full, TODAY), 1, LENGTH));
    let begun = Instant::now();
    let unwritten = ledger.close(Duration::from_millis(300)).unwrap_err();
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    assert_eq!((unwritten.requests, unwritten.ends), (2, 1));
    assert!(unwritten.to_string().contains("2 requests") && unwritten.to_string().contains("lock"));
    drop(ledger);
    assert_eq!(told.iter().collect::<Vec<_>>(), [Told::Failing, Told::Dropped(1)]);
}

#[test]
fn closing_waits_for_a_lock_and_can_be_hurried() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let (ledger, told) = open(&path);
    let (tally, reporter) = (ledger.resource(b"/a"), ledger.reporter());
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    reporter.ended(delivery(tally.take_number(Kind::Full, TODAY), 1, LENGTH));
    assert_eq!(told.recv().unwrap(), Told::Failing);
    std::thread::scope(|scope| {
        let closing = scope.spawn(|| ledger.close(SOON));
        other.execute_batch("COMMIT").unwrap();
        closing.join().unwrap().unwrap();
    });

    let (ledger, _told) = open(&path);
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let reporter = ledger.reporter();
    reporter.ended(delivery(ledger.resource(b"/a").take_number(Kind::Full, TODAY), 1, LENGTH));
    let begun = Instant::now();
    let unwritten = std::thread::scope(|scope| {
        let closing = scope.spawn(|| ledger.close(10 * SOON));
        while !closing.is_finished() {
            ledger.hurry();
            std::thread::yield_now();
        }
        closing.join().unwrap().unwrap_err()
    });
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    assert_eq!((unwritten.requests, unwritten.ends), (1, 1));
}

#[test]
fn a_ledger_that_is_damaged_while_it_is_open_is_set_aside_and_what_is_in_memory_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let (ledger, told) = open(&path);
    let (tally, reporter) = (ledger.resource(b"/a"), ledger.reporter());
    for day in [1, 2] {
        reporter.ended(delivery(tally.take_number(Kind::Full, Day(day)), 1, LENGTH));
        assert_eq!(told.recv().unwrap(), Told::Line("/a".to_owned(), u64::from(day)));
    }
    // Another program's commit, so that the writer must read again what it has read before.
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch("UPDATE ledger SET created = created + 1")
        .unwrap();
    for (name, keep) in [("ledger", 100), ("ledger-wal", 0)] {
        let mut file = OpenOptions::new().write(true).open(folder.path().join(name)).unwrap();
        let length = file.metadata().unwrap().len();
        file.seek(SeekFrom::Start(keep)).unwrap();
        file.write_all(&vec![0xA5; length.saturating_sub(keep) as usize]).unwrap();
    }
    reporter.ended(delivery(tally.take_number(Kind::Full, Day(3)), 1, LENGTH));
    let first = told.recv().unwrap();
    let Told::SetAside(aside) = first else { panic!("{first:?} {:?}", ledger.status()) };
    assert_eq!(told.recv().unwrap(), Told::Line("/a".to_owned(), 3));
    assert!(aside.exists());
    ledger.close(SOON).unwrap();
    let query = Query::open(&path).unwrap();
    assert_eq!(counters(&query, "/a").downloads, 3);
    laws_hold(&query);
}
