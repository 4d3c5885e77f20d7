//! Figures of a span of days.
//!
//! A day's rows lie together in the order of the resources, and the paths in an order of their own. To join the two in
//! SQL sorts and looks up each row of each day; here each of the two is read once, from its beginning to its end. The days
//! of a resource make its totals (`Law::DaysMakeTotals`), so that of a long span what is *not* in it is read instead. Of a
//! few files each row is looked up.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use rusqlite::{Connection, Row, params, params_from_iter};

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct DayRow {
    resource: i64,
    day: Day,
    counters: Counters,
}

/// Days, the first and the last included; empty if the last is before the first.
type Days = RangeInclusive<i64>;

/// Hands each selected resource that was asked for on a selected day to `each`.
pub(super) fn tallies(
    snapshot: &Connection,
    selection: &Selection,
    by: By,
    each: impl FnMut(Tallied),
) -> rusqlite::Result<()> {
    let span =
        selection.since.map_or(0, |day| day.0.into())..=selection.until.map_or(LAST, |day| day.0.into());
    let rows = match (few(snapshot, selection, &span)?, by) {
        (Some(few), _) => rows_of(snapshot, &few, &span, by)?,
        (None, By::Day) => day_rows(snapshot, &span, by)?,
        (None, By::Span) => sums(snapshot, &span)?,
    };
    let (condition, parameters) = filter(&selection.paths);
    let mut paths =
        snapshot.prepare(&format!("SELECT id, path FROM resource WHERE {condition} ORDER BY path"))?;
    let mut found = paths.query(params_from_iter(parameters))?;
    let mut most = Most::new(selection, each);
    while let Some(row) = found.next()? {
        let resource = row.get(0)?;
        for DayRow { day, counters, .. } in of_resource(&rows, resource) {
            let day = (by == By::Day).then_some(*day);
            let line = || row.get(1).map(|path| Tallied { path, day, counters: *counters });
            most.add(counters, line)?;
        }
    }
    most.finish();
    Ok(())
}

/// No day is later.
const LAST: i64 = u32::MAX as i64;

/// Rows that are looked up one by one take no longer than a tenth of a second if they are no more than this.
const FEW_ROWS: usize = 50_000;

/// The selected resources and the days that they can have rows on, if those are few.
fn few(snapshot: &Connection, selection: &Selection, span: &Days) -> rusqlite::Result<Option<Few>> {
    if selection.paths.is_empty() {
        return Ok(None);
    }
    let days = distinct_days(snapshot, span)?;
    let most = FEW_ROWS / days.len().max(1);
    let (condition, parameters) = filter(&selection.paths);
    let sql = format!("SELECT id FROM resource WHERE {condition} LIMIT {}", most + 1);
    let mut statement = snapshot.prepare(&sql)?;
    let ids = statement.query_map(params_from_iter(parameters), |row| row.get(0))?;
    let mut resources = ids.collect::<rusqlite::Result<Vec<i64>>>()?;
    resources.sort_unstable();
    Ok((resources.len() <= most).then_some(Few { resources, days }))
}

/// Resources in their order, and days.
struct Few {
    resources: Vec<i64>,
    days: Vec<i64>,
}

/// The days of the span that the table has rows of. Each is one look: the day comes first in the key.
fn distinct_days(snapshot: &Connection, span: &Days) -> rusqlite::Result<Vec<i64>> {
    let mut next = snapshot.prepare("SELECT min(day) FROM main.day WHERE day BETWEEN ? AND ?")?;
    let mut days = Vec::new();
    let mut from = *span.start();
    while let Some(day) = next.query_row([from, *span.end()], |row| row.get::<_, Option<i64>>(0))? {
        days.push(day);
        from = day + 1;
    }
    Ok(days)
}

/// The rows of these resources.
fn rows_of(snapshot: &Connection, few: &Few, span: &Days, by: By) -> rusqlite::Result<Vec<DayRow>> {
    let mut newer = newer_days(snapshot, span)?;
    newer.retain(|(resource, _), _| few.resources.binary_search(resource).is_ok());
    let mut found: Vec<_> = newer.values().copied().collect();
    let figures = FIGURES.join(", ");
    let mut statement = snapshot
        .prepare(&format!("SELECT {figures}, resource, day FROM main.day WHERE day = ? AND resource = ?"))?;
    for day in &few.days {
        for resource in few.resources.iter().filter(|resource| !newer.contains_key(&(**resource, *day))) {
            let mut rows = statement.query(params![day, resource])?;
            if let Some(row) = rows.next()? {
                found.push(DayRow::read(row)?);
            }
        }
    }
    put_in_order(&mut found, by);
    Ok(found)
}

/// The sums of each resource over the span: of what is in it, or of all without what is not, whichever are fewer rows.
fn sums(snapshot: &Connection, span: &Days) -> rusqlite::Result<Vec<DayRow>> {
    let count = |sql: &str, parameters: &[&i64]| {
        snapshot.query_row(sql, params_from_iter(parameters), |row| row.get::<_, i64>(0))
    };
    let inside =
        count("SELECT count(*) FROM main.day WHERE day BETWEEN ? AND ?", &[span.start(), span.end()])?;
    let outside = count("SELECT count(*) FROM main.day", &[])? - inside;
    if inside <= outside + count("SELECT count(*) FROM main.resource", &[])? {
        return day_rows(snapshot, span, By::Span);
    }
    let mut left = totals(snapshot)?;
    for others in [0..=span.start() - 1, span.end() + 1..=LAST] {
        let others = day_rows(snapshot, &others, By::Span)?;
        let mut others = others.iter().peekable();
        for row in &mut left {
            while let Some(other) = others.next_if(|other| other.resource <= row.resource) {
                if other.resource == row.resource {
                    row.counters = row.counters.without(&other.counters);
                }
            }
        }
    }
    // Whatever has a row was asked for.
    left.retain(|row| row.counters.requests > 0);
    Ok(left)
}

/// The sums of each resource over all days.
fn totals(snapshot: &Connection) -> rusqlite::Result<Vec<DayRow>> {
    let figures = FIGURES.join(", ");
    let sql = format!("SELECT {figures}, id, 0 FROM resource");
    let mut found =
        snapshot.prepare(&sql)?.query_map([], DayRow::read)?.collect::<rusqlite::Result<Vec<_>>>()?;
    found.sort_by_key(|row| row.resource);
    Ok(found)
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

/// The rows of these days, in the order of the resources, and with [`By::Day`] of the days of each.
fn day_rows(snapshot: &Connection, span: &Days, by: By) -> rusqlite::Result<Vec<DayRow>> {
    let newer = newer_days(snapshot, span)?;
    let mut found: Vec<_> = newer.values().copied().collect();
    let mut sorted = 0;
    let figures = FIGURES.join(", ");
    let mut statement = snapshot.prepare(&format!(
        "SELECT {figures}, resource, day FROM main.day WHERE day BETWEEN ? AND ? ORDER BY day, resource"
    ))?;
    let mut rows = statement.query([span.start(), span.end()])?;
    while let Some(row) = rows.next()? {
        let row = DayRow::read(row)?;
        // What is newer stands for the row in the table.
        if !newer.is_empty() && newer.contains_key(&(row.resource, row.day.0.into())) {
            continue;
        }
        found.push(row);
        // Twice as many as after the last time: what is held is bounded by the number of resources.
        if by == By::Span && found.len() > 2 * sorted + ADDED_UP_FROM {
            put_in_order(&mut found, by);
            sorted = found.len();
        }
    }
    put_in_order(&mut found, by);
    Ok(found)
}

/// The rows of these days that are not in the table yet, by resource and day.
fn newer_days(snapshot: &Connection, span: &Days) -> rusqlite::Result<HashMap<(i64, i64), DayRow>> {
    let figures = FIGURES.join(", ");
    let sql = format!("SELECT {figures}, resource, day FROM newer_day WHERE day BETWEEN ? AND ?");
    let mut statement = snapshot.prepare(&sql)?;
    let rows = statement.query_map([span.start(), span.end()], DayRow::read)?;
    rows.map(|row| row.map(|row| ((row.resource, row.day.0.into()), row))).collect()
}

impl DayRow {
    /// Reads the figures, the resource and the day.
    fn read(row: &Row<'_>) -> rusqlite::Result<DayRow> {
        Ok(DayRow { resource: row.get(9)?, day: Day(row.get(10)?), counters: read_counters(row)? })
    }
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

#[cfg(test)]
mod tests {
    use super::super::{OVERLAY, Order};
    use super::*;
    use crate::store::schema::{STEPS, migrate};

    /// A ledger of `files` files on the days 0 to 5, each on the days that `on` says; what `newer` says is not in the tables
    /// yet. All figures of a row are the same.
    fn ledger(files: i64, on: fn(i64, i64) -> bool, newer: fn(i64, i64) -> bool) -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, 0, STEPS).unwrap();
        connection.execute_batch(OVERLAY).unwrap();
        // A file's days are written before the file itself, whose totals they make.
        connection.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
        for file in 1..=files {
            // The order of the paths is not that of the ids.
            let path = format!("/{}/{}", file % 3, files - file);
            let row = |table: &str, day: Option<i64>, figure: i64| {
                let key = day.map_or(format!("{file}, '{path}'"), |day| format!("{day}, {file}"));
                let last = if day.is_none() { ", NULL" } else { "" };
                let figures = vec![figure.to_string(); 9].join(", ");
                connection
                    .execute(&format!("INSERT INTO {table} VALUES ({key}, {figures}{last})"), [])
                    .unwrap();
            };
            let (mut all, mut is_newer) = (0, false);
            for day in (0..=5).filter(|day| on(file, *day)) {
                let figure = 1 + (file * 7 + day * 3) % 11;
                if newer(file, day) {
                    row("newer_day", Some(day), figure);
                    is_newer = true;
                }
                // What is newer is of a row that is there, or of none.
                if !newer(file, day) || file % 2 == 0 {
                    row("main.day", Some(day), if newer(file, day) { 1 } else { figure });
                }
                all += figure;
            }
            match (all, is_newer) {
                (0, _) => {}
                (all, false) => row("main.resource", None, all),
                (all, true) => row("newer_resource", None, all),
            }
        }
        connection
    }

    /// The same by SQL, from the rows of all days.
    fn naive(snapshot: &Connection, selection: &Selection, by: By) -> Vec<(String, Option<Day>, u64)> {
        let days = super::super::days(selection);
        let (condition, parameters) = filter(&selection.paths);
        let (day, group) = match by {
            By::Span => ("NULL", "path"),
            By::Day => ("day", "path, day"),
        };
        let sql = format!(
            "SELECT path, {day}, sum(d.bytes) FROM day AS d JOIN resource AS r ON r.id = d.resource \
             WHERE {days} AND ({condition}) GROUP BY {group} ORDER BY path, {day}"
        );
        let mut statement = snapshot.prepare(&sql).unwrap();
        let rows = statement.query_map(params_from_iter(parameters), |row| {
            Ok((row.get(0)?, row.get::<_, Option<u32>>(1)?.map(Day), row.get::<_, i64>(2)?.cast_unsigned()))
        });
        rows.unwrap().collect::<Result<_, _>>().unwrap()
    }

    #[test]
    fn whatever_is_read_the_answer_is_that_of_all_rows() {
        let never = |_, _| false;
        let ledgers = [
            ledger(40, |_, _| true, never),
            ledger(40, |file, day| (file + day) % 3 > 0, never),
            ledger(40, |file, day| file % 5 == day, |file, _| file % 4 < 2),
            ledger(40, |file, day| file > 8 * day, |_, day| day > 3),
            ledger(0, never, never),
        ];
        let paths = [&[][..], &["/0/"], &["/1/3", "/none", "/2/"]];
        let days = || [None].into_iter().chain((0..=6).map(|day| Some(Day(day))));
        for (snapshot, paths) in ledgers.iter().flat_map(|ledger| paths.iter().map(move |it| (ledger, it))) {
            for (since, until) in days().flat_map(|since| days().map(move |until| (since, until))) {
                let paths = paths.iter().map(|path| (*path).to_owned()).collect();
                let selection = Selection { paths, since, until, order: Order::Path, top: None };
                for by in [By::Span, By::Day] {
                    let mut seen = Vec::new();
                    tallies(snapshot, &selection, by, |line| {
                        assert_eq!(line.counters.figures(), [line.counters.bytes; 9]);
                        seen.push((line.path, line.day, line.counters.bytes));
                    })
                    .unwrap();
                    assert_eq!(seen, naive(snapshot, &selection, by), "{selection:?} {by:?}");
                }
            }
        }
    }
}
