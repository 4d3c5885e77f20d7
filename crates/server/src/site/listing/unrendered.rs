//! A listing that is rendered as it is sent.

use std::sync::Arc;

use tallyd_http::accept::ListingForm;
use tallyd_http::target::SitePath;
use tokio::sync::OwnedSemaphorePermit;

use super::page::Page;
use super::query::Query;
use super::{Column, Content, Progress, html, json};

/// How much a call of [`Unrendered::render`] adds at least, unless the end comes first, in bytes: tens of microseconds of
/// work.
pub(super) const CHUNK_BYTES: usize = 16 * 1024;

/// How long the text of a listing may be to be held as such, in bytes: a readable page of entries with long names.
const WHOLE_BYTES: usize = 256 * 1024;

/// What was read, and how far it was rendered.
#[derive(Debug)]
pub(super) struct Unrendered {
    form: ListingForm,
    path: SitePath<'static>,
    query: Query,
    column: Column,
    page: Page,
    next: Next,
    /// Held by a large page until it was sent.
    _permits: Option<OwnedSemaphorePermit>,
}

/// What is rendered next.
#[derive(Clone, Copy, Debug)]
enum Next {
    Start,
    Entry(usize),
    Nothing,
}

impl Unrendered {
    pub(super) fn new(
        form: ListingForm,
        path: SitePath<'static>,
        query: Query,
        column: Column,
        page: Page,
        permits: Option<OwnedSemaphorePermit>,
    ) -> Unrendered {
        Unrendered { form, path, query, column, page, next: Next::Start, _permits: permits }
    }

    /// Renders all of it if it is short.
    pub(super) fn whole_if_short(mut self) -> Content {
        let mut text = Vec::new();
        while text.len() < WHOLE_BYTES {
            if self.render(&mut text) == Progress::Done {
                return Content::Whole(Arc::from(text));
            }
        }
        Content::Unrendered(Box::new(Unrendered { next: Next::Start, ..self }))
    }

    /// Appends the next chunk to `out`, of `CHUNK_BYTES` and one entry at most.
    pub(super) fn render(&mut self, out: &mut Vec<u8>) -> Progress {
        let full = out.len() + CHUNK_BYTES;
        while out.len() < full {
            self.next = match self.next {
                Next::Start => {
                    self.write_start(out);
                    Next::Entry(0)
                }
                Next::Entry(index) if index < self.page.entries.len() => {
                    self.write_entry(out, index);
                    Next::Entry(index + 1)
                }
                Next::Entry(_) => {
                    self.write_end(out);
                    Next::Nothing
                }
                Next::Nothing => return Progress::Done,
            };
        }
        match self.next {
            Next::Start | Next::Entry(_) => Progress::More,
            Next::Nothing => Progress::Done,
        }
    }

    fn write_start(&self, out: &mut Vec<u8>) {
        match self.form {
            ListingForm::Html => html::write_start(out, &self.path, &self.query, self.column, &self.page),
            ListingForm::Json => json::write_start(out, &self.path, &self.query, &self.page),
        }
    }

    fn write_entry(&self, out: &mut Vec<u8>, index: usize) {
        let entry = &self.page.entries[index];
        match self.form {
            ListingForm::Html => html::write_entry(out, entry, self.column),
            ListingForm::Json => json::write_entry(out, index, entry, self.column),
        }
    }

    fn write_end(&self, out: &mut Vec<u8>) {
        match self.form {
            ListingForm::Html => html::write_end(out, &self.query, &self.page),
            ListingForm::Json => json::write_end(out),
        }
    }
}
