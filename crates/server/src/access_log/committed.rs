//! The ledger's end of the log: told of a delivery once its number is committed.

use std::path::Path;

use tallyd_ledger::{Client, Delivery, Observer, StoreState};

use super::AccessLog;
use super::exchange::{Details, Record};
use super::line::{Entry, Peer, write_delivery, write_record};
use crate::config::LogFormat;
use crate::console;

/// How much text is gathered before it is handed over within a batch, in bytes.
const HAND_OVER_BYTES: usize = 32 * 1024;

/// Turns committed deliveries into lines.
pub(crate) struct Committed {
    log: AccessLog,
    text: Vec<u8>,
    lines: u64,
}

impl Committed {
    /// Lines for this log.
    pub(crate) fn new(log: AccessLog) -> Committed {
        Committed { log, text: Vec::new(), lines: 0 }
    }

    fn hand_over(&mut self) {
        if self.lines > 0 {
            // The next batch is likely to be as long.
            let next = Vec::with_capacity(self.text.len());
            let text = std::mem::replace(&mut self.text, next);
            self.log.note(Entry::Delivered { text, lines: std::mem::take(&mut self.lines) });
        }
    }
}

impl Observer<Details> for Committed {
    fn committed(&mut self, path: &str, delivery: &Delivery<Details>) {
        let Client { address: ip, port, .. } = delivery.client;
        let (peer, number) = (Peer { ip, port }, delivery.request.number());
        match (self.log.format, &delivery.line) {
            (LogFormat::Tally, _) => write_delivery(&mut self.text, path, peer, number),
            (format @ (LogFormat::Combined | LogFormat::Json), Some(exchange)) => {
                let record = Record {
                    path: Some(path),
                    peer,
                    number: Some(number),
                    exchange,
                    bytes: delivery.received.bytes(),
                    outcome: delivery.outcome,
                    duration_ms: delivery.ended.0.saturating_sub(delivery.began.0) / 1000,
                };
                write_record(format, &mut self.text, &record);
            }
            (LogFormat::Off, _) | (LogFormat::Combined | LogFormat::Json, None) => return,
        }
        self.lines += 1;
        if self.text.len() >= HAND_OVER_BYTES {
            self.hand_over();
        }
    }

    fn batch_ended(&mut self) {
        self.hand_over();
    }

    fn lines_dropped(&mut self, count: u64) {
        self.log.drop_lines(count);
    }

    fn store_changed(&mut self, state: &StoreState) {
        match state {
            StoreState::Sound => {
                console::say(format_args!("the ledger is written again; nothing is missing"));
            }
            StoreState::Failing { error, .. } => {
                console::say(format_args!(
                    "the ledger cannot be written ({error}); counting goes on in memory"
                ));
            }
        }
    }

    fn set_aside(&mut self, aside: &Path) {
        let aside = aside.display();
        console::say(format_args!(
            "the ledger was damaged and is now at {aside}; a new one holds the counts of the files in memory, those of other \
             files are in the old one alone"
        ));
    }
}
