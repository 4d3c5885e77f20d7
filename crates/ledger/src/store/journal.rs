//! Figures that are committed, but not in the tables yet.
//!
//! To write some hundred rows all over the tables every few milliseconds costs more than to serve the files:
//! each row drags a page of its own through the log. So a batch of many rows is committed as one blob in the
//! table `recent`, and its rows are *folded* into the tables later, a slice with each commit: then a file that
//! is asked for a hundred times a second is written once. A batch of few rows goes into the tables at once, until so
//! many come without a quiet moment that a blob is cheaper for them too.
//!
//! Blobs are folded in generations. When all rows of one generation are in the tables, its blobs are deleted.
//! Values are absolute, so an owner that finds blobs writes them all again in their order and has it right.

use std::cmp::Reverse;
use std::collections::HashSet;

use super::{Batch, DayRow, ResourceRow};
use crate::counters::{Counters, Totals};
use crate::delivery::{Day, ResourceId};
use crate::id_map::IdMap;

/// Up to so many rows are written into the tables at once: fewer pages than a blob would take in the end.
const FEW: usize = 16;

/// After so many batches of few rows without a quiet moment (some 300 ms of load) the next ones become blobs: under load
/// the same few files are asked for again and again, and to write their rows once a second is enough.
const DIRECT_IN_A_ROW: u32 = 64;

/// A generation is folded after so many commits (about twelve seconds under load), or when it has so many rows. A file
/// that is asked for again and again is written into the tables once for all of them; their blobs take some 40 MB.
const COMMITS_PER_GENERATION: u32 = 2400;
const ROWS_PER_GENERATION: usize = 32_768;

/// How many rows are folded with a commit, at least: a millisecond's work.
const SLICE: usize = 256;

/// What the blobs hold, in memory.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    /// Committed since the generation that is being folded was closed.
    recent: Generation,
    commits: u32,
    /// Batches that went into the tables at once since the last quiet moment.
    direct: u32,
    folding: Folding,
    /// The last blob of the generation that is being folded.
    folding_until: i64,
    last_blob: i64,
}

#[derive(Debug, Default)]
struct Generation {
    resources: IdMap<ResourceId, (Box<str>, Totals)>,
    days: IdMap<(Day, ResourceId), Counters>,
}

/// A generation on its way into the tables.
#[derive(Debug, Default)]
struct Folding {
    /// From the last path to the first, as rows are taken from the end: in the order of the index of paths,
    /// each page of it is visited once for a generation.
    resources: Vec<(Box<str>, ResourceId, Totals)>,
    /// From the last to the first, for the same reason.
    days: Vec<(Day, ResourceId, Counters)>,
    /// All resources of the generation, until the last is folded.
    ids: HashSet<ResourceId>,
}

/// What one commit does besides the batch itself.
pub(crate) struct Step {
    /// The number of the blob to write; `None`: write the rows into the tables.
    pub(crate) blob: Option<i64>,
    /// How many rows of each table to fold.
    pub(crate) slice: usize,
}

impl Journal {
    /// How to commit `batch`.
    pub(crate) fn plan(&self, batch: &Batch<'_>) -> Step {
        let few = batch.resources.len() <= FEW && self.direct < DIRECT_IN_A_ROW;
        let direct = few && self.is_empty();
        let rows = self.folding.len();
        // The more has come in the more is folded, so that what is held in memory stays bounded.
        let slice = SLICE.max(self.recent.len() / 8).min(rows);
        Step { blob: (!direct).then_some(self.last_blob + 1), slice }
    }

    /// The first `slice` rows of each table of the generation to fold.
    pub(crate) fn slice(&self, slice: usize) -> Batch<'_> {
        let resources = self.folding.resources.iter().rev().take(slice);
        let days = self.folding.days.iter().rev().take(slice);
        Batch {
            resources: resources
                .map(|(path, resource, totals)| ResourceRow { resource: *resource, path, totals: *totals })
                .collect(),
            days: days
                .map(|(day, resource, counters)| DayRow {
                    resource: *resource,
                    day: *day,
                    counters: *counters,
                })
                .collect(),
            ..Batch::default()
        }
    }

    /// The blobs that are not needed once a `slice` is folded: up to and including this one.
    pub(crate) fn spent(&self, slice: usize) -> Option<i64> {
        (slice > 0 && slice >= self.folding.len()).then_some(self.folding_until)
    }

    /// The step was committed.
    pub(crate) fn done(&mut self, step: &Step, batch: &Batch<'_>) {
        self.folding.forget(step.slice);
        if let Some(blob) = step.blob {
            self.last_blob = blob;
            self.commits += 1;
            for ResourceRow { resource, path, totals } in &batch.resources {
                match self.recent.resources.get_mut(resource) {
                    Some((_, held)) => *held = *totals,
                    None => {
                        self.recent.resources.insert(*resource, ((*path).into(), *totals));
                    }
                }
            }
            for DayRow { resource, day, counters } in &batch.days {
                self.recent.days.insert((*day, *resource), *counters);
            }
        } else {
            self.direct = self.direct.saturating_add(1);
        }
        if self.commits >= COMMITS_PER_GENERATION || self.recent.len() >= ROWS_PER_GENERATION {
            self.close_generation();
        }
    }

    /// Begins to fold what is recent, if nothing is being folded.
    pub(crate) fn close_generation(&mut self) {
        if self.folding.is_empty() {
            self.folding = std::mem::take(&mut self.recent).into();
            self.folding_until = self.last_blob;
            self.commits = 0;
        }
    }

    /// Begins to fold what is recent, if nothing is being folded and a slice is enough for all of it.
    pub(crate) fn close_small_generation(&mut self) {
        if self.recent.len() <= SLICE {
            self.close_generation();
        }
    }

    /// Nothing was committed for a while.
    pub(crate) fn rest(&mut self) {
        self.direct = 0;
    }

    /// Whether the tables have everything.
    pub(crate) fn is_empty(&self) -> bool {
        self.recent.is_empty() && self.folding.is_empty()
    }

    /// Whether the tables have everything about a resource.
    pub(crate) fn has(&self, resource: ResourceId) -> bool {
        self.recent.resources.contains_key(&resource) || self.folding.ids.contains(&resource)
    }

    /// The figures of a day, if they are here.
    pub(crate) fn day(&self, resource: ResourceId, day: Day) -> Option<Counters> {
        let key = (day, resource);
        self.recent.days.get(&key).copied().or_else(|| self.folding.day(resource, day))
    }
}

impl Generation {
    fn len(&self) -> usize {
        self.resources.len().max(self.days.len())
    }

    fn is_empty(&self) -> bool {
        self.resources.is_empty() && self.days.is_empty()
    }
}

impl Folding {
    fn len(&self) -> usize {
        self.resources.len().max(self.days.len())
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn day(&self, resource: ResourceId, day: Day) -> Option<Counters> {
        let at = self
            .days
            .binary_search_by_key(&Reverse((day, resource)), |(day, resource, _)| Reverse((*day, *resource)));
        at.ok().map(|at| self.days[at].2)
    }

    /// The first `slice` rows of each table are folded.
    fn forget(&mut self, slice: usize) {
        self.resources.truncate(self.resources.len().saturating_sub(slice));
        self.days.truncate(self.days.len().saturating_sub(slice));
        if self.is_empty() {
            self.ids.clear();
        }
    }
}

impl From<Generation> for Folding {
    fn from(Generation { resources, days }: Generation) -> Self {
        let ids = resources.keys().copied().collect();
        let mut resources: Vec<_> =
            resources.into_iter().map(|(resource, (path, totals))| (path, resource, totals)).collect();
        resources.sort_unstable_by(|one, other| other.0.cmp(&one.0));
        let mut days: Vec<_> =
            days.into_iter().map(|((day, resource), counters)| (day, resource, counters)).collect();
        days.sort_unstable_by_key(|(day, resource, _)| Reverse((*day, *resource)));
        Self { resources, days, ids }
    }
}

/// A batch as a blob: numbers in base 128, the low digits first, each digit but the last with its high bit set.
pub(crate) fn encode(batch: &Batch<'_>) -> Vec<u8> {
    let mut blob = Vec::with_capacity(batch.resources.len() * 48 + batch.days.len() * 16);
    push(&mut blob, batch.resources.len() as u64);
    for ResourceRow { resource, path, totals } in &batch.resources {
        push(&mut blob, resource.0);
        push(&mut blob, path.len() as u64);
        blob.extend_from_slice(path.as_bytes());
        totals.counters.figures().iter().for_each(|figure| push(&mut blob, *figure));
        // Shifted by one, so that zero can stand for none.
        push(&mut blob, totals.least_length.map_or(0, |length| length.saturating_add(1)));
    }
    push(&mut blob, batch.days.len() as u64);
    for DayRow { resource, day, counters } in &batch.days {
        push(&mut blob, resource.0);
        push(&mut blob, u64::from(day.0));
        counters.figures().iter().for_each(|figure| push(&mut blob, *figure));
    }
    blob
}

/// The batch in a blob; `None` if it is damaged.
pub(crate) fn decode(blob: &[u8]) -> Option<Batch<'_>> {
    let mut rest = blob;
    let mut batch = Batch::default();
    for _ in 0..take(&mut rest)? {
        let resource = ResourceId(take(&mut rest)?);
        let length = usize::try_from(take(&mut rest)?).ok()?;
        let (path, after) = rest.split_at_checked(length)?;
        rest = after;
        let counters = take_counters(&mut rest)?;
        let totals = Totals { counters, least_length: take(&mut rest)?.checked_sub(1) };
        batch.resources.push(ResourceRow { resource, path: str::from_utf8(path).ok()?, totals });
    }
    for _ in 0..take(&mut rest)? {
        let resource = ResourceId(take(&mut rest)?);
        let day = Day(u32::try_from(take(&mut rest)?).ok()?);
        batch.days.push(DayRow { resource, day, counters: take_counters(&mut rest)? });
    }
    rest.is_empty().then_some(batch)
}

fn push(blob: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        blob.push(number as u8 | 0x80);
        number >>= 7;
    }
    blob.push(number as u8);
}

fn take(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (digit, after) = rest.split_first()?;
        *rest = after;
        number |= u64::from(digit & 0x7F) << shift;
        if digit & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn take_counters(rest: &mut &[u8]) -> Option<Counters> {
    let mut figures = [0; 9];
    for figure in &mut figures {
        *figure = take(rest)?;
    }
    Some(Counters::from_figures(figures))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Row = (u64, String, [u64; 9], Option<u64>);

    fn batch(rows: &[Row]) -> Batch<'_> {
        let mut batch = Batch::default();
        for (id, path, figures, least_length) in rows {
            let counters = Counters::from_figures(*figures);
            let resource = ResourceId(*id);
            let least_length = least_length.map(|length| length / 2);
            batch.resources.push(ResourceRow { resource, path, totals: Totals { counters, least_length } });
            batch.days.push(DayRow { resource, day: Day(*id as u32), counters });
        }
        batch
    }

    proptest! {
        #[test]
        fn a_blob_gives_back_its_batch_and_a_cut_one_nothing(
            rows in proptest::collection::vec(any::<Row>(), 0..5),
            cut in any::<prop::sample::Index>(),
        ) {
            let batch = batch(&rows);
            let blob = encode(&batch);
            prop_assert_eq!(decode(&blob), Some(batch));
            prop_assert_eq!(decode(&blob[..cut.index(blob.len())]), None);
        }
    }

    #[test]
    fn a_generation_is_folded_in_slices_and_its_blobs_are_spent_at_the_end() {
        let rows: Vec<Row> = (1..=600).map(|id| (id, format!("/{id}"), [id; 9], None)).collect();
        let (batch, none) = (batch(&rows), Batch::default());
        let mut journal = Journal::default();
        let step = journal.plan(&batch);
        assert_eq!((step.blob, step.slice), (Some(1), 0));
        journal.done(&step, &batch);
        journal.close_generation();

        let mut folded = 0;
        let mut spent = Vec::new();
        while !journal.is_empty() {
            assert!(journal.has(ResourceId(600)));
            let step = journal.plan(&none);
            folded += journal.slice(step.slice).resources.len();
            spent.extend(journal.spent(step.slice));
            journal.done(&Step { blob: None, ..step }, &none);
        }
        assert_eq!((folded, spent), (600, vec![1]));
        assert!(!journal.has(ResourceId(600)));
    }

    #[test]
    fn under_load_few_rows_become_blobs_and_a_small_generation_is_folded_with_the_next() {
        let rows: [Row; 1] = [(1, "/1".to_owned(), [1; 9], None)];
        let batch = batch(&rows);
        let mut journal = Journal::default();
        let commit = |journal: &mut Journal| {
            let step = journal.plan(&batch);
            let spent = journal.spent(step.slice);
            journal.done(&step, &batch);
            (step.blob, spent)
        };
        for _ in 0..DIRECT_IN_A_ROW {
            assert_eq!(commit(&mut journal), (None, None));
        }
        assert_eq!(commit(&mut journal), (Some(1), None));
        assert_eq!(commit(&mut journal), (Some(2), None));
        journal.close_small_generation();
        assert_eq!(commit(&mut journal), (Some(3), Some(2)));
        journal.rest();
        assert_eq!(commit(&mut journal), (Some(4), None), "blobs are not overtaken by rows");
        journal.close_small_generation();
        assert_eq!(commit(&mut journal), (Some(5), Some(4)));
    }

    #[test]
    fn a_large_generation_is_not_folded_each_second() {
        let rows: Vec<Row> = (1..=SLICE as u64 + 1).map(|id| (id, format!("/{id}"), [1; 9], None)).collect();
        let batch = batch(&rows);
        let mut journal = Journal::default();
        let step = journal.plan(&batch);
        journal.done(&step, &batch);
        journal.close_small_generation();
        assert_eq!(journal.plan(&batch).slice, 0);
    }

    #[test]
    fn the_newest_figures_of_a_day_are_found() {
        let mut journal = Journal::default();
        for figure in [1, 2] {
            let rows: Vec<Row> = (1..=20).map(|id| (id, format!("/{id}"), [figure; 9], None)).collect();
            let batch = batch(&rows);
            let step = journal.plan(&batch);
            journal.done(&step, &batch);
            journal.close_generation();
            assert_eq!(journal.day(ResourceId(7), Day(7)), Some(Counters::from_figures([figure; 9])));
        }
        assert_eq!(journal.day(ResourceId(7), Day(8)), None);
    }
}
