//! Thousands of random requests of several clients at once, and the tally that a naive bookkeeper makes of what the
//! clients themselves saw.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::ops::Range;
use std::thread;

use rustix::process::Signal;
use tallyd_ledger::Counters;

use crate::harness::{
    Answer, Books, Conn, Content, Protocol, SMALL_WINDOW, SOON, Server, Site, Stdout, Window, eventually,
    noise, on_every_protocol,
};

on_every_protocol! {
    random_requests_are_counted_as_a_naive_bookkeeper_does,
}

const SEEDS: [u64; 3] = [1, 2, 3];
/// Between two rounds files are replaced, while nobody asks.
const ROUNDS: u64 = 8;
const CLIENTS: u64 = 6;
const REQUESTS: u64 = 60;

/// Ranges begin and end at multiples of this, and what a cut answer brings beyond what its client read is less: so it
/// never matters which of these bytes were acknowledged. (It is odd, so that no buffer of the kernel ends there.)
const CHUNK: u64 = 65_521;
/// Lengths in chunks; a file of 0 is empty, and the last is sent from memory.
const FILES: [(&str, u64); 5] = [("/0", 0), ("/2", 2), ("/5", 5), ("/9", 9), ("/small", 0)];
const SMALL: u64 = 300;

fn length(path: &str) -> u64 {
    let chunks = FILES.iter().find(|file| file.0 == path).expect("one of ours").1;
    if path == "/small" { SMALL } else { chunks * CHUNK }
}

/// A small linear generator (Knuth's constants): the same draws in every run.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// What one client knows: its counts, and which bytes it has of which version.
#[derive(Default)]
struct Bookkeeper {
    counted: BTreeMap<&'static str, Counters>,
    /// Bytes that may have been acknowledged beyond those in `counted`.
    in_doubt: BTreeMap<&'static str, u64>,
    has: HashMap<(&'static str, String), Vec<bool>>,
}

impl Bookkeeper {
    fn book(&mut self, path: &'static str, kind: impl FnOnce(&mut Counters) -> &mut u64) -> &mut Counters {
        let counted = self.counted.entry(path).or_default();
        counted.requests += 1;
        *kind(counted) += 1;
        counted
    }

    fn book_whole(&mut self, path: &'static str) {
        let counted = self.book(path, |counted| &mut counted.full);
        counted.completed += 1;
        counted.downloads += 1;
        counted.bytes += length(path);
    }

    fn book_cut(&mut self, path: &'static str, tag: &str, status: u16, read: Range<u64>) {
        let counted = self.book(path, |counted| match status {
            200 => &mut counted.full,
            _ => &mut counted.partial,
        });
        counted.aborted += 1;
        counted.bytes += read.end - read.start;
        *self.in_doubt.entry(path).or_default() += SMALL_WINDOW;
        self.receive(path, tag, &[read]);
    }

    fn book_part(&mut self, path: &'static str, tag: &str, ranges: &[Range<u64>]) {
        let counted = self.book(path, |counted| &mut counted.partial);
        counted.completed += 1;
        counted.bytes += ranges.iter().map(|range| range.end - range.start).sum::<u64>();
        self.receive(path, tag, ranges);
    }

    fn receive(&mut self, path: &'static str, tag: &str, ranges: &[Range<u64>]) {
        let has =
            self.has.entry((path, tag.to_owned())).or_insert_with(|| vec![false; length(path) as usize]);
        for range in ranges {
            has[range.start as usize..range.end as usize].fill(true);
        }
        if has.iter().all(|byte| *byte) {
            has.fill(false);
            self.counted.entry(path).or_default().downloads += 1;
        }
    }
}

/// A client: an address and a user agent of its own.
struct Client<'a> {
    server: &'a Server,
    number: u64,
    draw: Draw,
    books: Bookkeeper,
    conn: Option<Conn>,
}

impl Client<'_> {
    fn head(&self, method: &str, path: &str, fields: &str) -> String {
        format!("{method} {path} HTTP/1.1\r\nHost: a\r\nUser-Agent: {}\r\n{fields}\r\n", self.number % 2)
    }

    fn connect(&self, window: Window) -> Conn {
        // Two user agents behind each address.
        let address = IpAddr::from([127, 0, 0, 2 + (self.number / 2) as u8]);
        self.server.connect_as(Some(address), window)
    }

    /// One exchange, on the connection of the last one or on a new one.
    fn exchange(&mut self, method: &str, path: &str, fields: &str) -> Answer {
        let request = self.head(method, path, fields);
        let mut conn = match self.conn.take() {
            Some(conn) if self.draw.below(4) > 0 => conn,
            Some(_) | None => self.connect(Window::Usual),
        };
        conn.send(request);
        let content = if method == "HEAD" { Content::Withheld } else { Content::Sent };
        let answer = conn.next(content).expect("an answer");
        assert!(method == "HEAD" || answer.status == 304 || answer.is_whole(), "cut");
        self.conn = Some(conn);
        answer
    }

    fn run(mut self) -> (Bookkeeper, Draw) {
        for _ in 0..REQUESTS {
            let path = FILES[self.draw.below(FILES.len() as u64) as usize].0;
            match self.draw.below(12) {
                0 | 1 => self.whole(path),
                2 => {
                    assert_eq!(self.exchange("HEAD", path, "").status, 200);
                    self.books.book(path, |counted| &mut counted.head);
                }
                3 => {
                    assert_eq!(self.exchange("GET", path, "If-None-Match: *\r\n").status, 304);
                    self.books.book(path, |counted| &mut counted.not_modified);
                }
                4 => assert_eq!(self.exchange("GET", path, "If-Match: \"x\"\r\n").status, 412),
                5 => assert_eq!(self.exchange("GET", "/missing", "").status, 404),
                6 => assert_eq!(self.exchange("GET", path, "Range: bytes=9999999-\r\n").status, 416),
                7 | 8 => self.cut(path),
                _ => self.parts(path),
            }
        }
        (self.books, self.draw)
    }

    fn whole(&mut self, path: &'static str) {
        let answer = self.exchange("GET", path, "");
        assert_eq!((answer.status, answer.content.len() as u64), (200, length(path)));
        self.books.book_whole(path);
    }

    /// One range or two; a probe now and then. What a range of an empty file is, is not asked here.
    fn parts(&mut self, path: &'static str) {
        let (length, chunks) = (length(path), length(path) / CHUNK);
        if length == 0 {
            return self.whole(path);
        }
        let draw = &mut self.draw;
        let mut ranges = vec![match (draw.below(6), chunks) {
            (0, _) => 0..1,
            (1, _) => length - 22..length,
            (_, 0) => 0..length,
            (_, _) => {
                let first = draw.below(chunks);
                first * CHUNK..(first + 1 + draw.below(chunks - first)) * CHUNK
            }
        }];
        if chunks > 4 && draw.below(3) == 0 && ranges[0].end + 1_000 < length - 22 {
            ranges.push(length - 22..length);
        }
        let spec: Vec<String> = ranges.iter().map(|it| format!("{}-{}", it.start, it.end - 1)).collect();
        let request = self.head("GET", path, &format!("Range: bytes={}\r\n", spec.join(",")));
        // What comes next may be booked first: it must not matter.
        let mut conn = self.connect(Window::Usual);
        conn.send(request);
        let answer = conn.answer();
        assert_eq!(answer.status, 206, "{path} {spec:?}");
        let tag = answer.field("ETag").expect("a settled file").to_owned();
        self.books.book_part(path, &tag, &ranges);
    }

    /// Begins an answer to the end of the file, reads some of it, and resets or closes the connection, or gives up the stream.
    fn cut(&mut self, path: &'static str) {
        let chunks = length(path) / CHUNK;
        if chunks < 2 {
            return self.whole(path);
        }
        let first = self.draw.below(chunks - 1);
        // At least one chunk is left, so that the answer cannot have arrived whole.
        let least = self.server.protocol().unacknowledged();
        let rest = least + self.draw.below(CHUNK - SMALL_WINDOW - least);
        let read = self.draw.below(chunks - 1 - first) * CHUNK + rest;
        let range = if first == 0 { String::new() } else { format!("Range: bytes={}-\r\n", first * CHUNK) };
        let request = self.head("GET", path, &range);
        let is_reset = self.draw.below(2) == 0;
        let mut conn = self.connect(Window::Small);
        conn.send(request);
        let head = conn.next_head().expect("an answer");
        assert_eq!(conn.take(read as usize).len() as u64, read);
        conn.acknowledge();
        // Dropping it then resets it with or without the end of this side first: more has come than was read.
        match (is_reset, self.server.protocol().has_streams()) {
            (true, _) => conn.reset_on_drop(),
            (false, true) => conn.cancel(),
            (false, false) => conn.finish_sending(),
        }
        let tag = head.field("ETag").expect("a settled file").to_owned();
        self.books.book_cut(path, &tag, head.status, first * CHUNK..first * CHUNK + read);
    }
}

/// Writes new versions under the names of these files, and waits until they are settled and served.
fn replace(site: &Site, server: &Server, paths: impl Iterator<Item = &'static str>, seed: u64) {
    for path in paths {
        let new = site.around().join("new");
        std::fs::write(&new, noise(length(path) as usize, seed)).expect("a new file");
        std::fs::rename(new, site.path(&path[1..])).expect("replaced");
    }
    // A new name, because of an old one the server may still remember the tag.
    let name = format!("settling-{seed}");
    site.file(&name, "settling");
    let tag = || server.connect().head(&format!("/{name}")).field("ETag").map(drop);
    eventually("files get entity tags", SOON, tag);
}

fn agrees(protocol: Protocol, seed: u64) -> u64 {
    let site = Site::new();
    let books = Books::of(&site);
    let mut server =
        Server::launch_over(protocol, &site, books.server(&site).args(["--workers", "2"]), Stdout::Followed);
    let mut draw = Draw(seed);
    let mut clients: Vec<(Bookkeeper, Draw)> =
        (0..CLIENTS).map(|number| (Bookkeeper::default(), Draw(seed << 8 | number))).collect();
    for round in 0..ROUNDS {
        let replaced = FILES.iter().map(|file| file.0).filter(|_| round == 0 || draw.below(3) == 0);
        replace(&site, &server, replaced.collect::<Vec<_>>().into_iter(), seed + round);
        clients = thread::scope(|scope| {
            let running: Vec<_> = (0..)
                .zip(clients)
                .map(|(number, (books, draw))| {
                    let client = Client { server: &server, number, draw, books, conn: None };
                    scope.spawn(move || client.run())
                })
                .collect();
            running.into_iter().map(|client| client.join().expect("a client that passed")).collect()
        });
    }
    server.signal(Signal::TERM);
    assert!(server.wait_for_exit(SOON).success());
    books.check_laws();
    let mut requests = 0;
    for (path, _) in FILES {
        let counted = books.tally(path);
        let sum = |figure: fn(&Counters) -> u64| -> u64 {
            clients.iter().filter_map(|(books, _)| books.counted.get(path)).map(figure).sum()
        };
        let expect = Counters {
            requests: sum(|it| it.requests),
            head: sum(|it| it.head),
            full: sum(|it| it.full),
            partial: sum(|it| it.partial),
            not_modified: sum(|it| it.not_modified),
            completed: sum(|it| it.completed),
            aborted: sum(|it| it.aborted),
            downloads: sum(|it| it.downloads),
            bytes: counted.bytes,
        };
        assert_eq!(counted, expect, "{path}, seed {seed}");
        let least = sum(|it| it.bytes) - sum(|it| it.aborted) * protocol.unacknowledged();
        let doubt: u64 = clients.iter().filter_map(|(books, _)| books.in_doubt.get(path)).sum();
        assert!(
            (least..=sum(|it| it.bytes) + doubt).contains(&counted.bytes),
            "{path}: {least} + {doubt}, {}",
            counted.bytes
        );
        requests += counted.requests;
    }
    requests
}

fn random_requests_are_counted_as_a_naive_bookkeeper_does(protocol: Protocol) {
    let requests: u64 = SEEDS.into_iter().map(|seed| agrees(protocol, seed)).sum();
    println!("{} requests sent, {requests} counted, all figures equal", ROUNDS * CLIENTS * REQUESTS * 3);
}
