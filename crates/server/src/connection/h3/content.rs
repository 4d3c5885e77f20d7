//! The content of an answer, read from where it is and sent piece by piece.
//!
//! A cold file never stalls a hot one: what the page cache has is read at once, the rest on a thread that may block.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use bytes::Bytes;
use tallyd_http::multipart::Piece;
use tallyd_http::range::ByteRange;
use tallyd_http::response::Body;

use super::conversation::{Place, Stage};
use super::outflow::{Cut, Outflow};
use crate::backend::folder::{Failure, Patience, read_at};
use crate::backend::remembered::Handle;
use crate::transmit::{Outcome, indices};

/// How much of a file is read at a time, in bytes: what a stream holds beyond what QUIC has taken. Less costs more calls,
/// more is no cheaper.
const READ_BYTES: usize = 64 * 1024;

/// How much is read at a time where a thread has to wait for a disk, in bytes: a call to it costs more than a read.
const COLD_READ_BYTES: usize = 256 * 1024;

/// Sends the content of an answer whose head is on its way.
pub(super) async fn send_body(
    outflow: &mut Outflow,
    body: Body<Handle>,
    place: &Place,
) -> Result<Outcome, Cut> {
    match body {
        Body::Empty => Ok(Outcome::Whole),
        Body::Bytes(bytes) => outflow.send(Bytes::from_owner(bytes)).await.map(|()| Outcome::Whole),
        Body::Slice { handle, range } => send_slice(outflow, &handle, range, place).await,
        Body::Parts { handle, parts } => {
            for piece in parts.pieces() {
                let sent = match piece {
                    Piece::Bytes(bytes) => outflow.send(bytes.into()).await.map(|()| Outcome::Whole),
                    Piece::Slice(range) => send_slice(outflow, &handle, range, place).await,
                };
                if sent? == Outcome::Truncated {
                    return Ok(Outcome::Truncated);
                }
            }
            Ok(Outcome::Whole)
        }
    }
}

async fn send_slice(
    outflow: &mut Outflow,
    handle: &Handle,
    range: ByteRange,
    place: &Place,
) -> Result<Outcome, Cut> {
    match handle {
        // It is small, and its count of users is one worker's.
        Handle::Memory(content) => {
            let content = Bytes::copy_from_slice(&content[indices(range)]);
            outflow.send(content).await.map(|()| Outcome::Whole)
        }
        Handle::Shared(content) => {
            let content = Bytes::from_owner(Arc::clone(content)).slice(indices(range));
            outflow.send(content).await.map(|()| Outcome::Whole)
        }
        Handle::File(file) => send_file(outflow, file, range, place).await,
    }
}

async fn send_file(
    outflow: &mut Outflow,
    file: &Arc<OwnedFd>,
    range: ByteRange,
    place: &Place,
) -> Result<Outcome, Cut> {
    let mut offset = range.first();
    let end = range.last() + 1;
    while offset < end {
        let read = match read(file, offset, end, READ_BYTES, Patience::CachedOnly) {
            Err(Failure::Cold) => {
                place.proceed(Stage::Fetching);
                let read = read_elsewhere(Arc::clone(file), offset, end).await;
                place.proceed(Stage::Transfer);
                read
            }
            read => read,
        };
        let content = match read {
            Ok(content) if !content.is_empty() => content,
            // The file ends before its promised length, or its disk fails.
            Ok(_) | Err(_) => return Ok(Outcome::Truncated),
        };
        offset += content.len() as u64;
        outflow.send(content.into()).await?;
        if offset < end {
            // Others get their turn, QUIC's own tasks among them.
            tokio::task::yield_now().await;
        }
    }
    Ok(Outcome::Whole)
}

fn read(file: &OwnedFd, offset: u64, end: u64, most: usize, patience: Patience) -> Result<Vec<u8>, Failure> {
    let length = usize::try_from(end - offset).unwrap_or(usize::MAX).min(most);
    let mut content = vec![0; length];
    let taken = read_at(file, &mut content, offset, patience)?;
    content.truncate(taken);
    Ok(content)
}

async fn read_elsewhere(file: Arc<OwnedFd>, offset: u64, end: u64) -> Result<Vec<u8>, Failure> {
    let reading =
        tokio::task::spawn_blocking(move || read(&file, offset, end, COLD_READ_BYTES, Patience::MayBlock));
    // If the thread failed, so has the file.
    reading.await.unwrap_or(Err(Failure::Broken))
}
