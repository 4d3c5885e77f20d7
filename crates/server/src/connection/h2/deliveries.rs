//! What of each stream's answer has been written, and has arrived.
//!
//! The client's system acknowledges positions of the connection; the tally counts the content of answers. The frames in
//! between tell which bytes of the one are those of the other.

use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use super::frames::{END_HEADERS, END_STREAM, Follower, Frame, Kind};
use crate::connection::presence::{Phase, Presence, Progress};
use crate::connection::receipts::Receipts;

/// How many answers an idle connection keeps room for.
const FEW: usize = 8;

/// The answers of one connection that are on their way, each on its stream.
#[derive(Default)]
pub(super) struct Deliveries {
    written: Follower,
    /// How long the conversation is, as far as it was written.
    position: u64,
    /// Frames of answers that are not known to have arrived, in order.
    under_way: VecDeque<Sent>,
    streams: HashMap<u32, Delivery>,
    /// How many of the answers are not written to their ends.
    unfinished: usize,
}

/// An answer on its stream. Its positions are those in `Receipts`: the length of its head as it was prepared, and the content
/// behind that.
struct Delivery {
    head_length: u64,
    head_arrived: bool,
    /// Bytes of content that were handed over to be framed; those that were written and arrived are among them.
    handed: u64,
    written: u64,
    arrived: u64,
    is_finished: bool,
    receipts: Receipts,
    presence: Rc<Presence>,
}

/// A frame that was written.
struct Sent {
    /// Where it ends in the conversation.
    end: u64,
    stream: u32,
    what: What,
}

enum What {
    /// The end of a head.
    Head,
    /// So many bytes of content.
    Content(u32),
}

/// How far one stream's answer is, for those who look at it.
pub(super) fn stream_presence() -> Rc<Presence> {
    let presence = Presence::new();
    // It tells without being asked.
    presence.enter(Phase::Closing);
    Rc::new(presence)
}

impl Deliveries {
    /// Adds an answer that is about to be written; its head has this length in its receipts' stream.
    pub(super) fn begin(
        &mut self,
        stream: u32,
        head_length: usize,
        receipts: Receipts,
        presence: Rc<Presence>,
    ) {
        let delivery = Delivery {
            head_length: head_length as u64,
            head_arrived: false,
            handed: 0,
            written: 0,
            arrived: 0,
            is_finished: false,
            receipts,
            presence,
        };
        self.unfinished += 1;
        self.streams.insert(stream, delivery);
    }

    /// Notes content that is handed over to be framed; `false` if its stream is no more.
    pub(super) fn hand(&mut self, stream: u32, length: usize) -> bool {
        let delivery = self.streams.get_mut(&stream);
        delivery.map(|delivery| delivery.handed += length as u64).is_some()
    }

    /// Notes that so much of what was handed over is not there after all.
    pub(super) fn take_back(&mut self, stream: u32, length: usize) -> usize {
        let Some(delivery) = self.streams.get_mut(&stream) else { return 0 };
        delivery.handed -= length as u64;
        length
    }

    /// Tells the ledger, and those who look on, of an answer that does not leave at once.
    pub(super) fn announce(&mut self, stream: u32) {
        self.streams.get_mut(&stream).into_iter().for_each(Delivery::announce);
    }

    /// The same of every answer that is not known to have arrived.
    pub(super) fn announce_all(&mut self) {
        self.streams.values_mut().for_each(Delivery::announce);
    }

    /// Says where the answer ends whose content's length was not known when it was begun.
    pub(super) fn ends_after(&mut self, stream: u32, content_length: u64) {
        if let Some(delivery) = self.streams.get_mut(&stream) {
            delivery.receipts.last_ends_at(delivery.head_length + content_length);
        }
    }

    /// Whether all that was written is known to have arrived, and nothing is still to be written.
    pub(super) fn are_done(&self) -> bool {
        self.streams.is_empty()
    }

    /// Whether answers are still to be written.
    pub(super) fn are_unfinished(&self) -> bool {
        self.unfinished > 0
    }

    /// How many frames are under way.
    pub(super) fn under_way(&self) -> usize {
        self.under_way.len()
    }

    /// Notes what is written next; returns how much content of streams it has.
    pub(super) fn note_written(&mut self, bytes: &[u8]) -> usize {
        let mut content = 0;
        self.position += bytes.len() as u64;
        let Deliveries { written, position, under_way, streams, unfinished } = self;
        written.follow(bytes, |frame, left| {
            let Some(delivery) = streams.get_mut(&frame.stream) else { return };
            if let Some(what) = what_of(frame) {
                under_way.push_back(Sent { end: *position - left as u64, stream: frame.stream, what });
            }
            if frame.kind == Kind::Data {
                delivery.written += u64::from(frame.length);
                content += frame.length as usize;
            }
            if matches!(frame.kind, Kind::Data | Kind::Headers) && frame.has(END_STREAM) {
                delivery.is_finished = true;
                *unfinished -= 1;
            }
        });
        content
    }

    /// Settles what lies before `acknowledged` in the conversation.
    pub(super) fn settle(&mut self, acknowledged: u64) {
        while let Some(sent) = self.under_way.pop_front_if(|sent| sent.end <= acknowledged) {
            let Some(delivery) = self.streams.get_mut(&sent.stream) else { continue };
            match sent.what {
                What::Head => delivery.head_arrived = true,
                What::Content(length) => delivery.arrived += u64::from(length),
            }
            // In the order of their ends.
            if delivery.is_finished && delivery.head_arrived && delivery.arrived == delivery.written {
                delivery.settle();
            }
        }
        self.streams.retain(|_, delivery| {
            if !delivery.receipts.is_empty() {
                delivery.settle();
            }
            !delivery.receipts.is_empty() || !delivery.is_finished
        });
        if self.streams.is_empty() {
            self.streams.shrink_to(FEW);
            self.under_way.shrink_to(FEW);
        }
    }

    /// Gives up what of a stream's answer is not known to have arrived; returns how much of its content was handed over and
    /// will not be written.
    pub(super) fn abort(&mut self, stream: u32) -> usize {
        let Some(mut delivery) = self.streams.remove(&stream) else { return 0 };
        delivery.settle();
        if !delivery.is_finished {
            self.unfinished -= 1;
        }
        // Far below the limit on what is held.
        (delivery.handed - delivery.written) as usize
    }
}

impl Delivery {
    fn announce(&mut self) {
        self.receipts.announce(&self.presence);
    }

    fn settle(&mut self) {
        let of_stream = |is_there: bool, content: u64| if is_there { self.head_length + content } else { 0 };
        let written = of_stream(self.head_arrived || self.written > 0, self.written);
        let arrived = of_stream(self.head_arrived, self.arrived);
        self.receipts.settle(written, arrived);
        self.presence.tell_progress(Progress { sent: written, acknowledged: arrived });
    }
}

fn what_of(frame: Frame) -> Option<What> {
    match frame.kind {
        Kind::Headers | Kind::Continuation if frame.has(END_HEADERS) => Some(What::Head),
        Kind::Data => Some(What::Content(frame.length)),
        Kind::Headers
        | Kind::Continuation
        | Kind::Priority
        | Kind::Reset
        | Kind::Settings
        | Kind::Ping
        | Kind::WindowUpdate
        | Kind::Other => None,
    }
}
