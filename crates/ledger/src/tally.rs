//! The counters in memory: one tally per resource, shared by everyone who serves it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::path_text;

/// How often one resource was asked for.
#[derive(Debug)]
pub struct Tally {
    path: String,
    requests: AtomicU64,
}

impl Tally {
    /// Takes the next number of this resource: 1, 2, 3, … without gap or duplicate, whoever asks.
    pub fn take_number(&self) -> u64 {
        // Only the number itself is shared, so no other memory needs to be ordered with it.
        self.requests.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The path of the resource in its printed form.
    pub fn path(&self) -> &str {
        &self.path
    }
}

/// The tallies of all resources that were asked for.
#[derive(Debug, Default)]
pub struct Ledger {
    tallies: Mutex<HashMap<Box<[u8]>, Arc<Tally>>>,
}

impl Ledger {
    /// The tally of the resource at `path`, bytes from the root with a leading `/`.
    ///
    /// Takes a lock: callers keep the tally with the open file instead of asking for each request.
    pub fn tally(&self, path: &[u8]) -> Arc<Tally> {
        // A panic elsewhere cannot leave the map half-changed: each change is one insertion.
        let mut tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tally) = tallies.get(path) {
            return Arc::clone(tally);
        }
        let tally = Arc::new(Tally { path: path_text::encode(path), requests: AtomicU64::new(0) });
        tallies.insert(path.into(), Arc::clone(&tally));
        tally
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_no_gap_and_no_duplicate_under_concurrency() {
        let ledger = Ledger::default();
        let mut numbers: Vec<u64> = std::thread::scope(|scope| {
            let clients: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| (0..500).map(|_| ledger.tally(b"/a").take_number()).collect::<Vec<_>>())
                })
                .collect();
            clients.into_iter().flat_map(|client| client.join().expect("no client panics")).collect()
        });
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=4000).collect::<Vec<_>>());
        assert_eq!(ledger.tally(b"/b").take_number(), 1);
    }
}
