//! A server whose tally is looked at, and its clients.

use super::frames::{Frames, INITIAL_WINDOW_SIZE};
use crate::harness::{Books, Server, Site, Stdout, counters, noise};

/// How long `/f` is, in bytes.
pub(super) const LENGTH: usize = 1_000_000;
/// How long `/middle` is, in bytes: what a server's system takes at once, and that of a client with little room does not.
pub(super) const MIDDLE: usize = 100_000;

/// More than any window in these tests: flow control is another's business.
pub(super) const ENOUGH: u32 = 0x3fff_ffff;

/// A server that counts, with some files.
pub(super) struct Shop {
    pub(super) site: Site,
    pub(super) books: Books,
    pub(super) server: Server,
}

impl Shop {
    pub(super) fn open(arguments: &[&str]) -> Self {
        let site = Site::new();
        site.file("f", noise(LENGTH, 1));
        site.file("middle", noise(MIDDLE, 2));
        site.file("small", "content");
        site.file("empty", "");
        let books = Books::of(&site);
        let server = Server::launch(books.server(&site).args(arguments), Stdout::Followed);
        Self { site, books, server }
    }

    /// A connection on which everything is granted.
    pub(super) fn connect(&self) -> Frames {
        let mut conn = Frames::open(self.server.address(), &[(INITIAL_WINDOW_SIZE, ENOUGH)]);
        conn.grant(0, ENOUGH as usize);
        conn
    }

    /// Waits until a file is counted like this; returns how many bytes were.
    #[track_caller]
    pub(super) fn counted(&self, path: &str, text: &str) -> u64 {
        let expect = counters(text);
        let found = self
            .books
            .wait_for(path, text, |counted| tallyd_ledger::Counters { bytes: 0, ..*counted } == expect);
        self.books.check_laws();
        found.bytes
    }
}
