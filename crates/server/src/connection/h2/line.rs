//! A connection's socket with what is on its way through it: what many streams write leaves together.

use std::io;
use std::task::{Context, Poll};

use super::gathered::Gathered;
use crate::connection::buffers::{Buffers, Input};
use crate::connection::session::{BATCH_BYTES, RECORD_BYTES, SKEW_BYTES};
use crate::connection::socket::{End, Socket};

/// How much is written before it is sent although more is to come, in bytes: a batch of records.
const FULL_BYTES: usize = BATCH_BYTES;

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
    /// How much content is among both.
    content: usize,
    /// How long the conversation is, as far as it was written.
    position: u64,
}

impl Line {
    /// Over `socket`, from which `input` was read already.
    pub(super) fn new(socket: Socket, input: Input) -> Line {
        let position = socket.position();
        Line { socket, input, out: Gathered::default(), sealed: 0, content: 0, position }
    }

    /// Where the next byte will stand in the conversation.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// How much was written and not sent, in bytes.
    pub(super) fn unsent(&self) -> usize {
        self.sealed + self.out.waiting().len()
    }

    /// The same of what is not content.
    pub(super) fn unsent_heads(&self) -> usize {
        self.unsent().saturating_sub(self.content)
    }

    /// Whether it is time to send what was written although more is to come.
    pub(super) fn is_full(&self) -> bool {
        self.unsent() >= FULL_BYTES
    }

    /// Writes what `add` adds to what waits.
    pub(super) fn write<T>(&mut self, pool: &Buffers, add: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        let room = self.out.room(pool);
        let before = room.len();
        let added = add(room);
        self.position += (room.len() - before) as u64;
        added
    }

    /// Writes a frame of content. Content that fills a record is made into one from where it is; other things are gathered.
    pub(super) fn write_content(&mut self, head: &[u8], content: &[u8], pool: &Buffers) -> Result<(), End> {
        self.content += content.len();
        if !(self.socket.is_sealed() && fills_record(head, content)) {
            self.write(pool, |out| {
                out.extend_from_slice(head);
                out.extend_from_slice(content);
            });
            return Ok(());
        }
        while !self.out.waiting().is_empty() {
            self.seal(&[], pool)?;
        }
        self.write(pool, |out| out.extend_from_slice(head));
        let sealed = self.seal(content, pool)?;
        self.position += sealed as u64;
        // A frame fits what is made into records at a time; whatever did not, goes behind it.
        match &content[sealed..] {
            [] => {}
            rest => self.write(pool, |out| out.extend_from_slice(rest)),
        }
        Ok(())
    }

    /// Makes records of what is waiting and of content that follows it; returns how much of that.
    fn seal(&mut self, content: &[u8], pool: &Buffers) -> Result<usize, End> {
        let waiting = self.out.waiting();
        let (waited, sealed) = (waiting.len(), self.socket.seal(waiting, content)?);
        let of_waiting = sealed.min(waited);
        self.out.consume(of_waiting, pool);
        self.sealed += sealed;
        Ok(sealed - of_waiting)
    }

    /// Sends what was written. Says how much content has left, also where more is to.
    pub(super) fn poll_flush(
        &mut self,
        context: &mut Context<'_>,
        pool: &Buffers,
    ) -> (usize, Poll<Result<(), End>>) {
        let mut left = 0;
        loop {
            let (sent, tried) = self.try_flush(pool);
            left += sent;
            match tried {
                Ok(()) => return (left, Poll::Ready(Ok(()))),
                Err(error) => match self.socket.poll_again(context, &error) {
                    Poll::Ready(Ok(())) => {}
                    waits => return (left, waits),
                },
            }
        }
    }

    /// Sends what the kernel takes now of what was written. Says how much content has left.
    pub(super) fn try_flush(&mut self, pool: &Buffers) -> (usize, io::Result<()>) {
        let before = self.unsent();
        let tried = self.try_send_all(pool);
        let left = match self.unsent() {
            0 => self.content,
            // What is no content is taken to leave last: it is little.
            unsent => self.content.min(before - unsent),
        };
        self.content -= left;
        (left, tried)
    }

    fn try_send_all(&mut self, pool: &Buffers) -> io::Result<()> {
        while !self.out.waiting().is_empty() {
            let taken = self.socket.try_send(self.out.waiting())?;
            // Records were made when those before them had gone.
            self.sealed = if self.socket.is_sealed() { taken } else { 0 };
            self.out.consume(taken, pool);
        }
        self.socket.try_flush()?;
        self.sealed = 0;
        Ok(())
    }
}

/// Whether a frame is worth a record of its own, and its content lies where a record is well made from.
fn fills_record(head: &[u8], content: &[u8]) -> bool {
    head.len() + content.len() >= RECORD_BYTES && content.as_ptr().addr() % PAGE_BYTES >= LEAST_SKEW_BYTES
}
