//! Input and output buffers. An idle connection holds none: they go back to their worker's pool between requests.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use tallyd_http::h1::head::MAX_HEAD_BYTES;

use super::receipts::Receipts;
use super::session::{BATCH_BYTES, SKEW_BYTES};
use crate::access_log::Peer;

/// Room for the longest head and something behind it, so that content behind a long head can be passed over.
const INPUT_BYTES: usize = MAX_HEAD_BYTES + 4096;

/// What an output buffer starts with: a head and small content.
const OUTPUT_BYTES: usize = 4096;

/// Buffers kept for reuse, of either kind: what is busy at one moment on one worker is far less.
const POOLED: usize = 64;

/// How much of a file is read at a time to be framed, in bytes: less costs more calls, more is no cheaper.
pub(super) const PIECE_BYTES: usize = 64 * 1024;

/// Output buffers that grew beyond this are not kept.
const POOLED_OUTPUT_BYTES: usize = 128 * 1024;

/// Content in memory of at least so many bytes is sent from where it is: to copy less is cheaper than a write in two pieces.
const LEAST_TAIL_BYTES: usize = 2048;

/// A worker's spare buffers.
#[derive(Default)]
pub(crate) struct Buffers {
    inputs: RefCell<Vec<Box<[u8]>>>,
    outputs: RefCell<Vec<Vec<u8>>>,
    /// For what is read only to be encrypted; a worker encrypts one piece at a time.
    scratch: RefCell<Box<[u8]>>,
}

impl Buffers {
    /// Has something done with room for a batch of records.
    pub(crate) fn with_scratch<T>(&self, work: impl FnOnce(&mut [u8]) -> T) -> T {
        let mut scratch = self.scratch.borrow_mut();
        if scratch.is_empty() {
            *scratch = vec![0; SKEW_BYTES + BATCH_BYTES].into();
        }
        work(&mut scratch[SKEW_BYTES..])
    }

    fn take_input(&self) -> Box<[u8]> {
        self.inputs.borrow_mut().pop().unwrap_or_else(|| vec![0; INPUT_BYTES].into())
    }

    fn put_input(&self, buffer: Box<[u8]>) {
        let mut inputs = self.inputs.borrow_mut();
        if inputs.len() < POOLED {
            inputs.push(buffer);
        }
    }

    /// An empty buffer for output.
    pub(super) fn take_output(&self) -> Vec<u8> {
        self.outputs.borrow_mut().pop().unwrap_or_else(|| Vec::with_capacity(OUTPUT_BYTES))
    }

    /// Gives a buffer back that was taken for output.
    pub(super) fn put_output(&self, mut buffer: Vec<u8>) {
        let mut outputs = self.outputs.borrow_mut();
        if outputs.len() < POOLED && buffer.capacity() <= POOLED_OUTPUT_BYTES {
            buffer.clear();
            outputs.push(buffer);
        }
    }
}

/// Answers to one client: what waits to be written together, and what is on its way.
pub(crate) struct Output {
    /// Heads and small content, in the order of the requests.
    pub(crate) bytes: Vec<u8>,
    /// Content that follows `bytes` and stays where it is remembered.
    tail: Option<Tail>,
    /// Where `bytes` begins in the connection's stream.
    pub(crate) at: u64,
    /// What was promised to the ledger.
    pub(crate) receipts: Receipts,
    /// The client.
    pub(crate) peer: Peer,
    /// What its address for us begins with.
    pub(crate) scheme: Scheme,
}

/// The two schemes of HTTP (RFC 9110 §4.2): whether a conversation is protected by TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
}

impl Output {
    /// Nothing yet.
    pub(crate) fn new(peer: Peer, scheme: Scheme, receipts: Receipts) -> Output {
        Output { bytes: Vec::new(), tail: None, at: 0, receipts, peer, scheme }
    }

    /// Where the next byte will stand in the connection's stream.
    pub(crate) fn position(&self) -> u64 {
        self.at + self.length() as u64
    }

    /// How many bytes are waiting.
    pub(crate) fn length(&self) -> usize {
        self.bytes.len() + self.tail().len()
    }

    /// What follows `bytes`.
    pub(crate) fn tail(&self) -> &[u8] {
        self.tail.as_ref().map_or(&[], |tail| &tail.content[tail.range.clone()])
    }

    /// Adds a part of remembered content; nothing may be added after it before `gather`.
    pub(crate) fn add_content(&mut self, content: Rc<[u8]>, range: Range<usize>) {
        if range.len() < LEAST_TAIL_BYTES {
            self.bytes.extend_from_slice(&content[range]);
        } else {
            self.tail = Some(Tail { content, range });
        }
    }

    /// Takes what follows `bytes`.
    pub(super) fn take_tail(&mut self) -> Option<(Rc<[u8]>, Range<usize>)> {
        self.tail.take().map(|Tail { content, range }| (content, range))
    }

    /// Makes room for another answer behind what is waiting.
    pub(crate) fn gather(&mut self) {
        if let Some(Tail { content, range }) = self.tail.take() {
            self.bytes.extend_from_slice(&content[range]);
        }
    }

    /// Forgets what was waiting, now that it was sent or given up.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.tail = None;
    }

    /// Has a buffer ready.
    pub(crate) fn acquire(&mut self, pool: &Buffers) {
        if self.bytes.capacity() == 0 {
            self.bytes = pool.take_output();
        }
    }

    /// Gives the buffer back, after everything in it was sent or given up.
    pub(crate) fn release(&mut self, pool: &Buffers) {
        if self.bytes.capacity() > 0 {
            pool.put_output(std::mem::take(&mut self.bytes));
        }
    }
}

/// A part of remembered content.
struct Tail {
    content: Rc<[u8]>,
    range: Range<usize>,
}

/// What a client has sent and is not consumed yet.
#[derive(Default)]
pub(crate) struct Input {
    buffer: Option<Box<[u8]>>,
    start: usize,
    end: usize,
}

impl Input {
    /// The bytes received and not consumed.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.buffer.as_deref().map_or(&[], |buffer| &buffer[self.start..self.end])
    }

    /// Whether nothing is waiting to be consumed.
    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Whether there is no more room: who has sent so much has more to say.
    pub(crate) fn is_full(&self) -> bool {
        self.buffer.as_ref().is_some_and(|buffer| self.end == buffer.len())
    }

    /// Room to read into, from `pool` if need be; empty only if unconsumed bytes fill the whole buffer.
    pub(crate) fn room(&mut self, pool: &Buffers) -> &mut [u8] {
        let buffer = self.buffer.get_or_insert_with(|| pool.take_input());
        if self.start > 0 {
            buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        &mut buffer[self.end..]
    }

    /// Says that `length` bytes were read into the room.
    pub(crate) fn extend(&mut self, length: usize) {
        self.end += length;
    }

    /// Consumes empty lines, which may stand before a request (RFC 9112 §2.2) and are none themselves.
    pub(crate) fn skip_empty_lines(&mut self) {
        let length = self.bytes().iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        self.consume(length);
    }

    /// Consumes the first `length` bytes.
    pub(crate) fn consume(&mut self, length: usize) {
        self.start += length;
        if self.start >= self.end {
            self.clear();
        }
    }

    /// Consumes everything.
    pub(crate) fn clear(&mut self) {
        (self.start, self.end) = (0, 0);
    }

    /// Removes `length` bytes that come after the first `keep`.
    pub(crate) fn remove_after(&mut self, keep: usize, length: usize) {
        if let Some(buffer) = &mut self.buffer {
            let from = self.start + keep;
            buffer.copy_within(from + length..self.end, from);
            self.end -= length;
        }
    }

    /// Gives the buffer back if nothing in it is waiting.
    pub(crate) fn release(&mut self, pool: &Buffers) {
        if self.is_empty()
            && let Some(buffer) = self.buffer.take()
        {
            pool.put_input(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receive(input: &mut Input, pool: &Buffers, bytes: &[u8]) {
        input.room(pool)[..bytes.len()].copy_from_slice(bytes);
        input.extend(bytes.len());
    }

    #[test]
    fn input_is_consumed_in_order_and_its_buffer_returns_when_empty() {
        let (pool, mut input) = (Buffers::default(), Input::default());
        receive(&mut input, &pool, b"headCONTENTnext");
        input.remove_after(4, 7);
        assert_eq!(input.bytes(), b"headnext");
        input.consume(4);
        receive(&mut input, &pool, b"!");
        assert_eq!(input.bytes(), b"next!");
        assert!(!input.is_full());
        let room = input.room(&pool).len();
        input.extend(room);
        assert!(input.is_full());
        input.consume(room);
        assert_eq!(input.bytes().len(), 5);
        assert!(input.is_full(), "its end is");
        input.release(&pool);
        assert_eq!(pool.inputs.borrow().len(), 0);
        input.consume(5);
        assert!(input.is_empty());
        input.release(&pool);
        assert_eq!(pool.inputs.borrow().len(), 1);
        assert_eq!(input.room(&pool).len(), INPUT_BYTES);
    }
}
