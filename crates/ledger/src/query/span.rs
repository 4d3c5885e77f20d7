//! Sums over a span of days.
//!
//! A day's rows lie together in the order of the resources, and the paths in an order of their own. To join the two in
//! SQL sorts and looks up each row of each day; here each of the two is read once, from its beginning to its end.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use rusqlite::{Connection, params, params_from_iter};

use super::{FIGURES, Order, Selection, Tallied, filter};
use crate::counters::Counters;
use crate::store::sqlite::read_counters;

/// Hands each selected resource that was asked for on a selected day to `each`, with the sums of these days.
pub(super) fn tallies(
    snapshot: &Connection,
    selection: &Selection,
    mut each: impl FnMut(Tallied),
) -> rusqlite::Result<()> {
    let mut sums = sums(snapshot, selection)?;
    let (condition, parameters) = filter(&selection.paths);
    let mut paths =
        snapshot.prepare(&format!("SELECT id, path FROM resource WHERE {condition} ORDER BY path"))?;
    let mut rows = paths.query(params_from_iter(parameters))?;
    let mut most = Most::new(selection);
    while let Some(row) = rows.next()? {
        if let Some(counters) = sums.remove(&row.get::<_, i64>(0)?) {
            most.add(row.get(1)?, counters);
        }
    }
    most.in_order().for_each(|(path, counters)| each(Tallied { path, day: None, counters }));
    Ok(())
}

/// The sums of the selected days, by the id of the resource.
fn sums(snapshot: &Connection, selection: &Selection) -> rusqlite::Result<HashMap<i64, Counters>> {
    let span = [selection.since.map_or(0, |day| day.0), selection.until.map_or(u32::MAX, |day| day.0)];
    let mut sums: HashMap<i64, Counters> = HashMap::new();
    let mut replaced = HashSet::new();
    // What is newer stands for the row in the table.
    for table in ["newer_day", "main.day"] {
        let figures = FIGURES.join(", ");
        let days = format!("SELECT {figures}, resource, day FROM {table} WHERE day BETWEEN ? AND ?");
        let mut days = snapshot.prepare(&days)?;
        let mut rows = days.query(params![span[0], span[1]])?;
        while let Some(row) = rows.next()? {
            let key: (i64, u32) = (row.get(9)?, row.get(10)?);
            let counts = match table {
                "newer_day" => replaced.insert(key),
                _ => !replaced.contains(&key),
            };
            if counts {
                sums.entry(key.0).or_default().add(&read_counters(row)?);
            }
        }
    }
    Ok(sums)
}

/// The first of what is added in the order of the paths, as the selection wants it ordered.
struct Most {
    order: Order,
    top: usize,
    /// The least wanted first. The place in the order of the paths decides between equals.
    heap: BinaryHeap<Reverse<(u64, Reverse<usize>)>>,
    /// By that place.
    held: HashMap<usize, (String, Counters)>,
    added: usize,
}

impl Most {
    fn new(selection: &Selection) -> Self {
        let top = selection.top.map_or(usize::MAX, |top| top as usize);
        Self { order: selection.order, top, heap: BinaryHeap::new(), held: HashMap::new(), added: 0 }
    }

    fn add(&mut self, path: String, counters: Counters) {
        let figure = match self.order {
            // All are equals.
            Order::Path => 0,
            Order::Downloads => counters.downloads,
            Order::Requests => counters.requests,
            Order::Bytes => counters.bytes,
        };
        let place = self.added;
        self.added += 1;
        let rank = Reverse((figure, Reverse(place)));
        if self.held.len() >= self.top {
            match self.heap.peek() {
                Some(least) if rank < *least => {}
                Some(_) | None => return,
            }
            if let Some(Reverse((_, Reverse(least)))) = self.heap.pop() {
                self.held.remove(&least);
            }
        }
        self.heap.push(rank);
        self.held.insert(place, (path, counters));
    }

    fn in_order(mut self) -> impl Iterator<Item = (String, Counters)> {
        let ranks = self.heap.into_sorted_vec();
        ranks.into_iter().filter_map(move |Reverse((_, Reverse(place)))| self.held.remove(&place))
    }
}
