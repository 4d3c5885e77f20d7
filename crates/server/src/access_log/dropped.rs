//! Lines that will not be written, and the thread that says how many: the one that writes may be stalled for ever.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, Thread};
use std::time::Duration;

use super::Shared;
use crate::console;

/// How long dropped lines are added up before their number is said: at first, and at most. Each time in a row that there
/// are more, twice as long.
const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_mins(1);

/// See the module.
#[derive(Default)]
pub(super) struct Dropped {
    unreported: AtomicU64,
    reporter: OnceLock<Thread>,
}

impl Dropped {
    /// Counts lines that will not be written.
    #[cold]
    pub(super) fn add(&self, count: u64) {
        // Only the first of those that are not reported yet wakes the reporter; it finds the others.
        if self.unreported.fetch_add(count, Ordering::Relaxed) == 0
            && let Some(reporter) = self.reporter.get()
        {
            reporter.unpark();
        }
    }

    /// How many have not been reported, as if they were now.
    pub(super) fn take(&self) -> u64 {
        self.unreported.swap(0, Ordering::Relaxed)
    }

    /// Says how many there are.
    pub(super) fn report(&self) {
        match self.take() {
            0 => {}
            number => console::say(format_args!(
                "the access log's output is stalled, or was: {number} lines were dropped, no counts"
            )),
        }
    }
}

/// Starts the thread that reports what is dropped as long as anybody else knows `shared`.
pub(super) fn start_reporter(shared: &Arc<Shared>) -> io::Result<()> {
    let watched = Arc::downgrade(shared);
    let reporter = thread::Builder::new().name("dropped-lines".to_owned()).spawn(move || {
        let mut pause = FIRST;
        while let Some(shared) = watched.upgrade() {
            let has_some = shared.dropped.unreported.load(Ordering::Relaxed) > 0;
            drop(shared);
            if !has_some {
                pause = FIRST;
                thread::park();
                continue;
            }
            thread::park_timeout(pause);
            pause = (pause * 2).min(LONGEST);
            if let Some(shared) = watched.upgrade() {
                shared.dropped.report();
            }
        }
    })?;
    // There is one log, so that this is the first.
    let _ = shared.dropped.reporter.set(reporter.thread().clone());
    Ok(())
}
