//! The thread that moves the log into the main file, and makes both survive a loss of power.
//!
//! To sync a file takes a disk some milliseconds, and sometimes some tens of them. Meanwhile the thread that writes
//! goes on committing: what `kill -9` costs does not depend on the disk. A pass moves what was committed up to its
//! beginning, and nobody waits for it (<https://www.sqlite.org/wal.html#ckpt>). The log begins anew when the writer
//! finds all of it moved, in the first quiet moment; under load without one it grows, and the writer has the last word.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;

use crate::store::{StoreError, Trouble};

/// See the module.
#[derive(Debug)]
pub(crate) struct Checkpointer {
    /// `None` once it is to end.
    orders: Option<SyncSender<()>>,
    last: Arc<Mutex<Result<Pass, StoreError>>>,
    thread: Option<JoinHandle<()>>,
}

/// What a pass has left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pass {
    /// The length of the log in pages, with those that are moved.
    pub(crate) log_pages: u64,
}

impl Checkpointer {
    /// Starts the thread, with a connection of its own.
    pub(crate) fn start(connection: Connection) -> io::Result<Self> {
        let (orders, received) = sync_channel(1);
        let last = Arc::new(Mutex::new(Ok(Pass::default())));
        let outcome = Arc::clone(&last);
        let thread = thread::Builder::new()
            .name("ledger-sync".to_owned())
            .spawn(move || work(&connection, &received, &outcome))?;
        Ok(Self { orders: Some(orders), last, thread: Some(thread) })
    }

    /// Has a pass begin, unless one is under way, and tells how the last one ended.
    pub(crate) fn order(&self) -> Result<Pass, StoreError> {
        if let Some(orders) = &self.orders {
            // Full: one is waiting already. Disconnected: its panic is on standard error.
            let _ = orders.try_send(());
        }
        lock(&self.last).clone()
    }
}

impl Drop for Checkpointer {
    /// Waits for the pass under way: its connection must not be the last to close.
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // A panic of its own has been told.
            let _ = thread.join();
        }
    }
}

fn work(connection: &Connection, orders: &Receiver<()>, outcome: &Mutex<Result<Pass, StoreError>>) {
    for () in orders {
        let result = pass(connection);
        match &result {
            // The log keeps what it could not give, and if there is no room for more, the next commit says so.
            Err(StoreError { trouble: Trouble::Full | Trouble::Locked, .. }) => {}
            Ok(_) | Err(_) => *lock(outcome) = result,
        }
    }
}

/// Moves what the log has, as far as no reader needs it where it is, and tells what it holds.
pub(crate) fn pass(connection: &Connection) -> Result<Pass, StoreError> {
    let log_pages = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get::<_, i64>(1))?;
    // Minus one stands for no log.
    Ok(Pass { log_pages: u64::try_from(log_pages).unwrap_or(0) })
}

fn lock(last: &Mutex<Result<Pass, StoreError>>) -> MutexGuard<'_, Result<Pass, StoreError>> {
    // A value is put there whole.
    last.lock().unwrap_or_else(PoisonError::into_inner)
}
