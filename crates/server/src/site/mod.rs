//! What a path means on a site: a file, a directory's index, a redirect, or nothing.
//!
//! `select` answers on the worker's thread from memory and the kernel's caches; what would wait for a disk comes back as
//! `Selection::Cold` and is fetched on a thread that may block.

pub(crate) mod listing;
mod serving;

use std::hash::{BuildHasher, RandomState};
use std::rc::Rc;
use std::sync::Arc;

use tallyd_http::accept::ListingForm;
use tallyd_http::content_coding::is_compressed;
use tallyd_http::field_lines::FieldLines;
use tallyd_http::media_type;
use tallyd_http::refusal::Refusal;
use tallyd_http::target::SitePath;
use tallyd_ledger::{Ledger, Reporter};

use self::listing::{Listing, Listings};
use self::serving::{Opened, OpenedSibling, variants};
use crate::access_log::Details;
use crate::backend::folder::{Failure, Folder, Found, OpenFile, Patience};
use crate::backend::remembered::{Memory, Remembered};
use crate::backend::siblings::{Precompressed, Sibling, Surroundings};
use crate::clock;

/// The largest content that is kept in memory and sent by copying, in bytes. Above it `sendfile` costs less than the copy.
const MAX_CONTENT_IN_MEMORY: u64 = 32 * 1024;

/// What all workers share of a site.
pub(crate) struct Publication {
    /// Where the files are.
    pub(crate) folder: Folder,
    /// The names of files that stand for their directory, in the order in which they are looked for.
    pub(crate) index: Vec<Box<str>>,
    /// How a directory without such a file is shown.
    pub(crate) listings: Listings,
    /// Whether a file's siblings may go out in its place.
    pub(crate) precompressed: Precompressed,
    /// Where they are counted.
    pub(crate) ledger: Ledger<Details>,
    /// Makes the identities that all workers give to the ledger: of clients' user agents, and of versions.
    pub(crate) identities: RandomState,
}

/// Whether names that begin with a dot are there. Those in `/.well-known/` always are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DotNames {
    /// As if they did not exist.
    Hidden,
    /// Like any others.
    Shown,
}

/// A worker's view of the site: the publication, and its own memory of it.
pub(crate) struct Site {
    publication: Arc<Publication>,
    memory: Memory,
}

/// What a path leads to, for the one who asks.
#[derive(Debug)]
pub(crate) enum Selection {
    /// This file.
    File(Rc<Remembered>),
    /// A directory that was asked for without its final slash, or a file with one: this is its path.
    Redirect(SitePath<'static>),
    /// A directory without an index file.
    Directory,
    /// Its listing, once it was read.
    Listing(Box<Listing>),
    /// Nothing that is shown.
    Refused(Refusal),
    /// Not known without waiting for a disk.
    Cold,
}

/// The same before it is bound to one worker, so that another thread can find it.
pub(crate) enum Lookup {
    File(Box<FoundFile>),
    Redirect(SitePath<'static>),
    Directory,
    Failed(Failure),
}

/// A file, opened, with what is beside it.
pub(crate) struct FoundFile {
    path: SitePath<'static>,
    opened: Opened,
    siblings: Vec<OpenedSibling>,
    surroundings: Surroundings,
}

impl Site {
    pub(crate) fn new(publication: Arc<Publication>, memory_bytes: u64) -> Site {
        Site { publication, memory: Memory::new(memory_bytes) }
    }

    /// A number that tells clients behind one address apart, by what they say of themselves.
    pub(crate) fn identity_of(&self, user_agent: &[&[u8]]) -> u64 {
        match user_agent {
            [] => 0,
            lines => self.publication.identities.hash_one(lines),
        }
    }

    /// A reporter for one worker.
    pub(crate) fn reporter(&self) -> Reporter<Details> {
        self.publication.ledger.reporter()
    }

    /// The form in which a client with this `Accept` gets a listing, if it gets one.
    pub(crate) fn listing_form(&self, accept: &FieldLines<'_>) -> Option<ListingForm> {
        self.publication.listings.form(accept)
    }

    /// Reads a directory on a thread that may wait.
    pub(crate) async fn list(
        &self,
        path: SitePath<'static>,
        query: listing::Query,
        form: ListingForm,
    ) -> Selection {
        match Listing::read(Arc::clone(&self.publication), path, query, form).await {
            Ok(listing) => Selection::Listing(Box::new(listing)),
            Err(failure) => Selection::Refused(refusal_of(failure)),
        }
    }

    /// Selects what `path` leads to without waiting for a disk.
    pub(crate) fn select(&self, path: &SitePath<'_>) -> Selection {
        if let Some(file) = self.memory.recall(path, &self.publication.folder) {
            return Selection::File(file);
        }
        if self.publication.listings.dot_names() == DotNames::Hidden && path.is_hidden() {
            return Selection::Refused(Refusal::NotFound);
        }
        self.adopt(path, look_up(&self.publication, path, Patience::CachedOnly))
    }

    /// Selects what `path` leads to on a thread that may wait.
    pub(crate) async fn fetch(&self, path: SitePath<'static>) -> Selection {
        let publication = Arc::clone(&self.publication);
        let asked = path.clone();
        let search = move || look_up(&publication, &path, Patience::MayBlock);
        match tokio::task::spawn_blocking(search).await {
            Ok(lookup) => self.adopt(&asked, lookup),
            // The search panicked, or the runtime is ending.
            Err(_) => Selection::Refused(Refusal::Broken),
        }
    }

    /// Turns what was found into something that this worker serves and remembers.
    fn adopt(&self, asked: &SitePath<'_>, lookup: Lookup) -> Selection {
        let file = match lookup {
            Lookup::File(file) => *file,
            Lookup::Redirect(path) => return Selection::Redirect(path),
            Lookup::Directory => return Selection::Directory,
            Lookup::Failed(Failure::Cold) => return Selection::Cold,
            Lookup::Failed(failure) => return Selection::Refused(refusal_of(failure)),
        };
        let FoundFile { path, opened, siblings, surroundings } = file;
        let now = clock::timestamp();
        let version = opened.file.version;
        let is_settled = version.is_settled(now)
            && siblings.iter().all(|sibling| sibling.opened.file.version.is_settled(now));
        let content_type = media_type::of_file_name(path.file_name());
        let variants = variants(opened, siblings, content_type, now, &self.publication.identities);
        let tally = self.publication.ledger.resource(path.as_bytes());
        let file = Rc::new(Remembered::new(path, version, surroundings, tally, variants));
        if is_settled {
            self.memory.remember(asked, &file);
        }
        Selection::File(file)
    }
}

/// What a client is told of a failure to find or read something.
fn refusal_of(failure: Failure) -> Refusal {
    match failure {
        Failure::Missing => Refusal::NotFound,
        Failure::Denied => Refusal::Forbidden,
        Failure::Busy | Failure::Cold => Refusal::Unavailable,
        Failure::Broken => Refusal::Broken,
    }
}

/// Finds what a path leads to.
fn look_up(publication: &Publication, path: &SitePath<'_>, patience: Patience) -> Lookup {
    match publication.folder.open(path.relative(), patience) {
        Ok(Found::File(file)) => complete(publication, path.clone().into_owned(), file, patience),
        Ok(Found::Directory) if !path.is_directory_form() => Lookup::Redirect(path.to_directory()),
        Ok(Found::Directory) => look_up_index(publication, path, patience),
        Err(Failure::Missing) if path.is_directory_form() => look_up_file_form(publication, path, patience),
        Err(failure) => Lookup::Failed(failure),
    }
}

/// Finds a file that was asked for as if it were a directory. It is not served there, because its relative references
/// would lead elsewhere than from its own path, and because one resource has one path.
fn look_up_file_form(publication: &Publication, path: &SitePath<'_>, patience: Patience) -> Lookup {
    let Some(path) = path.to_file() else { return Lookup::Failed(Failure::Missing) };
    match publication.folder.open(path.relative(), patience) {
        Ok(Found::File(_)) => Lookup::Redirect(path),
        // It has become a directory between two looks.
        Ok(Found::Directory) => Lookup::Failed(Failure::Missing),
        Err(failure) => Lookup::Failed(failure),
    }
}

/// Finds the first index file of a directory.
fn look_up_index(publication: &Publication, directory: &SitePath<'_>, patience: Patience) -> Lookup {
    for name in &publication.index {
        let index = directory.join(name);
        match publication.folder.open(index.relative(), patience) {
            Ok(Found::File(file)) => return complete(publication, index, file, patience),
            Ok(Found::Directory) | Err(Failure::Missing) => {}
            Err(failure) => return Lookup::Failed(failure),
        }
    }
    Lookup::Directory
}

/// Opens what is beside a file, and reads what is small.
fn complete(
    publication: &Publication,
    path: SitePath<'static>,
    file: OpenFile,
    patience: Patience,
) -> Lookup {
    let found = look_around(publication, &path, &file, patience).and_then(|(surroundings, siblings)| {
        let read = |Sibling { coding, file }| {
            read_if_small(file, patience).map(|opened| OpenedSibling { coding, opened })
        };
        let siblings = siblings.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(FoundFile { path, opened: read_if_small(file, patience)?, siblings, surroundings })
    });
    match found {
        Ok(file) => Lookup::File(Box::new(file)),
        Err(failure) => Lookup::Failed(failure),
    }
}

/// Finds the siblings of a file that can have some.
fn look_around(
    publication: &Publication,
    path: &SitePath<'_>,
    file: &OpenFile,
    patience: Patience,
) -> Result<(Surroundings, Vec<Sibling>), Failure> {
    match publication.precompressed {
        Precompressed::Served if !is_compressed(&media_type::of_file_name(path.file_name())) => {
            Surroundings::explore(&publication.folder, path, &file.version, patience)
        }
        Precompressed::Served | Precompressed::Ignored => Ok((Surroundings::UNSEEN, Vec::new())),
    }
}

/// Takes a small file's content into memory; one that does not hold still is sent from its descriptor.
fn read_if_small(file: OpenFile, patience: Patience) -> Result<Opened, Failure> {
    if file.version.content.complete_length > MAX_CONTENT_IN_MEMORY {
        return Ok(Opened { file, content: None });
    }
    let content = file.read_whole(patience)?;
    Ok(Opened { file, content })
}
