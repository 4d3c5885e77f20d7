//! What the API tells at one moment, as far as it is shown (`docs/api.md`). Keys that are not known here are passed over, as
//! newer servers may have more of them.

use std::cmp::Ordering;

use serde::Deserialize;

/// The data of a `snapshot` event.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Snapshot {
    pub(super) summary: Summary,
    pub(super) transfers: Transfers,
    pub(super) busiest: Vec<Busy>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Summary {
    pub(super) time: String,
    pub(super) server: Server,
    pub(super) totals: Totals,
    pub(super) traffic: Traffic,
    pub(super) warnings: Vec<Warning>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Server {
    pub(super) root: String,
    pub(super) uptime_s: u64,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Totals {
    pub(super) files: u64,
    pub(super) requests: u64,
    pub(super) downloads: u64,
    pub(super) bytes: u64,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Traffic {
    pub(super) connections: u64,
    pub(super) transfers: u64,
    pub(super) bytes_per_s: u64,
    pub(super) requests_per_s: f64,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Warning {
    pub(super) text: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Transfers {
    pub(super) transfers: Vec<Transfer>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Transfer {
    pub(super) path: String,
    pub(super) client: String,
    pub(super) length: u64,
    pub(super) acknowledged: u64,
    pub(super) bytes_per_s: u64,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Busy {
    pub(super) path: String,
    pub(super) requests: u64,
    pub(super) completed: u64,
    pub(super) aborted: u64,
    pub(super) bytes: u64,
    pub(super) history: Vec<u64>,
}

impl Transfer {
    /// What has arrived, in parts of so many; cut, so that only what is whole is told as whole.
    pub(super) fn parts(&self, of: u32) -> u32 {
        let arrived = u128::from(self.acknowledged.min(self.length)) * u128::from(of);
        arrived.checked_div(u128::from(self.length)).unwrap_or(0) as u32
    }

    /// Which of two has come further, of its own length.
    pub(super) fn compare_progress(&self, other: &Transfer) -> Ordering {
        let crossed =
            |one: &Transfer, other: &Transfer| u128::from(one.acknowledged) * u128::from(other.length);
        crossed(self, other).cmp(&crossed(other, self))
    }

    /// Seconds until its end at this rate; nothing if it stands still.
    pub(super) fn seconds_left(&self) -> Option<u64> {
        let left = self.length.saturating_sub(self.acknowledged);
        if left == 0 { Some(0) } else { left.checked_div(self.bytes_per_s) }
    }
}
