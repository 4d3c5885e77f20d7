//! Where a connection's frames and packets come and go while its test does something else: a thread of its own.

use std::convert::Infallible;
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::SOON;

/// The thread; it ends once nobody holds this any more.
#[derive(Clone)]
pub(super) struct Network {
    runtime: Handle,
    _held: mpsc::Sender<Infallible>,
}

impl Network {
    pub(super) fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let handle = runtime.handle().clone();
        let (held, mut released) = mpsc::channel(1);
        thread::spawn(move || runtime.block_on(released.recv()));
        Self { runtime: handle, _held: held }
    }

    /// What makes sockets and tasks belong to this network where it is in scope.
    pub(super) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Waits for something that should come at once.
    pub(super) fn soon<T>(&self, coming: impl Future<Output = T>) -> T {
        self.within(SOON, coming).expect("an event in time")
    }

    /// Waits for something; nothing if it does not come within this time.
    pub(super) fn within<T>(&self, patience: Duration, coming: impl Future<Output = T>) -> Option<T> {
        self.runtime.block_on(async { timeout(patience, coming).await.ok() })
    }
}
