//! Figures of a span of days.
//!
//! A day's rows lie together in the order of the resources, and the paths in an order of their own. To join the two in
//! SQL sorts and looks up each row of each day; here each of the two is read once, from its beginning to its end.

use std::collections::HashSet;

use rusqlite::{Connection, params, params_from_iter};

use super::most::Most;
use super::{FIGURES, Selection, Tallied, filter};
use crate::counters::Counters;
use crate::delivery::Day;
use crate::store::rows::read_counters;

/// What makes one line of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// The sums of all selected days.
    Span,
    /// Each selected day on which the resource was asked for.
    Day,
}

/// A resource on a day, or on the days that were added to it.
struct DayRow {
    resource: i64,
    day: Day,
    counters: Counters,
}

/// Hands each selected resource that was asked for on a selected day to `each`.
pub(super) fn tallies(
    snapshot: &Connection,
    selection: &Selection,
    by: By,
    each: impl FnMut(Tallied),
) -> rusqlite::Result<()> {
    let days = day_rows(snapshot, selection, by)?;
    let (condition, parameters) = filter(&selection.paths);
    let mut paths =
        snapshot.prepare(&format!("SELECT id, path FROM resource WHERE {condition} ORDER BY path"))?;
    let mut rows = paths.query(params_from_iter(parameters))?;
    let mut most = Most::new(selection, each);
    while let Some(row) = rows.next()? {
        let resource = row.get(0)?;
        for DayRow { day, counters, .. } in of_resource(&days, resource) {
            let day = (by == By::Day).then_some(*day);
            let line = || row.get(1).map(|path| Tallied { path, day, counters: *counters });
            most.add(counters, line)?;
        }
    }
    most.finish();
    Ok(())
}

/// The rows of one resource among `rows`, which are in the order of the resources.
///
/// Ids are given one after the other, so that a row is mostly where it is if none is missing: a look there instead of the
/// twenty of a search, each of which is far from the last one.
fn of_resource(rows: &[DayRow], resource: i64) -> impl Iterator<Item = &DayRow> {
    let guess = match rows {
        [first, .., last] => {
            let (offset, width) = (resource - first.resource, last.resource - first.resource);
            usize::try_from(i128::from(offset) * (rows.len() as i128 - 1) / i128::from(width.max(1))).ok()
        }
        [] | [_] => None,
    };
    let begins = |at: &usize| {
        rows.get(*at).is_some_and(|row| row.resource == resource)
            && (*at == 0 || rows[*at - 1].resource != resource)
    };
    let first = guess.filter(begins).unwrap_or_else(|| rows.partition_point(|row| row.resource < resource));
    rows[first..].iter().take_while(move |row| row.resource == resource)
}

/// The rows of the selected days, in the order of the resources, and with [`By::Day`] of the days of each.
fn day_rows(snapshot: &Connection, selection: &Selection, by: By) -> rusqlite::Result<Vec<DayRow>> {
    let span = [selection.since.map_or(0, |day| day.0), selection.until.map_or(u32::MAX, |day| day.0)];
    let mut found: Vec<DayRow> = Vec::new();
    let mut replaced = HashSet::new();
    let mut sorted = 0;
    // What is newer stands for the row in the table.
    for (table, is_newer) in [("newer_day", true), ("main.day", false)] {
        let figures = FIGURES.join(", ");
        let days = format!(
            "SELECT {figures}, resource, day FROM {table} WHERE day BETWEEN ? AND ? ORDER BY day, resource"
        );
        let mut days = snapshot.prepare(&days)?;
        let mut rows = days.query(params![span[0], span[1]])?;
        while let Some(row) = rows.next()? {
            let (resource, day) = (row.get(9)?, Day(row.get(10)?));
            if is_newer {
                replaced.insert((resource, day.0));
            } else if replaced.contains(&(resource, day.0)) {
                continue;
            }
            found.push(DayRow { resource, day, counters: read_counters(row)? });
            // Twice as many as after the last time: what is held is bounded by the number of resources.
            if by == By::Span && found.len() > 2 * sorted + ADDED_UP_FROM {
                put_in_order(&mut found, by);
                sorted = found.len();
            }
        }
    }
    put_in_order(&mut found, by);
    Ok(found)
}

/// Fewer rows than this take no memory worth adding them up for.
const ADDED_UP_FROM: usize = 65_536;

/// Sorts the rows, and with [`By::Span`] adds up those of one resource. A day's rows come sorted, so that the stable sort,
/// which finds such runs, merges rather than sorts.
fn put_in_order(rows: &mut Vec<DayRow>, by: By) {
    match by {
        By::Day => rows.sort_by_key(|row| (row.resource, row.day)),
        By::Span => {
            rows.sort_by_key(|row| row.resource);
            rows.dedup_by(|row, first| {
                let is_same = row.resource == first.resource;
                if is_same {
                    first.counters.add(&row.counters);
                }
                is_same
            });
        }
    }
}
