//! The settings of `tallyd counts`: one row for each, in the form of the server's own ([`super::table`]), from
//! which it takes the ledger and the configuration file.

use std::path::PathBuf;

use tallyd_ledger::{Day, path_text};

use super::setting::{Form, Occurs, Parse, Places, Room, Row, Setting, Takes};
use super::table::{self, rows};
use super::value::{self, Choice, Fault};
use crate::date;

/// Every setting of the subcommand, in the order in which they are shown.
pub(super) fn settings() -> impl Iterator<Item = &'static Setting> {
    TABLE.iter().copied().chain([&table::LEDGER.setting, &table::CONFIG.setting])
}

/// What one line of the answer is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lines {
    /// A file.
    PerFile,
    /// A file on a day.
    PerDay,
}

impl Choice for Lines {
    const CHOICES: &'static [(&'static str, Self)] = &[("file", Lines::PerFile), ("day", Lines::PerDay)];
}

rows! {
    PATHS: String = Parse::Text(path), Setting {
        name: "path",
        noun: "path",
        form: Form::Positional { placeholder: "PATH" },
        takes: Takes::Text,
        occurs: Occurs::Repeated { separator: ' ' },
        places: Places::CommandLine,
        default: None,
        example: "counts /releases/",
        help: "A file, as its lines print it, or with a final slash all below",
        doc: "\
A file, written as in the lines of the access log, with a leading
slash; one with a final slash stands for everything below. None: all.",
        owner: Room::Counts,
    };

    ROOT: PathBuf = Parse::Bytes(value::path), Setting {
        name: "root",
        noun: "folder",
        form: Form::Valued { short: None, placeholder: "DIR" },
        takes: Takes::Folder,
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("www"),
        example: "/srv/www",
        help: "The folder that is served, whose ledger is read",
        doc: "\
The folder that is served, whose ledger is read. Not needed where the
ledger is named.",
        owner: Room::Counts,
    };

    TOP: u32 = Parse::Text(value::whole::<1, 1_000_000_000>), Setting {
        name: "top",
        noun: "number of lines",
        form: Form::Valued { short: None, placeholder: "N" },
        takes: Takes::Text,
        occurs: Occurs::Once,
        places: Places::CommandLine,
        default: None,
        example: "20",
        help: "Only the N with the most downloads, these first",
        doc: "\
Only the N lines with the most downloads, these first. Without it all
come, in the order of their paths.",
        owner: Room::Counts,
    };

    SINCE: Day = Parse::Text(day), Setting {
        name: "since",
        noun: "first day",
        form: Form::Valued { short: None, placeholder: "DATE" },
        takes: Takes::Text,
        occurs: Occurs::Once,
        places: Places::CommandLine,
        default: None,
        example: "2026-01-31",
        help: "Only what was asked for on this day (UTC) or later",
        doc: "\
Only what was asked for on this day or later. Days are those of UTC.",
        owner: Room::Counts,
    };

    UNTIL: Day = Parse::Text(day), Setting {
        name: "until",
        noun: "last day",
        form: Form::Valued { short: None, placeholder: "DATE" },
        takes: Takes::Text,
        occurs: Occurs::Once,
        places: Places::CommandLine,
        default: None,
        example: "2026-01-31",
        help: "Only what was asked for on this day (UTC) or earlier",
        doc: "\
Only what was asked for on this day or earlier. Days are those of UTC.",
        owner: Room::Counts,
    };

    BY: Lines = Parse::Text(value::choice), Setting {
        name: "by",
        noun: "kind of line",
        form: Form::Valued { short: None, placeholder: "WHAT" },
        takes: Takes::OneOf(Lines::words),
        occurs: Occurs::Once,
        places: Places::CommandLine,
        default: Some("file"),
        example: "day",
        help: "A line for each file, or for each day of a file",
        doc: "\
A line for each file, or for each day on which it was asked for. The
day `carried` stands for all whose own figures are in a damaged ledger
that was set aside.",
        owner: Room::Counts,
    };

    JSON: bool = Parse::Text(value::choice), Setting {
        name: "json",
        noun: "form",
        form: Form::Switch,
        takes: Takes::Text,
        occurs: Occurs::Once,
        places: Places::CommandLine,
        default: Some("false"),
        example: "true",
        help: "For programs: a JSON array, an object on each line",
        doc: "\
For programs: a JSON array (RFC 8259) of objects with every counter,
each on a line of its own. Sizes are in bytes.",
        owner: Room::Counts,
    };

    CSV: bool = Parse::Text(value::choice), Setting {
        name: "csv",
        noun: "form",
        form: Form::Switch,
        takes: Takes::Text,
        occurs: Occurs::Once,
        places: Places::CommandLine,
        default: Some("false"),
        example: "true",
        help: "For programs and spreadsheets: CSV with a header",
        doc: "\
For programs and spreadsheets: CSV (RFC 4180) with a header and every
counter. Sizes are in bytes.",
        owner: Room::Counts,
    };

    VERIFY: bool = Parse::Text(value::choice), Setting {
        name: "verify",
        noun: "form",
        form: Form::Switch,
        takes: Takes::Text,
        occurs: Occurs::Once,
        places: Places::CommandLine,
        default: Some("false"),
        example: "true",
        help: "Check the laws of the tally on every line of the ledger",
        doc: "\
Checks the laws of the tally on every file and day of the ledger, and
says which hold. Exit code 1 if one is broken.",
        owner: Room::Counts,
    };
}

/// A path in its printed form, written as the ledger has it.
fn path(text: &str) -> Result<String, Fault> {
    if !text.starts_with('/') {
        return Err(Fault::new("does not begin with a slash, as every path from the root does"));
    }
    let bytes = path_text::parse(text)
        .ok_or_else(|| Fault::new("has a % without two hexadecimal digits after it (a % itself is %25)"))?;
    Ok(path_text::print(&bytes).into_owned())
}

fn day(text: &str) -> Result<Day, Fault> {
    date::parse(text).ok_or_else(|| Fault::new("is not a date (YYYY-MM-DD)"))
}
