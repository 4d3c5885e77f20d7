//! Content that waits to be framed, where it is: what is remembered anyway is not copied.

use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use bytes::{Buf, Bytes};

use crate::connection::session::SKEW_BYTES;
use crate::worker::Worker;

/// Some content of an answer.
pub(super) struct Payload {
    content: Content,
    /// What of it is still to be framed.
    range: Range<usize>,
}

#[derive(Clone)]
enum Content {
    /// Made for this answer.
    Made(Bytes),
    /// Remembered by this worker.
    Memory(Rc<[u8]>),
    /// Remembered by all workers.
    Shared(Arc<[u8]>),
    /// Read from a file.
    Read(Rc<Portion>),
}

/// A portion of a file, in a buffer that goes back to its worker.
pub(super) struct Portion {
    buffer: Box<[u8]>,
    worker: Rc<Worker>,
}

impl Payload {
    /// Nothing, to end a stream with.
    pub(super) fn empty() -> Payload {
        Payload::made(Bytes::new())
    }

    /// What was made for this answer.
    pub(super) fn made(content: Bytes) -> Payload {
        Payload { range: 0..content.len(), content: Content::Made(content) }
    }

    /// A part of what this worker remembers.
    pub(super) fn memory(content: Rc<[u8]>, range: Range<usize>) -> Payload {
        Payload { range, content: Content::Memory(content) }
    }

    /// A part of what all workers remember.
    pub(super) fn shared(content: Arc<[u8]>, range: Range<usize>) -> Payload {
        Payload { range, content: Content::Shared(content) }
    }

    /// The first `length` bytes of what was read from a file.
    pub(super) fn read(portion: Portion, length: usize) -> Payload {
        Payload { range: SKEW_BYTES..SKEW_BYTES + length, content: Content::Read(Rc::new(portion)) }
    }

    /// Takes the first `length` bytes away.
    pub(super) fn split_to(&mut self, length: usize) -> Payload {
        let at = self.range.start + length;
        let first = Payload { content: self.content.clone(), range: self.range.start..at };
        self.range.start = at;
        first
    }
}

impl Buf for Payload {
    fn remaining(&self) -> usize {
        self.range.len()
    }

    fn chunk(&self) -> &[u8] {
        let bytes: &[u8] = match &self.content {
            Content::Made(bytes) => bytes,
            Content::Memory(bytes) => bytes,
            Content::Shared(bytes) => bytes,
            Content::Read(portion) => &portion.buffer,
        };
        &bytes[self.range.clone()]
    }

    fn advance(&mut self, count: usize) {
        self.range.start += count;
    }
}

impl Portion {
    /// A buffer of the worker's.
    pub(super) fn new(worker: Rc<Worker>) -> Portion {
        Portion { buffer: worker.buffers.take_piece(), worker }
    }

    /// Room to read into.
    pub(super) fn room(&mut self) -> &mut [u8] {
        &mut self.buffer[SKEW_BYTES..]
    }
}

impl Drop for Portion {
    fn drop(&mut self) {
        self.worker.buffers.put_piece(std::mem::take(&mut self.buffer));
    }
}
