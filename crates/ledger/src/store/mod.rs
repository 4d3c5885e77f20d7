//! Where committed figures live: what the writer asks of a store, and how one fails.
//!
//! The real store is [`sqlite`]; the tests of the writer put a model in its place.

pub(crate) mod checkpoint;
pub(crate) mod files;
pub(crate) mod journal;
pub(crate) mod open;
pub(crate) mod place;
pub(crate) mod rows;
pub(crate) mod schema;
pub(crate) mod sqlite;
pub(crate) mod transaction;

use std::fmt;
use std::path::PathBuf;

use rusqlite::ffi;

use crate::counters::{Counters, Totals};
use crate::delivery::{Day, ResourceId};

/// Why the store cannot be used at the moment. Counting goes on in memory until it can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The disk, or a quota, is full.
    Full,
    /// Another program holds a lock on the file.
    Locked,
    /// The file or its folder cannot be written.
    ReadOnly,
    /// The file's content is damaged. It is set aside and a new ledger begun.
    Corrupt,
    /// The file was moved or removed.
    Misplaced,
    /// Any other failure of the file system or the database.
    Broken,
}

/// A failed operation of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreError {
    /// What to do about it depends on this.
    pub trouble: Trouble,
    /// The database's own words, for a person.
    pub detail: String,
}

impl fmt::Display for StoreError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.trouble {
            Trouble::Full => "the disk is full",
            Trouble::Locked => "another program holds a lock on it",
            Trouble::ReadOnly => "it cannot be written",
            Trouble::Corrupt => "it is damaged",
            Trouble::Misplaced => "it was moved or removed",
            Trouble::Broken => "it fails",
        };
        write!(formatter, "{what} ({})", self.detail)
    }
}

impl std::error::Error for StoreError {}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let trouble = match error.sqlite_error_code() {
            Some(ffi::ErrorCode::DiskFull) => Trouble::Full,
            Some(ffi::ErrorCode::DatabaseBusy | ffi::ErrorCode::DatabaseLocked) => Trouble::Locked,
            Some(ffi::ErrorCode::ReadOnly | ffi::ErrorCode::PermissionDenied) => Trouble::ReadOnly,
            Some(ffi::ErrorCode::DatabaseCorrupt | ffi::ErrorCode::NotADatabase) => Trouble::Corrupt,
            // SQLite has some thirty codes; to the ledger the others are all one.
            Some(_) | None => Trouble::Broken,
        };
        Self { trouble, detail: error.to_string() }
    }
}

/// What the store holds of one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) resource: ResourceId,
    pub(crate) totals: Totals,
}

/// Finds what is committed.
pub(crate) trait Lookup {
    /// The resource with this printed path, or `None` if it was never committed.
    fn find(&mut self, path: &str) -> Result<Option<Stored>, StoreError>;
}

/// The totals of a resource, as absolute values.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ResourceRow<'a> {
    pub(crate) resource: ResourceId,
    pub(crate) path: &'a str,
    pub(crate) totals: Totals,
}

/// The figures of a resource on one day, as absolute values.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct DayRow {
    pub(crate) resource: ResourceId,
    pub(crate) day: Day,
    pub(crate) counters: Counters,
}

/// How far the count of downloads may be too low.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Doubtful {
    /// Sessions that would be lost if the process ended now.
    pub(crate) open: u64,
    /// Sessions that were given up.
    pub(crate) evictions: u64,
}

/// What is committed at once. All values are absolute: writing a batch again changes nothing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Batch<'a> {
    pub(crate) resources: Vec<ResourceRow<'a>>,
    pub(crate) days: Vec<DayRow>,
    pub(crate) sessions: Doubtful,
}

/// Whether a store has put work off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tidiness {
    /// It has; [`Store::tidy`] does some of it.
    WorkLeft,
    /// It has not.
    Tidy,
}

/// What the writer asks of the store that it owns.
pub(crate) trait Store: Lookup {
    /// The figures of a resource on a day; all zero if there are none.
    fn day(&mut self, resource: ResourceId, day: Day) -> Result<Counters, StoreError>;

    /// Writes all of the batch or nothing. After an error it is unknown which.
    fn commit(&mut self, batch: &Batch<'_>) -> Result<(), StoreError>;

    /// Whether [`Lookup::find`] on any connection tells all that is committed of a resource.
    fn is_settled(&self, resource: ResourceId) -> bool;

    /// Does some of the work that commits have put off; returns whether there is more.
    fn tidy(&mut self) -> Result<Tidiness, StoreError>;

    /// Has what is committed made to survive a loss of power, without waiting for it; tells how that went the last time.
    fn begin_sync(&mut self) -> Result<(), StoreError>;

    /// Makes what is committed survive a loss of power.
    fn sync(&mut self) -> Result<(), StoreError>;

    /// Looks whether what is written would be found again. After an error nothing may be written until it returns `Ok`.
    fn look(&mut self) -> Result<(), StoreError>;

    /// Moves a damaged store out of the way and begins an empty one; returns where the old one is now.
    fn set_aside(&mut self) -> Result<PathBuf, StoreError>;
}
