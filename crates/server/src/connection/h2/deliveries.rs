//! What of each stream's answer has been written, and has arrived.
//!
//! The client's system acknowledges positions of the connection; the tally counts the content of answers. The frames in
//! between tell which bytes of the one are those of the other.

use std::collections::VecDeque;
use std::rc::Rc;

use tallyd_http::h2::answer::Followed;

use crate::connection::presence::{Phase, Presence, Progress};
use crate::connection::receipts::Receipts;

/// How many answers an idle connection keeps room for.
const FEW: usize = 8;

/// The answers of one connection that are on their way, each on its stream.
#[derive(Default)]
pub(crate) struct Deliveries {
    /// Frames of answers that are not known to have arrived, in order.
    under_way: VecDeque<Sent>,
    /// The answers, in the order of their streams' numbers.
    streams: VecDeque<(u32, Delivery)>,
    /// How many of the answers are not written to their ends.
    unfinished: usize,
    /// How much of the conversation is known to have arrived.
    acknowledged: u64,
}

/// An answer on its stream. Its positions are those in `Receipts`: the length of its head as it was prepared, and the content
/// behind that. When it is dropped, what has not arrived of it is given up.
struct Delivery {
    head_length: u64,
    head_arrived: bool,
    /// Bytes of content that were written; those that have arrived are among them.
    written: u64,
    arrived: u64,
    is_finished: bool,
    receipts: Receipts,
    /// For those who look at it, once it is told of.
    presence: Option<Rc<Presence>>,
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
fn stream_presence() -> Rc<Presence> {
    let presence = Presence::new();
    // It tells without being asked.
    presence.enter(Phase::Closing);
    Rc::new(presence)
}

impl Deliveries {
    /// Adds an answer that is about to be written; its head has this length in its receipts' stream.
    pub(super) fn begin(&mut self, stream: u32, head_length: usize, receipts: Receipts) {
        let delivery = Delivery {
            head_length: head_length as u64,
            head_arrived: false,
            written: 0,
            arrived: 0,
            is_finished: false,
            receipts,
            presence: None,
        };
        self.unfinished += 1;
        // A stream has one answer.
        let (Ok(at) | Err(at)) = self.find(stream);
        self.streams.insert(at, (stream, delivery));
    }

    /// Where a stream's answer is, or would be.
    fn find(&self, stream: u32) -> Result<usize, usize> {
        self.streams.binary_search_by_key(&stream, |(number, _)| *number)
    }

    fn delivery(&mut self, stream: u32) -> Option<&mut Delivery> {
        let at = self.find(stream).ok()?;
        Some(&mut self.streams[at].1)
    }

    /// Tells the ledger, and those who look on, of an answer that does not leave at once.
    pub(super) fn announce(&mut self, stream: u32) {
        self.delivery(stream).into_iter().for_each(Delivery::announce);
    }

    /// The same of every answer that is not known to have arrived.
    pub(in crate::connection) fn announce_all(&mut self) {
        self.streams.iter_mut().for_each(|(_, delivery)| delivery.announce());
    }

    /// Says where the answer ends whose content's length was not known when it was begun.
    pub(super) fn ends_after(&mut self, stream: u32, content_length: u64) {
        if let Some(delivery) = self.delivery(stream) {
            delivery.receipts.last_ends_at(delivery.head_length + content_length);
        }
    }

    /// Whether all that was written is known to have arrived, and nothing is still to be written.
    pub(in crate::connection) fn are_done(&self) -> bool {
        self.streams.is_empty()
    }

    /// How many answers are not known to have arrived.
    pub(super) fn count(&self) -> usize {
        self.streams.len()
    }

    /// Whether answers are still to be written.
    pub(super) fn are_unfinished(&self) -> bool {
        self.unfinished > 0
    }

    /// How much of the conversation is known to have arrived.
    pub(in crate::connection) fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// How many frames are under way.
    pub(super) fn under_way(&self) -> usize {
        self.under_way.len()
    }

    /// Notes that the head of an answer was written, up to `end` in the conversation.
    pub(super) fn note_head(&mut self, stream: u32, end: u64, followed: Followed) {
        self.under_way.push_back(Sent { end, stream, what: What::Head });
        self.note_end(stream, followed);
    }

    /// Notes that so much content of an answer was written, up to `end` in the conversation.
    pub(super) fn note_content(&mut self, stream: u32, length: usize, end: u64, followed: Followed) {
        let Some(delivery) = self.delivery(stream) else { return };
        delivery.written += length as u64;
        self.under_way.push_back(Sent { end, stream, what: What::Content(length as u32) });
        self.note_end(stream, followed);
    }

    fn note_end(&mut self, stream: u32, followed: Followed) {
        match (followed, self.find(stream)) {
            (Followed::ByNothing, Ok(at)) => {
                self.unfinished -= 1;
                let delivery = &mut self.streams[at].1;
                delivery.is_finished = true;
                if delivery.receipts.is_empty() {
                    // Nobody wants to know.
                    self.streams.remove(at);
                }
            }
            (Followed::ByNothing, Err(_)) | (Followed::ByContent, _) => {}
        }
    }

    /// Settles what lies before `acknowledged` in the conversation.
    pub(in crate::connection) fn settle(&mut self, acknowledged: u64) {
        self.acknowledged = acknowledged;
        while let Some(sent) = self.under_way.pop_front_if(|sent| sent.end <= acknowledged) {
            let Ok(at) = self.find(sent.stream) else { continue };
            let delivery = &mut self.streams[at].1;
            match sent.what {
                What::Head => delivery.head_arrived = true,
                What::Content(length) => delivery.arrived += u64::from(length),
            }
            if delivery.has_arrived() {
                // In the order of their ends.
                self.streams.remove(at);
            } else if delivery.presence.is_some() {
                delivery.settle();
            }
        }
        if self.streams.is_empty() {
            self.under_way.clear();
            self.streams.shrink_to(FEW);
            self.under_way.shrink_to(FEW);
        }
    }

    /// Gives up what of a stream's answer is not known to have arrived.
    pub(super) fn abort(&mut self, stream: u32) {
        let Ok(at) = self.find(stream) else { return };
        if !self.streams[at].1.is_finished {
            self.unfinished -= 1;
        }
        self.streams.remove(at);
    }
}

impl Delivery {
    fn announce(&mut self) {
        self.receipts.announce(self.presence.get_or_insert_with(stream_presence));
    }

    /// Whether all of the answer was written and is there.
    fn has_arrived(&self) -> bool {
        self.is_finished && self.head_arrived && self.arrived == self.written
    }

    fn settle(&mut self) {
        let of_stream = |is_there: bool, content: u64| if is_there { self.head_length + content } else { 0 };
        let written = of_stream(self.head_arrived || self.written > 0, self.written);
        let arrived = of_stream(self.head_arrived, self.arrived);
        let progress = Progress { sent: written, acknowledged: arrived };
        self.receipts.settle(progress);
        if let Some(presence) = &self.presence {
            presence.tell_progress(progress);
        }
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        self.settle();
    }
}
