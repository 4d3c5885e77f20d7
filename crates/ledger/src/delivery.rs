//! What one response did: the values that the server reports and the ledger counts.
//!
//! These are values only. Who observed them, when they are committed and what they add up to is told in
//! [`crate::Reporter`], [`crate::coverage`] and [`crate::Counters`].

use std::net::IpAddr;
use std::ops::Range;

/// A resource within one ledger; the `id` of its row in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceId(pub(crate) u64);

/// A day in UTC, counted from 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub u32);

impl Day {
    /// Stands for every day whose own figures are in a ledger that had to be set aside.
    pub const CARRIED: Self = Self(0);

    /// The day on which `unix_seconds` (seconds since 1970-01-01T00:00:00Z) falls.
    pub fn of(unix_seconds: u64) -> Self {
        Self((unix_seconds / 86_400) as u32)
    }
}

/// A reading of the server's one monotonic clock, in microseconds since any fixed moment.
///
/// A coarse clock is fine: two events in the same tick count as simultaneous, and then nothing is concluded
/// from their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub u64);

/// How a request was answered. A HEAD is `Head` whatever its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// HEAD, answered 200, 206 or 304.
    Head,
    /// GET, answered 200.
    Full,
    /// GET, answered 206.
    Partial,
    /// GET, answered 304.
    NotModified,
}

/// How a response ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The client's transport acknowledged the last byte.
    Completed,
    /// The connection failed first.
    Aborted,
}

/// Who asked: address, port and a hash of the user agent (RFC 9110 §10.1.5), which tells clients behind one
/// address apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Client {
    /// The address, with IPv4-mapped addresses already turned into IPv4.
    pub address: IpAddr,
    /// The port, for the access line; no part of who the client is.
    pub port: u16,
    /// A hash of the `User-Agent` field's value.
    pub agent: u64,
}

/// One version of a resource in one content coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Representation {
    /// A hash of its strong entity tag (RFC 9110 §8.8.3).
    pub entity_tag: u64,
    /// Its complete length in bytes.
    pub complete_length: u64,
}

/// The content bytes that the client's transport acknowledged, as positions in the representation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// The response has no content: HEAD, 304.
    Nothing,
    /// One range; empty (`first..first`) if nothing of it was acknowledged.
    Single(Range<u64>),
    /// The ranges of a multipart answer in the order sent, each as far as it was acknowledged.
    Several(Box<[Range<u64>]>),
}

impl Received {
    /// The ranges, in the order sent.
    pub fn ranges(&self) -> &[Range<u64>] {
        match self {
            Self::Nothing => &[],
            Self::Single(range) => std::slice::from_ref(range),
            Self::Several(ranges) => ranges,
        }
    }

    /// How many bytes were acknowledged.
    pub fn bytes(&self) -> u64 {
        self.ranges().iter().map(|range| range.end.saturating_sub(range.start)).sum()
    }
}

/// Whether the ledger already knows of a request that has not ended yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Announced {
    No,
    Yes,
}

/// A request that has taken its number: the right to report, once, what came of it.
///
/// Every request must be reported by [`Reporter::ended`](crate::Reporter::ended). One that never is leaves
/// its number uncounted, and holds one later line of its resource back for as long.
#[must_use = "a request that took a number must be reported"]
#[derive(Debug, PartialEq, Eq)]
pub struct Request {
    pub(crate) resource: ResourceId,
    pub(crate) number: u64,
    pub(crate) day: Day,
    pub(crate) kind: Kind,
    pub(crate) announced: Announced,
}

impl Request {
    /// The resource asked for.
    pub fn resource(&self) -> ResourceId {
        self.resource
    }

    /// N: 1 for the first request of the resource, without gap or duplicate over the ledger's life.
    ///
    /// Print the number of the [`Delivery`] that the [`Observer`](crate::Observer) is given. It differs from
    /// this one where the ledger could not be read when the resource was first seen.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The day (UTC) on which the status was decided.
    pub fn day(&self) -> Day {
        self.day
    }

    /// How the request is answered.
    pub fn kind(&self) -> Kind {
        self.kind
    }
}

/// What one response did. `L` is whatever the access line needs; it is handed on after the commit.
#[derive(Debug, PartialEq, Eq)]
pub struct Delivery<L> {
    /// The numbered request.
    pub request: Request,
    /// Who asked.
    pub client: Client,
    /// What was sent.
    pub representation: Representation,
    /// What was acknowledged.
    pub received: Received,
    /// The position after the last content byte written to the transport; from the end of the last range in
    /// `received` up to here it is unknown whether the client has the bytes. Of an answer that was written whole, the
    /// end of the last range in `received`: a client that asks for what follows it may do so by plan, as the next of
    /// its segments, and proves nothing by it.
    pub written_to: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// When the status was decided.
    pub began: Moment,
    /// When the outcome was known.
    pub ended: Moment,
    /// For the access line.
    pub line: L,
}

impl<L> Delivery<L> {
    /// The range that was written and is not known to have arrived. Empty unless the response was cut.
    pub(crate) fn in_doubt(&self) -> Range<u64> {
        let acknowledged = self.received.ranges().last().map_or(0, |range| range.end);
        match self.outcome {
            Outcome::Completed => acknowledged..acknowledged,
            Outcome::Aborted => acknowledged..self.written_to.max(acknowledged),
        }
    }
}

/// What a line costs while it waits, besides the delivery itself.
pub trait Weight {
    /// In bytes of memory, about.
    fn weight(&self) -> usize;
}

/// No line, no cost.
impl Weight for () {
    fn weight(&self) -> usize {
        0
    }
}

impl<T: Weight> Weight for Option<Box<T>> {
    fn weight(&self) -> usize {
        self.as_ref().map_or(0, |line| line.weight())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(received: &Received, expect: u64) {
        assert_eq!(received.bytes(), expect);
    }

    #[test]
    fn bytes_are_the_sum_of_the_ranges() {
        check(&Received::Nothing, 0);
        check(&Received::Single(5..5), 0);
        check(&Received::Single(5..9), 4);
        check(&Received::Several([0..1, 8..10, 3..3].into()), 3);
    }

    #[test]
    fn a_day_ends_at_midnight_utc() {
        assert_eq!(Day::of(86_399), Day(0));
        assert_eq!(Day::of(86_400), Day(1));
        assert_eq!(Day::of(1_767_225_600), Day(20_454));
    }
}
