//! Answering with a badge: like a file that is in memory, but without a number.

use tallyd_http::h1::persistence::Persistence;
use tallyd_http::h1::writer::{write_end, write_field, write_fields};
use tallyd_http::multipart::Boundary;
use tallyd_http::request::Request;
use tallyd_http::response::{Body, ResponsePlan, Retrieval, RetrievalMethod, decide};

use super::answer::{Answered, begin, expect_unnumbered, write_added_fields};
use super::buffers::Output;
use super::receipts;
use crate::access_log::Asked;
use crate::clock;
use crate::site::badge::{Badge, CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use crate::worker::Worker;

/// Answers with a badge that was made.
pub(super) fn answer_with_badge(
    badge: &Badge,
    request: &Request<'_>,
    method: RetrievalMethod,
    persistence: Persistence,
    worker: &Worker,
    output: &mut Output,
) -> Answered {
    let (conditions, range) = (&request.fields.conditions, &request.fields.range);
    let now = clock::http_date();
    let decision = decide(&Retrieval { method, conditions, range }, badge, now);
    let boundary = Boundary::from_random(worker.draw_boundary());
    let plan = ResponsePlan::new(decision, badge, now, boundary);
    begin(plan.status, worker, output);
    write_added_fields(Some(request), worker, output);
    write_fields(&mut output.bytes, &plan.fields);
    let fields = [
        ("Cache-Control", CACHE_CONTROL),
        ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
        ("X-Content-Type-Options", "nosniff"),
    ];
    for (name, value) in fields {
        if !worker.site.added_fields().has_everywhere(name) {
            write_field(&mut output.bytes, name, value);
        }
    }
    write_end(&mut output.bytes, persistence);
    let body = match method {
        RetrievalMethod::Get => plan.body,
        RetrievalMethod::Head => Body::Empty,
    };
    let length = receipts::Content::of_body(&body).length();
    expect_unnumbered(Asked::Read(request), plan.status, length, worker, output);
    match body {
        Body::Empty => Answered::Wholly(persistence),
        body @ (Body::Bytes(_) | Body::Slice { .. } | Body::Parts { .. }) => {
            Answered::ButForContent(body, persistence)
        }
    }
}
