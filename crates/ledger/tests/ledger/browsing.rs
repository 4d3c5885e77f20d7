//! A ledger is looked through a page at a time, in any order.

use tallyd_ledger::query::browse::{Column, Direction, Wanted, days_up_to};

use super::*;

const ALL: Wanted = Wanted {
    column: Column::Path,
    direction: Direction::Ascending,
    containing: None,
    since: None,
    until: None,
    offset: 0,
    limit: 10,
    days: None,
};

/// `/a` once yesterday and twice today, `/B` three times yesterday and half of it once today, `/c%7C` once today by HEAD.
fn ledger(path: &Path) -> Ledger<()> {
    let (ledger, _) = open(path);
    let reporter = ledger.reporter();
    let yesterday = Day(TODAY.0 - 1);
    let report = |path: &str, kind, day, times: u32, received| {
        let tally = ledger.resource(path.as_bytes());
        for _ in 0..times {
            reporter.ended(delivery(tally.take_number(kind, day), 1, received));
        }
    };
    report("/a", Kind::Full, yesterday, 1, LENGTH);
    report("/a", Kind::Full, TODAY, 2, LENGTH);
    report("/B", Kind::Full, yesterday, 3, LENGTH);
    report("/B", Kind::Partial, TODAY, 1, LENGTH / 2);
    report("/c|", Kind::Head, TODAY, 1, 0);
    ledger.close(SOON).unwrap();
    ledger
}

/// `expect` is how many match, and of each file on the page the path, the requests and the days since the last.
#[track_caller]
fn check(query: &Query, wanted: &Wanted, expect: &str) {
    let page = query.browse(wanted).unwrap();
    let files: Vec<String> = page
        .files
        .iter()
        .map(|file| {
            let since = TODAY.0 - file.last.expect("every file has a day").0;
            format!("{} {} {since}", file.path, file.counters.requests)
        })
        .collect();
    assert_eq!(format!("{}: {}", page.matching, files.join(", ")), expect, "{wanted:?}");
}

#[test]
fn pages_in_every_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    drop(ledger(&path));
    let query = Query::open(&path).unwrap();
    check(&query, &ALL, "3: /B 4 0, /a 3 0, /c%7C 1 0");
    let by = |column, direction| Wanted { column, direction, ..ALL };
    let (up, down) = (Direction::Ascending, Direction::Descending);
    check(&query, &by(Column::Path, down), "3: /c%7C 1 0, /a 3 0, /B 4 0");
    check(&query, &by(Column::Requests, down), "3: /B 4 0, /a 3 0, /c%7C 1 0");
    check(&query, &by(Column::Requests, up), "3: /c%7C 1 0, /a 3 0, /B 4 0");
    check(&query, &by(Column::Head, down), "3: /c%7C 1 0, /B 4 0, /a 3 0");
    check(&query, &by(Column::Partial, down), "3: /B 4 0, /a 3 0, /c%7C 1 0");
    check(&query, &by(Column::Aborted, down), "3: /B 4 0, /a 3 0, /c%7C 1 0");
    check(&query, &by(Column::Bytes, down), "3: /B 4 0, /a 3 0, /c%7C 1 0");
    check(&query, &by(Column::Last, up), "3: /B 4 0, /a 3 0, /c%7C 1 0");
    for column in [Column::Full, Column::NotModified, Column::Completed, Column::InFlight, Column::Downloads]
    {
        assert_eq!(query.browse(&by(column, down)).unwrap().files.len(), 3, "{column:?}");
    }
    check(&query, &Wanted { offset: 1, limit: 1, ..ALL }, "3: /a 3 0");
    check(&query, &Wanted { offset: 3, ..ALL }, "3: ");
    check(&query, &Wanted { containing: Some("b".into()), ..ALL }, "1: /B 4 0");
    check(&query, &Wanted { containing: Some("%".into()), ..ALL }, "1: /c%7C 1 0");
    check(&query, &Wanted { containing: Some("' OR 1=1".into()), ..ALL }, "0: ");
    let yesterday = Some(Day(TODAY.0 - 1));
    check(&query, &Wanted { until: yesterday, ..ALL }, "2: /B 3 0, /a 1 0");
    check(&query, &Wanted { since: Some(TODAY), ..ALL }, "3: /B 1 0, /a 2 0, /c%7C 1 0");
    let span = Wanted { since: yesterday, until: yesterday, containing: Some("/A".into()), ..ALL };
    check(&query, &span, "1: /a 1 0");
    check(&query, &Wanted { since: Some(TODAY), ..by(Column::Last, down) }, "3: /B 1 0, /a 2 0, /c%7C 1 0");
}

#[test]
fn days_of_files_and_of_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    drop(ledger(&path));
    let query = Query::open(&path).unwrap();
    let page = query.browse(&Wanted { days: Some((TODAY, 3)), ..ALL }).unwrap();
    let days: Vec<&[u64]> = page.files.iter().map(|file| &file.days[..]).collect();
    assert_eq!(days, [[0, 3, 1], [0, 1, 2], [0, 0, 1]]);

    let single = query.single("/B", TODAY, 30).unwrap().unwrap();
    assert_eq!((single.counters.requests, single.least_length), (4, Some(LENGTH)));
    let days: Vec<_> =
        single.days.iter().map(|(day, it)| (TODAY.0 - day.0, it.requests, it.aborted)).collect();
    assert_eq!(days, [(1, 3, 0), (0, 1, 1)]);
    assert_eq!(query.single("/nothing", TODAY, 30).unwrap(), None);

    let sums = query.sums_on(TODAY).unwrap();
    assert_eq!((sums.requests, sums.bytes), (4, 2 * LENGTH + LENGTH / 2));
    assert_eq!(query.sums_on(Day(1)).unwrap(), Counters::default());
    assert_eq!(days_up_to(Day(1), 3).collect::<Vec<_>>(), [Day(0), Day(1)]);
}
