//! The most active files of late: each with its last hour and day, and the versions that were delivered.
//!
//! Bounded in number: when there are more, those are kept that were asked for most, what is longer ago counting less.

use std::collections::HashMap;
use std::sync::Arc;

use tallyd_ledger::{IdMap, ResourceId};

use super::deliveries::{FileGain, Gain};
use super::history::{HOURS, Histories, MINUTES};

/// How many files have a history: some 3.5 KiB each, so less than 2 MiB in all.
pub(super) const FILES: usize = 512;

/// Versions of a file that are remembered, the ones that were delivered last.
const VERSIONS: usize = 8;

/// How long it takes until a request counts half.
const HALF_LIFE_S: f64 = 600.0;

/// A version of a file that was delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) id: u64,
    pub(super) length: u64,
    pub(super) gain: Gain,
    /// When the first and the last delivery of it ended, in Unix seconds.
    pub(super) first_s: u64,
    pub(super) last_s: u64,
}

/// A file that is active.
#[derive(Debug)]
pub(super) struct Active {
    pub(super) histories: Histories<Gain>,
    /// The one that was delivered last comes first.
    pub(super) versions: Vec<Version>,
    /// Requests, each counting less the longer ago it was.
    weight: f64,
}

/// A file by what was asked of it within the last hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hourly {
    pub(super) path: Arc<str>,
    pub(super) gain: Gain,
    pub(super) requests: Vec<u64>,
}

/// The most active files.
#[derive(Debug, Default)]
pub(super) struct Busy {
    files: HashMap<Arc<str>, Box<Active>>,
    /// When weights were reduced last, in Unix seconds.
    weighed_s: u64,
}

impl Busy {
    /// What is known of a file, if it is an active one.
    pub(super) fn of(&self, path: &str) -> Option<&Active> {
        self.files.get(path).map(Box::as_ref)
    }

    /// Notes what ended up to now.
    pub(super) fn note(&mut self, now_s: u64, gains: IdMap<ResourceId, FileGain>) {
        self.age(now_s);
        let mut newcomers = Vec::new();
        for gain in gains.into_values() {
            match self.files.get_mut(&gain.path) {
                Some(active) => active.note(now_s, &gain),
                None => newcomers.push(gain),
            }
        }
        newcomers.sort_by_key(|gain| std::cmp::Reverse(gain.gain.requests));
        newcomers.truncate(FILES);
        self.make_room(&newcomers);
        for gain in newcomers.into_iter().take(FILES - self.files.len()) {
            let mut active = Box::new(Active::new());
            active.note(now_s, &gain);
            self.files.insert(gain.path, active);
        }
    }

    /// The files that were asked for most within the last hour.
    pub(super) fn busiest(&self, now_s: u64, count: usize) -> Vec<Hourly> {
        let mut files: Vec<Hourly> =
            self.files.iter().map(|(path, active)| active.hourly(path, now_s)).collect();
        files.retain(|file| file.gain.requests > 0);
        files.sort_by(|a, b| b.gain.requests.cmp(&a.gain.requests).then_with(|| a.path.cmp(&b.path)));
        files.truncate(count);
        files
    }

    fn age(&mut self, now_s: u64) {
        let passed_s = now_s.saturating_sub(self.weighed_s);
        self.weighed_s = now_s;
        let factor = (-(passed_s as f64) / HALF_LIFE_S).exp2();
        self.files.values_mut().for_each(|active| active.weight *= factor);
    }

    /// Forgets the files that weigh less than newcomers who would take their place.
    fn make_room(&mut self, newcomers: &[FileGain]) {
        let new = newcomers.iter().map(|gain| gain.gain.requests as f64);
        let mut weights: Vec<f64> = self.files.values().map(|active| active.weight).chain(new).collect();
        if weights.len() <= FILES {
            return;
        }
        weights.sort_by(f64::total_cmp);
        let least = weights[weights.len() - FILES];
        self.files.retain(|_, active| active.weight >= least);
    }
}

impl Active {
    fn new() -> Active {
        Active { histories: Histories::new(), versions: Vec::new(), weight: 0.0 }
    }

    fn note(&mut self, now_s: u64, file: &FileGain) {
        self.weight += file.gain.requests as f64;
        self.histories.note(now_s, |span| span.add(file.gain));
        for version in &file.versions {
            let place = self.versions.iter().position(|known| known.id == version.id);
            let mut known = match place {
                Some(place) => self.versions.remove(place),
                None => Version {
                    id: version.id,
                    length: version.length,
                    gain: Gain::default(),
                    first_s: now_s,
                    last_s: now_s,
                },
            };
            known.gain.add(version.gain);
            known.last_s = now_s;
            self.versions.insert(0, known);
            self.versions.truncate(VERSIONS);
        }
    }

    fn hourly(&self, path: &Arc<str>, now_s: u64) -> Hourly {
        let mut gain = Gain::default();
        let mut requests = Vec::with_capacity(MINUTES);
        for (_, minute) in self.histories.minutes.up_to(now_s) {
            gain.add(minute);
            requests.push(minute.requests);
        }
        Hourly { path: Arc::clone(path), gain, requests }
    }

    /// Requests in each of the last 60 minutes.
    pub(super) fn by_minute(&self, now_s: u64) -> Vec<u64> {
        self.histories.minutes.up_to(now_s).map(|(_, gain)| gain.requests).collect()
    }

    /// Requests in each of the last 24 hours.
    pub(super) fn by_hour(&self, now_s: u64) -> Vec<u64> {
        let mut hours = Vec::with_capacity(HOURS);
        hours.extend(self.histories.hours.up_to(now_s).map(|(_, gain)| gain.requests));
        hours
    }
}
