//! Who is told of committed deliveries.

use std::path::Path;
use std::time::SystemTime;

use crate::delivery::Delivery;
use crate::store::StoreError;

/// Is told what happens, on the writer's thread. It must not block and must not panic: while it runs nothing
/// is committed, and a panic ends the process. An access log owns a thread and a bounded queue of its own.
pub trait Observer<L>: Send + 'static {
    /// A delivery has ended, and its number is committed: it is in the ledger whatever happens next, and no
    /// other delivery of this resource ever gets it. `path` is the printed form.
    fn committed(&mut self, path: &str, delivery: &Delivery<L>);

    /// No more deliveries for the moment: a good time to hand on what was gathered.
    fn batch_ended(&mut self) {}

    /// So many deliveries were counted, but [`committed`](Self::committed) will never be called for them,
    /// because the store or this observer was too slow for too long.
    fn lines_dropped(&mut self, count: u64) {
        let _ = count;
    }

    /// The store began to fail, or works again.
    fn store_changed(&mut self, state: &StoreState) {
        let _ = state;
    }

    /// The ledger was damaged. It is now at `aside`, and a new one holds the files in memory.
    fn set_aside(&mut self, aside: &Path) {
        let _ = aside;
    }
}

/// Counting without lines.
impl<L> Observer<L> for () {
    fn committed(&mut self, _path: &str, _delivery: &Delivery<L>) {}
}

/// Whether what is counted reaches the store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StoreState {
    /// It does, within milliseconds.
    #[default]
    Sound,
    /// It stays in memory and is written when the store allows. Lines wait too.
    Failing {
        /// The latest failure.
        error: StoreError,
        /// When the first one was.
        since: SystemTime,
    },
}
