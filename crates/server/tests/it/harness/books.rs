//! A ledger in a file, as anyone can read it while its server runs, and after.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use tallyd_ledger::query::Selection;
use tallyd_ledger::{Counters, Query, QueryError};

use super::{SOON, Site, eventually, tallyd};

/// The ledger of a site.
#[derive(Clone)]
pub(crate) struct Books {
    pub(crate) file: PathBuf,
}

impl Books {
    pub(crate) fn of(site: &Site) -> Self {
        Self { file: site.around().join("ledger") }
    }

    /// The command that serves the site and counts in this ledger.
    pub(crate) fn server(&self, site: &Site) -> Command {
        let mut command = tallyd(site);
        command.arg("--ledger").arg(&self.file);
        command
    }

    pub(crate) fn open(&self) -> Query {
        // A server that was just killed, or has just begun, may be recovering its log.
        eventually("the ledger can be read", SOON, || match Query::open(&self.file) {
            Ok(query) => Some(query),
            Err(QueryError::Missing(_) | QueryError::Failed(_)) => None,
            Err(error) => panic!("{error}"),
        })
    }

    /// The tally of one file; zeros for one that was never counted.
    pub(crate) fn tally(&self, path: &str) -> Counters {
        self.select(vec![path.to_owned()]).remove(path).unwrap_or_default()
    }

    pub(crate) fn all(&self) -> BTreeMap<String, Counters> {
        self.select(Vec::new())
    }

    fn select(&self, paths: Vec<String>) -> BTreeMap<String, Counters> {
        let mut found = BTreeMap::new();
        let selection = Selection { paths, ..Selection::default() };
        self.open()
            .tallies(&selection, |tallied| {
                found.insert(tallied.path, tallied.counters);
            })
            .expect("a ledger that can be read");
        found
    }

    /// Waits until the file's tally is as wanted.
    pub(crate) fn wait_for(&self, path: &str, what: &str, wanted: impl Fn(&Counters) -> bool) -> Counters {
        let mut last = Counters::default();
        let start = std::time::Instant::now();
        while start.elapsed() < SOON {
            last = self.tally(path);
            if wanted(&last) {
                return last;
            }
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        panic!("{what}: {path} has {last:?}");
    }

    /// Checks every law on every row.
    #[track_caller]
    pub(crate) fn check_laws(&self) {
        for finding in self.open().verify().expect("a ledger that can be read") {
            assert_eq!(finding.broken, 0, "{}: {:?}", finding.law.formula(), finding.example);
        }
    }
}

/// Counters written as their names and figures, as in `requests 2 full 2 completed 2 downloads 2`; those that
/// are not named are 0. `bytes` is judged apart: what a cut answer brought is known within bounds only.
pub(crate) fn counters(text: &str) -> Counters {
    let mut counters = Counters::default();
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    for pair in words.chunks(2) {
        let [name, figure] = pair else { panic!("a name without a figure: {text}") };
        let counter = match *name {
            "requests" => &mut counters.requests,
            "head" => &mut counters.head,
            "full" => &mut counters.full,
            "partial" => &mut counters.partial,
            "not_modified" => &mut counters.not_modified,
            "completed" => &mut counters.completed,
            "aborted" => &mut counters.aborted,
            "downloads" => &mut counters.downloads,
            _ => panic!("no such counter: {name}"),
        };
        *counter = figure.parse().expect("a figure");
    }
    counters
}
