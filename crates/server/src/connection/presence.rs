//! One connection's state as the roster sees it: what it waits for, since when, and what is held against its client.
//!
//! Cells without locks: a connection and its roster live on one thread. The connection says what it does; the sweep
//! compares that with the clock and wakes the connection where something follows from it.

use std::cell::{Cell, RefCell};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::clock::Moment;

/// How long after an answer was written its acknowledgement is looked for first, and how the pauses grow: one look finds
/// that of nearly every client, and one that has vanished costs a look a second.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(10);
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

impl Phase {
    /// Why a client that has said nothing whole in this phase is given up; nothing in the others.
    pub(super) fn interrupt_of_beginner(self) -> Option<Interrupt> {
        match self {
            Phase::Fresh => Some(Interrupt::Idle),
            Phase::Head => Some(Interrupt::SlowHead),
            Phase::Idle | Phase::Transfer | Phase::Answering | Phase::Closing | Phase::Fetching => None,
        }
    }
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
    /// Far more than anybody needs of what asks for nothing.
    Flood,
}

impl Interrupt {
    /// Every reason, in the order of their numbers.
    pub(crate) const ALL: [Interrupt; 5] =
        [Interrupt::Idle, Interrupt::SlowHead, Interrupt::SlowTransfer, Interrupt::Ending, Interrupt::Flood];

    /// One word for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Interrupt::Idle => "idle",
            Interrupt::SlowHead => "slow_head",
            Interrupt::SlowTransfer => "slow_transfer",
            Interrupt::Ending => "ending",
            Interrupt::Flood => "flood",
        }
    }

    /// What the client did, as the end of a sentence; nothing where it did nothing wrong.
    pub(crate) fn reproach(self) -> Option<&'static str> {
        match self {
            Interrupt::Idle | Interrupt::Ending => None,
            Interrupt::SlowHead => Some("given up, because a head took too long"),
            Interrupt::SlowTransfer => Some("given up, because a transfer was too slow"),
            Interrupt::Flood => Some("given up, because it floods the connection"),
        }
    }
}

/// How far a connection's stream to the client is, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Written.
    pub(crate) sent: u64,
    /// Acknowledged by the client's system.
    pub(crate) acknowledged: u64,
}

/// What carries an answer to its client, and knows how far it is.
pub(crate) trait Underway {
    /// Asks how far it is. What can be seen at any time need not be asked for.
    fn ask_progress(&self);

    /// Whether it was asked and has not told.
    fn is_asked(&self) -> bool;

    /// What was told last.
    fn progress(&self) -> Progress;
}

/// One connection's entry.
#[derive(Debug)]
pub(crate) struct Presence {
    phase: Cell<Phase>,
    pub(super) since: Cell<Moment>,
    /// Bytes that had arrived, in either direction, when the window began.
    arrived_before: Cell<u64>,
    window: Cell<Window>,
    interrupt: Cell<Option<Interrupt>>,
    /// When to look for acknowledgements next, and how long to wait after that; absent if none is awaited.
    pub(super) next_look: Cell<Option<(Moment, Duration)>>,
    nudged: Cell<bool>,
    /// Whether someone wants to know the progress, and what was told last.
    asked: Cell<bool>,
    progress: Cell<Progress>,
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
    /// So much of the span is over; meanwhile the client waits for us.
    HeldUp {
        span: Duration,
    },
}

impl Presence {
    pub(super) fn new() -> Presence {
        let now = Moment::now();
        Presence {
            phase: Cell::new(Phase::Fresh),
            since: Cell::new(now),
            arrived_before: Cell::new(0),
            window: Cell::new(Window::Open { since: now }),
            interrupt: Cell::new(None),
            next_look: Cell::new(None),
            nudged: Cell::new(false),
            asked: Cell::new(false),
            progress: Cell::default(),
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

    /// Begins a transfer, or the last of one at closing, which is bounded by its rate; `arrived` bytes have arrived
    /// before it.
    pub(crate) fn begin_transfer(&self, phase: Phase, arrived: u64) {
        self.enter(phase);
        self.arrived_before.set(arrived);
        self.window.set(Window::Open { since: self.since.get() });
    }

    /// Says what a connection waits for on which many answers may be under way; `arrived` bytes have arrived. A span over which
    /// its client is judged goes on where it was held up, so that no further request begins another.
    pub(crate) fn wait(&self, phase: Phase, arrived: impl FnOnce() -> u64) {
        match (self.phase.get(), phase, self.window.get()) {
            (now, phase, _) if now == phase => {}
            // The first request is expected at once.
            (Phase::Fresh, Phase::Idle, _) => {}
            (Phase::Transfer, Phase::Fetching, Window::Open { since } | Window::Over { since }) => {
                self.window.set(Window::HeldUp { span: Moment::now().since(since) });
                self.enter(phase);
            }
            (Phase::Fetching, Phase::Transfer, Window::HeldUp { span }) => {
                self.enter(phase);
                self.window.set(Window::Open { since: self.since.get().before(span) });
            }
            (_, Phase::Transfer, _) => self.begin_transfer(phase, arrived()),
            (_, phase, _) => {
                self.enter(phase);
                self.window.set(Window::Open { since: self.since.get() });
            }
        }
    }

    /// Says that a request is complete on a connection on which others may be under way.
    pub(crate) fn answer_another(&self) {
        match self.phase.get() {
            Phase::Transfer | Phase::Fetching => {}
            Phase::Fresh | Phase::Idle | Phase::Head | Phase::Answering | Phase::Closing => self.answer(),
        }
    }

    /// Begins the connection's end; at least `arrived` bytes have arrived before it. Whoever was too slow to ask still gets
    /// what is on its way to it.
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

    /// Whether the connection has been given up.
    ///
    /// `arrived` says how many bytes have arrived in total; it is asked once per window of a transfer.
    pub(crate) fn interrupt(&self, limits: &Limits, arrived: impl FnOnce() -> u64) -> Option<Interrupt> {
        if let (Phase::Transfer | Phase::Closing, Window::Over { since }) =
            (self.phase.get(), self.window.get())
        {
            self.judge_rate(limits, since, arrived());
        }
        self.interrupt.get()
    }

    /// Ready when the connection has been given up; otherwise it is woken when it is.
    pub(crate) fn poll_interrupt(
        &self,
        limits: &Limits,
        context: &Context<'_>,
        arrived: impl FnOnce() -> u64,
    ) -> Poll<Interrupt> {
        if let Some(interrupt) = self.interrupt(limits, arrived) {
            return Poll::Ready(interrupt);
        }
        let mut waker = self.waker.borrow_mut();
        if !waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            *waker = Some(context.waker().clone());
        }
        Poll::Pending
    }

    /// Whether the connection has been given up, and has not gone yet.
    pub(super) fn is_given_up(&self) -> bool {
        self.interrupt.get().is_some()
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

    /// Tells how far the connection is.
    pub(crate) fn tell_progress(&self, progress: Progress) {
        self.asked.set(false);
        self.progress.set(progress);
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
    pub(super) fn sweep(&self, limits: &Limits, now: Moment) {
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

    pub(super) fn give_up(&self, interrupt: Interrupt) {
        self.interrupt.set(Some(interrupt));
        self.wake();
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.borrow().as_ref() {
            waker.wake_by_ref();
        }
    }
}

impl Underway for Presence {
    /// A connection that is being closed tells without being asked.
    fn ask_progress(&self) {
        if self.phase.get() != Phase::Closing && !self.asked.replace(true) {
            self.wake();
        }
    }

    fn is_asked(&self) -> bool {
        self.asked.get()
    }

    fn progress(&self) -> Progress {
        self.progress.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        idle_timeout: Duration::from_mins(1),
        header_timeout: Duration::from_mins(1),
        min_rate: 1000,
        rate_window: Duration::from_secs(1),
    };

    /// Whether a client of which nothing arrives is given up a fifth of a window after these phases, which follow on four
    /// fifths of one in a transfer.
    #[track_caller]
    fn check(phases: &[Phase], expect: Option<Interrupt>) {
        let presence = Presence::new();
        let began = Moment::now().before(Duration::from_millis(800));
        presence.wait(Phase::Transfer, || 0);
        presence.window.set(Window::Open { since: began });
        for phase in phases {
            match phase {
                Phase::Answering => presence.answer_another(),
                phase => presence.wait(*phase, || 0),
            }
            // However long something else takes, it is not held against the client.
            if *phase == Phase::Fetching {
                presence.sweep(&LIMITS, Moment::now().after(Duration::from_secs(10)));
                assert_eq!(presence.interrupt(&LIMITS, || 0), None, "{phases:?}");
            }
        }
        presence.sweep(&LIMITS, Moment::now().after(Duration::from_millis(250)));
        assert_eq!(presence.interrupt(&LIMITS, || 0), expect, "{phases:?}");
    }

    #[test]
    fn a_transfer_is_judged_over_one_span_whatever_else_is_asked() {
        use Phase::{Answering, Fetching, Idle, Transfer};
        let slow = Some(Interrupt::SlowTransfer);
        check(&[], slow);
        check(&[Transfer], slow);
        check(&[Answering, Transfer, Answering, Transfer], slow);
        check(&[Fetching, Transfer], slow);
        check(&[Fetching, Answering, Fetching, Transfer], slow);
        check(&[Fetching], None);
        // Another transfer, with a span of its own.
        check(&[Idle, Transfer], None);
        check(&[Idle, Answering, Fetching, Transfer], None);
        check(&[Fetching, Idle, Fetching, Transfer], None);
    }
}
