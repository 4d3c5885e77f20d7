//! The pages that a site shows instead of the usual sentence when a request is refused.
//!
//! They are small and read ahead of need, so that a refusal never waits for a disk. They are not resources while they
//! stand for a refusal: the status stays, and nothing is counted.

use std::fmt;
use std::sync::Arc;

use tallyd_http::media_type::MediaTypes;
use tallyd_http::status::Status;
use tallyd_http::target::SitePath;

use crate::backend::folder::{FileVersion, Folder, Found, OpenFile, Patience};
use crate::clock;

/// The largest page, in bytes: each is held in memory, and every scanner that asks for what is not there gets one.
pub(crate) const MAX_PAGE_BYTES: u64 = 64 * 1024;

/// The statuses that a page is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Statuses {
    /// This one, 400 to 599.
    One(u16),
    /// Those that begin with this digit, 4 or 5.
    Class(u16),
}

/// Where a page is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PageSource {
    pub(crate) statuses: Statuses,
    pub(crate) path: SitePath<'static>,
}

/// The pages of a site, in the order in which they are considered.
#[derive(Debug, Default)]
pub(crate) struct ErrorPages {
    pages: Vec<(Statuses, Option<Arc<ErrorPage>>)>,
}

/// A page that is there.
#[derive(Debug)]
pub(crate) struct ErrorPage {
    pub(crate) content_type: Box<str>,
    pub(crate) content: Box<[u8]>,
    /// Nothing if a change could go unseen.
    version: Option<FileVersion>,
}

/// What is looked for without being named in a setting.
const USUAL: [(Statuses, &str); 7] = [
    (Statuses::One(400), "/400.html"),
    (Statuses::One(403), "/403.html"),
    (Statuses::One(404), "/404.html"),
    (Statuses::One(405), "/405.html"),
    (Statuses::One(500), "/500.html"),
    (Statuses::One(503), "/503.html"),
    (Statuses::Class(5), "/50x.html"),
];

/// Where pages are looked for, the first that is there counting: where the settings say, then under the usual names.
pub(crate) fn sources(named: &[PageSource]) -> Vec<PageSource> {
    let usual = USUAL.into_iter().filter_map(|(statuses, path)| {
        SitePath::from_decoded(path.as_bytes()).ok().map(|path| PageSource { statuses, path })
    });
    named.iter().cloned().chain(usual).collect()
}

impl Statuses {
    fn include(self, status: Status) -> bool {
        match self {
            Statuses::One(code) => code == status.code,
            Statuses::Class(digit) => digit == status.code / 100,
        }
    }
}

/// As a setting says it.
impl fmt::Display for Statuses {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Statuses::One(code) => write!(formatter, "{code}"),
            Statuses::Class(digit) => write!(formatter, "{digit}xx"),
        }
    }
}

impl ErrorPages {
    /// Reads the pages that have changed since `before`, which came from the same sources. It may wait for a disk.
    pub(crate) fn read(
        sources: &[PageSource],
        folder: &Folder,
        media_types: &MediaTypes,
        before: &ErrorPages,
    ) -> ErrorPages {
        let known = |at: usize| before.pages.get(at).and_then(|(_, page)| page.as_ref());
        let pages = sources.iter().enumerate().map(|(at, source)| {
            (source.statuses, ErrorPage::read(&source.path, folder, media_types, known(at)))
        });
        ErrorPages { pages: pages.collect() }
    }

    /// The page for a status, if the site has one.
    pub(crate) fn page(&self, status: Status) -> Option<&Arc<ErrorPage>> {
        self.pages.iter().find_map(|(statuses, page)| page.as_ref().filter(|_| statuses.include(status)))
    }

    /// Whether these are the same pages, none of them read anew.
    pub(crate) fn are_unchanged_since(&self, before: &ErrorPages) -> bool {
        let is_same = |(now, before): (&(_, Option<_>), &(_, Option<_>))| match (&now.1, &before.1) {
            (Some(now), Some(before)) => Arc::ptr_eq(now, before),
            (now, before) => now.is_none() && before.is_none(),
        };
        self.pages.len() == before.pages.len() && self.pages.iter().zip(&before.pages).all(is_same)
    }
}

impl ErrorPage {
    fn read(
        path: &SitePath<'_>,
        folder: &Folder,
        media_types: &MediaTypes,
        known: Option<&Arc<ErrorPage>>,
    ) -> Option<Arc<ErrorPage>> {
        // One system call tells what is usual: that nothing is there, or nothing new.
        let version = folder.version_now(path.relative())?;
        if let Some(known) = known.filter(|known| known.version == Some(version)) {
            return Some(Arc::clone(known));
        }
        let file: OpenFile = match folder.open(path.relative(), Patience::MayBlock) {
            Ok(Found::File(file)) if file.version.content.complete_length <= MAX_PAGE_BYTES => file,
            // Refusals have a sentence of their own.
            Ok(Found::File(_) | Found::Directory) | Err(_) => return None,
        };
        let Ok(Some(content)) = file.read_whole(Patience::MayBlock) else {
            // It is being written; the next look finds it.
            return known.map(Arc::clone);
        };
        let content_type = media_types.of_file_name(path.file_name()).into();
        let version = Some(file.version).filter(|version| version.is_settled(clock::timestamp()));
        Some(Arc::new(ErrorPage { content_type, content: content.into(), version }))
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::path::Path;

    use super::*;
    use crate::backend::folder::Links;

    fn read(root: &Path, sources: &[PageSource], before: &ErrorPages) -> ErrorPages {
        let root = File::open(root).expect("the root exists").into();
        let folder = Folder::new(root, Links::Beneath).expect("the kernel guards it");
        ErrorPages::read(sources, &folder, &MediaTypes::default(), before)
    }

    #[test]
    fn the_page_for_a_status() {
        let root = tempfile::tempdir().expect("a folder for the test");
        for name in ["404.html", "50x.html", "503.html", "mine.txt", "all.html"] {
            fs::write(root.path().join(name), name).expect("a file");
        }
        fs::create_dir(root.path().join("403.html")).expect("a folder");
        fs::write(root.path().join("400.html"), vec![b'x'; MAX_PAGE_BYTES as usize + 1]).expect("a file");
        let check = |named: &[(Statuses, &str)], status: Status, expect: Option<&str>| {
            let named = named.iter().map(|(statuses, path)| PageSource {
                statuses: *statuses,
                path: SitePath::from_decoded(path.as_bytes()).expect("a path"),
            });
            let pages = read(root.path(), &sources(&named.collect::<Vec<_>>()), &ErrorPages::default());
            let content = pages.page(status).map(|page| String::from_utf8_lossy(&page.content).into_owned());
            assert_eq!(content.as_deref(), expect, "{status:?}");
        };
        check(&[], Status::NOT_FOUND, Some("404.html"));
        check(&[], Status::FORBIDDEN, None);
        check(&[], Status::BAD_REQUEST, None);
        check(&[], Status::SERVICE_UNAVAILABLE, Some("503.html"));
        check(&[], Status::INTERNAL_SERVER_ERROR, Some("50x.html"));
        check(&[], Status::NOT_IMPLEMENTED, Some("50x.html"));
        check(&[(Statuses::One(404), "/mine.txt")], Status::NOT_FOUND, Some("mine.txt"));
        check(&[(Statuses::One(404), "/none")], Status::NOT_FOUND, Some("404.html"));
        check(&[(Statuses::Class(4), "/all.html")], Status::FORBIDDEN, Some("all.html"));
        check(&[(Statuses::Class(4), "/all.html")], Status::INTERNAL_SERVER_ERROR, Some("50x.html"));
    }

    #[test]
    fn what_has_not_changed_is_not_read_again() {
        let root = tempfile::tempdir().expect("a folder for the test");
        let page = root.path().join("404.html");
        let sources = sources(&[]);
        let none = read(root.path(), &sources, &ErrorPages::default());
        assert!(none.page(Status::NOT_FOUND).is_none());
        assert!(read(root.path(), &sources, &none).are_unchanged_since(&none));

        fs::write(&page, "one").expect("a file");
        let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
        File::open(&page).and_then(|file| file.set_modified(long_ago)).expect("a time");
        let one = read(root.path(), &sources, &none);
        assert!(!one.are_unchanged_since(&none));

        fs::write(&page, "two").expect("a file");
        let two = read(root.path(), &sources, &one);
        assert_eq!(two.page(Status::NOT_FOUND).map(|page| page.content.to_vec()), Some(b"two".to_vec()));
        assert!(!two.are_unchanged_since(&one));

        fs::remove_file(&page).expect("it was there");
        let gone = read(root.path(), &sources, &two);
        assert!(gone.page(Status::NOT_FOUND).is_none() && !gone.are_unchanged_since(&two));
    }
}
