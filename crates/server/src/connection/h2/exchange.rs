//! One request and its answer, on a stream (RFC 9113 §8.1): the same answers as in HTTP/1.1, in frames.

use std::future::poll_fn;
use std::ops::Range;
use std::rc::Rc;

use tallyd_http::h1::persistence::Persistence;
use tallyd_http::h1::written::WrittenHead;
use tallyd_http::h2::answer::Followed;
use tallyd_http::h2::field_section::FieldSection;
use tallyd_http::h2::request::read_section;
use tallyd_http::pseudo::Read;
use tallyd_http::response::Body;

use super::content::Stream;
use super::link::{Answering, Link};
use crate::access_log::Asked;
use crate::backend::remembered::Handle;
use crate::census::Protocol;
use crate::connection::answer::{Answered, ContentState, Progress, answer, refuse};
use crate::connection::buffers::Output;
use crate::connection::errand::Errand;
use crate::connection::listing::Rendering;
use crate::connection::receipts::Receipts;
use crate::transmit::Outcome;

/// A request that is being answered.
pub(super) struct Exchange {
    /// While it lives, the connection has something to do.
    _answering: Answering,
    link: Rc<Link>,
    stream: u32,
    section: FieldSection,
    progress: Progress,
    output: Output,
}

/// What an answer has to wait for.
pub(super) enum Step {
    /// Something that the answer depends on.
    Run(Errand),
    /// Its content, whose head was written, and which is in memory.
    SendContent(Content),
    /// Its content, whose head was written.
    SendBody(Body<Handle>),
    /// A listing, whose head was written.
    SendListing(Box<Rendering>),
}

/// Content in memory that could not be sent with its head.
pub(super) enum Content {
    /// Made for this answer.
    Made(Vec<u8>),
    /// A part of what this worker remembers.
    Remembered(Rc<[u8]>, Range<usize>),
}

/// The stream is no more: its client has reset it, or the connection has ended.
#[derive(Debug)]
pub(super) struct Gone;

impl Drop for Exchange {
    fn drop(&mut self) {
        self.output.release(&self.link.worker.buffers);
        self.link.forget(self.stream);
        self.forget_request();
    }
}

impl Exchange {
    /// The request that has just come, on this stream.
    pub(super) fn new(link: Rc<Link>, stream: u32) -> Exchange {
        let (answering, section) = link.answer();
        let receipts = Receipts::new(Rc::clone(&link.worker.recipients), Protocol::Http2);
        let mut output = Output::new(link.peer, link.scheme, receipts);
        output.acquire(&link.worker.buffers);
        // What content it has, nobody waits for.
        let progress = Progress { content: ContentState::Skipped, selection: None };
        Exchange { _answering: answering, link, stream, section, progress, output }
    }

    /// Answers as far as that is possible without waiting.
    pub(super) fn advance(&mut self) -> Result<Option<Step>, Gone> {
        let step = self.decide()?;
        match step {
            None | Some(Step::Run(_)) => {}
            // It may wait for its client for long.
            Some(Step::SendContent(_) | Step::SendBody(_) | Step::SendListing(_)) => self.forget_request(),
        }
        Ok(step)
    }

    /// Gives back what is not needed any more once the answer is decided.
    fn forget_request(&mut self) {
        let section = std::mem::take(&mut self.section);
        if section.size() > 0 {
            self.link.give_section_back(section);
        }
    }

    fn decide(&mut self) -> Result<Option<Step>, Gone> {
        let worker = &*self.link.worker;
        let answered = match read_section(&self.section) {
            Read::Request(request) => answer(&request, &mut self.progress, worker, &mut self.output),
            Read::Refused(refusal, method) => {
                let asked = Asked::TooLong(method);
                Answered::Wholly(refuse(refusal, asked, Persistence::Keep, worker, &mut self.output))
            }
            Read::Malformed => {
                self.link.fail(self.stream);
                return Err(Gone);
            }
        };
        let step = match answered {
            Answered::Wholly(_) => return self.send_wholly(),
            Answered::ButForContent(body, _) => {
                self.write_head()?;
                Step::SendBody(body)
            }
            Answered::ButForListing(rendering, _) => {
                self.write_head()?;
                Step::SendListing(rendering)
            }
            Answered::After(errand) => Step::Run(errand),
            // Content is skipped before it is thought of.
            Answered::AfterContent(_) => return Err(Gone),
        };
        Ok(Some(step))
    }

    /// Does what is waited for, and the rest.
    pub(super) async fn go_on(mut self, mut step: Step) {
        loop {
            let taken = self.take(step).await;
            // What was written is for the connection to send.
            self.link.wake();
            match taken {
                Ok(Some(next)) => step = next,
                Ok(None) | Err(Gone) => return,
            }
        }
    }

    async fn take(&mut self, step: Step) -> Result<Option<Step>, Gone> {
        let stream = Stream { link: &self.link, number: self.stream };
        match step {
            Step::Run(errand) => {
                let gone = poll_fn(|context| self.link.poll_gone(self.stream, context));
                let selection = errand.run(&self.link.worker.site, gone).await.map_err(|()| Gone)?;
                self.progress.selection = Some(selection);
                return self.advance();
            }
            Step::SendContent(content) => stream.send_memory(content.bytes(), Followed::ByNothing).await?,
            Step::SendBody(body) => match stream.send_body(body).await? {
                // What has not ended is reset.
                Outcome::Whole | Outcome::Truncated => {}
            },
            Step::SendListing(rendering) => Box::pin(self.send_listing(*rendering)).await?,
        }
        Ok(None)
    }

    /// Sends an answer that is wholly in the output; its content later, if the client has no room for it now.
    fn send_wholly(&mut self) -> Result<Option<Step>, Gone> {
        let receipts = self.take_receipts();
        let head = WrittenHead::read(&self.output.bytes);
        let (head_length, length) = (head.length, self.output.length() - head.length);
        if length == 0 {
            return self.link.write_head(self.stream, &head, receipts, Followed::ByNothing).map(|()| None);
        }
        self.link.write_head(self.stream, &head, receipts, Followed::ByContent)?;
        if self.link.hold_at_once(self.stream, length) {
            let content = match self.output.tail() {
                [] => &self.output.bytes[head_length..],
                tail => tail,
            };
            let stream = Stream { link: &self.link, number: self.stream };
            return stream.write(content, Followed::ByNothing).map(|()| None);
        }
        self.link.announce(self.stream);
        let content = match self.output.take_tail() {
            Some((content, range)) => Content::Remembered(content, range),
            None => Content::Made(self.output.bytes.split_off(head_length)),
        };
        self.output.release(&self.link.worker.buffers);
        Ok(Some(Step::SendContent(content)))
    }

    /// Writes a head that is in the output, and whose content follows when there is room for it.
    fn write_head(&mut self) -> Result<(), Gone> {
        let receipts = self.take_receipts();
        let head = WrittenHead::read(&self.output.bytes);
        self.link.write_head(self.stream, &head, receipts, Followed::ByContent)?;
        self.link.announce(self.stream);
        self.output.release(&self.link.worker.buffers);
        Ok(())
    }

    /// Takes what is promised of the answer, for those who see what arrives.
    fn take_receipts(&mut self) -> Receipts {
        let nothing = Receipts::new(Rc::clone(&self.link.worker.recipients), Protocol::Http2);
        std::mem::replace(&mut self.output.receipts, nothing)
    }

    async fn send_listing(&self, mut rendering: Rendering) -> Result<(), Gone> {
        let stream = Stream { link: &self.link, number: self.stream };
        let mut length = 0;
        while let Some(piece) = rendering.next_piece() {
            length += piece.len() as u64;
            stream.send_piece(&piece).await?;
            self.link.wake();
            // Others get their turn between two pieces.
            tokio::task::yield_now().await;
        }
        self.link.ends_after(self.stream, length);
        stream.send_end()
    }
}

impl Content {
    fn bytes(&self) -> &[u8] {
        match self {
            Content::Made(bytes) => bytes,
            Content::Remembered(bytes, range) => &bytes[range.clone()],
        }
    }
}
