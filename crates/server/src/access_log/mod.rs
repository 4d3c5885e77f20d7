//! The access log: one line per delivery, written by a thread of its own.
//!
//! Workers hand over values through a bounded queue and never wait: if the output stalls for longer than the queue
//! holds, lines are dropped and their number is reported. Counts are not kept here, so none is lost.

mod combined;
mod committed;
mod destination;
mod dropped;
mod exchange;
mod json;
mod line;
mod writer;

use std::fmt;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{SendError, Sender, channel};

use tallyd_http::status::Status;

pub(crate) use committed::Committed;
pub(crate) use destination::{Destination, File, Rotation, numbered};
pub(crate) use exchange::{Answered, Asked, Details, Exchange};
pub(crate) use line::Peer;
pub(crate) use writer::{Scribe, Writer};

use crate::config::LogFormat;
use dropped::Dropped;
use line::Entry;

/// How many entries wait for the writer: at 100,000 requests a second, what comes within a sixth of a second; 1 MiB.
/// They are counted rather than given a place each from the start, which would be that much memory for nothing.
const QUEUE_ENTRIES: usize = 16 * 1024;

/// How many bytes of text wait for the writer, whatever the clients sent: some 200,000 ordinary lines.
const QUEUE_BYTES: usize = 32 * 1024 * 1024;

/// The workers' end of the log.
#[derive(Clone)]
pub(crate) struct AccessLog {
    format: LogFormat,
    queue: Sender<Entry>,
    shared: Arc<Shared>,
}

/// What both ends of the queue know.
#[derive(Default)]
struct Shared {
    dropped: Dropped,
    /// Lines that were lost, since the start.
    lost: AtomicU64,
    /// The entries in the queue.
    queued: AtomicUsize,
    /// The bytes of text in the queue.
    queued_bytes: AtomicUsize,
    /// Lines that were handed over, and are neither written nor lost.
    unwritten: AtomicU64,
    /// Whether the file is to be opened anew.
    reopen: AtomicBool,
}

/// How many lines were lost. It does not keep the log open.
#[derive(Clone)]
pub(crate) struct Losses(Arc<Shared>);

impl Losses {
    /// Lines lost since the start: to a queue that was full, or to an output that could not be written.
    pub(crate) fn lines(&self) -> u64 {
        self.0.lost.load(Ordering::Relaxed)
    }
}

impl AccessLog {
    /// A log, and what is needed to write it.
    pub(crate) fn open(format: LogFormat) -> (AccessLog, Scribe) {
        let (queue, entries) = channel();
        let shared = Arc::new(Shared::default());
        (AccessLog { format, queue, shared: Arc::clone(&shared) }, Scribe::new(format, entries, shared))
    }

    /// Tells that a client has connected.
    pub(crate) fn tell_connected(&self, peer: Peer) {
        match self.format {
            LogFormat::Tally => self.note(Entry::Connected(peer)),
            LogFormat::Combined | LogFormat::Json | LogFormat::Off => {}
        }
    }

    /// Tells of the end of an answer that took no number.
    pub(crate) fn tell_answered(&self, answered: Answered) {
        self.note(Entry::Answered(answered));
    }

    /// What a line tells of an exchange that is answered with `status` now; nothing, and at no cost, if the format does not
    /// ask for it.
    pub(crate) fn details(&self, asked: Asked<'_>, status: Status) -> Details {
        match self.format {
            LogFormat::Tally | LogFormat::Off => None,
            LogFormat::Combined | LogFormat::Json => Some(Box::new(Exchange::new(asked, status))),
        }
    }

    /// Has the file opened anew, after all lines that were handed over before.
    pub(crate) fn reopen(&self) {
        self.shared.reopen.store(true, Ordering::Release);
        // A wake-up; if nobody receives it, there is nothing to open.
        self.shared.queued.fetch_add(1, Ordering::Relaxed);
        let _ = self.queue.send(Entry::Reopen);
    }

    /// Hands an entry over without waiting.
    fn note(&self, entry: Entry) {
        let (weight, lines) = (entry.weight(), entry.lines());
        self.shared.unwritten.fetch_add(lines, Ordering::Relaxed);
        let bytes = self.shared.queued_bytes.fetch_add(weight, Ordering::Relaxed) + weight;
        let entries = self.shared.queued.fetch_add(1, Ordering::Relaxed) + 1;
        if bytes > QUEUE_BYTES || entries > QUEUE_ENTRIES {
            self.refuse(&entry);
        } else if let Err(SendError(entry)) = self.queue.send(entry) {
            self.refuse(&entry);
        }
    }

    fn refuse(&self, entry: &Entry) {
        self.shared.queued.fetch_sub(1, Ordering::Relaxed);
        self.shared.queued_bytes.fetch_sub(entry.weight(), Ordering::Relaxed);
        self.shared.unwritten.fetch_sub(entry.lines(), Ordering::Relaxed);
        self.drop_lines(entry.lines());
    }

    /// Tells how many lines were lost, for as long as it is kept.
    pub(crate) fn losses(&self) -> Losses {
        Losses(Arc::clone(&self.shared))
    }

    /// Counts lines that will not be written.
    fn drop_lines(&self, count: u64) {
        match self.format {
            LogFormat::Tally | LogFormat::Combined | LogFormat::Json => {
                self.shared.lost.fetch_add(count, Ordering::Relaxed);
                self.shared.dropped.add(count);
            }
            // There are none.
            LogFormat::Off => {}
        }
    }
}

/// Appends formatted text.
fn append(out: &mut Vec<u8>, text: fmt::Arguments<'_>) {
    out.write_fmt(text).expect("writing to a vector cannot fail");
}
