//! A connection's socket as the frames see it: an `AsyncRead` and `AsyncWrite` that coalesces what many streams write, knows
//! whose bytes it carries, and is bounded in time by the roster.

use std::cell::{Cell, RefCell};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Semaphore;

use super::deliveries::Deliveries;
use super::exchange::Gone;
use super::frames::Kind;
use super::line::{IncomingEnd, Line, Start, Taken};
use crate::census::Protocol;
use crate::connection::buffers::Input;
use crate::connection::departures::Farewell;
use crate::connection::presence::{Awaits, Interrupt, Phase};
use crate::connection::receipts::{self, Receipts};
use crate::connection::socket::{End, Socket};
use crate::worker::Worker;

/// How much content all streams together may have handed over to be framed and sent, in bytes: what keeps a fast client's
/// connection busy, whether by one stream or by all. A client that takes nothing costs no more.
const MAX_HELD_BYTES: usize = 256 * 1024;

/// What a connection's tasks share.
pub(super) struct Link {
    pub(super) worker: Rc<Worker>,
    pub(super) deliveries: RefCell<Deliveries>,
    /// Bytes of content that streams may still hand over.
    room: Semaphore,
    /// Nothing once it is closed.
    line: RefCell<Option<Line>>,
    /// Whether the client has begun as it must.
    is_open: Cell<bool>,
    /// Why the roster gave the client up, if it did.
    interrupt: Cell<Option<Interrupt>>,
    /// How many requests are being answered.
    answering: Cell<usize>,
}

/// What `h2` reads from and writes to.
pub(super) struct Wire(pub(super) Rc<Link>);

impl Link {
    /// A link over `socket`, from which `input` was read already.
    pub(super) fn new(socket: Socket, input: Input, worker: Rc<Worker>) -> Link {
        Link {
            worker,
            deliveries: RefCell::default(),
            room: Semaphore::new(MAX_HELD_BYTES),
            line: RefCell::new(Some(Line::new(socket, input))),
            is_open: Cell::new(false),
            interrupt: Cell::new(None),
            answering: Cell::new(0),
        }
    }

    /// Says that the client has begun as it must.
    pub(super) fn open(&self) {
        self.is_open.set(true);
    }

    /// Why the roster has given the client up, if it has.
    pub(super) fn interrupt(&self) -> Option<Interrupt> {
        self.interrupt.get()
    }

    /// Says that a request has come, which is being answered until the returned value is dropped.
    pub(super) fn answer(self: &Rc<Self>) -> Answering {
        if let Some(line) = &*self.line.borrow() {
            line.socket.presence().answer();
        }
        self.answering.set(self.answering.get() + 1);
        Answering(Rc::clone(self))
    }

    /// Ready when everything that was written has been sent.
    pub(super) fn poll_sent(&self, context: &mut Context<'_>) -> Poll<Result<(), End>> {
        match &mut *self.line.borrow_mut() {
            Some(line) => line.poll_flush(context, &self.worker.buffers),
            None => Poll::Ready(Err(End::Gone)),
        }
    }

    /// Says what the connection waits for, now that it has nothing to do.
    pub(super) fn rest(&self) {
        let line = self.line.borrow();
        let Some(line) = &*line else { return };
        let deliveries = self.deliveries.borrow();
        let presence = line.socket.presence();
        let is_sending = deliveries.are_unfinished() || line.unsent() > 0;
        let phase = match (is_sending, self.answering.get()) {
            (true, _) => Phase::Transfer,
            (false, 1..) => Phase::Fetching,
            (false, 0) => Phase::Idle,
        };
        if !deliveries.are_done() {
            line.socket.await_acknowledgements(Awaits::Some);
        }
        match (phase, presence.phase()) {
            (phase, now) if phase == now => {}
            (Phase::Idle, Phase::Fresh) => {}
            (Phase::Transfer, _) => presence.begin_transfer(Phase::Transfer, line.socket.arrived()),
            (phase, _) => presence.enter(phase),
        }
    }

    /// Takes room for so much content of a stream, if there is some at once.
    pub(super) fn hold_at_once(&self, stream: u32, length: usize) -> bool {
        let Ok(room) = self.room.try_acquire_many(length as u32) else { return false };
        room.forget();
        self.hold(stream, length).is_ok()
    }

    /// Takes room for so much content of a stream, a small part of all there is, when there is some.
    pub(super) async fn hold_when_possible(&self, stream: u32, length: usize) -> Result<(), Gone> {
        // It fails when the connection has ended.
        self.room.acquire_many(length as u32).await.map_err(|_| Gone)?.forget();
        self.hold(stream, length)
    }

    /// Gives back room that was taken and is not needed.
    pub(super) fn give_back(&self, stream: u32, length: usize) {
        let freed = self.deliveries.borrow_mut().take_back(stream, length);
        self.room.add_permits(freed);
    }

    fn hold(&self, stream: u32, length: usize) -> Result<(), Gone> {
        if self.deliveries.borrow_mut().hand(stream, length) {
            return Ok(());
        }
        self.room.add_permits(length);
        Err(Gone)
    }

    /// Gives up what of a stream's answer has not arrived.
    pub(super) fn abort(&self, stream: u32) {
        if let Some(line) = &*self.line.borrow() {
            let mut deliveries = self.deliveries.borrow_mut();
            deliveries.settle(line.socket.acknowledged());
            self.room.add_permits(deliveries.abort(stream));
        }
    }

    /// Waits until what was sent has arrived or the client is given up, and closes. What is still to be written for streams
    /// that are left is given up.
    pub(super) async fn close(&self, farewell: Farewell) {
        let Some(mut line) = self.line.take() else { return };
        self.room.close();
        let mut deliveries = self.deliveries.take();
        deliveries.settle(line.socket.acknowledged());
        // Whoever is given up because nothing more was asked for still gets what is on its way.
        line.socket.presence().begin_closing(line.socket.arrived());
        while !deliveries.are_done() && !deliveries.are_unfinished() {
            line.socket.await_acknowledgements(Awaits::Some);
            line.input.clear();
            let arrival = line.socket.receive(&mut line.input, &self.worker.buffers).await;
            deliveries.settle(line.socket.acknowledged());
            if arrival.is_err() {
                break;
            }
        }
        drop(deliveries);
        line.input.clear();
        line.input.release(&self.worker.buffers);
        // A client that does not take this either is seen off like one that does.
        let _ = line.socket.say_end().await;
        let nothing = Receipts::new(Rc::clone(&self.worker.recipients), Protocol::Http2);
        if let Ok(departing) = line.socket.depart(nothing, farewell) {
            self.worker.farewells.see_off(departing);
        }
    }

    /// Closes at once.
    pub(super) fn break_off(&self) {
        if let Some(line) = self.line.take() {
            self.room.close();
            self.deliveries.take().settle(line.socket.acknowledged());
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let shared = &*self.0;
        let mut line = shared.line.borrow_mut();
        let Some(line) = &mut *line else { return Poll::Ready(Ok(())) };
        let deliveries = &mut *shared.deliveries.borrow_mut();
        if line.socket.presence().take_nudge() {
            line.look(deliveries);
            // The numbers of answers that take long to arrive must not be lost with the process.
            deliveries.announce_all();
        }
        if line.input.is_empty() {
            match line.socket.poll_receive(context, &mut line.input, &shared.worker.buffers) {
                // Who only ends its own side still gets what it has asked for.
                Poll::Ready(Ok(0)) if line.incoming_end == IncomingEnd::Open => {
                    line.incoming_end = IncomingEnd::Seen;
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Poll::Ready(Ok(0)) if deliveries.are_done() && shared.answering.get() == 0 => {
                    return Poll::Ready(Ok(()));
                }
                Poll::Ready(Ok(0)) => return Poll::Pending,
                Poll::Ready(Ok(taken)) => line.input.extend(taken),
                Poll::Ready(Err(end)) => return shared.poll_end(end),
                Poll::Pending => {
                    line.input.release(&shared.worker.buffers);
                    return Poll::Pending;
                }
            }
            let is_due = receipts::are_due(deliveries.under_way(), line.looked);
            if is_due {
                line.look(deliveries);
            }
        }
        let taken = line.input.bytes().len().min(buffer.remaining());
        let bytes = &line.input.bytes()[..taken];
        let (start, flood, socket) = (&mut line.start_of_client, &mut line.flood, &line.socket);
        line.incoming.follow(bytes, |frame, _| {
            start.note(frame);
            flood.note(frame);
            if frame.kind == Kind::Reset {
                deliveries.settle(socket.acknowledged());
                shared.room.add_permits(deliveries.abort(frame.stream));
            }
        });
        if *start == Start::Wrong {
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        if line.flood.is_one() {
            return shared.poll_end(End::Interrupted(Interrupt::Flood));
        }
        buffer.put_slice(bytes);
        line.input.consume(taken);
        Poll::Ready(Ok(()))
    }
}

impl Link {
    /// What `h2` is told of the connection's end.
    fn poll_end(&self, end: End) -> Poll<io::Result<()>> {
        match end {
            End::Finished => Poll::Ready(Ok(())),
            End::Gone => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            End::Interrupted(interrupt) => {
                if self.interrupt.replace(Some(interrupt)).is_none() {
                    self.worker.meter.gave_up(interrupt);
                }
                if interrupt == Interrupt::Idle && self.is_open.get() {
                    // Whoever polls the connection says so to the client.
                    return Poll::Pending;
                }
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut line = self.0.line.borrow_mut();
        let Some(line) = &mut *line else { return Poll::Ready(Err(io::ErrorKind::NotConnected.into())) };
        let pool = &self.0.worker.buffers;
        let deliveries = &mut *self.0.deliveries.borrow_mut();
        let taken = ready!(line.poll_take(context, pieces, deliveries, pool));
        let Taken { written, of_content } = taken.map_err(error_of)?;
        self.0.room.add_permits(of_content);
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// What many streams write between two waits leaves together, by [`Link::poll_sent`].
    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.0.is_open.get() { Poll::Ready(Ok(())) } else { self.0.poll_sent(context).map_err(error_of) }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The link closes when everything has arrived.
        self.0.poll_sent(context).map_err(error_of)
    }
}

fn error_of(end: End) -> io::Error {
    match end {
        End::Finished | End::Gone => io::ErrorKind::ConnectionReset.into(),
        End::Interrupted(_) => io::ErrorKind::TimedOut.into(),
    }
}

/// Held by a request that is being answered.
pub(super) struct Answering(Rc<Link>);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.answering.set(self.0.answering.get() - 1);
    }
}
