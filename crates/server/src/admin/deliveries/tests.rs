//! What the ledger's thread leaves, from deliveries that a ledger in memory commits.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use tallyd_ledger::{Client, Day, Ledger, Options, Place, Received, Reporter, Representation};

use super::*;
use crate::access_log::AccessLog;
use crate::config::LogFormat;

/// Longer than a ledger in memory takes for anything.
const PATIENCE: Duration = Duration::from_secs(10);

/// A ledger whose deliveries are witnessed.
struct Office {
    ledger: Ledger<Details>,
    reporter: Reporter<Details>,
    deliveries: Deliveries,
}

impl Office {
    fn open() -> Office {
        let deliveries = Deliveries::default();
        let (log, _) = AccessLog::open(LogFormat::Off);
        let witnessed = Witnessed::new(Committed::new(log), Some(deliveries.clone()));
        let (ledger, _) =
            Ledger::open(&Place::Memory, Options::default(), witnessed).expect("memory is a place");
        let reporter = ledger.reporter();
        Office { ledger, reporter, deliveries }
    }

    /// Reports a delivery of a version that took so long.
    fn deliver(&self, path: &str, version: u64, kind: Kind, outcome: Outcome, took_ms: u64) {
        let request = self.ledger.resource(path.as_bytes()).take_number(kind, Day(20_000));
        let received = match kind {
            Kind::Full | Kind::Partial => Received::Single(0..10),
            Kind::Head | Kind::NotModified => Received::Nothing,
        };
        self.reporter.ended(Delivery {
            request,
            client: Client { address: IpAddr::V4(Ipv4Addr::LOCALHOST), port: 9, agent: 1 },
            representation: Representation { entity_tag: version, complete_length: 10 },
            received,
            written_to: 10,
            outcome,
            began: Moment(5_000),
            ended: Moment(5_000 + 1000 * took_ms),
            line: None,
        });
    }

    /// Ends the ledger; what was left.
    fn close(self) -> Gathered {
        self.ledger.close(PATIENCE).expect("memory takes everything");
        self.deliveries.fetch()
    }
}

fn full(office: &Office, path: &str, times: usize) {
    (0..times).for_each(|_| office.deliver(path, 1, Kind::Full, Outcome::Completed, 0));
}

#[test]
fn sums_are_those_of_the_deliveries() {
    let check = |deliveries: &[(Kind, Outcome)], expect: [u64; 4]| {
        let office = Office::open();
        for (kind, outcome) in deliveries {
            office.deliver("/a", 1, *kind, *outcome, 0);
        }
        let Gathered { all, files, recent, .. } = office.close();
        assert_eq!([all.requests, all.completed, all.aborted, all.bytes], expect, "{deliveries:?}");
        assert_eq!(files.into_values().map(|file| file.gain).collect::<Vec<_>>(), [all]);
        assert_eq!(recent.len(), deliveries.len());
    };
    check(&[(Kind::Full, Outcome::Completed)], [1, 1, 0, 10]);
    check(&[(Kind::Partial, Outcome::Aborted)], [1, 0, 1, 10]);
    check(&[(Kind::Head, Outcome::Completed), (Kind::NotModified, Outcome::Completed)], [2, 0, 0, 0]);
    check(
        &[(Kind::Full, Outcome::Completed), (Kind::Full, Outcome::Aborted), (Kind::Head, Outcome::Completed)],
        [3, 1, 1, 20],
    );
}

#[test]
fn the_last_deliveries_are_told_one_by_one() {
    let office = Office::open();
    full(&office, "/a", RECENT);
    full(&office, "/b|", 3);
    let recent = office.close().recent;
    assert_eq!(recent.len(), RECENT);
    let told: Vec<(&str, u64)> = recent.iter().rev().take(4).map(|it| (&*it.path, it.number)).collect();
    assert_eq!(told, [("/b%7C", 3), ("/b%7C", 2), ("/b%7C", 1), ("/a", RECENT as u64)]);
}

#[test]
fn of_many_files_and_versions_the_sums_are_whole() {
    let office = Office::open();
    (0..FILES + 10).for_each(|name| full(&office, &format!("/{name}"), 1));
    (0..2 * VERSIONS as u64)
        .for_each(|version| office.deliver("/0", version, Kind::Full, Outcome::Completed, 0));
    let Gathered { all, files, .. } = office.close();
    assert_eq!(all.requests, (FILES + 10 + 2 * VERSIONS) as u64);
    assert_eq!(files.len(), FILES);
    let first = files.into_values().find(|file| &*file.path == "/0").expect("the first that came");
    assert_eq!((first.gain.requests, first.versions.len()), (1 + 2 * VERSIONS as u64, VERSIONS));
}

#[test]
fn what_nobody_fetched_is_added_up() {
    let deliveries = Deliveries::default();
    let batch = |requests: u64| Gathered {
        all: Gain { requests, ..Gain::default() },
        durations: Durations { sum_ms: requests, ..Durations::default() },
        ..Gathered::default()
    };
    (1..=3).for_each(|requests| deliveries.leave(batch(requests)));
    let fetched = deliveries.fetch();
    assert_eq!((fetched.all.requests, fetched.durations.sum_ms), (6, 6));
    assert!(deliveries.fetch().is_empty());
}

#[test]
fn durations_fall_into_classes() {
    let check = |took_ms: u64, class: usize| {
        let office = Office::open();
        office.deliver("/a", 1, Kind::Full, Outcome::Completed, took_ms);
        let Durations { classes, sum_ms } = office.close().durations;
        assert_eq!(classes.iter().position(|count| *count == 1), Some(class), "{took_ms}");
        assert_eq!(sum_ms, took_ms);
    };
    check(0, 0);
    check(1, 0);
    check(2, 1);
    check(1_800_000, DURATION_BOUNDS_MS.len() - 1);
    check(1_800_001, DURATION_BOUNDS_MS.len());
}
