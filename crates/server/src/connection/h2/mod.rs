//! HTTP/2 on a connection (RFC 9113), with the same answers and the same tally as HTTP/1.1.
//!
//! What a client's frames mean is `tallyd_http`'s to say. Here they come in and go out (`line`, `wire`), what many streams write
//! leaves together, and what of each has arrived is worked out from where its frames lie (`deliveries`). An answer's head is
//! written once, as in HTTP/1.1, and sent in the form of this version.

mod closing;
mod content;
mod deliveries;
mod exchange;
mod flood;
mod gathered;
mod line;
mod link;
mod patience;
mod wire;
mod writers;

use std::future::poll_fn;
use std::rc::Rc;

use tallyd_http::h2::conversation::Expected;
use tokio::task::coop::consume_budget;
use tokio::task::spawn_local;

use self::exchange::Exchange;
use self::link::Link;
use self::wire::{Ending, Turn};
use super::buffers::{Input, Scheme};
use super::socket::Socket;
use crate::access_log::Peer;
use crate::worker::{Departure, Worker};

pub(crate) use tallyd_http::h2::frame::PREFACE;

pub(super) use self::deliveries::Deliveries;

/// What a client and a server agree on under TLS (RFC 9113 §3.2).
pub(crate) const ALPN: &[u8] = b"h2";

/// Serves one client until either side is done; `input` is what was read of it already, from the preface on.
pub(crate) async fn serve(socket: Socket, input: Input, peer: Peer, scheme: Scheme, worker: Rc<Worker>) {
    let _departure = Departure::new(&worker);
    let link = Rc::new(Link::new(socket, input, peer, scheme, worker));
    let _attended = Attended(Rc::clone(&link));
    loop {
        match poll_fn(|context| link.poll_turn(context)).await {
            Turn::Request(stream, expected) => {
                begin(&link, stream, expected);
                // Whoever asks for much at once lets others have their turn.
                consume_budget().await;
            }
            Turn::Ended(Ending::Said(farewell)) => return link.close(farewell).await,
            Turn::Ended(Ending::Broken) => return link.break_off(),
        }
    }
}

/// A connection whose frames are read. When this is dropped, also by a panic, nobody waits on it any more.
struct Attended(Rc<Link>);

impl Drop for Attended {
    fn drop(&mut self) {
        self.0.break_off();
    }
}

/// Answers a request, at once if nothing has to be waited for.
fn begin(link: &Rc<Link>, stream: u32, expected: Expected) {
    match expected {
        Expected::Nothing => {}
        Expected::Content => link.expect_content(stream),
    }
    let mut exchange = Exchange::new(Rc::clone(link), stream);
    if let Ok(Some(step)) = exchange.advance() {
        spawn_local(exchange.go_on(step));
    }
}
