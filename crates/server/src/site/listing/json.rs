//! A listing as JSON (RFC 8259). The shape is documented in `docs/listing.md`, and fields are only ever added to it.
//!
//! What describes the page stands before its entries, and each entry on a line of its own.

use serde::Serialize;
use tallyd_http::target::SitePath;

use super::Column;
use super::entry::Entry;
use super::page::{Extent, Page};
use super::query::Query;
use super::time::rfc_3339;
use crate::backend::directory::EntryKind;

#[derive(Serialize)]
struct Description<'a> {
    path: &'a str,
    sort: &'static str,
    order: &'static str,
    filter: &'a str,
    page: usize,
    pages: usize,
    per_page: u32,
    total: usize,
    complete: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    href: &'a str,
    r#type: &'static str,
    size: Option<u64>,
    modified: Option<String>,
    #[serde(flatten)]
    figures: Option<Figures>,
}

#[derive(Serialize)]
struct Figures {
    downloads: Option<u64>,
}

/// Writes all up to the first entry.
pub(super) fn write_start(out: &mut Vec<u8>, path: &SitePath<'_>, query: &Query, page: &Page) {
    let description = Description {
        path: &String::from_utf8_lossy(path.as_bytes()),
        sort: query.sort.word(),
        order: query.order.word(),
        filter: &String::from_utf8_lossy(&query.filter),
        page: page.number,
        pages: page.pages,
        per_page: query.per_page,
        total: page.total,
        complete: page.extent == Extent::Whole,
    };
    write_value(out, &description);
    // The object is opened again for its last field.
    let brace = out.pop();
    debug_assert_eq!(brace, Some(b'}'));
    out.extend_from_slice(b",\"entries\":[");
}

/// Writes an entry, with what separates it from the one before.
pub(super) fn write_entry(out: &mut Vec<u8>, index: usize, entry: &Entry, column: Column) {
    out.extend_from_slice(if index == 0 { b"\n" } else { b",\n" });
    let mut href = String::new();
    entry.write_reference(&mut href);
    let line = Line {
        name: &entry.text(),
        href: &href,
        r#type: match entry.kind {
            EntryKind::File => "file",
            EntryKind::Directory => "directory",
        },
        size: entry.length,
        modified: entry.modified.and_then(rfc_3339),
        figures: match column {
            Column::Absent => None,
            Column::Shown => Some(Figures { downloads: entry.downloads }),
        },
    };
    write_value(out, &line);
}

/// Writes all after the last entry.
pub(super) fn write_end(out: &mut Vec<u8>) {
    out.extend_from_slice(b"\n]}\n");
}

fn write_value(out: &mut Vec<u8>, value: &impl Serialize) {
    serde_json::to_writer(out, value).expect("memory takes any text, and every key is one");
}
