//! Whether anybody still waits for a listing, so that a reading on another thread ends when its client has gone.

use std::sync::{Arc, Weak};

/// Held by the one who waits.
#[derive(Debug)]
pub(crate) struct Seat(Arc<()>);

/// Held by the one who works.
#[derive(Clone, Debug)]
pub(crate) struct Audience(Weak<()>);

impl Seat {
    /// A seat that is taken until it is dropped.
    pub(crate) fn take() -> Seat {
        Seat(Arc::new(()))
    }

    /// The view from the stage.
    pub(crate) fn audience(&self) -> Audience {
        Audience(Arc::downgrade(&self.0))
    }
}

impl Audience {
    /// Whether nobody waits any more.
    pub(crate) fn is_gone(&self) -> bool {
        self.0.strong_count() == 0
    }
}
