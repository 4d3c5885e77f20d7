//! The tables of the store, for the ledger and for people with `sqlite3`; see `docs/counting.md`.
//!
//! A released step is never edited: a new version adds a step, and every older ledger goes forward through
//! the steps that it lacks, in one transaction.

use rusqlite::{Connection, Transaction, TransactionBehavior};

/// Says in the file's header that it is a ledger of tallyd: "taly" in ASCII.
pub(crate) const APPLICATION_ID: i32 = i32::from_be_bytes(*b"taly");

/// Step `i` takes a ledger from version `i` to version `i + 1`.
pub(crate) const STEPS: &[&str] = &[include_str!("schema_1.sql")];

/// The version that is written here.
#[expect(clippy::cast_possible_wrap, clippy::cast_possible_truncation, reason = "there are a few steps")]
pub(crate) const VERSION: i32 = STEPS.len() as i32;

/// What a file says that it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    /// No table and no mark: a new file.
    Empty,
    /// A ledger of this version.
    Ledger(i32),
    /// Something else.
    Foreign,
}

/// Reads what the file says that it is.
pub(crate) fn identify(connection: &Connection) -> rusqlite::Result<Identity> {
    let mark: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let version: i32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let objects: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(match (mark, version, objects) {
        (APPLICATION_ID, version, _) => Identity::Ledger(version),
        (0, 0, 0) => Identity::Empty,
        _ => Identity::Foreign,
    })
}

/// Takes the steps from `version` on, all or none.
pub(crate) fn migrate(connection: &mut Connection, version: i32, steps: &[&str]) -> rusqlite::Result<()> {
    let done = usize::try_from(version).unwrap_or(0).min(steps.len());
    if done == steps.len() {
        return Ok(());
    }
    let transaction = Transaction::new(connection, TransactionBehavior::Immediate)?;
    for (step, version) in steps.iter().zip(1_i32..).skip(done) {
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", version)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity_after(statements: &str) -> Identity {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(statements).unwrap();
        identify(&connection).unwrap()
    }

    #[test]
    fn identities() {
        assert_eq!(identity_after(""), Identity::Empty);
        assert_eq!(identity_after("CREATE TABLE t(x)"), Identity::Foreign);
        assert_eq!(identity_after("PRAGMA user_version = 3"), Identity::Foreign);
        assert_eq!(identity_after("PRAGMA application_id = 7"), Identity::Foreign);
        assert_eq!(identity_after("PRAGMA application_id = 1952541817"), Identity::Ledger(0));
    }

    #[test]
    fn an_older_ledger_goes_forward_and_keeps_its_figures() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, 0, STEPS).unwrap();
        connection.execute("INSERT INTO resource(id, path, requests) VALUES (1, '/a', 5)", []).unwrap();

        let next = [STEPS, &["ALTER TABLE resource ADD COLUMN note TEXT NOT NULL DEFAULT 'new'"]].concat();
        migrate(&mut connection, VERSION, &next).unwrap();

        assert_eq!(identify(&connection).unwrap(), Identity::Ledger(VERSION + 1));
        let row = connection.query_row("SELECT requests, note FROM resource", [], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
        });
        assert_eq!(row.unwrap(), (5, "new".to_owned()));
    }

    #[test]
    fn a_step_that_fails_leaves_the_ledger_as_it_was() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, 0, STEPS).unwrap();

        let next = [STEPS, &["CREATE TABLE half(x)", "no SQL"]].concat();
        assert!(migrate(&mut connection, VERSION, &next).is_err());

        assert_eq!(identify(&connection).unwrap(), Identity::Ledger(VERSION));
        assert!(connection.prepare("SELECT * FROM half").is_err());
    }
}
