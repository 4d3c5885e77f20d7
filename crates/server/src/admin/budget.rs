//! How much processor time the admin side may take: whatever is asked, and by however many, its thread leaves most of a core
//! to those who serve. Visitors wait for their turn; nobody is refused.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use super::allowance::Allowance;

/// The thread may take one part in so many of a core. Twenty dashboards take a hundredth.
const ONE_IN: u32 = 5;

/// What may be taken at once: some fifty dashboards that are opened in the same moment.
const RESERVE: Duration = Duration::from_millis(300);

/// What may be taken at once for those who ask whether the server lives, and for new visitors, who may be such: they are
/// answered while others wait.
const URGENT_RESERVE: Duration = Duration::from_millis(600);

/// Whether something goes before others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Urgency {
    Ordinary,
    Urgent,
}

/// See the module. It is used on the thread whose time it measures.
pub(super) struct Budget {
    /// Those who wait, in the order in which they came.
    queue: tokio::sync::Mutex<()>,
    books: Mutex<Books>,
}

struct Books {
    allowance: Allowance,
    /// What the thread had taken when this was last noted.
    taken: Duration,
}

impl Budget {
    pub(super) fn new() -> Budget {
        let books = Books { allowance: Allowance::new(ONE_IN), taken: taken() };
        Budget { queue: tokio::sync::Mutex::new(()), books: Mutex::new(books) }
    }

    /// Waits until there is time to spend.
    pub(super) async fn turn(&self, urgency: Urgency) {
        let (_place, reserve) = match urgency {
            Urgency::Ordinary => (Some(self.queue.lock().await), RESERVE),
            Urgency::Urgent => (None, URGENT_RESERVE),
        };
        loop {
            let wait = self.settle(reserve);
            if wait.is_zero() {
                return;
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// Notes what was taken since the last time, and says how long to wait.
    fn settle(&self, reserve: Duration) -> Duration {
        let (now, taken) = (Instant::now(), taken());
        // A panic leaves sums that the next one puts right.
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        let since = taken.saturating_sub(books.taken);
        books.taken = taken;
        books.allowance.spend(now, since);
        books.allowance.wait(now, reserve)
    }
}

/// The processor time that this thread has taken since its start.
fn taken() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keeps this thread busy.
    fn work(time: Duration) {
        let until = taken() + time;
        while taken() < until {
            std::hint::spin_loop();
        }
    }

    #[test]
    fn work_beyond_the_reserve_is_waited_for() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(async {
            let budget = Budget::new();
            let began = Instant::now();
            let more = Duration::from_millis(100);
            work(RESERVE + more);
            // It passes at once, or the one below would wait as long.
            budget.turn(Urgency::Urgent).await;
            assert!(!budget.settle(RESERVE).is_zero());
            budget.turn(Urgency::Ordinary).await;
            assert!(began.elapsed() >= more * ONE_IN, "{:?}", began.elapsed());
        });
    }
}
