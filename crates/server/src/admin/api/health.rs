//! `/healthz` and `/readyz`: for those who start and stop servers. Nothing about the files.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};

use super::parameters::Parameters;
use super::{Denial, Seen};
use crate::worker::Stage;

/// The process lives: this was answered.
pub(super) async fn alive(parameters: Parameters) -> Result<&'static str, Denial> {
    parameters.end()?;
    Ok("alive\n")
}

/// New clients are served.
pub(super) async fn ready(State(observatory): Seen, parameters: Parameters) -> Result<Response, Denial> {
    parameters.end()?;
    let stage = *observatory.sources.stage.borrow();
    Ok(match stage {
        Stage::Serving => "ready\n".into_response(),
        Stage::Draining | Stage::Ending => (StatusCode::SERVICE_UNAVAILABLE, "draining\n").into_response(),
    })
}
