//! Opens a ledger: whose file it is, which version, what the last owner left behind.
//!
//! A file that is not ours, or newer than we understand, is refused and left as it is. A ledger of ours that
//! is damaged is moved aside, never overwritten, and a new one is begun.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::checkpoint::Checkpointer;
use super::files::CORRUPT;
use super::journal::{self, Journal};
use super::place::{FileLock, Location, NameLock, OpenError, Place, beside};
use super::rows::{self, Tables};
use super::schema::{self, APPLICATION_ID, Identity};
use super::sqlite::{Finder, Sqlite};
use super::{StoreError, Trouble};

/// What a loss of power may cost. `kill -9` costs the same under both: nothing that was printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Sync once a second: a loss of power costs at most the time since the last sync.
    #[default]
    Batch,
    /// Sync with every commit.
    Commit,
}

/// What was found when the ledger was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resumed {
    /// How many files it has counted so far; at most, since ids are not given twice.
    pub resources: u64,
    /// Transfers that were in flight when the last owner ended; they are now booked as aborted.
    pub aborted: u64,
    /// Where a damaged ledger is now. Figures began anew.
    pub set_aside: Option<PathBuf>,
}

/// A store's connections, and the lock on its file, which must be dropped after them.
pub(crate) struct Begun {
    pub(crate) writer: Connection,
    pub(crate) finder: Connection,
    /// These are `None` if there is no file.
    pub(crate) checkpointer: Option<Checkpointer>,
    pub(crate) file_lock: Option<FileLock>,
}

/// An open store and what goes with it.
pub(crate) struct Opened {
    pub(crate) store: Sqlite,
    pub(crate) finder: Arc<Mutex<Finder>>,
    pub(crate) resumed: Resumed,
    pub(crate) evictions: u64,
}

/// How long a statement waits for another program's lock before the trouble is reported and retried later.
const BUSY_TIMEOUT: Duration = Duration::from_millis(100);

/// Opens the ledger at `place` and becomes its owner.
pub(crate) fn open(place: &Place, durability: Durability) -> Result<Opened, OpenError> {
    let location = Location::from(place);
    let name_lock = match place {
        Place::File(path) => Some(own(path)?),
        Place::Memory => None,
    };
    let mut resumed = Resumed::default();
    let Begun { mut writer, finder, checkpointer, file_lock } =
        begin_or_set_aside(&location, durability, &mut resumed)?;
    let evictions =
        recover(&mut writer, &mut resumed).map_err(|error| Failure::from(error).refusal(location.path()))?;
    let finder = Arc::new(Mutex::new(Finder { connection: Some(finder) }));
    let store = Sqlite {
        location,
        durability,
        checkpointer,
        connection: Some(writer),
        finder: Arc::clone(&finder),
        journal: Journal::default(),
        sessions: None,
        log: None,
        file_lock,
        name_lock,
    };
    Ok(Opened { store, finder, resumed, evictions })
}

fn own(path: &Path) -> Result<NameLock, OpenError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| OpenError::from_io(path, &error))?;
    }
    let lock = NameLock::acquire(path)?;
    refuse_foreign_file(path)?;
    Ok(lock)
}

fn begin_or_set_aside(
    location: &Location,
    durability: Durability,
    resumed: &mut Resumed,
) -> Result<Begun, OpenError> {
    let path = location.path();
    match try_begin(location, durability) {
        Ok(begun) => Ok(begun),
        Err(Failure::Store(StoreError { trouble: Trouble::Corrupt, detail })) => {
            let moved = move_aside(path);
            let unmoved = |error| OpenError::Corrupt(path.to_owned(), format!("{detail}; {error}"));
            resumed.set_aside = Some(moved.map_err(unmoved)?);
            try_begin(location, durability).map_err(|failure| failure.refusal(path))
        }
        Err(failure) => Err(failure.refusal(path)),
    }
}

/// Opens both connections, the writer's and the finder's, and brings the tables to the present version.
pub(crate) fn begin(location: &Location, durability: Durability) -> Result<Begun, StoreError> {
    try_begin(location, durability).map_err(|failure| match failure {
        Failure::Store(error) => error,
        Failure::Refused(refusal) => StoreError { trouble: Trouble::Broken, detail: refusal.to_string() },
    })
}

/// Moves a ledger and its log to names that say so, and returns the new name of the ledger.
pub(crate) fn move_aside(path: &Path) -> io::Result<PathBuf> {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    // Named after the second, and no two are damaged in one second by chance.
    let aside = beside(path, &format!("{CORRUPT}{seconds}"));
    if aside.exists() {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            format!("{} is in the way", aside.display()),
        ));
    }
    fs::rename(path, &aside)?;
    // The log belongs to the file; the shared memory is made anew from it.
    for suffix in ["-wal", "-shm"] {
        match fs::rename(beside(path, suffix), beside(&aside, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(aside)
}

/// Why a connection cannot be had.
enum Failure {
    Store(StoreError),
    Refused(OpenError),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Failure {
    fn refusal(self, path: &Path) -> OpenError {
        let path = path.to_owned();
        match self {
            Self::Refused(refusal) => refusal,
            Self::Store(StoreError { trouble, detail }) => match trouble {
                Trouble::Locked => OpenError::Locked(path),
                Trouble::ReadOnly => OpenError::ReadOnly(path),
                Trouble::Corrupt => OpenError::Corrupt(path, detail),
                Trouble::Full | Trouble::Misplaced | Trouble::Broken => OpenError::Unusable(path, detail),
            },
        }
    }
}

/// Looks at the file before SQLite may change anything about it: at its first bytes, and whether it has another name,
/// for which SQLite would look for another log.
fn refuse_foreign_file(path: &Path) -> Result<(), OpenError> {
    let foreign = || Err(OpenError::NotALedger(path.to_owned()));
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() && metadata.nlink() > 1 => {
            return Err(OpenError::Linked(path.to_owned()));
        }
        // Why it cannot be looked at is told below.
        Ok(_) | Err(_) => {}
    }
    let header = match header(path) {
        Ok(header) => header,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(OpenError::from_io(path, &error)),
    };
    match (header.is_empty(), header.get(..16), header.get(68..72)) {
        (true, _, _) => Ok(()),
        // A mark of zero is a database that names no owner; its tables will tell.
        (false, Some(b"SQLite format 3\0"), Some(mark))
            if mark == APPLICATION_ID.to_be_bytes() || mark == [0; 4] =>
        {
            Ok(())
        }
        (false, _, _) => foreign(),
    }
}

/// The header of the database file (<https://www.sqlite.org/fileformat.html#the_database_header>).
fn header(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut header = Vec::new();
    File::open(path)?.take(100).read_to_end(&mut header)?;
    Ok(header)
}

fn try_begin(location: &Location, durability: Durability) -> Result<Begun, Failure> {
    // Declared first, so that it is dropped last, also when this fails.
    let file_lock;
    let mut writer = connect(location, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    file_lock = match location {
        Location::File(path) => Some(FileLock::acquire(path).map_err(Failure::Refused)?),
        Location::Memory(_) => None,
    };
    // A file that is refused or damaged must not be changed when the connection closes.
    writer.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let version = version(&writer, location.path())?;
    if matches!(location, Location::File(_)) {
        let mode: String = writer.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
        if mode != "wal" {
            return Err(Failure::Refused(OpenError::NoLocking(location.path().to_owned())));
        }
    }
    settings(&writer, durability)?;
    schema::migrate(&mut writer, version, schema::STEPS)?;
    if version == 0 {
        // Now the main file itself says whose it is, whatever happens to its log.
        writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    }
    replay(&mut writer)?;
    writer.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    let finder = connect(location, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    finder.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    finder.pragma_update(None, "query_only", true)?;
    let checkpointer = match location {
        Location::File(path) => {
            let connection = connect(location, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
            let started = Checkpointer::start(connection);
            Some(started.map_err(|error| Failure::Refused(OpenError::from_io(path, &error)))?)
        }
        Location::Memory(_) => None,
    };
    Ok(Begun { writer, finder, checkpointer, file_lock })
}

/// Folds what the last owner had no time to fold.
fn replay(writer: &mut Connection) -> Result<(), Failure> {
    let transaction = Transaction::new(writer, TransactionBehavior::Immediate)?;
    let mut statement = transaction.prepare("SELECT batch FROM recent ORDER BY id")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let blob: Vec<u8> = row.get(0)?;
        let Some(batch) = journal::decode(&blob) else {
            let detail = "a blob in the table recent is malformed".to_owned();
            return Err(Failure::Store(StoreError { trouble: Trouble::Corrupt, detail }));
        };
        rows::write(&transaction, Tables::Main, &batch)?;
    }
    drop(rows);
    drop(statement);
    transaction.execute("DELETE FROM recent", [])?;
    Ok(transaction.commit()?)
}

/// The ledger's version; 0 if it is new.
fn version(connection: &Connection, path: &Path) -> Result<i32, Failure> {
    let path = path.to_owned();
    let understood = schema::VERSION;
    match schema::identify(connection)? {
        Identity::Empty => Ok(0),
        Identity::Foreign => Err(Failure::Refused(OpenError::NotALedger(path))),
        Identity::Ledger(version) if version > understood => {
            Err(Failure::Refused(OpenError::Newer { path, version, understood }))
        }
        Identity::Ledger(version) => Ok(version),
    }
}

fn connect(location: &Location, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = match location {
        Location::File(path) => Connection::open_with_flags(path, flags)?,
        Location::Memory(name) => Connection::open_with_flags(name, flags | OpenFlags::SQLITE_OPEN_URI)?,
    };
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(connection)
}

fn settings(writer: &Connection, durability: Durability) -> rusqlite::Result<()> {
    let synchronous = match durability {
        Durability::Batch => "NORMAL",
        Durability::Commit => "FULL",
    };
    writer.pragma_update(None, "synchronous", synchronous)?;
    // A thread of its own does it.
    writer.pragma_update(None, "wal_autocheckpoint", 0)?;
    // A resource is always written before its days, in the same transaction.
    writer.pragma_update(None, "foreign_keys", false)?;
    // In KiB: room for all pages of a ledger of some 50,000 files; taken only as they are used. A larger one is folded in
    // the order of its pages, each of which is needed once, so that remembering more of them would save little.
    writer.pragma_update(None, "cache_size", -8_192)
}

/// Books what was in flight as aborted and lost sessions as evictions; returns the evictions so far.
fn recover(writer: &mut Connection, resumed: &mut Resumed) -> rusqlite::Result<u64> {
    let transaction = Transaction::new(writer, TransactionBehavior::Immediate)?;
    let in_flight = "FROM day INDEXED BY day_in_flight WHERE \"full\" + partial > completed + aborted";
    let missing = "\"full\" + partial - completed - aborted";
    let aborted: i64 =
        transaction
            .query_row(&format!("SELECT coalesce(sum({missing}), 0) {in_flight}"), [], |row| row.get(0))?;
    transaction.execute_batch(&format!(
        "UPDATE resource SET aborted = aborted + cut.count \
            FROM (SELECT resource, sum({missing}) AS count {in_flight} GROUP BY resource) AS cut \
            WHERE cut.resource = resource.id; \
         UPDATE day INDEXED BY day_in_flight SET aborted = \"full\" + partial - completed \
            WHERE \"full\" + partial > completed + aborted; \
         UPDATE ledger SET evictions = evictions + sessions, sessions = 0;"
    ))?;
    let resources: i64 =
        transaction.query_row("SELECT coalesce(max(id), 0) FROM resource", [], |row| row.get(0))?;
    let evictions: i64 = transaction.query_row("SELECT evictions FROM ledger", [], |row| row.get(0))?;
    transaction.commit()?;
    resumed.resources = resources.cast_unsigned();
    resumed.aborted = aborted.cast_unsigned();
    Ok(evictions.cast_unsigned())
}
