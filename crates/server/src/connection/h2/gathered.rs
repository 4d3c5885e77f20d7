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

    /// Says that so much of what waited was sent. The buffer is given back when nothing is left; no more of what was sent is
    /// held than of what waits.
    pub(super) fn consume(&mut self, length: usize, pool: &Buffers) {
        self.start += length;
        let left = self.bytes.len() - self.start;
        if left == 0 && !self.bytes.is_empty() {
            self.start = 0;
            pool.put_output(std::mem::take(&mut self.bytes));
        } else if self.start.saturating_sub(SKEW_BYTES) > left {
            self.bytes.drain(SKEW_BYTES..self.start);
            self.start = SKEW_BYTES;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_sent_in_order_and_what_was_sent_is_not_held() {
        let (pool, mut gathered) = (Buffers::default(), Gathered::default());
        let (mut written, mut sent) = (0_u32, 0_u32);
        let mut add = |gathered: &mut Gathered| {
            gathered.room(&pool).extend_from_slice(&written.to_be_bytes());
            written += 1;
        };
        (0..1_000).for_each(|_| add(&mut gathered));
        // Something always waits.
        for _ in 0..100_000 {
            add(&mut gathered);
            assert_eq!(gathered.waiting()[..4], sent.to_be_bytes());
            gathered.consume(4, &pool);
            sent += 1;
        }
        assert_eq!(gathered.waiting().len(), 4_000);
        let capacity = gathered.bytes.capacity();
        assert!(capacity <= 4 * (SKEW_BYTES + 4_000), "{capacity} bytes");
        gathered.consume(4_000, &pool);
        assert_eq!((gathered.waiting(), gathered.bytes.capacity()), (&b""[..], 0));
        add(&mut gathered);
        assert_eq!(gathered.waiting(), (written - 1).to_be_bytes());
    }
}
