//! A part of a file that is read piece by piece into memory, without waiting for a disk on this thread.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use tallyd_http::range::ByteRange;

use super::{WINDOW_BYTES, read_ahead};
use crate::backend::folder::{Failure, Patience, read_at};

/// Where the reading of a part of a file is.
pub(crate) struct Reading<'f> {
    file: &'f Arc<OwnedFd>,
    offset: u64,
    end: u64,
    patience: Patience,
}

/// Why there is no next piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It is not in the page cache; [`Reading::fetch`] brings it there.
    Cold,
    /// The file ended before its part did, or cannot be read any more.
    Lost,
}

impl<'f> Reading<'f> {
    /// At the start of this part of a file.
    pub(crate) fn new(file: &'f Arc<OwnedFd>, range: ByteRange) -> Reading<'f> {
        Reading { file, offset: range.first(), end: range.last() + 1, patience: Patience::CachedOnly }
    }

    /// How many bytes are to be read yet.
    pub(crate) fn left(&self) -> u64 {
        self.end - self.offset
    }

    /// Reads the next piece into `room`, which is no longer than what is left; returns how many bytes it has, at least 1.
    pub(crate) fn read(&mut self, room: &mut [u8]) -> Result<usize, Unread> {
        match read_at(self.file, room, self.offset, self.patience) {
            Ok(0) | Err(Failure::Missing | Failure::Denied | Failure::Busy | Failure::Broken) => {
                Err(Unread::Lost)
            }
            Ok(taken) => {
                self.offset += taken as u64;
                self.patience = Patience::CachedOnly;
                Ok(taken)
            }
            Err(Failure::Cold) => Err(Unread::Cold),
        }
    }

    /// Brings what comes next into the page cache, on a thread that may block.
    pub(crate) async fn fetch(&mut self) {
        let end = self.end.min(self.offset + WINDOW_BYTES);
        read_ahead(Arc::clone(self.file), self.offset, end).await;
        // What is read next was read a moment ago, on whatever file system.
        self.patience = Patience::MayBlock;
    }
}
