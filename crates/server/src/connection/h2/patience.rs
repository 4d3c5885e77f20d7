//! Requests whose content is still to come, and how long it is waited for.

use std::rc::Rc;
use std::time::Duration;

use tallyd_http::h2::conversation::{Conversation, MAX_STREAMS};
use tokio::task::spawn_local;
use tokio::time::{Instant, sleep_until};

use super::link::Link;

/// How long a client may take to send the rest of a request's content, or to notice that it need not: some trips around the
/// world.
///
/// Nobody reads it, and no answer waits for it. A client that is still sending when its answer is complete may be told to
/// stop, by a reset without an error (RFC 9113 §8.1); but one that meets the reset while it sends may take its answer for
/// lost, as curl 7.88 does. So the reset is left to the end: most clients have sent everything by then, or have read their
/// answer and stopped.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many requests are noted before those whose content has come are forgotten: twice what there can be of the others.
const MANY: usize = 2 * MAX_STREAMS as usize;

/// A request whose content is still to come, or has come since.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected {
    stream: u32,
    until: Instant,
}

impl Link {
    /// Notes a request whose content is still to come.
    pub(super) fn expect_content(self: &Rc<Self>, stream: u32) {
        let mut expected = self.expected.borrow_mut();
        if expected.len() >= MANY {
            let wire = self.wire.borrow();
            let is_open = |conversation: &Conversation, stream| conversation.expects_content(stream);
            expected.retain(|it| wire.as_ref().is_some_and(|wire| is_open(&wire.conversation, it.stream)));
        }
        expected.push_back(Expected { stream, until: Instant::now() + PATIENCE });
        if !self.is_expecting.replace(true) {
            spawn_local(Rc::clone(self).expect_no_longer());
        }
    }

    /// Waits for the content of one request after another, as long as there are some, and then no longer for it.
    async fn expect_no_longer(self: Rc<Self>) {
        // In a statement of its own, so that the queue is free while the time passes.
        let next = || self.expected.borrow().front().copied();
        while let Some(Expected { stream, until }) = next() {
            if until > Instant::now() {
                sleep_until(until).await;
                continue;
            }
            self.expected.borrow_mut().pop_front();
            self.lose_patience(stream);
        }
        self.is_expecting.set(false);
    }
}
