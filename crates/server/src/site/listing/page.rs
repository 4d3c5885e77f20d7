//! One page of a directory: which entries, in which order, and what is known of them.
//!
//! Reading is done in two steps, since names are cheap and looks are not: in the order of names, only the entries of the
//! page are looked at; in another order, every one that passes the filter.

use std::cmp::Ordering;
use std::ffi::CString;
use std::ops::{ControlFlow, Range};

use super::audience::Audience;
use super::entry::Entry;
use super::query::{Order, Query, Sort};
use crate::backend::directory::{Directory, EntryKind, Hint};
use crate::backend::folder::Failure;
use crate::site::DotNames;

/// The most entries of one directory that are considered, and so the memory that a reading takes: some 130 MiB with names
/// of usual length. What is beyond is left out, and the listing says so.
pub(crate) const MAX_ENTRIES: usize = 1_000_000;

/// How many entries are looked at between two looks at whether anybody still waits: less than a millisecond.
const PATIENCE_ENTRIES: usize = 256;

/// Entries to show, and their place among all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    /// In order.
    pub(crate) entries: Vec<Entry>,
    /// How many entries of the directory pass the filter.
    pub(crate) total: usize,
    /// Which page this is, from 1.
    pub(crate) number: usize,
    /// How many pages there are, at least 1.
    pub(crate) pages: usize,
    /// Whether all entries were considered.
    pub(crate) extent: Extent,
}

/// How much of a directory was considered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All of it.
    Whole,
    /// Its first `MAX_ENTRIES`, in the order of the file system.
    Cut,
}

/// An entry that passes the filter, before it was looked at.
struct Candidate {
    name: CString,
    kind: EntryKind,
}

impl Page {
    /// Reads what `query` asks for. May wait for a disk; gives up, with a page that nobody sees, once the audience is gone.
    /// `note_downloads` is called once, with the entries of the page, or with all if they are ordered by that.
    pub(crate) fn read(
        directory: &Directory<'_>,
        query: &Query,
        dot_names: DotNames,
        audience: &Audience,
        note_downloads: impl FnOnce(&mut [Entry]),
    ) -> Result<Page, Failure> {
        let (candidates, extent) = candidates(directory, &query.filter, dot_names, audience)?;
        let total = candidates.len();
        let per_page = query.per_page as usize;
        let pages = total.div_ceil(per_page).max(1);
        let number = (query.page as usize).min(pages);
        let start = (number - 1) * per_page;
        let span = start..total.min(start + per_page);
        let look = |candidates: Vec<Candidate>| look_at_all(directory, candidates, audience);
        let mut entries = match query.sort {
            Sort::Name => look(cut(candidates, span, |a, b| by_name(a, b, query.order))),
            Sort::Size => cut(look(candidates), span, |a, b| by(a, b, query.order, |entry| entry.length)),
            Sort::Time => cut(look(candidates), span, |a, b| by(a, b, query.order, |entry| entry.modified)),
            Sort::Downloads => {
                let mut all = look(candidates);
                note_downloads(&mut all);
                let entries = cut(all, span, |a, b| by(a, b, query.order, |entry| entry.downloads));
                return Ok(Page { entries, total, number, pages, extent });
            }
        };
        note_downloads(&mut entries);
        Ok(Page { entries, total, number, pages, extent })
    }
}

/// The entries that pass the filter, in no order.
fn candidates(
    directory: &Directory<'_>,
    filter: &[u8],
    dot_names: DotNames,
    audience: &Audience,
) -> Result<(Vec<Candidate>, Extent), Failure> {
    let mut candidates = Vec::new();
    let mut extent = Extent::Whole;
    let mut seen: usize = 0;
    directory.visit(|name, hint| {
        seen += 1;
        if seen.is_multiple_of(PATIENCE_ENTRIES) && audience.is_gone() {
            return ControlFlow::Break(());
        }
        let bytes = name.to_bytes();
        let is_hidden = dot_names == DotNames::Hidden && bytes.starts_with(b".");
        if is_hidden || !contains(bytes, filter) {
            return ControlFlow::Continue(());
        }
        let kind = match hint {
            Hint::Kind(kind) => Some(kind),
            Hint::LookCloser => directory.look(name).map(|facts| facts.kind),
        };
        let Some(kind) = kind else { return ControlFlow::Continue(()) };
        if candidates.len() == MAX_ENTRIES {
            extent = Extent::Cut;
            return ControlFlow::Break(());
        }
        candidates.push(Candidate { name: name.to_owned(), kind });
        ControlFlow::Continue(())
    })?;
    Ok((candidates, extent))
}

fn look_at_all(directory: &Directory<'_>, candidates: Vec<Candidate>, audience: &Audience) -> Vec<Entry> {
    let mut entries = Vec::with_capacity(candidates.len());
    for Candidate { name, kind } in candidates {
        if entries.len().is_multiple_of(PATIENCE_ENTRIES) && audience.is_gone() {
            break;
        }
        // Something of another kind that took its place meanwhile has nothing to say about this one.
        let facts = directory.look(&name).filter(|facts| facts.kind == kind);
        entries.push(Entry::new(name, kind, facts));
    }
    entries
}

/// The part of all entries that stands at `span` in this order, in this order.
fn cut<T>(mut all: Vec<T>, span: Range<usize>, compare: impl Fn(&T, &T) -> Ordering) -> Vec<T> {
    all.sort_unstable_by(compare);
    // There are fewer than were found if nobody waits for them any more.
    let span = span.start.min(all.len())..span.end.min(all.len());
    // Into memory of its own: the rest is not kept while the page is sent.
    all.drain(span).collect()
}

fn by_name(a: &Candidate, b: &Candidate, order: Order) -> Ordering {
    directories_first(a.kind, b.kind).then_with(|| directed(a.name.cmp(&b.name), order))
}

/// By a key, then by name from the first, so that the order is the same each time.
fn by<K: Ord>(a: &Entry, b: &Entry, order: Order, key: impl Fn(&Entry) -> K) -> Ordering {
    directories_first(a.kind, b.kind)
        .then_with(|| directed(key(a).cmp(&key(b)), order))
        .then_with(|| a.name.cmp(&b.name))
}

fn directories_first(a: EntryKind, b: EntryKind) -> Ordering {
    match (a, b) {
        (EntryKind::Directory, EntryKind::File) => Ordering::Less,
        (EntryKind::File, EntryKind::Directory) => Ordering::Greater,
        (EntryKind::File, EntryKind::File) | (EntryKind::Directory, EntryKind::Directory) => Ordering::Equal,
    }
}

fn directed(ordering: Ordering, order: Order) -> Ordering {
    match order {
        Order::Ascending => ordering,
        Order::Descending => ordering.reverse(),
    }
}

/// Whether a name contains the filter, without regard to the case of ASCII letters.
fn contains(name: &[u8], filter: &[u8]) -> bool {
    filter.is_empty() || name.windows(filter.len()).any(|window| window.eq_ignore_ascii_case(filter))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File, FileTimes};
    use std::path::Path;
    use std::time::{Duration, UNIX_EPOCH};

    use super::super::audience::Seat;
    use super::super::query::PerPage;
    use super::*;
    use crate::backend::folder::{Folder, Links};

    fn read(root: &Path, query: &str, dot_names: DotNames) -> Page {
        let folder = Folder::new(File::open(root).expect("the root exists").into(), Links::Beneath)
            .expect("the kernel guards it");
        let directory = folder.open_directory(b"").expect("the root is a directory");
        let query = Query::parse(Some(query.as_bytes()), PerPage::Readable);
        Page::read(&directory, &query, dot_names, &Seat::take().audience(), |_| {}).expect("it is readable")
    }

    /// A folder with a few files and folders whose names, lengths and times are in different orders.
    fn folder() -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a folder for the test");
        for (name, length, time_s) in
            [("b", 3, 50), ("a", 7, 20), ("C", 7, 90), ("a10", 0, 10), ("a9", 900, 20), (".dot", 1, 1)]
        {
            let path = root.path().join(name);
            fs::write(&path, "x".repeat(length)).expect("a file");
            set_time(&path, time_s);
        }
        for (name, time_s) in [("z", 5), ("d", 70), (".git", 1)] {
            let path = root.path().join(name);
            fs::create_dir(&path).expect("a folder");
            set_time(&path, time_s);
        }
        root
    }

    fn set_time(path: &Path, time_s: u64) {
        let modified = FileTimes::new().set_modified(UNIX_EPOCH + Duration::from_secs(time_s));
        File::open(path).and_then(|file| file.set_times(modified)).expect("the time can be set");
    }

    #[test]
    fn orders_filters_and_pages() {
        let root = folder();
        let check = |query: &str, expect: &str| {
            let Page { entries, total, number, pages, .. } = read(root.path(), query, DotNames::Hidden);
            let names: Vec<_> = entries.iter().map(Entry::text).collect();
            assert_eq!(format!("{} {number}/{pages} {total}", names.join(" ")), expect, "{query}");
        };
        check("", "d z C a a10 a9 b 1/1 7");
        check("order=desc", "z d b a9 a10 a C 1/1 7");
        check("sort=size", "d z a10 b C a a9 1/1 7");
        check("sort=size&order=desc", "d z a9 C a b a10 1/1 7");
        check("sort=time", "z d a10 a a9 b C 1/1 7");
        check("sort=time&order=desc", "d z C b a a9 a10 1/1 7");
        check("q=A", "a a10 a9 1/1 3");
        check("q=a1", "a10 1/1 1");
        check("q=dot", " 1/1 0");
        check("q=much-longer-than-any-name", " 1/1 0");
        check("per_page=3", "d z C 1/3 7");
        check("per_page=3&page=2", "a a10 a9 2/3 7");
        check("per_page=3&page=3", "b 3/3 7");
        check("per_page=3&page=99", "b 3/3 7");
        check("per_page=7&page=2", "d z C a a10 a9 b 1/1 7");
        check("per_page=2&page=2&sort=size&order=desc", "a9 C 2/4 7");
        check("per_page=2&page=2&q=a", "a9 2/2 3");
        check("q=nothing&page=5", " 1/1 0");
    }

    #[test]
    fn facts_and_dot_names() {
        let root = folder();
        let page = read(root.path(), "q=t", DotNames::Shown);
        let seen: Vec<_> = page
            .entries
            .iter()
            .map(|Entry { name, kind, length, modified, downloads: _ }| {
                (name.to_str(), *kind, *length, modified.map(|modified| modified.seconds))
            })
            .collect();
        let expect = [
            (Ok(".git"), EntryKind::Directory, None, Some(1)),
            (Ok(".dot"), EntryKind::File, Some(1), Some(1)),
        ];
        assert_eq!(seen, expect);
        assert_eq!(page.extent, Extent::Whole);
    }

    #[test]
    fn a_reading_ends_when_its_audience_is_gone() {
        let root = tempfile::tempdir().expect("a folder for the test");
        for number in 0..2 * PATIENCE_ENTRIES {
            fs::write(root.path().join(number.to_string()), "").expect("a file");
        }
        let folder = Folder::new(File::open(root.path()).expect("the root exists").into(), Links::Beneath)
            .expect("the kernel guards it");
        let directory = folder.open_directory(b"").expect("the root is a directory");
        for query in ["sort=name", "sort=size", "sort=time", "sort=downloads"] {
            let query = Query::parse(Some(query.as_bytes()), PerPage::All);
            let read = |audience: &Audience| {
                let page = Page::read(&directory, &query, DotNames::Hidden, audience, |_| {});
                page.expect("it is readable").total
            };
            let seat = Seat::take();
            assert_eq!(read(&seat.audience()), 2 * PATIENCE_ENTRIES, "{query:?}");
            let audience = seat.audience();
            drop(seat);
            assert_eq!(read(&audience), PATIENCE_ENTRIES - 1, "{query:?}");
        }
    }

    /// Every page of every order, against sorting everything and taking a slice.
    #[test]
    fn pages_together_are_the_whole() {
        let root = folder();
        for sort in ["name", "size", "time"] {
            for order in ["asc", "desc"] {
                let whole = read(root.path(), &format!("sort={sort}&order={order}"), DotNames::Shown);
                for per_page in 1..=10 {
                    let mut joined = Vec::new();
                    for number in 1..=9_usize.div_ceil(per_page) {
                        let query = format!("sort={sort}&order={order}&per_page={per_page}&page={number}");
                        let page = read(root.path(), &query, DotNames::Shown);
                        assert_eq!((page.number, page.total), (number, 9), "{query}");
                        joined.extend(page.entries);
                    }
                    assert_eq!(joined, whole.entries, "{sort} {order} {per_page}");
                }
            }
        }
    }
}
