//! `/metrics`: figures for Prometheus.
//!
//! In OpenMetrics 1.0 for a client that asks for it, as Prometheus does, otherwise in the older text format, which
//! everything else reads. The first is written by the crate; the second differs from it in a few lines.

mod classic;
mod process;
mod scrape;

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use tallyd_ledger::query::browse::{Column, Direction, Wanted};

use super::api::{Denial, Parameters};
use super::observatory::Observatory;
use crate::census::Subject;
use scrape::Scrape;

const OPEN_METRICS: &str = "application/openmetrics-text";

/// Files with series of their own: those with the most requests. The others are added up.
const FILES: u32 = 20;

pub(super) async fn answer(
    State(observatory): State<Arc<Observatory>>,
    parameters: Parameters,
    fields: HeaderMap,
) -> Result<Response, Denial> {
    parameters.end()?;
    let text = render(scrape(&observatory).await);
    let is_open = fields
        .get_all(header::ACCEPT)
        .iter()
        .any(|line| line.to_str().is_ok_and(|line| line.contains(OPEN_METRICS)));
    let (text, media_type) = if is_open {
        (text, "application/openmetrics-text; version=1.0.0; charset=utf-8")
    } else {
        (classic::from_open_metrics(&text), "text/plain; version=0.0.4; charset=utf-8")
    };
    let mut response = text.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    Ok(response)
}

async fn scrape(observatory: &Observatory) -> Scrape {
    // What cannot be read is left out: the other figures say why.
    let whole = observatory.library.whole().await.ok().map(|read| *read.value);
    let busiest = Wanted {
        column: Column::Requests,
        direction: Direction::Descending,
        containing: None,
        since: None,
        until: None,
        offset: 0,
        limit: FILES,
        days: None,
    };
    let files = observatory.library.page(busiest).await.ok().map(|read| read.value.files.clone());
    let sight = observatory.fresh(Subject::Figures).await;
    Scrape {
        readings: sight.readings,
        durations: sight.durations,
        ledger: observatory.sources.ledger.status(),
        expiries: observatory.sources.certificates.expiries(),
        orders: observatory.sources.orders.as_ref().map(|orders| orders.all()),
        lines_dropped: observatory.sources.losses.lines(),
        whole,
        files: files.unwrap_or_default(),
        process: process::Figures::read(),
        started: observatory.about.started,
    }
}

fn render(scrape: Scrape) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(scrape));
    let mut text = String::with_capacity(16 * 1024);
    encode(&mut text, &registry).expect("writing to a String does not fail");
    text
}
