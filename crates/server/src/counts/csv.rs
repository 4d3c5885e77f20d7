//! Tallies as CSV (RFC 4180), with a header; lines end in CRLF, as it says.

use std::io::{self, Write};

use tallyd_ledger::query::Tallied;

use super::Report;
use crate::config::Lines;
use crate::date;

/// A file that is being written.
pub(super) struct Csv<W> {
    output: W,
    header: Option<&'static str>,
}

impl<W: Write> Csv<W> {
    pub(super) fn new(output: W, lines: Lines) -> Csv<W> {
        let header = match lines {
            Lines::PerFile => "path",
            Lines::PerDay => "path,day",
        };
        Csv { output, header: Some(header) }
    }

    fn write_header(&mut self) -> io::Result<()> {
        let Some(first) = self.header.take() else { return Ok(()) };
        let counters = "requests,head,full,partial,not_modified,completed,aborted,in_flight,downloads,bytes";
        write!(self.output, "{first},{counters}\r\n")
    }
}

impl<W: Write> Report for Csv<W> {
    fn tallied(&mut self, tallied: Tallied) -> io::Result<()> {
        self.write_header()?;
        let day = tallied.day.map_or(String::new(), |day| format!("{},", date::print(day)));
        let it = &tallied.counters;
        write!(
            self.output,
            "{},{day}{},{},{},{},{},{},{},{},{},{}\r\n",
            quoted(&tallied.path),
            it.requests,
            it.head,
            it.full,
            it.partial,
            it.not_modified,
            it.completed,
            it.aborted,
            it.in_flight(),
            it.downloads,
            it.bytes,
        )
    }

    fn end(mut self) -> io::Result<()> {
        self.write_header()?;
        self.output.flush()
    }
}

/// In quotes if it must be (section 2, rules 6 and 7); a printed path holds no line ends.
fn quoted(path: &str) -> String {
    if path.contains([',', '"']) { format!("\"{}\"", path.replace('"', "\"\"")) } else { path.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counts::tests::{check, row};

    #[test]
    fn files() {
        let header =
            "requests,head,full,partial,not_modified,completed,aborted,in_flight,downloads,bytes\r\n";
        check(|output| Csv::new(output, Lines::PerFile), vec![], &format!("path,{header}"));
        check(
            |output| Csv::new(output, Lines::PerFile),
            vec![row("/a b", None, [15, 1, 9, 3, 2, 8, 3, 7, 1_234_567]), row("/a,\"b\"", None, [0; 9])],
            &format!(
                "path,{header}/a b,15,1,9,3,2,8,3,1,7,1234567\r\n\"/a,\"\"b\"\"\",0,0,0,0,0,0,0,0,0,0\r\n"
            ),
        );
        check(
            |output| Csv::new(output, Lines::PerDay),
            vec![row("/a", Some(20_454), [0; 9])],
            &format!("path,day,{header}/a,2026-01-01,0,0,0,0,0,0,0,0,0,0\r\n"),
        );
    }
}
