//! A connection's socket with what is on its way through it: what many streams write leaves together.

use std::io::IoSlice;
use std::task::{Context, Poll, ready};

use super::deliveries::Deliveries;
use super::flood::Flood;
use super::frames::{ACK, Follower, Frame, Kind};
use super::gathered::Gathered;
use crate::clock::Moment;
use crate::connection::buffers::{Buffers, Input};
use crate::connection::presence::Awaits;
use crate::connection::session::{RECORD_BYTES, SKEW_BYTES};
use crate::connection::socket::{End, Socket};

/// How much is gathered before it is sent although more is to come, in bytes.
const FULL_BYTES: usize = 64 * 1024;

/// How far behind the start of a page content must lie to be made into records from there, in bytes; see [`SKEW_BYTES`].
const LEAST_SKEW_BYTES: usize = SKEW_BYTES / 4;
const PAGE_BYTES: usize = 4096;

/// The socket with what is on its way through it.
pub(super) struct Line {
    pub(super) socket: Socket,
    pub(super) input: Input,
    /// What was written and not sent.
    out: Gathered,
    /// How much was written before that, and lies in records that were not sent, in bytes.
    sealed: usize,
    pub(super) incoming: Follower,
    pub(super) start_of_client: Start,
    pub(super) incoming_end: IncomingEnd,
    pub(super) flood: Flood,
    /// When it was last asked what has arrived.
    pub(super) looked: Moment,
}

/// What was taken of what is written.
pub(super) struct Taken {
    pub(super) written: usize,
    /// How much of it is content of streams.
    pub(super) of_content: usize,
}

/// How a client begins behind its preface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    Expected,
    /// With its settings, as it must (RFC 9113 §3.4).
    Right,
    Wrong,
}

/// Whether the client has ended its side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IncomingEnd {
    Open,
    /// It has; requests that came with the end are answered first.
    Seen,
}

impl Start {
    pub(super) fn note(&mut self, frame: Frame) {
        if *self == Start::Expected {
            let is_right = frame.kind == Kind::Settings && !frame.has(ACK);
            *self = if is_right { Start::Right } else { Start::Wrong };
        }
    }
}

impl Line {
    /// Over `socket`, from which `input` was read already.
    pub(super) fn new(socket: Socket, input: Input) -> Line {
        Line {
            socket,
            input,
            out: Gathered::default(),
            sealed: 0,
            incoming: Follower::of_client(),
            start_of_client: Start::Expected,
            incoming_end: IncomingEnd::Open,
            flood: Flood::default(),
            looked: Moment::now(),
        }
    }

    /// Asks what has arrived.
    pub(super) fn look(&mut self, deliveries: &mut Deliveries) {
        self.looked = Moment::now();
        deliveries.settle(self.socket.acknowledged());
        if deliveries.are_done() {
            self.socket.await_acknowledgements(Awaits::None);
        }
    }

    /// How much was written and not sent, in bytes.
    pub(super) fn unsent(&self) -> usize {
        self.sealed + self.out.waiting().len()
    }

    /// Takes what is written, once there is room for it.
    pub(super) fn poll_take(
        &mut self,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
        deliveries: &mut Deliveries,
        pool: &Buffers,
    ) -> Poll<Result<Taken, End>> {
        if self.unsent() >= FULL_BYTES {
            ready!(self.poll_room(context, pool))?;
        }
        Poll::Ready(self.take(pieces, deliveries, pool))
    }

    /// Takes what is written. Content that fills a record is made into one from where it is; other things are gathered.
    fn take(
        &mut self,
        pieces: &[IoSlice<'_>],
        deliveries: &mut Deliveries,
        pool: &Buffers,
    ) -> Result<Taken, End> {
        match pieces.split_last() {
            Some((content, heads)) if self.socket.is_sealed() && fills_record(heads, content) => {
                if !self.out.waiting().is_empty() {
                    self.seal(&[], pool)?;
                }
                let heads = self.out.add(heads, pool);
                let (written, of_content) = (heads.len(), deliveries.note_written(heads));
                let content = &content[..self.seal(content, pool)?];
                Ok(Taken {
                    written: written + content.len(),
                    of_content: of_content + deliveries.note_written(content),
                })
            }
            Some(_) | None => {
                let gathered = self.out.add(pieces, pool);
                Ok(Taken { written: gathered.len(), of_content: deliveries.note_written(gathered) })
            }
        }
    }

    /// Makes records of what is waiting and of content that follows it; returns how much of that.
    fn seal(&mut self, content: &[u8], pool: &Buffers) -> Result<usize, End> {
        let waiting = self.out.waiting();
        let (waited, sealed) = (waiting.len(), self.socket.seal(waiting, content)?);
        self.out.consume(waited, pool);
        self.sealed += sealed;
        Ok(sealed - waited)
    }

    /// Makes room for more: sends the records that there are, or else what is waiting.
    fn poll_room(&mut self, context: &mut Context<'_>, pool: &Buffers) -> Poll<Result<(), End>> {
        if self.sealed == 0 {
            return self.poll_send(context, pool);
        }
        ready!(self.socket.poll_flush(context))?;
        self.sealed = 0;
        Poll::Ready(Ok(()))
    }

    /// Sends what is waiting.
    fn poll_send(&mut self, context: &mut Context<'_>, pool: &Buffers) -> Poll<Result<(), End>> {
        while !self.out.waiting().is_empty() {
            let taken = ready!(self.socket.poll_send(context, self.out.waiting()))?;
            self.out.consume(taken, pool);
        }
        Poll::Ready(Ok(()))
    }

    /// Sends what is waiting and what the socket has taken of it.
    pub(super) fn poll_flush(&mut self, context: &mut Context<'_>, pool: &Buffers) -> Poll<Result<(), End>> {
        ready!(self.poll_send(context, pool))?;
        ready!(self.socket.poll_flush(context))?;
        self.sealed = 0;
        Poll::Ready(Ok(()))
    }
}

/// Whether a frame is worth a record of its own, and lies where a record is well made from.
fn fills_record(heads: &[IoSlice<'_>], content: &[u8]) -> bool {
    let length = heads.iter().map(|head| head.len()).sum::<usize>() + content.len();
    length >= RECORD_BYTES && content.as_ptr().addr() % PAGE_BYTES >= LEAST_SKEW_BYTES
}
