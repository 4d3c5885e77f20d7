//! The content of an answer as data on a stream, as fast as its client lets it come (RFC 9113 §5.2).

use std::borrow::Cow;
use std::future::poll_fn;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use bytes::{Buf, Bytes};
use h2::SendStream;
use tallyd_http::multipart::Piece;
use tallyd_http::range::ByteRange;
use tallyd_http::response::Body;

use super::exchange::Gone;
use super::link::Link;
use super::payload::{Payload, Portion};
use crate::backend::remembered::Handle;
use crate::connection::buffers::PIECE_BYTES;
use crate::connection::session::RECORD_BYTES;
use crate::transmit::{Outcome, Reading, Unread, indices};

/// From this length on, what is read lies in a whole buffer, in bytes.
const LEAST_PIECE_BYTES: usize = PIECE_BYTES / 4;

/// How much content a frame has that is a whole record with its head (RFC 9113 §4.1).
const FRAME_BYTES: usize = RECORD_BYTES - 9;

/// How much of a file is read at a time, in bytes.
const READ_BYTES: usize = PIECE_BYTES / RECORD_BYTES * FRAME_BYTES;

/// How much is sent before others get their turn, in bytes.
const TURN_BYTES: usize = 256 * 1024;

/// Whether a piece is the last of its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Last,
    Within,
}

/// Sends a content that is not empty, and the end of the stream.
pub(super) async fn send_body(
    stream: &mut SendStream<Payload>,
    body: Body<Handle>,
    link: &Rc<Link>,
) -> Result<Outcome, Gone> {
    match body {
        Body::Empty => stream.send_data(Payload::empty(), true).map(|()| Outcome::Whole).map_err(Gone::from),
        Body::Bytes(bytes) => {
            let content = match bytes {
                Cow::Borrowed(bytes) => Bytes::from_static(bytes),
                Cow::Owned(bytes) => bytes.into(),
            };
            send_last(stream, Payload::made(content), link).await.map(|()| Outcome::Whole)
        }
        Body::Slice { handle, range } => send_slice(stream, &handle, range, Place::Last, link).await,
        Body::Parts { handle, parts } => {
            for piece in parts.pieces() {
                let sent = match piece {
                    Piece::Bytes(bytes) => {
                        let made = Payload::made(bytes.into());
                        send_memory(stream, made, Place::Within, link).await.map(|()| Outcome::Whole)
                    }
                    Piece::Slice(range) => send_slice(stream, &handle, range, Place::Within, link).await,
                };
                if sent? == Outcome::Truncated {
                    return Ok(Outcome::Truncated);
                }
            }
            stream.send_data(Payload::empty(), true)?;
            Ok(Outcome::Whole)
        }
    }
}

/// Sends content that is in memory and not empty, and the end of the stream.
pub(super) async fn send_last(
    stream: &mut SendStream<Payload>,
    content: Payload,
    link: &Rc<Link>,
) -> Result<(), Gone> {
    send_memory(stream, content, Place::Last, link).await
}

/// Sends a piece that more follows.
pub(super) async fn send_piece(
    stream: &mut SendStream<Payload>,
    bytes: Vec<u8>,
    link: &Rc<Link>,
) -> Result<(), Gone> {
    send_memory(stream, Payload::made(bytes.into()), Place::Within, link).await
}

async fn send_slice(
    stream: &mut SendStream<Payload>,
    handle: &Handle,
    range: ByteRange,
    place: Place,
    link: &Rc<Link>,
) -> Result<Outcome, Gone> {
    let payload = match handle {
        Handle::Memory(content) => Payload::memory(Rc::clone(content), indices(range)),
        Handle::Shared(content) => Payload::shared(Arc::clone(content), indices(range)),
        Handle::File(file) => return send_file(stream, file, range, place, link).await,
    };
    send_memory(stream, payload, place, link).await?;
    Ok(Outcome::Whole)
}

async fn send_memory(
    stream: &mut SendStream<Payload>,
    mut payload: Payload,
    place: Place,
    link: &Rc<Link>,
) -> Result<(), Gone> {
    while payload.has_remaining() {
        let room = room(stream, payload.remaining(), link).await?;
        let piece = payload.split_to(room);
        stream.send_data(piece, !payload.has_remaining() && place == Place::Last)?;
    }
    Ok(())
}

async fn send_file(
    stream: &mut SendStream<Payload>,
    file: &Arc<OwnedFd>,
    range: ByteRange,
    place: Place,
    link: &Rc<Link>,
) -> Result<Outcome, Gone> {
    let mut reading = Reading::new(file, range);
    let mut turn = 0;
    while reading.left() > 0 {
        // What is sent at a time fits `usize` on every platform.
        let room = room(stream, reading.left().min(READ_BYTES as u64) as usize, link).await?;
        match read(&mut reading, room, link) {
            Ok(payload) => {
                let taken = payload.remaining();
                link.give_back(stream.stream_id().as_u32(), room - taken);
                turn += taken;
                let place = if reading.left() == 0 { place } else { Place::Within };
                send_frames(stream, payload, place)?;
            }
            Err(Unread::Lost) => return Ok(Outcome::Truncated),
            Err(Unread::Cold) => {
                link.give_back(stream.stream_id().as_u32(), room);
                reading.fetch().await;
                continue;
            }
        }
        if turn >= TURN_BYTES {
            turn = 0;
            tokio::task::yield_now().await;
        }
    }
    Ok(Outcome::Whole)
}

/// Sends a piece in frames that are made into records as they are.
fn send_frames(stream: &mut SendStream<Payload>, mut piece: Payload, place: Place) -> Result<(), Gone> {
    while piece.remaining() > FRAME_BYTES {
        stream.send_data(piece.split_to(FRAME_BYTES), false)?;
    }
    Ok(stream.send_data(piece, place == Place::Last)?)
}

/// Reads up to `length` bytes.
fn read(reading: &mut Reading<'_>, length: usize, link: &Link) -> Result<Payload, Unread> {
    // A client that lets come little at a time would hold a whole buffer for each.
    if length < LEAST_PIECE_BYTES {
        let mut content = vec![0; length];
        let taken = reading.read(&mut content)?;
        content.truncate(taken);
        return Ok(Payload::made(content.into()));
    }
    let mut portion = Portion::new(Rc::clone(&link.worker));
    let taken = reading.read(&mut portion.room()[..length])?;
    Ok(Payload::read(portion, taken))
}

/// Waits until there is room for some of `wanted` bytes, with the client and on the connection; returns for how many.
async fn room(stream: &mut SendStream<Payload>, wanted: usize, link: &Rc<Link>) -> Result<usize, Gone> {
    let wanted = wanted.min(PIECE_BYTES);
    let room = capacity(stream, wanted).await?.min(wanted);
    link.hold_when_possible(stream.stream_id().as_u32(), room).await?;
    Ok(room)
}

/// Waits until the client grants some of `wanted` bytes; returns how many, or more.
async fn capacity(stream: &mut SendStream<Payload>, wanted: usize) -> Result<usize, Gone> {
    stream.reserve_capacity(wanted);
    poll_fn(|context| {
        if stream.capacity() > 0 {
            // The client may have reset the stream although there is room.
            return match stream.poll_reset(context) {
                Poll::Pending => Poll::Ready(Ok(stream.capacity())),
                Poll::Ready(_) => Poll::Ready(Err(Gone)),
            };
        }
        loop {
            match stream.poll_capacity(context) {
                Poll::Ready(Some(Ok(0))) => {}
                Poll::Ready(Some(Ok(room))) => return Poll::Ready(Ok(room)),
                Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(Err(Gone)),
                Poll::Pending => return Poll::Pending,
            }
        }
    })
    .await
}
