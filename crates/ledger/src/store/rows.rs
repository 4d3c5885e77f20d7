//! Rows of the tables: how they are found, read and written.

use rusqlite::{Connection, OptionalExtension, Row, Statement};

use super::{Batch, DayRow, ResourceRow, Stored};
use crate::counters::{Counters, Totals};
use crate::delivery::{Day, ResourceId};

const FIND: &str = "SELECT requests, head, \"full\", partial, not_modified, completed, aborted, downloads, bytes, \
    id, least_length FROM resource WHERE path = ?";

const FIND_DAY: &str = "SELECT requests, head, \"full\", partial, not_modified, completed, aborted, downloads, bytes \
    FROM day WHERE day = ? AND resource = ?";

/// What to do with a row that is there. Without a conflict target, so that it is found by its id and by its path.
macro_rules! or_update {
    () => {
        " ON CONFLICT DO UPDATE SET requests = excluded.requests, head = excluded.head, \"full\" = excluded.\"full\", \
         partial = excluded.partial, not_modified = excluded.not_modified, completed = excluded.completed, \
         aborted = excluded.aborted, downloads = excluded.downloads, bytes = excluded.bytes"
    };
}

macro_rules! write_resource {
    ($table:literal) => {
        concat!(
            "INSERT INTO ",
            $table,
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            or_update!(),
            ", least_length = excluded.least_length"
        )
    };
}

macro_rules! write_day {
    ($table:literal) => {
        concat!("INSERT INTO ", $table, " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", or_update!())
    };
}

/// Which tables to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tables {
    /// Those of the ledger.
    Main,
    /// Those that a reader lays over them.
    Newer,
}

/// Writes rows into the tables.
pub(crate) fn write(transaction: &Connection, tables: Tables, batch: &Batch<'_>) -> rusqlite::Result<()> {
    let (write_resource, write_day) = match tables {
        Tables::Main => (write_resource!("resource"), write_day!("day")),
        Tables::Newer => (write_resource!("newer_resource"), write_day!("newer_day")),
    };
    let mut write_resource = transaction.prepare_cached(write_resource)?;
    for ResourceRow { resource, path, totals } in &batch.resources {
        write_resource.raw_bind_parameter(1, resource.0.cast_signed())?;
        write_resource.raw_bind_parameter(2, *path)?;
        bind_figures(&mut write_resource, &totals.counters)?;
        write_resource.raw_bind_parameter(12, totals.least_length.map(u64::cast_signed))?;
        write_resource.raw_execute()?;
    }
    let mut write_day = transaction.prepare_cached(write_day)?;
    for DayRow { resource, day, counters } in &batch.days {
        write_day.raw_bind_parameter(1, day.0)?;
        write_day.raw_bind_parameter(2, resource.0.cast_signed())?;
        bind_figures(&mut write_day, counters)?;
        write_day.raw_execute()?;
    }
    Ok(())
}

/// Binds the third to the eleventh parameter, in the contract's order.
fn bind_figures(statement: &mut Statement<'_>, counters: &Counters) -> rusqlite::Result<()> {
    (3..)
        .zip(counters.figures())
        .try_for_each(|(at, figure)| statement.raw_bind_parameter(at, figure.cast_signed()))
}

/// The resource with this printed path.
pub(crate) fn find(connection: &Connection, path: &str) -> rusqlite::Result<Option<Stored>> {
    let mut statement = connection.prepare_cached(FIND)?;
    let read = |row: &Row<'_>| {
        let least_length = row.get::<_, Option<i64>>(10)?.map(i64::cast_unsigned);
        let totals = Totals { counters: read_counters(row)?, least_length };
        Ok(Stored { resource: ResourceId(row.get::<_, i64>(9)?.cast_unsigned()), totals })
    };
    statement.query_row([path], read).optional()
}

/// Reads the first nine columns, in the contract's order.
pub(crate) fn read_counters(row: &Row<'_>) -> rusqlite::Result<Counters> {
    let mut figures = [0; 9];
    for (column, figure) in figures.iter_mut().enumerate() {
        *figure = row.get::<_, i64>(column)?.cast_unsigned();
    }
    Ok(Counters::from_figures(figures))
}

/// The figures of a resource on a day; all zero if there are none.
pub(crate) fn find_day(
    connection: &Connection,
    resource: ResourceId,
    day: Day,
) -> rusqlite::Result<Counters> {
    let mut statement = connection.prepare_cached(FIND_DAY)?;
    let found = statement.query_row((day.0, resource.0.cast_signed()), read_counters).optional()?;
    Ok(found.unwrap_or_default())
}
