//! The ledger as the server holds it.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::book::Book;
use crate::coverage::{Coverage, Limits};
use crate::delivery::Weight;
use crate::lane::{Bell, Lane, Reporter};
use crate::observer::{Observer, StoreState};
use crate::query::Query;
use crate::store::StoreError;
use crate::store::open::{self, Durability, Opened, Resumed};
use crate::store::place::{Location, OpenError, Place};
use crate::store::sqlite::Finder;
use crate::tally::{Index, Tally};
use crate::writer::Writer;

/// How a ledger is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// What a loss of power may cost.
    pub durability: Durability,
    /// How much is remembered of downloads in parts.
    pub sessions: Limits,
}

/// How the ledger is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Whether figures reach the store.
    pub store: StoreState,
    /// Where a ledger is that was found damaged while this one ran.
    pub set_aside: Option<PathBuf>,
    /// Resources with figures that are not committed.
    pub uncommitted: usize,
    /// Deliveries whose number is not committed, so that their line must wait.
    pub lines_waiting: usize,
    /// Deliveries that were counted but whose line was lost.
    pub lines_dropped: u64,
    /// Open sessions: parts of a download still to be completed.
    pub sessions: usize,
    /// Sessions given up over the ledger's life: by at most so many, downloads are too few.
    pub evictions: u64,
    /// Tallies in memory.
    pub in_memory: usize,
}

/// An exact, durable tally of everything that is delivered. Cheap to clone; all clones are one ledger.
///
/// `L` is what the server needs for an access line; the ledger carries it and hands it on.
#[derive(Debug)]
pub struct Ledger<L> {
    owner: Arc<Owner<L>>,
}

impl<L> Clone for Ledger<L> {
    fn clone(&self) -> Self {
        Self { owner: Arc::clone(&self.owner) }
    }
}

/// What the handles and the writer's thread share.
#[derive(Debug)]
pub(crate) struct Shared<L> {
    pub(crate) index: Index,
    pub(crate) bell: Arc<Bell>,
    /// Lanes that the writer has not taken over yet.
    pub(crate) new_lanes: Mutex<Vec<Lane<L>>>,
    pub(crate) closing: AtomicBool,
    /// How long the last commit is tried, once the ledger is closing.
    pub(crate) close_by: Mutex<Instant>,
    pub(crate) status: Mutex<Status>,
}

impl<L> Shared<L> {
    /// How long the last commit may still be tried.
    pub(crate) fn time_to_close(&self) -> Duration {
        let close_by = *self.close_by.lock().unwrap_or_else(PoisonError::into_inner);
        close_by.saturating_duration_since(Instant::now())
    }
}

/// What a ledger did not take before it was closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unwritten {
    /// Why.
    pub error: StoreError,
    /// Requests that are not in the ledger: their numbers were not printed, and are given again.
    pub requests: u64,
    /// Requests of which the ledger does not know how they ended, with those that it does not know at all.
    pub ends: u64,
}

impl fmt::Display for Unwritten {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { error, requests, ends } = self;
        match (requests, ends) {
            (0, 0) => write!(formatter, "the ledger could not be synced: {error}"),
            _ => write!(
                formatter,
                "{requests} requests, and how {ends} ended, could not be written to the ledger: {error}"
            ),
        }
    }
}

impl std::error::Error for Unwritten {}

/// How long the last commit is tried when nobody says how long.
const PATIENCE: Duration = Duration::from_secs(3);

/// Closes the ledger when the last handle goes.
#[derive(Debug)]
struct Owner<L> {
    shared: Arc<Shared<L>>,
    finder: Arc<Mutex<Finder>>,
    location: Location,
    /// The writer; `None` once the ledger is closed.
    running: Mutex<Option<JoinHandle<Result<(), Unwritten>>>>,
}

impl<L: Weight + Send + 'static> Ledger<L> {
    /// Opens the ledger at `place`, or creates it, and starts its writer. `observer` is told of every
    /// delivery after it is committed.
    ///
    /// Folders on the way are created. If the error is returned nothing was changed but for those.
    pub fn open(
        place: &Place,
        options: Options,
        observer: impl Observer<L>,
    ) -> Result<(Self, Resumed), OpenError> {
        let Opened { store, finder, resumed, evictions } = open::open(place, options.durability)?;
        let location = store.location.clone();
        let mut coverage = Coverage::new(options.sessions);
        coverage.give_up(evictions);
        let shared = Arc::new(Shared {
            index: Index::new(resumed.resources + 1),
            bell: Arc::new(Bell::default()),
            new_lanes: Mutex::default(),
            closing: AtomicBool::new(false),
            close_by: Mutex::new(Instant::now()),
            status: Mutex::new(Status { evictions, ..Status::default() }),
        });
        let writer = Writer::new(Arc::clone(&shared), Book::new(store, coverage), observer);
        let writer = thread::Builder::new()
            .name("ledger".to_owned())
            .spawn(move || writer.run())
            .map_err(|error| OpenError::from_io(location.path(), &error))?;
        let running = Mutex::new(Some(writer));
        Ok((Self { owner: Arc::new(Owner { shared, finder, location, running }) }, resumed))
    }
}

impl<L> Ledger<L> {
    /// The tally of the resource at `path`: the bytes of its path from the root, with a leading `/`.
    ///
    /// Call it when a file is remembered, not for each request: it takes a lock, and reads the store if the
    /// resource is not in memory (some 10 µs; a cold disk takes as long as it takes). It never fails: if the
    /// store cannot be read, numbers are put right before they are printed.
    pub fn resource(&self, path: &[u8]) -> Arc<Tally> {
        self.owner.shared.index.resource(path, &self.owner.finder)
    }

    /// A way to report, for one worker. Drop it when the worker ends.
    pub fn reporter(&self) -> Reporter<L> {
        let shared = &self.owner.shared;
        let (reporter, lane) = Lane::new(Arc::clone(&shared.bell));
        shared.new_lanes.lock().unwrap_or_else(PoisonError::into_inner).push(lane);
        reporter
    }

    /// How the ledger is; some milliseconds old.
    pub fn status(&self) -> Status {
        self.owner.shared.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads what is committed, on a connection of its own.
    pub fn query(&self) -> Result<Query, crate::QueryError> {
        Query::at(&self.owner.location)
    }

    /// Commits and syncs everything reported so far, then lets go of the store. What is reported later is
    /// lost, so end the workers first. A store that fails is tried again for as long as `patience`, at least once;
    /// then what it did not take is returned. A second call does nothing.
    pub fn close(&self, patience: Duration) -> Result<(), Unwritten> {
        self.owner.close(patience)
    }

    /// Has [`close`](Self::close), on another thread, return after the attempt that is under way.
    pub fn hurry(&self) {
        *self.owner.shared.close_by.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.owner.shared.bell.wake();
    }
}

impl<L> Owner<L> {
    fn close(&self, patience: Duration) -> Result<(), Unwritten> {
        let Some(writer) = self.running.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return Ok(());
        };
        *self.shared.close_by.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now() + patience;
        self.shared.closing.store(true, Ordering::Release);
        // By its own handle: the thread may not have named itself to the bell yet.
        writer.thread().unpark();
        writer.join().expect("a panic of the writer ends the process")
    }
}

impl<L> Drop for Owner<L> {
    fn drop(&mut self) {
        // Who wants to know calls `close`.
        let _ = self.close(PATIENCE);
    }
}
