//! `/api/v1/summary`: the server at a glance.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use tallyd_http::validator::Timestamp;
use tallyd_ledger::query::Whole;
use tallyd_ledger::{Status, StoreState};

use super::super::library::Read;
use super::super::observatory::{Observatory, Sight};
use super::figures::{Figures, unix_time};
use super::parameters::Parameters;
use super::{Denial, Seen, json};
use crate::calendar::rfc_3339;
use crate::census::Subject;
use crate::clock;
use crate::figures::grouped;
use crate::worker::Stage;

#[derive(Serialize)]
pub(super) struct Summary<'a> {
    time: String,
    server: Server<'a>,
    ledger: Ledger,
    totals: Totals,
    traffic: Traffic,
    warnings: Vec<Warning>,
}

#[derive(Serialize)]
struct Server<'a> {
    version: &'static str,
    root: &'a str,
    addresses: Vec<String>,
    workers: usize,
    stage: &'static str,
    started: String,
    uptime_s: u64,
}

#[derive(Serialize)]
struct Ledger {
    state: &'static str,
    since: Option<String>,
    error: Option<String>,
    set_aside: Option<String>,
    uncommitted: usize,
    lines_waiting: usize,
    sessions: usize,
    evictions: u64,
    in_memory: usize,
}

#[derive(Serialize)]
struct Totals {
    files: u64,
    created: String,
    as_of: String,
    #[serde(flatten)]
    figures: Figures,
}

#[derive(Serialize)]
struct Traffic {
    connections: u64,
    transfers: u64,
    bytes_per_s: u64,
    requests_per_s: f64,
    sent_bytes: u64,
    answers: u64,
    accepted: u64,
    lines_dropped: u64,
}

#[derive(Serialize)]
struct Warning {
    code: &'static str,
    text: String,
}

pub(super) async fn answer(State(observatory): Seen, parameters: Parameters) -> Result<Response, Denial> {
    parameters.end()?;
    let whole = observatory.library.whole().await?;
    let sight = observatory.fresh(Subject::Figures).await;
    Ok(json(&Summary::of(&observatory, &sight, Some(whole))))
}

impl<'a> Summary<'a> {
    /// The summary with these sums; zeros if they could not be read.
    pub(super) fn of(observatory: &'a Observatory, sight: &Sight, whole: Option<Read<Whole>>) -> Summary<'a> {
        let status = observatory.sources.ledger.status();
        let stage = *observatory.sources.stage.borrow();
        let lines_dropped = observatory.sources.losses.lines();
        Summary {
            time: rfc_3339(clock::timestamp()),
            server: Server::of(observatory, stage),
            warnings: warnings(&status, stage, lines_dropped),
            ledger: Ledger::of(&status),
            totals: Totals::of(whole),
            traffic: Traffic::of(sight, lines_dropped),
        }
    }
}

impl<'a> Server<'a> {
    fn of(observatory: &'a Observatory, stage: Stage) -> Server<'a> {
        let about = &observatory.about;
        Server {
            version: env!("CARGO_PKG_VERSION"),
            root: &about.root,
            addresses: about.addresses.iter().map(ToString::to_string).collect(),
            workers: about.workers,
            stage: match stage {
                Stage::Serving => "serving",
                Stage::Draining | Stage::Ending => "draining",
            },
            started: rfc_3339(about.started),
            uptime_s: u64::try_from(clock::timestamp().seconds - about.started.seconds).unwrap_or(0),
        }
    }
}

impl Ledger {
    fn of(status: &Status) -> Ledger {
        let (state, since, error) = match &status.store {
            StoreState::Sound => ("sound", None, None),
            StoreState::Failing { error, since } => {
                ("failing", Some(system_time(*since)), Some(error.to_string()))
            }
        };
        Ledger {
            state,
            since,
            error,
            set_aside: status.set_aside.as_ref().map(|path| path.display().to_string()),
            uncommitted: status.uncommitted,
            lines_waiting: status.lines_waiting,
            sessions: status.sessions,
            evictions: status.evictions,
            in_memory: status.in_memory,
        }
    }
}

impl Totals {
    fn of(whole: Option<Read<Whole>>) -> Totals {
        let (value, at) =
            whole.map_or_else(|| (Whole::default(), clock::timestamp()), |read| (*read.value, read.at));
        Totals {
            files: value.resources,
            created: unix_time(value.created),
            as_of: rfc_3339(at),
            figures: Figures::from(&value.counters),
        }
    }
}

impl Traffic {
    fn of(sight: &Sight, lines_dropped: u64) -> Traffic {
        let readings = &sight.readings;
        Traffic {
            connections: readings.connections,
            transfers: readings.transfers,
            bytes_per_s: sight.bytes_pace.whole_per_second(),
            requests_per_s: (sight.answers_pace.per_second() * 10.0).round() / 10.0,
            sent_bytes: readings.sent_bytes,
            answers: readings.answers.sum(),
            accepted: readings.accepted,
            lines_dropped,
        }
    }
}

/// What a person should look at.
fn warnings(status: &Status, stage: Stage, lines_dropped: u64) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut warn = |code, text| warnings.push(Warning { code, text });
    if let StoreState::Failing { error, .. } = &status.store {
        warn(
            "ledger_failing",
            format!("The ledger cannot be written ({error}); counting goes on in memory."),
        );
    }
    if let Some(aside) = &status.set_aside {
        warn(
            "ledger_set_aside",
            format!("The ledger was damaged and is now at {}; a new one was begun.", aside.display()),
        );
    }
    if lines_dropped > 0 {
        warn("lines_dropped", format!("{} access lines were lost, no counts.", grouped(lines_dropped)));
    }
    if status.evictions > 0 {
        let text = format!(
            "Downloads made of parts may be too few by {}: too many were open at a time, or the server was restarted.",
            grouped(status.evictions)
        );
        warn("downloads_uncertain", text);
    }
    match stage {
        Stage::Serving => {}
        Stage::Draining | Stage::Ending => {
            warn("draining", "The server is ending; transfers under way may finish.".to_owned());
        }
    }
    warnings
}

fn system_time(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    rfc_3339(Timestamp { seconds: since.as_secs().cast_signed(), nanoseconds: since.subsec_nanos() })
}
