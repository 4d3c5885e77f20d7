//! The writer's book: what is counted and not committed yet, and the lines that wait for the commit.
//!
//! It has no thread and no clock, so that every failure of the store can be played through.
//!
//! **How numbers stay unique.** Workers take numbers by an atomic add, but their reports arrive in any order.
//! The book commits as `requests` the number of requests *reported*, and hands a line on only when its number
//! is not above the committed `requests`. After a crash numbers go on behind the committed `requests`: no
//! printed number is given again, none is left out, and the laws hold, whichever reports were lost. A line is
//! held back only while a lower number is unreported, so at most as many lines are held as numbers are
//! unreported; that is why a slow transfer is announced by [`Reporter::began`](crate::Reporter::began).

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use crate::counters::{Counters, Totals};
use crate::coverage::{Coverage, Verdict};
use crate::delivery::{Announced, Day, Delivery, Request, ResourceId, Weight};
use crate::id_map::IdMap;
use crate::lane::{Event, Overflow, Sum};
use crate::observer::Observer;
use crate::store::{Batch, DayRow, Doubtful, ResourceRow, Store, StoreError, Tidiness};
use crate::tally::{Index, Newcomer, Origin, Tally};

/// Some fifty megabytes at most, while the store fails.
const LINES_WAITING: usize = 262_144;

/// What these lines may hold besides, whatever clients make of them.
const LINES_WAITING_BYTES: usize = 64 * 1024 * 1024;

/// How many tallies are looked at for each new one, to forget those that nobody needs. With four, what is
/// kept in vain is a fraction of what is needed.
const LOOKS_PER_NEWCOMER: usize = 4;

/// See the module.
#[derive(Debug)]
pub(crate) struct Book<L, S> {
    store: S,
    entries: IdMap<ResourceId, Entry>,
    changed: Vec<ResourceId>,
    waiting: Vec<Delivery<L>>,
    /// The weight of their lines.
    waiting_bytes: usize,
    /// Whether any of them may have been committed since they were looked at: while the store fails there can be
    /// hundreds of thousands, and to look at all of them in vain every few milliseconds would cost more than to serve.
    has_news: bool,
    /// Keeps its capacity between batches.
    spare: Vec<Delivery<L>>,
    lines_dropped: u64,
    coverage: Coverage,
    /// Every entry once, in the order in which they are looked at.
    rounds: VecDeque<ResourceId>,
    looks: usize,
}

/// All about one resource that is in memory.
#[derive(Debug)]
struct Entry {
    tally: Arc<Tally>,
    /// Its row in the store.
    row: ResourceId,
    totals: Totals,
    /// Which part of the totals is not in `totals`.
    base: Base,
    /// Added to the numbers that its tally gave, to make them absolute.
    offset: u64,
    /// `requests` as committed, and how many of these have ended.
    committed: u64,
    committed_ends: u64,
    /// Requests that were announced, and how many of these have ended: the end of the others is yet to come.
    announced: u64,
    closed: u64,
    days: Vec<DayEntry>,
    change: Change,
}

#[derive(Debug)]
struct DayEntry {
    day: Day,
    counters: Counters,
    base: Base,
    change: Change,
}

/// Whether figures are absolute, or what the store has must be added to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Base {
    Included,
    Unread,
}

/// Whether figures are as committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    None,
    Uncommitted,
}

impl<L: Weight, S: Store> Book<L, S> {
    pub(crate) fn new(store: S, coverage: Coverage) -> Self {
        Self {
            store,
            entries: IdMap::default(),
            changed: Vec::new(),
            waiting: Vec::new(),
            waiting_bytes: 0,
            has_news: false,
            spare: Vec::new(),
            lines_dropped: 0,
            coverage,
            rounds: VecDeque::new(),
            looks: 0,
        }
    }

    /// Takes over tallies. Must be called before the first report on them is booked.
    pub(crate) fn adopt(&mut self, newcomers: Vec<Newcomer>) {
        self.looks += newcomers.len() * LOOKS_PER_NEWCOMER;
        for Newcomer { tally, origin } in newcomers {
            let resource = tally.resource();
            self.rounds.push_back(resource);
            self.entries.insert(resource, Entry::new(tally, origin));
        }
    }

    /// Books what a worker reported.
    pub(crate) fn book(&mut self, event: Event<L>) {
        match event {
            Event::Began { resource, day, kind } => {
                let entry = self.entry(resource);
                entry.announced += 1;
                entry.change(day, |counters| counters.book_request(kind));
            }
            Event::Ended(delivery) => self.book_end(delivery),
        }
    }

    /// Books what a worker had to put aside.
    pub(crate) fn book_overflow(&mut self, overflow: Overflow<L>) {
        for event in overflow.events {
            self.book(event);
        }
        for ((resource, day), sum) in overflow.sums {
            self.entry(resource).add(day, &sum);
        }
        self.coverage.give_up(overflow.unjudged);
        self.lines_dropped += overflow.lines_dropped;
    }

    /// Commits all changes. After an error everything is as before, and the call can be repeated.
    pub(crate) fn commit(&mut self) -> Result<(), StoreError> {
        if self.changed.is_empty() {
            return Ok(());
        }
        // In the order of the table, so that each page is visited once.
        self.changed.sort_unstable();
        for resource in &self.changed {
            self.entries.get_mut(resource).expect(ADOPTED).read_bases(&mut self.store)?;
        }
        self.store.commit(&batch(&self.entries, &self.changed, doubtful(&self.coverage)))?;
        for resource in self.changed.drain(..) {
            self.entries.get_mut(&resource).expect(ADOPTED).note_commit();
        }
        self.has_news = true;
        Ok(())
    }

    /// Hands on the deliveries whose numbers are committed.
    pub(crate) fn hand_on(&mut self, observer: &mut impl Observer<L>) {
        if !std::mem::take(&mut self.has_news) {
            return;
        }
        std::mem::swap(&mut self.waiting, &mut self.spare);
        self.waiting_bytes = 0;
        for mut delivery in self.spare.drain(..) {
            let entry = self.entries.get(&delivery.request.resource).expect(ADOPTED);
            if delivery.request.number + entry.offset <= entry.committed {
                delivery.request.number += entry.offset;
                observer.committed(entry.tally.path(), &delivery);
            } else {
                self.waiting_bytes += delivery.line.weight();
                self.waiting.push(delivery);
            }
        }
    }

    /// Forgets tallies that are committed and that nobody holds.
    pub(crate) fn forget_idle(&mut self, index: &Index) {
        let looks = std::mem::take(&mut self.looks).min(self.rounds.len());
        let mut idle = Vec::new();
        for resource in self.rounds.drain(..looks).collect::<Vec<_>>() {
            let entry = self.entries.get(&resource).expect(ADOPTED);
            if entry.is_idle() && self.store.is_settled(entry.row) {
                idle.push((Arc::clone(&entry.tally), entry.totals.counters.requests - entry.offset));
            } else {
                self.rounds.push_back(resource);
            }
        }
        if idle.is_empty() {
            return;
        }
        for ((tally, _), forgotten) in idle.iter().zip(index.forget(&idle)) {
            if forgotten {
                self.entries.remove(&tally.resource());
            } else {
                self.rounds.push_back(tally.resource());
            }
        }
    }

    /// Lets the store do some of the work that it put off.
    pub(crate) fn tidy(&mut self) -> Result<Tidiness, StoreError> {
        self.store.tidy()
    }

    /// Has committed figures made to survive a loss of power.
    pub(crate) fn begin_sync(&mut self) -> Result<(), StoreError> {
        self.store.begin_sync()
    }

    /// Makes committed figures survive a loss of power.
    pub(crate) fn sync(&mut self) -> Result<(), StoreError> {
        self.store.sync()
    }

    /// Looks whether what is written would be found again.
    pub(crate) fn look(&mut self) -> Result<(), StoreError> {
        self.store.look()
    }

    /// Moves a damaged store aside and begins a new one with what is in memory. Returns where the old one is.
    pub(crate) fn set_aside(&mut self) -> Result<PathBuf, StoreError> {
        let aside = self.store.set_aside()?;
        self.changed.clear();
        for (resource, entry) in &mut self.entries {
            if entry.totals.counters.requests > 0 {
                entry.carry_over();
                self.changed.push(*resource);
            }
        }
        Ok(aside)
    }

    /// Resources with figures that are not committed.
    pub(crate) fn uncommitted(&self) -> usize {
        self.changed.len()
    }

    /// Requests that are not committed, and requests whose end is not.
    pub(crate) fn unwritten(&self) -> (u64, u64) {
        self.changed.iter().map(|resource| self.entries.get(resource).expect(ADOPTED)).fold(
            (0, 0),
            |(requests, ends), entry| {
                let counters = &entry.totals.counters;
                (
                    requests + (counters.requests - entry.committed),
                    ends + (counters.ended() - entry.committed_ends),
                )
            },
        )
    }

    /// Deliveries whose numbers are not committed.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// The lines lost since the last call.
    pub(crate) fn take_lines_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.lines_dropped)
    }

    /// Gives up lines that still wait, because no further report can come.
    pub(crate) fn drop_waiting(&mut self) {
        self.lines_dropped += self.waiting.drain(..).count() as u64;
        self.waiting_bytes = 0;
    }

    pub(crate) fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    fn book_end(&mut self, delivery: Delivery<L>) {
        let Request { resource, day, kind, announced, .. } = delivery.request;
        let entry = changing(&mut self.entries, &mut self.changed, resource);
        let Verdict { downloads, proven } = self.coverage.judge(entry.tally.path_hash(), &delivery);
        let bytes = delivery.received.bytes();
        entry.change(day, |counters| {
            if announced == Announced::No {
                counters.book_request(kind);
            }
            counters.book_end(kind, delivery.outcome, bytes);
        });
        if announced == Announced::Yes {
            entry.closed += 1;
        }
        for _ in 0..downloads {
            entry.add_download(day, delivery.representation.complete_length);
        }
        for (day, bytes) in proven {
            entry.change(day, |counters| counters.bytes += bytes);
        }
        let weight = delivery.line.weight();
        if self.waiting.len() < LINES_WAITING && self.waiting_bytes + weight <= LINES_WAITING_BYTES {
            self.waiting_bytes += weight;
            self.waiting.push(delivery);
        } else {
            self.lines_dropped += 1;
        }
    }

    /// The entry, which is about to change.
    fn entry(&mut self, resource: ResourceId) -> &mut Entry {
        changing(&mut self.entries, &mut self.changed, resource)
    }
}

/// The entry, which is about to change, among those that do.
fn changing<'a>(
    entries: &'a mut IdMap<ResourceId, Entry>,
    changed: &mut Vec<ResourceId>,
    resource: ResourceId,
) -> &'a mut Entry {
    let entry = entries.get_mut(&resource).expect(ADOPTED);
    if entry.change == Change::None {
        entry.change = Change::Uncommitted;
        changed.push(resource);
    }
    entry
}

const ADOPTED: &str = "an entry is adopted before the first report on it, and forgotten after the last";

impl Entry {
    fn new(tally: Arc<Tally>, origin: Origin) -> Self {
        let (totals, base) = match origin {
            Origin::Known(stored) => (stored.unwrap_or_default(), Base::Included),
            Origin::Unread => (Totals::default(), Base::Unread),
        };
        let row = tally.resource();
        let (committed, committed_ends) = (totals.counters.requests, totals.counters.ended());
        Self {
            tally,
            row,
            totals,
            base,
            offset: 0,
            committed,
            committed_ends,
            announced: 0,
            closed: 0,
            days: Vec::new(),
            change: Change::None,
        }
    }

    fn change(&mut self, day: Day, book: impl Fn(&mut Counters)) {
        book(&mut self.totals.counters);
        book(&mut self.day(day).counters);
    }

    fn add(&mut self, day: Day, sum: &Sum) {
        self.announced += sum.announced;
        self.closed += sum.closed;
        self.totals.add(&sum.totals);
        self.day(day).counters.add(&sum.totals.counters);
    }

    fn add_download(&mut self, day: Day, complete_length: u64) {
        self.totals.book_download(complete_length);
        self.day(day).counters.downloads += 1;
    }

    /// The figures of a day, which are about to change.
    fn day(&mut self, day: Day) -> &mut DayEntry {
        let at = self.days.iter().position(|entry| entry.day == day).unwrap_or_else(|| {
            // What was never committed has no days in the store.
            let base = if self.committed == 0 { self.base } else { Base::Unread };
            // Most resources have one day here, and there are as many of them as files that are remembered.
            self.days.reserve_exact(1);
            self.days.push(DayEntry { day, counters: Counters::default(), base, change: Change::None });
            self.days.len() - 1
        });
        self.days[at].change = Change::Uncommitted;
        &mut self.days[at]
    }

    /// Adds what the store has to figures that lack it.
    fn read_bases(&mut self, store: &mut impl Store) -> Result<(), StoreError> {
        if self.base == Base::Unread {
            if let Some(stored) = store.find(self.tally.path())? {
                self.row = stored.resource;
                self.offset = stored.totals.counters.requests;
                self.totals.add(&stored.totals);
            }
            self.base = Base::Included;
        }
        for day in self.days.iter_mut().filter(|day| day.base == Base::Unread) {
            day.counters.add(&store.day(self.row, day.day)?);
            day.base = Base::Included;
        }
        Ok(())
    }

    fn note_commit(&mut self) {
        self.committed = self.totals.counters.requests;
        self.committed_ends = self.totals.counters.ended();
        self.change = Change::None;
        // The latest day is the one most likely asked for next; one with transfers in flight is, too.
        let latest = self.days.iter().map(|day| day.day).max();
        self.days.retain(|day| Some(day.day) == latest || day.counters.in_flight() > 0);
        for day in &mut self.days {
            day.change = Change::None;
        }
    }

    /// Books what the store had on other days as carried, so that the days still make up the totals.
    fn carry_over(&mut self) {
        let mut known = Counters::default();
        for day in &mut self.days {
            known.add(&day.counters);
            day.base = Base::Included;
            day.change = Change::Uncommitted;
        }
        let carried = self.totals.counters.without(&known);
        (self.committed, self.committed_ends) = (0, 0);
        self.change = Change::Uncommitted;
        if carried != Counters::default() {
            self.day(Day::CARRIED).counters.add(&carried);
        }
    }

    /// Whether all is committed, and no report can come but from a new request.
    fn is_idle(&self) -> bool {
        self.change == Change::None && self.announced == self.closed
    }
}

fn batch<'a>(entries: &'a IdMap<ResourceId, Entry>, changed: &[ResourceId], sessions: Doubtful) -> Batch<'a> {
    let mut batch = Batch { resources: Vec::with_capacity(changed.len()), days: Vec::new(), sessions };
    for resource in changed {
        let entry = entries.get(resource).expect(ADOPTED);
        batch.resources.push(ResourceRow {
            resource: entry.row,
            path: entry.tally.path(),
            totals: entry.totals,
        });
        let days = entry.days.iter().filter(|day| day.change == Change::Uncommitted);
        batch.days.extend(days.map(|day| DayRow {
            resource: entry.row,
            day: day.day,
            counters: day.counters,
        }));
    }
    batch
}

fn doubtful(coverage: &Coverage) -> Doubtful {
    Doubtful { open: coverage.sessions() as u64, evictions: coverage.evictions() }
}

#[cfg(test)]
mod simulation;
