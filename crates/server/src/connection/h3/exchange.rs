//! One request and its answer, on a stream of their own (RFC 9114 §4.1).

use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use h3::error::{Code, StreamError};
use h3::server;
use quinn::SendStream;
use tallyd_http::h1::persistence::Persistence;
use tallyd_http::h3::answer::{begin_content, write_head};
use tallyd_http::pseudo::{Read, Start, read};
use tallyd_http::refusal::Refusal;
use tallyd_http::request::{Request, Version};

use super::content::send_body;
use super::conversation::{Conversation, Place, Resolver, Stage};
use super::outflow::{Cut, Outflow};
use super::transport::RequestStream;
use crate::access_log::Asked;
use crate::census::Protocol;
use crate::connection::answer::{Answered, ContentState, MAX_SKIPPED_CONTENT, Progress, answer, refuse};
use crate::connection::buffers::{Output, Scheme};
use crate::connection::listing::Rendering;
use crate::connection::presence::{Awaits, Underway};
use crate::connection::receipts::Receipts;
use crate::transmit::Outcome;

/// The side of a stream that a request comes in on.
type Incoming = server::RequestStream<RequestStream, Bytes>;

/// A request that is being answered.
struct Exchange {
    outflow: Outflow,
    output: Output,
    place: Place,
}

/// Answers what comes on a stream that was accepted.
pub(super) async fn serve(resolver: Resolver, answer: SendStream, place: Place) {
    let conversation = Rc::clone(place.conversation());
    let worker = &conversation.worker;
    let outflow = Outflow::new(answer, Rc::clone(&conversation));
    let receipts = Receipts::new(Rc::clone(&worker.recipients), Protocol::Http3);
    let mut output = Output::new(conversation.peer, Scheme::Https, receipts);
    output.acquire(&worker.buffers);
    let mut exchange = Exchange { outflow, output, place };
    match resolver.resolve_request().await {
        Ok((head, incoming)) => {
            if exchange.respond(&head).await.is_ok() {
                exchange.see_off(Some(Rest { incoming, left: MAX_SKIPPED_CONTENT })).await;
            }
        }
        Err(StreamError::HeaderTooBig { .. }) => {
            let refused = exchange.refuse(Refusal::FieldsTooLarge, Asked::Unreadable(b""));
            if exchange.send(refused).await.is_ok() {
                exchange.see_off(None).await;
            }
        }
        Err(StreamError::StreamError { code, .. }) => exchange.outflow.reset(code),
        // The connection has ended, or the client does not want an answer.
        Err(_) => exchange.outflow.reset(Code::H3_REQUEST_CANCELLED),
    }
    exchange.settle();
    exchange.output.release(&worker.buffers);
}

/// The rest of a request, whose content nobody here wants.
struct Rest {
    incoming: Incoming,
    /// How much more of it is read and thrown away, in bytes.
    left: u64,
}

impl Rest {
    /// Throws away what has come; ready at the end of it, or when it is too much.
    fn poll_discard(&mut self, context: &mut Context<'_>) -> Poll<Discarded> {
        loop {
            match ready!(self.incoming.poll_recv_data(context)) {
                Ok(Some(portion)) => match self.left.checked_sub(portion.remaining() as u64) {
                    Some(left) => self.left = left,
                    None => return Poll::Ready(Discarded::Partly),
                },
                Ok(None) | Err(_) => return Poll::Ready(Discarded::Wholly),
            }
        }
    }
}

/// How much of the rest of a request was thrown away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Discarded {
    Wholly,
    Partly,
}

impl Exchange {
    fn conversation(&self) -> &Rc<Conversation> {
        self.place.conversation()
    }

    /// Answers a request whose head is this.
    async fn respond(&mut self, head: &http::Request<()>) -> Result<(), Cut> {
        let uri = head.uri();
        let start = Start {
            version: Version::Http3,
            method: head.method().as_str(),
            target: uri.path_and_query().map_or(b"*", |target| target.as_str().as_bytes()),
            authority: uri.authority().map(|authority| authority.as_str().as_bytes()),
        };
        let lines = || head.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let answered = match read(start, lines) {
            Read::Request(request) => self.decide(&request).await?,
            Read::Refused(refusal, method) => self.refuse(refusal, Asked::TooLong(method)),
            Read::Malformed => {
                self.outflow.reset(Code::H3_MESSAGE_ERROR);
                return Err(Cut);
            }
        };
        self.send(answered).await
    }

    /// Decides on the answer, with its head in the output, and waits for whatever that takes; fails where nobody waits for it
    /// any more.
    async fn decide(&mut self, request: &Request<'_>) -> Result<Answered, Cut> {
        let worker = Rc::clone(&self.conversation().worker);
        // Its content is the stream's.
        let mut progress = Progress { content: ContentState::Skipped, selection: None };
        loop {
            let answered = answer(request, &mut progress, &worker, &mut self.output);
            self.place.proceed(match &answered {
                Answered::Wholly(_) | Answered::ButForContent(..) | Answered::ButForListing(..) => {
                    Stage::Transfer
                }
                Answered::AfterContent(_) | Answered::After(_) => Stage::Fetching,
            });
            let errand = match answered {
                Answered::After(errand) => errand,
                done @ (Answered::Wholly(_)
                | Answered::ButForContent(..)
                | Answered::ButForListing(..)
                | Answered::AfterContent(_)) => return Ok(done),
            };
            match errand.run(&worker.site, self.outflow.arrival()).await {
                Ok(selection) => progress.selection = Some(selection),
                // Nothing was sent that could arrive.
                Err(_) => {
                    self.outflow.reset(Code::H3_REQUEST_CANCELLED);
                    return Err(Cut);
                }
            }
        }
    }

    fn refuse(&mut self, refusal: Refusal, asked: Asked<'_>) -> Answered {
        let worker = Rc::clone(&self.conversation().worker);
        self.place.proceed(Stage::Transfer);
        Answered::Wholly(refuse(refusal, asked, Persistence::Keep, &worker, &mut self.output))
    }

    /// Sends an answer whose head is in the output.
    async fn send(&mut self, answered: Answered) -> Result<(), Cut> {
        let mut frames = Vec::with_capacity(self.output.length() + 16);
        let head_length = write_head(&mut frames, &self.output.bytes);
        let outcome = match answered {
            Answered::ButForContent(body, _) => {
                begin_content(&mut frames, body.length());
                self.announce();
                self.send_output(frames).await?;
                send_body(&mut self.outflow, body, &self.place).await?
            }
            Answered::ButForListing(rendering, _) => {
                self.send_output(frames).await?;
                self.send_listing(*rendering).await?;
                Outcome::Whole
            }
            Answered::Wholly(_) => {
                let content = &self.output.bytes[head_length..];
                let length = content.len() + self.output.tail().len();
                if length > 0 {
                    begin_content(&mut frames, length as u64);
                    frames.extend_from_slice(content);
                    frames.extend_from_slice(self.output.tail());
                }
                self.send_output(frames).await?;
                Outcome::Whole
            }
            Answered::AfterContent(_) | Answered::After(_) => {
                unreachable!("what an answer waits for has come")
            }
        };
        match outcome {
            Outcome::Whole => {
                self.outflow.finish();
                Ok(())
            }
            Outcome::Truncated => {
                self.outflow.reset(Code::H3_INTERNAL_ERROR);
                Err(Cut)
            }
        }
    }

    /// Sends what is in the output, in the form of these frames.
    async fn send_output(&mut self, frames: Vec<u8>) -> Result<(), Cut> {
        let length = self.output.length() as u64;
        self.output.clear();
        self.output.at += length;
        self.outflow.send_as(frames.into(), length).await
    }

    async fn send_listing(&mut self, mut rendering: Rendering) -> Result<(), Cut> {
        while let Some(chunk) = rendering.next_piece() {
            let length = chunk.len() as u64;
            let mut frames = Vec::with_capacity(chunk.len() + 16);
            begin_content(&mut frames, length);
            frames.extend_from_slice(&chunk);
            self.outflow.send_as(frames.into(), length).await?;
            self.output.at += length;
            // Others get their turn between two chunks.
            tokio::task::yield_now().await;
        }
        self.output.receipts.last_ends_at(self.output.at);
        Ok(())
    }

    /// Tells the ledger, and those who look on, of what does not end at once.
    fn announce(&mut self) {
        self.output.receipts.announce(self.outflow.course());
    }

    /// Waits until the client's system has everything. Most clients have sent all by then; of others no more is wanted
    /// (RFC 9114 §4.1).
    async fn see_off(&mut self, mut rest: Option<Rest>) {
        let conversation = Rc::clone(self.conversation());
        let _awaited = Awaited::new(&conversation);
        let course = Rc::clone(self.outflow.course());
        let mut arrival = pin!(self.outflow.arrival());
        let mut nudge = pin!(conversation.nudges.notified());
        poll_fn(|context| {
            while nudge.as_mut().poll(context).is_ready() {
                self.output.receipts.announce(&course);
                nudge.set(conversation.nudges.notified());
            }
            let discarded = rest.as_mut().map(|rest| rest.poll_discard(context));
            match discarded {
                Some(Poll::Ready(Discarded::Wholly)) => rest = None,
                Some(Poll::Ready(Discarded::Partly)) => unwanted(rest.take()),
                Some(Poll::Pending) | None => {}
            }
            // Whether it has arrived, the course knows.
            arrival.as_mut().poll(context).map(drop)
        })
        .await;
        unwanted(rest);
    }

    /// Reports what has arrived. What has not is aborted when the receipts are dropped.
    fn settle(&mut self) {
        let progress = self.outflow.course().progress();
        self.output.receipts.settle(progress);
    }
}

/// Says that no more of a request is wanted.
fn unwanted(rest: Option<Rest>) {
    if let Some(mut rest) = rest {
        rest.incoming.stop_sending(Code::H3_NO_ERROR);
    }
}

/// Keeps a connection looking for what has arrived.
struct Awaited<'a>(&'a Conversation);

impl<'a> Awaited<'a> {
    fn new(conversation: &'a Conversation) -> Awaited<'a> {
        conversation.await_acknowledgement(Awaits::Some);
        Awaited(conversation)
    }
}

impl Drop for Awaited<'_> {
    fn drop(&mut self) {
        self.0.await_acknowledgement(Awaits::None);
    }
}
