//! The signals: from one that ends the process to its end (drain, then cut what is left), and those that open the log and
//! the folder anew.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use tallyd_ledger::{Ledger, Unwritten};
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{oneshot, watch};

use crate::access_log::{AccessLog, Details};
use crate::acme::Keeping;
use crate::renewal::Renewal;
use crate::worker::Stage;

/// How long connections that are cut have to say so in the log.
const CUT_PATIENCE: Duration = Duration::from_secs(1);

/// Waits for the signals.
pub(crate) struct Ending {
    runtime: Runtime,
    signals: Signals,
}

impl Ending {
    /// Takes charge of the signals, before anyone can know that there is a process to signal.
    pub(crate) fn prepare() -> io::Result<Ending> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let signals = runtime.block_on(async { Signals::new() })?;
        Ok(Ending { runtime, signals })
    }

    /// Waits for a signal, then for the transfers under way, for `grace` at most; a second signal cuts them at once.
    /// Returns when whoever holds a receiver of `stage` is gone, or not to be waited for any longer, how much of `grace` is
    /// left. All the while `anew` is when a signal asks for it.
    pub(crate) fn wait(
        &mut self,
        stage: &watch::Sender<Stage>,
        grace: Duration,
        anew: &Anew<'_>,
    ) -> Duration {
        self.runtime.block_on(async {
            self.signals.end(anew).await;
            let end = Instant::now() + grace;
            stage.send_replace(Stage::Draining);
            if !self.signals.come_before(stage.closed(), grace, anew).await {
                return end.saturating_duration_since(Instant::now());
            }
            stage.send_replace(Stage::Ending);
            // Whoever has not ended by now is ended with the process.
            let _ = tokio::time::timeout(CUT_PATIENCE, stage.closed()).await;
            Duration::ZERO
        })
    }

    /// Closes the ledger, which takes as long as `patience` if it cannot be written; a signal ends that, too.
    pub(crate) fn close(
        mut self,
        ledger: &Ledger<Details>,
        patience: Duration,
        anew: &Anew<'_>,
    ) -> Result<(), Unwritten> {
        thread::scope(|scope| {
            let (closing, closed) = oneshot::channel::<()>();
            let ledger_end = scope.spawn(move || {
                let result = ledger.close(patience);
                drop(closing);
                result
            });
            // It ends by being dropped, so that there is nothing to receive.
            let closed = async { drop(closed.await) };
            if self.runtime.block_on(self.signals.come_before(closed, patience + CUT_PATIENCE, anew)) {
                ledger.hurry();
            }
            ledger_end.join().expect("a panic of the ledger ends the process")
        })
    }
}

/// What a signal can have opened anew.
pub(crate) struct Anew<'a> {
    pub(crate) log: &'a AccessLog,
    /// The folder that is served.
    pub(crate) renewal: &'a Renewal,
    /// The certificates that are ordered, if any are.
    pub(crate) keeping: Option<&'a Keeping>,
}

/// The signals that end the process, and those that must not.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    /// Sent by whoever moved the log away or replaced the folder, and by a terminal that goes away: opening them anew does
    /// no harm then.
    hang_up: Signal,
    /// For the log alone, as nginx takes it.
    user_1: Signal,
}

impl Signals {
    fn new() -> io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
            user_1: signal(SignalKind::user_defined1())?,
        })
    }

    /// Waits for a signal that ends the process, and opens anew what others ask for meanwhile.
    async fn end(&mut self, anew: &Anew<'_>) {
        poll_fn(|context| {
            // Asked until they are pending: only then do they wake this task again.
            while self.hang_up.poll_recv(context).is_ready() {
                anew.log.reopen();
                anew.renewal.look();
                if let Some(keeping) = anew.keeping {
                    keeping.hurry();
                }
            }
            while self.user_1.poll_recv(context).is_ready() {
                anew.log.reopen();
            }
            if self.terminate.poll_recv(context).is_ready() || self.interrupt.poll_recv(context).is_ready() {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }

    /// Whether a signal, or the end of `grace`, comes before `done`.
    async fn come_before(
        &mut self,
        done: impl Future<Output = ()>,
        grace: Duration,
        anew: &Anew<'_>,
    ) -> bool {
        let mut done = pin!(done);
        let mut next = pin!(tokio::time::timeout(grace, self.end(anew)));
        poll_fn(|context| {
            if done.as_mut().poll(context).is_ready() {
                Poll::Ready(false)
            } else {
                next.as_mut().poll(context).map(|_| true)
            }
        })
        .await
    }
}
