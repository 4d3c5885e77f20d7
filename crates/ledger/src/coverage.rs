//! The one place that says what a download is.
//!
//! A download is: delivered ranges of one client cover the whole of one representation. A completed 200 is
//! one at once and needs no memory. Only a 206 or a cut 200 opens a *session*: what one client has of one
//! representation so far. Full coverage is one download and empties the session; overlap is not carried over.
//! Deliveries are judged in the order of their requests' numbers, whatever the order of the reports.
//!
//! Sessions are bounded in number, in ranges and in age. One that is given up while it may still have become
//! a download is an *eviction*, and evictions are counted: by so much, at most, downloads may be too few.
//! This module has no clock and no I/O; time is what the deliveries say.

mod session;

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use crate::delivery::{Day, Delivery, Kind, Moment, Outcome};
use session::{Session, Standing};

/// How much is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Sessions open at a time.
    pub sessions: usize,
    /// Ranges, and cut deliveries with bytes in doubt, of one session.
    pub ranges_per_session: usize,
    /// Ranges of all sessions together.
    pub ranges: usize,
    /// The latest ranges of one session that are judged again when an earlier request is reported late.
    pub unsettled: usize,
    /// How long a session of which nothing is left is kept for such reports, in microseconds.
    pub late_us: u64,
    /// How long a session is kept after its last delivery, in microseconds.
    pub idle_us: u64,
}

impl Default for Limits {
    /// At most some 40 MiB in all. A download manager that fetches 16 pieces at once needs 16 ranges, one
    /// that picks pieces at random some tens; a person who resumes comes back within a day. Reports of requests that
    /// a client waited for are late by milliseconds.
    fn default() -> Self {
        Self {
            sessions: 65_536,
            ranges_per_session: 256,
            ranges: 524_288,
            unsettled: 128,
            late_us: 10_000_000,
            idle_us: 24 * 3_600 * 1_000_000,
        }
    }
}

/// What a delivery adds to the tally, besides what it is itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// How often a client has all of a representation that had not before: hardly ever more than once.
    pub downloads: u64,
    /// Bytes of earlier, cut deliveries that are now known to have arrived, by the day of their request.
    pub proven: Vec<(Day, u64)>,
}

/// The sessions of all clients.
#[derive(Debug)]
pub struct Coverage {
    limits: Limits,
    sessions: HashMap<Key, Session>,
    /// Every open session by its last turn: the first is the longest unused.
    open: BTreeMap<u64, Key>,
    /// Those of which nothing is left, in the same way.
    complete: BTreeMap<u64, Key>,
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

impl Coverage {
    /// No session is open.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            sessions: HashMap::new(),
            open: BTreeMap::new(),
            complete: BTreeMap::new(),
            turn: 0,
            ranges: 0,
            evictions: 0,
        }
    }

    /// Judges a delivery that has ended, of the resource whose path has the hash `path`.
    pub fn judge<L>(&mut self, path: u64, delivery: &Delivery<L>) -> Verdict {
        match (delivery.request.kind, delivery.outcome) {
            (Kind::Head | Kind::NotModified, Outcome::Completed | Outcome::Aborted) => Verdict::default(),
            (Kind::Full, Outcome::Completed) => Verdict { downloads: 1, proven: Vec::new() },
            (Kind::Full, Outcome::Aborted) | (Kind::Partial, Outcome::Completed | Outcome::Aborted) => {
                self.judge_piece(path, delivery)
            }
        }
    }

    /// Sessions open now.
    pub fn sessions(&self) -> usize {
        self.open.len()
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
        let Limits { unsettled, ranges_per_session, .. } = self.limits;
        let length = delivery.representation.complete_length;
        let mut session = self.take(&key).unwrap_or_else(|| Session::new(delivery.ended));
        let verdict = session.add(delivery);
        if session.shrink(unsettled, ranges_per_session, length).is_none() {
            self.evictions += 1;
            session = Session::new(delivery.ended);
            // What it is and what it proves is in the verdict already.
            let _ = session.add(delivery);
            if session.shrink(unsettled, ranges_per_session, length).is_none() {
                return verdict;
            }
        }
        self.put(key, session);
        self.make_room();
        verdict
    }

    fn queue(&mut self, standing: Standing) -> &mut BTreeMap<u64, Key> {
        match standing {
            Standing::Open => &mut self.open,
            Standing::Complete => &mut self.complete,
        }
    }

    fn take(&mut self, key: &Key) -> Option<Session> {
        let session = self.sessions.remove(key)?;
        self.queue(session.standing()).remove(&session.turn);
        self.ranges -= session.size();
        Some(session)
    }

    fn put(&mut self, key: Key, mut session: Session) {
        self.turn += 1;
        session.turn = self.turn;
        self.queue(session.standing()).insert(session.turn, key);
        self.ranges += session.size();
        self.sessions.insert(key, session);
    }

    fn take_oldest(&mut self, standing: Standing) -> Option<Session> {
        let key = *self.queue(standing).first_key_value()?.1;
        self.take(&key)
    }

    /// Gives up the longest unused sessions until the rest is within bounds; first those that lose nothing by it.
    fn make_room(&mut self) {
        while self.sessions.len() > self.limits.sessions || self.ranges > self.limits.ranges {
            if self.take_oldest(Standing::Complete).is_some() {
                continue;
            }
            if self.take_oldest(Standing::Open).is_none() {
                return;
            }
            self.evictions += 1;
        }
    }

    /// Ends sessions that were idle for too long. That is the contract's rule, and no eviction.
    fn expire(&mut self, now: Moment) {
        let Limits { idle_us, late_us, .. } = self.limits;
        for (standing, limit_us) in [(Standing::Open, idle_us), (Standing::Complete, late_us)] {
            while let Some((_, key)) = self.queue(standing).first_key_value() {
                let key = *key;
                let last_used = self.sessions.get(&key).map_or(now, |session| session.last_used);
                if now.0.saturating_sub(last_used.0) < limit_us {
                    break;
                }
                self.take(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests;
