//! Tallies as JSON (RFC 8259): an array, one object on each line.

use std::io::{self, Write};

use tallyd_ledger::query::Tallied;

use super::Report;
use crate::date;

/// An array that is being written.
pub(super) struct Json<W> {
    output: W,
    separator: &'static str,
}

impl<W: Write> Json<W> {
    pub(super) fn new(output: W) -> Json<W> {
        Json { output, separator: "[\n" }
    }
}

impl<W: Write> Report for Json<W> {
    fn tallied(&mut self, tallied: Tallied) -> io::Result<()> {
        let day = tallied.day.map_or(String::new(), |day| format!("\"day\":\"{}\",", date::print(day)));
        let it = &tallied.counters;
        write!(
            self.output,
            "{}{{\"path\":\"{}\",{day}\"requests\":{},\"head\":{},\"full\":{},\"partial\":{},\"not_modified\":{},\
             \"completed\":{},\"aborted\":{},\"in_flight\":{},\"downloads\":{},\"bytes\":{}}}",
            std::mem::replace(&mut self.separator, ",\n"),
            escaped(&tallied.path),
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
        let begin = if self.separator == "[\n" { "[" } else { "" };
        writeln!(self.output, "{begin}\n]")?;
        self.output.flush()
    }
}

/// A printed path holds no control characters, so that only two characters need a backslash (section 7).
fn escaped(path: &str) -> String {
    path.replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counts::tests::{check, row};

    #[test]
    fn arrays() {
        check(Json::new, vec![], "[\n]\n");
        check(
            Json::new,
            vec![row("/a\"\\b", None, [15, 1, 9, 3, 2, 8, 3, 7, 1_234_567])],
            "[\n{\"path\":\"/a\\\"\\\\b\",\"requests\":15,\"head\":1,\"full\":9,\"partial\":3,\"not_modified\":2,\
             \"completed\":8,\"aborted\":3,\"in_flight\":1,\"downloads\":7,\"bytes\":1234567}\n]\n",
        );
        check(
            Json::new,
            vec![row("/a", Some(0), [0; 9]), row("/ü", Some(20_454), [0; 9])],
            "[\n{\"path\":\"/a\",\"day\":\"carried\",\"requests\":0,\"head\":0,\"full\":0,\"partial\":0,\
             \"not_modified\":0,\"completed\":0,\"aborted\":0,\"in_flight\":0,\"downloads\":0,\"bytes\":0},\n\
             {\"path\":\"/ü\",\"day\":\"2026-01-01\",\"requests\":0,\"head\":0,\"full\":0,\"partial\":0,\
             \"not_modified\":0,\"completed\":0,\"aborted\":0,\"in_flight\":0,\"downloads\":0,\"bytes\":0}\n]\n",
        );
    }
}
