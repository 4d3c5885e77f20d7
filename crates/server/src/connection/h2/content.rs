//! The content of an answer as data on a stream, as fast as its client lets it come (RFC 9113 §5.2).

use std::future::poll_fn;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use h2::SendStream;
use tallyd_http::multipart::Piece;
use tallyd_http::range::ByteRange;
use tallyd_http::response::Body;

use super::exchange::Gone;
use super::link::Link;
use crate::backend::folder::{Failure, Patience, read_at};
use crate::backend::remembered::Handle;
use crate::transmit::{Outcome, WINDOW_BYTES, indices, read_ahead};

/// How much of a file is read at a time, in bytes: what a stream holds of it, beside what `h2` holds for it.
const PIECE_BYTES: usize = 64 * 1024;

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
    stream: &mut SendStream<Bytes>,
    body: Body<Handle>,
    link: &Rc<Link>,
) -> Result<Outcome, Gone> {
    match body {
        Body::Empty => stream.send_data(Bytes::new(), true).map(|()| Outcome::Whole).map_err(Gone::from),
        Body::Bytes(bytes) => send_memory(stream, &bytes, Place::Last, link).await.map(|()| Outcome::Whole),
        Body::Slice { handle, range } => send_slice(stream, &handle, range, Place::Last, link).await,
        Body::Parts { handle, parts } => {
            for piece in parts.pieces() {
                let sent = match piece {
                    Piece::Bytes(bytes) => {
                        send_memory(stream, &bytes, Place::Within, link).await.map(|()| Outcome::Whole)
                    }
                    Piece::Slice(range) => send_slice(stream, &handle, range, Place::Within, link).await,
                };
                if sent? == Outcome::Truncated {
                    return Ok(Outcome::Truncated);
                }
            }
            stream.send_data(Bytes::new(), true)?;
            Ok(Outcome::Whole)
        }
    }
}

/// Sends a piece that more follows.
pub(super) async fn send_piece(
    stream: &mut SendStream<Bytes>,
    bytes: &[u8],
    link: &Rc<Link>,
) -> Result<(), Gone> {
    send_memory(stream, bytes, Place::Within, link).await
}

async fn send_slice(
    stream: &mut SendStream<Bytes>,
    handle: &Handle,
    range: ByteRange,
    place: Place,
    link: &Rc<Link>,
) -> Result<Outcome, Gone> {
    match handle {
        Handle::Memory(content) => send_memory(stream, &content[indices(range)], place, link).await?,
        Handle::Shared(content) => send_memory(stream, &content[indices(range)], place, link).await?,
        Handle::File(file) => return send_file(stream, file, range, place, link).await,
    }
    Ok(Outcome::Whole)
}

async fn send_memory(
    stream: &mut SendStream<Bytes>,
    mut bytes: &[u8],
    place: Place,
    link: &Rc<Link>,
) -> Result<(), Gone> {
    while !bytes.is_empty() {
        let (piece, rest) = bytes.split_at(room(stream, bytes.len(), link).await?);
        stream.send_data(Bytes::copy_from_slice(piece), rest.is_empty() && place == Place::Last)?;
        bytes = rest;
    }
    Ok(())
}

async fn send_file(
    stream: &mut SendStream<Bytes>,
    file: &Arc<OwnedFd>,
    range: ByteRange,
    place: Place,
    link: &Rc<Link>,
) -> Result<Outcome, Gone> {
    let (mut offset, end) = (range.first(), range.last() + 1);
    let mut patience = Patience::CachedOnly;
    let mut turn = 0;
    while offset < end {
        // What is sent at a time fits `usize` on every platform.
        let room = room(stream, (end - offset).min(PIECE_BYTES as u64) as usize, link).await?;
        let mut piece = vec![0; room];
        match read_at(file, &mut piece, offset, patience) {
            Ok(0) => return Ok(Outcome::Truncated),
            Ok(taken) => {
                link.give_back(stream.stream_id().as_u32(), room - taken);
                piece.truncate(taken);
                offset += taken as u64;
                turn += taken;
                stream.send_data(piece.into(), offset == end && place == Place::Last)?;
            }
            Err(Failure::Cold) => {
                link.give_back(stream.stream_id().as_u32(), room);
                read_ahead(Arc::clone(file), offset, end.min(offset + WINDOW_BYTES)).await;
                // What is read next was read a moment ago, on whatever file system.
                patience = Patience::MayBlock;
                continue;
            }
            Err(Failure::Missing | Failure::Denied | Failure::Busy | Failure::Broken) => {
                return Ok(Outcome::Truncated);
            }
        }
        patience = Patience::CachedOnly;
        if turn >= TURN_BYTES {
            turn = 0;
            tokio::task::yield_now().await;
        }
    }
    Ok(Outcome::Whole)
}

/// Waits until there is room for some of `wanted` bytes, with the client and on the connection; returns for how many.
async fn room(stream: &mut SendStream<Bytes>, wanted: usize, link: &Rc<Link>) -> Result<usize, Gone> {
    let wanted = wanted.min(PIECE_BYTES);
    let room = capacity(stream, wanted).await?.min(wanted);
    link.hold_when_possible(stream.stream_id().as_u32(), room).await?;
    Ok(room)
}

/// Waits until the client grants some of `wanted` bytes; returns how many, or more.
async fn capacity(stream: &mut SendStream<Bytes>, wanted: usize) -> Result<usize, Gone> {
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
