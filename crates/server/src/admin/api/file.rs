//! `/api/v1/file`: all that is known of one file.

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use tallyd_ledger::query::browse::Single;

use super::super::busy::{Active, Version};
use super::super::history::DAYS;
use super::super::observatory::{Sight, unix_seconds};
use super::figures::{Figures, Point, Told, day, unix_time};
use super::parameters::Parameters;
use super::{Denial, Seen, json};
use crate::{clock, date};

/// The longest path: that of a target, with every byte of it percent-encoded.
pub(super) const MAX_PATH: usize = 16_000;

#[derive(Serialize)]
struct File<'a> {
    path: &'a str,
    counters: Figures,
    last: Option<String>,
    smallest: Option<u64>,
    minutes: Option<Vec<Point>>,
    hours: Option<Vec<Point>>,
    days: Vec<DayRow>,
    versions: Vec<VersionRow>,
    recent: Vec<Told<'a>>,
}

#[derive(Serialize)]
struct DayRow {
    day: String,
    #[serde(flatten)]
    figures: Figures,
}

#[derive(Serialize)]
struct VersionRow {
    id: String,
    length: u64,
    completed: u64,
    aborted: u64,
    first: String,
    last: String,
}

pub(super) async fn answer(State(observatory): Seen, mut parameters: Parameters) -> Result<Response, Denial> {
    let path = parameters.short_text("path", MAX_PATH)?;
    parameters.end()?;
    let path = path.ok_or_else(|| Denial::BadRequest("The parameter path is needed.".to_owned()))?;
    let single = observatory.library.single(path.clone(), clock::today(), DAYS as u32).await?;
    let single = single.ok_or(Denial::NotFound("This file was never asked for."))?;
    let sight = observatory.sight();
    Ok(json(&File::of(&path, &single, &sight)))
}

impl<'a> File<'a> {
    fn of(path: &'a str, single: &Single, sight: &'a Sight) -> File<'a> {
        let now_s = unix_seconds();
        let active = sight.busy.of(path);
        let minutes = |active: &Active| active.histories.minutes.up_to(now_s).map(Point::new).collect();
        let hours = |active: &Active| active.histories.hours.up_to(now_s).map(Point::new).collect();
        File {
            path,
            counters: Figures::from(&single.counters),
            last: day(single.last),
            smallest: single.least_length,
            minutes: active.map(minutes),
            hours: active.map(hours),
            days: single
                .days
                .iter()
                .map(|(day, counters)| DayRow::new(date::print(*day), counters))
                .collect(),
            versions: active.into_iter().flat_map(|active| &active.versions).map(VersionRow::new).collect(),
            recent: sight.recent.iter().rev().filter(|told| *told.path == *path).map(Told::new).collect(),
        }
    }
}

impl DayRow {
    fn new(day: String, counters: &tallyd_ledger::Counters) -> DayRow {
        DayRow { day, figures: Figures::from(counters) }
    }
}

impl VersionRow {
    fn new(version: &Version) -> VersionRow {
        VersionRow {
            id: format!("{:016x}", version.id),
            length: version.length,
            completed: version.gain.completed,
            aborted: version.gain.aborted,
            first: unix_time(version.first_s),
            last: unix_time(version.last_s),
        }
    }
}
