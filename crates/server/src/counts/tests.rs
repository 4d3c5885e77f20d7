//! What the tests of all forms stand on: tallies made by hand, and a page to print them on.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

use tallyd_ledger::query::Tallied;
use tallyd_ledger::{Counters, Day};

use super::Report;

/// A tally with the figures in the order of the contract.
pub(super) fn row(path: &str, day: Option<u32>, figures: [u64; 9]) -> Tallied {
    let [requests, head, full, partial, not_modified, completed, aborted, downloads, bytes] = figures;
    let counters =
        Counters { requests, head, full, partial, not_modified, completed, aborted, downloads, bytes };
    Tallied { path: path.to_owned(), day: day.map(Day), counters }
}

/// Text in memory that can be read when the report has taken its end of it.
#[derive(Clone, Default)]
pub(super) struct Page(Rc<RefCell<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Checks what a report of these tallies says.
pub(super) fn check<R: Report>(report: impl FnOnce(Page) -> R, tallies: Vec<Tallied>, expect: &str) {
    let page = Page::default();
    let mut report = report(page.clone());
    for tallied in tallies {
        report.tallied(tallied).expect("memory takes all");
    }
    report.end().expect("memory takes all");
    assert_eq!(String::from_utf8(page.0.take()).expect("text"), expect);
}
