//! Files that were asked for lately, kept open or in memory with their prebuilt head fields.
//!
//! One memory per worker, without locks. A remembered file is checked against its path before use when the last check is
//! more than a few milliseconds old, so a change is seen at once for practical purposes, and a hot file costs one
//! check for hundreds of requests. Where content is in memory and the kernel tells of changes on the way to its file, its silence
//! takes the place of the check, so that thousands of files that are asked for by turns cost none.

use std::cell::{Cell, OnceCell, RefCell};
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use quick_cache::{Weighter, unsync};
use tallyd_http::target::SitePath;
use tallyd_ledger::Tally;

use super::changes::Generation;
use super::folder::{FileVersion, Folder};
use super::siblings::{Look, Surroundings};
use super::variants::{Served, Variants};
use crate::clock::Moment;

/// How long a check holds. Shorter than a person or a script can tell, and long enough that a hot file pays one system
/// call for hundreds of requests.
pub(crate) const CHECK_HOLDS: Duration = Duration::from_millis(5);

/// How long the way to a file is believed to stay beneath the root before it is walked again under the kernel's guard:
/// `statx` alone would not notice a folder that moved out of the root and left a link behind. And how long the kernel's silence is
/// believed: it tells nothing of writes through a mapping or a name that was given to the file elsewhere since, or of what is mounted over a
/// folder.
const WAY_HOLDS: Duration = Duration::from_secs(1);

/// How long a place where no sibling was is believed to stay empty. Whoever adds one to a file that stays as it is waits so
/// long; a file that is replaced is looked at anew at once.
const EMPTINESS_HOLDS: Duration = Duration::from_secs(5);

/// What remembering costs besides content, in bytes: key, fields and bookkeeping, and the tally, which stays in memory for
/// as long. Measured with `bench/million`: 1.8 KB.
const OVERHEAD_BYTES: u64 = 2048;

/// How many bytes of the budget a kept-open descriptor counts as, so that the budget bounds descriptors too: the
/// default of 128 MiB allows 2,048.
const DESCRIPTOR_BYTES: u64 = 64 * 1024;

/// A regular file as it is served.
#[derive(Debug)]
pub(crate) struct Remembered {
    /// The tally of the resource.
    pub(crate) tally: Arc<Tally>,
    /// What is sent of it.
    pub(crate) variants: Variants,
    /// The lines that the publisher adds, for every answer with the file's status; in the prepared fields too.
    pub(crate) added_fields: Box<[u8]>,
    version: FileVersion,
    surroundings: Surroundings,
    /// Set when more is known of this version than when it was remembered.
    news: Arc<AtomicBool>,
    /// What it counts as in the memory.
    cost_bytes: Cell<u64>,
    /// What it is remembered under, if it ever was.
    key: OnceCell<Box<[u8]>>,
    path: SitePath<'static>,
    checked: Cell<Moment>,
    walked: Cell<Moment>,
    explored: Cell<Moment>,
    /// The generation of changes that it was walked to in, if that tells of all changes to it.
    followed: Cell<Option<Generation>>,
}

/// Where the bytes of a representation are.
#[derive(Clone, Debug)]
pub(crate) enum Handle {
    /// In memory.
    Memory(Rc<[u8]>),
    /// In memory that all workers share.
    Shared(Arc<[u8]>),
    /// In an open file, which a thread that reads ahead may share.
    File(Arc<OwnedFd>),
}

/// Whether a remembered file may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// The path led to this version a few milliseconds ago or less.
    Fresh,
    /// The path leads elsewhere now, or may.
    Stale,
}

impl Remembered {
    /// What was just opened for `path`.
    pub(crate) fn new(
        path: SitePath<'static>,
        version: FileVersion,
        surroundings: Surroundings,
        tally: Arc<Tally>,
        variants: Variants,
        added_fields: Box<[u8]>,
        news: Arc<AtomicBool>,
    ) -> Remembered {
        let now = Cell::new(Moment::now());
        Remembered {
            tally,
            variants,
            added_fields,
            version,
            surroundings,
            news,
            cost_bytes: Cell::new(0),
            key: OnceCell::new(),
            path,
            checked: now.clone(),
            walked: now.clone(),
            explored: now,
            followed: Cell::new(None),
        }
    }

    /// What is set when more is known of this version.
    pub(crate) fn news(&self) -> &Arc<AtomicBool> {
        &self.news
    }

    /// Which version of the file it is.
    pub(crate) fn version(&self) -> FileVersion {
        self.version
    }

    /// The path that it is counted under.
    pub(crate) fn path(&self) -> &SitePath<'static> {
        &self.path
    }

    fn check(&self, folder: &Folder, now: Moment) -> Freshness {
        if now.since(self.checked.get()) <= CHECK_HOLDS {
            return Freshness::Fresh;
        }
        if self.news.load(Ordering::Relaxed) {
            return Freshness::Stale;
        }
        let is_due = now.since(self.walked.get()) > WAY_HOLDS;
        let is_quiet = self.followed.get().is_some_and(|since| folder.generation(now) == Some(since));
        if is_quiet && !is_due {
            return Freshness::Fresh;
        }
        let walks = is_due && !is_quiet;
        let path = self.path.relative();
        let version = if walks { self.walk(folder) } else { folder.version_now(path) };
        // Once it is followed it is not walked to again: what was put beside it before would never be seen.
        let begins_to_follow = walks && self.followed.get().is_some();
        let explores = begins_to_follow || walks && now.since(self.explored.get()) > EMPTINESS_HOLDS;
        let look = match (explores, walks) {
            (true, _) => Look::Everywhere,
            (false, true) => Look::AlongTheWay,
            (false, false) => Look::AtSiblings,
        };
        if version != Some(self.version) || !self.surroundings.are_unchanged(folder, &self.path, look) {
            return Freshness::Stale;
        }
        self.checked.set(now);
        if is_due {
            self.walked.set(now);
        }
        if explores {
            self.explored.set(now);
        }
        Freshness::Fresh
    }

    /// Walks the way to the file again, and begins to follow the changes to it where they can be told without fail.
    fn walk(&self, folder: &Folder) -> Option<FileVersion> {
        if !self.variants.are_in_memory() {
            return folder.version_beneath(self.path.relative());
        }
        let (version, since) = folder.follow(self.path.relative())?;
        self.followed.set(since);
        Some(version)
    }
}

/// How many descriptors memories of `budget_bytes` together keep open at most.
pub(crate) fn most_descriptors(budget_bytes: u64) -> usize {
    usize::try_from(budget_bytes / DESCRIPTOR_BYTES).unwrap_or(usize::MAX)
}

/// A worker's memory of files, within a budget of bytes.
pub(crate) struct Memory {
    files: RefCell<Files>,
}

/// Keyed by the bytes of the path that was asked for.
type Files = unsync::Cache<Box<[u8]>, Rc<Remembered>, ByCost>;

impl Memory {
    /// A memory of at most `budget_bytes`; 0 remembers nothing.
    pub(crate) fn new(budget_bytes: u64) -> Memory {
        // The estimate sizes the cache's own tables: small files of 4 KiB each.
        let estimate = usize::try_from(budget_bytes / 4096).unwrap_or(usize::MAX).min(1 << 16);
        Memory { files: RefCell::new(unsync::Cache::with_weighter(estimate, budget_bytes, ByCost)) }
    }

    /// The file remembered under `path`, if its path still leads to it.
    pub(crate) fn recall(&self, path: &SitePath<'_>, folder: &Folder) -> Option<Rc<Remembered>> {
        let file = Rc::clone(self.files.borrow().get(path.as_bytes())?);
        match file.check(folder, Moment::now()) {
            Freshness::Fresh => Some(file),
            Freshness::Stale => {
                self.files.borrow_mut().remove(path.as_bytes());
                None
            }
        }
    }

    /// Forgets everything, and with it closes what nobody is sending.
    pub(crate) fn forget_all(&self) {
        self.files.borrow_mut().clear();
    }

    /// Remembers a file under the path that it was asked for, which for an index file is its directory's.
    pub(crate) fn remember(&self, asked: &SitePath<'_>, file: &Rc<Remembered>) {
        self.insert(asked.as_bytes().into(), file);
    }

    /// Weighs a file anew that has come to hold more, if it is still remembered.
    pub(crate) fn weigh_again(&self, file: &Rc<Remembered>) {
        let Some(key) = file.key.get() else { return };
        let is_remembered = self.files.borrow().peek(key).is_some_and(|known| Rc::ptr_eq(known, file));
        if is_remembered {
            // What a file costs must not change while it is in there: the sum would be wrong for ever.
            self.files.borrow_mut().remove(key);
            self.insert(key.clone(), file);
        }
    }

    fn insert(&self, key: Box<[u8]>, file: &Rc<Remembered>) {
        file.cost_bytes.set(cost_bytes(file));
        file.key.get_or_init(|| key.clone());
        self.files.borrow_mut().insert(key, Rc::clone(file));
    }
}

fn cost_bytes(file: &Remembered) -> u64 {
    let cost = |served: &Served| match &served.representation.handle {
        Handle::Memory(content) => OVERHEAD_BYTES + content.len() as u64,
        Handle::Shared(content) => OVERHEAD_BYTES + content.len() as u64,
        Handle::File(_) => OVERHEAD_BYTES + DESCRIPTOR_BYTES,
    };
    file.variants.iter().map(cost).sum()
}

#[derive(Clone)]
struct ByCost;

impl Weighter<Box<[u8]>, Rc<Remembered>> for ByCost {
    fn weight(&self, _: &Box<[u8]>, file: &Rc<Remembered>) -> u64 {
        file.cost_bytes.get()
    }
}
