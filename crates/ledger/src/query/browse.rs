//! Reads a ledger a page at a time, for those who look through it: any order, a filter, one file, sums by day.
//!
//! Everything here is bounded by what is asked for, but for the sorting itself, which looks at every file.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{FIGURES, Query, QueryError};
use crate::counters::Counters;
use crate::delivery::{Day, ResourceId};
use crate::store::rows::read_counters;

/// What files are ordered by; equals are in the order of their paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Column {
    /// The path, byte by byte.
    Path,
    /// The last day on which it was asked for.
    Last,
    /// [`Counters::requests`]
    Requests,
    /// [`Counters::head`]
    Head,
    /// [`Counters::full`]
    Full,
    /// [`Counters::partial`]
    Partial,
    /// [`Counters::not_modified`]
    NotModified,
    /// [`Counters::completed`]
    Completed,
    /// [`Counters::aborted`]
    Aborted,
    /// [`Counters::in_flight`]
    InFlight,
    /// [`Counters::downloads`]
    Downloads,
    /// [`Counters::bytes`]
    Bytes,
}

/// Which end of an order comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The least.
    Ascending,
    /// The greatest.
    Descending,
}

/// Which files to read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Wanted {
    /// What they are ordered by.
    pub column: Column,
    /// From which end.
    pub direction: Direction,
    /// Only those whose printed path contains this; ASCII letters match in any case.
    pub containing: Option<String>,
    /// Only what happened on this day or later.
    pub since: Option<Day>,
    /// Only what happened on this day or earlier.
    pub until: Option<Day>,
    /// Files to pass over.
    pub offset: u32,
    /// No more than so many.
    pub limit: u32,
    /// Of each, the requests on each of so many days up to this one.
    pub days: Option<(Day, u32)>,
}

/// A page of files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// How many files pass the filter.
    pub matching: u64,
    /// The files.
    pub files: Vec<Browsed>,
}

/// A file on a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Browsed {
    /// Its path in printed form.
    pub path: String,
    /// Its figures.
    pub counters: Counters,
    /// The last day on which it was asked for; `None` if only a ledger that was set aside knew it.
    pub last: Option<Day>,
    /// Requests by day, the oldest first, if they were asked for.
    pub days: Vec<u64>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Single {
    /// Its figures.
    pub counters: Counters,
    /// The smallest complete length of a representation that was downloaded.
    pub least_length: Option<u64>,
    /// The last day on which it was asked for.
    pub last: Option<Day>,
    /// The days on which it was asked for, of those that were wanted, the oldest first.
    pub days: Vec<(Day, Counters)>,
}

impl Query {
    /// A page of files.
    pub fn browse(&self, wanted: &Wanted) -> Result<Page, QueryError> {
        let snapshot = self.snapshot()?;
        let days = known_days(&snapshot)?;
        let containing = wanted.containing.as_deref().unwrap_or("");
        let rows = rows(wanted);
        let filter = "instr(lower(path), lower(?1)) > 0 OR ?1 = ''";
        let matching: i64 = snapshot.query_row(
            &format!("WITH t AS ({rows}) SELECT count(*) FROM t WHERE {filter}"),
            [containing],
            |row| row.get(0),
        )?;
        let sql = format!(
            "WITH t AS ({rows}) SELECT {}, path, id FROM t WHERE {filter} ORDER BY {} LIMIT ?2 OFFSET ?3",
            FIGURES.join(", "),
            order(wanted.column, wanted.direction),
        );
        let mut statement = snapshot.prepare(&sql)?;
        let mut found = statement.query(params![containing, wanted.limit, wanted.offset])?;
        let mut files = Vec::new();
        while let Some(row) = found.next()? {
            let resource = resource_id(row, 10)?;
            files.push(Browsed {
                path: row.get(9)?,
                counters: read_counters(row)?,
                last: last_day(&snapshot, resource, &days)?,
                days: requests_by_day(&snapshot, resource, wanted.days)?,
            });
        }
        Ok(Page { matching: matching.cast_unsigned(), files })
    }

    /// The file at a path in printed form, with its figures on each of `count` days up to `until`; `None` if it was never
    /// counted.
    pub fn single(&self, path: &str, until: Day, count: u32) -> Result<Option<Single>, QueryError> {
        let snapshot = self.snapshot()?;
        let sql = format!("SELECT {}, least_length, id FROM resource WHERE path = ?", FIGURES.join(", "));
        let read = |row: &Row<'_>| {
            let least_length = row.get::<_, Option<i64>>(9)?.map(i64::cast_unsigned);
            Ok((read_counters(row)?, least_length, resource_id(row, 10)?))
        };
        let Some((counters, least_length, resource)) = snapshot.query_row(&sql, [path], read).optional()?
        else {
            return Ok(None);
        };
        let last = last_day(&snapshot, resource, &known_days(&snapshot)?)?;
        let mut days = Vec::new();
        for day in days_up_to(until, count) {
            if let Some(counters) = counters_on(&snapshot, resource, day)? {
                days.push((day, counters));
            }
        }
        Ok(Some(Single { counters, least_length, last, days }))
    }

    /// The downloads of each of these paths in printed form, at one moment; 0 of one that was never counted.
    pub fn downloads<P: AsRef<str>>(
        &self,
        paths: impl IntoIterator<Item = P>,
    ) -> Result<Vec<u64>, QueryError> {
        let snapshot = self.snapshot()?;
        // What is newer than the tables has no index by path, and is small.
        let newer: HashMap<String, u64> = snapshot
            .prepare_cached("SELECT path, downloads FROM newer_resource")?
            .query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned())))?
            .collect::<Result<_, _>>()?;
        let mut statement = snapshot.prepare_cached("SELECT downloads FROM main.resource WHERE path = ?")?;
        let mut of_path = |path: P| {
            let path = path.as_ref();
            if let Some(downloads) = newer.get(path) {
                return Ok(*downloads);
            }
            let found = statement.query_row([path], |row| row.get::<_, i64>(0)).optional()?;
            Ok(found.map_or(0, i64::cast_unsigned))
        };
        paths.into_iter().map(&mut of_path).collect()
    }

    /// The sums over all files on one day.
    pub fn sums_on(&self, day: Day) -> Result<Counters, QueryError> {
        let sums = FIGURES.map(|figure| format!("coalesce(sum({figure}), 0)")).join(", ");
        let snapshot = self.snapshot()?;
        let sql = format!("SELECT {sums} FROM day WHERE day = ?");
        Ok(snapshot.query_row(&sql, [day.0], read_counters)?)
    }
}

/// So many days up to one, the oldest first; fewer at the beginning of time.
pub fn days_up_to(until: Day, count: u32) -> impl Iterator<Item = Day> {
    (0..count).rev().filter_map(move |back| until.0.checked_sub(back)).map(Day)
}

/// The rows from which a page is chosen: `path`, `id`, the figures, and `last` if that is their order.
fn rows(wanted: &Wanted) -> String {
    match (wanted.since, wanted.until, wanted.column) {
        (None, None, Column::Last) => "SELECT r.*, l.last AS last FROM resource AS r LEFT JOIN \
             (SELECT resource, max(day) AS last FROM day GROUP BY resource) AS l ON l.resource = r.id"
            .to_owned(),
        (None, None, _) => "SELECT * FROM resource".to_owned(),
        (since, until, _) => {
            let sums = FIGURES.map(|figure| format!("sum(d.{figure}) AS {figure}")).join(", ");
            let (since, until) = (since.map_or(0, |day| day.0), until.map_or(u32::MAX, |day| day.0));
            format!(
                "SELECT r.path AS path, r.id AS id, max(d.day) AS last, {sums} \
                 FROM day AS d JOIN resource AS r ON r.id = d.resource \
                 WHERE d.day BETWEEN {since} AND {until} GROUP BY d.resource"
            )
        }
    }
}

/// The terms of `ORDER BY`.
fn order(column: Column, direction: Direction) -> String {
    let key = match column {
        Column::Path => "path",
        Column::Last => "last",
        Column::Requests => "requests",
        Column::Head => "head",
        Column::Full => "\"full\"",
        Column::Partial => "partial",
        Column::NotModified => "not_modified",
        Column::Completed => "completed",
        Column::Aborted => "aborted",
        Column::InFlight => "\"full\" + partial - completed - aborted",
        Column::Downloads => "downloads",
        Column::Bytes => "bytes",
    };
    let direction = match direction {
        Direction::Ascending => "ASC",
        Direction::Descending => "DESC",
    };
    match column {
        Column::Path => format!("path {direction}"),
        Column::Last
        | Column::Requests
        | Column::Head
        | Column::Full
        | Column::Partial
        | Column::NotModified
        | Column::Completed
        | Column::Aborted
        | Column::InFlight
        | Column::Downloads
        | Column::Bytes => format!("{key} {direction}, path"),
    }
}

/// The days of which there is anything, the latest first. Each is found by a step in the table's own order, not by reading
/// it through: the views would not allow that.
fn known_days(snapshot: &Connection) -> rusqlite::Result<Vec<Day>> {
    let mut latest = snapshot.prepare_cached(
        "SELECT max((SELECT coalesce(max(day), -1) FROM main.day WHERE day < ?1), \
         (SELECT coalesce(max(day), -1) FROM newer_day WHERE day < ?1))",
    )?;
    let mut days = Vec::new();
    let mut before = i64::from(u32::MAX);
    loop {
        let day: i64 = latest.query_row([before], |row| row.get(0))?;
        match u32::try_from(day) {
            Ok(day) if day > Day::CARRIED.0 => days.push(Day(day)),
            // What was carried over is of no day.
            Ok(_) | Err(_) => return Ok(days),
        }
        before = day;
    }
}

/// The last of `days` on which a file was asked for.
fn last_day(snapshot: &Connection, resource: ResourceId, days: &[Day]) -> rusqlite::Result<Option<Day>> {
    for day in days {
        if counters_on(snapshot, resource, *day)?.is_some() {
            return Ok(Some(*day));
        }
    }
    Ok(None)
}

/// A file's figures of a day.
fn counters_on(snapshot: &Connection, resource: ResourceId, day: Day) -> rusqlite::Result<Option<Counters>> {
    let figures = FIGURES.join(", ");
    for table in ["newer_day", "main.day"] {
        let sql = format!("SELECT {figures} FROM {table} WHERE day = ? AND resource = ?");
        let key = (day.0, resource.0.cast_signed());
        let found = snapshot.prepare_cached(&sql)?.query_row(key, read_counters).optional()?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// A file's requests on each of the wanted days.
fn requests_by_day(
    snapshot: &Connection,
    resource: ResourceId,
    wanted: Option<(Day, u32)>,
) -> rusqlite::Result<Vec<u64>> {
    let Some((until, count)) = wanted else { return Ok(Vec::new()) };
    days_up_to(until, count)
        .map(|day| {
            let counters = counters_on(snapshot, resource, day)?;
            Ok(counters.map_or(0, |counters| counters.requests))
        })
        .collect()
}

fn resource_id(row: &Row<'_>, column: usize) -> rusqlite::Result<ResourceId> {
    Ok(ResourceId(row.get::<_, i64>(column)?.cast_unsigned()))
}
