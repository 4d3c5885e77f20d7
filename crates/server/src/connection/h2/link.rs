//! What a connection's tasks share: the one that reads its client's frames, and those of the streams whose answers wait.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use tallyd_http::h1::written::WrittenHead;
use tallyd_http::h2::answer::Followed;
use tallyd_http::h2::conversation::Conversation;
use tallyd_http::h2::field_section::FieldSection;
use tallyd_http::h2::frame::ErrorCode;
use tokio::sync::Semaphore;

use super::exchange::Gone;
use super::patience::Expected;
use super::wire::{Ending, Met, Received, Turn, Wire};
use super::writers::{Awaited, Writers};
use crate::access_log::Peer;
use crate::connection::buffers::{Input, Scheme};
use crate::connection::departures::Farewell;
use crate::connection::presence::Interrupt;
use crate::connection::receipts::Receipts;
use crate::connection::socket::{End, Socket};
use crate::worker::Worker;

/// How much content of all streams together may be written and not sent, in bytes: what keeps a fast client's connection
/// busy, whether by one stream or by all. A client that takes nothing costs no more.
const MAX_HELD_BYTES: usize = 256 * 1024;

/// What a connection's tasks share.
pub(super) struct Link {
    pub(super) worker: Rc<Worker>,
    pub(super) peer: Peer,
    pub(super) scheme: Scheme,
    /// Nothing once it is closed.
    pub(super) wire: RefCell<Option<Wire>>,
    /// Bytes of content that streams may still write.
    room: Semaphore,
    /// The task that reads frames and sends what is written.
    reader: RefCell<Option<Waker>>,
    writers: Writers,
    /// Requests whose content is still to come, in the order in which they came, and whether a task waits for it.
    pub(super) expected: RefCell<VecDeque<Expected>>,
    pub(super) is_expecting: Cell<bool>,
    /// How many requests are being answered.
    answering: Cell<usize>,
}

impl Link {
    /// A link over `socket`, from which `input` was read already.
    pub(super) fn new(socket: Socket, input: Input, peer: Peer, scheme: Scheme, worker: Rc<Worker>) -> Link {
        Link {
            wire: RefCell::new(Some(Wire::new(socket, input, &worker))),
            worker,
            peer,
            scheme,
            room: Semaphore::new(MAX_HELD_BYTES),
            reader: RefCell::default(),
            writers: Writers::default(),
            expected: RefCell::default(),
            is_expecting: Cell::new(false),
            answering: Cell::new(0),
        }
    }

    /// Ready with what comes next.
    pub(super) fn poll_turn(&self, context: &mut Context<'_>) -> Poll<Turn> {
        let mut wire = self.wire.borrow_mut();
        let Some(wire) = &mut *wire else { return Poll::Ready(Turn::Ended(Ending::Broken)) };
        self.watch(context);
        loop {
            match wire.take_frames(&self.worker) {
                Met::Request(stream, expected) => return Poll::Ready(Turn::Request(stream, expected)),
                Met::Stirred(stream) => self.writers.stir(stream),
                Met::StirredAll => self.writers.stir_all(),
                Met::Fault(fault) => {
                    let remark = format_args!("HTTP/2 ended: {}", fault.reproach);
                    self.worker.remarks.make(self.peer, remark);
                    wire.say_end(fault.code, &self.worker);
                    return Poll::Ready(Turn::Ended(Ending::Said(Farewell::Linger)));
                }
                Met::Flood => return self.end(wire, End::Interrupted(Interrupt::Flood), context),
                Met::Nothing => match ready!(self.poll_more(wire, context)) {
                    Ok(Received::Input) => {}
                    Ok(Received::Everything(farewell)) => {
                        return Poll::Ready(Turn::Ended(Ending::Said(farewell)));
                    }
                    Err(end) => return self.end(wire, end, context),
                },
            }
        }
    }

    /// Sends what is written, and waits for more input.
    fn poll_more(&self, wire: &mut Wire, context: &mut Context<'_>) -> Poll<Result<Received, End>> {
        if self.worker.is_draining() && wire.is_open() {
            wire.tell(&self.worker, Conversation::leave);
        }
        if let Poll::Ready(Err(end)) = self.poll_sent(wire, context) {
            return Poll::Ready(Err(end));
        }
        if wire.conversation.is_over() && wire.line.unsent() == 0 {
            // It may still have something to say about what it has received.
            return Poll::Ready(Ok(Received::Everything(Farewell::Linger)));
        }
        let going_on = self.going_on();
        let received = wire.poll_receive(context, going_on, &self.worker);
        if received.is_pending() {
            wire.rest(going_on);
        }
        received
    }

    /// How many requests wait for something other than what their client grants.
    fn going_on(&self) -> usize {
        self.answering.get().saturating_sub(self.writers.awaiting_room())
    }

    /// Sends what is written; what it holds may be written anew.
    fn poll_sent(&self, wire: &mut Wire, context: &mut Context<'_>) -> Poll<Result<(), End>> {
        let (left, flushed) = wire.line.poll_flush(context, &self.worker.buffers);
        if left > 0 {
            self.room.add_permits(left);
        }
        flushed
    }

    fn end(&self, wire: &mut Wire, end: End, context: &mut Context<'_>) -> Poll<Turn> {
        let ending = wire.ending_of(end, self.peer, &self.worker);
        if ending == Ending::Broken {
            // What a client does not take at once, it does not get.
            let _ = self.poll_sent(wire, context);
        }
        Poll::Ready(Turn::Ended(ending))
    }

    /// Says that a request is being answered until the returned value is dropped, and takes its fields.
    pub(super) fn answer(self: &Rc<Self>) -> (Answering, FieldSection) {
        let section = self.wire.borrow_mut().as_mut().map(|wire| {
            wire.line.socket.presence().answer_another();
            wire.conversation.take_section()
        });
        self.answering.set(self.answering.get() + 1);
        (Answering(Rc::clone(self)), section.unwrap_or_default())
    }

    /// Gives the memory of a request's fields back.
    pub(super) fn give_section_back(&self, section: FieldSection) {
        if let Some(wire) = &mut *self.wire.borrow_mut() {
            wire.conversation.give_section_back(section);
        }
    }

    /// Writes the head of an answer that is promised to `receipts`.
    pub(super) fn write_head(
        &self,
        stream: u32,
        head: &WrittenHead<'_>,
        receipts: Receipts,
        followed: Followed,
    ) -> Result<(), Gone> {
        self.sendable(stream)?;
        let mut wire = self.wire.borrow_mut();
        let Some(Wire { line, conversation, deliveries, .. }) = &mut *wire else { return Err(Gone) };
        line.write(&self.worker.buffers, |out| conversation.write_head(stream, head, followed, out));
        deliveries.begin(stream, head.length, receipts);
        deliveries.note_head(stream, line.position(), followed);
        Ok(())
    }

    /// Takes room for so much content of a stream, if there is some at once, here and with the client.
    pub(super) fn hold_at_once(&self, stream: u32, length: usize) -> bool {
        let sendable = self.wire.borrow().as_ref().and_then(|wire| wire.conversation.sendable(stream));
        match self.room.try_acquire_many(length as u32) {
            Ok(room) if sendable >= Some(length) => {
                room.forget();
                true
            }
            Ok(_) | Err(_) => false,
        }
    }

    /// Takes room for some of `wanted` bytes of a stream's content, a small part of all there is, when there is some, here and
    /// with the client; returns for how many.
    pub(super) async fn hold(&self, stream: u32, wanted: usize) -> Result<usize, Gone> {
        loop {
            let wanted = wanted.min(poll_fn(|context| self.poll_sendable(stream, context)).await?);
            // It fails when the connection has ended.
            let room = self.room.acquire_many(wanted as u32).await.map_err(|_| Gone)?;
            // Others may have been faster.
            let sendable = self.sendable(stream)?.min(wanted);
            if sendable > 0 {
                room.forget();
                self.room.add_permits(wanted - sendable);
                return Ok(sendable);
            }
        }
    }

    /// Gives back room that was taken and is not needed.
    pub(super) fn give_back(&self, length: usize) {
        self.room.add_permits(length);
    }

    /// Announces an answer that does not leave at once.
    pub(super) fn announce(&self, stream: u32) {
        if let Some(wire) = &mut *self.wire.borrow_mut() {
            wire.deliveries.announce(stream);
        }
    }

    /// Says where an answer ends whose content's length was not known when it was begun.
    pub(super) fn ends_after(&self, stream: u32, content_length: u64) {
        if let Some(wire) = &mut *self.wire.borrow_mut() {
            wire.deliveries.ends_after(stream, content_length);
        }
    }

    /// Writes a frame of content for which there is room.
    pub(super) fn write_content(&self, stream: u32, content: &[u8], followed: Followed) -> Result<(), Gone> {
        let mut wire = self.wire.borrow_mut();
        let Some(wire) = &mut *wire else { return Err(Gone) };
        if wire.conversation.sendable(stream).is_none() {
            self.room.add_permits(content.len());
            return Err(Gone);
        }
        let head = wire.conversation.head_of_content(stream, content.len(), followed);
        wire.line.write_content(&head, content, &self.worker.buffers).map_err(|_| Gone)?;
        wire.deliveries.note_content(stream, content.len(), wire.line.position(), followed);
        if wire.line.is_full() {
            // What is not taken now, the reader sends; and it finds out what has failed.
            let (left, _) = wire.line.try_flush(&self.worker.buffers);
            self.room.add_permits(left);
        }
        match followed {
            Followed::ByContent => {}
            Followed::ByNothing => {
                wire.tell(&self.worker, |conversation, out| conversation.end_answer(stream, out));
            }
        }
        Ok(())
    }

    fn sendable(&self, stream: u32) -> Result<usize, Gone> {
        self.wire.borrow().as_ref().and_then(|wire| wire.conversation.sendable(stream)).ok_or(Gone)
    }

    /// Ready with how much content the client has room for.
    fn poll_sendable(&self, stream: u32, context: &mut Context<'_>) -> Poll<Result<usize, Gone>> {
        match self.sendable(stream) {
            Ok(0) => {
                self.writers.add(stream, Awaited::Room, context);
                // From now on it is the client that is waited for, or there will be no more room.
                self.wake();
                Poll::Pending
            }
            sendable => {
                self.writers.remove(stream);
                Poll::Ready(sendable)
            }
        }
    }

    /// Ready when a stream has ended.
    pub(super) fn poll_gone(&self, stream: u32, context: &mut Context<'_>) -> Poll<()> {
        match self.sendable(stream) {
            Ok(_) => {
                self.writers.add(stream, Awaited::End, context);
                Poll::Pending
            }
            Err(Gone) => Poll::Ready(()),
        }
    }

    /// Resets a stream on which there is no request.
    pub(super) fn fail(&self, stream: u32) {
        if let Some(wire) = &mut *self.wire.borrow_mut() {
            wire.fail(stream, &self.worker);
        }
    }

    /// Forgets the task of a stream that has ended. A stream whose answer has not, is reset: its client must not take what came
    /// for all there is.
    pub(super) fn forget(&self, stream: u32) {
        self.writers.remove(stream);
        let mut wire = self.wire.borrow_mut();
        if let Some(wire) = &mut *wire
            && wire.conversation.sendable(stream).is_some()
        {
            wire.tell(&self.worker, |conversation, out| {
                conversation.reset(stream, ErrorCode::Internal, out);
            });
            wire.abort(stream);
            self.wake();
        }
    }

    /// Waits no longer for the rest of a request's content.
    pub(super) fn lose_patience(&self, stream: u32) {
        if let Some(wire) = &mut *self.wire.borrow_mut() {
            wire.tell(&self.worker, |conversation, out| conversation.lose_patience(stream, out));
        }
        self.wake();
    }

    /// Notes whose task reads frames.
    fn watch(&self, context: &Context<'_>) {
        let mut reader = self.reader.borrow_mut();
        if !reader.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            *reader = Some(context.waker().clone());
        }
    }

    /// Has what other tasks have written sent.
    pub(super) fn wake(&self) {
        if let Some(reader) = &*self.reader.borrow() {
            reader.wake_by_ref();
        }
    }

    /// Takes what is to be closed; those who wait for it are told.
    pub(super) fn take_wire(&self) -> Option<Wire> {
        let wire = self.wire.take();
        self.room.close();
        self.expected.take();
        self.writers.stir_all();
        wire
    }
}

/// Held by a request that is being answered.
pub(super) struct Answering(Rc<Link>);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.answering.set(self.0.answering.get() - 1);
    }
}
