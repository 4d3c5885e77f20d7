//! The content of an answer as data on a stream, as fast as its client lets it come (RFC 9113 §5.2).

use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::Arc;

use tallyd_http::h2::answer::Followed;
use tallyd_http::h2::frame::HEAD_BYTES;
use tallyd_http::multipart::Piece;
use tallyd_http::range::ByteRange;
use tallyd_http::response::Body;

use super::exchange::Gone;
use super::link::Link;
use crate::backend::remembered::Handle;
use crate::connection::buffers::PIECE_BYTES;
use crate::connection::session::RECORD_BYTES;
use crate::transmit::{Outcome, Reading, Unread, indices};

/// How much content a frame has that is a whole record with its head (RFC 9113 §4.1), in bytes.
const FRAME_BYTES: usize = RECORD_BYTES - HEAD_BYTES;

/// How much is written at a time, in bytes.
const TURN_BYTES: usize = PIECE_BYTES / RECORD_BYTES * FRAME_BYTES;

/// How much of a file is sent before others get their turn, in bytes.
const WINDOW_BYTES: usize = 256 * 1024;

/// A stream whose answer's head was written.
pub(super) struct Stream<'a> {
    pub(super) link: &'a Rc<Link>,
    pub(super) number: u32,
}

impl Stream<'_> {
    /// Sends content, and the end of the stream.
    pub(super) async fn send_body(&self, body: Body<Handle>) -> Result<Outcome, Gone> {
        match body {
            Body::Empty => self.send_end().map(|()| Outcome::Whole),
            Body::Bytes(bytes) => {
                self.send_memory(&bytes, Followed::ByNothing).await.map(|()| Outcome::Whole)
            }
            Body::Slice { handle, range } => self.send_slice(&handle, range, Followed::ByNothing).await,
            Body::Parts { handle, parts } => {
                for piece in parts.pieces() {
                    let sent = match piece {
                        Piece::Bytes(bytes) => self.send_piece(&bytes).await.map(|()| Outcome::Whole),
                        Piece::Slice(range) => self.send_slice(&handle, range, Followed::ByContent).await,
                    };
                    if sent? == Outcome::Truncated {
                        return Ok(Outcome::Truncated);
                    }
                }
                self.send_end().map(|()| Outcome::Whole)
            }
        }
    }

    /// Sends a piece that more follows.
    pub(super) async fn send_piece(&self, piece: &[u8]) -> Result<(), Gone> {
        self.send_memory(piece, Followed::ByContent).await
    }

    /// Ends the stream behind its content.
    pub(super) fn send_end(&self) -> Result<(), Gone> {
        self.link.write_content(self.number, &[], Followed::ByNothing)
    }

    /// Sends content that is in memory.
    pub(super) async fn send_memory(&self, content: &[u8], followed: Followed) -> Result<(), Gone> {
        let mut rest = content;
        while !rest.is_empty() {
            let room = self.link.hold(self.number, rest.len().min(TURN_BYTES)).await?;
            let (piece, behind) = rest.split_at(room);
            self.write(piece, if behind.is_empty() { followed } else { Followed::ByContent })?;
            // What was written is for the connection to send.
            self.link.wake();
            rest = behind;
        }
        Ok(())
    }

    /// Writes content for which room was taken, and has it sent.
    pub(super) fn write(&self, content: &[u8], followed: Followed) -> Result<(), Gone> {
        let mut rest = content;
        while rest.len() > FRAME_BYTES {
            let (frame, behind) = rest.split_at(FRAME_BYTES);
            self.link.write_content(self.number, frame, Followed::ByContent).inspect_err(|_| {
                self.link.give_back(behind.len());
            })?;
            rest = behind;
        }
        self.link.write_content(self.number, rest, followed)
    }

    async fn send_slice(
        &self,
        handle: &Handle,
        range: ByteRange,
        followed: Followed,
    ) -> Result<Outcome, Gone> {
        match handle {
            Handle::Memory(content) => self.send_memory(&content[indices(range)], followed).await,
            Handle::Shared(content) => self.send_memory(&content[indices(range)], followed).await,
            Handle::File(file) => return self.send_file(file, range, followed).await,
        }
        .map(|()| Outcome::Whole)
    }

    async fn send_file(
        &self,
        file: &Arc<OwnedFd>,
        range: ByteRange,
        followed: Followed,
    ) -> Result<Outcome, Gone> {
        let mut reading = Reading::new(file, range);
        let mut since_others_turn = 0;
        while reading.left() > 0 {
            // What is sent at a time fits `usize` on every platform.
            let room = self.link.hold(self.number, reading.left().min(TURN_BYTES as u64) as usize).await?;
            match self.write_from(&mut reading, room, followed)? {
                Ok(written) => since_others_turn += written,
                Err(Unread::Lost) => return Ok(Outcome::Truncated),
                Err(Unread::Cold) => {
                    // Its client is not to blame for what follows.
                    self.link.wake();
                    reading.fetch().await;
                }
            }
            if since_others_turn >= WINDOW_BYTES {
                since_others_turn = 0;
                tokio::task::yield_now().await;
            }
        }
        Ok(Outcome::Whole)
    }

    /// Reads content for which room was taken, and writes it.
    fn write_from(
        &self,
        reading: &mut Reading<'_>,
        room: usize,
        followed: Followed,
    ) -> Result<Result<usize, Unread>, Gone> {
        self.link.worker.buffers.with_scratch(|scratch| {
            let read = reading.read(&mut scratch[..room]);
            self.link.give_back(room - *read.as_ref().unwrap_or(&0));
            let taken = match read {
                Ok(taken) => taken,
                Err(unread) => return Ok(Err(unread)),
            };
            let followed = if reading.left() == 0 { followed } else { Followed::ByContent };
            self.write(&scratch[..taken], followed)?;
            self.link.wake();
            Ok(Ok(taken))
        })
    }
}
