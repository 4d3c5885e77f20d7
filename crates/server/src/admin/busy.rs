//! The most active files of late: each with its last hour and day, and the versions that were delivered.
//!
//! Bounded in number: when there are more, those are kept that were asked for most, what is longer ago counting less.

use std::collections::HashMap;
use std::sync::Arc;

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
    pub(super) fn note(&mut self, now_s: u64, gains: impl Iterator<Item = FileGain>) {
        self.age(now_s);
        let mut newcomers = Vec::new();
        for gain in gains {
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

    /// Forgets the lightest files, one for each newcomer who weighs more. The heaviest newcomer comes first.
    fn make_room(&mut self, newcomers: &[FileGain]) {
        let without_place = newcomers.get(FILES - self.files.len()..).unwrap_or_default();
        if without_place.is_empty() {
            return;
        }
        let known = self.files.iter().map(|(path, active)| (active.weight, Arc::clone(path)));
        let mut lightest: Vec<(f64, Arc<str>)> = known.collect();
        lightest.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (newcomer, (weight, path)) in without_place.iter().zip(lightest) {
            if weight >= newcomer.gain.requests as f64 {
                break;
            }
            self.files.remove(&path);
        }
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

#[cfg(test)]
mod tests {
    use arrayvec::ArrayVec;

    use super::super::deliveries::VersionGain;
    use super::*;

    /// So many requests of a file, each completed with ten bytes of a version.
    fn gain(path: &str, requests: u64, version: u64) -> FileGain {
        let gain = Gain { requests, completed: requests, aborted: 0, bytes: 10 * requests };
        let versions = ArrayVec::from_iter([VersionGain { id: version, length: 10, gain }]);
        FileGain { path: path.into(), gain, versions }
    }

    /// The busiest files with their requests.
    fn busiest(busy: &Busy, now_s: u64, count: usize) -> String {
        let files = busy.busiest(now_s, count);
        let told: Vec<String> =
            files.iter().map(|file| format!("{} {}", file.path, file.gain.requests)).collect();
        told.join(", ")
    }

    #[test]
    fn the_busiest_of_the_last_hour_come_first() {
        let mut busy = Busy::default();
        busy.note(10_000, [gain("/b", 2, 1), gain("/a", 2, 1), gain("/c", 5, 1)].into_iter());
        busy.note(11_000, [gain("/b", 1, 1)].into_iter());
        assert_eq!(busiest(&busy, 11_000, 9), "/c 5, /b 3, /a 2");
        assert_eq!(busiest(&busy, 11_000, 2), "/c 5, /b 3");
        assert_eq!(busiest(&busy, 14_000, 9), "/b 1");
        assert_eq!(busiest(&busy, 20_000, 9), "");
        let active = busy.of("/b").expect("it is remembered");
        assert_eq!(active.by_minute(11_000).iter().sum::<u64>(), 3);
        assert_eq!(active.by_hour(20_000).iter().sum::<u64>(), 3);
    }

    #[test]
    fn the_version_that_was_delivered_last_comes_first_and_few_are_kept() {
        let mut busy = Busy::default();
        for version in 0..=VERSIONS as u64 {
            busy.note(100 + version, [gain("/a", 1, version)].into_iter());
        }
        busy.note(200, [gain("/a", 4, 5)].into_iter());
        let versions = &busy.of("/a").expect("it is remembered").versions;
        let ids: Vec<u64> = versions.iter().map(|version| version.id).collect();
        assert_eq!(ids, [5, 8, 7, 6, 4, 3, 2, 1]);
        let Version { gain, first_s, last_s, .. } = versions[0];
        assert_eq!((gain.requests, gain.bytes, first_s, last_s), (5, 50, 105, 200));
    }

    #[test]
    fn there_is_room_for_so_many_and_the_least_asked_for_go() {
        let mut busy = Busy::default();
        let named = |name: usize, requests| gain(&format!("/{name}"), requests, 1);
        busy.note(1000, (0..FILES).map(|name| named(name, 2)));
        // Who weighs no more than any that is there finds no place, nor do more than there are places for.
        busy.note(1000, [gain("/once", 1, 1)].into_iter());
        assert_eq!((busy.files.len(), busy.of("/once").is_none()), (FILES, true));
        busy.note(1000, [named(7, 1), gain("/often", 3, 1)].into_iter());
        assert!(busy.of("/often").is_some() && busy.of("/7").is_some() && busy.files.len() <= FILES);
        busy.note(1000, (0..3 * FILES).map(|name| named(FILES + name, 100)));
        assert_eq!(busy.files.len(), FILES);
        // What is long ago counts less.
        busy.note(1000 + 10 * 600, [gain("/new", 1, 1)].into_iter());
        assert!(busy.of("/new").is_some() && busy.files.len() <= FILES);
    }
}
