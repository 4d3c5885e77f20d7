//! Taking up connections that come to a worker's endpoint, up to the end of their handshakes.

use std::cell::Cell;
use std::rc::Rc;

use quinn::{Endpoint, Incoming};
use tokio::task::spawn_local;

use super::conversation::converse;
use crate::access_log::Peer;
use crate::worker::{Departure, Worker};

/// How many handshakes of a worker may go on with clients that have not shown that their address is theirs (RFC 9000 §8.1).
/// Beyond that, each has to show it first, which costs it a round trip and us nothing: whoever floods a server with forged
/// addresses gets no further.
const MOST_UNPROVEN: usize = 64;

/// Accepts connections for as long as it is not aborted.
pub(crate) async fn accept(endpoint: Endpoint, worker: Rc<Worker>) {
    let unproven = Rc::new(Cell::new(0));
    while let Some(incoming) = endpoint.accept().await {
        worker.await_room().await;
        take_up(incoming, &unproven, &worker);
    }
}

fn take_up(incoming: Incoming, unproven: &Rc<Cell<usize>>, worker: &Rc<Worker>) {
    if !incoming.remote_address_validated() && unproven.get() >= MOST_UNPROVEN {
        // One that is not validated may be asked to be.
        let _ = incoming.retry();
        return;
    }
    let incoming_address = incoming.remote_address();
    // What is no beginning of a handshake is nobody's.
    let Ok(connecting) = incoming.accept() else { return };
    let client = Peer::from(incoming_address);
    let (unproven, worker) = (Unproven::new(unproven), Rc::clone(worker));
    let (enrolment, departure) = (worker.roster.enrol(), Departure::new(&worker));
    spawn_local(async move {
        // As long as for a first head. Nothing is taken from a client before the end (no 0-RTT): it could be replayed.
        match enrolment.bound(connecting).await {
            Some(Ok(connection)) => {
                drop(unproven);
                let peer = Peer::from(connection.remote_address());
                worker.log.tell_connected(peer);
                Box::pin(converse(connection, peer, worker, enrolment, departure)).await;
            }
            Some(Err(error)) => worker.remarks.make(client, format_args!("no handshake by QUIC ({error})")),
            None => worker.remarks.make(client, format_args!("no handshake by QUIC (not completed in time)")),
        }
    });
}

/// Keeps a handshake counted.
struct Unproven(Rc<Cell<usize>>);

impl Unproven {
    fn new(counter: &Rc<Cell<usize>>) -> Unproven {
        counter.set(counter.get() + 1);
        Unproven(Rc::clone(counter))
    }
}

impl Drop for Unproven {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}
