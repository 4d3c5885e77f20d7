//! What workers tell of themselves when they are asked: figures, and the transfers in flight.
//!
//! A worker notes in cells of its own what happens, and hands out copies between two events when a question comes through
//! its channel: nobody else reads its memory, and while nobody asks it costs a few additions. Questions do not pile up: one
//! that finds the channel full is not asked.

mod in_flight;
mod meter;

use std::rc::Rc;

use tokio::sync::{mpsc, oneshot};
use tokio::task::yield_now;

pub(crate) use in_flight::{Answering, InFlight, Listed, Protocol, Transfer};
pub(crate) use meter::{Handshake, Meter, Readings};

use crate::connection::roster::Roster;

/// Questions that wait for a worker: one that is being answered and one behind it. Whoever asks is told at once that there
/// is no room, which means that an answer is on its way to someone.
const WAITING_QUESTIONS: usize = 2;

/// How often other tasks get their turn while connections are waited for to tell how far they are: with some sixty tasks in
/// a turn, enough for all transfers that are told.
const TURNS: usize = 32;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// The figures alone.
    Figures,
    /// Also the transfers in flight.
    Transfers,
}

/// What one worker told.
#[derive(Debug, Default)]
pub(crate) struct Census {
    /// Its figures.
    pub(crate) readings: Readings,
    /// Transfers in flight, up to a limit; none if only the figures were asked for.
    pub(crate) transfers: Vec<Transfer>,
}

#[derive(Debug)]
struct Question {
    subject: Subject,
    answer: oneshot::Sender<Census>,
}

/// The end of those who ask one worker.
#[derive(Clone, Debug)]
pub(crate) struct Inquiry(mpsc::Sender<Question>);

/// The worker's end.
#[derive(Debug)]
pub(crate) struct Questions(mpsc::Receiver<Question>);

/// What a worker looks at to answer.
#[derive(Clone)]
pub(crate) struct Books {
    pub(crate) meter: Rc<Meter>,
    pub(crate) roster: Rc<Roster>,
    pub(crate) in_flight: Rc<InFlight>,
}

/// A way to ask a worker.
pub(crate) fn channel() -> (Inquiry, Questions) {
    let (questions, waiting) = mpsc::channel(WAITING_QUESTIONS);
    (Inquiry(questions), Questions(waiting))
}

impl Inquiry {
    /// Asks; `None` if the worker is gone or has enough questions.
    pub(crate) async fn ask(&self, subject: Subject) -> Option<Census> {
        let (answer, told) = oneshot::channel();
        self.0.try_send(Question { subject, answer }).ok()?;
        told.await.ok()
    }
}

impl Questions {
    /// Answers for as long as there is someone to ask.
    pub(crate) async fn answer(mut self, books: Books) {
        while let Some(Question { subject, answer }) = self.0.recv().await {
            let transfers = match subject {
                Subject::Figures => Vec::new(),
                Subject::Transfers => books.look_at_transfers().await,
            };
            // Whoever asked may have gone.
            let _ = answer.send(Census { readings: books.read(), transfers });
        }
    }
}

impl Books {
    fn read(&self) -> Readings {
        let mut readings = self.meter.read();
        readings.connections = self.roster.len() as u64;
        readings.transfers = self.in_flight.len() as u64;
        readings
    }

    /// Has each connection look at its socket, which it alone can, and copies what it tells.
    async fn look_at_transfers(&self) -> Vec<Transfer> {
        self.in_flight.ask();
        for _ in 0..TURNS {
            if self.in_flight.has_told() {
                break;
            }
            yield_now().await;
        }
        self.in_flight.copy()
    }
}
