//! How a row of the contract's table is checked: a visit with sockets of its own to a file of its own, what it
//! must leave in the ledger, and the laws after it.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::process::Signal;
use tallyd_ledger::Counters;

use crate::harness::{
    Answer, Books, Conn, Protocol, SMALL_WINDOW, SOON, Server, Site, Stdout, Window, counters, eventually,
    noise,
};

/// One row's file, and the means to ask for it.
pub(super) struct Visit<'a> {
    pub(super) server: &'a Server,
    pub(super) site: &'a Site,
    pub(super) books: &'a Books,
    pub(super) path: String,
}

/// How a client ends an answer of which more is to come.
#[derive(Clone, Copy)]
pub(super) enum Leaving {
    /// It gives up the stream of the answer, and keeps the connection: `RST_STREAM`, `STOP_SENDING`.
    Stream,
    /// With a reset of the connection, as when a program is killed; in HTTP/3 with `CONNECTION_CLOSE`.
    Reset,
    /// With the end of its own side first: FIN.
    Fin,
}

impl Leaving {
    /// All that there are in this protocol.
    pub(super) fn all(protocol: Protocol) -> &'static [Self] {
        match protocol {
            Protocol::Http1 | Protocol::Http1Tls => &[Self::Reset, Self::Fin],
            Protocol::Http2 => &[Self::Stream, Self::Reset, Self::Fin],
            Protocol::Http3 => &[Self::Stream, Self::Reset],
        }
    }
}

/// What is asked for, besides the path.
#[derive(Clone, Copy, Default)]
pub(super) struct Ask<'a> {
    /// Whole lines.
    pub(super) fields: &'a str,
    pub(super) from: Option<IpAddr>,
}

impl Visit<'_> {
    pub(super) fn connect(&self, from: Option<IpAddr>, window: Window) -> Conn {
        self.server.connect_as(from, window)
    }

    pub(super) fn request(&self, fields: &str) -> String {
        format!("GET {} HTTP/1.1\r\nHost: a\r\nUser-Agent: row\r\n{fields}\r\n", self.path)
    }

    /// Waits until every change up to now is old enough for a strong entity tag.
    pub(super) fn settle(&self) {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        // A new name, because of an old one the server may still remember the tag.
        let name = format!("settling-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.site.file(&name, "settling");
        let tag = || self.server.connect().head(&format!("/{name}")).field("ETag").map(drop);
        eventually("files get entity tags", SOON, tag);
    }

    /// Waits for the first line of this row's file: a request of it has ended.
    pub(super) fn wait_for_line(&self) {
        let start = format!("{}|", self.path.replace("%20", " "));
        self.server
            .stdout()
            .wait_for("a line", |lines| lines.iter().any(|line| line.starts_with(&start)).then_some(()));
    }

    /// Waits until the ledger knows of `requests` requests, ended or not.
    pub(super) fn wait_until_begun(&self, requests: u64) {
        self.books.wait_for(&self.path.replace("%20", " "), "begun", |counted| counted.requests == requests);
    }

    /// One GET on a connection of its own, read to its end.
    pub(super) fn get(&self, fields: &str) -> Answer {
        self.ask(Ask { fields, from: None })
    }

    pub(super) fn ask(&self, ask: Ask<'_>) -> Answer {
        let mut conn = self.connect(ask.from, Window::Usual);
        conn.send(self.request(ask.fields));
        conn.answer()
    }

    /// One GET of which the client, whose system takes in little ahead of it, has read and acknowledged `length` bytes.
    pub(super) fn take_a_part(&self, fields: &str, length: u64) -> (Answer, Conn) {
        let mut conn = self.connect(None, Window::Small);
        conn.send(self.request(fields));
        let head = conn.next_head().expect("an answer");
        assert_eq!(conn.take(length as usize).len() as u64, length);
        conn.acknowledge();
        (head, conn)
    }

    /// One GET that is left after `length` bytes of its content; its head, and how many of its bytes the ledger may
    /// count.
    pub(super) fn leave(&self, fields: &str, length: u64, leaving: Leaving) -> (Answer, RangeInclusive<u64>) {
        let (head, mut conn) = self.take_a_part(fields, length);
        match leaving {
            Leaving::Stream => {
                conn.cancel();
                assert_eq!(conn.get("/nothing").status, 404, "the connection goes on");
            }
            Leaving::Reset => conn.reset(),
            // Dropping it then resets it, because there is more than was read.
            Leaving::Fin => conn.finish_sending(),
        }
        (head, length - self.server.protocol().unacknowledged()..=length + SMALL_WINDOW)
    }
}

/// Runs a row and checks what it leaves; the name of its file comes from the text of the row.
pub(super) struct Table {
    site: Site,
    books: Books,
    server: Server,
    rows: Vec<(String, Counters)>,
}

impl Table {
    pub(super) fn new(protocol: Protocol, arguments: &[&str]) -> Self {
        let site = Site::new();
        let books = Books::of(&site);
        let server =
            Server::launch_over(protocol, &site, books.server(&site).args(arguments), Stdout::Followed);
        Self { site, books, server, rows: Vec::new() }
    }

    /// A row with a file of `length` bytes; `scenario` says how many bytes the ledger may count.
    #[track_caller]
    pub(super) fn check(
        &mut self,
        row: &str,
        length: u64,
        scenario: impl FnOnce(&Visit<'_>) -> RangeInclusive<u64>,
        expect: &str,
    ) {
        let path = format!("/row {}.bin", self.rows.len());
        self.site.file(&path[1..], noise(length as usize, self.rows.len() as u64));
        let target = path.replace(' ', "%20");
        let bytes =
            scenario(&Visit { server: &self.server, site: &self.site, books: &self.books, path: target });
        let expect = counters(expect);
        let counted = self.books.wait_for(&path, &format!("{row}: {expect:?} with {bytes:?}"), |counted| {
            Counters { bytes: 0, ..*counted } == expect && bytes.contains(&counted.bytes)
        });
        self.books.check_laws();
        self.rows.push((path, counted));
    }

    /// Nothing comes later, and each number was printed once.
    pub(super) fn finish(mut self) {
        self.server.signal(Signal::TERM);
        assert!(self.server.wait_for_exit(SOON).success());
        self.books.check_laws();
        let printed: u64 = self.books.all().values().map(|counted| counted.requests).sum();
        let deliveries = self.server.stdout().wait_for_deliveries(printed as usize);
        for (path, counted) in self.rows {
            assert_eq!(self.books.tally(&path), counted, "{path}");
            let mut numbers: Vec<u64> =
                deliveries.iter().filter(|it| it.path == path).map(|it| it.n).collect();
            numbers.sort_unstable();
            assert_eq!(numbers, (1..=counted.requests).collect::<Vec<_>>(), "{path}");
        }
    }
}

/// Bytes that are known to the last one.
pub(super) fn exactly(bytes: u64) -> RangeInclusive<u64> {
    bytes..=bytes
}
