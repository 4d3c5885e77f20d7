//! One request and its answer, on a stream (RFC 9113 §8.1): the same answers as in HTTP/1.1, in frames.

use std::future::poll_fn;
use std::rc::Rc;

use bytes::{Buf, Bytes};
use h2::server::SendResponse;
use h2::{Reason, SendStream};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use tallyd_http::h1::persistence::Persistence;
use tallyd_http::h1::written::WrittenHead;
use tallyd_http::pseudo::Read;
use tallyd_http::response::Body;

use super::content;
use super::deliveries::stream_presence;
use super::link::{Answering, Link};
use super::payload::Payload;
use super::request::read_parts;
use crate::access_log::{Asked, Peer};
use crate::backend::remembered::Handle;
use crate::census::Protocol;
use crate::connection::answer::{Answered, ContentState, Progress, answer, refuse};
use crate::connection::buffers::{Output, Scheme};
use crate::connection::errand::Errand;
use crate::connection::listing::Rendering;
use crate::connection::receipts::Receipts;
use crate::transmit::Outcome;

/// Room for the fields of most answers.
const USUAL_FIELDS: usize = 12;

/// A request that is being answered.
pub(super) struct Exchange {
    /// While it lives, the connection has something to do.
    _answering: Answering,
    link: Rc<Link>,
    stream: u32,
    parts: Parts,
    progress: Progress,
    output: Output,
    respond: SendResponse<Payload>,
}

/// What an answer has to wait for.
pub(super) enum Step {
    /// Something that the answer depends on.
    Run(Errand),
    /// Its content, whose head was sent, and which is in memory.
    SendContent(SendStream<Payload>, Payload),
    /// Its content, whose head was sent.
    SendBody(SendStream<Payload>, Body<Handle>),
    /// A listing, whose head was sent.
    SendListing(SendStream<Payload>, Box<Rendering>),
}

/// The stream is no more: its client has reset it, or the connection has ended.
#[derive(Debug)]
pub(super) struct Gone;

impl From<h2::Error> for Gone {
    fn from(_: h2::Error) -> Gone {
        Gone
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.output.release(&self.link.worker.buffers);
    }
}

impl Exchange {
    /// A request that has come.
    pub(super) fn new(
        link: Rc<Link>,
        peer: Peer,
        scheme: Scheme,
        parts: Parts,
        respond: SendResponse<Payload>,
    ) -> Exchange {
        let receipts = Receipts::new(Rc::clone(&link.worker.recipients), Protocol::Http2);
        let mut output = Output::new(peer, scheme, receipts);
        output.acquire(&link.worker.buffers);
        // What content it has, nobody waits for.
        let progress = Progress { content: ContentState::Skipped, selection: None };
        Exchange {
            _answering: link.answer(),
            stream: respond.stream_id().as_u32(),
            link,
            parts,
            progress,
            output,
            respond,
        }
    }

    /// Answers as far as that is possible without waiting.
    pub(super) fn advance(&mut self) -> Result<Option<Step>, Gone> {
        let worker = &*self.link.worker;
        let answered = match read_parts(&self.parts) {
            Read::Request(request) => answer(&request, &mut self.progress, worker, &mut self.output),
            Read::Refused(refusal) => {
                let asked = Asked::Unreadable(b"");
                Answered::Wholly(refuse(refusal, asked, Persistence::Keep, worker, &mut self.output))
            }
            Read::Malformed => {
                self.respond.send_reset(Reason::PROTOCOL_ERROR);
                return Err(Gone);
            }
        };
        let step = match answered {
            Answered::Wholly(_) => return self.send_wholly(),
            Answered::ButForContent(body, _) => Step::SendBody(self.send_head()?, body),
            Answered::ButForListing(rendering, _) => Step::SendListing(self.send_head()?, rendering),
            Answered::After(errand) => Step::Run(errand),
            // Content is skipped before it is thought of.
            Answered::AfterContent(_) => return Err(Gone),
        };
        Ok(Some(step))
    }

    /// Does what is waited for, and the rest.
    pub(super) async fn go_on(mut self, mut step: Step) {
        loop {
            match self.take(step).await {
                Ok(Some(next)) => step = next,
                Ok(None) => return,
                Err(Gone) => return self.link.abort(self.stream),
            }
        }
    }

    /// Gives up.
    pub(super) fn abort(&self) {
        self.link.abort(self.stream);
    }

    async fn take(&mut self, step: Step) -> Result<Option<Step>, Gone> {
        match step {
            Step::Run(errand) => {
                let reset = poll_fn(|context| self.respond.poll_reset(context));
                let selection = errand.run(&self.link.worker.site, reset).await.map_err(|_| Gone)?;
                self.progress.selection = Some(selection);
                self.advance()
            }
            Step::SendContent(mut stream, content) => {
                content::send_last(&mut stream, content, &self.link).await.map(|()| None)
            }
            Step::SendBody(stream, body) => self.send_body(stream, body).await.map(|()| None),
            Step::SendListing(stream, rendering) => {
                Box::pin(self.send_listing(stream, *rendering)).await.map(|()| None)
            }
        }
    }

    /// Sends an answer that is wholly in the output; its content later, if the client has no room for it now.
    fn send_wholly(&mut self) -> Result<Option<Step>, Gone> {
        let written = Bytes::copy_from_slice(&self.output.bytes);
        let (response, head_length) = response_of(&written);
        self.begin(head_length);
        let content = match self.output.take_tail() {
            Some((content, range)) => Payload::memory(content, range),
            None => Payload::made(written.slice(head_length..)),
        };
        if !content.has_remaining() {
            self.respond.send_response(response, true)?;
            return Ok(None);
        }
        let length = content.remaining();
        let mut stream = self.respond.send_response(response, false)?;
        stream.reserve_capacity(length);
        if stream.capacity() >= length && self.link.hold_at_once(self.stream, length) {
            stream.send_data(content, true)?;
            return Ok(None);
        }
        self.link.deliveries.borrow_mut().announce(self.stream);
        self.output.release(&self.link.worker.buffers);
        Ok(Some(Step::SendContent(stream, content)))
    }

    /// Sends a head that is in the output, and whose content follows.
    fn send_head(&mut self) -> Result<SendStream<Payload>, Gone> {
        let (response, head_length) = response_of(&Bytes::copy_from_slice(&self.output.bytes));
        self.begin(head_length);
        self.link.deliveries.borrow_mut().announce(self.stream);
        self.output.release(&self.link.worker.buffers);
        Ok(self.respond.send_response(response, false)?)
    }

    /// Gives what is promised of the answer to those who see what arrives.
    fn begin(&mut self, head_length: usize) {
        let nothing = Receipts::new(Rc::clone(&self.link.worker.recipients), Protocol::Http2);
        let receipts = std::mem::replace(&mut self.output.receipts, nothing);
        self.link.deliveries.borrow_mut().begin(self.stream, head_length, receipts, stream_presence());
    }

    async fn send_body(&mut self, mut stream: SendStream<Payload>, body: Body<Handle>) -> Result<(), Gone> {
        match content::send_body(&mut stream, body, &self.link).await? {
            Outcome::Whole => Ok(()),
            Outcome::Truncated => {
                // The client must not take what came for all there is.
                stream.send_reset(Reason::INTERNAL_ERROR);
                Err(Gone)
            }
        }
    }

    async fn send_listing(
        &mut self,
        mut stream: SendStream<Payload>,
        mut rendering: Rendering,
    ) -> Result<(), Gone> {
        let mut length = 0;
        while let Some(piece) = rendering.next_piece() {
            length += piece.len() as u64;
            content::send_piece(&mut stream, piece, &self.link).await?;
            // Others get their turn between two pieces.
            tokio::task::yield_now().await;
        }
        self.link.deliveries.borrow_mut().ends_after(self.stream, length);
        stream.send_data(Payload::empty(), true)?;
        Ok(())
    }
}

/// The head of what was written, as `h2` writes it, and its length. Its values are parts of `written`.
fn response_of(written: &Bytes) -> (Response<()>, usize) {
    let head = WrittenHead::read(written);
    let mut fields = HeaderMap::with_capacity(USUAL_FIELDS);
    for (name, value) in head.lines {
        let value = HeaderValue::from_maybe_shared(written.slice_ref(value));
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), value) {
            fields.append(name, value);
        }
    }
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::from_u16(head.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = fields;
    (response, head.length)
}
