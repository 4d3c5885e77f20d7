//! A connection in HTTP/3 (RFC 9114): its requests, each on a stream and a task of its own, and what they have in common.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use h3::error::Code;
use h3::server::RequestResolver;
use h3::stream::BufRecvStream;
use tallyd_http::h1::head::MAX_HEAD_BYTES;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::task::spawn_local;

use super::exchange;
use super::transport::{RequestStream, Transport, wire};
use crate::access_log::Peer;
use crate::census::Meter;
use crate::connection::presence::{Awaits, Interrupt, Phase};
use crate::connection::roster::Enrolment;
use crate::quic::SEND_WINDOW_BYTES;
use crate::worker::{Departure, Worker};

/// How much of answers is held until it is acknowledged, at the most, in bytes: enough for 500 Mbit/s over 130 ms.
const MOST_SEND_WINDOW_BYTES: u64 = 8 * 1024 * 1024;

/// A request whose stream was accepted.
pub(super) type Resolver = RequestResolver<Transport, Bytes>;

/// What the requests of a connection share.
pub(super) struct Conversation {
    connection: quinn::Connection,
    pub(super) peer: Peer,
    pub(super) worker: Rc<Worker>,
    /// Content and heads that have arrived, in bytes.
    arrived: Arc<AtomicU64>,
    send_window: Cell<u64>,
    stages: Stages,
    /// Answers that wait to be acknowledged.
    unacknowledged: Cell<usize>,
    /// Told when it is time to tell others of what is still under way.
    pub(super) nudges: Notify,
    /// Told when a request has ended.
    ended: Notify,
    enrolment: Enrolment,
    /// The last to go.
    _departure: Departure,
}

/// How many requests are how far.
#[derive(Default)]
struct Stages([Cell<usize>; 3]);

/// How far a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Its head is on its way.
    Head,
    /// What it asks for is being fetched.
    Fetching,
    /// Its answer is on its way.
    Transfer,
}

/// Keeps a request counted where it is.
pub(super) struct Place {
    conversation: Rc<Conversation>,
    stage: Cell<Stage>,
}

/// What a connection's task wakes up for.
enum Event {
    Request(RequestStream),
    Interrupted(Interrupt),
    /// It is time to look for what has not arrived.
    Nudged,
    /// No new requests are wanted.
    Draining,
    /// The connection has ended, for whatever reason.
    Gone,
}

type Connection = h3::server::Connection<Transport, Bytes>;

/// Serves a client whose handshake is done, until either side is.
pub(super) async fn converse(
    connection: quinn::Connection,
    peer: Peer,
    worker: Rc<Worker>,
    enrolment: Enrolment,
    departure: Departure,
) {
    let mut builder = h3::server::builder();
    builder.max_field_section_size(MAX_HEAD_BYTES as u64).send_grease(false);
    let building = builder.build(Transport::new(connection.clone()));
    let Some(Ok(mut http)) = enrolment.bound(building).await else { return };
    enrolment.presence().enter(Phase::Idle);
    let conversation = Rc::new(Conversation {
        connection,
        peer,
        worker,
        arrived: Arc::default(),
        send_window: Cell::new(SEND_WINDOW_BYTES),
        stages: Stages::default(),
        unacknowledged: Cell::new(0),
        nudges: Notify::new(),
        ended: Notify::new(),
        enrolment,
        _departure: departure,
    });
    let code = conversation.run(&mut http).await;
    conversation.connection.close(wire(code.value()), b"");
}

impl Conversation {
    /// Takes requests until there are no more; returns what to say at the end.
    async fn run(self: &Rc<Self>, http: &mut Connection) -> Code {
        let worker = Rc::clone(&self.worker);
        let mut draining = pin!(worker.draining());
        loop {
            match poll_fn(|context| self.poll_event(context, http, draining.as_mut())).await {
                Event::Request(stream) => self.take_up(http, stream),
                Event::Nudged => self.nudges.notify_waiters(),
                Event::Draining => break,
                Event::Interrupted(interrupt) => {
                    self.worker.meter.gave_up(interrupt);
                    self.worker.remark_interrupt(self.peer, interrupt);
                    return match interrupt {
                        Interrupt::Idle | Interrupt::Ending => Code::H3_NO_ERROR,
                        Interrupt::SlowHead | Interrupt::SlowTransfer | Interrupt::Flood => {
                            Code::H3_EXCESSIVE_LOAD
                        }
                    };
                }
                Event::Gone => return Code::H3_NO_ERROR,
            }
        }
        self.wind_up(http).await
    }

    /// Says that no more requests are wanted (RFC 9114 §5.2), and waits for those under way.
    async fn wind_up(self: &Rc<Self>, http: &mut Connection) -> Code {
        // It names the first request that is not answered.
        if http.shutdown(1).await.is_err() {
            return Code::H3_NO_ERROR;
        }
        let mut ended = pin!(self.ended.notified());
        loop {
            if self.stages.count() == 0 {
                return Code::H3_NO_ERROR;
            }
            let event = poll_fn(|context| {
                if ended.as_mut().poll(context).is_ready() {
                    ended.set(self.ended.notified());
                    return Poll::Ready(None);
                }
                self.poll_connection(context, http).map(Some)
            });
            match event.await {
                None => {}
                // Its client has not heard yet, and may ask elsewhere.
                Some(Event::Request(mut stream)) => stream.reject(),
                Some(Event::Nudged) => self.nudges.notify_waiters(),
                Some(Event::Draining | Event::Interrupted(_) | Event::Gone) => return Code::H3_NO_ERROR,
            }
        }
    }

    fn poll_event(
        &self,
        context: &mut Context<'_>,
        http: &mut Connection,
        draining: Pin<&mut Notified<'_>>,
    ) -> Poll<Event> {
        if self.worker.is_draining() || draining.poll(context).is_ready() {
            return Poll::Ready(Event::Draining);
        }
        self.poll_connection(context, http)
    }

    fn poll_connection(&self, context: &mut Context<'_>, http: &mut Connection) -> Poll<Event> {
        let presence = self.enrolment.presence();
        let arrived = || self.arrived.load(Ordering::Relaxed);
        if let Poll::Ready(interrupt) = presence.poll_interrupt(self.enrolment.limits(), context, arrived) {
            return Poll::Ready(Event::Interrupted(interrupt));
        }
        if presence.take_nudge() {
            return Poll::Ready(Event::Nudged);
        }
        http.poll_accept_request_stream(context).map(|accepted| match accepted {
            Ok(Some(stream)) => Event::Request(stream),
            Ok(None) => Event::Gone,
            Err(error) => {
                if !error.is_h3_no_error() {
                    self.worker.remarks.make(self.peer, format_args!("HTTP/3 ended: {error}"));
                }
                Event::Gone
            }
        })
    }

    /// Has a request answered on a task of its own.
    fn take_up(self: &Rc<Self>, http: &mut Connection, mut stream: RequestStream) {
        let Some(answer) = stream.take_answer() else { return };
        let resolver = http.create_resolver(h3::frame::FrameStream::new(BufRecvStream::new(stream)));
        let place = Place::enter(Rc::clone(self), Stage::Head);
        spawn_local(exchange::serve(resolver, answer, place));
    }

    /// Content and heads that have arrived, in bytes.
    pub(super) fn arrived(&self) -> &Arc<AtomicU64> {
        &self.arrived
    }

    /// Counts what is sent.
    pub(super) fn meter(&self) -> &Meter {
        self.enrolment.meter()
    }

    /// Lets QUIC hold as much as the path takes in two round trips; returns how much that is, in bytes.
    pub(super) fn widen_window(&self) -> u64 {
        let wanted = (self.connection.stats().path.cwnd * 2).clamp(SEND_WINDOW_BYTES, MOST_SEND_WINDOW_BYTES);
        if wanted > self.send_window.get() {
            self.send_window.set(wanted);
            self.connection.set_send_window(wanted);
        }
        self.send_window.get()
    }

    /// Says whether an answer waits to be acknowledged.
    pub(super) fn await_acknowledgement(&self, awaits: Awaits) {
        let before = self.unacknowledged.get();
        match awaits {
            Awaits::Some => self.unacknowledged.set(before + 1),
            Awaits::None => self.unacknowledged.set(before.saturating_sub(1)),
        }
        match (before, self.unacknowledged.get()) {
            (0, 1) => self.enrolment.await_acknowledgements(Awaits::Some),
            (1, 0) => self.enrolment.await_acknowledgements(Awaits::None),
            (_, _) => {}
        }
    }

    /// Has the roster judge the connection by the request that can be judged.
    fn tell_phase(&self) {
        let [heads, fetching, transfers] = self.stages.0.each_ref().map(Cell::get);
        let presence = self.enrolment.presence();
        let phase = match (transfers, fetching, heads) {
            (0, 0, 0) => Phase::Idle,
            (0, 0, _) => Phase::Head,
            (0, _, _) => Phase::Fetching,
            (_, _, _) => Phase::Transfer,
        };
        presence.wait(phase, || self.arrived.load(Ordering::Relaxed));
    }
}

impl Stages {
    fn count(&self) -> usize {
        self.0.iter().map(Cell::get).sum()
    }

    fn of(&self, stage: Stage) -> &Cell<usize> {
        &self.0[stage as usize]
    }
}

impl Place {
    fn enter(conversation: Rc<Conversation>, stage: Stage) -> Place {
        let counted = conversation.stages.of(stage);
        counted.set(counted.get() + 1);
        conversation.tell_phase();
        Place { conversation, stage: Cell::new(stage) }
    }

    /// The connection that the request came on.
    pub(super) fn conversation(&self) -> &Rc<Conversation> {
        &self.conversation
    }

    /// Goes on to a stage.
    pub(super) fn proceed(&self, stage: Stage) {
        let before = self.stage.replace(stage);
        if before != stage {
            let stages = &self.conversation.stages;
            stages.of(before).set(stages.of(before).get() - 1);
            stages.of(stage).set(stages.of(stage).get() + 1);
            self.conversation.tell_phase();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.conversation.worker.meter.panicked();
        }
        let counted = self.conversation.stages.of(self.stage.get());
        counted.set(counted.get() - 1);
        self.conversation.tell_phase();
        self.conversation.ended.notify_waiters();
    }
}
