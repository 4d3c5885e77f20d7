//! What the ledger's thread tells the admin side of committed deliveries: sums, and the last few by name.
//!
//! The ledger's thread adds up on its own and, a few times a second, leaves the sums where the admin side fetches them. Either
//! holds the lock for a moment to add or to take, and what is left there is bounded: if nobody fetches it, files beyond a
//! number are in the sums alone.

use std::collections::VecDeque;
use std::mem::{replace, take};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arrayvec::ArrayVec;
use tallyd_ledger::{Delivery, IdMap, Kind, Moment, Observer, Outcome, ResourceId, StoreState};

use crate::access_log::{Committed, Details, Peer};

/// How long sums are gathered while deliveries come: shorter than anybody looks, and long enough that a file that is asked
/// for again and again is looked up for each delivery and handed over for many.
const GATHER: Duration = Duration::from_millis(200);

/// Files of which more than the sums is told at a time: what some seconds of lively traffic ask for; some megabytes.
const FILES: usize = 4096;

/// The last deliveries that are told one by one: more than a page shows.
pub(super) const RECENT: usize = 256;

/// Versions of a file that are told apart at a time; the others are left out.
const VERSIONS: usize = 4;

/// The upper bounds of the durations that are told apart, in milliseconds: from a small file on a near client to a large
/// one on a slow client. There is one more class without a bound.
pub(super) const DURATION_BOUNDS_MS: [u64; 15] =
    [1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 15_000, 60_000, 300_000, 1_800_000];

/// What came of some deliveries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Gain {
    pub(super) requests: u64,
    pub(super) completed: u64,
    pub(super) aborted: u64,
    pub(super) bytes: u64,
}

/// How long deliveries took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Durations {
    /// By class of duration; the last has no bound.
    pub(super) classes: [u64; DURATION_BOUNDS_MS.len() + 1],
    /// All together.
    pub(super) sum_ms: u64,
}

/// One version of a file, and what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct VersionGain {
    pub(super) id: u64,
    pub(super) length: u64,
    pub(super) gain: Gain,
}

/// What came of one file.
#[derive(Debug)]
pub(super) struct FileGain {
    pub(super) path: Arc<str>,
    pub(super) gain: Gain,
    pub(super) versions: ArrayVec<VersionGain, VERSIONS>,
}

/// One delivery.
#[derive(Clone, Debug)]
pub(super) struct Delivered {
    pub(super) path: Arc<str>,
    pub(super) number: u64,
    pub(super) peer: Peer,
    pub(super) kind: Kind,
    pub(super) outcome: Outcome,
    pub(super) bytes: u64,
    pub(super) began: Moment,
    pub(super) ended: Moment,
}

/// Deliveries since the last time that this was fetched.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) all: Gain,
    pub(super) files: IdMap<ResourceId, FileGain>,
    pub(super) recent: VecDeque<Delivered>,
    pub(super) durations: Durations,
}

/// Where they are fetched.
#[derive(Clone, Debug, Default)]
pub(crate) struct Deliveries(Arc<Mutex<Gathered>>);

/// Has the admin side witness what the log is told.
pub(crate) struct Witnessed {
    log: Committed,
    /// `None`: there is no admin side.
    deliveries: Option<Deliveries>,
    gathered: Gathered,
    /// When the sums were left last.
    left: Instant,
    flow: Flow,
}

/// Whether deliveries come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    /// One has come since the last batch ended.
    Lively,
    /// The ledger's thread is about to rest: what is not left now would wait for the next delivery.
    Quiet,
}

impl Gain {
    pub(super) fn add(&mut self, other: Gain) {
        self.requests += other.requests;
        self.completed += other.completed;
        self.aborted += other.aborted;
        self.bytes += other.bytes;
    }

    fn of(delivery: &Delivery<Details>) -> Gain {
        let (completed, aborted) = match (delivery.request.kind(), delivery.outcome) {
            (Kind::Head | Kind::NotModified, _) => (0, 0),
            (Kind::Full | Kind::Partial, Outcome::Completed) => (1, 0),
            (Kind::Full | Kind::Partial, Outcome::Aborted) => (0, 1),
        };
        Gain { requests: 1, completed, aborted, bytes: delivery.received.bytes() }
    }
}

impl Durations {
    fn note(&mut self, ms: u64) {
        let class = DURATION_BOUNDS_MS.partition_point(|bound| *bound < ms);
        self.classes[class] += 1;
        self.sum_ms += ms;
    }

    pub(super) fn add(&mut self, other: &Durations) {
        self.classes.iter_mut().zip(other.classes).for_each(|(sum, more)| *sum += more);
        self.sum_ms += other.sum_ms;
    }
}

impl FileGain {
    fn note(&mut self, id: u64, length: u64, gain: Gain) {
        self.gain.add(gain);
        self.note_version(VersionGain { id, length, gain });
    }

    fn add(&mut self, other: FileGain) {
        self.gain.add(other.gain);
        other.versions.into_iter().for_each(|version| self.note_version(version));
    }

    fn note_version(&mut self, version: VersionGain) {
        if let Some(known) = self.versions.iter_mut().find(|known| known.id == version.id) {
            known.gain.add(version.gain);
        } else {
            // What does not fit is left out.
            let _ = self.versions.try_push(version);
        }
    }
}

impl Gathered {
    fn is_empty(&self) -> bool {
        self.all == Gain::default()
    }

    fn note(&mut self, path: &str, delivery: &Delivery<Details>) {
        let gain = Gain::of(delivery);
        self.all.add(gain);
        self.durations.note(delivery.ended.0.saturating_sub(delivery.began.0) / 1000);
        let resource = delivery.request.resource();
        if self.files.len() >= FILES && !self.files.contains_key(&resource) {
            return;
        }
        let file = self.files.entry(resource).or_insert_with(|| FileGain {
            path: path.into(),
            gain: Gain::default(),
            versions: ArrayVec::new(),
        });
        file.note(delivery.representation.entity_tag, delivery.representation.complete_length, gain);
        let delivered = Delivered {
            path: Arc::clone(&file.path),
            number: delivery.request.number(),
            peer: Peer { ip: delivery.client.address, port: delivery.client.port },
            kind: delivery.request.kind(),
            outcome: delivery.outcome,
            bytes: gain.bytes,
            began: delivery.began,
            ended: delivery.ended,
        };
        push_recent(&mut self.recent, delivered);
    }

    fn add(&mut self, batch: Gathered) {
        self.all.add(batch.all);
        self.durations.add(&batch.durations);
        for (resource, gain) in batch.files {
            if let Some(file) = self.files.get_mut(&resource) {
                file.add(gain);
            } else if self.files.len() < FILES {
                self.files.insert(resource, gain);
            }
        }
        batch.recent.into_iter().for_each(|delivered| push_recent(&mut self.recent, delivered));
    }
}

/// Adds a delivery to the last ones, the newest behind.
pub(super) fn push_recent(recent: &mut VecDeque<Delivered>, delivered: Delivered) {
    if recent.len() >= RECENT {
        recent.pop_front();
    }
    recent.push_back(delivered);
}

impl Deliveries {
    /// All that was left here since the last call.
    pub(super) fn fetch(&self) -> Gathered {
        take(&mut *self.lock())
    }

    fn leave(&self, batch: Gathered) {
        let mut left = self.lock();
        if left.is_empty() {
            *left = batch;
        } else {
            left.add(batch);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Gathered> {
        // Sums are sums, whoever panicked meanwhile.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Witnessed {
    /// The log, with deliveries left at `deliveries` if there is someone to fetch them.
    pub(crate) fn new(log: Committed, deliveries: Option<Deliveries>) -> Witnessed {
        Witnessed { log, deliveries, gathered: Gathered::default(), left: Instant::now(), flow: Flow::Quiet }
    }
}

impl Observer<Details> for Witnessed {
    fn committed(&mut self, path: &str, delivery: &Delivery<Details>) {
        if self.deliveries.is_some() {
            self.gathered.note(path, delivery);
            self.flow = Flow::Lively;
        }
        self.log.committed(path, delivery);
    }

    fn batch_ended(&mut self) {
        self.log.batch_ended();
        let flow = replace(&mut self.flow, Flow::Quiet);
        if let Some(deliveries) = &self.deliveries
            && !self.gathered.is_empty()
            && (flow == Flow::Quiet || self.left.elapsed() >= GATHER)
        {
            deliveries.leave(take(&mut self.gathered));
            self.left = Instant::now();
        }
    }

    fn lines_dropped(&mut self, count: u64) {
        self.log.lines_dropped(count);
    }

    fn store_changed(&mut self, state: &StoreState) {
        self.log.store_changed(state);
    }

    fn set_aside(&mut self, aside: &Path) {
        self.log.set_aside(aside);
    }
}

#[cfg(test)]
mod tests;
