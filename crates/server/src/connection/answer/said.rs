//! Answers of the server's own, which take no number: redirects, refusals, and what it says of itself.

use tallyd_http::h1::persistence::Persistence;
use tallyd_http::h1::writer::{write_end, write_field, write_start};
use tallyd_http::method::ALLOW;
use tallyd_http::refusal::{Aftermath, Refusal};
use tallyd_http::request::Request;
use tallyd_http::status::Status;

use crate::access_log::Asked;
use crate::clock;
use crate::connection::buffers::Output;
use crate::connection::receipts::{Dispatch, Unnumbered};
use crate::site::routes::{Reason, Redirect};
use crate::worker::Worker;

/// The type of the sentences that answers have where a site has no page for them.
const PLAIN_TEXT: &str = "text/plain; charset=utf-8";

/// Sends a client elsewhere.
pub(super) fn redirect_to(
    redirect: Redirect,
    query: Option<&[u8]>,
    request: &Request<'_>,
    persistence: Persistence,
    worker: &Worker,
    output: &mut Output,
) -> Persistence {
    let Redirect { status, location, reason } = redirect;
    let location = location.with_query(query);
    let text = format!("This is at {location}\n");
    begin(status, worker, output);
    write_added_fields(Some(request), worker, output);
    write_field(&mut output.bytes, "Location", location.as_str());
    match reason {
        Reason::Rule => {}
        Reason::Form => write_field(&mut output.bytes, "Cache-Control", "no-cache"),
    }
    finish_with(PLAIN_TEXT, text.as_bytes(), Asked::Read(request), status, persistence, worker, output);
    persistence
}

/// Shows an authority the text that it asks for (RFC 8555 §8.3).
pub(super) fn show_proof(
    text: &[u8],
    request: &Request<'_>,
    persistence: Persistence,
    worker: &Worker,
    output: &mut Output,
) -> Persistence {
    begin(Status::OK, worker, output);
    write_field(&mut output.bytes, "Cache-Control", "no-store");
    finish_with(
        "application/octet-stream",
        text,
        Asked::Read(request),
        Status::OK,
        persistence,
        worker,
        output,
    );
    persistence
}

pub(super) fn tell_options(
    request: &Request<'_>,
    persistence: Persistence,
    worker: &Worker,
    output: &mut Output,
) -> Persistence {
    begin(Status::NO_CONTENT, worker, output);
    write_added_fields(Some(request), worker, output);
    output.bytes.extend_from_slice(worker.site.added_fields().preflight());
    write_field(&mut output.bytes, "Allow", ALLOW);
    write_end(&mut output.bytes, persistence);
    expect_unnumbered(Asked::Read(request), Status::NO_CONTENT, 0, worker, output);
    persistence
}

/// Answers with a refusal; returns what becomes of the connection.
pub(in crate::connection) fn refuse(
    refusal: Refusal,
    asked: Asked<'_>,
    persistence: Persistence,
    worker: &Worker,
    output: &mut Output,
) -> Persistence {
    let persistence = match refusal.aftermath() {
        Aftermath::Continue => persistence,
        Aftermath::Close => Persistence::Close,
    };
    worker.meter.refused(refusal);
    if asked.request().is_none() {
        worker.remarks.make(
            output.peer,
            format_args!("refused, because a request cannot be read ({})", refusal.name()),
        );
    }
    begin(refusal.status(), worker, output);
    write_added_fields(asked.request(), worker, output);
    if refusal == Refusal::NotFound && worker.site.has_stand_in() {
        write_field(&mut output.bytes, "Vary", "Accept");
    }
    if refusal == Refusal::MethodNotAllowed {
        write_field(&mut output.bytes, "Allow", ALLOW);
    }
    let page = asked.request().and_then(|_| worker.site.error_page(refusal.status()));
    let (content_type, content) = match &page {
        Some(page) => (&*page.content_type, &*page.content),
        None => (PLAIN_TEXT, refusal.sentence().as_bytes()),
    };
    finish_with(content_type, content, asked, refusal.status(), persistence, worker, output);
    persistence
}

pub(in crate::connection) fn begin(status: Status, worker: &Worker, output: &mut Output) {
    worker.meter.answered(output.receipts.protocol(), status);
    write_start(&mut output.bytes, status, &worker.date.at(clock::timestamp()));
    output.bytes.extend_from_slice(worker.site.https().fields(output.scheme));
}

/// The lines that the publisher adds to an answer that comes from no file.
pub(in crate::connection) fn write_added_fields(
    request: Option<&Request<'_>>,
    worker: &Worker,
    output: &mut Output,
) {
    let added = worker.site.added_fields();
    output.bytes.extend_from_slice(added.elsewhere());
    if let Some(request) = request {
        output.bytes.extend_from_slice(added.for_origin(&request.fields.origin));
    }
}

fn finish_with(
    content_type: &str,
    content: &[u8],
    asked: Asked<'_>,
    status: Status,
    persistence: Persistence,
    worker: &Worker,
    output: &mut Output,
) {
    write_field(&mut output.bytes, "Content-Type", content_type);
    write_field(&mut output.bytes, "Content-Length", &content.len().to_string());
    write_end(&mut output.bytes, persistence);
    let content = if asked.withholds_content() { b"" } else { content };
    expect_unnumbered(asked, status, content.len() as u64, worker, output);
    output.bytes.extend_from_slice(content);
}

/// Promises the access log to report what becomes of an answer that takes no number and whose head ends here, if it tells of
/// such.
pub(in crate::connection) fn expect_unnumbered(
    asked: Asked<'_>,
    status: Status,
    content_length: u64,
    worker: &Worker,
    output: &mut Output,
) {
    if let Some(exchange) = worker.log.details(asked, status) {
        output.receipts.expect(Dispatch::Unnumbered(Unnumbered {
            peer: output.peer,
            exchange,
            content_length,
            content_at: output.position(),
            began: clock::ledger_moment(),
        }));
    }
}
