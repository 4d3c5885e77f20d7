//! The one place that says what a download is.
//!
//! A download is: delivered ranges of one client cover the whole of one representation. A completed 200 is
//! one at once and needs no memory. Only a 206 or a cut 200 opens a *session*: what one client has of one
//! representation so far. Full coverage is one download and empties the session; overlap is not carried over.
//!
//! Sessions are bounded in number, in ranges and in age. One that is given up while it may still have become
//! a download is an *eviction*, and evictions are counted: by so much, at most, downloads may be too few.
//! This module has no clock and no I/O; time is what the deliveries say.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::ops::Range;

use crate::delivery::{Day, Delivery, Kind, Moment, Outcome};
use crate::intervals::Intervals;

/// How much is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Sessions open at a time.
    pub sessions: usize,
    /// Ranges, and cut deliveries with bytes in doubt, of one session.
    pub ranges_per_session: usize,
    /// Ranges of all sessions together.
    pub ranges: usize,
    /// How long a session is kept after its last delivery, in microseconds.
    pub idle_us: u64,
}

impl Default for Limits {
    /// At most some 40 MiB in all. A download manager that fetches 16 pieces at once needs 16 ranges, one
    /// that picks pieces at random some tens; a person who resumes comes back within a day.
    fn default() -> Self {
        Self { sessions: 65_536, ranges_per_session: 128, ranges: 524_288, idle_us: 24 * 3_600 * 1_000_000 }
    }
}

/// What a delivery adds to the tally, besides what it is itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it makes a download.
    pub download: Download,
    /// Bytes of earlier, cut deliveries that are now known to have arrived, by the day of their request.
    pub proven: Vec<(Day, u64)>,
}

/// Whether a delivery makes the whole of a representation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Download {
    /// Not (yet).
    #[default]
    None,
    /// With this delivery the client has it all.
    One,
}

/// The open sessions of all clients.
#[derive(Debug)]
pub struct Coverage {
    limits: Limits,
    sessions: HashMap<Key, Session>,
    /// Every session by its last turn: the first is the longest unused.
    by_turn: BTreeMap<u64, Key>,
    turn: u64,
    /// The sum of what all sessions hold.
    ranges: usize,
    evictions: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    address: IpAddr,
    agent: u64,
    /// A hash: unlike its id it stays the same while the store cannot be read.
    path: u64,
    entity_tag: u64,
}

#[derive(Debug)]
struct Session {
    received: Intervals,
    /// Written, but not known to have arrived, of deliveries that were cut; the oldest first.
    doubts: Vec<Doubt>,
    /// The latest range request: deliveries of different workers may be reported out of order.
    latest_resume: Option<Resume>,
    last_used: Moment,
    turn: u64,
}

#[derive(Debug)]
struct Doubt {
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
    /// A client that comes back for exactly what follows the last byte written to it has all before that.
    /// If more was written than where it starts, it may be looking elsewhere; if less, not all was sent.
    fn proves(self, doubt: &Doubt) -> bool {
        self.began > doubt.cut && self.from == doubt.range.end
    }
}

impl Session {
    fn size(&self) -> usize {
        self.received.count() + self.doubts.len()
    }
}

impl Coverage {
    /// No session is open.
    pub fn new(limits: Limits) -> Self {
        Self { limits, sessions: HashMap::new(), by_turn: BTreeMap::new(), turn: 0, ranges: 0, evictions: 0 }
    }

    /// Judges a delivery that has ended, of the resource whose path has the hash `path`.
    pub fn judge<L>(&mut self, path: u64, delivery: &Delivery<L>) -> Verdict {
        match (delivery.request.kind, delivery.outcome) {
            (Kind::Head | Kind::NotModified, Outcome::Completed | Outcome::Aborted) => Verdict::default(),
            (Kind::Full, Outcome::Completed) => Verdict { download: Download::One, proven: Vec::new() },
            (Kind::Full, Outcome::Aborted) | (Kind::Partial, Outcome::Completed | Outcome::Aborted) => {
                self.judge_piece(path, delivery)
            }
        }
    }

    /// Sessions open now.
    pub fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// Sessions given up so far, and pieces that could not be judged.
    pub fn evictions(&self) -> u64 {
        self.evictions
    }

    /// Counts pieces that could not be judged as evictions.
    pub fn give_up(&mut self, pieces: u64) {
        self.evictions += pieces;
    }

    fn judge_piece<L>(&mut self, path: u64, delivery: &Delivery<L>) -> Verdict {
        self.expire(delivery.ended);
        let key = Key {
            address: delivery.client.address,
            agent: delivery.client.agent,
            path,
            entity_tag: delivery.representation.entity_tag,
        };
        let mut session = self.take(&key).unwrap_or_else(|| Session::new(delivery.ended));
        let proven = session.add(delivery);
        let length = delivery.representation.complete_length;
        if session.received.cover(length) {
            // What is still in doubt lies within what is covered now.
            return Verdict { download: Download::One, proven };
        }
        if session.size() > self.limits.ranges_per_session {
            self.evictions += 1;
            session = Session::new(delivery.ended);
            // Its bytes were proven and booked above, so this adds no proof a second time.
            let _ = session.add(delivery);
        }
        if session.size() > 0 && session.size() <= self.limits.ranges_per_session {
            session.last_used = session.last_used.max(delivery.ended);
            self.put(key, session);
            self.make_room();
        }
        Verdict { download: Download::None, proven }
    }

    fn take(&mut self, key: &Key) -> Option<Session> {
        let session = self.sessions.remove(key)?;
        self.by_turn.remove(&session.turn);
        self.ranges -= session.size();
        Some(session)
    }

    fn put(&mut self, key: Key, mut session: Session) {
        self.turn += 1;
        session.turn = self.turn;
        self.by_turn.insert(session.turn, key);
        self.ranges += session.size();
        self.sessions.insert(key, session);
    }

    fn take_oldest(&mut self) -> Option<Session> {
        let key = *self.by_turn.first_key_value()?.1;
        self.take(&key)
    }

    /// Gives up the longest unused sessions until the rest is within bounds.
    fn make_room(&mut self) {
        while self.sessions.len() > self.limits.sessions || self.ranges > self.limits.ranges {
            if self.take_oldest().is_none() {
                return;
            }
            self.evictions += 1;
        }
    }

    /// Ends sessions that were idle for too long. That is the contract's rule, and no eviction.
    fn expire(&mut self, now: Moment) {
        while let Some((_, key)) = self.by_turn.first_key_value() {
            let key = *key;
            let idle_us =
                self.sessions.get(&key).map_or(0, |session| now.0.saturating_sub(session.last_used.0));
            if idle_us < self.limits.idle_us {
                return;
            }
            self.take(&key);
        }
    }
}

impl Session {
    fn new(now: Moment) -> Self {
        Self {
            received: Intervals::default(),
            doubts: Vec::new(),
            latest_resume: None,
            last_used: now,
            turn: 0,
        }
    }

    /// Takes in what a delivery brought; returns what it proves of earlier ones, or they of it.
    fn add<L>(&mut self, delivery: &Delivery<L>) -> Vec<(Day, u64)> {
        let length = delivery.representation.complete_length;
        for range in delivery.received.ranges() {
            self.received.insert(range.start..range.end.min(length));
        }
        let resume = resume(delivery);
        if let Some(resume) = resume
            && self.latest_resume.is_none_or(|latest| latest.began <= resume.began)
        {
            self.latest_resume = Some(resume);
        }
        let in_doubt = delivery.in_doubt();
        let in_doubt = in_doubt.start..in_doubt.end.min(length);
        if !in_doubt.is_empty() {
            self.doubts.push(Doubt { day: delivery.request.day, range: in_doubt, cut: delivery.ended });
        }
        let received = &mut self.received;
        self.doubts
            .extract_if(.., |doubt| {
                resume.into_iter().chain(self.latest_resume).any(|resume| resume.proves(doubt))
            })
            .map(|doubt| {
                received.insert(doubt.range.clone());
                (doubt.day, doubt.range.end - doubt.range.start)
            })
            .collect()
    }
}

/// Where a range request starts.
fn resume<L>(delivery: &Delivery<L>) -> Option<Resume> {
    match (delivery.request.kind, delivery.received.ranges()) {
        (Kind::Partial, [first, ..]) => Some(Resume { from: first.start, began: delivery.began }),
        (Kind::Partial, []) | (Kind::Head | Kind::Full | Kind::NotModified, _) => None,
    }
}

#[cfg(test)]
mod tests;
