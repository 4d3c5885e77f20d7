//! The transaction of one commit.

use std::ops::Deref;

use rusqlite::Connection;

/// A transaction that writes; taken back when it is dropped without a commit.
///
/// As [`rusqlite::Transaction`], but for one thing: what begins and ends it is parsed once for a connection. Hundreds of
/// commits in a second would otherwise spend some of their time on that.
#[derive(Debug)]
pub(crate) struct Transaction<'connection> {
    connection: &'connection Connection,
}

impl<'connection> Transaction<'connection> {
    /// Begins one, as the only one that writes. The connection is borrowed for writing, so that there is no other on it.
    ///
    /// # Errors
    ///
    /// Any of SQLite; `SQLITE_BUSY` while another connection writes.
    pub(crate) fn begin(connection: &'connection mut Connection) -> rusqlite::Result<Self> {
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        Ok(Self { connection })
    }

    /// Makes all that was written true at once.
    ///
    /// # Errors
    ///
    /// Any of SQLite; then nothing of it is, or, after an error of the disk, it may be.
    pub(crate) fn commit(self) -> rusqlite::Result<()> {
        self.connection.prepare_cached("COMMIT")?.execute([]).map(drop)
    }
}

impl Deref for Transaction<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        // SQLite itself takes back what some errors interrupt.
        if !self.connection.is_autocommit() {
            // If this fails as well, the next attempt to begin says so.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_committed_is_taken_back() {
        let mut connection = Connection::open_in_memory().expect("a database");
        connection.execute_batch("CREATE TABLE t (n)").expect("a table");
        let written = |connection: &Connection| {
            connection.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0)).expect("a number")
        };
        for (commits, expect) in [(false, 0), (true, 1), (false, 1), (true, 2)] {
            let transaction = Transaction::begin(&mut connection).expect("nobody else writes");
            transaction.execute_batch("INSERT INTO t VALUES (1)").expect("a row");
            if commits {
                transaction.commit().expect("a commit");
            } else {
                drop(transaction);
            }
            assert!(connection.is_autocommit());
            assert_eq!(written(&connection), expect);
        }
    }
}
