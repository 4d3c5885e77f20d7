//! What a client's frames come to (RFC 9113): requests, ends, room for content, or the end of the connection.
//!
//! Frames come in whole, one after another; what is to be said in return is added to the output. What of the answers is
//! sent when, and how much of it waits, is decided elsewhere. Nobody here knows what time it is.

mod fault;
mod receive;
mod say;
mod settings;
#[cfg(test)]
mod tests;

pub use self::fault::Fault;
use self::fault::{fault, protocol};
use self::say::write_reset;
use super::answer::{self, Followed, Table};
use super::decoder::Decoder;
use super::field_section::FieldSection;
use super::frame::{END_STREAM, ErrorCode, Frame, HEAD_BYTES, Kind, MAX_FRAME_BYTES};
use super::streams::{Incoming, Outgoing, Streams, WINDOW};
use crate::h1::written::WrittenHead;

/// How many requests a client may have under way on a connection: what RFC 9113 §6.5.2 asks for at least, and some.
pub const MAX_STREAMS: u32 = 128;

/// What a frame has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// Nothing that others need to know.
    Nothing,
    /// A request on this stream; [`Conversation::take_section`] has its fields.
    Request(u32, Expected),
    /// The client has ended this stream and wants no more of it.
    Reset(u32),
    /// A fault of the client's, for which this stream was reset.
    Failed(u32),
    /// A request on this stream, which is not begun with.
    Refused(u32),
    /// Something about a stream that was reset a while ago.
    TooLate,
    /// Content may be sent on this stream for which there was no room.
    Room(u32),
    /// The same on any stream.
    RoomForAll,
    /// The client knows of the end that was announced.
    Informed,
}

/// Whether a request's content is still to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Some may.
    Content,
    /// There is none.
    Nothing,
}

/// One client's conversation.
#[derive(Debug)]
pub struct Conversation {
    start: Start,
    decoder: Decoder,
    section: FieldSection,
    streams: Streams,
    /// A field section that has begun and not ended.
    begun: Option<Begun>,
    /// What the client's table is to be told with the next head.
    table: Table,
    /// How much content may come, and what has come since the client was told, in bytes.
    window: i64,
    unreturned: u32,
    /// How much of a request's content is taken in before no more is asked for, in bytes.
    max_content: u64,
    leaving: Leaving,
    peer: Peer,
}

/// Whether the client has begun as it must (RFC 9113 §3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    Expected,
    Made,
}

/// Whether the server has said that it ends the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaving {
    Not,
    /// It has, and new requests may be on their way (RFC 9113 §6.8).
    Announced,
    /// It has said which stream has the last request.
    Final {
        last: u32,
    },
}

/// Whether the client has said that it ends the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Peer {
    Stays,
    Leaves,
}

#[derive(Debug)]
struct Begun {
    stream: u32,
    expected: Expected,
    block: Vec<u8>,
}

impl Conversation {
    /// The start, behind the client's preface; up to `max_content` bytes of a request's content are taken in.
    pub fn new(max_content: u64) -> Conversation {
        Conversation {
            start: Start::Expected,
            decoder: Decoder::default(),
            section: FieldSection::default(),
            streams: Streams::default(),
            begun: None,
            table: Table::default(),
            window: WINDOW,
            unreturned: 0,
            max_content,
            leaving: Leaving::Not,
            peer: Peer::Stays,
        }
    }

    /// Takes the fields of the request that has just come.
    pub fn take_section(&mut self) -> FieldSection {
        std::mem::take(&mut self.section)
    }

    /// Gives their memory back, for the next request.
    pub fn give_section_back(&mut self, mut section: FieldSection) {
        section.clear();
        self.section = section;
    }

    /// Whether streams have not ended.
    pub fn is_busy(&self) -> bool {
        self.streams.open() > 0
    }

    /// Whether nothing more will be asked or answered.
    pub fn is_over(&self) -> bool {
        !self.is_busy() && (matches!(self.leaving, Leaving::Final { .. }) || self.peer == Peer::Leaves)
    }

    /// Checks the head of a frame before its content has come.
    pub fn check(frame: Frame) -> Result<(), Fault> {
        if frame.length as usize > MAX_FRAME_BYTES {
            return Err(fault(ErrorCode::FrameSize, "a frame is longer than the limit"));
        }
        Ok(())
    }

    /// Takes a frame of the client's, which was checked, with its content.
    pub fn receive(&mut self, frame: Frame, content: &[u8], out: &mut Vec<u8>) -> Result<Came, Fault> {
        self.check_order(frame)?;
        match frame.kind {
            Kind::Data => self.receive_data(frame, content, out),
            Kind::Headers => self.receive_headers(frame, content, out),
            Kind::Continuation => self.receive_continuation(frame, content, out),
            Kind::Priority => self.receive_priority(frame, out),
            Kind::Reset => self.receive_reset(frame, content),
            Kind::Settings => self.receive_settings(frame, content, out),
            Kind::PushPromise => Err(protocol("a client makes no promises")),
            Kind::Ping => self.receive_ping(frame, content, out),
            Kind::GoAway => self.receive_go_away(frame),
            Kind::WindowUpdate => self.receive_window_update(frame, content, out),
            Kind::Unknown => Ok(Came::Nothing),
        }
    }

    /// Resets a stream for a fault of the client's.
    fn fail(&mut self, stream: u32, code: ErrorCode, out: &mut Vec<u8>) -> Came {
        self.reset(stream, code, out);
        Came::Failed(stream)
    }

    /// Resets a stream.
    pub fn reset(&mut self, stream: u32, code: ErrorCode, out: &mut Vec<u8>) {
        self.streams.abandon(stream);
        write_reset(out, stream, code);
    }

    /// How much content may be sent on a stream now, in bytes; nothing if it has ended.
    pub fn sendable(&self, stream: u32) -> Option<usize> {
        self.streams.sendable(stream)
    }

    /// Whether the rest of a request's content is still to come.
    pub fn expects_content(&self, stream: u32) -> bool {
        self.streams.expects_content(stream)
    }

    /// Writes the head of an answer on a stream that has not ended.
    pub fn write_head(&mut self, stream: u32, head: &WrittenHead<'_>, followed: Followed, out: &mut Vec<u8>) {
        let table = std::mem::take(&mut self.table);
        answer::write_head(out, stream, head, followed, table);
        match followed {
            Followed::ByContent => {}
            Followed::ByNothing => self.end_answer(stream, out),
        }
    }

    /// The head of a frame of content on a stream, which may be sent and is up to [`MAX_FRAME_BYTES`] long; what becomes of the
    /// stream when it is the last is to be seen to by [`Conversation::end_answer`].
    pub fn head_of_content(&mut self, stream: u32, length: usize, followed: Followed) -> [u8; HEAD_BYTES] {
        // It is at most the length of a frame.
        let length = length as u32;
        self.streams.note_sent(stream, length);
        let flags = match followed {
            Followed::ByContent => 0,
            Followed::ByNothing => END_STREAM,
        };
        Frame { kind: Kind::Data, flags, stream, length }.to_bytes()
    }

    /// Notes that the last of an answer was written.
    pub fn end_answer(&mut self, number: u32, out: &mut Vec<u8>) {
        let Some(stream) = self.streams.stream(number) else { return };
        match (&stream.incoming, stream.outgoing) {
            (Incoming::Open(_), Outgoing::Impatient) => self.reset(number, ErrorCode::NoError, out),
            (Incoming::Open(_) | Incoming::Ended, _) => {
                stream.outgoing = Outgoing::Ended;
                self.streams.end_if_done(number);
            }
        }
    }

    /// Waits no longer for the rest of a request's content: when its answer is complete, the client is told to stop
    /// (RFC 9113 §8.1).
    pub fn lose_patience(&mut self, number: u32, out: &mut Vec<u8>) {
        let Some(stream) = self.streams.stream(number) else { return };
        match (&stream.incoming, stream.outgoing) {
            (Incoming::Ended, _) => {}
            (Incoming::Open(_), Outgoing::Ended) => self.reset(number, ErrorCode::NoError, out),
            (Incoming::Open(_), Outgoing::Open | Outgoing::Impatient) => {
                stream.outgoing = Outgoing::Impatient;
            }
        }
    }
}
