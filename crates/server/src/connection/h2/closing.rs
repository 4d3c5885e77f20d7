//! The end of a connection: what was said still arrives, or is given up.

use std::future::poll_fn;
use std::rc::Rc;

use super::link::Link;
use super::wire::Wire;
use crate::census::Protocol;
use crate::connection::departures::Farewell;
use crate::connection::presence::Awaits;
use crate::connection::receipts::Receipts;

impl Link {
    /// Waits until what was sent has arrived or the client is given up, and closes. What is still to be written for streams
    /// that are left is given up.
    pub(super) async fn close(&self, farewell: Farewell) {
        let Some(Wire { mut line, mut deliveries, .. }) = self.take_wire() else { return };
        let pool = &self.worker.buffers;
        deliveries.settle(line.socket.acknowledged());
        // Whoever is given up because nothing more was asked for still gets what is on its way.
        line.socket.presence().begin_closing(line.socket.arrived());
        let sent = poll_fn(|context| line.poll_flush(context, pool).1).await;
        while sent.is_ok() && !deliveries.are_done() && !deliveries.are_unfinished() {
            line.socket.await_acknowledgements(Awaits::Some);
            line.input.clear();
            let arrival = line.socket.receive(&mut line.input, pool).await;
            deliveries.settle(line.socket.acknowledged());
            if arrival.is_err() {
                break;
            }
        }
        drop(deliveries);
        line.input.clear();
        line.input.release(pool);
        // A client that does not take this either is seen off like one that does.
        let _ = line.socket.say_end().await;
        let nothing = Receipts::new(Rc::clone(&self.worker.recipients), Protocol::Http2);
        if let Ok(departing) = line.socket.depart(nothing, farewell) {
            self.worker.farewells.see_off(departing);
        }
    }

    /// Closes at once.
    pub(super) fn break_off(&self) {
        if let Some(Wire { line, mut deliveries, .. }) = self.take_wire() {
            deliveries.settle(line.socket.acknowledged());
        }
    }
}
