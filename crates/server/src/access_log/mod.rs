//! The access log: one line per delivery, written by a thread of its own.
//!
//! Workers hand over values through a bounded queue and never wait: if the output stalls for longer than the queue
//! holds, lines are dropped and their number is reported. Counts are not kept here, so none is lost.

mod committed;
mod line;

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, channel, sync_channel};
use std::thread;
use std::time::Duration;

pub(crate) use committed::Committed;
pub(crate) use line::{Entry, Peer};

use crate::config::LogFormat;
use crate::console;

/// How many entries wait for the writer: at 100,000 requests a second, what comes within a sixth of a second; 1 MiB.
const QUEUE_ENTRIES: usize = 16 * 1024;

/// How long the writer lets entries gather after the first, so that one wake-up and one write serve many; shorter than
/// a person notices.
const GATHER: Duration = Duration::from_millis(5);

/// How much text is gathered before it is written, in bytes.
const WRITE_BYTES: usize = 64 * 1024;

/// The workers' end of the log.
#[derive(Clone)]
pub(crate) struct AccessLog {
    /// Absent when nothing is logged.
    queue: Option<SyncSender<Entry>>,
    dropped: Arc<AtomicU64>,
}

/// The writer's thread.
pub(crate) struct Writer {
    /// Disconnects when the thread has written everything.
    done: Receiver<()>,
}

impl AccessLog {
    /// A log, and what is needed to write it.
    pub(crate) fn open(format: LogFormat) -> (AccessLog, Scribe) {
        let (queue, entries) = sync_channel(QUEUE_ENTRIES);
        let dropped = Arc::new(AtomicU64::new(0));
        let queue = match format {
            LogFormat::Tally => Some(queue),
            LogFormat::Off => None,
        };
        (AccessLog { queue, dropped: Arc::clone(&dropped) }, Scribe { entries, dropped })
    }

    /// Hands an entry over without waiting.
    pub(crate) fn note(&self, entry: Entry) {
        if let Some(queue) = &self.queue
            && let Err(TrySendError::Full(entry) | TrySendError::Disconnected(entry)) = queue.try_send(entry)
        {
            self.drop_lines(entry.lines());
        }
    }

    /// Counts lines that will not be written.
    pub(crate) fn drop_lines(&self, count: u64) {
        self.dropped.fetch_add(count, Ordering::Relaxed);
    }

    /// Whether anything is logged.
    pub(crate) fn is_kept(&self) -> bool {
        self.queue.is_some()
    }
}

impl Writer {
    /// Waits until everything handed over is written, once all `AccessLog`s are gone; a stalled output is given up after
    /// `patience`.
    pub(crate) fn finish(self, patience: Duration) {
        if self.done.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
            console::say(format_args!(
                "the access log's output is stalled: its last lines are given up, no counts"
            ));
        }
    }
}

/// The receiving end of a log, before anything is written.
pub(crate) struct Scribe {
    entries: Receiver<Entry>,
    dropped: Arc<AtomicU64>,
}

impl Scribe {
    /// Starts the thread that writes to `output`, beginning with `preamble`.
    pub(crate) fn start(self, output: Box<dyn Write + Send>, preamble: String) -> io::Result<Writer> {
        let (working, done) = channel();
        let page = Page { output, text: preamble.into_bytes(), lines: 0, state: State::Writing };
        thread::Builder::new().name("access-log".to_owned()).spawn(move || {
            self.write(page);
            drop(working);
        })?;
        Ok(Writer { done })
    }

    /// Writes until the queue ends.
    fn write(self, mut page: Page) {
        page.turn();
        while let Ok(first) = self.entries.recv() {
            page.take(&first);
            // Sleeping, rather than waiting for the next entry, spares the workers a wake-up for each.
            thread::sleep(GATHER);
            self.entries.try_iter().take(QUEUE_ENTRIES).for_each(|entry| page.take(&entry));
            page.turn();
            self.report_dropped();
        }
    }

    fn report_dropped(&self) {
        match self.dropped.swap(0, Ordering::Relaxed) {
            0 => {}
            number => {
                console::say(format_args!(
                    "the access log's output stalled: {number} lines were dropped, no counts"
                ));
            }
        }
    }
}

/// The text that is written next.
struct Page {
    output: Box<dyn Write + Send>,
    text: Vec<u8>,
    /// How many lines are on the page.
    lines: u64,
    state: State,
}

/// How writing goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Writing,
    /// The last page could not be written, as on a full disk; so many lines are lost since.
    Failing {
        lost: u64,
    },
    /// Nobody reads any more, and that has been said.
    Closed,
}

impl Page {
    fn take(&mut self, entry: &Entry) {
        entry.write_line(&mut self.text);
        self.lines += entry.lines();
        if self.text.len() >= WRITE_BYTES {
            self.turn();
        }
    }

    /// Writes the page and begins an empty one.
    fn turn(&mut self) {
        if self.state != State::Closed && !self.text.is_empty() {
            let written = self.output.write_all(&self.text).and_then(|()| self.output.flush());
            self.state = self.judge(written);
        }
        self.text.clear();
        self.lines = 0;
    }

    /// What the outcome of writing a page means; each change is said once.
    fn judge(&self, written: io::Result<()>) -> State {
        match (written, self.state) {
            (Ok(()), State::Failing { lost }) => {
                console::say(format_args!(
                    "the access log can be written again; {lost} lines are missing, no counts"
                ));
                State::Writing
            }
            (Ok(()), state) => state,
            (Err(error), _) if error.kind() == io::ErrorKind::BrokenPipe => {
                console::say(format_args!(
                    "nobody reads the access log any more; serving and counting go on"
                ));
                State::Closed
            }
            (Err(_), State::Failing { lost }) => State::Failing { lost: lost + self.lines },
            (Err(error), State::Writing | State::Closed) => {
                console::say(format_args!(
                    "the access log cannot be written ({error}); serving and counting go on"
                ));
                State::Failing { lost: self.lines }
            }
        }
    }
}
