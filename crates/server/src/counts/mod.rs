//! `tallyd counts`: reads a ledger and prints its tallies. It only reads, so it works while a server counts.
//!
//! What is asked is read by `config`, what is in the ledger by `tallyd_ledger::query`; here the two meet, and
//! the answer gets its form. Knows nothing of the server.

mod csv;
mod json;
mod table;
#[cfg(test)]
mod tests;
mod verdict;

use std::io::{self, BufWriter};
use std::path::Path;

use tallyd_ledger::query::{Selection, Tallied};
use tallyd_ledger::{Query, QueryError};

use crate::config::{Answer, Counts, Lines, StartError};
use crate::console;

/// Answers on standard output.
pub(crate) fn run(counts: &Counts) -> Result<(), StartError> {
    let path = counts.path()?;
    let refused = |error| refusal(counts, &path, &error);
    let query = Query::open(&path).map_err(refused)?;
    counts.refuse_unknown(&path, |asked| is_counted(&query, asked)).map_err(refused)??;
    let output = BufWriter::new(io::stdout().lock());
    match counts.answer {
        Answer::Verdict => verdict::give(output, &path, &query.verify().map_err(refused)?),
        Answer::Table => print(counts, &query, table::Table::new(output, counts.lines)).map_err(refused)?,
        Answer::Json => print(counts, &query, json::Json::new(output)).map_err(refused)?,
        Answer::Csv => print(counts, &query, csv::Csv::new(output, counts.lines)).map_err(refused)?,
    }
}

/// Whether there is a tally at, or below, a path.
fn is_counted(query: &Query, path: &str) -> Result<bool, QueryError> {
    let mut is_there = false;
    let any = Selection { paths: vec![path.to_owned()], top: Some(1), ..Selection::default() };
    query.tallies(&any, |_| is_there = true).map(|()| is_there)
}

/// The form of an answer.
trait Report {
    /// The next tally.
    fn tallied(&mut self, tallied: Tallied) -> io::Result<()>;

    /// There are no more.
    fn end(self) -> io::Result<()>;
}

/// Prints what is selected. The inner result is that of standard output.
fn print(
    counts: &Counts,
    query: &Query,
    mut report: impl Report,
) -> Result<Result<(), StartError>, QueryError> {
    let mut printed = Ok(());
    let each = |tallied| {
        // Where nobody reads any more, the rest is left out.
        if printed.is_ok() {
            printed = report.tallied(tallied);
        }
    };
    match counts.lines {
        Lines::PerFile => query.tallies(&counts.selection, each)?,
        Lines::PerDay => query.by_day(&counts.selection, each)?,
    }
    Ok(console::printed(printed.and_then(|()| report.end())))
}

fn refusal(counts: &Counts, path: &Path, error: &QueryError) -> StartError {
    let another = "name another with --ledger FILE, or the folder that was served with --root DIR";
    let path = path.display();
    match error {
        QueryError::Missing(_) => counts.ledger.misfit(
            format_args!("is not there: there is no file {path}"),
            "start tallyd on that folder to begin one, or name another with --ledger FILE or --root DIR",
        ),
        QueryError::NotALedger(_) => {
            counts.ledger.misfit(format_args!("is no ledger of tallyd: {path}"), another)
        }
        QueryError::Newer(_) => {
            counts.ledger.misfit(format_args!("was written by a newer tallyd: {path}"), "use that one")
        }
        QueryError::Failed(error) => {
            counts.ledger.misfit(format_args!("cannot be read: {path} ({error})"), another)
        }
    }
}
