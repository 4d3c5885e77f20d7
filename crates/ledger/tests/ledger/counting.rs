//! What is reported is counted, printed once and found again.

use std::collections::BTreeMap;
use std::thread;

use tallyd_ledger::query::{Order, Tallied};

use super::*;

#[test]
fn many_workers_on_few_files_take_each_number_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let (workers, each, files) = (4, 5_000, ["/a", "/b", "/c"]);
    let (ledger, told) = open(&path);
    thread::scope(|scope| {
        for worker in 0..workers {
            let ledger = &ledger;
            scope.spawn(move || {
                let reporter = ledger.reporter();
                let tallies = files.map(|file| ledger.resource(file.as_bytes()));
                for turn in 0..each {
                    let mut request = tallies[turn % files.len()].take_number(Kind::Full, TODAY);
                    if turn % 7 == 0 {
                        reporter.began(&mut request);
                    }
                    reporter.ended(delivery(request, worker, LENGTH));
                }
            });
        }
    });
    ledger.close(SOON).unwrap();
    drop(ledger);

    let mut numbers: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for told in told {
        let Told::Line(path, number) = told else { panic!("{told:?}") };
        numbers.entry(path).or_default().push(number);
    }
    let query = Query::open(&path).unwrap();
    for file in files {
        let counters = counters(&query, file);
        let printed = numbers.get_mut(file).unwrap();
        printed.sort_unstable();
        assert_eq!(*printed, (1..=counters.requests).collect::<Vec<_>>());
        assert_eq!((counters.completed, counters.downloads), (counters.requests, counters.requests));
    }
    assert_eq!(query.whole().unwrap().counters.requests, u64::from(workers) * each as u64);
    laws_hold(&query);
}

#[test]
fn numbers_go_on_where_they_ended() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("some/where/ledger");
    for round in 0..3 {
        let (ledger, told) = open(&path);
        let (tally, reporter) = (ledger.resource(b"/a|b\n"), ledger.reporter());
        for _ in 0..2 {
            reporter.ended(delivery(tally.take_number(Kind::Full, TODAY), 1, LENGTH));
        }
        ledger.close(SOON).unwrap();
        drop(ledger);
        let line = |number| Told::Line("/a%7Cb%0A".to_owned(), number);
        assert_eq!(told.iter().collect::<Vec<_>>(), [line(round * 2 + 1), line(round * 2 + 2)]);
    }
}

#[test]
fn a_late_number_waits_for_no_announced_transfer_and_is_printed_late() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, told) = open(&folder.path().join("ledger"));
    let (tally, reporter) = (ledger.resource(b"/a"), ledger.reporter());
    let mut slow = tally.take_number(Kind::Full, TODAY);
    reporter.began(&mut slow);
    reporter.ended(delivery(tally.take_number(Kind::Full, TODAY), 1, LENGTH));
    assert_eq!(told.recv().unwrap(), Told::Line("/a".to_owned(), 2));

    let query = ledger.query().unwrap();
    assert_eq!(counters(&query, "/a").in_flight(), 1);
    reporter.ended(delivery(slow, 2, LENGTH));
    assert_eq!(told.recv().unwrap(), Told::Line("/a".to_owned(), 1));
    assert_eq!(counters(&query, "/a").in_flight(), 0);
    laws_hold(&query);
}

#[test]
fn a_number_that_is_never_reported_is_not_counted_and_holds_one_line_back() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, told) = open(&folder.path().join("ledger"));
    let (tally, reporter) = (ledger.resource(b"/a"), ledger.reporter());
    let _leaked = tally.take_number(Kind::Full, TODAY);
    for _ in 2..=4 {
        reporter.ended(delivery(tally.take_number(Kind::Full, TODAY), 1, LENGTH));
    }
    ledger.close(SOON).unwrap();
    drop(ledger);
    let line = |number| Told::Line("/a".to_owned(), number);
    assert_eq!(told.iter().collect::<Vec<_>>(), [line(2), line(3), Told::Dropped(1)]);
    assert_eq!(counters(&Query::open(&folder.path().join("ledger")).unwrap(), "/a").requests, 3);
}

#[test]
fn names_that_come_and_go_cost_no_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let (ledger, told) = open(&path);
    let reporter = ledger.reporter();
    let names = 250_000;
    for name in 0..names {
        let tally = ledger.resource(format!("/{name}").as_bytes());
        reporter.ended(delivery(tally.take_number(Kind::Full, TODAY), 1, LENGTH));
        if name % 1_000 == 999 {
            // Lets the writer catch up: all lines of this thousand are committed.
            assert_eq!(told.iter().take(1_000).count(), 1_000);
        }
    }
    let in_memory = ledger.status().in_memory;
    // Two generations of the store's journal, and as many that wait to be looked at.
    assert!(in_memory <= 150_000, "{in_memory} tallies are in memory");
    ledger.close(SOON).unwrap();
    let whole = Query::open(&path).unwrap().whole().unwrap();
    assert_eq!((whole.resources, whole.counters.downloads), (names, names));
}

/// Two files on three days: `/a` on all, `/dir/b` on the second.
fn three_days(path: &Path) {
    let (ledger, _told) = open(path);
    let reporter = ledger.reporter();
    for (file, day, times) in [("/a", 1, 1), ("/a", 2, 2), ("/dir/b", 2, 5), ("/a", 3, 4)] {
        let tally = ledger.resource(file.as_bytes());
        for _ in 0..times {
            reporter.ended(delivery(tally.take_number(Kind::Full, Day(day)), 1, LENGTH));
        }
    }
    ledger.close(SOON).unwrap();
}

fn show(tallied: &Tallied) -> String {
    let day = tallied.day.map_or(String::new(), |day| format!(" day {}", day.0));
    format!("{}{day}: {}", tallied.path, tallied.counters.requests)
}

#[test]
fn selections() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    three_days(&path);
    let query = Query::open(&path).unwrap();
    let all = Selection::default();
    let since_2 = Selection { since: Some(Day(2)), ..all.clone() };
    let check = |selection: &Selection, totals: &[&str], days: &[&str]| {
        let (mut by_file, mut by_day) = (Vec::new(), Vec::new());
        query.tallies(selection, |tallied| by_file.push(show(&tallied))).unwrap();
        query.by_day(selection, |tallied| by_day.push(show(&tallied))).unwrap();
        assert_eq!(
            (by_file, by_day),
            (
                totals.iter().map(ToString::to_string).collect(),
                days.iter().map(ToString::to_string).collect()
            ),
            "{selection:?}"
        );
    };
    check(&all, &["/a: 7", "/dir/b: 5"], &["/a day 1: 1", "/a day 2: 2", "/a day 3: 4", "/dir/b day 2: 5"]);
    check(&since_2, &["/a: 6", "/dir/b: 5"], &["/a day 2: 2", "/a day 3: 4", "/dir/b day 2: 5"]);
    let until_1 = Selection { until: Some(Day(1)), ..all.clone() };
    check(&until_1, &["/a: 1"], &["/a day 1: 1"]);
    let only_2 = Selection { until: Some(Day(2)), order: Order::Requests, ..since_2.clone() };
    check(&only_2, &["/dir/b: 5", "/a: 2"], &["/dir/b day 2: 5", "/a day 2: 2"]);
    let first = Selection { order: Order::Downloads, top: Some(1), ..all.clone() };
    check(&first, &["/a: 7"], &["/dir/b day 2: 5"]);
    let below = Selection { paths: vec!["/dir/".to_owned()], ..all.clone() };
    check(&below, &["/dir/b: 5"], &["/dir/b day 2: 5"]);
    let named = Selection { paths: vec!["/a".to_owned(), "/none".to_owned()], until: Some(Day(2)), ..all };
    check(&named, &["/a: 3"], &["/a day 1: 1", "/a day 2: 2"]);
    laws_hold(&query);
}

#[test]
fn verify_names_the_law_and_a_row_that_breaks_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    three_days(&path);
    let edit = rusqlite::Connection::open(&path).unwrap();
    edit.execute_batch("UPDATE resource SET requests = requests + 1 WHERE path = '/dir/b'").unwrap();
    let broken: Vec<_> =
        Query::open(&path).unwrap().verify().unwrap().into_iter().filter(|f| f.broken > 0).collect();
    let formulas: Vec<_> = broken.iter().map(|finding| finding.law.formula()).collect();
    assert_eq!(
        formulas,
        ["requests = head + full + partial + not_modified", "the days add up to the totals"]
    );
    assert!(broken.iter().all(|finding| finding.example.as_deref() == Some("/dir/b")), "{broken:?}");
}

#[test]
fn a_ledger_in_memory_counts_and_can_be_queried() {
    let (sender, told) = mpsc::channel();
    let (ledger, resumed) = Ledger::open(&Place::Memory, Options::default(), Witness(sender)).unwrap();
    let (other, _) = Ledger::open(&Place::Memory, Options::default(), ()).unwrap();
    assert_eq!(resumed, tallyd_ledger::Resumed::default());
    let reporter = ledger.reporter();
    // The tally is dropped in between, so the second number comes from the store.
    for number in 1..=2 {
        reporter.ended(delivery(ledger.resource(b"/a").take_number(Kind::Full, TODAY), 1, LENGTH));
        assert_eq!(told.recv().unwrap(), Told::Line("/a".to_owned(), number));
    }
    let query = ledger.query().unwrap();
    assert_eq!(counters(&query, "/a").downloads, 2);
    laws_hold(&query);
    let other: Ledger<()> = other;
    assert_eq!(other.query().unwrap().whole().unwrap().resources, 0);
}
