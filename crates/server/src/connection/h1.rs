//! HTTP/1.1 on a connection (RFC 9112): read heads, answer in order, coalesce what was pipelined.
//!
//! `advance` answers what has been received until something must be waited for; `run` does the waiting.

use std::rc::Rc;

use tallyd_http::h1::content_skipper::ContentSkipper;
use tallyd_http::h1::framing::Framing;
use tallyd_http::h1::head::{self, Head};
use tallyd_http::h1::persistence::Persistence;
use tallyd_http::refusal::Refusal;
use tallyd_http::response::Body;
use tokio::task::spawn_local;

use super::answer::{Answered, ContentState, MAX_SKIPPED_CONTENT, Progress, answer, refuse};
use super::buffers::{Input, Output, Scheme};
use super::departures::{Farewell, Undelivered};
use super::errand::Errand;
use super::h2;
use super::listing::Rendering;
use super::presence::{Awaits, Interrupt, Phase};
use super::receipts::Receipts;
use super::socket::{Arrival, End, Followed, Socket};
use crate::access_log::{Asked, Peer};
use crate::backend::remembered::Handle;
use crate::census::Protocol;
use crate::transmit::{self, Outcome};
use crate::worker::{Departure, Worker};

/// How much output is gathered before it is written although more requests are waiting, in bytes.
const FULL_OUTPUT_BYTES: usize = 64 * 1024;

/// A conversation in HTTP/1.
struct Conversation {
    socket: Socket,
    worker: Rc<Worker>,
    input: Input,
    output: Output,
    /// About the request whose head stands at the start of the input.
    progress: Progress,
    /// The last to go: by then the connection has left the roster.
    _departure: Departure,
}

/// What a conversation has to wait for.
enum Step {
    /// More input.
    Receive,
    /// Output to be written, so that there is room for more.
    Flush,
    /// The content behind a head of this many bytes.
    SkipContent(Framing, usize),
    /// Something that the answer depends on.
    Run(Errand),
    /// A listing whose head is in the output.
    SendListing(Box<Rendering>, Sequel),
    /// The content of an answer whose head is in the output.
    SendBody(Body<Handle>, Sequel),
    /// The client speaks HTTP/2.
    Switch,
    /// The end, once the output is written.
    Close(Farewell),
}

/// What follows an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sequel {
    /// The next request.
    Request,
    /// The end.
    Farewell(Farewell),
}

/// What the input is of what clients of HTTP/2 say first.
enum Preface {
    Absent,
    Partial,
    Whole,
}

/// How a conversation has ended.
#[derive(PartialEq, Eq)]
enum Ending {
    /// Everything was said; this is how to close.
    Said(Farewell),
    /// The connection is broken: the client may be gone, or has only stopped to speak.
    Broken,
    /// The client was given up.
    GivenUp,
    /// It goes on in HTTP/2.
    Switched,
}

/// Serves one client until either side is done.
///
/// The conversation lives where the future does: whatever is moved within a future is held in it twice.
pub(crate) fn serve(
    socket: Socket,
    peer: Peer,
    scheme: Scheme,
    worker: Rc<Worker>,
) -> impl Future<Output = ()> {
    let departure = Departure::new(&worker);
    let output = Output::new(peer, scheme, Receipts::new(Rc::clone(&worker.recipients), Protocol::Http1));
    let (input, progress) = (Input::default(), Progress::default());
    let mut conversation = Conversation { socket, worker, input, output, progress, _departure: departure };
    async move {
        match conversation.run().await {
            Ending::Said(farewell) => {
                // A client that does not take this either is seen off like one that does.
                let _ = conversation.socket.say_end().await;
                conversation.part(farewell);
            }
            ending @ (Ending::Broken | Ending::GivenUp) => {
                conversation.look_for_receipts();
                if ending == Ending::GivenUp && !conversation.output.receipts.is_empty() {
                    conversation.socket.break_off();
                }
                conversation.release();
            }
            Ending::Switched => {
                let Conversation { socket, worker, input, .. } = conversation;
                spawn_local(h2::serve(socket, input, peer, scheme, worker));
            }
        }
    }
}

impl Conversation {
    /// Leaves the rest to those who see clients off.
    fn part(mut self, farewell: Farewell) {
        self.release();
        let Conversation { socket, worker, output, .. } = self;
        if let Ok(departing) = socket.depart(Undelivered::InOrder(output.receipts), farewell) {
            worker.farewells.see_off(departing);
        }
    }

    /// Gives the buffers back.
    fn release(&mut self) {
        self.input.clear();
        self.input.release(&self.worker.buffers);
        self.output.release(&self.worker.buffers);
    }

    /// Converses until one side is done.
    async fn run(&mut self) -> Ending {
        loop {
            let waited = match self.advance() {
                Step::Receive => self.receive().await,
                Step::Flush => self.flush(Followed::ByNothing).await,
                Step::SkipContent(framing, head_length) => self.skip_content(framing, head_length).await,
                Step::Run(errand) => self.run_errand(errand).await,
                Step::SendBody(body, sequel) => match (self.send_body(body).await, sequel) {
                    (Ok(Outcome::Whole), Sequel::Request) => Ok(()),
                    (Ok(Outcome::Whole), Sequel::Farewell(farewell)) => return Ending::Said(farewell),
                    // The client cannot tell where the next head would begin: nothing may follow a short answer.
                    (Ok(Outcome::Truncated), _) => return Ending::Said(Farewell::AtOnce),
                    (Err(end), _) => Err(end),
                },
                Step::SendListing(rendering, sequel) => match (self.send_listing(*rendering).await, sequel) {
                    (Ok(()), Sequel::Request) => Ok(()),
                    (Ok(()), Sequel::Farewell(farewell)) => return Ending::Said(farewell),
                    (Err(end), _) => Err(end),
                },
                Step::Switch => return Ending::Switched,
                // The end of the connection travels in the same packet as the end of the answer.
                Step::Close(farewell) => match self.flush(Followed::ByMore).await {
                    Ok(()) => return Ending::Said(farewell),
                    Err(end) => Err(end),
                },
            };
            if let Err(End::Interrupted(interrupt)) = waited {
                self.worker.meter.gave_up(interrupt);
                self.worker.remark_interrupt(self.output.peer, interrupt);
            }
            match waited {
                Ok(()) => {}
                Err(End::Interrupted(Interrupt::SlowHead)) => return Ending::Said(self.give_up_on_head()),
                // Many clients never say that they have finished, and can tell where their answers end (RFC 9112 §9.8).
                Err(End::Finished | End::Cut | End::Interrupted(Interrupt::Idle)) => {
                    return Ending::Said(Farewell::AtOnce);
                }
                Err(End::Gone) => return Ending::Broken,
                Err(End::Interrupted(Interrupt::SlowTransfer | Interrupt::Ending | Interrupt::Flood)) => {
                    return Ending::GivenUp;
                }
            }
        }
    }

    /// Answers what has been received, until something must be waited for.
    fn advance(&mut self) -> Step {
        while !self.input.is_empty() {
            if self.output.length() >= FULL_OUTPUT_BYTES {
                return Step::Flush;
            }
            self.output.gather();
            match self.preface() {
                Preface::Absent => {}
                Preface::Partial => return Step::Receive,
                Preface::Whole => {
                    // It has begun to speak: nobody is to take it for idle until the other version knows more.
                    self.socket.presence().enter(Phase::Head);
                    return Step::Switch;
                }
            }
            let (answered, length) = match head::read(self.input.bytes()) {
                Head::Complete { ref request, length } => {
                    (answer(request, &mut self.progress, &self.worker, &mut self.output), length)
                }
                Head::Partial => return Step::Receive,
                Head::Refused(refusal) => return self.refuse_and_close(refusal),
            };
            match answered {
                Answered::Wholly(persistence) => match self.finish_request(length, persistence) {
                    Sequel::Request => {}
                    Sequel::Farewell(farewell) => return Step::Close(farewell),
                },
                Answered::ButForContent(body, persistence) => {
                    return Step::SendBody(body, self.finish_request(length, persistence));
                }
                Answered::ButForListing(rendering, persistence) => {
                    return Step::SendListing(rendering, self.finish_request(length, persistence));
                }
                Answered::After(errand) => return Step::Run(errand),
                Answered::AfterContent(framing) => return Step::SkipContent(framing, length),
            }
            self.input.skip_empty_lines();
        }
        Step::Receive
    }

    /// Whether the client begins as one does that knows beforehand that HTTP/2 is spoken here (RFC 9113 §3.3).
    fn preface(&self) -> Preface {
        let bytes = self.input.bytes();
        let is_first = self.output.position() == 0;
        match bytes {
            [b'P', b'R', b'I', ..] if is_first && bytes.starts_with(h2::PREFACE) => Preface::Whole,
            [b'P', b'R', b'I', ..] if is_first && h2::PREFACE.starts_with(bytes) => Preface::Partial,
            _ => Preface::Absent,
        }
    }

    /// Consumes the head of a request that is answered; says what follows the answer.
    fn finish_request(&mut self, head_length: usize, persistence: Persistence) -> Sequel {
        self.socket.presence().answer();
        self.input.consume(head_length);
        let Progress { content, selection: _ } = std::mem::take(&mut self.progress);
        Sequel::of(persistence, content, self.input.bytes())
    }

    fn refuse_and_close(&mut self, refusal: Refusal) -> Step {
        let asked = Asked::Unreadable(self.input.bytes());
        refuse(refusal, asked, Persistence::Close, &self.worker, &mut self.output);
        Step::Close(Farewell::Linger)
    }

    /// Answers a head that took too long; a client that does not take the answer at once does not get it.
    fn give_up_on_head(&mut self) -> Farewell {
        let asked = Asked::Unreadable(self.input.bytes());
        refuse(Refusal::RequestTimeout, asked, Persistence::Close, &self.worker, &mut self.output);
        self.socket.send_at_once(&self.output.bytes);
        Farewell::AtOnce
    }

    async fn receive(&mut self) -> Result<(), End> {
        self.flush(Followed::ByNothing).await?;
        match (self.socket.presence().phase(), self.input.is_empty()) {
            // The first head is expected at once, a head's time runs from its first byte, and empty lines are no request.
            (Phase::Fresh | Phase::Idle, true) | (Phase::Head, false) => {}
            (_, true) => self.socket.presence().enter(Phase::Idle),
            (_, false) => self.socket.presence().enter(Phase::Head),
        }
        if self.worker.is_draining() && self.input.is_empty() {
            return Err(End::Interrupted(Interrupt::Idle));
        }
        self.output.release(&self.worker.buffers);
        self.await_input().await?;
        let is_full = self.input.is_full();
        self.input.skip_empty_lines();
        if is_full {
            // Whoever asks for much at once lets others have their turn; meanwhile nobody is to take it for idle.
            if !self.input.is_empty() {
                self.socket.presence().enter(Phase::Head);
            }
            tokio::task::yield_now().await;
        }
        self.output.acquire(&self.worker.buffers);
        Ok(())
    }

    /// Waits for input, and looks meanwhile for what has arrived of the answers.
    async fn await_input(&mut self) -> Result<(), End> {
        if !self.output.receipts.is_empty() {
            self.socket.await_acknowledgements(Awaits::Some);
        }
        while self.socket.receive(&mut self.input, &self.worker.buffers).await? == Arrival::Nudge {
            self.look_for_receipts();
        }
        // The next request proves nothing by itself: a client may send it before it has the answer to the last. But the
        // packet that brings it also brings the client's acknowledgement (RFC 9293 §3.4).
        self.output.receipts.settle_if_due(|| self.socket.progress());
        Ok(())
    }

    /// Settles what the client's system has acknowledged, and tells the ledger of what it has not.
    fn look_for_receipts(&mut self) {
        let receipts = &mut self.output.receipts;
        receipts.settle(self.socket.progress());
        if receipts.is_empty() {
            receipts.release();
            self.socket.await_acknowledgements(Awaits::None);
        } else {
            receipts.announce(self.socket.presence());
        }
    }

    /// Writes what is waiting.
    async fn flush(&mut self, followed: Followed) -> Result<(), End> {
        let Output { bytes, .. } = &self.output;
        if bytes.is_empty() {
            return Ok(());
        }
        let sent = match self.output.tail() {
            [] => self.socket.send(bytes, followed).await,
            tail => self.socket.send_both(bytes, tail, followed).await,
        };
        self.output.clear();
        self.output.at = self.socket.position();
        sent
    }

    async fn send_body(&mut self, body: Body<Handle>) -> Result<Outcome, End> {
        self.output.receipts.announce(self.socket.presence());
        self.flush(Followed::ByMore).await?;
        let sent = transmit::send_body(&mut self.socket, body, &self.worker.buffers).await;
        self.output.at = self.socket.position();
        sent
    }

    async fn send_listing(&mut self, rendering: Rendering) -> Result<(), End> {
        Box::pin(rendering.send(&mut self.socket, &mut self.output)).await?;
        self.flush(Followed::ByNothing).await
    }

    async fn run_errand(&mut self, errand: Errand) -> Result<(), End> {
        self.flush(Followed::ByNothing).await?;
        self.socket.presence().enter(Phase::Fetching);
        self.progress.selection = Some(errand.run(&self.worker.site, self.socket.failure()).await?);
        Ok(())
    }

    /// Reads a request's content and throws it away, up to a limit.
    async fn skip_content(&mut self, framing: Framing, head_length: usize) -> Result<(), End> {
        self.flush(Followed::ByNothing).await?;
        self.socket.begin_content();
        let mut skipper = ContentSkipper::new(framing);
        let mut thrown_away = 0;
        loop {
            let waiting = &self.input.bytes()[head_length..];
            let Ok(taken) = skipper.skip(waiting) else {
                self.progress.content = ContentState::Malformed;
                return Ok(());
            };
            self.input.remove_after(head_length, taken);
            thrown_away += taken as u64;
            self.socket.note_content(taken);
            if skipper.is_at_end() {
                self.progress.content = ContentState::Skipped;
                return Ok(());
            }
            if thrown_away > MAX_SKIPPED_CONTENT {
                self.progress.content = ContentState::LeftOver;
                return Ok(());
            }
            if self.socket.receive(&mut self.input, &self.worker.buffers).await? == Arrival::Nudge {
                self.look_for_receipts();
            }
        }
    }
}

impl Sequel {
    /// After an answer to a request whose content has become this; `unread` is what the client has sent behind it. What a
    /// client still has under way decides how the connection is closed.
    fn of(persistence: Persistence, content: ContentState, unread: &[u8]) -> Sequel {
        match (persistence, content) {
            (Persistence::Keep | Persistence::KeepSaid, _) => Sequel::Request,
            (Persistence::Close, ContentState::Untouched | ContentState::Skipped) if unread.is_empty() => {
                Sequel::Farewell(Farewell::AtOnce)
            }
            (
                Persistence::Close,
                ContentState::Untouched
                | ContentState::Skipped
                | ContentState::LeftOver
                | ContentState::Malformed,
            ) => Sequel::Farewell(Farewell::Linger),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_still_be_sending_is_not_cut_off_rfc_9112_9_6() {
        #[track_caller]
        fn check(persistence: Persistence, content: ContentState, unread: &[u8], expect: Sequel) {
            assert_eq!(Sequel::of(persistence, content, unread), expect, "{persistence:?} {content:?}");
        }
        let (at_once, linger) = (Sequel::Farewell(Farewell::AtOnce), Sequel::Farewell(Farewell::Linger));
        for content in [ContentState::Untouched, ContentState::Skipped] {
            check(Persistence::Keep, content, b"", Sequel::Request);
            check(Persistence::KeepSaid, content, b"GET /", Sequel::Request);
            check(Persistence::Close, content, b"", at_once);
            check(Persistence::Close, content, b"GET /", linger);
        }
        for content in [ContentState::LeftOver, ContentState::Malformed] {
            check(Persistence::Close, content, b"", linger);
            check(Persistence::Close, content, b"more", linger);
        }
    }
}
