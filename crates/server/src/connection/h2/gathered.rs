//! What many streams have written, until it leaves together.

use crate::connection::buffers::Buffers;
use crate::connection::session::SKEW_BYTES;

/// Bytes that wait to be sent. None are held where nothing waits.
#[derive(Default)]
pub(super) struct Gathered {
    /// Empty, or those that wait, from `start` on.
    bytes: Vec<u8>,
    start: usize,
}

impl Gathered {
    /// Where more may be added to what waits.
    pub(super) fn room(&mut self, pool: &Buffers) -> &mut Vec<u8> {
        if self.bytes.is_empty() {
            self.bytes = pool.take_output();
            self.bytes.resize(SKEW_BYTES, 0);
            self.start = SKEW_BYTES;
        }
        &mut self.bytes
    }

    /// What waits.
    pub(super) fn waiting(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// Says that so much of what waited was sent. The buffer is given back when nothing is left.
    pub(super) fn consume(&mut self, length: usize, pool: &Buffers) {
        self.start += length;
        if self.start == self.bytes.len() && !self.bytes.is_empty() {
            self.start = 0;
            pool.put_output(std::mem::take(&mut self.bytes));
        }
    }
}
