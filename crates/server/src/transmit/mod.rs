//! From a planned answer to bytes on a socket: from memory in one write, from files by `sendfile`.
//!
//! A cold file never stalls a hot one: before each window the page cache is asked, and what is not resident is read ahead
//! on a thread that may block.

mod reading;

use std::ops::Range;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{Advice, fadvise};
use tallyd_http::multipart::{Multipart, Piece};
use tallyd_http::range::ByteRange;
use tallyd_http::response::Body;

pub(crate) use self::reading::{Reading, Unread};
use crate::backend::folder::{Failure, Patience, read_at};
use crate::backend::remembered::Handle;
use crate::connection::buffers::Buffers;
use crate::connection::presence::Phase;
use crate::connection::session::BATCH_BYTES;
use crate::connection::socket::{End, Followed, Socket};

/// How much of a file is sent before others get their turn, in bytes: some 150 µs of one core.
const WINDOW_BYTES: u64 = 1024 * 1024;

/// The same for what is encrypted, which takes several times as long.
const SEALED_WINDOW_BYTES: u64 = 256 * 1024;

/// How far apart the page cache is probed, in bytes: two of the kernel's usual read-aheads, so that what lies between two
/// resident probes was most likely read with one of them. A hole costs a wait, never a wrong byte.
const PROBE_BYTES: usize = 256 * 1024;

/// How much the disk is asked for beyond a cold window, so that it works while the window is sent.
const READ_AHEAD_BYTES: u64 = 4 * 1024 * 1024;

/// How sending a file ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Everything that the head promised was written.
    Whole,
    /// The file ended before its promised length; nothing may follow on this connection.
    Truncated,
}

/// Sends the content of an answer whose head is on its way.
pub(crate) async fn send_body(
    socket: &mut Socket,
    body: Body<Handle>,
    pool: &Buffers,
) -> Result<Outcome, End> {
    match body {
        Body::Empty => Ok(Outcome::Whole),
        Body::Bytes(bytes) => socket.send(&bytes, Followed::ByNothing).await.map(|()| Outcome::Whole),
        Body::Slice { handle, range } => send_slice(socket, &handle, range, pool, Followed::ByNothing).await,
        Body::Parts { handle, parts } => send_parts(socket, &handle, &parts, pool).await,
    }
}

/// Sends the pieces of a multipart content; each is made when its turn comes.
async fn send_parts(
    socket: &mut Socket,
    handle: &Handle,
    parts: &Multipart,
    pool: &Buffers,
) -> Result<Outcome, End> {
    for piece in parts.pieces() {
        let sent = match piece {
            Piece::Bytes(bytes) => socket.send(&bytes, Followed::ByMore).await.map(|()| Outcome::Whole),
            Piece::Slice(range) => send_slice(socket, handle, range, pool, Followed::ByMore).await,
        };
        if sent? == Outcome::Truncated {
            return Ok(Outcome::Truncated);
        }
    }
    socket.push().await?;
    Ok(Outcome::Whole)
}

async fn send_slice(
    socket: &mut Socket,
    handle: &Handle,
    range: ByteRange,
    pool: &Buffers,
    followed: Followed,
) -> Result<Outcome, End> {
    match handle {
        Handle::Memory(content) => {
            socket.send(&content[indices(range)], followed).await.map(|()| Outcome::Whole)
        }
        Handle::Shared(content) => {
            socket.send(&content[indices(range)], followed).await.map(|()| Outcome::Whole)
        }
        Handle::File(file) if socket.is_sealed() => {
            send_sealed_file(socket, file, range, pool, followed).await
        }
        Handle::File(file) => send_file(socket, file, range).await,
    }
}

/// The indices of a range of content in memory.
pub(crate) fn indices(range: ByteRange) -> Range<usize> {
    // Content in memory is far smaller than `usize`.
    range.first() as usize..range.last() as usize + 1
}

async fn send_file(socket: &mut Socket, file: &Arc<OwnedFd>, range: ByteRange) -> Result<Outcome, End> {
    let mut offset = range.first();
    let end_of_range = range.last() + 1;
    while offset < end_of_range {
        let end = end_of_range.min(offset + WINDOW_BYTES);
        if !is_resident(file, offset, end) {
            socket.tell_progress();
            socket.presence().enter(Phase::Fetching);
            read_ahead(Arc::clone(file), offset, end).await;
        }
        while offset < end {
            // A window fits `usize` on every platform.
            let left = (end - offset) as usize;
            if socket.send_file(file, &mut offset, left).await? == 0 {
                return Ok(Outcome::Truncated);
            }
        }
        if offset < end_of_range {
            tokio::task::yield_now().await;
        }
    }
    Ok(Outcome::Whole)
}

/// Sends a part of a file in records, which are made in memory. What is not in the page cache is read ahead on a thread that
/// may block, a window at a time.
async fn send_sealed_file(
    socket: &mut Socket,
    file: &Arc<OwnedFd>,
    range: ByteRange,
    pool: &Buffers,
    followed: Followed,
) -> Result<Outcome, End> {
    let mut reading = Reading::new(file, range);
    let mut since_others_turn = 0;
    while reading.left() > 0 {
        let piece = reading.left().min(BATCH_BYTES as u64) as usize;
        let sealed = pool.with_scratch(|scratch| {
            let taken = reading.read(&mut scratch[..piece])?;
            Ok(socket.seal(&scratch[..taken], &[]))
        });
        match sealed {
            Ok(sealed) => since_others_turn += sealed? as u64,
            Err(Unread::Lost) => return Ok(Outcome::Truncated),
            Err(Unread::Cold) => {
                socket.send_records(Followed::ByNothing).await?;
                socket.tell_progress();
                socket.presence().enter(Phase::Fetching);
                reading.fetch().await;
                continue;
            }
        }
        let follows = if reading.left() > 0 { Followed::ByMore } else { followed };
        socket.send_records(follows).await?;
        if reading.left() > 0 && since_others_turn >= SEALED_WINDOW_BYTES {
            since_others_turn = 0;
            tokio::task::yield_now().await;
        }
    }
    Ok(Outcome::Whole)
}

/// Whether a stretch of a file seems to be in the page cache, by probing bytes of it.
fn is_resident(file: &OwnedFd, from: u64, to: u64) -> bool {
    let is_warm = |offset| read_at(file, &mut [0], offset, Patience::CachedOnly) != Err(Failure::Cold);
    (from..to).step_by(PROBE_BYTES).all(is_warm) && is_warm(to - 1)
}

/// Brings a stretch of a file into the page cache.
async fn read_ahead(file: Arc<OwnedFd>, from: u64, to: u64) {
    let read = tokio::task::spawn_blocking(move || {
        // A hint: the file is read below whether or not the kernel takes it.
        let _ = fadvise(&*file, from, std::num::NonZero::new(to - from + READ_AHEAD_BYTES), Advice::WillNeed);
        let mut scratch = vec![0; PROBE_BYTES];
        let mut offset = from;
        while offset < to {
            match read_at(&*file, &mut scratch, offset, Patience::MayBlock) {
                // The end of the file, or a failing disk: sending from there will tell the client.
                Ok(0) | Err(_) => return,
                Ok(length) => offset += length as u64,
            }
        }
    });
    // If the thread failed, sending goes on and blocks at worst.
    let _ = read.await;
}
