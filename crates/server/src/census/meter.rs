//! A worker's figures: what it answered, refused, sent and gave up since its start.
//!
//! Cells without locks: the meter and all that it counts live on one thread.

use std::array::from_fn;
use std::cell::Cell;

use tallyd_http::refusal::Refusal;
use tallyd_http::status::Status;

use super::Protocol;
use crate::connection::presence::Interrupt;

/// Classes of statuses, 1xx to 5xx.
const CLASSES: usize = 5;

/// How often each of `N` things happened.
type Tallies<const N: usize> = [Cell<u64>; N];

/// How a connection to a port for TLS began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Handshake {
    /// With a new session.
    Full,
    /// With one that goes on.
    Resumed,
    /// Without TLS, by a client that speaks HTTP.
    PlainHttp,
    /// With something that is no handshake, or a damaged one.
    Malformed,
    /// With a handshake that we cannot complete: no version, cipher or certificate suits both sides.
    Unacceptable,
    /// With one that the client has not completed.
    Abandoned,
}

impl Handshake {
    /// Every one, in the order of their numbers.
    pub(crate) const ALL: [Handshake; 6] = [
        Handshake::Full,
        Handshake::Resumed,
        Handshake::PlainHttp,
        Handshake::Malformed,
        Handshake::Unacceptable,
        Handshake::Abandoned,
    ];

    /// One word for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Handshake::Full => "full",
            Handshake::Resumed => "resumed",
            Handshake::PlainHttp => "plain_http",
            Handshake::Malformed => "malformed",
            Handshake::Unacceptable => "unacceptable",
            Handshake::Abandoned => "abandoned",
        }
    }
}

/// What a worker counts.
#[derive(Debug)]
pub(crate) struct Meter {
    answers: [Tallies<CLASSES>; Protocol::ALL.len()],
    refusals: Tallies<{ Refusal::ALL.len() }>,
    given_up: Tallies<{ Interrupt::ALL.len() }>,
    handshakes: Tallies<{ Handshake::ALL.len() }>,
    accepted: Cell<u64>,
    sent_bytes: Cell<u64>,
    panics: Cell<u64>,
    remembered_hits: Cell<u64>,
    remembered_misses: Cell<u64>,
}

/// The figures at one moment. They add up over workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Readings {
    /// Answers whose head was decided.
    pub(crate) answers: Answers,
    /// Of these, refusals, in the order of [`Refusal::ALL`].
    pub(crate) refusals: [u64; Refusal::ALL.len()],
    /// Clients that were not waited for any longer, in the order of [`Interrupt::ALL`].
    pub(crate) given_up: [u64; Interrupt::ALL.len()],
    /// How connections for TLS began, in the order of [`Handshake::ALL`].
    pub(crate) handshakes: [u64; Handshake::ALL.len()],
    /// Connections accepted.
    pub(crate) accepted: u64,
    /// Bytes that the kernel took for clients, heads among them.
    pub(crate) sent_bytes: u64,
    /// Connections that ended by a fault of ours.
    pub(crate) panics: u64,
    /// Requests for a file that was remembered.
    pub(crate) remembered_hits: u64,
    /// Requests for one that was not.
    pub(crate) remembered_misses: u64,
    /// Connections now.
    pub(crate) connections: u64,
    /// Transfers in flight now.
    pub(crate) transfers: u64,
}

/// Answers by protocol and by class of their status, 1xx first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answers(pub(crate) [[u64; CLASSES]; Protocol::ALL.len()]);

impl Answers {
    /// All of them.
    pub(crate) fn sum(&self) -> u64 {
        self.0.iter().flatten().sum()
    }
}

impl Meter {
    pub(crate) fn new() -> Meter {
        Meter {
            answers: from_fn(|_| from_fn(|_| Cell::default())),
            refusals: from_fn(|_| Cell::default()),
            given_up: from_fn(|_| Cell::default()),
            handshakes: from_fn(|_| Cell::default()),
            accepted: Cell::default(),
            sent_bytes: Cell::default(),
            panics: Cell::default(),
            remembered_hits: Cell::default(),
            remembered_misses: Cell::default(),
        }
    }

    /// A request was answered with this status.
    pub(crate) fn answered(&self, protocol: Protocol, status: Status) {
        // The hundreds of a status are 1 to 5.
        let class = usize::from(status.code / 100).saturating_sub(1).min(CLASSES - 1);
        add(&self.answers[protocol as usize][class], 1);
    }

    /// A request was refused.
    pub(crate) fn refused(&self, refusal: Refusal) {
        add(&self.refusals[refusal as usize], 1);
    }

    /// A client is not waited for any longer.
    pub(crate) fn gave_up(&self, interrupt: Interrupt) {
        add(&self.given_up[interrupt as usize], 1);
    }

    /// A connection for TLS has begun, or has come to nothing.
    pub(crate) fn shook_hands(&self, handshake: Handshake) {
        add(&self.handshakes[handshake as usize], 1);
    }

    /// A connection was accepted.
    pub(crate) fn accepted(&self) {
        add(&self.accepted, 1);
    }

    /// The kernel took so many bytes for a client.
    pub(crate) fn sent(&self, bytes: u64) {
        add(&self.sent_bytes, bytes);
    }

    /// A connection ended by a panic.
    pub(crate) fn panicked(&self) {
        add(&self.panics, 1);
    }

    /// A file was asked for that was remembered.
    pub(crate) fn recalled(&self) {
        add(&self.remembered_hits, 1);
    }

    /// A file was asked for that was not.
    pub(crate) fn looked_up(&self) {
        add(&self.remembered_misses, 1);
    }

    /// What was counted so far; nothing of the moment.
    pub(super) fn read(&self) -> Readings {
        Readings {
            answers: Answers(self.answers.each_ref().map(figures)),
            refusals: figures(&self.refusals),
            given_up: figures(&self.given_up),
            handshakes: figures(&self.handshakes),
            accepted: self.accepted.get(),
            sent_bytes: self.sent_bytes.get(),
            panics: self.panics.get(),
            remembered_hits: self.remembered_hits.get(),
            remembered_misses: self.remembered_misses.get(),
            connections: 0,
            transfers: 0,
        }
    }
}

impl Readings {
    /// Adds another worker's.
    pub(crate) fn add(&mut self, other: &Readings) {
        let Readings {
            answers,
            refusals,
            given_up,
            handshakes,
            accepted,
            sent_bytes,
            panics,
            remembered_hits,
            remembered_misses,
            connections,
            transfers,
        } = other;
        for (sum, more) in self.answers.0.iter_mut().flatten().zip(answers.0.iter().flatten()) {
            *sum += more;
        }
        self.refusals.iter_mut().zip(refusals).for_each(|(sum, more)| *sum += more);
        self.given_up.iter_mut().zip(given_up).for_each(|(sum, more)| *sum += more);
        self.handshakes.iter_mut().zip(handshakes).for_each(|(sum, more)| *sum += more);
        self.accepted += accepted;
        self.sent_bytes += sent_bytes;
        self.panics += panics;
        self.remembered_hits += remembered_hits;
        self.remembered_misses += remembered_misses;
        self.connections += connections;
        self.transfers += transfers;
    }
}

fn add(cell: &Cell<u64>, count: u64) {
    cell.set(cell.get() + count);
}

fn figures<const N: usize>(tallies: &Tallies<N>) -> [u64; N] {
    tallies.each_ref().map(Cell::get)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_is_read_and_adds_up() {
        let meter = Meter::new();
        meter.answered(Protocol::Http1, Status::OK);
        meter.answered(Protocol::Http1, Status::NOT_FOUND);
        meter.answered(Protocol::Http1, Status::PARTIAL_CONTENT);
        meter.refused(Refusal::NotFound);
        meter.gave_up(Interrupt::SlowHead);
        meter.shook_hands(Handshake::Resumed);
        meter.accepted();
        meter.sent(500);
        meter.panicked();
        meter.recalled();
        meter.looked_up();
        let one = meter.read();
        assert_eq!(one.answers.0[0], [0, 2, 0, 1, 0]);
        assert_eq!(one.answers.sum(), 3);
        let place_of = |wanted| Refusal::ALL.iter().position(|refusal| *refusal == wanted);
        assert_eq!(one.refusals.iter().position(|count| *count == 1), place_of(Refusal::NotFound));

        let mut two = one;
        two.add(&one);
        assert_eq!(two.answers.sum(), 6);
        assert_eq!((two.refusals.iter().sum::<u64>(), two.given_up.iter().sum::<u64>()), (2, 2));
        assert_eq!(two.handshakes, [0, 2, 0, 0, 0, 0]);
        assert_eq!((two.accepted, two.sent_bytes, two.panics), (2, 1000, 2));
        assert_eq!((two.remembered_hits, two.remembered_misses), (2, 2));
    }

    #[test]
    fn the_lists_are_in_the_order_of_their_numbers() {
        assert!(Refusal::ALL.iter().enumerate().all(|(place, refusal)| *refusal as usize == place));
        assert!(Interrupt::ALL.iter().enumerate().all(|(place, interrupt)| *interrupt as usize == place));
        assert!(Handshake::ALL.iter().enumerate().all(|(place, handshake)| *handshake as usize == place));
        assert!(Protocol::ALL.iter().enumerate().all(|(place, protocol)| *protocol as usize == place));
    }
}
