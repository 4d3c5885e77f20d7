//! A client's frames as they come in, and what is said at once in return.

use std::task::{Context, Poll};

use tallyd_http::h2::conversation::{Came, Conversation, Expected, Fault};
use tallyd_http::h2::frame::{ErrorCode, Frame, HEAD_BYTES, PREFACE};

use super::deliveries::Deliveries;
use super::flood::{Flood, Waste};
use super::line::Line;
use crate::access_log::Peer;
use crate::clock::Moment;
use crate::connection::answer::MAX_SKIPPED_CONTENT;
use crate::connection::buffers::Input;
use crate::connection::departures::Farewell;
use crate::connection::presence::{Awaits, Interrupt, Phase};
use crate::connection::receipts;
use crate::connection::socket::{End, Socket};
use crate::worker::Worker;

/// How much besides content may wait for a client before no more of its frames are read, in bytes: what it asks for faster
/// than it takes.
const MAX_UNSENT_HEADS: usize = 64 * 1024;

/// How many answers may be on their way, as far as is known, before no more frames are read: what a client asks for and does
/// not take from its own system. One that takes its answers never has as many that it has not.
const MAX_UNDER_WAY: usize = 1024;

/// A connection in HTTP/2 that is not closed.
pub(super) struct Wire {
    pub(super) line: Line,
    pub(super) conversation: Conversation,
    pub(super) deliveries: Deliveries,
    preface: Preface,
    incoming: Incoming,
    flood: Flood,
    /// What is said in return for a frame.
    said: Vec<u8>,
    /// When it was last asked what has arrived.
    looked: Moment,
    /// How long the conversation was when there was last nothing to do.
    rested_at: u64,
}

/// What comes next on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// A request.
    Request(u32, Expected),
    /// Its end.
    Ended(Ending),
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Everything was said; this is how to close.
    Said(Farewell),
    /// The client is given up.
    Broken,
}

/// What frames that have come lead to.
pub(super) enum Met {
    Request(u32, Expected),
    /// There may be something to do for this stream.
    Stirred(u32),
    /// There may be something to do for every stream.
    StirredAll,
    /// There is no whole frame, or none is taken now.
    Nothing,
    /// The client has broken the rules.
    Fault(Fault),
    Flood,
}

/// Whether the client has said what it says first (RFC 9113 §3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Preface {
    Expected,
    Said,
}

/// Whether the client has ended its side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Incoming {
    Open,
    /// It has; requests that came with the end are answered first.
    Ended,
}

/// What looking for more input has led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Received {
    Input,
    /// Nothing more is asked, and what was asked for and let come is sent; this is how to close.
    Everything(Farewell),
}

impl Wire {
    /// Over `socket`, from which `input` was read already. What a server says first waits to be sent.
    pub(super) fn new(socket: Socket, input: Input, worker: &Worker) -> Wire {
        let mut line = Line::new(socket, input);
        let conversation = Conversation::new(MAX_SKIPPED_CONTENT);
        line.write(&worker.buffers, |out| conversation.greet(out));
        Wire {
            line,
            conversation,
            deliveries: Deliveries::default(),
            preface: Preface::Expected,
            incoming: Incoming::Open,
            flood: Flood::default(),
            said: Vec::new(),
            looked: Moment::now(),
            rested_at: 0,
        }
    }

    /// Whether the client has begun as it must.
    pub(super) fn is_open(&self) -> bool {
        self.preface == Preface::Said
    }

    /// Takes the frames that have come, up to one that others have to do with.
    pub(super) fn take_frames(&mut self, worker: &Worker) -> Met {
        if let Some(met) = self.take_preface() {
            return met;
        }
        while !self.is_congested() {
            let (frame, content) = match next_frame(self.line.input.bytes()) {
                Ok(Some(next)) => next,
                Ok(None) => break,
                Err(fault) => return Met::Fault(fault),
            };
            self.flood.note(frame);
            let came = self.conversation.receive(frame, content, &mut self.said);
            self.line.input.consume(HEAD_BYTES + frame.length as usize);
            self.say(worker);
            let met = match came {
                Ok(came) => self.meet(came, worker),
                Err(fault) => Some(Met::Fault(fault)),
            };
            if self.flood.is_one() {
                return Met::Flood;
            }
            if let Some(met) = met {
                return met;
            }
        }
        Met::Nothing
    }

    /// Whether so much waits for the client that nothing more of its is taken.
    fn is_congested(&self) -> bool {
        self.line.unsent_heads() >= MAX_UNSENT_HEADS || self.deliveries.count() >= MAX_UNDER_WAY
    }

    /// Takes what a client says first; says what it comes to where frames cannot follow.
    fn take_preface(&mut self) -> Option<Met> {
        if self.preface == Preface::Said {
            return None;
        }
        let bytes = self.line.input.bytes();
        if bytes.starts_with(PREFACE) {
            self.line.input.consume(PREFACE.len());
            self.preface = Preface::Said;
            return None;
        }
        let reproach = "it does not begin as HTTP/2 does";
        if PREFACE.starts_with(bytes) {
            return Some(Met::Nothing);
        }
        Some(Met::Fault(Fault { code: ErrorCode::Protocol, reproach }))
    }

    fn meet(&mut self, came: Came, worker: &Worker) -> Option<Met> {
        match came {
            Came::Nothing => None,
            Came::Request(stream, expected) => Some(Met::Request(stream, expected)),
            Came::Reset(stream) | Came::Refused(stream) => Some(self.waste(stream, Waste::Cancelled)),
            Came::Failed(stream) => Some(self.waste(stream, Waste::Faulty)),
            Came::TooLate => {
                self.flood.note_waste(Waste::TooLate);
                None
            }
            Came::Room(stream) => Some(Met::Stirred(stream)),
            Came::RoomForAll => Some(Met::StirredAll),
            Came::Informed => {
                self.say_end(ErrorCode::NoError, worker);
                None
            }
        }
    }

    fn waste(&mut self, stream: u32, waste: Waste) -> Met {
        self.flood.note_waste(waste);
        self.abort(stream);
        Met::Stirred(stream)
    }

    /// Writes what is to be said.
    fn say(&mut self, worker: &Worker) {
        if !self.said.is_empty() {
            let said = &mut self.said;
            self.line.socket.note_small_talk(said.len());
            self.line.write(&worker.buffers, |out| out.append(said));
        }
    }

    /// Has something said about the conversation.
    pub(super) fn tell(&mut self, worker: &Worker, tell: impl FnOnce(&mut Conversation, &mut Vec<u8>)) {
        tell(&mut self.conversation, &mut self.said);
        self.say(worker);
    }

    /// Resets a stream for a fault of the client's.
    pub(super) fn fail(&mut self, stream: u32, worker: &Worker) {
        self.flood.note_waste(Waste::Faulty);
        self.tell(worker, |conversation, out| conversation.reset(stream, ErrorCode::Protocol, out));
    }

    /// Says that nothing more is answered than what was begun with.
    pub(super) fn say_end(&mut self, code: ErrorCode, worker: &Worker) {
        self.tell(worker, |conversation, out| conversation.say_end(code, out));
    }

    /// Receives more input; `going_on` requests wait for something other than what their client grants.
    pub(super) fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
        going_on: usize,
        worker: &Worker,
    ) -> Poll<Result<Received, End>> {
        let pool = &worker.buffers;
        if self.line.socket.presence().take_nudge() {
            self.look();
            // The numbers of answers that take long to arrive must not be lost with the process.
            self.deliveries.announce_all();
        }
        if self.deliveries.count() >= MAX_UNDER_WAY {
            self.look();
        }
        if self.is_congested() {
            // Whoever is waited for to take what was said wakes the connection, or what has arrived is looked for.
            return self.line.socket.poll_interrupt(context).map(Err);
        }
        if self.is_open() && matches!(next_frame(self.line.input.bytes()), Ok(Some(_))) {
            // It had to wait until there was room for what it leads to.
            return Poll::Ready(Ok(Received::Input));
        }
        match self.line.socket.poll_receive(context, &mut self.line.input, pool) {
            // Who only ends its own side still gets what it has asked for.
            Poll::Ready(Ok(0)) => {
                self.incoming = Incoming::Ended;
            }
            Poll::Ready(Ok(taken)) => {
                self.line.input.extend(taken);
                if receipts::are_due(self.deliveries.under_way(), self.looked, Moment::now()) {
                    self.look();
                }
                return Poll::Ready(Ok(Received::Input));
            }
            Poll::Ready(Err(end)) => return Poll::Ready(Err(end)),
            Poll::Pending => self.line.input.release(pool),
        }
        let is_all_there = going_on == 0 && self.line.unsent() == 0;
        match self.incoming {
            Incoming::Ended if is_all_there => Poll::Ready(Ok(Received::Everything(Farewell::AtOnce))),
            Incoming::Open | Incoming::Ended => Poll::Pending,
        }
    }

    /// Says what the connection waits for, now that it has nothing to do; `going_on` requests wait for something other than what
    /// their client grants.
    pub(super) fn rest(&mut self, going_on: usize) {
        let phase = match (self.line.unsent(), going_on) {
            (1.., _) => Phase::Transfer,
            (0, 1..) => Phase::Fetching,
            (0, 0) if self.deliveries.are_unfinished() || self.is_congested() => Phase::Transfer,
            (0, 0) => Phase::Idle,
        };
        let is_more_under_way = self.line.position() > self.rested_at;
        self.rested_at = self.line.position();
        if is_more_under_way && !self.deliveries.are_done() {
            self.line.socket.await_acknowledgements(Awaits::Some);
        }
        self.line.socket.presence().wait(phase, || self.line.socket.arrived());
    }

    /// Asks what has arrived.
    fn look(&mut self) {
        self.looked = Moment::now();
        self.deliveries.settle(self.line.socket.acknowledged());
        if self.deliveries.are_done() {
            self.line.socket.await_acknowledgements(Awaits::None);
        }
    }

    /// Gives up what of a stream's answer has not arrived.
    pub(super) fn abort(&mut self, stream: u32) {
        self.deliveries.settle(self.line.socket.acknowledged());
        self.deliveries.abort(stream);
    }

    /// How the connection ends for this reason.
    pub(super) fn ending_of(&mut self, end: End, peer: Peer, worker: &Worker) -> Ending {
        match end {
            End::Finished | End::Cut | End::Gone => Ending::Said(Farewell::AtOnce),
            End::Interrupted(interrupt) => {
                worker.meter.gave_up(interrupt);
                worker.remark_interrupt(peer, interrupt);
                match interrupt {
                    Interrupt::Idle => {
                        self.say_end(ErrorCode::NoError, worker);
                        // A request's content may still be coming.
                        let is_busy = self.conversation.is_busy();
                        Ending::Said(if is_busy { Farewell::Linger } else { Farewell::AtOnce })
                    }
                    Interrupt::Flood => {
                        self.say_end(ErrorCode::EnhanceYourCalm, worker);
                        Ending::Broken
                    }
                    Interrupt::SlowHead | Interrupt::SlowTransfer | Interrupt::Ending => Ending::Broken,
                }
            }
        }
    }
}

/// The frame at the start of `bytes` with its content, if it is whole.
fn next_frame(bytes: &[u8]) -> Result<Option<(Frame, &[u8])>, Fault> {
    let Some((head, rest)) = bytes.split_first_chunk::<HEAD_BYTES>() else { return Ok(None) };
    let frame = Frame::read(*head);
    Conversation::check(frame)?;
    Ok(rest.get(..frame.length as usize).map(|content| (frame, content)))
}
