//! The direction of a stream that an answer goes in: what is written to it, and what of that has arrived.
//!
//! QUIC holds what it was given until the client's system has acknowledged it and everything before it. So each piece that
//! is given away tells, when it is let go of, how far the client has come.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use h3::error::Code;
use quinn::SendStream;

use super::conversation::Conversation;
use super::transport::wire;
use crate::connection::presence::{Progress, Underway};

/// The least length of a piece, in bytes: how exactly a slow client's progress is known.
const LEAST_PIECE_BYTES: u64 = 4 * 1024;

/// How many pieces fill the send window, at the most: QUIC looks for what it sends among them.
const PIECES: u64 = 64;

/// How far an answer is, in positions of the output that it was rendered into: the head as it stands there, and the content.
#[derive(Debug, Default)]
pub(super) struct Course {
    sent: Cell<u64>,
    arrival: Arc<Arrival>,
}

/// What has arrived. Shared with what QUIC holds, which must not depend on a thread.
#[derive(Debug, Default)]
struct Arrival {
    position: AtomicU64,
    /// From now on, whatever is let go of was given up.
    is_over: AtomicBool,
}

/// An answer on its stream. One that is dropped unfinished is reset: its client must not take it for whole.
pub(super) struct Outflow {
    stream: SendStream,
    conversation: Rc<Conversation>,
    course: Rc<Course>,
    ending: Ending,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Ahead,
    Said,
}

/// Nothing more can be sent: the client does not want it, or is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut;

/// Bytes that tell when they have arrived.
struct Piece {
    bytes: Bytes,
    /// Where they end.
    end: u64,
    arrival: Arc<Arrival>,
    conversation_arrived: Arc<AtomicU64>,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        if !self.arrival.is_over.load(Ordering::Relaxed) {
            // Pieces are let go of in their order.
            self.arrival.position.store(self.end, Ordering::Relaxed);
            self.conversation_arrived.fetch_add(self.bytes.len() as u64, Ordering::Relaxed);
        }
    }
}

/// It can be seen at any time.
impl Underway for Course {
    fn ask_progress(&self) {}

    fn is_asked(&self) -> bool {
        false
    }

    fn progress(&self) -> Progress {
        Progress { sent: self.sent.get(), acknowledged: self.arrival.position.load(Ordering::Relaxed) }
    }
}

impl Course {
    fn advance(&self, length: u64) {
        self.sent.set(self.sent.get() + length);
    }

    fn end(&self) {
        self.arrival.is_over.store(true, Ordering::Relaxed);
    }
}

impl Outflow {
    /// Nothing yet.
    pub(super) fn new(stream: SendStream, conversation: Rc<Conversation>) -> Outflow {
        Outflow { stream, conversation, course: Rc::default(), ending: Ending::Ahead }
    }

    /// How far the answer is.
    pub(super) fn course(&self) -> &Rc<Course> {
        &self.course
    }

    /// Sends what has another form on the stream than in the output, where it is `length` bytes long.
    pub(super) async fn send_as(&mut self, bytes: Bytes, length: u64) -> Result<(), Cut> {
        let piece = self.piece(bytes, self.course.sent.get() + length);
        let mut pieces = [piece];
        while !pieces[0].is_empty() {
            self.write(&mut pieces).await?;
        }
        self.course.advance(length);
        Ok(())
    }

    /// Sends content.
    pub(super) async fn send(&mut self, mut content: Bytes) -> Result<(), Cut> {
        // It fits: no window is larger than a few MiB.
        let longest = (self.conversation.widen_window() / PIECES).max(LEAST_PIECE_BYTES) as usize;
        let mut end = self.course.sent.get();
        let mut pieces = Vec::with_capacity(content.len().div_ceil(longest));
        while !content.is_empty() {
            let piece = content.split_to(content.len().min(longest));
            end += piece.len() as u64;
            pieces.push(self.piece(piece, end));
        }
        let mut rest = &mut pieces[..];
        while !rest.is_empty() {
            let written = self.write(rest).await?;
            self.course.advance(written.bytes as u64);
            rest = &mut rest[written.chunks..];
        }
        Ok(())
    }

    fn piece(&self, bytes: Bytes, end: u64) -> Bytes {
        let arrival = Arc::clone(&self.course.arrival);
        let conversation_arrived = Arc::clone(self.conversation.arrived());
        Bytes::from_owner(Piece { bytes, end, arrival, conversation_arrived })
    }

    async fn write(&mut self, pieces: &mut [Bytes]) -> Result<quinn::Written, Cut> {
        match self.stream.write_chunks(pieces).await {
            Ok(written) => {
                self.conversation.meter().sent(written.bytes as u64);
                Ok(written)
            }
            Err(_) => {
                self.reset(Code::H3_REQUEST_CANCELLED);
                Err(Cut)
            }
        }
    }

    /// Says that the answer is whole.
    pub(super) fn finish(&mut self) {
        self.ending = Ending::Said;
        // A client that has stopped it meanwhile is noticed while its arrival is awaited.
        let _ = self.stream.finish();
    }

    /// Waits until the client's system has all of a finished answer; fails when it is known that it never will.
    pub(super) async fn arrival(&self) -> Result<(), Cut> {
        match self.stream.stopped().await {
            Ok(None) => Ok(()),
            Ok(Some(_)) | Err(_) => {
                self.course.end();
                Err(Cut)
            }
        }
    }

    /// Ends an answer that cannot be whole.
    pub(super) fn reset(&mut self, code: Code) {
        self.ending = Ending::Said;
        // What QUIC lets go of now has not arrived.
        self.course.end();
        // A stream that has ended already needs none.
        let _ = self.stream.reset(wire(code.value()));
    }
}

impl Drop for Outflow {
    fn drop(&mut self) {
        match self.ending {
            Ending::Ahead => self.reset(Code::H3_INTERNAL_ERROR),
            Ending::Said => self.course.end(),
        }
    }
}
