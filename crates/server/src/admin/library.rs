//! What the admin side reads from the ledger: one reading at a time, on a thread that may wait, and kept for a while.
//!
//! Reading costs in proportion to the number of files, so how long an answer is kept depends on how long it took: a page is
//! kept twenty times as long, a sum over everything a hundred times. Whatever is asked, in the long run the ledger is read for
//! a quarter of the time at most.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tallyd_http::validator::Timestamp;
use tallyd_ledger::query::Whole;
use tallyd_ledger::query::browse::{Page, Single, Wanted};
use tallyd_ledger::{Counters, Day, Ledger, Query, QueryError};
use tokio::sync::Semaphore;

use super::allowance::Allowance;
use crate::access_log::Details;
use crate::clock;

/// How many requests wait for their reading; further ones are refused.
const WAITING: usize = 32;

/// How long an answer is kept at least: nobody can tell, and twenty that ask at once cost one reading.
const KEPT: Duration = Duration::from_millis(500);

/// How much longer than it took an answer is kept.
const PAGE_FACTOR: u32 = 20;
const SUM_FACTOR: u32 = 100;

/// In the long run the ledger is read for one part in so many of the time, and at once no longer than this. One who types a
/// search does not notice; one who asks for ever other pages keeps a quarter of a core busy.
const ONE_IN: u32 = 4;
const RESERVE: Duration = Duration::from_secs(1);

/// Pages that are kept.
const PAGES: usize = 64;

/// How long the sum of a day that is over is kept.
const PAST_DAY_KEPT: Duration = Duration::from_hours(1);

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// Too many wait.
    Busy,
    /// The ledger cannot be read.
    Failed,
}

/// Something that was read from the ledger.
#[derive(Debug)]
pub(super) struct Read<T> {
    /// What it says.
    pub(super) value: Arc<T>,
    /// When it was read.
    pub(super) at: Timestamp,
    good_until: Instant,
}

impl<T> Clone for Read<T> {
    fn clone(&self) -> Self {
        Read { value: Arc::clone(&self.value), at: self.at, good_until: self.good_until }
    }
}

/// The ledger as the admin side reads it.
pub(super) struct Library {
    ledger: Ledger<Details>,
    turn: Semaphore,
    allowance: Mutex<Allowance>,
    waiting: Semaphore,
    shelf: Arc<Mutex<Shelf>>,
}

/// What is kept.
#[derive(Default)]
struct Shelf {
    /// A connection that nobody uses at the moment.
    query: Option<Query>,
    whole: Option<Read<Whole>>,
    pages: HashMap<Wanted, Read<Page>>,
    days: HashMap<Day, Read<Counters>>,
}

impl Library {
    pub(super) fn new(ledger: Ledger<Details>) -> Library {
        Library {
            ledger,
            turn: Semaphore::new(1),
            allowance: Mutex::new(Allowance::new(ONE_IN)),
            waiting: Semaphore::new(WAITING),
            shelf: Arc::default(),
        }
    }

    /// The sums over everything.
    pub(super) async fn whole(&self) -> Result<Read<Whole>, Unread> {
        let kept = |shelf: &Shelf| shelf.whole.clone();
        self.look_up(kept, SUM_FACTOR, Query::whole, |shelf, read| shelf.whole = Some(read)).await
    }

    /// The sums over everything, if they were ever read.
    pub(super) fn last_whole(&self) -> Option<Read<Whole>> {
        self.lock().whole.clone()
    }

    /// A page of files.
    pub(super) async fn page(&self, wanted: Wanted) -> Result<Read<Page>, Unread> {
        let (asked, kept_as) = (wanted.clone(), wanted.clone());
        let kept = move |shelf: &Shelf| shelf.pages.get(&wanted).cloned();
        self.look_up(
            kept,
            PAGE_FACTOR,
            move |query| query.browse(&asked),
            |shelf, read| {
                shelf.keep_page(kept_as, read);
            },
        )
        .await
    }

    /// One file with its last `days` days up to `until`; `None` if it was never counted.
    pub(super) async fn single(&self, path: String, until: Day, days: u32) -> Result<Option<Single>, Unread> {
        let read = self
            .look_up(
                |_| None,
                0,
                move |query| query.single(&path, until, days),
                |_, _: Read<Option<Single>>| {},
            )
            .await?;
        Ok((*read.value).clone())
    }

    /// The sums over all files on a day. `today` is the one that is not over.
    pub(super) async fn day(&self, day: Day, today: Day) -> Result<Read<Counters>, Unread> {
        let kept = move |shelf: &Shelf| shelf.days.get(&day).cloned();
        self.look_up(
            kept,
            SUM_FACTOR,
            move |query| query.sums_on(day),
            |shelf, mut read| {
                // Transfers that began yesterday may end today, but hardly any later.
                if day.0 + 1 < today.0 {
                    read.good_until = Instant::now() + PAST_DAY_KEPT;
                }
                shelf.days.retain(|known, _| known.0 + 60 > today.0);
                shelf.days.insert(day, read);
            },
        )
        .await
    }

    /// Takes what is kept, or reads it and keeps it.
    async fn look_up<T: Send + Sync + 'static>(
        &self,
        kept: impl Fn(&Shelf) -> Option<Read<T>>,
        factor: u32,
        read: impl FnOnce(&Query) -> Result<T, QueryError> + Send + 'static,
        keep: impl FnOnce(&mut Shelf, Read<T>),
    ) -> Result<Read<T>, Unread> {
        let good = |library: &Library| kept(&library.lock()).filter(|read| Instant::now() < read.good_until);
        if let Some(read) = good(self) {
            return Ok(read);
        }
        let _place = self.waiting.try_acquire().map_err(|_| Unread::Busy)?;
        let _turn = self.turn.acquire().await.map_err(|_| Unread::Failed)?;
        // Whoever was before may have read the same.
        if let Some(read) = good(self) {
            return Ok(read);
        }
        self.rest().await;
        let read = self.read(factor, read).await?;
        keep(&mut self.lock(), read.clone());
        Ok(read)
    }

    /// Waits until there is time to read. Whoever does so has the turn, so that all others wait, too.
    async fn rest(&self) {
        let wait = self.allowance().wait(Instant::now(), RESERVE);
        tokio::time::sleep(wait).await;
    }

    async fn read<T: Send + 'static>(
        &self,
        factor: u32,
        read: impl FnOnce(&Query) -> Result<T, QueryError> + Send + 'static,
    ) -> Result<Read<T>, Unread> {
        let (ledger, query) = (self.ledger.clone(), self.lock().query.take());
        let began = Instant::now();
        let reading = tokio::task::spawn_blocking(move || {
            let query = query.map_or_else(|| ledger.query(), Ok)?;
            let value = read(&query)?;
            Ok::<_, QueryError>((value, query))
        });
        // A connection that failed is not used again: the ledger may have been set aside.
        let outcome = reading.await;
        let took = began.elapsed();
        self.allowance().spend(Instant::now(), took);
        let Ok(Ok((value, query))) = outcome else { return Err(Unread::Failed) };
        self.lock().query = Some(query);
        let good_until =
            Instant::now() + (took * factor).max(if factor == 0 { Duration::ZERO } else { KEPT });
        Ok(Read { value: Arc::new(value), at: clock::timestamp(), good_until })
    }

    fn allowance(&self) -> MutexGuard<'_, Allowance> {
        // A sum is a sum, whoever panicked meanwhile.
        self.allowance.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Shelf> {
        // What is kept is whole, whoever panicked meanwhile.
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelf {
    fn keep_page(&mut self, wanted: Wanted, read: Read<Page>) {
        let now = Instant::now();
        self.pages.retain(|_, page| now < page.good_until);
        if self.pages.len() < PAGES {
            self.pages.insert(wanted, read);
        }
    }
}

#[cfg(test)]
mod tests;
