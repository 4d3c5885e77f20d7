//! The time, as coarse as serving needs it: the kernel's tick (1–4 ms), read without a system call.

use std::cell::{Cell, Ref, RefCell};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tallyd_http::validator::{HttpDate, Timestamp};

/// A moment on the monotonic clock, in milliseconds since an arbitrary start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(u64);

impl Moment {
    /// Now, to the kernel's tick.
    pub(crate) fn now() -> Moment {
        let now = clock_gettime(ClockId::MonotonicCoarse);
        // The monotonic clock starts at boot and is never negative.
        Moment(now.tv_sec.unsigned_abs() * 1000 + now.tv_nsec.unsigned_abs() / 1_000_000)
    }

    /// The moment with this many milliseconds behind it.
    pub(crate) fn from_millis(milliseconds: u64) -> Moment {
        Moment(milliseconds)
    }

    /// In milliseconds since the start.
    pub(crate) fn as_millis(self) -> u64 {
        self.0
    }

    /// The moment this much later.
    pub(crate) fn after(self, span: Duration) -> Moment {
        Moment(self.0.saturating_add(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)))
    }

    /// The moment this much earlier.
    pub(crate) fn before(self, span: Duration) -> Moment {
        Moment(self.0.saturating_sub(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)))
    }

    /// How long ago `earlier` was; zero if it is later.
    pub(crate) fn since(self, earlier: Moment) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl From<Moment> for tallyd_ledger::Moment {
    /// The moment as the ledger writes it: in microseconds.
    fn from(moment: Moment) -> tallyd_ledger::Moment {
        tallyd_ledger::Moment(moment.0 * 1000)
    }
}

/// Now, as the ledger writes moments.
pub(crate) fn ledger_moment() -> tallyd_ledger::Moment {
    Moment::now().into()
}

/// The day, as the ledger counts them.
pub(crate) fn today() -> tallyd_ledger::Day {
    day_of(timestamp())
}

/// The day on which `time` falls, as the ledger counts them.
pub(crate) fn day_of(time: Timestamp) -> tallyd_ledger::Day {
    // A clock set to before 1970 books on the first day there is.
    tallyd_ledger::Day::of(u64::try_from(time.seconds).unwrap_or(0))
}

/// The time of day.
pub(crate) fn timestamp() -> Timestamp {
    let now = clock_gettime(ClockId::RealtimeCoarse);
    Timestamp { seconds: now.tv_sec, nanoseconds: now.tv_nsec.unsigned_abs() as u32 }
}

/// The time of day as HTTP writes it.
pub(crate) fn http_date() -> HttpDate {
    date_of(timestamp())
}

/// `time` as HTTP writes it.
pub(crate) fn date_of(time: Timestamp) -> HttpDate {
    HttpDate::from_unix_seconds(time.seconds).expect("the clock is set to a year between 0 and 9999")
}

/// A text that holds the date, rendered once a second.
pub(crate) struct SecondlyText {
    second: Cell<i64>,
    text: RefCell<Vec<u8>>,
    render: fn(&mut Vec<u8>, &[u8]),
}

impl SecondlyText {
    /// A text that `render` appends to an empty one, given the date as HTTP writes it (RFC 9110 §5.6.7).
    pub(crate) fn new(render: fn(&mut Vec<u8>, &[u8])) -> SecondlyText {
        SecondlyText { second: Cell::new(i64::MIN), text: RefCell::default(), render }
    }

    /// The text for the second of `time`.
    pub(crate) fn at(&self, time: Timestamp) -> Ref<'_, [u8]> {
        if self.second.replace(time.seconds) != time.seconds {
            let mut text = self.text.borrow_mut();
            text.clear();
            (self.render)(&mut text, date_of(time).to_string().as_bytes());
        }
        Ref::map(self.text.borrow(), Vec::as_slice)
    }
}
