//! Workers, a store that fails and a process that is killed, played through without threads.
//!
//! Each seed is one life of a ledger over several processes: requests of several clients on several resources,
//! reported late and out of order; commits that fail before or after they took effect; kills at any point.
//! After every commit the store must equal a naive oracle, and no number may be printed twice or be lost.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::sync::Mutex;

use super::*;
use crate::coverage::Limits;
use crate::delivery::{Client, Kind, Moment, Outcome, Received, Representation};
use crate::observer::StoreState;
use crate::store::{Lookup, Stored, Trouble};

const LENGTH: u64 = 8;
const PATHS: [&str; 4] = ["/a", "/b", "/dir/c", "/100%"];
const CLIENTS: usize = 3;

/// A memory without bounds: these have tests of their own.
const ALL: Limits = Limits {
    sessions: usize::MAX,
    ranges_per_session: usize::MAX,
    ranges: usize::MAX,
    unsettled: usize::MAX,
    late_us: u64::MAX,
    idle_us: u64::MAX,
};

/// A disk that outlives the process. `commit` is atomic; everything can fail.
#[derive(Debug, Default)]
struct Disk {
    resources: BTreeMap<String, Stored>,
    days: BTreeMap<(ResourceId, Day), Counters>,
    aside: Vec<BTreeMap<String, Stored>>,
    /// What happens to the next operations; empty: they succeed.
    faults: VecDeque<Fault>,
    commits: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    /// The operation fails and has no effect.
    Before(Trouble),
    /// The operation takes effect and fails all the same.
    After,
}

#[derive(Clone, Debug, Default)]
struct Model(Rc<RefCell<Disk>>);

impl Model {
    fn fault(&self) -> Fault {
        self.0.borrow_mut().faults.pop_front().unwrap_or(Fault::None)
    }

    fn failing<T>(&self, effect: impl FnOnce(&mut Disk) -> T) -> Result<T, StoreError> {
        let error = |trouble| Err(StoreError { trouble, detail: "played".to_owned() });
        match self.fault() {
            Fault::None => Ok(effect(&mut self.0.borrow_mut())),
            Fault::Before(trouble) => error(trouble),
            Fault::After => {
                effect(&mut self.0.borrow_mut());
                error(Trouble::Broken)
            }
        }
    }

    /// What the next owner does with what the last one left in flight.
    fn recover(&self) {
        let mut disk = self.0.borrow_mut();
        let Disk { resources, days, .. } = &mut *disk;
        for ((resource, _), counters) in days {
            let cut = counters.in_flight();
            counters.aborted += cut;
            let stored = resources.values_mut().find(|stored| stored.resource == *resource).unwrap();
            stored.totals.counters.aborted += cut;
        }
    }

    fn next_id(&self) -> u64 {
        self.0.borrow().resources.values().map(|stored| stored.resource.0).max().unwrap_or(0) + 1
    }
}

impl Lookup for Model {
    fn find(&mut self, path: &str) -> Result<Option<Stored>, StoreError> {
        self.failing(|disk| disk.resources.get(path).copied())
    }
}

impl Store for Model {
    fn day(&mut self, resource: ResourceId, day: Day) -> Result<Counters, StoreError> {
        self.failing(|disk| disk.days.get(&(resource, day)).copied().unwrap_or_default())
    }

    fn commit(&mut self, batch: &Batch<'_>) -> Result<(), StoreError> {
        self.failing(|disk| {
            disk.commits += 1;
            for ResourceRow { resource, path, totals } in &batch.resources {
                let stored = Stored { resource: *resource, totals: *totals };
                disk.resources.insert((*path).to_owned(), stored);
            }
            for DayRow { resource, day, counters } in &batch.days {
                disk.days.insert((*resource, *day), *counters);
            }
        })
    }

    fn is_settled(&self, _resource: ResourceId) -> bool {
        true
    }

    fn tidy(&mut self) -> Result<Tidiness, StoreError> {
        Ok(Tidiness::Tidy)
    }

    fn begin_sync(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn look(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn set_aside(&mut self) -> Result<PathBuf, StoreError> {
        self.failing(|disk| {
            disk.days.clear();
            let old = std::mem::take(&mut disk.resources);
            disk.aside.push(old);
            PathBuf::from("aside")
        })
    }
}

/// Splitmix64 (Steele, Lea and Flood, 2014): a few lines, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % sides
    }

    fn one_in(&mut self, sides: u64) -> bool {
        self.below(sides) == 0
    }
}

/// The contract in the plainest words: it keeps every delivery's bytes one by one.
#[derive(Clone, Debug, Default)]
struct Oracle {
    totals: BTreeMap<(String, Day), Counters>,
    sessions: BTreeMap<(String, usize, u64), Pieces>,
}

#[derive(Clone, Debug, Default)]
struct Pieces {
    /// What came of each request, by its number.
    received: BTreeMap<u64, BTreeSet<u64>>,
    /// How many downloads that was when it was last looked at.
    downloads: u64,
    /// Number, first byte, end, day and moment of the cut.
    doubts: Vec<(u64, u64, u64, Day, Moment)>,
    /// Start and moment of range requests.
    resumes: Vec<(u64, Moment)>,
}

/// A report on its way to the book, with what the oracle needs to understand it.
struct Report {
    path: String,
    client: usize,
    event: Event<()>,
}

impl Pieces {
    /// How often the client has all, in the order in which it asked.
    fn count(&self) -> u64 {
        let (mut has, mut downloads) = (BTreeSet::<u64>::new(), 0);
        for received in self.received.values() {
            has.extend(received);
            if has.len() as u64 == LENGTH {
                has.clear();
                downloads += 1;
            }
        }
        downloads
    }
}

impl Oracle {
    fn book(&mut self, report: &Report) {
        let Report { path, client, event } = report;
        let delivery = match event {
            Event::Began { day, kind, .. } => return self.figures(path, *day).book_request(*kind),
            Event::Ended(delivery) => delivery,
        };
        let Request { number, day, kind, announced, .. } = delivery.request;
        let figures = self.figures(path, day);
        if announced == Announced::No {
            figures.book_request(kind);
        }
        match (kind, delivery.outcome) {
            (Kind::Head | Kind::NotModified, _) => return,
            (_, Outcome::Completed) => figures.completed += 1,
            (_, Outcome::Aborted) => figures.aborted += 1,
        }
        let ranges = delivery.received.ranges();
        figures.bytes += ranges.iter().flat_map(Clone::clone).count() as u64;
        if (kind, delivery.outcome) == (Kind::Full, Outcome::Completed) {
            figures.downloads += 1;
            return;
        }
        let session =
            self.sessions.entry((path.clone(), *client, delivery.representation.entity_tag)).or_default();
        session.received.entry(number).or_default().extend(ranges.iter().flat_map(Clone::clone));
        if delivery.outcome == Outcome::Aborted {
            let end = ranges.last().unwrap().end;
            session.doubts.push((number, end, delivery.written_to, day, delivery.ended));
        }
        if kind == Kind::Partial {
            session.resumes.push((ranges[0].start, delivery.began));
        }
        let mut proven = Vec::new();
        for (from, began) in session.resumes.clone() {
            let doubts = session.doubts.extract_if(.., |(_, _, end, _, cut)| *end == from && began > *cut);
            proven.extend(doubts.map(|(number, first, end, day, _)| (number, first..end, day)));
        }
        for (number, range, _) in &proven {
            session.received.entry(*number).or_default().extend(range.clone());
        }
        let downloads = session.count();
        let made = downloads - std::mem::replace(&mut session.downloads, downloads);
        self.figures(path, day).downloads += made;
        for (_, range, day) in proven {
            self.figures(path, day).bytes += range.end - range.start;
        }
    }

    fn figures(&mut self, path: &str, day: Day) -> &mut Counters {
        self.totals.entry((path.to_owned(), day)).or_default()
    }

    /// What remains after a kill: no sessions, and nothing in flight.
    fn restart(&mut self) {
        self.sessions.clear();
        for counters in self.totals.values_mut() {
            counters.aborted += counters.in_flight();
        }
    }
}

/// A process: all that a kill takes away.
struct Process {
    book: Book<(), Model>,
    index: Index,
    finder: Mutex<Model>,
    /// What each client's worker reported and the book has not seen.
    lanes: Vec<VecDeque<Report>>,
    transfers: Vec<Transfer>,
    /// What the book has seen.
    booked: Oracle,
}

/// A response under way.
struct Transfer {
    tally: Arc<Tally>,
    client: usize,
    request: Request,
    first: u64,
    began: Moment,
}

/// The whole life of a ledger.
struct Life {
    dice: Dice,
    weather: Weather,
    disk: Model,
    process: Process,
    now: u64,
    /// What the disk must hold.
    committed: Oracle,
    printed: BTreeSet<(String, u64)>,
}

/// Collects the printed numbers, and insists that each is printed once.
struct Printer<'a>(&'a mut BTreeSet<(String, u64)>);

impl Printer<'_> {
    fn print(&mut self, path: &str, number: u64) {
        assert!(self.0.insert((path.to_owned(), number)), "{path} {number} is printed twice");
    }
}

/// What the book hands on, before it is printed.
#[derive(Default)]
struct Lines(Arc<Mutex<Vec<(String, u64)>>>);

impl Observer<()> for Lines {
    fn committed(&mut self, path: &str, delivery: &Delivery<()>) {
        self.0.lock().unwrap().push((path.to_owned(), delivery.request.number()));
    }

    fn store_changed(&mut self, state: &StoreState) {
        panic!("the book does not judge the store: {state:?}");
    }
}

impl Process {
    fn start(disk: &Model, booked: Oracle) -> Self {
        Self {
            book: Book::new(disk.clone(), Coverage::new(ALL)),
            index: Index::new(disk.next_id()),
            finder: Mutex::new(disk.clone()),
            lanes: (0..CLIENTS).map(|_| VecDeque::new()).collect(),
            transfers: Vec::new(),
            booked,
        }
    }

    fn report(&mut self, tally: &Tally, client: usize, event: Event<()>) {
        self.lanes[client].push_back(Report { path: tally.path().to_owned(), client, event });
    }
}

impl Life {
    fn new(seed: u64, weather: Weather) -> Self {
        let disk = Model::default();
        let process = Process::start(&disk, Oracle::default());
        Self {
            dice: Dice(seed),
            weather,
            disk,
            process,
            now: 0,
            committed: Oracle::default(),
            printed: BTreeSet::new(),
        }
    }

    fn day(&self) -> Day {
        Day(20_000 + (self.now / 60) as u32)
    }

    /// A client asks, and may be answered at once.
    fn request(&mut self) {
        let path = PATHS[self.dice.below(PATHS.len() as u64) as usize];
        let tally = self.process.index.resource(path.as_bytes(), &self.process.finder);
        let client = self.dice.below(CLIENTS as u64) as usize;
        let kind = [Kind::Full, Kind::Full, Kind::Partial, Kind::Partial, Kind::Head, Kind::NotModified]
            [self.dice.below(6) as usize];
        let first = if kind == Kind::Partial { self.dice.below(LENGTH) } else { 0 };
        let mut request = tally.take_number(kind, self.day());
        if self.dice.one_in(2) {
            request.announced = Announced::Yes;
            let event = Event::Began { resource: request.resource, day: request.day, kind };
            self.process.report(&tally, client, event);
        }
        let transfer = Transfer { tally, client, request, first, began: Moment(self.now) };
        self.process.transfers.push(transfer);
        if self.dice.one_in(3) {
            self.end(self.process.transfers.len() - 1);
        }
    }

    /// A response ends.
    fn end(&mut self, at: usize) {
        let Transfer { tally, client, request, first, began } = self.process.transfers.swap_remove(at);
        let last =
            if request.kind == Kind::Partial { first + 1 + self.dice.below(LENGTH - first) } else { LENGTH };
        let (outcome, end) = match self.dice.below(3) {
            0 => (Outcome::Aborted, first + self.dice.below(last - first)),
            _ => (Outcome::Completed, last),
        };
        let received = match request.kind {
            Kind::Head | Kind::NotModified => Received::Nothing,
            Kind::Full | Kind::Partial => Received::Single(first..end),
        };
        let delivery = Delivery {
            client: Client { address: Ipv4Addr::from(client as u32).into(), port: 1, agent: 1 },
            representation: Representation { entity_tag: self.dice.below(5) / 4, complete_length: LENGTH },
            received,
            written_to: end + self.dice.below(last - end + 1),
            outcome,
            began,
            ended: Moment(self.now),
            line: (),
            request,
        };
        self.process.report(&tally, client, Event::Ended(delivery));
    }

    /// The writer's round, with some of what each worker reported.
    fn round(&mut self) {
        let Process { book, index, lanes, booked, .. } = &mut self.process;
        for lane in lanes {
            let seen = self.dice.below(lane.len() as u64 + 1) as usize;
            book.adopt(index.newcomers());
            for report in lane.drain(..seen) {
                booked.book(&report);
                book.book(report.event);
            }
        }
        self.commit();
    }

    fn commit(&mut self) {
        let commits = self.disk.0.borrow().commits;
        let Process { book, index, booked, .. } = &mut self.process;
        let result = book.commit();
        if self.disk.0.borrow().commits > commits {
            self.committed = booked.clone();
        }
        if result.is_err() && self.weather == Weather::FailuresAndKills && self.dice.one_in(4) {
            // Killed with the commit's fate unknown, before anything is printed.
            return self.kill();
        }
        let lines = Lines::default();
        let printed = Arc::clone(&lines.0);
        book.hand_on(&mut { lines });
        for (path, number) in printed.lock().unwrap().drain(..) {
            Printer(&mut self.printed).print(&path, number);
        }
        book.forget_idle(index);
        self.check_disk();
    }

    fn kill(&mut self) {
        self.check_disk();
        self.disk.0.borrow_mut().faults.clear();
        self.disk.recover();
        self.committed.restart();
        self.process = Process::start(&self.disk, self.committed.clone());
        self.check_disk();
    }

    /// The disk is what the oracle says, the laws hold, and every printed number is in it.
    fn check_disk(&self) {
        let disk = self.disk.0.borrow();
        let path_of = |resource: ResourceId| {
            disk.resources.iter().find(|(_, stored)| stored.resource == resource).unwrap().0.clone()
        };
        let days: BTreeMap<_, _> = disk
            .days
            .iter()
            .map(|((resource, day), counters)| ((path_of(*resource), *day), *counters))
            .collect();
        for (key, counters) in &self.committed.totals {
            assert_eq!(days.get(key), Some(counters), "{key:?}");
        }
        assert_eq!(days.len(), self.committed.totals.len());
        for (path, Stored { totals, .. }) in &disk.resources {
            assert_eq!(totals.broken_laws().collect::<Vec<_>>(), [], "{path} {totals:?}");
            let mut sum = Counters::default();
            days.iter().filter(|((of, _), _)| of == path).for_each(|(_, counters)| sum.add(counters));
            assert_eq!(totals.counters, sum, "{path}");
        }
        for (path, number) in &self.printed {
            let requests = disk.resources[path.as_str()].totals.counters.requests;
            assert!(*number <= requests, "{path} {number} is printed, but {requests} are committed");
        }
    }

    /// Ends all transfers, and lets the writer see and commit everything.
    fn finish(&mut self) {
        self.disk.0.borrow_mut().faults.clear();
        while !self.process.transfers.is_empty() {
            self.end(0);
        }
        let Process { book, index, lanes, booked, .. } = &mut self.process;
        book.adopt(index.newcomers());
        for report in lanes.iter_mut().flat_map(|lane| lane.drain(..)) {
            booked.book(&report);
            book.book(report.event);
        }
        self.commit();
        assert_eq!(self.process.book.waiting(), 0, "lines are held back for ever");
    }
}

/// Which troubles a seed meets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Weather {
    Fair,
    Failures,
    FailuresAndKills,
}

fn live(seed: u64, weather: Weather, steps: u64) -> Life {
    let mut life = Life::new(seed, weather);
    for _ in 0..steps {
        life.now += life.dice.below(3);
        match life.dice.below(8) {
            0..=3 => life.request(),
            4..=5 if !life.process.transfers.is_empty() => {
                let at = life.dice.below(life.process.transfers.len() as u64) as usize;
                life.end(at);
            }
            _ => life.round(),
        }
        if weather != Weather::Fair && life.dice.one_in(10) {
            let fault = match life.dice.below(3) {
                0 => Fault::None,
                1 => Fault::Before(Trouble::Full),
                _ => Fault::After,
            };
            life.disk.0.borrow_mut().faults.push_back(fault);
        }
        if weather == Weather::FailuresAndKills && life.dice.one_in(40) {
            life.kill();
        }
    }
    life.finish();
    life
}

#[test]
fn in_fair_weather_every_request_is_counted_and_every_number_printed() {
    for seed in 0..60 {
        let life = live(seed, Weather::Fair, 1_000);
        for (path, Stored { totals, .. }) in &life.disk.0.borrow().resources {
            let printed: Vec<u64> =
                life.printed.iter().filter(|(of, _)| of == path).map(|(_, number)| *number).collect();
            let expected: Vec<u64> = (1..=totals.counters.requests).collect();
            assert_eq!(printed, expected, "seed {seed}, {path}");
        }
    }
}

#[test]
fn a_failing_store_costs_nothing() {
    for seed in 0..60 {
        let life = live(seed, Weather::Failures, 1_000);
        let requests: u64 =
            life.disk.0.borrow().resources.values().map(|stored| stored.totals.counters.requests).sum();
        assert_eq!(life.printed.len() as u64, requests, "seed {seed}");
    }
}

#[test]
fn a_kill_at_any_moment_costs_only_what_was_not_printed() {
    for seed in 0..120 {
        live(seed, Weather::FailuresAndKills, 1_000);
    }
}
