//! The way from one worker to the writer: a ring for every day, and a place beside it for a bad one.
//!
//! A push into the ring is a copy of some 150 bytes: no lock, no allocation, no system call but for the rare
//! wake-up. When the ring is full, because the store is stalled, events go into the *overflow*, and when that
//! is full too they are added up: lines may be lost then, and their number is known; counts never are.
//!
//! Both events of a transfer must come through the same lane: only then is its beginning sure to be seen no
//! later than its end.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;

use rtrb::chunks::ReadChunk;
use rtrb::{Consumer, Producer, PushError, RingBuffer};

use crate::counters::Totals;
use crate::delivery::{Announced, Day, Delivery, Kind, Outcome, Request, ResourceId, Weight};

/// Room for what one worker does while the writer naps (4 ms) or commits: 27 ms at 150,000 deliveries a second.
const RING: usize = 4_096;

/// Some ten megabytes for half a second at 150,000 deliveries a second: the stall of a busy disk.
const OVERFLOW: usize = 65_536;

/// What the lines of these may hold, besides. In formats that tell much an ordinary line is some hundred bytes, and one
/// that a client makes as long as it can is 16 KiB.
const OVERFLOW_BYTES: usize = 16 * 1024 * 1024;

/// What a worker reports.
#[derive(Debug)]
pub(crate) enum Event<L> {
    /// A request that will take a while was answered.
    Began { resource: ResourceId, day: Day, kind: Kind },
    /// A response ended.
    Ended(Delivery<L>),
}

/// One worker's way to report. It can be sent to a worker's thread, but is used by that thread alone.
#[derive(Debug)]
pub struct Reporter<L> {
    ring: RefCell<Producer<Event<L>>>,
    overflow: Arc<Mutex<Overflow<L>>>,
    bell: Arc<Bell>,
}

impl<L: Weight> Reporter<L> {
    /// Reports that a response will not end at once. Call it when the first write did not finish it; so it is
    /// found as aborted if the process is killed, and later numbers of the resource need not wait for it.
    /// A second call does nothing.
    pub fn began(&self, request: &mut Request) {
        if request.announced == Announced::No {
            request.announced = Announced::Yes;
            self.push(Event::Began { resource: request.resource, day: request.day, kind: request.kind });
        }
    }

    /// Reports how a response ended. It must be the reporter that was told of its beginning, if any was.
    #[inline]
    pub fn ended(&self, delivery: Delivery<L>) {
        self.push(Event::Ended(delivery));
    }

    #[inline]
    fn push(&self, event: Event<L>) {
        if let Err(PushError::Full(event)) = self.ring.borrow_mut().push(event) {
            lock(&self.overflow).add(event);
        }
        self.bell.ring();
    }
}

/// The writer's end of a lane.
#[derive(Debug)]
pub(crate) struct Lane<L> {
    ring: Consumer<Event<L>>,
    overflow: Arc<Mutex<Overflow<L>>>,
}

impl<L> Lane<L> {
    /// A new lane with both its ends.
    pub(crate) fn new(bell: Arc<Bell>) -> (Reporter<L>, Self) {
        let (producer, ring) = RingBuffer::new(RING);
        let overflow = Arc::new(Mutex::new(Overflow::default()));
        (
            Reporter { ring: RefCell::new(producer), overflow: Arc::clone(&overflow), bell },
            Self { ring, overflow },
        )
    }

    /// All that was reported up to now.
    ///
    /// The lock is what makes the two parts one moment: no end of a transfer is in either whose beginning
    /// is not in either or was collected before.
    pub(crate) fn collect(&mut self) -> (ReadChunk<'_, Event<L>>, Overflow<L>) {
        let mut overflow = lock(&self.overflow);
        let ready = self.ring.slots();
        let overflow = std::mem::take(&mut *overflow);
        (self.ring.read_chunk(ready).expect("so many slots were ready"), overflow)
    }

    /// Whether there is nothing to collect.
    pub(crate) fn is_empty(&self) -> bool {
        self.ring.is_empty() && lock(&self.overflow).is_empty()
    }

    /// Whether the reporter is gone. What it reported before may still be there.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.ring.is_abandoned()
    }
}

/// What did not fit into the ring.
#[derive(Debug)]
pub(crate) struct Overflow<L> {
    pub(crate) events: Vec<Event<L>>,
    /// The weight of their lines.
    bytes: usize,
    pub(crate) sums: HashMap<(ResourceId, Day), Sum>,
    /// Pieces that were added up, so that nobody will judge whether they make a download.
    pub(crate) unjudged: u64,
    pub(crate) lines_dropped: u64,
}

/// Reports on one resource and one day, added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) totals: Totals,
    /// Requests that were announced.
    pub(crate) announced: u64,
    /// Announced requests that ended.
    pub(crate) closed: u64,
}

impl<L> Default for Overflow<L> {
    fn default() -> Self {
        Self { events: Vec::new(), bytes: 0, sums: HashMap::new(), unjudged: 0, lines_dropped: 0 }
    }
}

impl<L> Overflow<L> {
    fn is_empty(&self) -> bool {
        self.events.is_empty() && self.sums.is_empty()
    }

    fn add(&mut self, event: Event<L>)
    where
        L: Weight,
    {
        let weight = match &event {
            Event::Began { .. } => 0,
            Event::Ended(delivery) => delivery.line.weight(),
        };
        if self.events.len() < OVERFLOW && self.bytes + weight <= OVERFLOW_BYTES {
            self.bytes += weight;
            self.events.push(event);
            return;
        }
        match event {
            Event::Began { resource, day, kind } => {
                let sum = self.sums.entry((resource, day)).or_default();
                sum.announced += 1;
                sum.totals.counters.book_request(kind);
            }
            Event::Ended(delivery) => self.add_up(&delivery),
        }
    }

    fn add_up(&mut self, delivery: &Delivery<L>) {
        let Request { resource, day, kind, announced, .. } = delivery.request;
        let Sum { totals, closed, .. } = self.sums.entry((resource, day)).or_default();
        match announced {
            Announced::No => totals.counters.book_request(kind),
            Announced::Yes => *closed += 1,
        }
        totals.counters.book_end(kind, delivery.outcome, delivery.received.bytes());
        match (kind, delivery.outcome) {
            (Kind::Full, Outcome::Completed) => totals.book_download(delivery.representation.complete_length),
            (Kind::Full, Outcome::Aborted) | (Kind::Partial, _) => self.unjudged += 1,
            (Kind::Head | Kind::NotModified, _) => {}
        }
        self.lines_dropped += 1;
    }
}

/// Wakes the writer when it has nothing to do.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    parked: AtomicBool,
    writer: OnceLock<Thread>,
}

impl Bell {
    /// Names the thread to wake; the writer's first act.
    pub(crate) fn belongs_to(&self, writer: Thread) {
        self.writer.set(writer).expect("a bell has one writer");
    }

    /// Wakes the writer if it is parked. Its naps are not disturbed: it comes by itself.
    #[inline]
    fn ring(&self) {
        // Pairs with the fence in `park`: either this sees the flag, or the writer sees what was pushed before.
        fence(Ordering::SeqCst);
        if self.parked.load(Ordering::Relaxed) {
            self.wake();
        }
    }

    /// Wakes the writer, whatever it does.
    #[cold]
    pub(crate) fn wake(&self) {
        self.parked.store(false, Ordering::Relaxed);
        if let Some(writer) = self.writer.get() {
            writer.unpark();
        }
    }

    /// Parks the calling writer by `park` until the bell rings, unless `is_idle` finds something to do.
    pub(crate) fn park(&self, is_idle: impl FnOnce() -> bool, park: impl FnOnce()) {
        self.parked.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if is_idle() {
            park();
        }
        self.parked.store(false, Ordering::Relaxed);
    }
}

fn lock<L>(overflow: &Mutex<Overflow<L>>) -> MutexGuard<'_, Overflow<L>> {
    // An event that panics half-way in an addition is not possible; the sums are right.
    overflow.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::counters::Counters;
    use crate::delivery::{Client, Moment, Received, Representation};

    fn request(kind: Kind, announced: Announced) -> Request {
        Request { resource: ResourceId(1), number: 1, day: Day(1), kind, announced }
    }

    fn delivery(kind: Kind, announced: Announced) -> Delivery<()> {
        Delivery {
            request: request(kind, announced),
            client: Client { address: Ipv4Addr::LOCALHOST.into(), port: 1, agent: 1 },
            representation: Representation { entity_tag: 1, complete_length: 10 },
            received: Received::Single(0..10),
            written_to: 10,
            outcome: Outcome::Completed,
            began: Moment(0),
            ended: Moment(0),
            line: (),
        }
    }

    #[test]
    fn a_stalled_writer_costs_lines_and_no_counts() {
        let (reporter, mut lane) = Lane::new(Arc::default());
        for _ in 0..RING + OVERFLOW {
            reporter.ended(delivery(Kind::Full, Announced::No));
        }
        let mut slow = request(Kind::Full, Announced::No);
        reporter.began(&mut slow);
        reporter.began(&mut slow);
        reporter.ended(Delivery { request: slow, ..delivery(Kind::Full, Announced::No) });
        reporter.ended(delivery(Kind::Partial, Announced::No));
        reporter.ended(delivery(Kind::Head, Announced::No));

        assert!(!lane.is_empty());
        let (ready, overflow) = lane.collect();
        assert_eq!((ready.len(), overflow.events.len()), (RING, OVERFLOW));
        let counters = Counters {
            requests: 3,
            head: 1,
            full: 1,
            partial: 1,
            completed: 2,
            downloads: 1,
            bytes: 20,
            ..Counters::default()
        };
        let totals = Totals { counters, least_length: Some(10) };
        assert_eq!(overflow.sums[&(ResourceId(1), Day(1))], Sum { totals, announced: 1, closed: 1 });
        assert_eq!((overflow.unjudged, overflow.lines_dropped), (1, 3));
    }

    #[test]
    fn long_lines_are_bounded_by_what_they_hold() {
        struct Long;
        impl Weight for Long {
            fn weight(&self) -> usize {
                16 * 1024
            }
        }
        let delivery = |kind| {
            let Delivery {
                request, client, representation, received, written_to, outcome, began, ended, ..
            } = delivery(kind, Announced::No);
            Delivery {
                request,
                client,
                representation,
                received,
                written_to,
                outcome,
                began,
                ended,
                line: Some(Box::new(Long)),
            }
        };
        let (reporter, mut lane) = Lane::new(Arc::default());
        for _ in 0..RING + 2_000 {
            reporter.ended(delivery(Kind::Full));
        }
        let (_, overflow) = lane.collect();
        assert_eq!((overflow.events.len(), overflow.lines_dropped), (1_024, 2_000 - 1_024));
        assert_eq!(overflow.sums[&(ResourceId(1), Day(1))].totals.counters.downloads, 2_000 - 1_024);
    }

    #[test]
    fn what_is_reported_is_collected_in_its_order_and_the_end_is_noticed() {
        let (reporter, mut lane) = Lane::new(Arc::default());
        let mut slow = request(Kind::Head, Announced::No);
        reporter.began(&mut slow);
        reporter.ended(Delivery { request: slow, ..delivery(Kind::Head, Announced::No) });
        assert!(!lane.is_abandoned());
        drop(reporter);
        assert!(lane.is_abandoned());
        let events: Vec<_> = lane.collect().0.into_iter().collect();
        assert!(matches!(
            &events[..],
            [Event::Began { kind: Kind::Head, .. }, Event::Ended(ended)] if ended.request.announced == Announced::Yes
        ));
        assert!(lane.is_empty());
    }
}
