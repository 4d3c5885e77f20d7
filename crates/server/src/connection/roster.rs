//! Who is connected to a worker, what each waits for, and for how long yet.
//!
//! One sweep a few times a second judges all connections, so that no request arms a timer. A slow client is judged by
//! its rate over a window, never by its total time; what counts is what its system acknowledged, because the kernel
//! takes megabytes into its own buffer at once. The sweep only says that a window is over: what is acknowledged,
//! the connection itself knows.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use slab::Slab;
use tokio::sync::Notify;

use super::presence::{Awaits, FIRST_PAUSE, Interrupt, Limits, Phase, Presence};
use crate::census::Meter;
use crate::clock::Moment;

/// How long a client may take over a handshake or a head while others have no room: as long as both take on a slow line.
/// Whoever only holds connections is not let go before, so that a client that has just come is not the one to go.
const FIRST_WORDS: Duration = Duration::from_secs(1);

/// How long one that was given up may take to go before another one has to.
const LEAVING: Duration = Duration::from_millis(50);

/// All connections of one worker.
#[derive(Debug)]
pub(crate) struct Roster {
    entries: RefCell<Slab<Rc<Presence>>>,
    limits: Limits,
    meter: Rc<Meter>,
    /// How many connections await acknowledgements.
    awaiting: Cell<usize>,
    /// Told when the first connection does, while nobody looks.
    awakening: Notify,
    pace: Cell<Pace>,
    /// When a connection was looked for last that makes room.
    made_room: Cell<Moment>,
}

/// How often the roster is swept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    /// Acknowledgements are looked for.
    Brisk,
    /// Only time-outs are.
    Leisurely,
}

/// Keeps a connection on the roster while it lives.
#[derive(Debug)]
pub(crate) struct Enrolment {
    roster: Rc<Roster>,
    key: usize,
    presence: Rc<Presence>,
}

impl Roster {
    /// Nobody yet; what is sent to those who come is counted by `meter`.
    pub(crate) fn new(limits: Limits, meter: Rc<Meter>) -> Rc<Roster> {
        Rc::new(Roster {
            entries: RefCell::default(),
            limits,
            meter,
            awaiting: Cell::new(0),
            awakening: Notify::new(),
            pace: Cell::new(Pace::Leisurely),
            made_room: Cell::default(),
        })
    }

    /// Puts a connection on the roster.
    pub(crate) fn enrol(self: &Rc<Self>) -> Enrolment {
        self.meter.accepted();
        let presence = Rc::new(Presence::new());
        let key = self.entries.borrow_mut().insert(Rc::clone(&presence));
        Enrolment { roster: Rc::clone(self), key, presence }
    }

    /// How many connections there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.borrow().len()
    }

    /// Sweeps for as long as it is polled: gives up on every connection whose client is overdue, and nudges those that
    /// await acknowledgements.
    pub(crate) async fn sweep(&self) {
        loop {
            let (pace, pause) = match self.awaiting.get() {
                0 => (Pace::Leisurely, self.sweep_interval()),
                _ => (Pace::Brisk, FIRST_PAUSE),
            };
            self.pace.set(pace);
            // Either end of the pause is a reason to look.
            let _ = tokio::time::timeout(pause, self.awakening.notified()).await;
            let now = Moment::now();
            self.entries.borrow().iter().for_each(|(_, presence)| presence.sweep(&self.limits, now));
        }
    }

    /// A quarter of the shortest limit, between 10 and 250 ms.
    fn sweep_interval(&self) -> Duration {
        let Limits { idle_timeout, header_timeout, rate_window, .. } = self.limits;
        let shortest = idle_timeout.min(header_timeout).min(rate_window);
        (shortest / 4).clamp(Duration::from_millis(10), Duration::from_millis(250))
    }

    /// Gives up on the connections that wait for a client's next request.
    pub(crate) fn end_idle(&self) {
        let entries = self.entries.borrow();
        let waiting =
            entries.iter().filter(|(_, presence)| matches!(presence.phase(), Phase::Fresh | Phase::Idle));
        waiting.for_each(|(_, presence)| presence.give_up(Interrupt::Idle));
    }

    /// Gives up on every connection.
    pub(crate) fn end_all(&self) {
        self.entries.borrow().iter().for_each(|(_, presence)| presence.give_up(Interrupt::Ending));
    }

    /// Gives up on a connection to make room for another, unless one has just been given up: on the one that has been idle for
    /// longest, or else on the one that has taken longest over its handshake or a head, if that is longer than
    /// [`FIRST_WORDS`].
    pub(crate) fn make_room(&self) {
        let entries = self.entries.borrow();
        let now = Moment::now();
        let is_one_leaving = || entries.iter().any(|(_, presence)| presence.is_given_up());
        if now.since(self.made_room.get()) < LEAVING && is_one_leaving() {
            return;
        }
        self.made_room.set(now);
        let all = || entries.iter().map(|(_, presence)| presence).filter(|presence| !presence.is_given_up());
        let idle = all().filter(|presence| presence.phase() == Phase::Idle);
        if let Some(longest) = idle.min_by_key(|presence| presence.since.get()) {
            return longest.give_up(Interrupt::Idle);
        }
        let beginning = all().filter(|presence| presence.waited() >= FIRST_WORDS);
        let beginning =
            beginning.filter_map(|presence| Some((presence, presence.phase().interrupt_of_beginner()?)));
        if let Some((longest, interrupt)) = beginning.min_by_key(|(presence, _)| presence.since.get()) {
            longest.give_up(interrupt);
        }
    }
}

impl Enrolment {
    /// The connection's entry.
    pub(crate) fn presence(&self) -> &Rc<Presence> {
        &self.presence
    }

    /// Says whether acknowledgements are awaited, which the connection is then nudged to look for.
    pub(crate) fn await_acknowledgements(&self, awaits: Awaits) {
        let next_look = &self.presence.next_look;
        let roster = &self.roster;
        match (awaits, next_look.get()) {
            (Awaits::Some, Some((_, FIRST_PAUSE))) | (Awaits::None, None) => {}
            // Something new was written: it has nothing to do with how long others take.
            (Awaits::Some, Some(_)) => {
                next_look.set(Some((Moment::now().after(FIRST_PAUSE), FIRST_PAUSE)));
            }
            (Awaits::Some, None) => {
                next_look.set(Some((Moment::now().after(FIRST_PAUSE), FIRST_PAUSE)));
                roster.awaiting.set(roster.awaiting.get() + 1);
                if roster.pace.get() == Pace::Leisurely {
                    roster.awakening.notify_one();
                }
            }
            (Awaits::None, Some(_)) => {
                next_look.set(None);
                roster.awaiting.set(roster.awaiting.get() - 1);
            }
        }
    }

    /// Waits for something that depends on the client, unless the client is given up first.
    pub(crate) async fn bound<T>(&self, waiting: impl Future<Output = T>) -> Option<T> {
        let mut waiting = pin!(waiting);
        poll_fn(|context| {
            if let Poll::Ready(done) = waiting.as_mut().poll(context) {
                return Poll::Ready(Some(done));
            }
            // Only a transfer is judged by what has arrived.
            self.presence.poll_interrupt(self.limits(), context, || 0).map(|interrupt| {
                self.meter().gave_up(interrupt);
                None
            })
        })
        .await
    }

    /// Counts what is sent on the connection.
    pub(crate) fn meter(&self) -> &Meter {
        &self.roster.meter
    }

    /// What bounds the connection.
    pub(crate) fn limits(&self) -> &Limits {
        &self.roster.limits
    }
}

impl Drop for Enrolment {
    fn drop(&mut self) {
        self.await_acknowledgements(Awaits::None);
        self.roster.entries.borrow_mut().remove(self.key);
    }
}
