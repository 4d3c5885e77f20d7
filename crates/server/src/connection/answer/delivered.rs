//! Answers from files that were found, each with a number where it takes one.

use std::rc::Rc;

use tallyd_http::disposition;
use tallyd_http::h1::persistence::Persistence;
use tallyd_http::h1::writer::{write_end, write_field, write_fields};
use tallyd_http::multipart::Boundary;
use tallyd_http::range::ByteRange;
use tallyd_http::representation::Representation;
use tallyd_http::request::Request;
use tallyd_http::response::{Body, Decision, ResponsePlan, Retrieval, RetrievalMethod, decide};
use tallyd_http::status::Status;
use tallyd_ledger::{Client, Kind};

use super::Answered;
use super::said::{begin, expect_unnumbered};
use crate::access_log::{Asked, Peer};
use crate::backend::remembered::{Handle, Remembered};
use crate::backend::variants::Served;
use crate::clock;
use crate::connection::buffers::Output;
use crate::connection::receipts::{self, Dispatch, Numbered};
use crate::transmit::indices;
use crate::worker::Worker;

/// Up to this length, content that is in memory anyway is copied behind its head, so that both leave in one write, in bytes.
/// Above it the copy costs more than the second write.
const MAX_COPIED_BYTES: u64 = 32 * 1024;

/// A file that was found, and what of it is sent to this client.
#[derive(Clone, Copy)]
pub(super) struct Chosen<'f> {
    pub(super) file: &'f Rc<Remembered>,
    pub(super) served: &'f Served,
}

/// Answers from a file that was found. Nothing is allocated for the plain 200.
pub(super) fn deliver(
    chosen: Chosen<'_>,
    request: &Request<'_>,
    method: RetrievalMethod,
    query: Option<&[u8]>,
    persistence: Persistence,
    worker: &Worker,
    output: &mut Output,
) -> Answered {
    let Chosen { file, served } = chosen;
    let (conditions, range) = (&request.fields.conditions, &request.fields.range);
    let time = clock::timestamp();
    let now = clock::date_of(time);
    let decision = decide(&Retrieval { method, conditions, range }, &served.representation, now);
    let status = decision.status();
    let request_number =
        counted_kind(&decision, method).map(|kind| file.tally.take_number(kind, clock::day_of(time)));
    let body = match (&decision, &served.prepared_fields) {
        (Decision::Whole, Some(fields)) => {
            worker.meter.answered(output.receipts.protocol(), status);
            output.bytes.extend_from_slice(&worker.ok_start.at(time));
            output.bytes.extend_from_slice(worker.site.https().fields(output.scheme));
            output.bytes.extend_from_slice(fields);
            whole(&served.representation)
        }
        (_, _) => {
            let boundary = Boundary::from_random(worker.draw_boundary());
            let plan = ResponsePlan::new(decision, &served.representation, now, boundary);
            begin(plan.status, worker, output);
            write_fields(&mut output.bytes, &plan.fields);
            if request_number.is_some() {
                output.bytes.extend_from_slice(&file.added_fields);
            } else {
                output.bytes.extend_from_slice(worker.site.added_fields().elsewhere());
            }
            plan.body
        }
    };
    output.bytes.extend_from_slice(worker.site.added_fields().for_origin(&request.fields.origin));
    if query.is_some_and(disposition::is_asked_for) {
        write_disposition(file, status, worker, output);
    }
    write_end(&mut output.bytes, persistence);
    match request_number {
        Some(number) => {
            let content = match method {
                RetrievalMethod::Get => receipts::Content::of_body(&body),
                RetrievalMethod::Head => receipts::Content::Nothing,
            };
            expect_receipt(number, status, content, chosen, request, worker, output);
        }
        None => expect_unnumbered(Asked::Read(request), status, 0, worker, output),
    }
    match (method, body) {
        (RetrievalMethod::Head, _) | (RetrievalMethod::Get, Body::Empty) => Answered::Wholly(persistence),
        (RetrievalMethod::Get, Body::Bytes(bytes)) => {
            output.bytes.extend_from_slice(&bytes);
            Answered::Wholly(persistence)
        }
        (RetrievalMethod::Get, Body::Slice { handle: Handle::Memory(content), range }) => {
            output.add_content(content, indices(range));
            Answered::Wholly(persistence)
        }
        (RetrievalMethod::Get, Body::Slice { handle: Handle::Shared(content), range })
            if range.length() <= MAX_COPIED_BYTES =>
        {
            output.bytes.extend_from_slice(&content[indices(range)]);
            Answered::Wholly(persistence)
        }
        (RetrievalMethod::Get, body @ (Body::Slice { .. } | Body::Parts { .. })) => {
            Answered::ButForContent(body, persistence)
        }
    }
}

/// Says that content is to be saved under the file's name, unless the publisher says what is to be done with it.
fn write_disposition(file: &Remembered, status: Status, worker: &Worker, output: &mut Output) {
    let has_content = matches!(status, Status::OK | Status::PARTIAL_CONTENT);
    if has_content && !worker.site.added_fields().gives(file.path(), "Content-Disposition") {
        let value = disposition::attachment(file.path().file_name());
        write_field(&mut output.bytes, "Content-Disposition", &value);
    }
}

/// Every answer from a resource, whole, in part or "not modified", takes the resource's next number.
fn counted_kind(decision: &Decision, method: RetrievalMethod) -> Option<Kind> {
    let kind = match decision {
        Decision::Whole => Kind::Full,
        Decision::Part(_) | Decision::Parts(_) => Kind::Partial,
        Decision::NotModified => Kind::NotModified,
        Decision::PreconditionFailed | Decision::RangeNotSatisfiable => return None,
    };
    Some(match method {
        RetrievalMethod::Get => kind,
        RetrievalMethod::Head => Kind::Head,
    })
}

/// Promises the ledger to report what becomes of an answer whose head ends here.
fn expect_receipt(
    number: tallyd_ledger::Request,
    status: Status,
    content: receipts::Content,
    Chosen { file, served }: Chosen<'_>,
    request: &Request<'_>,
    worker: &Worker,
    output: &mut Output,
) {
    let Peer { ip, port } = output.peer;
    let agent = worker.site.identity_of(request.fields.user_agent.lines());
    output.receipts.expect(Dispatch::Numbered(Numbered {
        request: number,
        client: Client { address: ip, port, agent },
        representation: served.counted_as,
        file: Rc::clone(file),
        content,
        content_at: output.position(),
        began: clock::ledger_moment(),
        details: worker.log.details(Asked::Read(request), status),
        listed: None,
    }));
}

/// The body of a plain 200, as `ResponsePlan` makes it.
fn whole(representation: &Representation<Handle>) -> Body<Handle> {
    match ByteRange::whole(representation.complete_length) {
        Some(range) => Body::Slice { handle: representation.handle.clone(), range },
        None => Body::Empty,
    }
}
