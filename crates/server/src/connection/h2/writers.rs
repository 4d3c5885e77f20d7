//! The tasks of a connection's streams that wait for their client.

use std::cell::RefCell;
use std::task::{Context, Waker};

/// All of a connection's.
#[derive(Default)]
pub(super) struct Writers(RefCell<Vec<Writer>>);

/// A task that waits for its client.
struct Writer {
    stream: u32,
    awaits: Awaited,
    waker: Waker,
}

/// What a task waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Awaited {
    /// Room for content.
    Room,
    /// The end of its stream, while it does something else.
    End,
}

impl Writers {
    /// How many wait for room.
    pub(super) fn awaiting_room(&self) -> usize {
        self.0.borrow().iter().filter(|writer| writer.awaits == Awaited::Room).count()
    }

    /// Notes that the task of a stream waits.
    pub(super) fn add(&self, stream: u32, awaits: Awaited, context: &Context<'_>) {
        let waker = context.waker();
        let mut writers = self.0.borrow_mut();
        match writers.iter_mut().find(|writer| writer.stream == stream) {
            Some(writer) => {
                writer.awaits = awaits;
                writer.waker.clone_from(waker);
            }
            None => writers.push(Writer { stream, awaits, waker: waker.clone() }),
        }
    }

    /// Notes that the task of a stream does not wait for its client any more.
    pub(super) fn remove(&self, stream: u32) {
        self.0.borrow_mut().retain(|writer| writer.stream != stream);
    }

    /// Wakes the task of a stream, if it waits. Whether it waits for its client any longer, it finds out itself.
    pub(super) fn stir(&self, stream: u32) {
        self.0.borrow_mut().iter_mut().filter(|writer| writer.stream == stream).for_each(Writer::stir);
    }

    /// Wakes all.
    pub(super) fn stir_all(&self) {
        self.0.borrow_mut().iter_mut().for_each(Writer::stir);
    }
}

impl Writer {
    fn stir(&mut self) {
        self.awaits = Awaited::End;
        self.waker.wake_by_ref();
    }
}
