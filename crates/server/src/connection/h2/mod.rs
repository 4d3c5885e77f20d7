//! HTTP/2 on a connection (RFC 9113): by the `h2` crate, with the same answers and the same tally as HTTP/1.1.
//!
//! An answer's head is written once, as in HTTP/1.1, and sent in the form of this version. What of each stream has arrived is
//! worked out from the frames (`deliveries`), and what many streams write leaves together (`link`).

mod content;
mod deliveries;
mod exchange;
mod flood;
mod frames;
mod gathered;
mod line;
mod link;
mod payload;
mod request;
mod unread;

use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll};

use h2::server::{Builder, Connection, SendResponse};
use h2::{Reason, RecvStream};
use http::Request;
use tallyd_http::h1::head::MAX_HEAD_BYTES;
use tokio::task::spawn_local;

use self::exchange::{Exchange, Gone};
use self::link::{Link, Wire};
use self::payload::Payload;
use super::buffers::{Input, Scheme};
use super::departures::Farewell;
use super::presence::Interrupt;
use super::socket::Socket;
use crate::access_log::Peer;
use crate::worker::{Departure, Worker};

pub(crate) use self::frames::PREFACE;

/// What a client and a server agree on under TLS (RFC 9113 §3.2).
pub(crate) const ALPN: &[u8] = b"h2";

/// How many requests a client may have under way on a connection: what RFC 9113 §6.5.2 asks for at least, and some.
const MAX_STREAMS: u32 = 128;

/// How much of one stream's content is held beyond what is on its way, in bytes.
const MAX_HELD_BYTES: usize = 128 * 1024;

/// How many streams that a client has reset are remembered or wait to be accepted, before it counts as an attack
/// (CVE-2023-44487).
const MAX_RESETS: usize = 32;

/// A request that has come, and the way for its answer.
type Asked = (Request<RecvStream>, SendResponse<Payload>);

/// Serves one client until either side is done; `input` is what was read of it already, from the preface on.
pub(crate) async fn serve(socket: Socket, input: Input, peer: Peer, scheme: Scheme, worker: Rc<Worker>) {
    let _departure = Departure::new(&worker);
    let link = Rc::new(Link::new(socket, input, worker));
    converse(&link, peer, scheme).await;
    if let Some(interrupt) = link.interrupt() {
        link.worker.remark_interrupt(peer, interrupt);
    }
    match link.interrupt() {
        None | Some(Interrupt::Idle) => link.close(Farewell::AtOnce).await,
        Some(Interrupt::SlowHead | Interrupt::SlowTransfer | Interrupt::Ending | Interrupt::Flood) => {
            link.break_off();
        }
    }
}

async fn converse(link: &Rc<Link>, peer: Peer, scheme: Scheme) {
    // It fails where the client does not begin as it must, or is given up.
    let mut connection = match builder().handshake::<_, Payload>(Wire(Rc::clone(link))).await {
        Ok(connection) => connection,
        Err(error) => return remark(link, peer, &error),
    };
    link.open();
    let mut is_ending = false;
    while let Some(asked) = poll_fn(|context| poll_next(link, &mut connection, &mut is_ending, context)).await
    {
        match asked {
            Ok((request, respond)) => begin(link, peer, scheme, request, respond),
            Err(error) => return remark(link, peer, &error),
        }
    }
}

/// Remarks on an error of the client; that it went away is none.
fn remark(link: &Link, peer: Peer, error: &h2::Error) {
    if !error.is_io() {
        link.worker.remarks.make(peer, format_args!("HTTP/2 ended: {error}"));
    }
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEAD_BYTES as u32)
        .max_send_buffer_size(MAX_HELD_BYTES)
        .max_concurrent_reset_streams(MAX_RESETS)
        .max_pending_accept_reset_streams(MAX_RESETS)
        .max_local_error_reset_streams(Some(MAX_RESETS));
    builder
}

/// Ready with the next request, or why there is none, or with nothing when there will be none.
fn poll_next(
    link: &Rc<Link>,
    connection: &mut Connection<Wire, Payload>,
    is_ending: &mut bool,
    context: &mut Context<'_>,
) -> Poll<Option<Result<Asked, h2::Error>>> {
    loop {
        match connection.poll_accept(context) {
            Poll::Ready(asked) => return Poll::Ready(asked),
            Poll::Pending => {}
        }
        if let Poll::Ready(Err(_)) = link.poll_sent(context) {
            return Poll::Ready(None);
        }
        let is_idle = link.interrupt() == Some(Interrupt::Idle);
        if *is_ending || !(is_idle || link.worker.is_draining()) {
            link.rest();
            return Poll::Pending;
        }
        *is_ending = true;
        if is_idle {
            connection.abrupt_shutdown(Reason::NO_ERROR);
        } else {
            connection.graceful_shutdown();
        }
    }
}

/// Answers a request, at once if nothing has to be waited for.
fn begin(
    link: &Rc<Link>,
    peer: Peer,
    scheme: Scheme,
    request: Request<RecvStream>,
    respond: SendResponse<Payload>,
) {
    let (parts, content) = request.into_parts();
    unread::pass_over(content);
    let mut exchange = Exchange::new(Rc::clone(link), peer, scheme, parts, respond);
    match exchange.advance() {
        Ok(None) => {}
        Ok(Some(step)) => {
            spawn_local(exchange.go_on(step));
        }
        Err(Gone) => exchange.abort(),
    }
}
