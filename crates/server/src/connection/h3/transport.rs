//! QUIC as HTTP/3 sees it (RFC 9114 §2): the traits of `h3`, by `quinn`.
//!
//! The answering side of a request's stream is not `h3`'s: whoever accepts a stream takes that side out of it, to send files
//! without a copy and to learn what of them has arrived.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use futures_util::Stream;
use futures_util::stream::unfold;
use h3::error::Code;
use h3::quic::{self, ConnectionErrorIncoming, StreamErrorIncoming, StreamId, WriteBuf};
use quinn::{ConnectionError, ReadError, RecvStream, SendStream, VarInt, WriteError};

/// Streams that the client opens, one after the other.
type Opened<T> = Pin<Box<dyn Stream<Item = Result<T, ConnectionError>>>>;

/// A connection.
pub(super) struct Transport {
    connection: quinn::Connection,
    requests: Opened<(SendStream, RecvStream)>,
    others: Opened<RecvStream>,
}

/// A request's stream.
pub(super) struct RequestStream {
    request: Incoming,
    answer: Option<SendStream>,
    id: StreamId,
}

/// A direction from the client to us.
pub(super) struct Incoming(RecvStream);

/// A direction from us to the client, for `h3` to write to.
pub(super) struct Outgoing {
    stream: SendStream,
    writing: Option<WriteBuf<Bytes>>,
}

impl Transport {
    pub(super) fn new(connection: quinn::Connection) -> Transport {
        let requests =
            unfold(connection.clone(), async |connection| Some((connection.accept_bi().await, connection)));
        let others =
            unfold(connection.clone(), async |connection| Some((connection.accept_uni().await, connection)));
        Transport { connection, requests: Box::pin(requests), others: Box::pin(others) }
    }
}

impl RequestStream {
    /// Takes the side that the answer is sent on; there is one until it is taken.
    pub(super) fn take_answer(&mut self) -> Option<SendStream> {
        self.answer.take()
    }

    /// Says that nothing was done for this request (RFC 9114 §4.1.1).
    pub(super) fn reject(&mut self) {
        let code = Code::H3_REQUEST_REJECTED.value();
        quic::RecvStream::stop_sending(self, code);
        quic::SendStream::reset(self, code);
    }
}

impl quic::Connection<Bytes> for Transport {
    type RecvStream = Incoming;
    type OpenStreams = Transport;

    fn poll_accept_bidi(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<RequestStream, ConnectionErrorIncoming>> {
        let (answer, request) = ready!(poll_next(&mut self.requests, context))?;
        let id = id_of(answer.id());
        Poll::Ready(Ok(RequestStream { request: Incoming(request), answer: Some(answer), id }))
    }

    fn poll_accept_recv(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Incoming, ConnectionErrorIncoming>> {
        poll_next(&mut self.others, context).map_ok(Incoming)
    }

    fn opener(&self) -> Transport {
        Transport::new(self.connection.clone())
    }
}

impl quic::OpenStreams<Bytes> for Transport {
    type BidiStream = RequestStream;
    type SendStream = Outgoing;

    /// A server opens none (RFC 9114 §6.1).
    fn poll_open_bidi(&mut self, _: &mut Context<'_>) -> Poll<Result<RequestStream, StreamErrorIncoming>> {
        Poll::Ready(Err(of_connection(ConnectionErrorIncoming::InternalError(
            "a server asks nothing".into(),
        ))))
    }

    fn poll_open_send(&mut self, context: &mut Context<'_>) -> Poll<Result<Outgoing, StreamErrorIncoming>> {
        // A client that does not allow the few streams that HTTP/3 needs has none to wait for.
        match pin!(self.connection.open_uni()).poll(context) {
            Poll::Ready(Ok(stream)) => Poll::Ready(Ok(Outgoing { stream, writing: None })),
            Poll::Ready(Err(error)) => Poll::Ready(Err(of_connection(lost(error)))),
            Poll::Pending => Poll::Ready(Err(of_connection(ConnectionErrorIncoming::InternalError(
                "the client allows too few streams".into(),
            )))),
        }
    }

    fn close(&mut self, code: Code, reason: &[u8]) {
        self.connection.close(wire(code.value()), reason);
    }
}

impl quic::SendStream<Bytes> for Outgoing {
    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), StreamErrorIncoming>> {
        while let Some(bytes) = &mut self.writing
            && bytes.has_remaining()
        {
            let written =
                ready!(Pin::new(&mut self.stream).poll_write(context, bytes.chunk())).map_err(|error| {
                    match error {
                        WriteError::Stopped(code) => {
                            StreamErrorIncoming::StreamTerminated { error_code: code.into_inner() }
                        }
                        WriteError::ConnectionLost(error) => of_connection(lost(error)),
                        error @ (WriteError::ClosedStream | WriteError::ZeroRttRejected) => {
                            StreamErrorIncoming::Unknown(Box::new(error))
                        }
                    }
                })?;
            bytes.advance(written);
        }
        self.writing = None;
        Poll::Ready(Ok(()))
    }

    fn send_data<T: Into<WriteBuf<Bytes>>>(&mut self, data: T) -> Result<(), StreamErrorIncoming> {
        self.writing = Some(data.into());
        Ok(())
    }

    fn poll_finish(&mut self, _: &mut Context<'_>) -> Poll<Result<(), StreamErrorIncoming>> {
        // A stream that has ended already has nothing to be told.
        let _ = self.stream.finish();
        Poll::Ready(Ok(()))
    }

    fn reset(&mut self, code: u64) {
        // As above.
        let _ = self.stream.reset(wire(code));
    }

    fn send_id(&self) -> StreamId {
        id_of(self.stream.id())
    }
}

impl quic::RecvStream for Incoming {
    type Buf = Bytes;

    fn poll_data(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Bytes>, StreamErrorIncoming>> {
        let chunk = ready!(pin!(self.0.read_chunk(usize::MAX, true)).poll(context));
        Poll::Ready(match chunk {
            Ok(chunk) => Ok(chunk.map(|chunk| chunk.bytes)),
            Err(ReadError::Reset(code)) => {
                Err(StreamErrorIncoming::StreamTerminated { error_code: code.into_inner() })
            }
            Err(ReadError::ConnectionLost(error)) => Err(of_connection(lost(error))),
            Err(
                error
                @ (ReadError::ClosedStream | ReadError::IllegalOrderedRead | ReadError::ZeroRttRejected),
            ) => Err(StreamErrorIncoming::Unknown(Box::new(error))),
        })
    }

    fn stop_sending(&mut self, code: u64) {
        // A stream that has ended needs not be stopped.
        let _ = self.0.stop(wire(code));
    }

    fn recv_id(&self) -> StreamId {
        id_of(self.0.id())
    }
}

impl quic::RecvStream for RequestStream {
    type Buf = Bytes;

    fn poll_data(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Bytes>, StreamErrorIncoming>> {
        self.request.poll_data(context)
    }

    fn stop_sending(&mut self, code: u64) {
        self.request.stop_sending(code);
    }

    fn recv_id(&self) -> StreamId {
        self.id
    }
}

/// What `h3` says on a request's stream by itself: only that it does not want it.
impl quic::SendStream<Bytes> for RequestStream {
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), StreamErrorIncoming>> {
        Poll::Ready(Ok(()))
    }

    fn send_data<T: Into<WriteBuf<Bytes>>>(&mut self, _: T) -> Result<(), StreamErrorIncoming> {
        Ok(())
    }

    fn poll_finish(&mut self, _: &mut Context<'_>) -> Poll<Result<(), StreamErrorIncoming>> {
        Poll::Ready(Ok(()))
    }

    fn reset(&mut self, code: u64) {
        if let Some(answer) = &mut self.answer {
            // A stream that has ended need not be reset.
            let _ = answer.reset(wire(code));
        }
    }

    fn send_id(&self) -> StreamId {
        self.id
    }
}

fn poll_next<T>(
    opened: &mut Opened<T>,
    context: &mut Context<'_>,
) -> Poll<Result<T, ConnectionErrorIncoming>> {
    match ready!(opened.as_mut().poll_next(context)) {
        Some(opened) => Poll::Ready(opened.map_err(lost)),
        // It goes on for ever; this is for the type.
        None => Poll::Pending,
    }
}

fn lost(error: ConnectionError) -> ConnectionErrorIncoming {
    match error {
        ConnectionError::ApplicationClosed(close) => {
            ConnectionErrorIncoming::ApplicationClose { error_code: close.error_code.into_inner() }
        }
        ConnectionError::TimedOut => ConnectionErrorIncoming::Timeout,
        ConnectionError::VersionMismatch
        | ConnectionError::TransportError(_)
        | ConnectionError::ConnectionClosed(_)
        | ConnectionError::Reset
        | ConnectionError::LocallyClosed
        | ConnectionError::CidsExhausted => ConnectionErrorIncoming::Undefined(Arc::new(error)),
    }
}

fn of_connection(connection_error: ConnectionErrorIncoming) -> StreamErrorIncoming {
    StreamErrorIncoming::ConnectionErrorIncoming { connection_error }
}

/// A code as it is sent; those of HTTP/3 fit.
pub(super) fn wire(code: u64) -> VarInt {
    VarInt::from_u64(code).unwrap_or(VarInt::MAX)
}

fn id_of(id: quinn::StreamId) -> StreamId {
    StreamId::try_from(u64::from(id)).expect("QUIC's own numbers are those of streams")
}
