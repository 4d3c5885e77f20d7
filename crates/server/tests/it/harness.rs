//! What every test stands on: a site in a temporary folder, the real binary serving it on the loopback
//! interface, its output as lines that can be waited for, and a client that works on raw bytes.
//!
//! Nothing here knows how the server is built; it knows HTTP as a client sees it.

mod authority;
mod books;
mod channel;
mod client;
mod h3;
mod lines;
mod network;
mod process;
mod protocol;
mod server;
mod site;
mod streams;
mod translated;

use std::thread;
use std::time::{Duration, Instant};

pub(crate) use authority::Identity;
pub(crate) use books::{Books, counters};
pub(crate) use channel::{Channel, trust};
pub(crate) use client::{Answer, Conn, Content, End, SMALL_WINDOW, Window};
pub(crate) use h3::{Appetite, H3Conn, NAME};
pub(crate) use lines::{Delivery, Lines, deliveries};
pub(crate) use process::{anonymous_kib, cpu_time, crowd, descriptors, pss_kib, raise_descriptor_limit};
pub(crate) use protocol::{Protocol, on_every_protocol};
pub(crate) use server::{Server, Stdout, nobody, tallyd};
pub(crate) use site::{Site, is_root, noise, percent_encode};
pub(crate) use translated::Translated;

/// How long anything that should happen at once may take on a busy machine before a test gives up.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// Asks again and again until `probe` has an answer; panics when `limit` has passed without one.
pub(crate) fn eventually<T>(what: &str, limit: Duration, mut probe: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(start.elapsed() < limit, "not within {limit:?}: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}
