//! Listings: what is in a directory, for people (HTML) and for programs (JSON).
//!
//! *Read, then render.* A directory is read on a thread that may wait, as far as one page needs it (`page`). What is short
//! is rendered there as well, and whoever asks for the same in the next few milliseconds gets the same text (`recent`).
//! What is long is rendered on the worker's thread, a chunk at a time, so that neither a long listing nor a slow client
//! delays anybody or is held in memory as text (`unrendered`). `docs/listing.md` is the contract of the query and of the JSON.
//!
//! A listing has no validator: a tag that tells every change of what is shown would have to be made from all of it, and
//! the time of a directory tells nothing of the files in it. It is not counted either (`docs/counting.md`).

mod audience;
mod downloads;
mod entry;
mod html;
mod html_text;
mod json;
mod page;
mod query;
mod recent;
mod size_text;
mod time;
mod unrendered;

use std::sync::Arc;

use tallyd_http::accept::ListingForm;
use tallyd_http::field_lines::FieldLines;
use tallyd_http::target::SitePath;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use self::audience::Seat;
use self::downloads::Downloads;
use self::page::Page;
use self::query::Sort;
use self::unrendered::Unrendered;
use super::lookup::Source;
use super::{DotNames, Publication};
use crate::backend::folder::Failure;
use crate::config::ListingMode;

pub(crate) use self::query::{PerPage, Query};
pub(crate) use self::recent::Recent;

/// How many directories are read at a time, of all workers: each takes memory for up to `page::MAX_ENTRIES` names. Further
/// ones wait their turn.
const READINGS_AT_A_TIME: usize = 4;

/// A page of more entries than this is large: it may take a slow client long and meanwhile takes megabytes.
const LARGE_PAGE_ENTRIES: usize = 10_000;

/// How many entries of large pages may be under way at a time, of all workers: about 160 MiB. A further page is refused.
const LARGE_PAGES_ENTRIES: usize = 1_600_000;

/// How a site lists its directories. What all workers share of it bounds the memory that listings take.
#[derive(Debug)]
pub(crate) struct Listings {
    mode: ListingMode,
    dot_names: DotNames,
    column: Column,
    readings: Arc<Semaphore>,
    /// A permit for each entry.
    large_pages: Arc<Semaphore>,
}

/// Whether listings tell how often each file was downloaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    /// They do not.
    Absent,
    /// In a column that can be sorted by.
    Shown,
}

/// A listing that was read.
#[derive(Debug)]
pub(crate) struct Listing {
    form: ListingForm,
    content: Content,
}

/// What a listing shows.
#[derive(Debug)]
enum Content {
    /// Text, which others may be sending as well.
    Whole(Arc<[u8]>),
    /// Too much to be held as text.
    Unrendered(Box<Unrendered>),
}

/// Whether a rendering goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// There is more to render.
    More,
    /// That was all.
    Done,
}

impl Listings {
    /// Listings in the forms that `mode` allows, with or without dot names and downloads.
    pub(crate) fn new(mode: ListingMode, dot_names: DotNames, column: Column) -> Listings {
        Listings {
            mode,
            dot_names,
            column,
            readings: Arc::new(Semaphore::new(READINGS_AT_A_TIME)),
            large_pages: Arc::new(Semaphore::new(LARGE_PAGES_ENTRIES)),
        }
    }

    /// Waits for a turn to read much: of a directory, or of the ledger for one who asks from outside.
    pub(super) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        // Nothing closes it; if something did, there would be nothing left to wait for.
        Arc::clone(&self.readings).acquire_owned().await.ok()
    }

    /// Whether no directory is listed.
    pub(super) fn are_off(&self) -> bool {
        self.mode == ListingMode::Off
    }

    /// Whether dot names are there, in listings and under their own paths.
    pub(super) fn dot_names(&self) -> DotNames {
        self.dot_names
    }

    /// The form in which a client with this `Accept` gets a listing, if it gets one.
    pub(crate) fn form(&self, accept: &FieldLines<'_>) -> Option<ListingForm> {
        match self.mode {
            ListingMode::Html => Some(ListingForm::negotiate(accept)),
            ListingMode::Json => Some(ListingForm::Json),
            ListingMode::Off => None,
        }
    }
}

impl Listing {
    /// Reads what `query` asks of the directory `path`, which ends in `/`.
    ///
    /// Dropping the future ends the reading. `Failure::Busy`: too much of large pages is under way.
    pub(super) async fn read(
        source: Source,
        path: SitePath<'static>,
        query: Query,
        form: ListingForm,
    ) -> Result<Listing, Failure> {
        let turn = source.publication.listings.turn().await;
        let seat = Seat::take();
        let audience = seat.audience();
        let reading = tokio::task::spawn_blocking(move || {
            let Publication { listings, ledger, .. } = &*source.publication;
            let column = listings.column;
            let query = without_absent(query, column);
            let downloads = Downloads { column, ledger, directory: &path };
            let page = source.folder.open_directory(path.relative()).and_then(|directory| {
                Page::read(&directory, &query, listings.dot_names, &audience, |entries| {
                    downloads.note(entries);
                })
            })?;
            // The turn ends with the reading, also when nobody waits for it any more.
            drop(turn);
            let permits = listings.permits_to_send(&page)?;
            let unrendered = Unrendered::new(form, path, query, column, page, permits);
            Ok(Listing { form, content: unrendered.whole_if_short() })
        });
        // An error means that the reading panicked, or that the runtime is ending.
        let listing = reading.await.map_err(|_| Failure::Broken)?;
        drop(seat);
        listing
    }

    /// The text, if it is held as such.
    fn text(&self) -> Option<&Arc<[u8]>> {
        match &self.content {
            Content::Whole(text) => Some(text),
            Content::Unrendered(_) => None,
        }
    }

    /// The fields of a listing beside `Content-Length` or `Transfer-Encoding`, as names and values.
    pub(crate) fn fields(form: ListingForm) -> impl Iterator<Item = (&'static str, &'static str)> {
        let content_type = match form {
            ListingForm::Html => "text/html; charset=utf-8",
            ListingForm::Json => "application/json",
        };
        let policy = match form {
            ListingForm::Html => Some(("Content-Security-Policy", html::CONTENT_SECURITY_POLICY)),
            ListingForm::Json => None,
        };
        // A cache may keep it but must ask each time: nobody could tell it that a file has come.
        let common = [("Cache-Control", "no-cache"), ("Content-Type", content_type)];
        // What a client accepts decides on the form and on how much is on a page.
        common.into_iter().chain(policy).chain([("X-Content-Type-Options", "nosniff"), ("Vary", "Accept")])
    }

    /// The form that it is rendered in.
    pub(crate) fn form(&self) -> ListingForm {
        self.form
    }

    /// Appends the next chunk to `out`: all of a short listing, else some tens of microseconds of work.
    pub(crate) fn render(&mut self, out: &mut Vec<u8>) -> Progress {
        match &mut self.content {
            Content::Whole(text) => {
                out.extend_from_slice(&std::mem::take(text));
                Progress::Done
            }
            Content::Unrendered(unrendered) => unrendered.render(out),
        }
    }
}

/// What is ordered by a column that is not there counts as not ordered.
fn without_absent(query: Query, column: Column) -> Query {
    match (query.sort, column) {
        (Sort::Downloads, Column::Absent) => Query { sort: Sort::Name, ..query },
        (Sort::Name | Sort::Size | Sort::Time | Sort::Downloads, _) => query,
    }
}

impl Listings {
    /// Nothing is needed to send a page unless it is large.
    fn permits_to_send(&self, page: &Page) -> Result<Option<OwnedSemaphorePermit>, Failure> {
        let entries = page.entries.len();
        if entries <= LARGE_PAGE_ENTRIES {
            return Ok(None);
        }
        // A page has no more entries than `MAX_ENTRIES`.
        let permits = Arc::clone(&self.large_pages).try_acquire_many_owned(entries as u32);
        permits.map(Some).map_err(|_| Failure::Busy)
    }
}

#[cfg(test)]
mod tests;
