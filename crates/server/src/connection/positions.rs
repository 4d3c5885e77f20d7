//! Where in a conversation a position of the stream is that carries it in TLS records.
//!
//! A client's system acknowledges bytes of the stream; the tally counts bytes of the conversation. A record is of use to a
//! client when all of it has arrived, so a position of the stream stands for the end of the last record before it.

use std::collections::VecDeque;

/// The most that a record carries, in bytes (RFC 8446 §5.1); rustls fills every record but the last of a batch.
pub(super) const RECORD_BYTES: u64 = 16 * 1024;

/// From how many batches on the acknowledged ones are looked for.
const MANY: usize = 64;

/// The batches of records that are not known to have arrived, in the order of the stream.
#[derive(Debug, Default)]
pub(crate) struct Positions {
    batches: VecDeque<Batch>,
    /// Where the next record will begin in the stream.
    stream: u64,
    /// Where its content will begin in the conversation.
    conversation: u64,
    /// By how many bytes a record is longer than its content, once that is known.
    overhead: Option<u64>,
    /// How many batches are many.
    many: usize,
}

/// Records without a gap, all full but the last.
#[derive(Clone, Copy, Debug)]
struct Batch {
    stream: u64,
    conversation: u64,
    /// Of the content.
    length: u64,
}

impl Positions {
    /// Where the next byte will stand in the conversation.
    pub(crate) fn end(&self) -> u64 {
        self.conversation
    }

    /// Whether it is not known yet how long records are.
    pub(super) fn is_unmeasured(&self) -> bool {
        self.overhead.is_none()
    }

    /// Says that the stream ends at `stream`, after records that carry nothing of the conversation.
    pub(super) fn resume_at(&mut self, stream: u64) {
        self.stream = stream;
    }

    /// Adds the first batch of all, after which the stream ends at `stream`.
    pub(super) fn add_measured(&mut self, length: u64, stream: u64) {
        let records = length.div_ceil(RECORD_BYTES).max(1);
        self.overhead = Some((stream - self.stream - length) / records);
        self.add(length);
    }

    /// Adds a batch of records that carry `length` bytes.
    pub(super) fn add(&mut self, length: u64) {
        let batch = Batch { stream: self.stream, conversation: self.conversation, length };
        let end = self.end_of(&batch);
        match self.batches.back().copied() {
            // A long content is one batch.
            Some(last) if last.length.is_multiple_of(RECORD_BYTES) && self.end_of(&last) == self.stream => {
                let whole = Batch { length: last.length + length, ..last };
                self.batches.pop_back();
                self.batches.push_back(whole);
            }
            Some(_) | None => self.batches.push_back(batch),
        }
        self.stream = end;
        self.conversation += length;
    }

    /// Whether there is reason to look which batches have arrived.
    pub(super) fn are_many(&self) -> bool {
        self.batches.len() >= self.many.max(MANY)
    }

    /// Forgets the batches that end before `stream`, which was acknowledged.
    pub(super) fn forget(&mut self, stream: u64) {
        while self.batches.front().is_some_and(|batch| self.end_of(batch) <= stream) {
            self.batches.pop_front();
        }
        self.many = self.batches.len() * 2;
        if self.batches.is_empty() {
            self.batches = VecDeque::new();
        }
    }

    /// How much of the conversation lies in records that end at or before `stream`.
    pub(crate) fn conversation_at(&self, stream: u64) -> u64 {
        let after = self.batches.partition_point(|batch| batch.stream <= stream);
        let Some(batch) = after.checked_sub(1).and_then(|at| self.batches.get(at)) else {
            // What came before the first batch has arrived.
            return self.batches.front().map_or(self.conversation, |first| first.conversation);
        };
        let full = (stream - batch.stream) / (RECORD_BYTES + self.overhead());
        let within = if self.end_of(batch) <= stream { batch.length } else { full * RECORD_BYTES };
        batch.conversation + within.min(batch.length)
    }

    fn end_of(&self, batch: &Batch) -> u64 {
        batch.stream + batch.length + batch.length.div_ceil(RECORD_BYTES) * self.overhead()
    }

    fn overhead(&self) -> u64 {
        self.overhead.unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OVERHEAD: u64 = 22;
    const FULL: u64 = RECORD_BYTES + OVERHEAD;

    /// Batches of these lengths, after a handshake of 1,000 bytes.
    fn positions(lengths: &[u64]) -> Positions {
        let mut positions = Positions::default();
        positions.resume_at(1000);
        for length in lengths {
            if positions.is_unmeasured() {
                let records = length.div_ceil(RECORD_BYTES);
                positions.add_measured(*length, 1000 + length + records * OVERHEAD);
            } else {
                positions.add(*length);
            }
        }
        positions
    }

    #[track_caller]
    fn check(positions: &Positions, stream: u64, expect: u64) {
        assert_eq!(positions.conversation_at(stream), expect, "{stream} in {positions:?}");
    }

    #[test]
    fn a_record_counts_when_all_of_it_is_there() {
        let positions = positions(&[100, 50]);
        check(&positions, 0, 0);
        check(&positions, 1000, 0);
        check(&positions, 1121, 0);
        check(&positions, 1122, 100);
        check(&positions, 1193, 100);
        check(&positions, 1194, 150);
        check(&positions, 5000, 150);
        assert_eq!(positions.end(), 150);
    }

    #[test]
    fn a_long_content_is_counted_record_by_record() {
        let length = 5 * RECORD_BYTES + 10;
        for lengths in
            [&[length][..], &[4 * RECORD_BYTES, RECORD_BYTES + 10], &[RECORD_BYTES, length - RECORD_BYTES]]
        {
            let positions = positions(lengths);
            assert_eq!(positions.batches.len(), 1);
            check(&positions, 1000 + FULL - 1, 0);
            check(&positions, 1000 + FULL, RECORD_BYTES);
            check(&positions, 1000 + 5 * FULL, 5 * RECORD_BYTES);
            check(&positions, 1000 + 5 * FULL + OVERHEAD + 9, 5 * RECORD_BYTES);
            check(&positions, 1000 + 5 * FULL + OVERHEAD + 10, length);
        }
    }

    #[test]
    fn what_carries_nothing_lies_between() {
        let mut positions = positions(&[RECORD_BYTES]);
        positions.resume_at(1000 + FULL + 300);
        positions.add(7);
        check(&positions, 1000 + FULL, RECORD_BYTES);
        check(&positions, 1000 + FULL + 300 + OVERHEAD + 6, RECORD_BYTES);
        check(&positions, 1000 + FULL + 300 + OVERHEAD + 7, RECORD_BYTES + 7);
    }

    #[test]
    fn what_has_arrived_is_forgotten_and_still_counts() {
        let mut positions = positions(&[100; 200]);
        assert!(positions.are_many());
        positions.forget(1000 + 199 * 122 + 1);
        assert!(!positions.are_many());
        assert_eq!(positions.batches.len(), 1);
        check(&positions, 1000 + 199 * 122, 19_900);
        check(&positions, 1000 + 200 * 122, 20_000);
        positions.forget(1000 + 200 * 122);
        check(&positions, 1000 + 200 * 122, 20_000);
    }

    /// Every position of a short stream, against records that are laid out one by one.
    #[test]
    fn as_if_records_were_laid_out_one_by_one() {
        let lengths = [3, RECORD_BYTES, 1, 2 * RECORD_BYTES + 1, RECORD_BYTES, RECORD_BYTES - 1];
        let positions = positions(&lengths);
        let (mut stream, mut conversation, mut ends) = (1000, 0, vec![]);
        for mut length in lengths {
            while length > 0 {
                let content = length.min(RECORD_BYTES);
                (stream, conversation, length) =
                    (stream + content + OVERHEAD, conversation + content, length - content);
                ends.push((stream, conversation));
            }
        }
        for position in 990..stream + 10 {
            let expect = ends.iter().rfind(|(end, _)| *end <= position).map_or(0, |(_, content)| *content);
            check(&positions, position, expect);
        }
    }
}
