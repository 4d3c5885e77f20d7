//! The access log: one line per delivery, written by a thread of its own.
//!
//! Workers hand over values through a bounded queue and never wait: if the output stalls for longer than the queue
//! holds, lines are dropped and their number is reported. Counts are not kept here, so none is lost.

mod line;

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

pub(crate) use line::{Entry, Peer};

use crate::config::LogFormat;

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
    /// Starts the thread that writes to `output`, beginning with `preamble`.
    pub(crate) fn start(
        format: LogFormat,
        output: impl Write + Send + 'static,
        preamble: String,
    ) -> io::Result<(AccessLog, Writer)> {
        let (queue, entries) = sync_channel(QUEUE_ENTRIES);
        let dropped = Arc::new(AtomicU64::new(0));
        let scribe = Scribe {
            output,
            text: preamble.into_bytes(),
            dropped: Arc::clone(&dropped),
            state: State::Writing,
        };
        let (working, done) = channel();
        thread::Builder::new().name("access-log".to_owned()).spawn(move || scribe.run(&entries, &working))?;
        let queue = match format {
            LogFormat::Tally => Some(queue),
            LogFormat::Off => None,
        };
        Ok((AccessLog { queue, dropped }, Writer { done }))
    }

    /// Hands an entry over without waiting.
    pub(crate) fn note(&self, entry: Entry) {
        if let Some(queue) = &self.queue
            && queue.try_send(entry).is_err()
        {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Writer {
    /// Waits until everything handed over is written, once all `AccessLog`s are gone; a stalled output is given up after
    /// `patience`.
    pub(crate) fn finish(self, patience: Duration) {
        // Both outcomes end the waiting: the thread is done, or the output is given up.
        let _ = self.done.recv_timeout(patience);
    }
}

/// What the writer's thread owns.
struct Scribe<W> {
    output: W,
    text: Vec<u8>,
    dropped: Arc<AtomicU64>,
    state: State,
}

/// Whether there is still somebody to write for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Writing,
    /// The output failed for good, and that has been said.
    Closed,
}

impl<W: Write> Scribe<W> {
    /// Writes until the queue ends; `_working` lives exactly as long.
    fn run(mut self, entries: &Receiver<Entry>, _working: &Sender<()>) {
        self.write_out();
        while let Ok(first) = entries.recv() {
            self.take(&first);
            // Sleeping, rather than waiting for the next entry, spares the workers a wake-up for each.
            thread::sleep(GATHER);
            entries.try_iter().take(QUEUE_ENTRIES).for_each(|entry| self.take(&entry));
            self.write_out();
            self.report_dropped();
        }
    }

    fn take(&mut self, entry: &Entry) {
        entry.write_line(&mut self.text);
        if self.text.len() >= WRITE_BYTES {
            self.write_out();
        }
    }

    fn write_out(&mut self) {
        if self.state == State::Writing
            && let Err(error) = self.output.write_all(&self.text).and_then(|()| self.output.flush())
        {
            eprintln!(
                "tallyd: the access log cannot be written ({error}); serving and counting go on without it"
            );
            self.state = State::Closed;
        }
        self.text.clear();
    }

    fn report_dropped(&self) {
        match self.dropped.swap(0, Ordering::Relaxed) {
            0 => {}
            number => {
                eprintln!("tallyd: the access log's output stalled: {number} lines were dropped, no counts");
            }
        }
    }
}
