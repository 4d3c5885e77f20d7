//! The ledger through its public face, on real files and threads.

mod browsing;
mod counting;
mod kill;
mod misplaced;
mod opening;
mod trouble;

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use tallyd_ledger::query::Selection;
use tallyd_ledger::{
    Client, Counters, Day, Delivery, Kind, Ledger, Moment, Observer, Options, Outcome, Place, Query,
    Received, Representation, Request, StoreState,
};

const TODAY: Day = Day(20_000);
const LENGTH: u64 = 100;
/// More than a sound ledger ever needs to close.
const SOON: Duration = Duration::from_secs(20);

/// What the observer was told.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    Line(String, u64),
    Dropped(u64),
    Sound,
    Failing,
    SetAside(PathBuf),
}

struct Witness(Sender<Told>);

impl Witness {
    fn tell(&self, told: Told) {
        // A test that ends first no longer listens.
        let _ = self.0.send(told);
    }
}

impl Observer<()> for Witness {
    fn committed(&mut self, path: &str, delivery: &Delivery<()>) {
        self.tell(Told::Line(path.to_owned(), delivery.request.number()));
    }

    fn lines_dropped(&mut self, count: u64) {
        self.tell(Told::Dropped(count));
    }

    fn store_changed(&mut self, state: &StoreState) {
        self.tell(match state {
            StoreState::Sound => Told::Sound,
            StoreState::Failing { .. } => Told::Failing,
        });
    }

    fn set_aside(&mut self, aside: &Path) {
        self.tell(Told::SetAside(aside.to_owned()));
    }
}

/// The ledger at `path`, and what its observer is told.
fn open(path: &Path) -> (Ledger<()>, Receiver<Told>) {
    let (sender, receiver) = mpsc::channel();
    let place = Place::File(path.to_owned());
    let (ledger, _) = Ledger::open(&place, Options::default(), Witness(sender)).unwrap();
    (ledger, receiver)
}

/// A delivery of the range `0..received` by the client at `port`.
fn delivery(request: Request, port: u16, received: u64) -> Delivery<()> {
    Delivery {
        request,
        client: Client { address: IpAddr::V4(Ipv4Addr::LOCALHOST), port, agent: 1 },
        representation: Representation { entity_tag: 1, complete_length: LENGTH },
        received: Received::Single(0..received),
        written_to: received,
        outcome: if received == LENGTH { Outcome::Completed } else { Outcome::Aborted },
        began: Moment(1),
        ended: Moment(2),
        line: (),
    }
}

/// The figures of the resource with this printed path.
fn counters(query: &Query, path: &str) -> Counters {
    let mut found = Vec::new();
    let selection = Selection { paths: vec![path.to_owned()], ..Selection::default() };
    query.tallies(&selection, |tallied| found.push(tallied.counters)).unwrap();
    found.pop().unwrap_or_default()
}

#[track_caller]
fn laws_hold(query: &Query) {
    for finding in query.verify().unwrap() {
        assert_eq!(finding.broken, 0, "{finding:?}");
    }
}
