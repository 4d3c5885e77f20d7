//! The store in SQLite: one connection that writes, one that finds resources for the workers.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::checkpoint::{self, Checkpointer, Pass};
use super::journal::{self, Journal, Step};
use super::open::{self, Begun, Durability};
use super::place::{FileLock, Identity, Location, NameLock, beside};
use super::rows::{self, Tables};
use super::transaction::Transaction;
use super::{Batch, Doubtful, Lookup, Store, StoreError, Stored, Tidiness, Trouble};
use crate::counters::Counters;
use crate::delivery::{Day, ResourceId};

/// So long is the log at most, but for a second's commits: 64 MiB. It takes a minute of load without a quiet moment.
const LONGEST_LOG_PAGES: u64 = 16_384;

/// The length of a ledger's pages: SQLite's default since 2016.
const PAGE_BYTES: u64 = 4_096;

/// Rows folded at a time when there is nothing else to do: some ten milliseconds' work.
const TIDY_SLICE: usize = 4_096;

/// Rows folded at a time on a disk that is full: their pages need less room in the log than a blob does.
const FULL_SLICE: usize = 32;

/// The connection through which the workers find resources.
#[derive(Debug)]
pub(crate) struct Finder {
    /// `None` once the ledger is closed, or while it is replaced.
    pub(crate) connection: Option<Connection>,
}

/// The connection that writes; owned by the writer's thread.
#[derive(Debug)]
pub(crate) struct Sqlite {
    pub(crate) location: Location,
    pub(crate) durability: Durability,
    /// Dropped before the connection: that is to be the last to close.
    pub(crate) checkpointer: Option<Checkpointer>,
    /// `None` after a damaged ledger was moved away and before a new one could be begun.
    pub(crate) connection: Option<Connection>,
    pub(crate) finder: Arc<Mutex<Finder>>,
    pub(crate) journal: Journal,
    /// What the ledger's own row says, once it was written.
    pub(crate) sessions: Option<Doubtful>,
    /// The write-ahead log, once it was seen.
    pub(crate) log: Option<Identity>,
    /// These are dropped after the connections, and only then may another server own the ledger.
    pub(crate) file_lock: Option<FileLock>,
    pub(crate) name_lock: Option<NameLock>,
}

impl Lookup for Finder {
    fn find(&mut self, path: &str) -> Result<Option<Stored>, StoreError> {
        let Some(connection) = &self.connection else {
            return Err(StoreError { trouble: Trouble::Broken, detail: "it is closed".to_owned() });
        };
        Ok(rows::find(connection, path)?)
    }
}

impl Lookup for Sqlite {
    fn find(&mut self, path: &str) -> Result<Option<Stored>, StoreError> {
        Ok(rows::find(self.connection()?, path)?)
    }
}

impl Store for Sqlite {
    fn day(&mut self, resource: ResourceId, day: Day) -> Result<Counters, StoreError> {
        if let Some(counters) = self.journal.day(resource, day) {
            return Ok(counters);
        }
        Ok(rows::find_day(self.connection()?, resource, day)?)
    }

    fn commit(&mut self, batch: &Batch<'_>) -> Result<(), StoreError> {
        let step = self.journal.plan(batch);
        match self.take_step(&step, batch, Some(batch.sessions)) {
            Err(full @ StoreError { trouble: Trouble::Full, .. }) => {
                // Whatever keeps it from that, the disk is full.
                self.make_room().map_err(|_| full)?;
                self.take_step(&Step { slice: 0, ..step }, batch, Some(batch.sessions))
            }
            result => result,
        }
    }

    fn is_settled(&self, resource: ResourceId) -> bool {
        !self.journal.has(resource)
    }

    fn tidy(&mut self) -> Result<Tidiness, StoreError> {
        self.journal.rest();
        match self.fold(TIDY_SLICE) {
            Err(full @ StoreError { trouble: Trouble::Full, .. }) => {
                self.make_room().map(|()| Tidiness::Tidy).map_err(|_| full)
            }
            result => result,
        }
    }

    fn begin_sync(&mut self) -> Result<(), StoreError> {
        // Who reads the tables sees what few files are asked for within about a second.
        self.journal.close_small_generation();
        let Some(checkpointer) = &self.checkpointer else { return Ok(()) };
        let Pass { log_pages } = checkpointer.order()?;
        if log_pages > LONGEST_LOG_PAGES {
            // Nobody can commit meanwhile, so that all is moved and the log begins anew with the next commit.
            checkpoint::pass(self.connection()?)?;
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        let Location::File(path) = &self.location else { return Ok(()) };
        // What is committed is in the write-ahead log; SQLite itself syncs it only before it moves it into the
        // main file. This is not the main file: to open and close that would drop SQLite's locks (fcntl(2)).
        match File::open(beside(path, "-wal")).and_then(|log| log.sync_data()) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(StoreError { trouble: Trouble::Broken, detail: error.to_string() }),
        }
    }

    fn look(&mut self) -> Result<(), StoreError> {
        let Location::File(path) = self.location.clone() else { return Ok(()) };
        // A ledger that was set aside, and for which no new one could be begun, is nowhere.
        if self.file_lock.as_ref().is_some_and(|lock| !lock.is_at(&path)) {
            // What is committed shall be in the file, wherever it is now: its log stays behind. If that fails, the log
            // is still there.
            let _ = self.empty_log();
            return Err(misplaced(format!("put it back at {}", path.display())));
        }
        if self.name_lock.as_ref().is_some_and(|lock| !lock.is_beside(&path)) {
            let lock = NameLock::acquire(&path).map_err(|refusal| misplaced(refusal.to_string()))?;
            self.name_lock = Some(lock);
        }
        let log = Identity::at(&beside(&path, "-wal"));
        if self.log.is_some() && self.log != log {
            self.reopen()?;
        }
        self.log = Identity::at(&beside(&path, "-wal"));
        Ok(())
    }

    fn set_aside(&mut self) -> Result<PathBuf, StoreError> {
        let Location::File(path) = self.location.clone() else {
            return Err(StoreError { trouble: Trouble::Broken, detail: "memory is damaged".to_owned() });
        };
        self.close_finder();
        self.checkpointer = None;
        if let Some(writer) = self.connection.take() {
            // To close it would move its log into the damaged file, which stays as it is.
            writer.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        }
        // What it holds is in the book as well.
        (self.journal, self.sessions) = (Journal::default(), None);
        (self.log, self.file_lock) = (None, None);
        let aside = open::move_aside(&path).map_err(|error| broken(&error))?;
        self.connection()?;
        Ok(aside)
    }
}

impl Sqlite {
    /// The connection, to a new ledger if there is none.
    fn connection(&mut self) -> Result<&mut Connection, StoreError> {
        if self.connection.is_none() {
            let Begun { writer, finder, checkpointer, file_lock } =
                open::begin(&self.location, self.durability)?;
            self.finder.lock().unwrap_or_else(PoisonError::into_inner).connection = Some(finder);
            (self.connection, self.checkpointer, self.file_lock) = (Some(writer), checkpointer, file_lock);
        }
        Ok(self.connection.as_mut().expect("it was just opened"))
    }

    /// Writes the batch as the step says, and folds a slice of the journal, in one transaction.
    fn take_step(
        &mut self,
        step: &Step,
        batch: &Batch<'_>,
        sessions: Option<Doubtful>,
    ) -> Result<(), StoreError> {
        self.connection()?;
        let connection = self.connection.as_mut().expect("it was just opened");
        let transaction = Transaction::begin(connection)?;
        match step.blob {
            Some(blob) => {
                // It may be there, if the last attempt failed after it took effect.
                transaction
                    .prepare_cached("INSERT OR REPLACE INTO recent VALUES (?, ?)")?
                    .execute((blob, journal::encode(batch)))?;
            }
            None => rows::write(&transaction, Tables::Main, batch)?,
        }
        rows::write(&transaction, Tables::Main, &self.journal.slice(step.slice))?;
        if let Some(spent) = self.journal.spent(step.slice) {
            transaction.prepare_cached("DELETE FROM recent WHERE id <= ?")?.execute([spent])?;
        }
        // To write the row again would drag its page through the log with each commit.
        let sessions = sessions.filter(|sessions| self.sessions != Some(*sessions));
        if let Some(Doubtful { open, evictions }) = sessions {
            transaction
                .prepare_cached("UPDATE ledger SET sessions = ?, evictions = ?")?
                .execute((open.cast_signed(), evictions.cast_signed()))?;
        }
        if let Some(lock) = &self.file_lock {
            // What is committed can then be moved out of the log, however full the disk is.
            let pages: i64 =
                transaction.prepare_cached("PRAGMA page_count")?.query_row([], |row| row.get(0))?;
            lock.reserve(pages.cast_unsigned() * PAGE_BYTES).map_err(|error| full(&error))?;
        }
        transaction.commit()?;
        self.sessions = sessions.or(self.sessions);
        self.journal.done(step, batch);
        Ok(())
    }

    /// Folds so many rows; returns whether there are more.
    fn fold(&mut self, slice: usize) -> Result<Tidiness, StoreError> {
        if self.journal.is_empty() {
            return Ok(Tidiness::Tidy);
        }
        self.journal.close_generation();
        self.take_step(&Step { blob: None, slice }, &Batch::default(), None)?;
        Ok(if self.journal.is_empty() { Tidiness::Tidy } else { Tidiness::WorkLeft })
    }

    /// Makes room on a full disk of what the ledger itself has there twice: the log holds pages again and again, and blobs
    /// hold rows that belong into the tables.
    fn make_room(&mut self) -> Result<(), StoreError> {
        self.empty_log()?;
        loop {
            let folded = match self.fold(FULL_SLICE) {
                Err(StoreError { trouble: Trouble::Full, .. }) => {
                    self.empty_log()?;
                    self.fold(FULL_SLICE)?
                }
                result => result?,
            };
            if folded == Tidiness::Tidy {
                return Ok(());
            }
        }
    }

    /// The last connection to close moves the log into the main file; that is to be the writer's.
    fn close_finder(&self) {
        self.finder.lock().unwrap_or_else(PoisonError::into_inner).connection = None;
    }

    /// Closes the connections, so that the next use opens new ones, with a log that has its name. What is in the old one,
    /// whose file is held open, is moved into the main file first; to open that folds what the journal has.
    fn reopen(&mut self) -> Result<(), StoreError> {
        self.empty_log()?;
        self.close_finder();
        (self.checkpointer, self.connection) = (None, None);
        (self.log, self.file_lock) = (None, None);
        (self.journal, self.sessions) = (Journal::default(), None);
        Ok(())
    }

    /// Moves all that the log has into the main file; fails while a reader needs the log.
    fn empty_log(&mut self) -> Result<(), StoreError> {
        let Some(writer) = &self.connection else { return Ok(()) };
        let was_busy: bool = writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        if was_busy {
            return Err(misplaced("its log was removed, and a reader keeps the old one".to_owned()));
        }
        Ok(())
    }

    /// Makes the disk seem full: the file may not grow beyond `pages`.
    #[cfg(test)]
    pub(crate) fn limit_pages(&mut self, pages: u32) {
        self.connection().unwrap().pragma_update(None, "max_page_count", pages).unwrap();
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        self.close_finder();
        let Location::File(path) = &self.location else { return };
        if let Some(writer) = &self.connection
            && self.file_lock.as_ref().is_some_and(|lock| !lock.is_at(path))
        {
            // To close it would remove the log by its name, and that may belong to another ledger now. If it cannot
            // be kept from that, nothing else is left to try.
            let _ = writer.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        }
    }
}

fn misplaced(detail: String) -> StoreError {
    StoreError { trouble: Trouble::Misplaced, detail }
}

fn full(error: &io::Error) -> StoreError {
    StoreError { trouble: Trouble::Full, detail: error.to_string() }
}

fn broken(error: &io::Error) -> StoreError {
    StoreError { trouble: Trouble::Broken, detail: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counters::Totals;
    use crate::store::place::Place;
    use crate::store::{DayRow, ResourceRow};

    fn batch(paths: &[String]) -> Batch<'_> {
        let counters = Counters { requests: 1, head: 1, ..Counters::default() };
        let totals = Totals { counters, least_length: None };
        let ids = (1..).map(ResourceId);
        let resources =
            ids.zip(paths).map(|(resource, path)| ResourceRow { resource, path, totals }).collect();
        let days = (1..)
            .take(paths.len())
            .map(|id| DayRow { resource: ResourceId(id), day: Day(1), counters })
            .collect();
        Batch { resources, days, sessions: Doubtful::default() }
    }

    #[test]
    fn a_full_disk_takes_nothing_and_later_all_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let opened = open::open(&Place::File(folder.path().join("ledger")), Durability::Batch).unwrap();
        let mut store = opened.store;
        let paths: Vec<String> = (0..5_000).map(|name| format!("/folder/{name}")).collect();

        store.limit_pages(20);
        let error = store.commit(&batch(&paths)).unwrap_err();
        assert_eq!(error.trouble, Trouble::Full, "{error}");
        assert_eq!(store.find(&paths[0]), Ok(None));
        store.commit(&batch(&paths[..3])).unwrap();

        store.limit_pages(1_000_000);
        store.commit(&batch(&paths)).unwrap();
        store.commit(&batch(&paths)).unwrap();
        assert!(!store.is_settled(ResourceId(5_000)));
        assert_eq!(store.day(ResourceId(5_000), Day(1)).unwrap().head, 1);
        while store.tidy().unwrap() == Tidiness::WorkLeft {}
        assert!(store.is_settled(ResourceId(5_000)));
        let found = store.find(&paths[4_999]).unwrap().unwrap();
        assert_eq!((found.resource, found.totals.counters.requests), (ResourceId(5_000), 1));
        assert_eq!(store.day(ResourceId(5_000), Day(1)).unwrap().head, 1);
        assert_eq!(store.day(ResourceId(5_000), Day(2)).unwrap(), Counters::default());
    }

    #[test]
    fn under_load_the_tables_have_few_files_with_the_first_commit_after_a_sync() {
        let folder = tempfile::tempdir().unwrap();
        let opened = open::open(&Place::File(folder.path().join("ledger")), Durability::Batch).unwrap();
        let mut store = opened.store;
        let paths = ["/asked for again and again".to_owned()];
        let requests_in_the_tables = |store: &mut Sqlite, number: u64| {
            let mut batch = batch(&paths);
            batch.resources[0].totals.counters.requests = number;
            store.commit(&batch).unwrap();
            store.find(&paths[0]).unwrap().unwrap().totals.counters.requests
        };

        let in_a_blob = (1..=1000).find(|number| requests_in_the_tables(&mut store, *number) < *number);
        assert_eq!(requests_in_the_tables(&mut store, 1001), in_a_blob.expect("blobs under load") - 1);
        store.begin_sync().unwrap();
        assert_eq!(requests_in_the_tables(&mut store, 1002), 1001);
        assert_eq!(requests_in_the_tables(&mut store, 1003), 1001);
        store.begin_sync().unwrap();
        assert_eq!(requests_in_the_tables(&mut store, 1004), 1003);
    }

    #[test]
    fn each_durability_is_what_the_database_is_told() {
        for (durability, expect) in [(Durability::Batch, 1), (Durability::Commit, 2)] {
            let folder = tempfile::tempdir().unwrap();
            let mut opened = open::open(&Place::File(folder.path().join("ledger")), durability).unwrap();
            let connection = opened.store.connection().unwrap();
            let synchronous: i64 = connection.query_row("PRAGMA synchronous", [], |row| row.get(0)).unwrap();
            assert_eq!(synchronous, expect);
            opened.store.sync().unwrap();
        }
    }
}
