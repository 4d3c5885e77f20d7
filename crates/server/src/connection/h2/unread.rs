//! Content that comes with a request and that nobody reads.
//!
//! No answer waits for it. A client that is still sending when its answer is complete may be told to stop, by a reset without
//! an error (RFC 9113 §8.1); but one that meets the reset while it sends may take its answer for lost, as curl 7.88 does. So
//! the reset is left to the end: most clients have sent everything by then, or have read their answer and stopped.

use std::time::Duration;

use h2::RecvStream;
use tokio::task::spawn_local;
use tokio::time::timeout;

use crate::connection::answer::MAX_SKIPPED_CONTENT;

/// How long a client may take to send the rest, or to notice that it need not: some trips around the world.
const PATIENCE: Duration = Duration::from_secs(2);

/// Takes in what comes, if anything does, and has the stream reset if there is no end to it; meanwhile the request is
/// answered.
pub(super) fn pass_over(content: RecvStream) {
    if !content.is_end_stream() {
        spawn_local(timeout(PATIENCE, take_in(content)));
    }
}

async fn take_in(mut content: RecvStream) {
    let mut taken = 0;
    while let Some(Ok(portion)) = content.data().await {
        taken += portion.len() as u64;
        // Beyond the limit nothing more is asked for: the client comes to the end of its window, and finds its answer.
        if taken <= MAX_SKIPPED_CONTENT && content.flow_control().release_capacity(portion.len()).is_err() {
            return;
        }
    }
}
