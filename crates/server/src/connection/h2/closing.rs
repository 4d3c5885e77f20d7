//! The end of a connection: what was said still arrives, or is given up.

use std::future::poll_fn;

use super::deliveries::Deliveries;
use super::link::Link;
use super::wire::Wire;
use crate::connection::departures::{Farewell, Undelivered};
use crate::connection::socket::Socket;

impl Link {
    /// Sends what was written, and leaves the rest to those who see clients off. What is still to be written for streams that
    /// are left is given up.
    pub(super) async fn close(&self, farewell: Farewell) {
        let Some(Wire { mut line, deliveries, .. }) = self.take_wire() else { return };
        let pool = &self.worker.buffers;
        // Whoever is given up because nothing more was asked for still gets what is on its way.
        line.socket.presence().begin_closing(line.socket.arrived());
        line.input.clear();
        line.input.release(pool);
        if poll_fn(|context| line.poll_flush(context, pool).1).await.is_err() {
            return break_off(&line.socket, deliveries);
        }
        // A client that does not take this either is seen off like one that does.
        let _ = line.socket.say_end().await;
        if let Ok(departing) = line.socket.depart(Undelivered::OnStreams(deliveries), farewell) {
            self.worker.farewells.see_off(departing);
        }
    }

    /// Closes at once.
    pub(super) fn break_off(&self) {
        if let Some(Wire { line, deliveries, .. }) = self.take_wire() {
            break_off(&line.socket, deliveries);
        }
    }
}

/// Reports what has arrived, and that the rest does not.
fn break_off(socket: &Socket, mut deliveries: Deliveries) {
    deliveries.settle(socket.acknowledged());
    // What was said of the end itself may still arrive, if it is all that is under way.
    if !deliveries.are_done() {
        socket.break_off();
    }
}
