//! A worker: one thread, one runtime, its own listeners; a connection lives and dies on one worker.

mod accept;

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::TcpListener;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use quinn::Endpoint;
use tallyd_http::h1::writer::write_start;
use tallyd_http::status::Status;
use tokio::io::unix::AsyncFd;
use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, watch};
use tokio::task::{JoinHandle, spawn_local};

pub(crate) use self::accept::Departure;
use self::accept::accept;
use crate::access_log::{AccessLog, Peer};
use crate::census::{self, Books, InFlight, Inquiry, Meter, Questions};
use crate::clock::SecondlyText;
use crate::connection::buffers::Buffers;
use crate::connection::departures::Departures;
use crate::connection::h3;
use crate::connection::presence::{Interrupt, Limits};
use crate::connection::receipts::Recipients;
use crate::connection::roster::Roster;
use crate::entrances::{Entrance, WorkerEntrances};
use crate::kernel;
use crate::quic::{self, Place};
use crate::remarks::{Remarks, Verbosity};
use crate::site::{Edition, Publication, Site};

/// How long it is waited for a connection to end before it is looked again for one that can make room.
const ROOM_PAUSE: Duration = Duration::from_millis(100);

/// Descriptors of a worker that are neither connections nor remembered files: its runtime, its listeners, and files that its
/// threads are looking at.
pub(crate) const DESCRIPTORS: usize = 8 + BLOCKING_THREADS;

/// Threads of one worker that may wait for a disk at a time: more than a disk's queue makes use of from one core.
const BLOCKING_THREADS: usize = 16;

/// What all workers are started with.
#[derive(Clone)]
pub(crate) struct Equipment {
    /// What is served.
    pub(crate) publication: Arc<Publication>,
    /// In which edition.
    pub(crate) editions: watch::Receiver<Arc<Edition>>,
    /// A worker's share of the memory for files, in bytes.
    pub(crate) memory_bytes: u64,
    /// What bounds each connection.
    pub(crate) limits: Limits,
    /// A worker's share of the connections that the process has descriptors for.
    pub(crate) max_connections: usize,
    /// Where deliveries are told.
    pub(crate) log: AccessLog,
    /// Whether it is said what goes wrong with clients.
    pub(crate) verbosity: Verbosity,
}

/// Where clients come in, on the worker's runtime.
struct OpenEntrances {
    listeners: Vec<Entrance<AsyncFd<TcpListener>>>,
    endpoints: Vec<Endpoint>,
}

/// How far the server has come with ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// Not at all.
    Serving,
    /// Nothing new is accepted; what is under way goes on.
    Draining,
    /// What is still under way is cut.
    Ending,
}

/// What the connections of one worker share.
pub(crate) struct Worker {
    pub(crate) site: Site,
    pub(crate) buffers: Buffers,
    pub(crate) roster: Rc<Roster>,
    pub(crate) log: AccessLog,
    /// What happens is counted here.
    pub(crate) meter: Rc<Meter>,
    /// What goes wrong with clients is said here.
    pub(crate) remarks: Remarks,
    /// Where it is told what became of answers.
    pub(crate) recipients: Rc<Recipients>,
    /// The start of a plain 200's head.
    pub(crate) ok_start: SecondlyText,
    /// The value of `Date`.
    pub(crate) date: SecondlyText,
    boundary_seed: RandomState,
    boundaries: Cell<u64>,
    stage: Cell<Stage>,
    max_connections: usize,
    /// Connections that are being closed.
    pub(crate) farewells: Departures,
    /// Told whenever a connection has ended.
    departed: Notify,
    /// Told when the worker begins to drain.
    drain: Notify,
}

/// Starts a worker's thread, and returns when it is ready to accept, with a way to ask it. It ends when `stage` says so and
/// its connections are gone.
pub(crate) fn start(
    number: usize,
    entrances: WorkerEntrances,
    equipment: Equipment,
    stage: watch::Receiver<Stage>,
) -> io::Result<Inquiry> {
    let (ready, readiness) = sync_channel(1);
    let (inquiry, questions) = census::channel();
    let body = move || {
        let prepared = runtime().and_then(|runtime| Ok((prepare(&runtime, entrances)?, runtime)));
        match prepared {
            Ok((entrances, runtime)) => {
                // The main thread waits for this value, or is gone and with it the process.
                let _ = ready.send(Ok(()));
                let editions = equipment.editions.clone();
                runtime.block_on(Worker::new(equipment).run(entrances, questions, stage, editions));
            }
            Err(error) => {
                let _ = ready.send(Err(error));
            }
        }
    };
    thread::Builder::new().name(format!("worker-{number}")).spawn(body)?;
    readiness.recv().unwrap_or_else(|_| Err(io::Error::other("the thread ended at once")))?;
    Ok(inquiry)
}

fn runtime() -> io::Result<LocalRuntime> {
    Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .max_blocking_threads(BLOCKING_THREADS)
        .build_local(LocalOptions::default())
}

fn prepare(runtime: &LocalRuntime, entrances: WorkerEntrances) -> io::Result<OpenEntrances> {
    let _context = runtime.enter();
    let watched = |Entrance { listener, security }| {
        Ok(Entrance { listener: kernel::watch_listener(listener)?, security })
    };
    let WorkerEntrances { listeners, places } = entrances;
    Ok(OpenEntrances {
        listeners: listeners.into_iter().map(watched).collect::<io::Result<_>>()?,
        endpoints: places.into_iter().map(Place::open).collect::<io::Result<_>>()?,
    })
}

impl Worker {
    fn new(equipment: Equipment) -> Worker {
        let Equipment { publication, editions, memory_bytes, limits, max_connections, log, verbosity } =
            equipment;
        let edition = Arc::clone(&editions.borrow());
        let meter = Rc::new(Meter::new());
        let site = Site::new(publication, edition, memory_bytes, Rc::clone(&meter));
        let in_flight = Rc::new(InFlight::default());
        let ledger = site.reporter();
        Worker {
            recipients: Rc::new(Recipients { ledger, log: log.clone(), in_flight }),
            site,
            buffers: Buffers::default(),
            roster: Roster::new(limits, Rc::clone(&meter)),
            log,
            meter,
            remarks: Remarks::new(verbosity),
            ok_start: SecondlyText::new(|text, date| write_start(text, Status::OK, date)),
            date: SecondlyText::new(Vec::extend_from_slice),
            boundary_seed: RandomState::new(),
            boundaries: Cell::new(0),
            stage: Cell::new(Stage::Serving),
            max_connections,
            farewells: Departures::default(),
            departed: Notify::new(),
            drain: Notify::new(),
        }
    }

    /// A number that no content can be expected to hold, for the boundary between parts (RFC 2046 §5.1.1).
    pub(crate) fn draw_boundary(&self) -> u128 {
        let draw = |half: u8| u128::from(self.boundary_seed.hash_one((half, self.boundaries.get())));
        self.boundaries.set(self.boundaries.get() + 1);
        draw(0) << 64 | draw(1)
    }

    /// What there is to tell of this worker.
    fn books(&self) -> Books {
        Books {
            meter: Rc::clone(&self.meter),
            roster: Rc::clone(&self.roster),
            in_flight: Rc::clone(&self.recipients.in_flight),
        }
    }

    /// Remarks that a client was given up, if that is its own doing.
    pub(crate) fn remark_interrupt(&self, client: Peer, interrupt: Interrupt) {
        if let Some(reproach) = interrupt.reproach() {
            self.remarks.make(client, format_args!("{reproach}"));
        }
    }

    /// Whether the answer to a request should be a connection's last.
    pub(crate) fn is_draining(&self) -> bool {
        self.stage.get() != Stage::Serving
    }

    /// Told when the worker begins to drain.
    pub(crate) fn draining(&self) -> Notified<'_> {
        self.drain.notified()
    }

    /// Waits until there is room for another connection, which idle ones make, and those that come to no request.
    pub(crate) async fn await_room(&self) {
        while self.roster.len() >= self.max_connections {
            self.roster.make_room();
            // Either is a reason to look again: time alone can make a client one that is given up.
            let _ = tokio::time::timeout(ROOM_PAUSE, self.departed.notified()).await;
        }
    }

    async fn run(
        self,
        entrances: OpenEntrances,
        questions: Questions,
        mut stage: watch::Receiver<Stage>,
        editions: watch::Receiver<Arc<Edition>>,
    ) {
        let worker = Rc::new(self);
        let answering = spawn_local(questions.answer(worker.books()));
        let following = spawn_local(follow(editions, Rc::clone(&worker)));
        let OpenEntrances { listeners, endpoints } = entrances;
        let by_tcp = listeners.into_iter().map(|entrance| spawn_local(accept(entrance, Rc::clone(&worker))));
        let by_quic = endpoints.iter().cloned();
        let by_quic = by_quic.map(|endpoint| spawn_local(h3::accept(endpoint, Rc::clone(&worker))));
        let accepting: Vec<JoinHandle<()>> = by_tcp.chain(by_quic).collect();
        let swept = Rc::clone(&worker.roster);
        let sweeping = spawn_local(async move { swept.sweep().await });
        let watched = Rc::clone(&worker);
        let watching = spawn_local(async move { watched.farewells.watch(&watched.departed).await });
        let remarking = Rc::clone(&worker);
        let remarking = spawn_local(async move { remarking.remarks.keep_count().await });
        wait_for(&mut stage, Stage::Draining).await;
        accepting.iter().for_each(JoinHandle::abort);
        for endpoint in &endpoints {
            endpoint.set_server_config(None);
        }
        worker.stage.set(Stage::Draining);
        worker.drain.notify_waiters();
        worker.roster.end_idle();
        let roster = Rc::clone(&worker.roster);
        // The main thread takes a receiver that is gone for a worker that is done; this one lives as long as the worker.
        let mut last_stage = stage.clone();
        spawn_local(async move {
            wait_for(&mut last_stage, Stage::Ending).await;
            roster.end_all();
        });
        while worker.roster.len() > 0 {
            worker.departed.notified().await;
        }
        quic::close(endpoints).await;
        answering.abort();
        following.abort();
        sweeping.abort();
        watching.abort();
        remarking.abort();
    }
}

/// Waits until the server has come as far as `stage`, or its main thread is gone.
async fn wait_for(now: &mut watch::Receiver<Stage>, stage: Stage) {
    // An error means that nobody is left to say what comes next: that is an end, too.
    let _ = now.wait_for(|now| *now >= stage).await;
}

/// Takes up each edition of the site that is published.
async fn follow(mut editions: watch::Receiver<Arc<Edition>>, worker: Rc<Worker>) {
    // What came before this task looked counts as new.
    editions.mark_changed();
    while editions.changed().await.is_ok() {
        let edition = Arc::clone(&editions.borrow_and_update());
        worker.site.take_up(edition);
    }
}
