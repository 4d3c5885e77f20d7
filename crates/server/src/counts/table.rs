//! Tallies as a table for people: what they ask about first, sizes in units, and the sums below.

use std::io::{self, Write};

use tallyd_ledger::Counters;
use tallyd_ledger::query::Tallied;

use super::Report;
use crate::config::Lines;
use crate::date;
use crate::figures::{grouped, size};

/// The columns before the path, and where their figures come from.
const COLUMNS: [Column; 5] = [
    ("downloads", |counters| counters.downloads),
    ("requests", |counters| counters.requests),
    ("completed", |counters| counters.completed),
    ("aborted", |counters| counters.aborted),
    ("in flight", Counters::in_flight),
];

type Column = (&'static str, fn(&Counters) -> u64);

/// The widest size: `1023.9 KiB`.
const SIZE_WIDTH: usize = 10;

/// A table that is being gathered: how wide it is shows only at its end.
pub(super) struct Table<W> {
    output: W,
    lines: Lines,
    tallies: Vec<Tallied>,
    sums: [u64; COLUMNS.len()],
    bytes: u64,
}

impl<W: Write> Table<W> {
    pub(super) fn new(output: W, lines: Lines) -> Table<W> {
        Table { output, lines, tallies: Vec::new(), sums: [0; COLUMNS.len()], bytes: 0 }
    }

    /// One line; the columns stand to the right, the path begins at one place.
    fn line(&mut self, cells: [&str; COLUMNS.len()], bytes: &str, day: &str, path: &str) -> io::Result<()> {
        // No figure is wider than the sum.
        for ((title, _), (sum, cell)) in COLUMNS.iter().zip(self.sums.iter().zip(cells)) {
            let width = title.len().max(grouped(*sum).len());
            write!(self.output, "{cell:>width$}  ")?;
        }
        write!(self.output, "{bytes:>SIZE_WIDTH$}  ")?;
        match self.lines {
            Lines::PerFile => {}
            Lines::PerDay => write!(self.output, "{day:<10}  ")?,
        }
        writeln!(self.output, "{path}")
    }

    fn total(&self) -> String {
        let count = self.tallies.len() as u64;
        let noun = match (self.lines, count) {
            (Lines::PerFile, 1) => "file",
            (Lines::PerFile, _) => "files",
            (Lines::PerDay, 1) => "line",
            (Lines::PerDay, _) => "lines",
        };
        format!("total of {} {noun}", grouped(count))
    }
}

impl<W: Write> Report for Table<W> {
    fn tallied(&mut self, tallied: Tallied) -> io::Result<()> {
        for (sum, (_, figure)) in self.sums.iter_mut().zip(COLUMNS) {
            *sum = sum.saturating_add(figure(&tallied.counters));
        }
        self.bytes = self.bytes.saturating_add(tallied.counters.bytes);
        self.tallies.push(tallied);
        Ok(())
    }

    fn end(mut self) -> io::Result<()> {
        let total = self.total();
        self.line(COLUMNS.map(|(title, _)| title), "bytes", "day", "path")?;
        for tallied in std::mem::take(&mut self.tallies) {
            let cells = COLUMNS.map(|(_, figure)| grouped(figure(&tallied.counters)));
            let day = tallied.day.map_or(String::new(), date::print);
            let bytes = size(tallied.counters.bytes);
            self.line(cells.each_ref().map(String::as_str), &bytes, &day, &tallied.path)?;
        }
        let (sums, bytes) = (self.sums.map(grouped), size(self.bytes));
        self.line(sums.each_ref().map(String::as_str), &bytes, "", &total)?;
        self.output.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counts::tests::{check, row};

    #[test]
    fn tables() {
        check(
            |output| Table::new(output, Lines::PerFile),
            vec![],
            "\
downloads  requests  completed  aborted  in flight       bytes  path
        0         0          0        0          0         0 B  total of 0 files
",
        );
        check(
            |output| Table::new(output, Lines::PerFile),
            vec![
                row("/a b.html", None, [15, 1, 9, 3, 2, 8, 3, 7, 1_234_567]),
                row("/c", None, [1_234_567_890, 0, 0, 0, 0, 0, 0, 0, 10]),
            ],
            "\
downloads       requests  completed  aborted  in flight       bytes  path
        7             15          8        3          1     1.1 MiB  /a b.html
        0  1,234,567,890          0        0          0        10 B  /c
        7  1,234,567,905          8        3          1     1.1 MiB  total of 2 files
",
        );
        check(
            |output| Table::new(output, Lines::PerDay),
            vec![row("/c", Some(0), [1; 9]), row("/c", Some(20_454), [1; 9])],
            "\
downloads  requests  completed  aborted  in flight       bytes  day         path
        1         1          1        1          0         1 B  carried     /c
        1         1          1        1          0         1 B  2026-01-01  /c
        2         2          2        2          0         2 B              total of 2 lines
",
        );
    }
}
