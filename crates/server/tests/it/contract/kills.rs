//! A server that is killed at random moments under load, again and again on one ledger, and one that is asked to end.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::harness::{
    Books, Conn, Content, Delivery, Protocol, SOON, Server, Site, Stdout, deliveries, noise,
    on_every_protocol,
};

on_every_protocol! {
    kills_lose_nothing_that_was_printed,
    what_clients_received_is_what_is_counted_after_sigterm,
}

/// How often a server is killed whose clients speak this: most often the one with the fewest layers in between.
fn rounds(protocol: Protocol) -> u64 {
    match protocol {
        Protocol::Http1 => 60,
        Protocol::Http1Tls | Protocol::Http2 | Protocol::Http3 => 15,
    }
}

/// How long a client waits, in a protocol in which nobody tells it that a server was killed.
const PATIENCE: Duration = Duration::from_millis(250);

const CLIENTS: usize = 3;
/// Small ones and one that is in flight for most of a round.
const FILES: [(&str, usize); 3] = [("/small", 700), ("/medium", 90_000), ("/large", 5_000_000)];

/// More than the ledger's writer needs to see a load that does not pause.
const LONG_LOAD: Duration = Duration::from_millis(500);

/// What a kill may cost, as load: the numbers that are lost, in the time in which that many are taken.
const LOSS: Duration = Duration::from_millis(10);
/// On a machine that others use, the writer's thread may have to wait for its turn when it is due: that is rare, and this
/// bounds how long. The disk is not: no commit waits for it.
const LOSS_BEHIND_OTHERS: Duration = Duration::from_millis(100);

fn site() -> Site {
    let site = Site::new();
    for (seed, (path, length)) in FILES.into_iter().enumerate() {
        site.file(&path[1..], noise(length, seed as u64));
    }
    site
}

/// When each whole answer had arrived, by path.
type Receipts = BTreeMap<&'static str, Vec<Instant>>;

/// Asks for one file after the other on one connection until that breaks or `stop` says so.
fn ask_on(mut conn: Conn, client: usize, stop: &AtomicBool) -> Receipts {
    let mut receipts = Receipts::new();
    for turn in client.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        // Mostly small ones: they are what commits lag behind.
        let (path, length) = FILES[if turn % 40 == 39 { 2 } else { usize::from(turn % 8 == 7) }];
        if conn.try_send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes()).is_err() {
            break;
        }
        match conn.try_next(Content::Sent) {
            Some(answer) if answer.content.len() == length => {
                receipts.entry(path).or_default().push(Instant::now());
            }
            _ => break,
        }
    }
    // A client that goes first may reset the connection before all that it has is known to have arrived.
    conn.end();
    receipts
}

/// Lets clients load the server until `end` has done its part; what they received.
fn under_load<T>(server: &Server, end: impl FnOnce() -> T) -> (Receipts, T) {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                // Before the load begins: the end may come before a client has its first turn.
                let (mut conn, stop) = (server.connect(), &stop);
                match server.protocol() {
                    Protocol::Http3 => conn.set_patience(PATIENCE),
                    Protocol::Http1 | Protocol::Http1Tls | Protocol::Http2 => {}
                }
                scope.spawn(move || ask_on(conn, client, stop))
            })
            .collect();
        let ended = end();
        stop.store(true, Ordering::Relaxed);
        let mut all = Receipts::new();
        for client in clients {
            for (path, times) in client.join().expect("a client that passed") {
                all.entry(path).or_default().extend(times);
            }
        }
        (all, ended)
    })
}

/// Every line of a server that has ended.
fn all_lines(server: &Server) -> Vec<Delivery> {
    server.stdout().wait_for_end();
    deliveries(&server.stdout().all())
}

/// One round's load: how many answers arrived in which time, and how many of their numbers the ledger does not know.
#[derive(Default)]
struct Load {
    received: u64,
    lost: u64,
    first: Option<Instant>,
}

impl Load {
    fn add(&mut self, times: &[Instant], committed: u64) {
        let received = times.len() as u64;
        self.received += received;
        // Numbers of answers that had not arrived may be committed, too.
        self.lost += received.saturating_sub(committed);
        self.first = self.first.into_iter().chain(times.iter().copied()).min();
    }

    /// The time in which as many answers arrived as were lost.
    fn loss(&self, killed: Instant) -> Duration {
        let Some(first) = self.first else { return Duration::ZERO };
        killed.saturating_duration_since(first).mul_f64(self.lost as f64 / self.received as f64)
    }
}

fn kills_lose_nothing_that_was_printed(protocol: Protocol) {
    let site = site();
    let books = Books::of(&site);
    let mut printed: HashSet<(String, u64)> = HashSet::new();
    let (mut losses, mut aborted_by_kills, mut received) = (Vec::new(), 0, 0);
    let rounds = rounds(protocol);
    for round in 0..rounds {
        let before = if books.file.exists() { books.all() } else { BTreeMap::new() };
        let mut server = Server::launch_over(
            protocol,
            &site,
            books.server(&site).args(["--workers", "2"]),
            Stdout::Followed,
        );
        let resumed = books.all();
        for (path, counted) in &resumed {
            assert_eq!(counted.in_flight(), 0, "round {round}: {path} was found in flight");
            assert_eq!(counted.requests, before[path].requests, "round {round}: {path}");
            aborted_by_kills += counted.aborted - before[path].aborted;
        }
        books.check_laws();
        // A moment that no rhythm of the server can agree with, up to some tens of milliseconds, at times after so much
        // load that the ledger commits blobs instead of rows.
        let load = if round % 4 == 3 { LONG_LOAD } else { Duration::ZERO };
        let moment = load + Duration::from_micros(2_000 + round * 7_919 % 60_000);
        let (receipts, killed) = under_load(&server, || {
            thread::sleep(moment);
            let killed = Instant::now();
            server.signal(Signal::KILL);
            killed
        });
        server.wait_for_exit(SOON);
        let after = books.all();
        books.check_laws();
        for delivery in all_lines(&server) {
            let counted = after.get(&delivery.path).map_or(0, |counted| counted.requests);
            let first = resumed.get(&delivery.path).map_or(1, |counted| counted.requests + 1);
            assert!(
                (first..=counted).contains(&delivery.n),
                "{delivery:?} of {first}..={counted}, round {round}"
            );
            assert!(printed.insert((delivery.path, delivery.n)), "printed twice, round {round}");
        }
        let mut load = Load::default();
        for (path, times) in receipts {
            let requests =
                |all: &BTreeMap<String, tallyd_ledger::Counters>| all.get(path).map_or(0, |it| it.requests);
            load.add(&times, requests(&after) - requests(&resumed));
        }
        received += load.received;
        losses.push(load.loss(killed));
    }
    losses.sort_unstable();
    println!(
        "{rounds} kills: {received} answers received, {} numbers printed, {aborted_by_kills} transfers found aborted; \
         loss in time of load: median {:?}, of nine in ten at most {:?}, worst {:?}",
        printed.len(),
        losses[losses.len() / 2],
        losses[losses.len() * 9 / 10],
        losses[losses.len() - 1],
    );
    assert!(printed.len() as u64 > rounds * 15 && aborted_by_kills > 0, "hardly any load");
    assert!(losses[losses.len() * 3 / 4] <= LOSS, "{losses:?}");
    assert!(losses[losses.len() - 1] <= LOSS_BEHIND_OTHERS, "{losses:?}");
}

fn what_clients_received_is_what_is_counted_after_sigterm(protocol: Protocol) {
    let site = site();
    let books = Books::of(&site);
    let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
    let mut printed = 0;
    for round in 0..5 {
        let mut server = Server::launch_over(
            protocol,
            &site,
            books.server(&site).args(["--workers", "2"]),
            Stdout::Followed,
        );
        let (receipts, ()) = under_load(&server, || {
            thread::sleep(Duration::from_millis(100 + round * 37));
            server.signal(Signal::TERM);
        });
        assert!(server.wait_for_exit(SOON).success());
        books.check_laws();
        for (path, times) in receipts {
            *sums.entry(path).or_default() += times.len() as u64;
        }
        let counted = books.all();
        for (path, sum) in &sums {
            let it = &counted[*path];
            let length = FILES.iter().find(|file| file.0 == *path).expect("one of ours").1 as u64;
            let expect = (*sum, *sum, *sum, 0, *sum * length);
            assert_eq!(
                (it.requests, it.completed, it.downloads, it.aborted, it.bytes),
                expect,
                "{path}, {round}"
            );
        }
        printed += all_lines(&server).len() as u64;
        assert_eq!(printed, sums.values().sum::<u64>(), "round {round}");
    }
}
