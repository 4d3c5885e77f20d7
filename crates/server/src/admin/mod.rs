//! The admin side: what a running server tells of itself, on a listener and a thread of its own.
//!
//! It reads and changes nothing. It learns from three sources, none of which waits for it: workers answer its questions
//! between two events (`census`), the ledger's thread leaves sums of what it committed (`deliveries`), and the ledger's
//! store is read on a connection of its own (`library`). A panic here ends a request, at worst this thread; serving
//! and counting go on.

mod allowance;
mod api;
mod budget;
mod busy;
mod dashboard;
mod deliveries;
mod guard;
mod history;
mod library;
mod listener;
mod metrics;
mod observatory;
mod pace;
mod patient;
mod signpost;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::{oneshot, watch};

pub(crate) use deliveries::{Deliveries, Witnessed};
pub(crate) use listener::{Opened, admission};
pub(crate) use signpost::Signpost;

use crate::access_log::{Details, Losses};
use crate::acme::Standing;
use crate::census::Inquiry;
use crate::console;
use crate::tls::Certificates;
use crate::worker::Stage;
use budget::Budget;
use guard::Guard;
use observatory::Observatory;
use tallyd_http::validator::Timestamp;
use tallyd_ledger::Ledger;

/// Threads that read the ledger: one at work and one that is about to end.
const READING_THREADS: usize = 2;

/// How much less urgent this thread is than those that serve, as nice(2) has it.
const NICENESS: i32 = 10;

/// How long nothing is watched after a fault of ours.
const PAUSE: Duration = Duration::from_secs(1);

/// How long requests under way may take when the server ends.
const END_PATIENCE: Duration = Duration::from_millis(200);

/// What the admin side learns from.
pub(crate) struct Sources {
    /// The workers.
    pub(crate) inquiries: Vec<Inquiry>,
    /// The ledger.
    pub(crate) ledger: Ledger<Details>,
    /// What was committed.
    pub(crate) deliveries: Deliveries,
    /// Lines that were lost.
    pub(crate) losses: Losses,
    /// What handshakes are made with.
    pub(crate) certificates: Arc<Certificates>,
    /// How it stands with certificates that are ordered, if any are.
    pub(crate) orders: Option<Arc<Standing>>,
    /// How far the server has come with ending.
    pub(crate) stage: watch::Sender<Stage>,
    /// What does not change.
    pub(crate) about: About,
}

/// What is known of a run from its start.
#[derive(Clone, Debug)]
pub(crate) struct About {
    /// The folder that is served, as it was named.
    pub(crate) root: String,
    /// Where clients are accepted.
    pub(crate) addresses: Vec<SocketAddr>,
    /// Threads that serve.
    pub(crate) workers: usize,
    /// When serving began.
    pub(crate) started: Timestamp,
}

/// The admin side's thread.
pub(crate) struct Admin {
    stop: oneshot::Sender<()>,
    done: Receiver<()>,
}

impl Admin {
    /// Starts to answer on what was opened, and says on standard error where that is.
    pub(crate) fn start(opened: Opened, sources: Sources) -> io::Result<Admin> {
        console::say(format_args!("the dashboard is at http://{}/", opened.address));
        let (stop, stopped) = oneshot::channel();
        let (working, done) = channel();
        let runtime = Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .max_blocking_threads(READING_THREADS)
            .build()?;
        thread::Builder::new().name("admin".to_owned()).spawn(move || {
            // Where it is refused, this thread is as urgent as the others.
            let _ = rustix::process::nice(NICENESS);
            let Opened { listener, guard, .. } = opened;
            runtime.block_on(serve(listener, guard, sources, stopped));
            runtime.shutdown_timeout(END_PATIENCE);
            drop(working);
        })?;
        Ok(Admin { stop, done })
    }

    /// Ends, so that nobody reads the ledger any more; gives up on a thread that does not end in time.
    pub(crate) fn finish(self) {
        // The thread may have ended by a panic.
        let _ = self.stop.send(());
        let _ = self.done.recv_timeout(END_PATIENCE * 2);
    }
}

async fn serve(
    listener: std::net::TcpListener,
    guard: Guard,
    sources: Sources,
    stopped: oneshot::Receiver<()>,
) {
    let observatory = Arc::new(Observatory::new(sources));
    let observer = Arc::clone(&observatory);
    let watching = tokio::spawn(without_end(PAUSE, move || Arc::clone(&observer).watch()));
    let budget = Arc::new(Budget::new());
    let router = api::router(observatory, guard, Arc::clone(&budget));
    let answering = tokio::spawn(listener::accept(listener, router, budget));
    // An error means that nobody is left who could stop it: an end, too.
    let _ = stopped.await;
    answering.abort();
    watching.abort();
}

/// Does something that ends by a panic alone, and goes on with it after a pause.
async fn without_end<F: Future<Output = ()> + Send + 'static>(pause: Duration, task: impl Fn() -> F) {
    loop {
        // The panic itself is said by the thread's hook.
        let _ = tokio::spawn(task()).await;
        tokio::time::sleep(pause).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::sync::Notify;

    use super::*;

    #[test]
    fn watching_goes_on_after_a_panic() {
        let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(async {
            let (times, third) = (Arc::new(AtomicU32::new(0)), Arc::new(Notify::new()));
            let reached = Arc::clone(&third);
            let watching = tokio::spawn(without_end(Duration::ZERO, move || {
                let (times, third) = (Arc::clone(&times), Arc::clone(&third));
                async move {
                    if times.fetch_add(1, Ordering::Relaxed) == 2 {
                        third.notify_one();
                    }
                    panic!("a fault of ours, on purpose");
                }
            }));
            reached.notified().await;
            watching.abort();
        });
    }
}
