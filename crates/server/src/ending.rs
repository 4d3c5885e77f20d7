//! From a signal to the end of the process: drain, then cut what is left.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::worker::Stage;

/// How long connections that are cut have to say so in the log.
const CUT_PATIENCE: Duration = Duration::from_secs(1);

/// Waits for the signals that end the process.
pub(crate) struct Ending {
    runtime: Runtime,
    signals: EndSignals,
}

impl Ending {
    /// Takes charge of the signals, before anyone can know that there is a process to signal.
    pub(crate) fn prepare() -> io::Result<Ending> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let signals = runtime.block_on(async { EndSignals::new() })?;
        Ok(Ending { runtime, signals })
    }

    /// Waits for a signal, then for the transfers under way, for `grace` at most; a second signal cuts them at once.
    /// Returns when whoever holds a receiver of `stage` is gone, or not to be waited for any longer.
    pub(crate) fn wait(mut self, stage: &watch::Sender<Stage>, grace: Duration) {
        self.runtime.block_on(async {
            self.signals.next().await;
            stage.send_replace(Stage::Draining);
            if self.signals.come_before(stage.closed(), grace).await {
                stage.send_replace(Stage::Ending);
                // Whoever has not ended by now is ended with the process.
                let _ = tokio::time::timeout(CUT_PATIENCE, stage.closed()).await;
            }
        });
    }
}

/// The signals that end the process, and one that must not.
struct EndSignals {
    terminate: Signal,
    interrupt: Signal,
    /// Held so that a hang-up, as of the terminal that started the server, does not kill it.
    _hang_up: Signal,
}

impl EndSignals {
    fn new() -> io::Result<EndSignals> {
        Ok(EndSignals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            _hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for either signal.
    async fn next(&mut self) {
        poll_fn(|context| {
            if self.terminate.poll_recv(context).is_ready() || self.interrupt.poll_recv(context).is_ready() {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }

    /// Whether a signal, or the end of `grace`, comes before `done`.
    async fn come_before(&mut self, done: impl Future<Output = ()>, grace: Duration) -> bool {
        let mut done = pin!(done);
        let mut next = pin!(tokio::time::timeout(grace, self.next()));
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
