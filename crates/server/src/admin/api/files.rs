//! `/api/v1/files`: files with their figures, a page at a time.

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use tallyd_ledger::query::browse::{Browsed, Column, Direction, Wanted};

use super::super::history::{DAYS, HOURS, MINUTES};
use super::super::observatory::{Sight, unix_seconds};
use super::figures::{Figures, day};
use super::parameters::Parameters;
use super::{Denial, Seen, json};
use crate::calendar::rfc_3339;
use crate::clock;

/// The longest text to look for.
const MAX_FILTER: usize = 1000;

/// The most files of a page, and as many as there are unless it says.
const MAX_LIMIT: u32 = 500;
const LIMIT: u32 = 50;

/// Further than the largest ledger reaches.
const MAX_OFFSET: u32 = 100_000_000;

const COLUMNS: [(&str, Column); 12] = [
    ("path", Column::Path),
    ("last", Column::Last),
    ("requests", Column::Requests),
    ("head", Column::Head),
    ("full", Column::Full),
    ("partial", Column::Partial),
    ("not_modified", Column::NotModified),
    ("completed", Column::Completed),
    ("aborted", Column::Aborted),
    ("in_flight", Column::InFlight),
    ("downloads", Column::Downloads),
    ("bytes", Column::Bytes),
];

/// How far back a small plot reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Span {
    Hour,
    Day,
    Month,
}

/// The words for each.
pub(super) const SPANS: [(&str, Span); 3] =
    [("hour", Span::Hour), ("day", Span::Day), ("month", Span::Month)];

#[derive(Serialize)]
struct Files<'a> {
    matching: u64,
    offset: u32,
    limit: u32,
    as_of: String,
    #[serde(rename = "files")]
    rows: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    path: &'a str,
    #[serde(flatten)]
    figures: Figures,
    last: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<Vec<Option<u64>>>,
}

pub(super) async fn answer(State(observatory): Seen, parameters: Parameters) -> Result<Response, Denial> {
    let (wanted, span) = read(parameters)?;
    let (offset, limit) = (wanted.offset, wanted.limit);
    let page = observatory.library.page(wanted).await?;
    let sight = observatory.sight();
    let now_s = unix_seconds();
    Ok(json(&Files {
        matching: page.value.matching,
        offset,
        limit,
        as_of: rfc_3339(page.at),
        rows: page.value.files.iter().map(|file| Row::new(file, span, &sight, now_s)).collect(),
    }))
}

fn read(mut parameters: Parameters) -> Result<(Wanted, Option<Span>), Denial> {
    let column = parameters.word("sort", &COLUMNS)?.unwrap_or(Column::Requests);
    let usual = if column == Column::Path { Direction::Ascending } else { Direction::Descending };
    let directions = [("asc", Direction::Ascending), ("desc", Direction::Descending)];
    let direction = parameters.word("order", &directions)?.unwrap_or(usual);
    let span = parameters.word("history", &SPANS)?;
    let wanted = Wanted {
        column,
        direction,
        containing: parameters.filter("q", MAX_FILTER)?,
        since: parameters.day("since")?,
        until: parameters.day("until")?,
        offset: parameters.number("offset", 0, MAX_OFFSET)?.unwrap_or(0),
        limit: parameters.number("limit", 1, MAX_LIMIT)?.unwrap_or(LIMIT),
        days: (span == Some(Span::Month)).then(|| (clock::today(), DAYS as u32)),
    };
    parameters.end()?;
    Ok((wanted, span))
}

impl<'a> Row<'a> {
    fn new(file: &'a Browsed, span: Option<Span>, sight: &Sight, now_s: u64) -> Row<'a> {
        let active = || sight.busy.of(&file.path);
        let known = |counts: Vec<u64>| counts.into_iter().map(Some).collect();
        let history = span.map(|span| match span {
            Span::Hour => {
                active().map_or_else(|| vec![None; MINUTES], |active| known(active.by_minute(now_s)))
            }
            Span::Day => active().map_or_else(|| vec![None; HOURS], |active| known(active.by_hour(now_s))),
            Span::Month => known(file.days.clone()),
        });
        Row { path: &file.path, figures: Figures::from(&file.counters), last: day(file.last), history }
    }
}
