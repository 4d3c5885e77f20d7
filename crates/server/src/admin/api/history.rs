//! `/api/v1/history`: traffic over the last hour, day or month.

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use tallyd_ledger::query::browse::days_up_to;
use tallyd_ledger::{Counters, Day};

use super::super::history::{DAY, DAYS, HOUR, MINUTE, Traffic};
use super::super::observatory::{Observatory, unix_seconds};
use super::figures::unix_time;
use super::files::{SPANS, Span};
use super::parameters::Parameters;
use super::{Denial, Seen, json};
use crate::census::Subject;
use crate::clock;

#[derive(Serialize)]
struct History {
    span: &'static str,
    step_s: u64,
    points: Vec<Point>,
}

#[derive(Serialize)]
struct Point {
    start: String,
    requests: u64,
    completed: u64,
    aborted: u64,
    bytes: u64,
    downloads: Option<u64>,
    sent_bytes: Option<u64>,
    connections: Option<u64>,
    transfers: Option<u64>,
}

pub(super) async fn answer(State(observatory): Seen, mut parameters: Parameters) -> Result<Response, Denial> {
    let span = parameters.word("span", &SPANS)?.unwrap_or(Span::Hour);
    parameters.end()?;
    Ok(json(&match span {
        Span::Hour => {
            let sight = observatory.fresh(Subject::Figures).await;
            let points = sight.traffic.minutes.up_to(unix_seconds());
            History {
                span: "hour",
                step_s: MINUTE,
                points: points.map(|span| Point::seen(&observatory, MINUTE, span)).collect(),
            }
        }
        Span::Day => {
            let sight = observatory.fresh(Subject::Figures).await;
            let points = sight.traffic.hours.up_to(unix_seconds());
            History {
                span: "day",
                step_s: HOUR,
                points: points.map(|span| Point::seen(&observatory, HOUR, span)).collect(),
            }
        }
        Span::Month => History { span: "month", step_s: DAY, points: month(&observatory).await? },
    }))
}

async fn month(observatory: &Observatory) -> Result<Vec<Point>, Denial> {
    let today = clock::today();
    let mut points = Vec::with_capacity(DAYS);
    for day in days_up_to(today, DAYS as u32) {
        let counters = observatory.library.day(day, today).await?;
        points.push(Point::counted(day, &counters.value));
    }
    Ok(points)
}

impl Point {
    fn seen(observatory: &Observatory, step_s: u64, (start_s, traffic): (u64, Traffic)) -> Point {
        let Traffic { gain, sent_bytes, connections, transfers } = traffic;
        let started_s = u64::try_from(observatory.about.started.seconds).unwrap_or(0);
        let was_running = start_s + step_s > started_s;
        Point {
            start: unix_time(start_s),
            requests: gain.requests,
            completed: gain.completed,
            aborted: gain.aborted,
            bytes: gain.bytes,
            downloads: None,
            sent_bytes: was_running.then_some(sent_bytes),
            connections: was_running.then_some(connections),
            transfers: was_running.then_some(transfers),
        }
    }

    fn counted(day: Day, counters: &Counters) -> Point {
        Point {
            start: unix_time(u64::from(day.0) * DAY),
            requests: counters.requests,
            completed: counters.completed,
            aborted: counters.aborted,
            bytes: counters.bytes,
            downloads: Some(counters.downloads),
            sent_bytes: None,
            connections: None,
            transfers: None,
        }
    }
}
