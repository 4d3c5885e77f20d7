//! What a path means on a site: a file, a directory's index, a redirect, or nothing.
//!
//! `select` answers on the worker's thread from memory and the kernel's caches; what would wait for a disk comes back as
//! `Selection::Cold` and is fetched on a thread that may block.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};
use tallyd_http::h1::writer::write_field;
use tallyd_http::media_type;
use tallyd_http::refusal::Refusal;
use tallyd_http::target::SitePath;
use tallyd_ledger::tally::Ledger;

use crate::backend::folder::{Failure, Folder, Found, OpenFile, Patience};
use crate::backend::remembered::{Content, Memory, Remembered};

/// The file that stands for its directory.
const INDEX: &str = "index.html";

/// The largest content that is kept in memory and sent by copying, in bytes. Above it `sendfile` costs less than the copy.
const MAX_CONTENT_IN_MEMORY: u64 = 32 * 1024;

/// What all workers share of a site.
pub(crate) struct Publication {
    /// Where the files are.
    pub(crate) folder: Folder,
    /// Where they are counted.
    pub(crate) ledger: Ledger,
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
    /// A directory that was asked for without its final slash.
    Redirect,
    /// Nothing that is shown.
    Refused(Refusal),
    /// Not known without waiting for a disk.
    Cold,
}

/// The same before it is bound to one worker, so that another thread can find it.
pub(crate) enum Lookup {
    File { path: SitePath<'static>, file: OpenFile, content: Option<Vec<u8>> },
    Redirect,
    Failed(Failure),
}

impl Site {
    pub(crate) fn new(publication: Arc<Publication>, memory_bytes: u64) -> Site {
        Site { publication, memory: Memory::new(memory_bytes) }
    }

    /// Selects what `path` leads to without waiting for a disk.
    pub(crate) fn select(&self, path: &SitePath<'_>) -> Selection {
        if let Some(file) = self.memory.recall(path, &self.publication.folder) {
            return Selection::File(file);
        }
        if path.is_hidden() {
            return Selection::Refused(Refusal::NotFound);
        }
        self.adopt(path, look_up(&self.publication.folder, path, Patience::CachedOnly))
    }

    /// Selects what `path` leads to on a thread that may wait.
    pub(crate) async fn fetch(&self, path: SitePath<'static>) -> Selection {
        let publication = Arc::clone(&self.publication);
        let asked = path.clone();
        let search = move || look_up(&publication.folder, &path, Patience::MayBlock);
        match tokio::task::spawn_blocking(search).await {
            Ok(lookup) => self.adopt(&asked, lookup),
            // The search panicked, or the runtime is ending.
            Err(_) => Selection::Refused(Refusal::Broken),
        }
    }

    /// Turns what was found into something that this worker serves and remembers.
    fn adopt(&self, asked: &SitePath<'_>, lookup: Lookup) -> Selection {
        let (path, file, content) = match lookup {
            Lookup::File { path, file, content } => (path, file, content),
            Lookup::Redirect => return Selection::Redirect,
            Lookup::Failed(Failure::Cold) => return Selection::Cold,
            Lookup::Failed(Failure::Missing) => return Selection::Refused(Refusal::NotFound),
            Lookup::Failed(Failure::Denied) => return Selection::Refused(Refusal::Forbidden),
            Lookup::Failed(Failure::Busy) => return Selection::Refused(Refusal::Unavailable),
            Lookup::Failed(Failure::Broken) => return Selection::Refused(Refusal::Broken),
        };
        let OpenFile { descriptor, version } = file;
        let tally = self.publication.ledger.tally(path.as_bytes());
        let fields = head_fields(&path, version.length, version.modified);
        let holds_still = !version.is_too_young_to_trust(now());
        let content = match content {
            Some(content) => Content::Memory([b"\r\n".as_slice(), &content].concat().into()),
            None => Content::File(Arc::new(descriptor)),
        };
        let file = Rc::new(Remembered::new(path, version, tally, fields, content));
        if holds_still {
            self.memory.remember(asked, &file);
        }
        Selection::File(file)
    }
}

/// Finds what a path leads to.
fn look_up(folder: &Folder, path: &SitePath<'_>, patience: Patience) -> Lookup {
    match folder.open(path.relative(), patience) {
        Ok(Found::File(file)) => read_if_small(path.clone().into_owned(), file, patience),
        Ok(Found::Directory) if !path.is_directory_form() => Lookup::Redirect,
        Ok(Found::Directory) => {
            let index = path.join(INDEX);
            match folder.open(index.relative(), patience) {
                Ok(Found::File(file)) => read_if_small(index, file, patience),
                Ok(Found::Directory) => Lookup::Failed(Failure::Missing),
                Err(failure) => Lookup::Failed(failure),
            }
        }
        Err(failure) => Lookup::Failed(failure),
    }
}

/// Takes a small file's content into memory; one that does not hold still is sent from its descriptor.
fn read_if_small(path: SitePath<'static>, file: OpenFile, patience: Patience) -> Lookup {
    if file.version.length > MAX_CONTENT_IN_MEMORY {
        return Lookup::File { path, file, content: None };
    }
    match file.read_whole(patience) {
        Ok(content) => Lookup::File { path, file, content },
        Err(failure) => Lookup::Failed(failure),
    }
}

/// The head fields that belong to a file alone, each line with its CRLF.
fn head_fields(path: &SitePath<'_>, length: u64, modified: (i64, u32)) -> Box<[u8]> {
    let name = path.as_bytes().rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    let mut fields = Vec::with_capacity(128);
    write_field(&mut fields, "Content-Length", &length.to_string());
    write_field(&mut fields, "Content-Type", &media_type::of_file_name(name));
    if let Some(date) = last_modified(modified.0) {
        write_field(&mut fields, "Last-Modified", &httpdate::fmt_http_date(date));
    }
    fields.into()
}

/// The date of `Last-Modified`: never in the future (RFC 9110 §8.8.2.1), and absent where HTTP cannot write it.
fn last_modified(seconds: i64) -> Option<SystemTime> {
    /// The first second of the year 10000, which an IMF-fixdate cannot express.
    const END_OF_DATES: u64 = 253_402_300_800;
    let seconds = u64::try_from(seconds).ok().filter(|&seconds| seconds < END_OF_DATES)?;
    Some((UNIX_EPOCH + Duration::from_secs(seconds)).min(SystemTime::now()))
}

fn now() -> (i64, u32) {
    let now = clock_gettime(ClockId::RealtimeCoarse);
    (now.tv_sec, now.tv_nsec.unsigned_abs() as u32)
}
