//! Who is connected to a worker, what each waits for, and for how long yet.
//!
//! One sweep a few times a second judges all connections, so that no request arms a timer. A slow client is judged by
//! its rate over a window, never by its total time; what counts is what its system acknowledged, because the kernel
//! takes megabytes into its own buffer at once. The sweep only says that a window is over: what is acknowledged,
//! the connection itself knows.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use slab::Slab;
use tokio::sync::Notify;

use crate::clock::Moment;

/// How long after an answer was written its acknowledgement is looked for first, and how the pauses grow: one look finds
/// that of nearly every client, and one that has vanished costs a look a second.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Whether a connection awaits acknowledgements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Awaits {
    None,
    Some,
}

/// What bounds a connection's patience with its client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// How long a persistent connection may be silent between requests.
    pub(crate) idle_timeout: Duration,
    /// How long a head may take from its first byte, and the first head from the connection's start.
    pub(crate) header_timeout: Duration,
    /// The least average rate of a transfer over `rate_window`, in bytes per second; 0 is no limit.
    pub(crate) min_rate: u64,
    /// The span over which a rate is judged.
    pub(crate) rate_window: Duration,
}

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Connected, and nothing received yet.
    Fresh,
    /// Between requests.
    Idle,
    /// Receiving a head.
    Head,
    /// Sending, or receiving a request's content.
    Transfer,
    /// Deciding on requests that were received.
    Answering,
    /// Everything was said; waiting for the client to have received it.
    Closing,
    /// Waiting for a disk: nothing to judge the client by.
    Fetching,
}

/// Why a connection is not waited for any longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interrupt {
    /// Silent for too long between requests, or not wanted any more while idle.
    Idle,
    /// A head that takes too long.
    SlowHead,
    /// A transfer below the least rate.
    SlowTransfer,
    /// The server ends.
    Ending,
}

/// One connection's entry.
#[derive(Debug)]
pub(crate) struct Presence {
    phase: Cell<Phase>,
    since: Cell<Moment>,
    /// Bytes that had arrived, in either direction, when the window began.
    arrived_before: Cell<u64>,
    window: Cell<Window>,
    interrupt: Cell<Option<Interrupt>>,
    /// When to look for acknowledgements next, and how long to wait after that; absent if none is awaited.
    next_look: Cell<Option<(Moment, Duration)>>,
    nudged: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

/// The span over which a transfer is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Window {
    Open {
        since: Moment,
    },
    /// The span is over; the connection is asked what has arrived.
    Over {
        since: Moment,
    },
}

impl Presence {
    fn new() -> Presence {
        let now = Moment::now();
        Presence {
            phase: Cell::new(Phase::Fresh),
            since: Cell::new(now),
            arrived_before: Cell::new(0),
            window: Cell::new(Window::Open { since: now }),
            interrupt: Cell::new(None),
            next_look: Cell::new(None),
            nudged: Cell::new(false),
            waker: RefCell::default(),
        }
    }

    /// Begins a phase that is bounded by its time.
    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.set(phase);
        self.since.set(Moment::now());
    }

    /// Says that a request is complete.
    pub(crate) fn answer(&self) {
        self.phase.set(Phase::Answering);
    }

    /// Begins a transfer, or the last of one at closing, which is bounded by its rate; `arrived` bytes have arrived before
    /// it.
    pub(crate) fn begin_transfer(&self, phase: Phase, arrived: u64) {
        self.enter(phase);
        self.arrived_before.set(arrived);
        self.window.set(Window::Open { since: self.since.get() });
    }

    /// Begins the connection's end. Whoever was too slow to ask still gets what is on its way to it.
    pub(crate) fn begin_closing(&self, arrived: u64) {
        if let Some(Interrupt::Idle | Interrupt::SlowHead) = self.interrupt.get() {
            self.interrupt.set(None);
        }
        self.begin_transfer(Phase::Closing, arrived);
    }

    /// How long the connection has been in its phase.
    pub(crate) fn waited(&self) -> Duration {
        Moment::now().since(self.since.get())
    }

    /// The phase that the connection is in.
    pub(crate) fn phase(&self) -> Phase {
        self.phase.get()
    }

    /// Whether the connection has been given up; otherwise it is woken when it is.
    ///
    /// `arrived` says how many bytes have arrived in total; it is asked once per window of a transfer.
    pub(crate) fn poll_interrupt(
        &self,
        limits: &Limits,
        context: &Context<'_>,
        arrived: impl FnOnce() -> u64,
    ) -> Poll<Interrupt> {
        if let (Phase::Transfer | Phase::Closing, Window::Over { since }) =
            (self.phase.get(), self.window.get())
        {
            self.judge_rate(limits, since, arrived());
        }
        if let Some(interrupt) = self.interrupt.get() {
            return Poll::Ready(interrupt);
        }
        let mut waker = self.waker.borrow_mut();
        if !waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            *waker = Some(context.waker().clone());
        }
        Poll::Pending
    }

    fn judge_rate(&self, limits: &Limits, since: Moment, arrived: u64) {
        let now = Moment::now();
        let least = u128::from(limits.min_rate) * now.since(since).as_millis() / 1000;
        if u128::from(arrived.saturating_sub(self.arrived_before.get())) < least {
            self.interrupt.set(Some(Interrupt::SlowTransfer));
        }
        self.arrived_before.set(arrived);
        self.window.set(Window::Open { since: now });
    }

    /// Whether it is time to look for acknowledgements; says so once.
    pub(crate) fn take_nudge(&self) -> bool {
        self.nudged.replace(false)
    }

    /// Nudges a connection that awaits acknowledgements, each time after twice the pause: they wake nobody.
    fn nudge(&self, now: Moment) {
        if let Some((moment, pause)) = self.next_look.get()
            && now >= moment
        {
            let pause = (pause * 2).min(LONGEST_PAUSE);
            self.next_look.set(Some((now.after(pause), pause)));
            self.nudged.set(true);
            self.wake();
        }
    }

    /// Holds what the clock alone can tell against the client.
    fn sweep(&self, limits: &Limits, now: Moment) {
        self.nudge(now);
        let waited = now.since(self.since.get());
        match (self.phase.get(), self.window.get()) {
            (Phase::Fresh, _) if waited >= limits.header_timeout => self.give_up(Interrupt::Idle),
            (Phase::Idle, _) if waited >= limits.idle_timeout => self.give_up(Interrupt::Idle),
            (Phase::Head, _) if waited >= limits.header_timeout => self.give_up(Interrupt::SlowHead),
            (Phase::Transfer | Phase::Closing, Window::Open { since })
                if now.since(since) >= limits.rate_window =>
            {
                self.window.set(Window::Over { since });
                self.wake();
            }
            (
                Phase::Fresh
                | Phase::Idle
                | Phase::Head
                | Phase::Answering
                | Phase::Transfer
                | Phase::Closing
                | Phase::Fetching,
                _,
            ) => {}
        }
    }

    fn give_up(&self, interrupt: Interrupt) {
        self.interrupt.set(Some(interrupt));
        self.wake();
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.borrow().as_ref() {
            waker.wake_by_ref();
        }
    }
}

/// All connections of one worker.
#[derive(Debug)]
pub(crate) struct Roster {
    entries: RefCell<Slab<Rc<Presence>>>,
    limits: Limits,
    /// How many connections await acknowledgements.
    awaiting: Cell<usize>,
    /// Told when the first connection does, while nobody looks.
    awakening: Notify,
    pace: Cell<Pace>,
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
    pub(crate) fn new(limits: Limits) -> Rc<Roster> {
        Rc::new(Roster {
            entries: RefCell::default(),
            limits,
            awaiting: Cell::new(0),
            awakening: Notify::new(),
            pace: Cell::new(Pace::Leisurely),
        })
    }

    /// Puts a connection on the roster.
    pub(crate) fn enrol(self: &Rc<Self>) -> Enrolment {
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

    /// Gives up on the connection that has been idle for longest, if there is one, to make room for another.
    pub(crate) fn end_longest_idle(&self) {
        let entries = self.entries.borrow();
        let idle =
            entries.iter().map(|(_, presence)| presence).filter(|presence| presence.phase() == Phase::Idle);
        if let Some(longest) = idle.min_by_key(|presence| presence.since.get()) {
            longest.give_up(Interrupt::Idle);
        }
    }
}

impl Enrolment {
    /// The connection's entry.
    pub(crate) fn presence(&self) -> &Presence {
        &self.presence
    }

    /// Says whether acknowledgements are awaited, which the connection is then nudged to look for.
    pub(crate) fn await_acknowledgements(&self, awaits: Awaits) {
        let next_look = &self.presence.next_look;
        let roster = &self.roster;
        match (awaits, next_look.get()) {
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
            (Awaits::Some, Some(_)) | (Awaits::None, None) => {}
        }
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
