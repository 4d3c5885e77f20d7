//! Connections with TLS: the handshake, and then the conversation that it has agreed on.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use rustls::{Error, ServerConfig};
use tallyd_http::h1::persistence::Persistence;
use tallyd_http::refusal::Refusal;
use tokio::task::spawn_local;

use super::answer::refuse;
use super::buffers::{Input, Output, Scheme};
use super::departures::{Farewell, Undelivered};
use super::receipts::Receipts;
use super::socket::{Arrival, End, Failure, Socket};
use super::{h1, h2};
use crate::access_log::{Asked, Peer};
use crate::census::{Handshake, Protocol};
use crate::tls::certificates::ACME_TLS_ALPN;
use crate::worker::Worker;

/// What every handshake begins with: the type of its record (RFC 8446 §5.1).
const HANDSHAKE_RECORD: u8 = 22;

/// What a client's first bytes are.
enum Opening {
    /// Of a handshake, as far as can be seen.
    Handshake,
    /// Of HTTP without TLS: every method begins with a letter.
    PlainHttp,
    /// Of something else.
    Unknown,
}

/// Serves one client until either side is done.
pub(crate) async fn serve(mut socket: Socket, peer: Peer, worker: Rc<Worker>, config: Arc<ServerConfig>) {
    let outcome = shake_hands(&mut socket, &worker, config).await;
    match outcome {
        Ok(()) => {
            let handshake = if socket.is_resumed() { Handshake::Resumed } else { Handshake::Full };
            worker.meter.shook_hands(handshake);
            match socket.protocol() {
                // The handshake was all that the authority came for (RFC 8737 §6.2).
                Some(ACME_TLS_ALPN) => part(socket, peer, &worker).await,
                Some(h2::ALPN) => {
                    spawn_local(h2::serve(socket, Input::default(), peer, Scheme::Https, worker));
                }
                Some(_) | None => {
                    // A task of its own: the handshake is no part of the conversation.
                    spawn_local(h1::serve(socket, peer, Scheme::Https, worker));
                }
            }
        }
        Err(Unsecured::PlainHttp(input)) => {
            worker.meter.shook_hands(Handshake::PlainHttp);
            worker.remarks.make(peer, format_args!("no handshake: it speaks HTTP without TLS"));
            explain(socket, peer, &worker, &input);
        }
        Err(Unsecured::Not(handshake, reason)) => {
            worker.meter.shook_hands(handshake);
            worker.remarks.make(peer, format_args!("no handshake: {reason}"));
        }
    }
}

/// Ends a connection on which nothing was said.
async fn part(mut socket: Socket, peer: Peer, worker: &Rc<Worker>) {
    let receipts = Receipts::new(Rc::clone(&worker.recipients), Protocol::Http1);
    let output = Output::new(peer, Scheme::Https, receipts);
    if socket.say_end().await.is_ok()
        && let Ok(departing) = socket.depart(Undelivered::InOrder(output.receipts), Farewell::AtOnce)
    {
        worker.farewells.see_off(departing);
    }
}

/// Why a connection has no session.
enum Unsecured {
    /// Its client speaks HTTP without TLS, and has said this.
    PlainHttp(Input),
    Not(Handshake, Unfinished),
}

/// Why a handshake came to nothing.
enum Unfinished {
    /// It was none.
    Unknown,
    /// Its client has gone.
    Gone,
    /// Its client is not waited for any longer.
    GivenUp,
    /// It cannot be completed.
    Refused(Error),
}

impl fmt::Display for Unfinished {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unfinished::Unknown => formatter.write_str("what it says is no beginning of one"),
            Unfinished::Gone => formatter.write_str("it went away"),
            Unfinished::GivenUp => formatter.write_str("it was not completed in time"),
            Unfinished::Refused(error) => error.fmt(formatter),
        }
    }
}

async fn shake_hands(
    socket: &mut Socket,
    worker: &Worker,
    config: Arc<ServerConfig>,
) -> Result<(), Unsecured> {
    let mut input = Input::default();
    // Nothing is allocated for a client that only connects.
    while input.is_empty() {
        match socket.receive(&mut input, &worker.buffers).await {
            Ok(Arrival::Input | Arrival::Nudge) => {}
            Err(end) => return Err(given_up(end, worker)),
        }
    }
    match opening(input.bytes()) {
        Opening::Handshake => {}
        Opening::PlainHttp => return Err(Unsecured::PlainHttp(input)),
        Opening::Unknown => return Err(Unsecured::Not(Handshake::Malformed, Unfinished::Unknown)),
    }
    let begun = socket.begin_handshake(config, input.bytes());
    // A client that stops here holds a session, and no buffer.
    input.clear();
    input.release(&worker.buffers);
    let outcome = match begun {
        // What a handshake needs while it goes on need not be part of the conversation that follows.
        Ok(()) => Box::pin(socket.complete_handshake()).await,
        Err(failure) => Err(failure),
    };
    outcome.map_err(|failure| match failure {
        Failure::End(end) => given_up(end, worker),
        Failure::Refused(error) => Unsecured::Not(kind_of(&error), Unfinished::Refused(error)),
    })
}

fn given_up(end: End, worker: &Worker) -> Unsecured {
    let reason = match end {
        End::Interrupted(interrupt) => {
            worker.meter.gave_up(interrupt);
            Unfinished::GivenUp
        }
        End::Finished | End::Cut | End::Gone => Unfinished::Gone,
    };
    Unsecured::Not(Handshake::Abandoned, reason)
}

fn opening(bytes: &[u8]) -> Opening {
    match bytes.first() {
        Some(&HANDSHAKE_RECORD) => Opening::Handshake,
        Some(byte) if byte.is_ascii_alphabetic() => Opening::PlainHttp,
        Some(_) | None => Opening::Unknown,
    }
}

/// Whose doing a failed handshake is.
fn kind_of(error: &Error) -> Handshake {
    match error {
        // The client does not want to go on, for instance because it does not trust the certificate.
        Error::AlertReceived(_) => Handshake::Abandoned,
        Error::PeerIncompatible(_) | Error::NoApplicationProtocol | Error::General(_) => {
            Handshake::Unacceptable
        }
        _ => Handshake::Malformed,
    }
}

/// Tells a client that speaks without TLS, in its own words, what to do.
fn explain(mut socket: Socket, peer: Peer, worker: &Rc<Worker>, input: &Input) {
    let mut output =
        Output::new(peer, Scheme::Http, Receipts::new(Rc::clone(&worker.recipients), Protocol::Http1));
    let asked = Asked::Unreadable(input.bytes());
    refuse(Refusal::WithoutTls, asked, Persistence::Close, worker, &mut output);
    // It fits the buffer of every socket that nothing was sent on.
    socket.send_at_once(&output.bytes);
    if let Ok(departing) = socket.depart(Undelivered::InOrder(output.receipts), Farewell::Linger) {
        worker.farewells.see_off(departing);
    }
}
