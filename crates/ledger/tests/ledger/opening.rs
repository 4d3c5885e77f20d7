//! What a ledger is opened on, and what is refused. What is refused is never changed.

use std::fs;

use tallyd_ledger::{OpenError, QueryError, Resumed};

use super::*;

fn try_open(path: &Path) -> Result<Resumed, OpenError> {
    let (ledger, resumed) = Ledger::<()>::open(&Place::File(path.to_owned()), Options::default(), ())?;
    ledger.close(SOON).unwrap();
    Ok(resumed)
}

/// A ledger with one download of `/a`.
fn made(path: &Path) {
    let (ledger, _told) = open(path);
    let reporter = ledger.reporter();
    reporter.ended(delivery(ledger.resource(b"/a").take_number(Kind::Full, TODAY), 1, LENGTH));
    ledger.close(SOON).unwrap();
}

fn sql(path: &Path, statements: &str) {
    rusqlite::Connection::open(path).unwrap().execute_batch(statements).unwrap();
}

/// Opening the file that `make` leaves must fail with this sentence, and leave it as it is.
#[track_caller]
fn refused(make: impl FnOnce(&Path), expect: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    make(&path);
    let before = fs::read(&path).unwrap();
    let refusal = try_open(&path).unwrap_err().to_string();
    assert!(refusal.contains(expect), "{refusal}");
    assert!(!refusal.contains('\n'), "{refusal}");
    assert_eq!(fs::read(&path).unwrap(), before, "it was changed");
}

#[test]
fn what_is_not_a_ledger_is_refused() {
    let foreign = "is not a ledger of tallyd";
    refused(|path| fs::write(path, "my diary").unwrap(), foreign);
    refused(|path| fs::write(path, [0; 4_096]).unwrap(), foreign);
    refused(|path| sql(path, "CREATE TABLE mine(x); INSERT INTO mine VALUES (1)"), foreign);
    refused(|path| sql(path, "PRAGMA application_id = 5; CREATE TABLE mine(x)"), foreign);
    refused(|path| sql(path, "PRAGMA journal_mode = WAL; CREATE TABLE mine(x)"), foreign);
}

#[test]
fn a_newer_ledger_is_refused() {
    let newer = |path: &Path| {
        made(path);
        sql(path, "PRAGMA user_version = 99");
    };
    refused(newer, "has version 99");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    newer(&path);
    assert!(matches!(Query::open(&path), Err(QueryError::Newer(_))));
}

#[test]
fn a_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(try_open(folder.path()), Err(OpenError::Unusable(..))));
}

#[test]
fn a_place_that_cannot_be_created_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let refusal = try_open(&folder.path().join("file/ledger")).unwrap_err();
    assert!(matches!(refusal, OpenError::Unusable(..)), "{refusal}");
}

#[test]
fn a_read_only_folder_is_refused() {
    // The kernel's own file system is one in which nobody, not even root, can make files.
    let refusal = try_open(Path::new("/sys/ledger")).unwrap_err();
    assert!(matches!(refusal, OpenError::ReadOnly(_)), "{refusal}");
}

#[test]
fn a_second_server_is_refused_and_readers_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    made(&path);
    let (first, _told) = open(&path);
    let refusal = try_open(&path).unwrap_err();
    let owner = format!("another server (process {}) owns the ledger", std::process::id());
    assert!(refusal.to_string().contains(&owner), "{refusal}");
    assert_eq!(counters(&Query::open(&path).unwrap(), "/a").downloads, 1);
    first.close(SOON).unwrap();
    try_open(&path).unwrap();
}

#[test]
fn a_ledger_has_one_owner_whatever_it_is_called() {
    let folder = tempfile::tempdir().unwrap();
    let (path, other) = (folder.path().join("ledger"), folder.path().join("other"));
    made(&path);
    fs::hard_link(&path, &other).unwrap();
    for name in [&path, &other] {
        let refusal = try_open(name).unwrap_err();
        assert!(matches!(refusal, OpenError::Linked(_)), "{refusal}");
        assert!(refusal.to_string().contains("hard link"), "{refusal}");
    }
    fs::remove_file(&other).unwrap();
    let (first, _told) = open(&path);
    fs::rename(&path, &other).unwrap();
    let refusal = try_open(&other).unwrap_err();
    assert!(matches!(refusal, OpenError::Owned(_, None)), "{refusal}");
    fs::rename(&other, &path).unwrap();
    first.close(SOON).unwrap();
    assert_eq!(counters(&Query::open(&path).unwrap(), "/a").downloads, 1);
}

#[test]
fn a_ledger_that_another_program_locks_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    made(&path);
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refusal = try_open(&path).unwrap_err();
    assert!(matches!(refusal, OpenError::Locked(_)), "{refusal}");
    other.execute_batch("COMMIT").unwrap();
    try_open(&path).unwrap();
}

#[test]
fn a_damaged_ledger_is_set_aside_as_it_is_and_a_new_one_begun() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    made(&path);
    let mut damaged = fs::read(&path).unwrap();
    damaged[100..].fill(0xA5);
    fs::write(&path, &damaged).unwrap();

    let aside = try_open(&path).unwrap().set_aside.unwrap();
    assert!(aside.to_str().unwrap().contains("ledger.corrupt-"), "{}", aside.display());
    assert_eq!(fs::read(&aside).unwrap(), damaged);
    assert_eq!(Query::open(&path).unwrap().whole().unwrap().resources, 0);
    assert_eq!(try_open(&path).unwrap().set_aside, None);
}

#[test]
fn transfers_in_flight_are_found_as_aborted_on_their_day() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    made(&path);
    // What a kill leaves: a row with more transfers than ends.
    sql(&path, "UPDATE resource SET requests = 4, \"full\" = 3, partial = 1");
    sql(&path, "UPDATE day SET requests = 2, \"full\" = 1, partial = 1; UPDATE ledger SET sessions = 3");
    sql(&path, "INSERT INTO day(day, resource, requests, \"full\") SELECT 19999, id, 2, 2 FROM resource");
    let resumed = try_open(&path).unwrap();
    assert_eq!((resumed.resources, resumed.aborted), (1, 3));
    let query = Query::open(&path).unwrap();
    let mut days = Vec::new();
    query.by_day(&Selection::default(), |row| days.push((row.day.unwrap().0, row.counters.aborted))).unwrap();
    assert_eq!(days, [(19_999, 2), (20_000, 1)]);
    assert_eq!(counters(&query, "/a").aborted, 3);
    assert_eq!(query.whole().unwrap().evictions, 3);
    laws_hold(&query);
    assert_eq!(try_open(&path).unwrap().aborted, 0);
}

#[test]
fn a_query_creates_nothing_and_says_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    assert!(matches!(Query::open(&missing), Err(QueryError::Missing(_))));
    assert!(!missing.exists());
    let diary = folder.path().join("diary");
    fs::write(&diary, "dear diary, a text that is longer than any header of a database".repeat(4)).unwrap();
    assert!(matches!(Query::open(&diary), Err(QueryError::NotALedger(_))));
}
