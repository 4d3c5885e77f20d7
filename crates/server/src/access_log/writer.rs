//! The thread that writes the lines.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use super::destination::Destination;
use super::dropped::start_reporter;
use super::line::Entry;
use super::{QUEUE_ENTRIES, Shared};
use crate::config::LogFormat;
use crate::console;

/// How long the writer lets entries gather after the first, so that one wake-up and one write serve many; shorter than
/// a person notices.
const GATHER: Duration = Duration::from_millis(20);

/// How much text is gathered before it is written, in bytes.
const WRITE_BYTES: usize = 64 * 1024;

/// The writer's thread.
pub(crate) struct Writer {
    /// Disconnects when the thread has written everything.
    done: Receiver<()>,
    shared: Arc<Shared>,
}

impl Writer {
    /// Waits until everything handed over is written, once all `AccessLog`s are gone; a stalled output is given up after
    /// `patience`. Says how many lines were lost.
    pub(crate) fn finish(self, patience: Duration) {
        if self.done.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
            // What was being written may have been taken in part.
            let given_up = self.shared.unwritten.load(Ordering::Relaxed);
            console::say(format_args!(
                "the access log's output is stalled: up to {given_up} lines are given up, no counts"
            ));
        }
        self.shared.dropped.report();
    }
}

/// The receiving end of a log, before anything is written.
pub(crate) struct Scribe {
    format: LogFormat,
    entries: Receiver<Entry>,
    shared: Arc<Shared>,
}

impl Scribe {
    /// The receiving end of this queue.
    pub(super) fn new(format: LogFormat, entries: Receiver<Entry>, shared: Arc<Shared>) -> Scribe {
        Scribe { format, entries, shared }
    }

    /// Starts the thread that writes to `output`, beginning with `preamble`.
    pub(crate) fn start(self, output: Destination, preamble: String) -> io::Result<Writer> {
        let (working, done) = channel();
        let shared = Arc::clone(&self.shared);
        start_reporter(&shared)?;
        let page = Page {
            format: self.format,
            output,
            text: preamble.into_bytes(),
            shared: Arc::clone(&self.shared),
            lines: 0,
            state: State::Writing,
        };
        thread::Builder::new().name("access-log".to_owned()).spawn(move || {
            self.write(page);
            drop(working);
        })?;
        Ok(Writer { done, shared })
    }

    /// Writes until the queue ends.
    fn write(self, mut page: Page) {
        self.turn(&mut page);
        while let Ok(first) = self.entries.recv() {
            self.take(&first, &mut page);
            // Sleeping, rather than waiting for the next entry, spares the workers a wake-up for each.
            thread::sleep(GATHER);
            self.entries.try_iter().take(QUEUE_ENTRIES).for_each(|entry| self.take(&entry, &mut page));
            self.turn(&mut page);
        }
        page.finish();
    }

    fn take(&self, entry: &Entry, page: &mut Page) {
        self.shared.queued.fetch_sub(1, Ordering::Relaxed);
        self.shared.queued_bytes.fetch_sub(entry.weight(), Ordering::Relaxed);
        page.take(entry);
        if page.text.len() >= WRITE_BYTES {
            self.turn(page);
        }
        if self.shared.reopen.swap(false, Ordering::Acquire) {
            self.turn(page);
            page.output.reopen();
        }
    }

    fn turn(&self, page: &mut Page) {
        let lines = page.lines;
        page.turn();
        self.shared.unwritten.fetch_sub(lines, Ordering::Relaxed);
    }
}

/// The text that is written next.
struct Page {
    format: LogFormat,
    output: Destination,
    text: Vec<u8>,
    /// How many lines are on the page.
    lines: u64,
    shared: Arc<Shared>,
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
    /// Nobody reads any more, and that has been said; so many lines are lost since.
    Closed {
        lost: u64,
    },
}

impl Page {
    fn take(&mut self, entry: &Entry) {
        entry.write_line(self.format, &mut self.text);
        self.lines += entry.lines();
    }

    /// Writes the page and begins an empty one.
    fn turn(&mut self) {
        self.state = match self.state {
            State::Closed { lost } => {
                self.shared.lost.fetch_add(self.lines, Ordering::Relaxed);
                State::Closed { lost: lost + self.lines }
            }
            State::Writing | State::Failing { .. } if self.text.is_empty() => self.state,
            State::Writing | State::Failing { .. } => {
                let written = self.output.write(&self.text);
                if written.is_err() {
                    self.shared.lost.fetch_add(self.lines, Ordering::Relaxed);
                }
                self.judge(written)
            }
        };
        self.text.clear();
        self.lines = 0;
    }

    /// What the outcome of writing a page means; each change is said once.
    fn judge(&self, written: io::Result<()>) -> State {
        let lost = self.lines
            + match self.state {
                State::Writing => 0,
                State::Failing { lost } | State::Closed { lost } => lost,
            };
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
                State::Closed { lost }
            }
            (Err(_), State::Failing { .. }) => State::Failing { lost },
            (Err(error), State::Writing | State::Closed { .. }) => {
                console::say(format_args!(
                    "the access log cannot be written ({error}); serving and counting go on"
                ));
                State::Failing { lost }
            }
        }
    }

    /// Nothing more comes: says what nobody has got.
    fn finish(&self) {
        match self.state {
            State::Writing | State::Failing { lost: 0 } | State::Closed { lost: 0 } => {}
            State::Failing { lost } | State::Closed { lost } => console::say(format_args!(
                "{lost} lines of the access log could not be written, no counts are missing"
            )),
        }
    }
}
