//! The counter that numbers the requests of one resource, and the index of those in memory.
//!
//! A tally is in memory while the server remembers its file or something about it is not committed; after
//! that it is forgotten, and read from the store when the file is asked for again. So names that come and go
//! cost no memory.

use std::borrow::{Borrow, Cow};
use std::collections::HashSet;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::counters::Totals;
use crate::delivery::{Announced, Day, Kind, Request, ResourceId};
use crate::path_text;
use crate::store::{Lookup, Stored};

/// The tally of one resource, shared by all workers that serve it.
#[derive(Debug)]
pub struct Tally {
    taken: AtomicU64,
    resource: ResourceId,
    path: Box<str>,
    path_hash: u64,
}

impl Tally {
    /// Takes the next number of this resource: one atomic add. Call it at the moment the status is decided,
    /// for every GET or HEAD that is answered 200, 206 or 304 and for nothing else.
    #[inline]
    pub fn take_number(&self, kind: Kind, day: Day) -> Request {
        let number = self.taken.fetch_add(1, Ordering::Relaxed) + 1;
        Request { resource: self.resource, number, day, kind, announced: Announced::No }
    }

    /// The last number taken.
    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// The path in its printed form, see [`path_text`].
    pub fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn path_hash(&self) -> u64 {
        self.path_hash
    }

    /// What names it in the ledger.
    pub fn resource(&self) -> ResourceId {
        self.resource
    }
}

/// What was known of a resource when its tally was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// It was read from the store, or the store has nothing of it.
    Known(Option<Totals>),
    /// The store could not be read: numbers and figures are relative until it can.
    Unread,
}

/// A tally that the writer has not taken over yet.
#[derive(Debug)]
pub(crate) struct Newcomer {
    pub(crate) tally: Arc<Tally>,
    pub(crate) origin: Origin,
}

/// All tallies in memory, by path.
#[derive(Debug)]
pub(crate) struct Index {
    held: Mutex<Held>,
    /// The next id to give; above every id in the store.
    next_id: AtomicU64,
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct Held {
    by_path: HashSet<ByPath>,
    newcomers: Vec<Newcomer>,
}

impl Index {
    pub(crate) fn new(next_id: u64) -> Self {
        Self { held: Mutex::default(), next_id: AtomicU64::new(next_id), hasher: RandomState::new() }
    }

    /// The tally of the resource at `path`, read through `lookup` if it is not in memory.
    pub(crate) fn resource(&self, path: &[u8], lookup: &Mutex<impl Lookup>) -> Arc<Tally> {
        let text: Cow<'_, str> = path_text::print(path);
        if let Some(tally) = self.lock().find(&text) {
            return tally;
        }
        // Held until the tally is in the index: two threads that miss the same path must not both make one.
        let mut lookup = lookup.lock().unwrap_or_else(PoisonError::into_inner);
        // Looked for again, because another thread may just have made it.
        if let Some(tally) = self.lock().find(&text) {
            return tally;
        }
        // A tally leaves the index only when all of it is committed, so what is read now is all there is.
        let tally = match lookup.find(&text) {
            Ok(Some(Stored { resource, totals })) => {
                let tally = self.tally(resource, &text, totals.counters.requests);
                Newcomer { tally, origin: Origin::Known(Some(totals)) }
            }
            Ok(None) => Newcomer { tally: self.tally(self.new_id(), &text, 0), origin: Origin::Known(None) },
            // The state of the store is reported by its writer, which meets the same trouble.
            Err(_) => Newcomer { tally: self.tally(self.new_id(), &text, 0), origin: Origin::Unread },
        };
        self.lock().add(tally)
    }

    /// The tallies made since the last call.
    pub(crate) fn newcomers(&self) -> Vec<Newcomer> {
        std::mem::take(&mut self.lock().newcomers)
    }

    /// Forgets `tallies` as far as nobody but the index and the caller holds them, and as all numbers they
    /// gave are among the `counted`; tells for each whether it is gone.
    pub(crate) fn forget(&self, tallies: &[(Arc<Tally>, u64)]) -> Vec<bool> {
        let mut held = self.lock();
        tallies.iter().map(|(tally, counted)| held.forget(tally, *counted)).collect()
    }

    /// How many tallies are in memory.
    pub(crate) fn count(&self) -> usize {
        self.lock().by_path.len()
    }

    fn tally(&self, resource: ResourceId, path: &str, taken: u64) -> Arc<Tally> {
        let path_hash = self.hasher.hash_one(path);
        Arc::new(Tally { taken: AtomicU64::new(taken), resource, path: path.into(), path_hash })
    }

    fn new_id(&self) -> ResourceId {
        ResourceId(self.next_id.fetch_add(1, Ordering::Relaxed))
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        // Nothing below can panic half-way through a change.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The index, the writer's entry and the list that [`Index::forget`] is given.
const HOLDERS_WHEN_IDLE: usize = 3;

impl Held {
    fn find(&self, text: &str) -> Option<Arc<Tally>> {
        self.by_path.get(text).map(|found| Arc::clone(&found.0))
    }

    fn add(&mut self, newcomer: Newcomer) -> Arc<Tally> {
        let tally = Arc::clone(&newcomer.tally);
        self.by_path.insert(ByPath(Arc::clone(&tally)));
        self.newcomers.push(newcomer);
        tally
    }

    fn forget(&mut self, tally: &Arc<Tally>, counted: u64) -> bool {
        if Arc::strong_count(tally) != HOLDERS_WHEN_IDLE {
            return false;
        }
        // Pairs with the release of the last holder, so that the numbers it took are seen below.
        fence(Ordering::Acquire);
        tally.taken() == counted && self.by_path.remove(tally.path())
    }
}

/// A tally that is found by its path.
#[derive(Debug)]
struct ByPath(Arc<Tally>);

impl Borrow<str> for ByPath {
    fn borrow(&self) -> &str {
        self.0.path()
    }
}

impl Hash for ByPath {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.path().hash(state);
    }
}

impl PartialEq for ByPath {
    fn eq(&self, other: &Self) -> bool {
        self.0.path() == other.0.path()
    }
}

impl Eq for ByPath {}
