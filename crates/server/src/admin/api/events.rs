//! `/api/v1/events`: snapshots as server-sent events (WHATWG HTML, "Server-sent events").
//!
//! An event is rendered once, and its bytes are shared by all who look on. Each stream holds no more than the newest one: a
//! slow reader misses some, and one who takes nothing is let go by its socket.

use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::{StreamExt as _, stream};
use serde::Serialize;

use super::super::busy::Hourly;
use super::super::observatory::{Observatory, Stream, unix_seconds};
use super::figures::Told;
use super::parameters::Parameters;
use super::summary::Summary;
use super::transfers::Transfers;
use super::{Denial, Seen, text_of};

/// Files and deliveries of a snapshot: as many as a page shows at a glance.
const BUSIEST: usize = 20;
const RECENT: usize = 20;

/// What a browser is told before the first event: to wait so long before it connects again.
const RETRY: Bytes = Bytes::from_static(b"retry: 2000\n\n");

/// The data of an event.
#[derive(Serialize)]
struct Snapshot<'a> {
    summary: Summary<'a>,
    transfers: Transfers<'a>,
    busiest: Vec<Busy>,
    recent: Vec<Told<'a>>,
}

#[derive(Serialize)]
struct Busy {
    path: String,
    requests: u64,
    completed: u64,
    aborted: u64,
    bytes: u64,
    history: Vec<u64>,
}

/// An event with what is seen at this moment.
pub(in crate::admin) fn snapshot(observatory: &Observatory, number: u64) -> Bytes {
    let sight = observatory.sight();
    let busy = |Hourly { path, gain, requests }: Hourly| Busy {
        path: path.as_ref().to_owned(),
        requests: gain.requests,
        completed: gain.completed,
        aborted: gain.aborted,
        bytes: gain.bytes,
        history: requests,
    };
    let data = text_of(&Snapshot {
        summary: Summary::of(observatory, &sight, observatory.library.last_whole()),
        transfers: Transfers::oldest(&sight),
        busiest: sight.busy.busiest(unix_seconds(), BUSIEST).into_iter().map(busy).collect(),
        recent: sight.recent.iter().rev().take(RECENT).map(Told::new).collect(),
    });
    Bytes::from(format!("id: {number}\nevent: snapshot\ndata: {data}\n\n"))
}

pub(super) async fn answer(State(observatory): Seen, parameters: Parameters) -> Result<Response, Denial> {
    parameters.end()?;
    let stream = observatory.stream().ok_or(Denial::Busy)?;
    let mut response = Body::from_stream(events(stream)).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    Ok(response)
}

/// Each snapshot that the reader is in time for, as an event.
fn events(stream: Stream) -> impl futures_util::Stream<Item = Result<Bytes, Infallible>> {
    let snapshots = stream::unfold(stream, async |mut stream| {
        stream.snapshots.changed().await.ok()?;
        let event = stream.snapshots.borrow_and_update().clone();
        Some((Ok(event), stream))
    });
    stream::iter([Ok(RETRY)]).chain(snapshots)
}
