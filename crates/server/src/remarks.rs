//! What goes wrong with clients, for a person who has asked to hear of it (`--verbose`).
//!
//! It is the clients' doing, and anybody can do it as often as they like: unless it is asked for nothing is said, and then
//! no more than can be read. How often it happens, metrics tell in any case. Nobody waits for it: it goes to the console.

use std::cell::Cell;
use std::fmt;
use std::time::Duration;

use crate::access_log::Peer;
use crate::clock::Moment;
use crate::console;

/// Whether it is said what goes wrong with clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verbosity {
    Terse,
    Verbose,
}

/// How much of it a worker says within [`SPAN`]; the rest is counted. A person cannot read more, and the console holds some
/// hundreds of sentences for a standard error that stalls.
const MOST: u32 = 10;
const SPAN: Duration = Duration::from_secs(1);

/// The longest remark, in characters: what a library says of a peer may quote it.
const LONGEST: usize = 300;

/// One worker's remarks.
#[derive(Debug)]
pub(crate) struct Remarks {
    verbosity: Verbosity,
    allowance: Cell<Allowance>,
}

/// What was said lately.
#[derive(Clone, Copy, Debug, Default)]
struct Allowance {
    since: Moment,
    said: u32,
    unsaid: u64,
}

impl Remarks {
    pub(crate) fn new(verbosity: Verbosity) -> Remarks {
        Remarks { verbosity, allowance: Cell::default() }
    }

    /// Remarks that `what` happened with a client.
    pub(crate) fn make(&self, client: Peer, what: fmt::Arguments<'_>) {
        match self.verbosity {
            Verbosity::Terse => {}
            Verbosity::Verbose => self.say(client, what),
        }
    }

    #[cold]
    fn say(&self, Peer { ip, port }: Peer, what: fmt::Arguments<'_>) {
        self.say_unsaid();
        let mut allowance = self.allowance.get();
        if allowance.admit() {
            let what: String = what.to_string().chars().take(LONGEST).collect();
            console::say(format_args!("client {ip} port {port}: {}", what.escape_debug()));
        }
        self.allowance.set(allowance);
    }

    /// Says now and then how much was not said; for ever, if anything is said at all.
    pub(crate) async fn keep_count(&self) {
        match self.verbosity {
            Verbosity::Terse => {}
            Verbosity::Verbose => loop {
                tokio::time::sleep(SPAN).await;
                self.say_unsaid();
            },
        }
    }

    fn say_unsaid(&self) {
        let mut allowance = self.allowance.get();
        match allowance.renew(Moment::now()) {
            0 => {}
            1 => console::say(format_args!("1 more remark on clients was left out")),
            unsaid => console::say(format_args!("{unsaid} more remarks on clients were left out")),
        }
        self.allowance.set(allowance);
    }
}

impl Allowance {
    /// Whether one more may be said; otherwise it is counted.
    fn admit(&mut self) -> bool {
        let is_admitted = self.said < MOST;
        if is_admitted {
            self.said += 1;
        } else {
            self.unsaid += 1;
        }
        is_admitted
    }

    /// Begins anew when the span is over; returns how much was not said in it.
    fn renew(&mut self, now: Moment) -> u64 {
        if now.since(self.since) < SPAN {
            return 0;
        }
        let unsaid = self.unsaid;
        *self = Allowance { since: now, said: 0, unsaid: 0 };
        unsaid
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_said_than_can_be_read_and_the_rest_is_counted() {
        let start = Moment::default().after(Duration::from_hours(1));
        let mut allowance = Allowance::default();
        assert_eq!(allowance.renew(start), 0);
        let admitted = (0..1_000).filter(|_| allowance.admit()).count();
        assert_eq!(admitted, MOST as usize);
        assert_eq!(allowance.renew(start.after(SPAN / 2)), 0);
        assert_eq!(allowance.renew(start.after(SPAN)), 1_000 - u64::from(MOST));
        assert!(allowance.admit());
        assert_eq!(allowance.renew(start.after(SPAN * 2)), 0);
    }
}
