//! A ledger whose files are moved or removed while it is open. Nothing that lies in their place is ever changed.

use std::fs;

use super::*;

/// A ledger with one committed download of `/a`, and what it takes to count more.
struct Open {
    ledger: Ledger<()>,
    told: Receiver<Told>,
    folder: tempfile::TempDir,
    counted: u64,
}

impl Open {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (ledger, told) = open(&folder.path().join("ledger"));
        let mut open = Self { ledger, told, folder, counted: 0 };
        open.count();
        open.line(1);
        open
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn count(&mut self) {
        let tally = self.ledger.resource(b"/a");
        self.ledger.reporter().ended(delivery(tally.take_number(Kind::Full, TODAY), 1, LENGTH));
        self.counted += 1;
    }

    #[track_caller]
    fn line(&self, number: u64) {
        assert_eq!(self.told.recv_timeout(SOON).unwrap(), Told::Line("/a".to_owned(), number));
    }

    /// The trouble is noticed by itself, and not a number is printed then.
    #[track_caller]
    fn is_noticed(&mut self) {
        assert_eq!(self.told.recv_timeout(SOON).unwrap(), Told::Failing);
        let state = self.ledger.status().store;
        assert!(
            matches!(state, StoreState::Failing { error, .. } if error.to_string().contains("moved or removed"))
        );
        self.count();
    }

    #[track_caller]
    fn holds(&self, name: &str, downloads: u64) {
        let query = Query::open(&self.path(name)).unwrap();
        assert_eq!(counters(&query, "/a").downloads, downloads, "{name}");
        laws_hold(&query);
    }
}

#[test]
fn a_ledger_that_is_moved_and_moved_back_has_everything() {
    let mut open = Open::new();
    fs::rename(open.path("ledger"), open.path("moved")).unwrap();
    open.is_noticed();
    // Its log is not beside it, and not needed.
    open.holds("moved", 1);
    fs::rename(open.path("moved"), open.path("ledger")).unwrap();
    assert_eq!(open.told.recv_timeout(SOON).unwrap(), Told::Sound);
    open.line(2);
    open.ledger.close(SOON).unwrap();
    open.holds("ledger", 2);
}

#[test]
fn what_takes_the_place_of_a_ledger_is_left_as_it_is() {
    let mut open = Open::new();
    fs::rename(open.path("ledger"), open.path("moved")).unwrap();
    // Another ledger, with a log of its own that is not in its main file yet.
    for suffix in ["-wal", "-shm", "-lock"] {
        fs::remove_file(open.path(&format!("ledger{suffix}"))).unwrap();
    }
    let (other, other_told) = super::open(&open.path("ledger"));
    other.reporter().ended(delivery(other.resource(b"/b").take_number(Kind::Full, TODAY), 1, LENGTH));
    assert_eq!(other_told.recv_timeout(SOON).unwrap(), Told::Line("/b".to_owned(), 1));
    open.is_noticed();
    let unwritten = open.ledger.close(Duration::ZERO).unwrap_err();
    assert_eq!((unwritten.requests, unwritten.ends), (1, 1));
    assert_eq!(open.told.recv_timeout(SOON).unwrap(), Told::Dropped(1));
    open.holds("moved", 1);
    other.close(SOON).unwrap();
    // It has what its own server has counted, and nothing of another's; every page of it is sound.
    let query = Query::open(&open.path("ledger")).unwrap();
    assert_eq!(counters(&query, "/b").downloads, 1);
    assert_eq!(counters(&query, "/a"), Counters::default());
    laws_hold(&query);
    let store = rusqlite::Connection::open(open.path("ledger")).unwrap();
    let check = store.query_row("PRAGMA integrity_check", (), |row| row.get::<_, String>(0));
    assert_eq!(check.unwrap(), "ok");
}

#[test]
fn a_ledger_that_is_removed_is_not_replaced() {
    let mut open = Open::new();
    fs::remove_file(open.path("ledger")).unwrap();
    open.is_noticed();
    assert_eq!(open.ledger.close(Duration::ZERO).unwrap_err().requests, 1);
    assert!(!open.path("ledger").exists());
}

#[test]
fn a_log_that_is_removed_is_begun_anew_and_a_lock_as_well() {
    let mut open = Open::new();
    let mut expect = 2;
    for suffix in ["-wal", "-lock", "-shm"] {
        let name = open.path(&format!("ledger{suffix}"));
        fs::remove_file(&name).unwrap();
        // Noticed within a second: until then figures go where nobody would find them.
        while !name.exists() && suffix != "-shm" {
            open.count();
            open.line(expect);
            expect += 1;
        }
        open.count();
        open.line(expect);
        expect += 1;
    }
    assert!(matches!(
        Ledger::<()>::open(&Place::File(open.path("ledger")), Options::default(), ()),
        Err(tallyd_ledger::OpenError::Owned(_, Some(_)))
    ));
    // As a kill would leave it: in the files that have names.
    let copy = tempfile::tempdir().unwrap();
    for suffix in ["", "-wal"] {
        fs::copy(open.path(&format!("ledger{suffix}")), copy.path().join(format!("ledger{suffix}"))).unwrap();
    }
    assert_eq!(counters(&Query::open(&copy.path().join("ledger")).unwrap(), "/a").downloads, expect - 1);
    open.ledger.close(SOON).unwrap();
    open.holds("ledger", expect - 1);
}
