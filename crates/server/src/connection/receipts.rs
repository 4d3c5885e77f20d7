//! Answers from resources that are on their way to a client, until it is known what of each has arrived.
//!
//! "Written" says nothing about a client: an answer that fits the socket's buffer is written even to a dead one. So a
//! delivery is reported to the ledger when the client's system has acknowledged its last byte, or when the connection
//! ends first. What a position in the stream means for a representation is worked out here, and nowhere else.

use std::ops::Range;
use std::rc::Rc;
use std::time::Duration;

use tallyd_http::multipart::{Multipart, Piece};
use tallyd_http::range::ByteRange;
use tallyd_http::response::Body;
use tallyd_ledger::{Client, Delivery, Kind, Moment, Outcome, Received, Reporter, Representation, Request};

use super::presence::{Progress, Underway};
use crate::access_log::{AccessLog, Answered, Details, Exchange, Peer};
use crate::backend::remembered::Remembered;
use crate::census::{Answering, InFlight, Listed, Protocol};
use crate::clock::{self, Moment as Tick};

/// How many answers, and for how long, a busy connection may have on its way before it is asked what has arrived: to ask is a
/// system call, and one answer for many requests is as exact as one for each.
const MANY: usize = 16;
const LONG: Duration = Duration::from_millis(4);

/// The content of an answer, as far as its delivery is concerned.
#[derive(Debug)]
pub(crate) enum Content {
    /// None: HEAD, 304, an empty file.
    Nothing,
    /// One range of the representation; all of it for a 200.
    Single(ByteRange),
    /// Several ranges, each behind a part head. Rare, so that the place for it is small.
    Several(Box<Multipart>),
}

/// An answer on its way.
pub(crate) enum Dispatch {
    /// From a resource: the ledger is told what becomes of it.
    Numbered(Numbered),
    /// Any other: the access log alone is told.
    Unnumbered(Unnumbered),
}

/// An answer that has taken a number.
pub(crate) struct Numbered {
    /// The numbered request.
    pub(crate) request: Request,
    /// Who asked.
    pub(crate) client: Client,
    /// What is sent.
    pub(crate) representation: Representation,
    /// Of what.
    pub(crate) file: Rc<Remembered>,
    /// Which bytes of it.
    pub(crate) content: Content,
    /// Where the content begins in the connection's stream of bytes.
    pub(crate) content_at: u64,
    /// When the status was decided.
    pub(crate) began: Moment,
    /// For the access line.
    pub(crate) details: Details,
    /// Its place among the transfers in flight, once it is one.
    pub(crate) listed: Option<Listed>,
}

/// An answer that takes none, for a log that tells of it all the same.
#[derive(Debug)]
pub(crate) struct Unnumbered {
    /// Who asked.
    pub(crate) peer: Peer,
    /// What was asked and answered.
    pub(crate) exchange: Box<Exchange>,
    /// How many bytes follow the head.
    pub(crate) content_length: u64,
    /// Where the content begins in the connection's stream of bytes.
    pub(crate) content_at: u64,
    /// When the status was decided.
    pub(crate) began: Moment,
}

/// What became of an answer.
struct End {
    /// How many bytes of its content were acknowledged.
    arrived: u64,
    /// A client that comes back for what follows so many bytes of the content has these.
    resumable: u64,
    outcome: Outcome,
    at: Moment,
}

/// Those who are told what became of answers.
pub(crate) struct Recipients {
    pub(crate) ledger: Reporter<Details>,
    pub(crate) log: AccessLog,
    /// Those who look at transfers in flight find them here.
    pub(crate) in_flight: Rc<InFlight>,
}

/// The answers of one connection that are on their way, in the order of the stream.
///
/// Whatever is still on its way when this is dropped, also by a panic, is reported as aborted.
pub(crate) struct Receipts {
    waiting: Vec<Dispatch>,
    recipients: Rc<Recipients>,
    protocol: Protocol,
    /// How much of the stream is known to have arrived.
    acknowledged: u64,
    /// How much of the stream was written.
    written: u64,
    /// When it was last asked for.
    settled: Tick,
}

impl Content {
    /// The content that a body delivers.
    pub(crate) fn of_body<Handle>(body: &Body<Handle>) -> Content {
        match body {
            Body::Empty | Body::Bytes(_) => Content::Nothing,
            Body::Slice { range, .. } => Content::Single(*range),
            Body::Parts { parts, .. } => Content::Several(Box::new(parts.clone())),
        }
    }

    /// Its length in the stream.
    pub(super) fn length(&self) -> u64 {
        match self {
            Content::Nothing => 0,
            Content::Single(range) => range.length(),
            Content::Several(parts) => parts.length(),
        }
    }

    /// The ranges of the representation that lie in the first `length` bytes of the content.
    fn received(&self, length: u64) -> Received {
        match self {
            Content::Nothing => Received::Nothing,
            Content::Single(range) => Received::Single(first_of(*range, length)),
            Content::Several(parts) => Received::Several(parts_within(parts, length).into()),
        }
    }

    /// The position in the representation behind the last byte that lies in the first `length` bytes of the content.
    fn position(&self, length: u64) -> u64 {
        self.received(length).ranges().last().map_or(0, |range| range.end)
    }
}

fn first_of(range: ByteRange, length: u64) -> Range<u64> {
    range.first()..range.first() + length.min(range.length())
}

fn parts_within(parts: &Multipart, mut length: u64) -> Vec<Range<u64>> {
    let mut ranges = Vec::with_capacity(parts.ranges().len());
    for piece in parts.pieces() {
        if let Piece::Slice(range) = &piece {
            ranges.push(first_of(*range, length));
        }
        length = length.saturating_sub(piece.length());
    }
    ranges
}

impl Receipts {
    /// None yet; they will be sent by `protocol` and reported to `recipients`.
    pub(crate) fn new(recipients: Rc<Recipients>, protocol: Protocol) -> Receipts {
        Receipts {
            waiting: Vec::new(),
            recipients,
            protocol,
            acknowledged: 0,
            written: 0,
            settled: Tick::now(),
        }
    }

    /// Adds an answer that is about to be written.
    pub(crate) fn expect(&mut self, dispatch: Dispatch) {
        self.waiting.push(dispatch);
    }

    /// What the answers are sent by.
    pub(crate) fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Whether nothing is on its way.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Settles what has arrived if it is time to ask, although the conversation goes on: `ask` says how much of the stream was
    /// written, and how much of it is known to have arrived.
    pub(crate) fn settle_if_due(&mut self, ask: impl FnOnce() -> Progress) {
        if self.waiting.is_empty() {
            return;
        }
        let now = Tick::now();
        if are_due(self.waiting.len(), self.settled, now) {
            self.settle_at(ask(), now);
        }
    }

    /// How much of the stream is known to have arrived.
    pub(crate) fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// Says how much of the stream was written, and how much of it is known to have arrived; reports what is complete.
    pub(crate) fn settle(&mut self, progress: Progress) {
        self.settle_at(progress, Tick::now());
    }

    fn settle_at(&mut self, Progress { sent, acknowledged }: Progress, now: Tick) {
        (self.written, self.acknowledged, self.settled) = (sent, acknowledged, now);
        let complete = self.waiting.iter().take_while(|dispatch| dispatch.end() <= acknowledged).count();
        for dispatch in self.waiting.drain(..complete) {
            let length = dispatch.content_length();
            let end = End { arrived: length, resumable: length, outcome: Outcome::Completed, at: now.into() };
            dispatch.report(&end, &self.recipients);
        }
    }

    /// Tells the ledger, and those who look on, of what does not end at once on this connection.
    pub(crate) fn announce(&mut self, way: &Rc<impl Underway + 'static>) {
        for dispatch in &mut self.waiting {
            match dispatch {
                Dispatch::Numbered(answer) => answer.announce(&self.recipients, self.protocol, way),
                Dispatch::Unnumbered(_) => {}
            }
        }
    }

    /// Says where the last answer ends in the stream, if that was not known when it was begun.
    pub(crate) fn last_ends_at(&mut self, position: u64) {
        if let Some(Dispatch::Unnumbered(answer)) = self.waiting.last_mut()
            && answer.content_length == u64::MAX
        {
            answer.content_length = position.saturating_sub(answer.content_at);
        }
    }

    /// Gives back what is allocated, while nothing is on its way.
    pub(crate) fn release(&mut self) {
        if self.waiting.is_empty() {
            self.waiting = Vec::new();
        }
    }
}

/// Whether it is time to ask what has arrived of this many things on their way, when it was last asked `since`.
pub(super) fn are_due(count: usize, since: Tick, now: Tick) -> bool {
    count > 0 && (count >= MANY || now.since(since) >= LONG)
}

impl Drop for Receipts {
    fn drop(&mut self) {
        let (written, acknowledged, at) = (self.written, self.acknowledged, clock::ledger_moment());
        for dispatch in self.waiting.drain(..) {
            let (start, length) = (dispatch.content_at(), dispatch.content_length());
            let within = |position: u64| position.saturating_sub(start).min(length);
            let (arrived, written) = (within(acknowledged), within(written));
            // What follows an answer that was written whole, its client may ask for by plan: that would prove nothing.
            let resumable = if written < length { written } else { arrived };
            let end = End { arrived, resumable, outcome: Outcome::Aborted, at };
            dispatch.report(&end, &self.recipients);
        }
    }
}

impl Dispatch {
    /// Where the answer ends in the stream.
    fn end(&self) -> u64 {
        self.content_at().saturating_add(self.content_length())
    }

    fn content_at(&self) -> u64 {
        match self {
            Dispatch::Numbered(answer) => answer.content_at,
            Dispatch::Unnumbered(answer) => answer.content_at,
        }
    }

    fn content_length(&self) -> u64 {
        match self {
            Dispatch::Numbered(answer) => answer.content.length(),
            Dispatch::Unnumbered(answer) => answer.content_length,
        }
    }

    fn report(self, end: &End, recipients: &Recipients) {
        match self {
            Dispatch::Numbered(answer) => recipients.ledger.ended(answer.into_delivery(end)),
            Dispatch::Unnumbered(answer) => recipients.log.tell_answered(answer.into_answered(end)),
        }
    }
}

impl Numbered {
    fn announce(&mut self, recipients: &Recipients, protocol: Protocol, way: &Rc<impl Underway + 'static>) {
        recipients.ledger.began(&mut self.request);
        match self.request.kind() {
            Kind::Full | Kind::Partial if self.listed.is_none() => {
                let answering = Answering {
                    file: &self.file,
                    number: self.request.number(),
                    kind: self.request.kind(),
                    peer: Peer { ip: self.client.address, port: self.client.port },
                    protocol,
                    began: self.began,
                    content_at: self.content_at,
                    content_length: self.content.length(),
                };
                self.listed = Some(recipients.in_flight.list(answering, Rc::clone(way) as Rc<dyn Underway>));
            }
            Kind::Full | Kind::Partial | Kind::Head | Kind::NotModified => {}
        }
    }

    fn into_delivery(self, end: &End) -> Delivery<Details> {
        Delivery {
            received: self.content.received(end.arrived),
            written_to: self.content.position(end.resumable),
            request: self.request,
            client: self.client,
            representation: self.representation,
            outcome: end.outcome,
            began: self.began,
            ended: end.at,
            line: self.details,
        }
    }
}

impl Unnumbered {
    fn into_answered(self, end: &End) -> Answered {
        let duration_ms = end.at.0.saturating_sub(self.began.0) / 1000;
        let (bytes, outcome) = (end.arrived, end.outcome);
        Answered { peer: self.peer, exchange: self.exchange, bytes, outcome, duration_ms }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tallyd_http::multipart::Boundary;

    fn range(first: u64, last: u64) -> ByteRange {
        ByteRange::within(first, last, 100).expect("the test writes ranges of 100 bytes")
    }

    /// `expect` is the ranges as `first..end`, with a space between.
    #[track_caller]
    fn check(content: &Content, length: u64, expect: &str) {
        let received = content.received(length);
        let ranges: Vec<_> = received.ranges().iter().map(|range| format!("{range:?}")).collect();
        assert_eq!(ranges.join(" "), expect, "{length} of {content:?}");
    }

    #[test]
    fn one_range_arrives_from_its_start() {
        let content = Content::Single(range(10, 19));
        check(&content, 0, "10..10");
        check(&content, 3, "10..13");
        check(&content, 10, "10..20");
        assert_eq!((content.length(), content.position(3)), (10, 13));
        check(&Content::Nothing, 0, "");
    }

    #[test]
    fn part_heads_are_no_content() {
        let ranges = [range(0, 4), range(50, 59)];
        let parts = Multipart::new(Boundary::from_random(1), "text/plain", 100, ranges.into());
        let head = |index| parts.piece(index).expect("a part head").length();
        let (first, second) = (head(0), head(2));
        let content = Content::Several(Box::new(parts));
        check(&content, 0, "0..0 50..50");
        check(&content, first, "0..0 50..50");
        check(&content, first + 3, "0..3 50..50");
        check(&content, first + 5 + second, "0..5 50..50");
        check(&content, first + 5 + second + 2, "0..5 50..52");
        check(&content, content.length(), "0..5 50..60");
    }
}
