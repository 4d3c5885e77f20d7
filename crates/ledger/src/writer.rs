//! The thread that owns the store: collects what the workers report, commits it, then hands lines on.
//!
//! After each round it naps for some milliseconds, so that under load there are few and large transactions
//! and no worker has to wake it; when a round finds nothing it parks until it is rung for. A panic here ends
//! the process: to serve on without counting would break the one promise that matters.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use crate::book::Book;
use crate::delivery::Weight;
use crate::lane::Lane;
use crate::ledger::{Shared, Status, Unwritten};
use crate::observer::{Observer, StoreState};
use crate::store::{Store, StoreError, Tidiness, Trouble};

/// Between two rounds under load. `kill -9` costs at most this and the time of one commit.
const NAP: Duration = Duration::from_millis(4);

/// So long nothing must have been reported before what was put off is done: under load, too, there are rounds that find nothing.
const QUIET: Duration = Duration::from_millis(100);

/// Between two syncs, which also keep the log short; under `Durability::Commit` each commit syncs by itself.
const SYNC_EVERY: Duration = Duration::from_secs(1);

/// How often it is looked whether the store is still in its place. What is committed to a file that was removed is
/// gone when the process ends, so that this bounds what can be printed in vain.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The first and the longest wait after a failure of the store; each wait is twice the one before.
const RETRY_FIRST: Duration = Duration::from_millis(10);
const RETRY_LONGEST: Duration = Duration::from_secs(1);

/// The writer's state on its thread.
pub(crate) struct Writer<L, S, O> {
    shared: Arc<Shared<L>>,
    lanes: Vec<Lane<L>>,
    book: Book<L, S>,
    observer: O,
    status: Status,
    retry: Option<Retry>,
    sync: Sync,
    /// When what was put off is done, if nothing is reported before; `None` when nothing was put off.
    tidy_at: Option<Instant>,
    look_at: Instant,
    /// While it is, nothing is written.
    misplaced: Option<StoreError>,
}

/// A failed commit is tried again at this time.
struct Retry {
    at: Instant,
    wait: Duration,
}

/// When committed figures are made to survive a loss of power, at the latest.
enum Sync {
    /// Nothing was committed since the last time.
    Done,
    /// Then.
    Due(Instant),
}

impl<L, S, O> Writer<L, S, O>
where
    L: Weight,
    S: Store,
    O: Observer<L>,
{
    pub(crate) fn new(shared: Arc<Shared<L>>, book: Book<L, S>, observer: O) -> Self {
        Self {
            shared,
            lanes: Vec::new(),
            book,
            observer,
            status: Status::default(),
            retry: None,
            sync: Sync::Done,
            tidy_at: None,
            look_at: Instant::now(),
            misplaced: None,
        }
    }

    /// Works until the ledger is closed and all is committed, or cannot be.
    pub(crate) fn run(mut self) -> Result<(), Unwritten> {
        let _abort = AbortOnPanic;
        self.shared.bell.belongs_to(thread::current());
        loop {
            // Read before collecting: what was reported before the ledger was closed is collected below.
            let closing = self.shared.closing.load(Ordering::Acquire);
            let collected = self.collect();
            self.settle();
            self.book.forget_idle(&self.shared.index);
            self.publish();
            match (collected, closing) {
                (0, true) => return self.finish(),
                (0, false) if self.tidy_when_quiet() == Tidiness::WorkLeft => {}
                (0, false) => self.park(),
                (_, true) => {}
                (_, false) => {
                    self.tidy_at = Some(Instant::now() + QUIET);
                    thread::park_timeout(NAP);
                }
            }
        }
    }

    /// Books all that was reported; returns how many events that were.
    fn collect(&mut self) -> usize {
        let mut new_lanes = self.shared.new_lanes.lock().unwrap_or_else(PoisonError::into_inner);
        self.lanes.append(&mut new_lanes);
        drop(new_lanes);
        let Self { lanes, book, shared, .. } = self;
        let mut collected = 0;
        lanes.retain_mut(|lane| {
            // Asked before collecting: after that nothing more can come.
            let abandoned = lane.is_abandoned();
            let (ready, overflow) = lane.collect();
            collected += ready.len() + overflow.events.len() + overflow.sums.len();
            // A tally is made before its first number is reported, so all that are needed are here.
            book.adopt(shared.index.newcomers());
            for event in ready {
                book.book(event);
            }
            book.book_overflow(overflow);
            !abandoned
        });
        collected
    }

    /// Commits what changed, unless the store failed a moment ago, and hands on what is committed.
    fn settle(&mut self) {
        let now = Instant::now();
        if self.look_at <= now {
            self.look(now);
        }
        if self.book.uncommitted() > 0 && self.retry.as_ref().is_none_or(|retry| retry.at <= now) {
            let result = self.commit();
            if result.is_ok() && matches!(self.sync, Sync::Done) {
                self.sync = Sync::Due(now + SYNC_EVERY);
            }
            self.note(result, now);
        }
        if self.misplaced.is_none() && matches!(self.sync, Sync::Due(due) if due <= now) {
            match self.book.begin_sync() {
                Ok(()) => self.sync = Sync::Done,
                Err(error) => {
                    self.sync = Sync::Due(now + SYNC_EVERY);
                    self.note(Err(error), now);
                }
            }
        }
        self.hand_on();
    }

    /// Looks whether the store is still in its place.
    fn look(&mut self, now: Instant) {
        self.look_at = now + LOOK_EVERY;
        match (self.book.look(), self.misplaced.take()) {
            (Ok(()), None) => {}
            // What is not committed is, at once, and tells whether all is well.
            (Ok(()), Some(_)) if self.book.uncommitted() > 0 => self.retry = None,
            (Ok(()), Some(_)) => self.note(Ok(()), now),
            (Err(error), _) => {
                self.misplaced = Some(error.clone());
                self.note(Err(error), now);
            }
        }
    }

    /// Commits; a damaged store is replaced at once, other trouble passes with time or does not.
    fn commit(&mut self) -> Result<(), StoreError> {
        if let Some(error) = &self.misplaced {
            return Err(error.clone());
        }
        let error = match self.book.commit() {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        match error.trouble {
            Trouble::Corrupt => {
                let aside = self.book.set_aside()?;
                self.observer.set_aside(&aside);
                self.status.set_aside = Some(aside);
                self.book.commit()
            }
            Trouble::Full | Trouble::Locked | Trouble::ReadOnly | Trouble::Misplaced | Trouble::Broken => {
                Err(error)
            }
        }
    }

    /// Does some of the work that the store put off, if nothing was reported for a while.
    fn tidy_when_quiet(&mut self) -> Tidiness {
        match self.tidy_at {
            Some(at) if at <= Instant::now() => self.tidy(),
            Some(_) | None => Tidiness::Tidy,
        }
    }

    /// Does some of the work that the store put off, unless it fails; then it is tried again with all else.
    fn tidy(&mut self) -> Tidiness {
        let now = Instant::now();
        let retry_at = self.retry.as_ref().map(|retry| retry.at).filter(|at| *at > now);
        if let Some(later) = self.misplaced.as_ref().map(|_| self.look_at).or(retry_at) {
            self.tidy_at = Some(later);
            return Tidiness::Tidy;
        }
        match self.book.tidy() {
            Ok(tidiness) => {
                self.note(Ok(()), now);
                if tidiness == Tidiness::Tidy {
                    self.tidy_at = None;
                }
                tidiness
            }
            Err(error) => {
                self.note(Err(error), now);
                self.tidy_at = self.retry.as_ref().map(|retry| retry.at);
                Tidiness::Tidy
            }
        }
    }

    fn note(&mut self, result: Result<(), StoreError>, now: Instant) {
        let was_sound = self.status.store == StoreState::Sound;
        match result {
            Ok(()) => {
                self.retry = None;
                self.status.store = StoreState::Sound;
            }
            Err(error) => {
                let wait =
                    self.retry.as_ref().map_or(RETRY_FIRST, |retry| (retry.wait * 2).min(RETRY_LONGEST));
                self.retry = Some(Retry { at: now + wait, wait });
                let since = match self.status.store {
                    StoreState::Sound => SystemTime::now(),
                    StoreState::Failing { since, .. } => since,
                };
                self.status.store = StoreState::Failing { error, since };
            }
        }
        if was_sound != (self.status.store == StoreState::Sound) {
            // Who is told may look at once.
            self.publish();
            self.observer.store_changed(&self.status.store);
        }
    }

    fn hand_on(&mut self) {
        self.book.hand_on(&mut self.observer);
        let dropped = self.book.take_lines_dropped();
        if dropped > 0 {
            self.status.lines_dropped += dropped;
            self.observer.lines_dropped(dropped);
        }
        self.observer.batch_ended();
    }

    fn publish(&mut self) {
        self.status.uncommitted = self.book.uncommitted();
        self.status.lines_waiting = self.book.waiting();
        self.status.sessions = self.book.coverage().sessions();
        self.status.evictions = self.book.coverage().evictions();
        self.status.in_memory = self.shared.index.count();
        let mut status = self.shared.status.lock().unwrap_or_else(PoisonError::into_inner);
        status.clone_from(&self.status);
    }

    /// Waits until there is something to collect, to try again, to sync, to tidy or to look at.
    fn park(&self) {
        let retry = self.retry.as_ref().map(|retry| retry.at);
        let sync = match self.sync {
            Sync::Due(due) => Some(due),
            Sync::Done => None,
        };
        let until = retry.into_iter().chain(sync).chain(self.tidy_at).fold(self.look_at, Instant::min);
        self.shared.bell.park(
            || self.is_idle(),
            || thread::park_timeout(until.saturating_duration_since(Instant::now())),
        );
    }

    fn is_idle(&self) -> bool {
        self.lanes.iter().all(Lane::is_empty)
            && self.shared.new_lanes.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
            && !self.shared.closing.load(Ordering::Acquire)
    }

    /// The ledger is closed and everything collected: commits what a failing store did not take before.
    fn finish(mut self) -> Result<(), Unwritten> {
        let mut wait = RETRY_FIRST;
        self.look(Instant::now());
        let mut result = self.commit();
        while result.is_err() {
            let left = self.shared.time_to_close();
            if left.is_zero() {
                break;
            }
            thread::park_timeout(wait.min(left));
            wait = (wait * 2).min(RETRY_LONGEST);
            self.look(Instant::now());
            result = self.commit();
        }
        self.note(result.clone(), Instant::now());
        while result.is_ok() && self.tidy() == Tidiness::WorkLeft {}
        let result = result.and_then(|()| self.book.sync());
        self.note(result.clone(), Instant::now());
        self.book.hand_on(&mut self.observer);
        self.book.drop_waiting();
        self.hand_on();
        self.publish();
        let (requests, ends) = self.book.unwritten();
        result.map_err(|error| Unwritten { error, requests, ends })
    }
}

/// Ends the process when the thread panics; the panic's message is on standard error by then.
struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if thread::panicking() {
            std::process::abort();
        }
    }
}
