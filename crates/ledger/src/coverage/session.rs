//! What one client has of one representation so far.
//!
//! Every worker reports through a lane of its own, and an acknowledgement is noticed sooner on one connection than on
//! another: reports come in any order. So pieces are judged in the order of their requests' numbers, in which the client
//! asked, whenever they are reported. A late one takes its place among the pieces that are remembered, and those behind
//! it are judged again. That never takes a download back: with one more piece each download is complete no later, so that
//! the next one begins no later, too.
//!
//! It has no bounds of its own: [`Session::shrink`] is told them.

use std::ops::Range;

use super::Verdict;
use crate::delivery::{Day, Delivery, Kind, Moment};
use crate::intervals::Intervals;

/// See the module.
#[derive(Debug)]
pub(super) struct Session {
    /// What pieces that are judged for good have left: part of one download.
    settled: Intervals,
    /// What was received since, in the order of the requests.
    pieces: Vec<Piece>,
    /// What is left when all pieces are judged.
    left: Intervals,
    /// How many downloads `settled` and the pieces make.
    made: u64,
    /// The request that completed the last of them.
    completed_by: u64,
    /// Written, but not known to have arrived, of deliveries that were cut.
    doubts: Vec<Doubt>,
    /// Range requests that may prove a cut delivery that is reported later.
    resumes: Vec<Resume>,
    pub(super) last_used: Moment,
    /// Its place among the sessions, by use.
    pub(super) turn: u64,
}

/// Whether a session may still become a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Parts of one are there.
    Open,
    /// Nothing is left; it is remembered for reports that are late.
    Complete,
}

/// A range that was received. Several of one request are one step.
#[derive(Debug)]
struct Piece {
    number: u64,
    range: Range<u64>,
}

#[derive(Debug)]
struct Doubt {
    number: u64,
    day: Day,
    range: Range<u64>,
    cut: Moment,
}

/// A range request that starts at `from`.
#[derive(Clone, Copy, Debug)]
struct Resume {
    from: u64,
    began: Moment,
}

impl Resume {
    /// Where a range request starts.
    fn of<L>(delivery: &Delivery<L>) -> Option<Self> {
        match (delivery.request.kind, delivery.received.ranges()) {
            // Nothing lies before the first byte.
            (Kind::Partial, [first, ..]) if first.start > 0 => {
                Some(Self { from: first.start, began: delivery.began })
            }
            (Kind::Partial | Kind::Head | Kind::Full | Kind::NotModified, _) => None,
        }
    }

    /// A client that comes back for exactly what follows the last byte written to it has all before that.
    /// If more was written than where it starts, it may be looking elsewhere; if less, not all was sent.
    fn proves(self, doubt: &Doubt) -> bool {
        self.began > doubt.cut && self.from == doubt.range.end
    }
}

impl Session {
    /// The client has nothing.
    pub(super) fn new(now: Moment) -> Self {
        Self {
            settled: Intervals::default(),
            pieces: Vec::new(),
            left: Intervals::default(),
            made: 0,
            completed_by: 0,
            doubts: Vec::new(),
            resumes: Vec::new(),
            last_used: now,
            turn: 0,
        }
    }

    /// How many ranges, and cut deliveries with bytes in doubt, it holds.
    pub(super) fn size(&self) -> usize {
        self.settled.count() + self.pieces.len() + self.doubts.len()
    }

    /// Whether it may still become a download.
    pub(super) fn standing(&self) -> Standing {
        let in_doubt = self.doubts.iter().any(|doubt| doubt.number > self.completed_by);
        if self.left.count() > 0 || in_doubt { Standing::Open } else { Standing::Complete }
    }

    /// Takes in what a delivery brought, with what it proves of others, or they of it.
    pub(super) fn add<L>(&mut self, delivery: &Delivery<L>) -> Verdict {
        let length = delivery.representation.complete_length;
        let number = delivery.request.number;
        self.last_used = self.last_used.max(delivery.ended);
        self.resumes.extend(Resume::of(delivery));
        let in_doubt = delivery.in_doubt();
        let in_doubt = in_doubt.start..in_doubt.end.min(length);
        if !in_doubt.is_empty() {
            let day = delivery.request.day;
            self.doubts.push(Doubt { number, day, range: in_doubt, cut: delivery.ended });
        }
        let received = delivery.received.ranges().iter().map(|range| range.start..range.end.min(length));
        let mut pieces: Vec<Piece> =
            received.filter(|range| !range.is_empty()).map(|range| Piece { number, range }).collect();
        let mut proven = Vec::new();
        for Doubt { number, day, range, .. } in self.take_proven() {
            proven.push((day, range.end - range.start));
            pieces.push(Piece { number, range });
        }
        Verdict { downloads: self.take_in(pieces, length), proven }
    }

    /// Judges pieces for good, the first first, until not more than `unsettled` are left and the whole size is not above
    /// `size`; `None` if that cannot be reached.
    pub(super) fn shrink(&mut self, unsettled: usize, size: usize, length: u64) -> Option<()> {
        while self.pieces.len() > unsettled || (self.size() > size && !self.pieces.is_empty()) {
            self.settle_first(length);
        }
        if self.resumes.len() > unsettled {
            self.resumes.sort_unstable_by_key(|resume| resume.began);
            self.resumes.drain(..self.resumes.len() - unsettled);
        }
        (self.size() <= size).then_some(())
    }

    fn take_proven(&mut self) -> Vec<Doubt> {
        let resumes = &self.resumes;
        self.doubts.extract_if(.., |doubt| resumes.iter().any(|resume| resume.proves(doubt))).collect()
    }

    /// Puts pieces in their places; returns how many downloads there are now that were none before.
    fn take_in(&mut self, new: Vec<Piece>, length: u64) -> u64 {
        let last = self.pieces.last().map_or(0, |piece| piece.number);
        let Some(number) = new.first().map(|piece| piece.number) else { return 0 };
        if new.iter().all(|piece| piece.number == number && number > last) {
            return self.append(number, new, length);
        }
        self.pieces.extend(new);
        self.pieces.sort_by_key(|piece| piece.number);
        let before = self.made;
        self.judge_again(length);
        self.made.saturating_sub(before)
    }

    /// The usual case: reported in the order of the requests, so that nothing needs to be judged again.
    fn append(&mut self, number: u64, new: Vec<Piece>, length: u64) -> u64 {
        for piece in &new {
            self.left.insert(piece.range.clone());
        }
        self.pieces.extend(new);
        if !self.left.cover(length) {
            return 0;
        }
        self.left = Intervals::default();
        self.completed_by = number;
        self.made += 1;
        1
    }

    fn judge_again(&mut self, length: u64) {
        self.left = self.settled.clone();
        self.made = 0;
        for request in self.pieces.chunk_by(|one, next| one.number == next.number) {
            for piece in request {
                self.left.insert(piece.range.clone());
            }
            if self.left.cover(length) {
                self.left = Intervals::default();
                self.completed_by = request[0].number;
                self.made += 1;
            }
        }
    }

    /// Judges the first request's pieces for good. What is left behind the last piece stays the same.
    fn settle_first(&mut self, length: u64) {
        let Some(number) = self.pieces.first().map(|piece| piece.number) else { return };
        let count = self.pieces.partition_point(|piece| piece.number == number);
        for piece in self.pieces.drain(..count) {
            self.settled.insert(piece.range);
        }
        if self.settled.cover(length) {
            self.settled = Intervals::default();
            self.made -= 1;
            // They lie within what was covered.
            self.doubts.retain(|doubt| doubt.number > number);
        }
    }
}
