//! What is going on: asks the workers, fetches what was delivered, and remembers both for those who look.
//!
//! While somebody looks on, once a second; otherwise the figures alone are looked at every ten seconds, so that histories
//! have no holes. A question costs a worker microseconds, and however many look on, it is asked at most twice a second.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use tallyd_http::validator::Timestamp;
use tokio::sync::{Notify, watch};

use super::busy::Busy;
use super::deliveries::{Delivered, Durations, Gathered, push_recent};
use super::history::{Histories, Traffic};
use super::library::Library;
use super::pace::Pace;
use super::{About, Sources, api};
use crate::access_log::Losses;
use crate::acme::Standing;
use crate::census::{Census, Inquiry, Readings, Subject, Transfer};
use crate::clock;
use crate::tls::Certificates;
use crate::worker::Stage;

/// How often is looked while somebody looks on, and while nobody does.
const LIVELY: Duration = Duration::from_secs(1);
const QUIET: Duration = Duration::from_secs(10);

/// How old what is seen may be for someone who asks.
const FRESH: Duration = Duration::from_millis(500);

/// How long a worker has to answer: it answers between two events, which are milliseconds at worst.
const PATIENCE: Duration = Duration::from_millis(500);

/// Streams of events that are open at a time: more than look on, and each costs a copy of a snapshot a second.
const STREAMS: usize = 64;

/// Everything that the admin side knows.
pub(super) struct Observatory {
    pub(super) about: About,
    pub(super) library: Library,
    pub(super) sources: Heard,
    sight: Mutex<Sight>,
    /// Held by whoever asks the workers.
    asking: tokio::sync::Mutex<()>,
    /// The newest event, rendered.
    snapshots: watch::Sender<Bytes>,
    /// How many there were.
    number: AtomicU64,
    streams: AtomicUsize,
    arrival: Notify,
}

/// What is listened to.
pub(super) struct Heard {
    inquiries: Vec<Inquiry>,
    deliveries: super::Deliveries,
    pub(super) ledger: tallyd_ledger::Ledger<crate::access_log::Details>,
    pub(super) losses: Losses,
    pub(super) certificates: Arc<Certificates>,
    pub(super) orders: Option<Arc<Standing>>,
    pub(super) stage: watch::Sender<Stage>,
}

/// A transfer in flight with its worker and its pace.
#[derive(Clone, Debug)]
pub(super) struct Moving {
    pub(super) worker: usize,
    pub(super) transfer: Transfer,
    pub(super) bytes_per_s: u64,
}

/// What is seen.
pub(super) struct Sight {
    /// What each worker told last.
    workers: Vec<Readings>,
    /// All of it together.
    pub(super) readings: Readings,
    /// When that was, and when transfers were asked for.
    seen: Option<Instant>,
    transfers_seen: Option<Instant>,
    pub(super) transfers_at: Timestamp,
    pub(super) transfers: Arc<Vec<Moving>>,
    paces: HashMap<(usize, u64), Pace>,
    pub(super) bytes_pace: Pace,
    pub(super) answers_pace: Pace,
    pub(super) traffic: Histories<Traffic>,
    pub(super) busy: Busy,
    pub(super) recent: VecDeque<Delivered>,
    pub(super) durations: Durations,
}

/// A stream of snapshots; counted while it is held.
pub(super) struct Stream {
    observatory: Arc<Observatory>,
    pub(super) snapshots: watch::Receiver<Bytes>,
}

impl Observatory {
    pub(super) fn new(sources: Sources) -> Observatory {
        let Sources { inquiries, ledger, deliveries, losses, certificates, orders, stage, about } = sources;
        Observatory {
            about,
            library: Library::new(ledger.clone()),
            sight: Mutex::new(Sight::new(inquiries.len())),
            sources: Heard { inquiries, deliveries, ledger, losses, certificates, orders, stage },
            asking: tokio::sync::Mutex::new(()),
            snapshots: watch::Sender::new(Bytes::new()),
            number: AtomicU64::new(0),
            streams: AtomicUsize::new(0),
            arrival: Notify::new(),
        }
    }

    /// Looks again and again, and shows what it sees to the streams.
    pub(super) async fn watch(self: Arc<Self>) {
        loop {
            let watched = self.streams.load(Ordering::Relaxed) > 0;
            if watched {
                self.look(Subject::Transfers, FRESH).await;
                // Sums over everything may take a while; a snapshot shows those that are known.
                let reader = Arc::clone(&self);
                let reading = tokio::spawn(async move { reader.library.whole().await.is_ok() });
                if self.library.last_whole().is_none() {
                    // Either way the snapshot tells what there is.
                    let _ = reading.await;
                }
                let number = self.number.fetch_add(1, Ordering::Relaxed);
                self.snapshots.send_replace(api::snapshot(&self, number));
            } else {
                self.look(Subject::Figures, FRESH).await;
            }
            let pause = if watched { LIVELY } else { QUIET };
            // Either end of the pause is a reason to look.
            let _ = tokio::time::timeout(pause, self.arrival.notified()).await;
        }
    }

    /// Opens a stream, unless there are enough.
    pub(super) fn stream(self: &Arc<Self>) -> Option<Stream> {
        let mut snapshots = self.snapshots.subscribe();
        let more = |open: usize| (open < STREAMS).then_some(open + 1);
        let before = self.streams.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        match before {
            // What was shown last is old.
            0 => self.arrival.notify_one(),
            _ => snapshots.mark_changed(),
        }
        Some(Stream { observatory: Arc::clone(self), snapshots })
    }

    /// What is seen, looked at just now.
    pub(super) async fn fresh(&self, subject: Subject) -> MutexGuard<'_, Sight> {
        self.look(subject, FRESH).await;
        self.sight()
    }

    /// What was seen last.
    pub(super) fn sight(&self) -> MutexGuard<'_, Sight> {
        // A panic leaves figures that the next look puts right.
        self.sight.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks, unless that was done lately.
    async fn look(&self, subject: Subject, max_age: Duration) {
        let _asking = self.asking.lock().await;
        if self.sight().is_fresh(subject, max_age) {
            return;
        }
        let asked: Vec<_> = self
            .sources
            .inquiries
            .iter()
            .map(|inquiry| {
                let inquiry = inquiry.clone();
                tokio::spawn(async move {
                    tokio::time::timeout(PATIENCE, inquiry.ask(subject)).await.ok().flatten()
                })
            })
            .collect();
        let mut told = Vec::with_capacity(asked.len());
        for answer in asked {
            told.push(answer.await.ok().flatten());
        }
        self.sight().note(subject, told, self.sources.deliveries.fetch());
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.observatory.streams.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Sight {
    fn new(workers: usize) -> Sight {
        Sight {
            workers: vec![Readings::default(); workers],
            readings: Readings::default(),
            seen: None,
            transfers_seen: None,
            transfers_at: clock::timestamp(),
            transfers: Arc::default(),
            paces: HashMap::new(),
            bytes_pace: Pace::default(),
            answers_pace: Pace::default(),
            traffic: Histories::new(),
            busy: Busy::default(),
            recent: VecDeque::new(),
            durations: Durations::default(),
        }
    }

    fn is_fresh(&self, subject: Subject, max_age: Duration) -> bool {
        let seen = match subject {
            Subject::Figures => self.seen,
            Subject::Transfers => self.transfers_seen,
        };
        seen.is_some_and(|seen| seen.elapsed() < max_age)
    }

    /// Notes what the workers told, each unless it was too slow, and what was delivered meanwhile.
    fn note(&mut self, subject: Subject, told: Vec<Option<Census>>, gathered: Gathered) {
        let now = Instant::now();
        let sent_before = self.readings.sent_bytes;
        let mut moving = Vec::new();
        for (worker, census) in told.into_iter().enumerate() {
            match census {
                Some(census) => {
                    self.workers[worker] = census.readings;
                    moving.extend(census.transfers.into_iter().map(|transfer| (worker, transfer)));
                }
                // One that has ended has no connections; what it counted stays.
                None => (self.workers[worker].connections, self.workers[worker].transfers) = (0, 0),
            }
        }
        let mut all = Readings::default();
        self.workers.iter().for_each(|readings| all.add(readings));
        self.readings = all;
        self.seen = Some(now);
        self.bytes_pace.note(now, all.sent_bytes);
        self.answers_pace.note(now, all.answers.sum());
        if subject == Subject::Transfers {
            self.transfers_seen = Some(now);
            self.transfers_at = clock::timestamp();
            self.note_transfers(now, moving);
        }
        self.note_deliveries(all.sent_bytes - sent_before, gathered);
    }

    fn note_transfers(&mut self, now: Instant, moving: Vec<(usize, Transfer)>) {
        let mut paces = HashMap::with_capacity(moving.len());
        let mut list = Vec::with_capacity(moving.len());
        for (worker, transfer) in moving {
            let key = (worker, transfer.serial);
            let mut pace = self.paces.remove(&key).unwrap_or_else(|| {
                // Seen for the first time: its rate is the one since its beginning.
                let age_us = clock::ledger_moment().0.saturating_sub(transfer.began.0);
                let mut pace = Pace::default();
                if let Some(began) = now.checked_sub(Duration::from_micros(age_us)) {
                    pace.note(began, 0);
                }
                pace
            });
            pace.note(now, transfer.acknowledged);
            let bytes_per_s = pace.whole_per_second();
            paces.insert(key, pace);
            list.push(Moving { worker, transfer, bytes_per_s });
        }
        self.paces = paces;
        self.transfers = Arc::new(list);
    }

    fn note_deliveries(&mut self, sent_bytes: u64, gathered: Gathered) {
        let now_s = unix_seconds();
        let Readings { connections, transfers, .. } = self.readings;
        self.traffic.note(now_s, |span| {
            span.gain.add(gathered.all);
            span.sent_bytes += sent_bytes;
            span.connections = span.connections.max(connections);
            span.transfers = span.transfers.max(transfers);
        });
        self.durations.add(&gathered.durations);
        self.busy.note(now_s, gathered.files.into_values());
        gathered.recent.into_iter().for_each(|delivered| push_recent(&mut self.recent, delivered));
    }
}

/// Now; a clock set to before 1970 shows 1970.
pub(super) fn unix_seconds() -> u64 {
    u64::try_from(clock::timestamp().seconds).unwrap_or(0)
}
