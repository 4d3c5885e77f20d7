//! Reads a ledger: totals, spans of days, the busiest files, and whether the laws hold.
//!
//! It only reads, and on a connection of its own, so it works while a server owns the ledger, and sees what
//! that has committed up to then. Figures that the server has not committed yet are at most milliseconds old.

pub mod browse;
mod most;
mod span;

use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, Row, Transaction, params_from_iter};

use self::span::By;
use crate::counters::{Counters, Law, Totals};
use crate::delivery::Day;
use crate::store::place::{Location, beside};
use crate::store::rows::{Tables, read_counters, write};
use crate::store::schema::{self, Identity};
use crate::store::{StoreError, Trouble, journal};

const FIGURES: [&str; 9] =
    ["requests", "head", "\"full\"", "partial", "not_modified", "completed", "aborted", "downloads", "bytes"];

/// Views that hide the tables of the same names behind what is newer. They are this connection's own: the
/// schema `temp` is looked into first, and is no part of the file.
const OVERLAY: &str = "
    CREATE TEMP TABLE newer_resource AS SELECT * FROM main.resource WHERE false;
    CREATE TEMP TABLE newer_day AS SELECT * FROM main.day WHERE false;
    CREATE UNIQUE INDEX temp.newer_resource_id ON newer_resource(id);
    CREATE UNIQUE INDEX temp.newer_day_key ON newer_day(day, resource);
    CREATE TEMP VIEW resource AS
        SELECT * FROM main.resource WHERE id NOT IN (SELECT id FROM newer_resource)
        UNION ALL SELECT * FROM newer_resource;
    CREATE TEMP VIEW day AS
        SELECT * FROM main.day WHERE (day, resource) NOT IN (SELECT day, resource FROM newer_day)
        UNION ALL SELECT * FROM newer_day;";

/// An open ledger, for reading.
#[derive(Debug)]
pub struct Query {
    connection: Connection,
}

/// Which tallies to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Paths in their printed form; one that ends in `/` stands for everything below. None: all.
    pub paths: Vec<String>,
    /// The first day.
    pub since: Option<Day>,
    /// The last day.
    pub until: Option<Day>,
    /// Which come first.
    pub order: Order,
    /// No more than so many.
    pub top: Option<u32>,
}

/// Which tallies come first. Equals are in the order of their paths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// By path, byte by byte.
    #[default]
    Path,
    /// The most downloads first.
    Downloads,
    /// The most requests first.
    Requests,
    /// The most bytes first.
    Bytes,
}

/// One line of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tallied {
    /// The resource, in its printed form.
    pub path: String,
    /// The day, where the answer is by day. [`Day::CARRIED`] stands for all days of a ledger set aside.
    pub day: Option<Day>,
    /// Its figures.
    pub counters: Counters,
}

/// The whole ledger in one line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Whole {
    /// Files that were counted.
    pub resources: u64,
    /// The sums of their figures.
    pub counters: Counters,
    /// When the ledger was begun, in seconds since 1970-01-01T00:00:00Z.
    pub created: u64,
    /// Open sessions at the last commit.
    pub sessions: u64,
    /// Sessions given up: by at most so many, downloads are too few.
    pub evictions: u64,
}

/// How a law fares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The law.
    pub law: Law,
    /// How many rows break it.
    pub broken: u64,
    /// One of these.
    pub example: Option<String>,
}

/// Why a ledger cannot be read.
#[derive(Debug)]
pub enum QueryError {
    /// There is no such file.
    Missing(PathBuf),
    /// It is not a ledger of tallyd.
    NotALedger(PathBuf),
    /// A newer version of tallyd wrote it.
    Newer(PathBuf),
    /// The database fails.
    Failed(StoreError),
}

impl fmt::Display for QueryError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(path) => write!(formatter, "there is no ledger {}", path.display()),
            Self::NotALedger(path) => write!(formatter, "{} is not a ledger of tallyd", path.display()),
            Self::Newer(path) => {
                write!(formatter, "a newer tallyd wrote the ledger {}; use that", path.display())
            }
            Self::Failed(error) => write!(formatter, "the ledger cannot be read: {error}"),
        }
    }
}

impl std::error::Error for QueryError {}

impl From<rusqlite::Error> for QueryError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl Query {
    /// Opens the ledger in the file at `path`. Nothing is created or changed.
    pub fn open(path: &Path) -> Result<Self, QueryError> {
        Self::at(&Location::File(path.to_owned()))
    }

    pub(crate) fn at(location: &Location) -> Result<Self, QueryError> {
        let path = location.path().to_owned();
        if matches!(location, Location::File(_)) && !path.exists() {
            return Err(QueryError::Missing(path));
        }
        let (connection, identity) = identified(location).map_err(|error| match StoreError::from(error) {
            StoreError { trouble: Trouble::Corrupt, .. } => QueryError::NotALedger(path.clone()),
            error => QueryError::Failed(error),
        })?;
        match identity {
            Identity::Ledger(version) if version <= schema::VERSION => {
                connection.execute_batch(OVERLAY)?;
                Ok(Self { connection })
            }
            Identity::Ledger(_) => Err(QueryError::Newer(path)),
            Identity::Empty | Identity::Foreign => Err(QueryError::NotALedger(path)),
        }
    }

    /// Hands each selected resource to `each`, with the sums of the selected days.
    pub fn tallies(&self, selection: &Selection, each: impl FnMut(Tallied)) -> Result<(), QueryError> {
        if selection.since.is_none() && selection.until.is_none() {
            return self.select("SELECT *, NULL AS day FROM resource", selection, each);
        }
        let snapshot = self.snapshot()?;
        Ok(span::tallies(&snapshot, selection, By::Span, each)?)
    }

    /// Hands each selected resource to `each` once for each selected day on which it was asked for. Equals in
    /// the selection's order are in the order of the days.
    pub fn by_day(&self, selection: &Selection, each: impl FnMut(Tallied)) -> Result<(), QueryError> {
        if selection.top.is_some() {
            // The database keeps the first few while it reads; the others never leave it.
            let span = days(selection);
            let rows = format!(
                "SELECT d.*, r.path AS path FROM day AS d JOIN resource AS r ON r.id = d.resource WHERE {span}"
            );
            return self.select(&rows, selection, each);
        }
        let snapshot = self.snapshot()?;
        Ok(span::tallies(&snapshot, selection, By::Day, each)?)
    }

    /// The sums over all resources, and what is known of the ledger itself.
    pub fn whole(&self) -> Result<Whole, QueryError> {
        let sums = FIGURES.map(|figure| format!("coalesce(sum({figure}), 0)")).join(", ");
        let sql = format!(
            "SELECT {sums}, count(*), (SELECT created FROM ledger), (SELECT sessions FROM ledger), \
             (SELECT evictions FROM ledger) FROM resource"
        );
        let figure = |row: &Row<'_>, column: usize| row.get::<_, i64>(column).map(i64::cast_unsigned);
        let snapshot = self.snapshot()?;
        Ok(snapshot.query_row(&sql, [], |row| {
            Ok(Whole {
                counters: read_counters(row)?,
                resources: figure(row, 9)?,
                created: figure(row, 10)?,
                sessions: figure(row, 11)?,
                evictions: figure(row, 12)?,
            })
        })?)
    }

    /// Checks every law on every row, of totals and of days; a finding for each law, in their order.
    pub fn verify(&self) -> Result<Vec<Finding>, QueryError> {
        let mut findings = Law::ALL.map(|law| Finding { law, broken: 0, example: None });
        let mut note = |law: Law, path: &String| {
            for finding in findings.iter_mut().filter(|finding| finding.law == law) {
                finding.broken += 1;
                finding.example.get_or_insert_with(|| path.clone());
            }
        };
        let snapshot = self.snapshot()?;
        let figures = FIGURES.join(", ");
        let rows = format!(
            "SELECT {figures}, path, least_length FROM resource UNION ALL \
             SELECT {figures}, (SELECT path FROM resource WHERE id = resource), NULL FROM day"
        );
        let mut statement = snapshot.prepare(&rows)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let least_length = row.get::<_, Option<i64>>(10)?.map(i64::cast_unsigned);
            let totals = Totals { counters: read_counters(row)?, least_length };
            for law in totals.broken_laws() {
                note(law, &row.get(9)?);
            }
        }
        let sums = FIGURES.map(|figure| format!("sum({figure}) AS {figure}")).join(", ");
        let differs = FIGURES.map(|figure| format!("r.{figure} <> coalesce(d.{figure}, 0)")).join(" OR ");
        let differing = format!(
            "SELECT r.path FROM resource AS r LEFT JOIN \
                (SELECT resource, {sums} FROM day GROUP BY resource) AS d ON d.resource = r.id \
             WHERE {differs}"
        );
        for path in snapshot.prepare(&differing)?.query_map([], |row| row.get(0))? {
            note(Law::DaysMakeTotals, &path?);
        }
        Ok(findings.into())
    }

    /// One moment of the ledger, although a server may be committing: the tables, and over them what it has
    /// committed but not folded into them yet.
    fn snapshot(&self) -> Result<Transaction<'_>, QueryError> {
        let snapshot = self.connection.unchecked_transaction()?;
        snapshot.execute_batch("DELETE FROM newer_resource; DELETE FROM newer_day")?;
        let mut statement = snapshot.prepare_cached("SELECT batch FROM recent ORDER BY id")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let blob: Vec<u8> = row.get(0)?;
            let Some(batch) = journal::decode(&blob) else {
                let detail = "a blob in the table recent is malformed".to_owned();
                return Err(QueryError::Failed(StoreError { trouble: Trouble::Corrupt, detail }));
            };
            write(&snapshot, Tables::Newer, &batch)?;
        }
        drop(rows);
        drop(statement);
        Ok(snapshot)
    }

    fn select(
        &self,
        rows: &str,
        selection: &Selection,
        mut each: impl FnMut(Tallied),
    ) -> Result<(), QueryError> {
        let order = match selection.order {
            Order::Path => "path, day",
            Order::Downloads => "downloads DESC, path, day",
            Order::Requests => "requests DESC, path, day",
            Order::Bytes => "bytes DESC, path, day",
        };
        let (filter, parameters) = filter(&selection.paths);
        let figures = FIGURES.join(", ");
        let limit = selection.top.map_or(-1, i64::from);
        let sql = format!(
            "WITH t AS ({rows}) SELECT {figures}, path, day FROM t WHERE {filter} ORDER BY {order} LIMIT {limit}"
        );
        let snapshot = self.snapshot()?;
        let mut statement = snapshot.prepare(&sql)?;
        let mut rows = statement.query(params_from_iter(parameters))?;
        while let Some(row) = rows.next()? {
            each(Tallied {
                path: row.get(9)?,
                day: row.get::<_, Option<u32>>(10)?.map(Day),
                counters: read_counters(row)?,
            });
        }
        Ok(())
    }
}

/// The condition on `d.day`.
fn days(selection: &Selection) -> String {
    let since = selection.since.map_or(0, |day| day.0);
    let until = selection.until.map_or(u32::MAX, |day| day.0);
    format!("d.day BETWEEN {since} AND {until}")
}

/// The condition on `path`, and its parameters.
fn filter(paths: &[String]) -> (String, Vec<String>) {
    if paths.is_empty() {
        return ("true".to_owned(), Vec::new());
    }
    let mut parameters = Vec::new();
    let conditions: Vec<&str> = paths
        .iter()
        .map(|path| {
            let Some(folder) = path.strip_suffix('/') else {
                parameters.push(path.clone());
                return "path = ?";
            };
            // '0' is the character after '/': between the two lies everything below the folder.
            parameters.extend([format!("{folder}/"), format!("{folder}0")]);
            "path >= ? AND path < ?"
        })
        .collect();
    (conditions.join(" OR "), parameters)
}

/// A connection, and what the file says that it is.
fn identified(location: &Location) -> rusqlite::Result<(Connection, Identity)> {
    let open = |name: &Path, flags: OpenFlags| {
        let flags = flags | OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(name, flags)?;
        // A server never makes a reader wait for long: it writes to a log beside the file.
        connection.busy_timeout(Duration::from_secs(5))?;
        let identity = schema::identify(&connection)?;
        Ok((connection, identity))
    };
    match location {
        Location::Memory(name) => open(Path::new(name), OpenFlags::SQLITE_OPEN_URI),
        Location::File(path) => match open(path, OpenFlags::empty()) {
            // A reader needs the log's shared memory, and cannot make it in a folder that it may not write.
            // Without a log nobody writes either, so the file can be read as it is.
            Err(rusqlite::Error::SqliteFailure(error, _))
                if error.code == ErrorCode::CannotOpen && !beside(path, "-wal").exists() =>
            {
                open(Path::new(&immutable(path)), OpenFlags::SQLITE_OPEN_URI)
            }
            result => result,
        },
    }
}

/// The path as a URI (<https://www.sqlite.org/uri.html>) that promises that nobody changes the file.
fn immutable(path: &Path) -> String {
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                uri.push(char::from(*byte));
            }
            byte => write!(uri, "%{byte:02X}").expect("writing to a String does not fail"),
        }
    }
    uri.push_str("?immutable=1");
    uri
}
