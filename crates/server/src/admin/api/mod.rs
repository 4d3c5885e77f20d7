//! The API: what is seen and read, as JSON. docs/api.md and `openapi.json` are its contract.

mod denial;
mod events;
mod figures;
mod file;
mod files;
mod health;
mod history;
mod parameters;
mod summary;
mod transfers;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;

pub(super) use denial::Denial;
pub(super) use events::snapshot;
pub(super) use parameters::Parameters;

use super::budget::{Budget, Urgency};
use super::dashboard;
use super::guard::{self, Guard, watch_over};
use super::metrics;
use super::observatory::Observatory;

/// The formal description, which is also what the tests hold the answers against.
const DOCUMENT: &str = include_str!("../openapi.json");

/// What every handler is given.
type Seen = State<Arc<Observatory>>;

/// Everything that can be asked for on the admin side, behind its guard.
pub(super) fn router(observatory: Arc<Observatory>, guard: Guard, budget: Arc<Budget>) -> Router {
    dashboard::add_to(Router::new())
        .route("/api/v1/summary", get(summary::answer))
        .route("/api/v1/files", get(files::answer))
        .route("/api/v1/file", get(file::answer))
        .route("/api/v1/transfers", get(transfers::answer))
        .route("/api/v1/history", get(history::answer))
        .route("/api/v1/events", get(events::answer))
        .route("/api/v1/openapi.json", get(document))
        .route("/metrics", get(metrics::answer))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .fallback(async || Denial::NotFound("There is nothing here under this address."))
        .with_state(observatory)
        .layer(from_fn_with_state(Arc::new(guard), watch_over))
        .layer(from_fn_with_state(budget, in_turn))
}

/// Answers when there is time for it.
async fn in_turn(State(budget): State<Arc<Budget>>, request: Request, next: Next) -> Response {
    let is_urgent = guard::OPEN.contains(&request.uri().path());
    budget.turn(if is_urgent { Urgency::Urgent } else { Urgency::Ordinary }).await;
    next.run(request).await
}

async fn document(parameters: Parameters) -> Result<Response, Denial> {
    parameters.end()?;
    Ok(json_response(DOCUMENT))
}

/// An answer with this content.
fn json(content: &impl Serialize) -> Response {
    json_response(text_of(content))
}

fn json_response(text: impl IntoResponse) -> Response {
    let mut response = text.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn text_of(content: &impl Serialize) -> String {
    serde_json::to_string(content).expect("plain values with text keys are JSON")
}
