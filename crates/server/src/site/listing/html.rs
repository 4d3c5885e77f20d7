//! A listing as a page for people (HTML Living Standard). It needs no script and nothing from anywhere else.
//!
//! Orders are chosen by buttons, not links: a program that follows every link would otherwise fetch each folder once
//! more for every order. The links to other pages it should follow.

use std::fmt::Display;
use std::io::Write as _;

use tallyd_http::target::SitePath;

use super::Column;
use super::entry::Entry;
use super::html_text::write_text;
use super::page::{Extent, MAX_ENTRIES, Page};
use super::query::{Order, Query, Sort};
use super::size_text::size_text;
use super::time::rfc_3339;
use crate::backend::directory::EntryKind;

/// What the page may do, in case a name ever became markup: nothing but show itself and send its own forms.
pub(super) const CONTENT_SECURITY_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; base-uri 'none'";

const HEAD: &str = concat!(
    r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 64 64' fill='none' stroke='%23"#,
    r#"b93320' stroke-width='6' stroke-linecap='round'%3E%3Cpath d='M14 12v41M26 12v41M38 12v41M50 12v41M5 46 60 18'/%3E%3C/svg%3E">
<style>
"#,
    include_str!("style.css"),
    "</style>\n"
);

/// Writes all up to the first entry.
pub(super) fn write_start(
    out: &mut Vec<u8>,
    path: &SitePath<'_>,
    query: &Query,
    column: Column,
    page: &Page,
) {
    push(out, HEAD);
    push(out, "<title>Index of ");
    write_text(out, &String::from_utf8_lossy(path.as_bytes()));
    push(
        out,
        "</title>\n</head>\n<body>\n<a class=\"skip\" href=\"#entries\">Skip to the entries</a>\n<header>\n",
    );
    write_way(out, path);
    push(out, "<div class=\"bar\">\n<p role=\"status\">");
    write_extent(out, query, page);
    push(out, "</p>\n");
    write_filter(out, query);
    push(out, "</div>\n</header>\n<main id=\"entries\">\n");
    if page.extent == Extent::Cut {
        push(out, "<p class=\"note\">This folder has more than ");
        push(out, &grouped(MAX_ENTRIES));
        push(out, " such entries; the others are not shown. Filter by name to find them.</p>\n");
    }
    if page.entries.is_empty() {
        write_emptiness(out, query);
    } else {
        push(out, "<div class=\"card\"><table aria-label=\"Entries\">\n<thead><tr>");
        write_column(out, query, Sort::Name, "Name");
        write_column(out, query, Sort::Size, "Size");
        match column {
            Column::Absent => {}
            Column::Shown => write_column(out, query, Sort::Downloads, "Downloads"),
        }
        write_column(out, query, Sort::Time, "Modified (UTC)");
        push(out, "</tr></thead>\n<tbody>\n");
    }
}

/// Writes an entry, as one row on one line.
pub(super) fn write_entry(out: &mut Vec<u8>, entry: &Entry, column: Column) {
    let (row, slash) = match entry.kind {
        EntryKind::File => ("<tr><td><a href=\"", ""),
        EntryKind::Directory => ("<tr class=\"d\"><td><a href=\"", "/"),
    };
    push(out, row);
    let mut href = String::new();
    entry.write_reference(&mut href);
    push(out, &href);
    push(out, "\"><bdi>");
    write_text(out, &entry.text());
    push(out, "</bdi>");
    push(out, slash);
    push(out, "</a></td>");
    match entry.length {
        Some(length) => write(out, format_args!("<td title=\"{length} bytes\">{}</td>", size_text(length))),
        None => push(out, "<td></td>"),
    }
    match (column, entry.downloads) {
        (Column::Absent, _) => {}
        (Column::Shown, None) => push(out, "<td class=\"n\"></td>"),
        (Column::Shown, Some(downloads)) => {
            write(out, format_args!("<td class=\"n\">{}</td>", grouped(downloads)));
        }
    }
    match entry.modified.and_then(rfc_3339) {
        Some(date) => {
            let (day, time) = (&date[..10], &date[11..16]);
            write(out, format_args!("<td><time datetime=\"{date}\">{day} {time}</time></td></tr>\n"));
        }
        None => push(out, "<td></td></tr>\n"),
    }
}

/// Writes all after the last entry.
pub(super) fn write_end(out: &mut Vec<u8>, query: &Query, page: &Page) {
    if !page.entries.is_empty() {
        push(out, "</tbody>\n</table></div>\n");
    }
    if page.pages > 1 {
        write_pages(out, query, page);
    }
    push(out, "</main>\n<footer><p>Served by tallyd</p></footer>\n</body>\n</html>\n");
}

/// The way from the root, by links that only climb, and the directory's own name.
fn write_way(out: &mut Vec<u8>, path: &SitePath<'_>) {
    let segments: Vec<&[u8]> =
        path.relative().split(|&byte| byte == b'/').filter(|segment| !segment.is_empty()).collect();
    let Some((own, above)) = segments.split_last() else {
        push(out, "<h1>All files</h1>\n");
        return;
    };
    push(out, "<nav aria-label=\"Folders above\"><ol>");
    let names = std::iter::once("Home".into()).chain(above.iter().map(|name| String::from_utf8_lossy(name)));
    for (depth, name) in names.enumerate() {
        write(out, format_args!("<li><a href=\"{}\"><bdi>", "../".repeat(segments.len() - depth)));
        write_text(out, &name);
        push(out, "</bdi></a></li>");
    }
    push(out, "</ol></nav>\n<h1><bdi>");
    write_text(out, &String::from_utf8_lossy(own));
    push(out, "</bdi></h1>\n");
}

/// Which entries are shown, of how many.
fn write_extent(out: &mut Vec<u8>, query: &Query, page: &Page) {
    let total = grouped(page.total);
    let noun = if page.total == 1 { "entry" } else { "entries" };
    if page.pages > 1 {
        let first = (page.number - 1) * query.per_page as usize + 1;
        let last = first - 1 + page.entries.len();
        write(out, format_args!("{} to {} of {total} {noun}", grouped(first), grouped(last)));
    } else {
        write(out, format_args!("{total} {noun}"));
    }
    if !query.filter.is_empty() {
        push(out, " with “<bdi>");
        write_text(out, &String::from_utf8_lossy(&query.filter));
        push(out, "</bdi>” in the name");
    }
}

fn write_filter(out: &mut Vec<u8>, query: &Query) {
    push(out, "<form role=\"search\">");
    let kept = Query { filter: Box::default(), page: 1, ..query.clone() };
    write_hidden_fields(out, &kept);
    push(out, "<label class=\"unseen\" for=\"q\">Filter by name</label>");
    push(
        out,
        "<input type=\"search\" id=\"q\" name=\"q\" placeholder=\"Filter by name\" autocomplete=\"off\" value=\"",
    );
    write_text(out, &String::from_utf8_lossy(&query.filter));
    push(out, "\"><button>Filter</button></form>\n");
}

fn write_emptiness(out: &mut Vec<u8>, query: &Query) {
    if query.filter.is_empty() {
        push(out, "<p class=\"empty\">This folder is empty.</p>\n");
        return;
    }
    let all = Query { filter: Box::default(), page: 1, ..query.clone() }.reference();
    push(out, "<p class=\"empty\">No name here contains that. <a href=\"");
    write_text(out, &all);
    push(out, "\">Show all entries</a></p>\n");
}

/// The head of a column: a button that orders by it, or turns its order around.
fn write_column(out: &mut Vec<u8>, query: &Query, sort: Sort, title: &str) {
    // The largest and the newest are what one looks for first.
    let first = match sort {
        Sort::Name => Order::Ascending,
        Sort::Size | Sort::Time | Sort::Downloads => Order::Descending,
    };
    let is_current = query.sort == sort;
    let (state, arrow) = match query.order {
        Order::Ascending => (" aria-sort=\"ascending\"", " <span aria-hidden=\"true\">↑</span>"),
        Order::Descending => (" aria-sort=\"descending\"", " <span aria-hidden=\"true\">↓</span>"),
    };
    let (state, arrow, next) =
        if is_current { (state, arrow, query.order.reversed()) } else { ("", "", first) };
    let class = if sort == Sort::Downloads { " class=\"n\"" } else { "" };
    write(out, format_args!("<th scope=\"col\"{class}{state}><form>"));
    write_hidden_fields(out, &Query { sort, order: next, page: 1, ..query.clone() });
    write(out, format_args!("<button>{title}{arrow}</button></form></th>"));
}

fn write_hidden_fields(out: &mut Vec<u8>, query: &Query) {
    for (key, value) in query.fields() {
        write(out, format_args!("<input type=\"hidden\" name=\"{key}\" value=\""));
        write_text(out, &String::from_utf8_lossy(&value));
        push(out, "\">");
    }
}

fn write_pages(out: &mut Vec<u8>, query: &Query, page: &Page) {
    push(out, "<nav class=\"pages\" aria-label=\"Pages\">");
    if page.number > 1 {
        write_page_link(out, query, 1, "", "First");
        write_page_link(out, query, page.number - 1, " rel=\"prev\"", "Previous");
    }
    write(out, format_args!("<span>Page {} of {}</span>", grouped(page.number), grouped(page.pages)));
    if page.number < page.pages {
        write_page_link(out, query, page.number + 1, " rel=\"next\"", "Next");
        write_page_link(out, query, page.pages, "", "Last");
    }
    push(out, "</nav>\n");
}

fn write_page_link(out: &mut Vec<u8>, query: &Query, number: usize, relation: &str, text: &str) {
    // There are no more pages than entries, and no more of those than `MAX_ENTRIES`.
    let reference = Query { page: number as u32, ..query.clone() }.reference();
    write(out, format_args!("<a{relation} href=\""));
    write_text(out, &reference);
    write(out, format_args!("\">{text}</a>"));
}

/// A number with commas between each three digits.
fn grouped(number: impl Display) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn push(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

fn write(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("memory takes any text");
}
