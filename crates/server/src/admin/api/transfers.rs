//! `/api/v1/transfers`: transfers in flight.

use std::cmp::Ordering;

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;

use super::super::observatory::{Moving, Sight};
use super::figures::{kind_name, moment};
use super::file::MAX_PATH;
use super::parameters::Parameters;
use super::{Denial, Seen, json};
use crate::calendar::rfc_3339;
use crate::census::Subject;

/// The most transfers that are told at once, and as many as there are unless it says.
const MAX_LIMIT: u32 = 1000;
pub(super) const LIMIT: u32 = 100;

/// What transfers are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Started,
    Path,
    Client,
    Acknowledged,
    Length,
    Rate,
}

const KEYS: [(&str, Key); 6] = [
    ("started", Key::Started),
    ("path", Key::Path),
    ("client", Key::Client),
    ("acknowledged", Key::Acknowledged),
    ("length", Key::Length),
    ("bytes_per_s", Key::Rate),
];

#[derive(Serialize)]
pub(super) struct Transfers<'a> {
    time: String,
    total: u64,
    known: usize,
    #[serde(rename = "transfers")]
    rows: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    id: String,
    path: &'a str,
    n: u64,
    client: String,
    port: u16,
    protocol: &'static str,
    kind: &'static str,
    length: u64,
    sent: u64,
    acknowledged: u64,
    bytes_per_s: u64,
    started: String,
}

pub(super) async fn answer(State(observatory): Seen, mut parameters: Parameters) -> Result<Response, Denial> {
    let key = parameters.word("sort", &KEYS)?.unwrap_or(Key::Started);
    let is_reversed = parameters.word("order", &[("asc", false), ("desc", true)])?.unwrap_or(false);
    let path = parameters.short_text("path", MAX_PATH)?;
    let limit = parameters.number("limit", 1, MAX_LIMIT)?.unwrap_or(LIMIT);
    parameters.end()?;
    let sight = observatory.fresh(Subject::Transfers).await;
    let is_wanted =
        |moving: &&Moving| path.as_deref().is_none_or(|path| moving.transfer.tally.path() == path);
    let mut chosen: Vec<&Moving> = sight.transfers.iter().filter(is_wanted).collect();
    chosen.sort_by(|a, b| {
        let order = compare(key, a, b);
        if is_reversed { order.reverse() } else { order }
    });
    chosen.truncate(limit as usize);
    Ok(json(&Transfers::of(&sight, &chosen)))
}

fn compare(key: Key, a: &Moving, b: &Moving) -> Ordering {
    let (one, other) = (&a.transfer, &b.transfer);
    let order = match key {
        Key::Started => one.began.cmp(&other.began),
        Key::Path => one.tally.path().cmp(other.tally.path()),
        Key::Client => (one.peer.ip, one.peer.port).cmp(&(other.peer.ip, other.peer.port)),
        Key::Acknowledged => one.acknowledged.cmp(&other.acknowledged),
        Key::Length => one.length.cmp(&other.length),
        Key::Rate => a.bytes_per_s.cmp(&b.bytes_per_s),
    };
    // The same order each time.
    order.then((a.worker, one.serial).cmp(&(b.worker, other.serial)))
}

impl<'a> Transfers<'a> {
    /// The oldest transfers.
    pub(super) fn oldest(sight: &'a Sight) -> Transfers<'a> {
        let mut oldest: Vec<&Moving> = sight.transfers.iter().collect();
        oldest.sort_by(|a, b| compare(Key::Started, a, b));
        oldest.truncate(LIMIT as usize);
        Transfers::of(sight, &oldest)
    }

    fn of(sight: &Sight, chosen: &[&'a Moving]) -> Transfers<'a> {
        Transfers {
            time: rfc_3339(sight.transfers_at),
            total: sight.readings.transfers,
            known: sight.transfers.len(),
            rows: chosen.iter().map(|moving| Row::new(moving)).collect(),
        }
    }
}

impl<'a> Row<'a> {
    fn new(moving: &'a Moving) -> Row<'a> {
        let transfer = &moving.transfer;
        Row {
            id: format!("{:x}-{:x}", moving.worker, transfer.serial),
            path: transfer.tally.path(),
            n: transfer.number,
            client: transfer.peer.ip.to_string(),
            port: transfer.peer.port,
            protocol: transfer.protocol.name(),
            kind: kind_name(transfer.kind),
            length: transfer.length,
            sent: transfer.sent,
            acknowledged: transfer.acknowledged,
            bytes_per_s: moving.bytes_per_s,
            started: moment(transfer.began),
        }
    }
}
