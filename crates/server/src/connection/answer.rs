//! From a request to its answer in the output: decided and rendered without waiting.

use std::rc::Rc;

use tallyd_http::disposition;
use tallyd_http::h1::framing::{self, Framing};
use tallyd_http::h1::persistence::Persistence;
use tallyd_http::h1::writer::{write_end, write_field, write_fields, write_start};
use tallyd_http::method::{ALLOW, Method};
use tallyd_http::multipart::Boundary;
use tallyd_http::range::ByteRange;
use tallyd_http::refusal::{Aftermath, Refusal};
use tallyd_http::representation::Representation;
use tallyd_http::request::{Expectation, Request};
use tallyd_http::response::{Body, Decision, ResponsePlan, Retrieval, RetrievalMethod, decide};
use tallyd_http::status::Status;
use tallyd_http::target::{SitePath, Target};
use tallyd_ledger::{Client, Kind};

use super::badge::answer_with_badge;
use super::buffers::Output;
use super::errand::Errand;
use super::listing::{ListingOrder, Rendering, answer_with_listing};
use super::receipts::{self, Dispatch, Numbered, Unnumbered};
use crate::access_log::{Asked, Peer};
use crate::backend::remembered::{Handle, Remembered};
use crate::backend::variants::{Choice, Served};
use crate::clock;
use crate::site::listing::{PerPage, Query};
use crate::site::routes::{Reason, Redirect};
use crate::site::{CodingOrder, Selection};
use crate::transmit::indices;
use crate::worker::Worker;

/// How much of a request's content is read and thrown away so that the connection can go on, in bytes. Nobody sends content
/// to a server of files on purpose; beyond this, a new connection is cheaper than the rest of the content.
pub(super) const MAX_SKIPPED_CONTENT: u64 = 64 * 1024;

/// Up to this length, content that is in memory anyway is copied behind its head, so that both leave in one write, in bytes.
/// Above it the copy costs more than the second write.
const MAX_COPIED_BYTES: u64 = 32 * 1024;

/// The type of the sentences that answers have where a site has no page for them.
const PLAIN_TEXT: &str = "text/plain; charset=utf-8";

/// What is known of the request that is being answered, beyond its head.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// What has become of its content.
    pub(super) content: ContentState,
    /// What its target leads to, if that had to be waited for.
    pub(super) selection: Option<Selection>,
}

/// What has become of a request's content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum ContentState {
    /// It is where the client put it: behind the head.
    #[default]
    Untouched,
    /// It was read and thrown away; the next head follows.
    Skipped,
    /// It will not be read, so no other request can follow.
    LeftOver,
    /// It does not follow its own framing.
    Malformed,
}

/// How far an answer has come.
pub(super) enum Answered {
    /// It is in the output.
    Wholly(Persistence),
    /// Its head is in the output; this content follows.
    ButForContent(Body<Handle>, Persistence),
    /// It can be given once the request's content is out of the way.
    AfterContent(Framing),
    /// Its head is in the output; this listing follows.
    ButForListing(Box<Rendering>, Persistence),
    /// It can be given once this was done.
    After(Errand),
}

/// Answers a request whose head was read.
pub(super) fn answer(
    request: &Request<'_>,
    progress: &mut Progress,
    worker: &Worker,
    output: &mut Output,
) -> Answered {
    match check_content(request, progress) {
        Ok(None) => {}
        Ok(Some(framing)) => return Answered::AfterContent(framing),
        Err(refusal) => {
            return Answered::Wholly(refuse(
                refusal,
                Asked::Read(request),
                Persistence::Close,
                worker,
                output,
            ));
        }
    }
    let ends = progress.content == ContentState::LeftOver || worker.is_draining();
    let wanted = Persistence::of_request(request.version, &request.fields.connection);
    let persistence = if ends { Persistence::Close } else { wanted };
    let refused = |refusal, output: &mut Output| {
        Answered::Wholly(refuse(refusal, Asked::Read(request), persistence, worker, output))
    };
    let target = match request.check_host().and_then(|()| target_of(request)) {
        Ok(target) => target,
        Err(refusal) => return refused(refusal, output),
    };
    let (method, path, query) = match target {
        Sought::Options => return Answered::Wholly(tell_options(request, persistence, worker, output)),
        Sought::Representation { method, path, query } => (method, path, query),
    };
    let host = request.fields.host.lines().first().copied();
    match worker.site.https().redirect(output.scheme, host, &path) {
        None => {}
        Some(Ok(redirect)) => {
            return Answered::Wholly(redirect_to(redirect, query, request, persistence, worker, output));
        }
        Some(Err(refusal)) => return refused(refusal, output),
    }
    match progress.selection.take().unwrap_or_else(|| worker.site.select(path, &request.fields.accept)) {
        Selection::File(file) => match file.variants.choose(&request.fields.accept_encoding) {
            Choice::Ready(served) => {
                let chosen = Chosen { file: &file, served };
                deliver(chosen, request, method, query, persistence, worker, output)
            }
            Choice::ToBeMade(coding) => {
                Answered::After(Errand::Encode(Box::new(CodingOrder { file, coding })))
            }
        },
        Selection::AsItIs(file) => {
            let chosen = Chosen { file: &file, served: file.variants.original() };
            deliver(chosen, request, method, query, persistence, worker, output)
        }
        Selection::Directory(path) => match worker.site.listing_form(&request.fields.accept) {
            Some(form) => {
                let knows_pages = form.is_named_in(&request.fields.accept);
                let usual = if knows_pages { PerPage::Readable } else { PerPage::All };
                let query = Query::parse(query, usual);
                let order = ListingOrder { path, query, form };
                Answered::After(Errand::Read(Box::new(order)))
            }
            None => refused(Refusal::NotFound, output),
        },
        Selection::Listing(listing) => {
            answer_with_listing(*listing, request, method, persistence, worker, output)
        }
        Selection::Proof(text) => Answered::Wholly(show_proof(&text, request, persistence, worker, output)),
        Selection::Badge(order) => Answered::After(Errand::Make(order)),
        Selection::Made(badge) => answer_with_badge(&badge, request, method, persistence, worker, output),
        Selection::Redirect(redirect) => {
            Answered::Wholly(redirect_to(*redirect, query, request, persistence, worker, output))
        }
        Selection::Refused(refusal) => refused(refusal, output),
        Selection::Cold(search) => Answered::After(Errand::Fetch(search)),
    }
}

/// Says whether content must be skipped first, having decided whether it is worth it.
fn check_content(request: &Request<'_>, progress: &mut Progress) -> Result<Option<Framing>, Refusal> {
    let framing = framing::of_request(request)?;
    let expectation = request.expectation()?;
    if progress.content == ContentState::Malformed {
        return Err(Refusal::AmbiguousFraming);
    }
    if framing == Framing::Empty || progress.content != ContentState::Untouched {
        return Ok(None);
    }
    let is_worth_skipping = match (framing, expectation) {
        // The client waits to be asked for its content, and nobody here wants it (RFC 9110 §10.1.1).
        (_, Expectation::Continue) | (Framing::Empty, Expectation::Absent) => false,
        (Framing::Length(length), Expectation::Absent) => length <= MAX_SKIPPED_CONTENT,
        (Framing::Chunked, Expectation::Absent) => true,
    };
    if is_worth_skipping {
        return Ok(Some(framing));
    }
    progress.content = ContentState::LeftOver;
    Ok(None)
}

/// What is asked for, by method and target together.
enum Sought<'a> {
    Representation { method: RetrievalMethod, path: SitePath<'a>, query: Option<&'a [u8]> },
    Options,
}

fn target_of<'a>(request: &Request<'a>) -> Result<Sought<'a>, Refusal> {
    match (request.method, request.target) {
        (Method::NotAllowed, _) => Err(Refusal::MethodNotAllowed),
        (Method::Unknown, _) => Err(Refusal::NotImplemented),
        (Method::Options, target) => Target::parse(target).map(|_| Sought::Options),
        (Method::Get, target) => retrieval_of(RetrievalMethod::Get, target),
        (Method::Head, target) => retrieval_of(RetrievalMethod::Head, target),
    }
}

fn retrieval_of(method: RetrievalMethod, target: &[u8]) -> Result<Sought<'_>, Refusal> {
    match Target::parse(target)? {
        Target::Path { path, query } => Ok(Sought::Representation { method, path, query }),
        Target::Server => Err(Refusal::BadTarget),
    }
}

/// A file that was found, and what of it is sent to this client.
#[derive(Clone, Copy)]
struct Chosen<'f> {
    file: &'f Rc<Remembered>,
    served: &'f Served,
}

/// Answers from a file that was found. Nothing is allocated for the plain 200.
fn deliver(
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
    let now = clock::http_date();
    let decision = decide(&Retrieval { method, conditions, range }, &served.representation, now);
    let status = decision.status();
    let request_number =
        counted_kind(&decision, method).map(|kind| file.tally.take_number(kind, clock::today()));
    let body = match (&decision, &served.prepared_fields) {
        (Decision::Whole, Some(fields)) => {
            worker.meter.answered(output.receipts.protocol(), status);
            output.bytes.extend_from_slice(&worker.ok_start.now());
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

/// Promises the access log to report what becomes of an answer that takes no number and whose head ends here, if it tells of
/// such.
pub(super) fn expect_unnumbered(
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

/// The body of a plain 200, as `ResponsePlan` makes it.
fn whole(representation: &Representation<Handle>) -> Body<Handle> {
    match ByteRange::whole(representation.complete_length) {
        Some(range) => Body::Slice { handle: representation.handle.clone(), range },
        None => Body::Empty,
    }
}

/// Sends a client elsewhere.
fn redirect_to(
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
fn show_proof(
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

fn tell_options(
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
pub(super) fn refuse(
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

pub(super) fn begin(status: Status, worker: &Worker, output: &mut Output) {
    worker.meter.answered(output.receipts.protocol(), status);
    write_start(&mut output.bytes, status, &worker.date.now());
    output.bytes.extend_from_slice(worker.site.https().fields(output.scheme));
}

/// The lines that the publisher adds to an answer that comes from no file.
pub(super) fn write_added_fields(request: Option<&Request<'_>>, worker: &Worker, output: &mut Output) {
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
