//! The console: what a person there should know, and answers that end quietly when nobody reads them.
//!
//! Standard error can stall like any output, and the threads that count and serve have things to say. So once the
//! console has a thread of its own, sentences are handed to it, and nobody waits.

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use crate::config::StartError;

/// Sentences that wait for a stalled standard error; many more than are ever said at a time.
const QUEUE: usize = 256;

/// The way to the console's thread, once there is one.
static VOICE: OnceLock<SyncSender<Said>> = OnceLock::new();

enum Said {
    Line(String),
    /// Whoever holds the other end wants to know that all before it is written.
    Mark(SyncSender<()>),
}

/// Says a sentence on standard error, under the program's name.
pub(crate) fn say(sentence: fmt::Arguments<'_>) {
    let line = format!("tallyd: {sentence}\n");
    match VOICE.get() {
        // Full when standard error has stalled for long; what is said then reaches nobody.
        Some(voice) => drop(voice.try_send(Said::Line(line))),
        None => write(&line),
    }
}

/// Has everything said from now on by a thread of its own.
pub(crate) fn start() -> io::Result<()> {
    let (voice, said) = sync_channel(QUEUE);
    thread::Builder::new().name("console".to_owned()).spawn(move || speak(&said))?;
    // The second of two threads would find no listener, and end.
    let _ = VOICE.set(voice);
    Ok(())
}

/// Waits until all that was said is written; a stalled standard error is given up after `patience`.
pub(crate) fn flush(patience: Duration) {
    let Some(voice) = VOICE.get() else { return };
    let (mark, written) = sync_channel(1);
    if voice.try_send(Said::Mark(mark)).is_ok() {
        // Stalled: nobody would read that either.
        let _ = written.recv_timeout(patience);
    }
}

fn speak(said: &Receiver<Said>) {
    for said in said {
        match said {
            Said::Line(line) => write(&line),
            // Whoever asked may have stopped waiting.
            Said::Mark(mark) => drop(mark.try_send(())),
        }
    }
}

fn write(line: &str) {
    // Nobody is left to be told that standard error is closed, and nothing else may depend on it.
    let _ = io::stderr().lock().write_all(line.as_bytes());
}

/// How writing an answer to standard output ended. A reader that has seen enough, as `head` has, is no error.
pub(crate) fn printed(result: io::Result<()>) -> Result<(), StartError> {
    match result {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(StartError::misfit(format!("standard output cannot be written ({error})")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}
