//! From a request to its answer in the output: decided and rendered without waiting.
//!
//! Here it is decided who answers: a file (`delivered`), a listing or a badge, or the server itself (`said`).

mod delivered;
mod said;

use tallyd_http::h1::framing::{self, Framing};
use tallyd_http::h1::persistence::Persistence;
use tallyd_http::method::Method;
use tallyd_http::refusal::Refusal;
use tallyd_http::request::{Expectation, Request};
use tallyd_http::response::{Body, RetrievalMethod};
use tallyd_http::target::{SitePath, Target};

use self::delivered::{Chosen, deliver};
pub(super) use self::said::{begin, expect_unnumbered, refuse, write_added_fields};
use self::said::{redirect_to, show_proof, tell_options};
use super::badge::answer_with_badge;
use super::buffers::Output;
use super::errand::Errand;
use super::listing::{ListingOrder, Rendering, answer_with_listing};
use crate::access_log::Asked;
use crate::backend::remembered::Handle;
use crate::backend::variants::Choice;
use crate::site::listing::{PerPage, Query};
use crate::site::{CodingOrder, Selection};
use crate::worker::Worker;

/// How much of a request's content is read and thrown away so that the connection can go on, in bytes. Nobody sends content
/// to a server of files on purpose; beyond this, a new connection is cheaper than the rest of the content.
pub(super) const MAX_SKIPPED_CONTENT: u64 = 64 * 1024;

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
