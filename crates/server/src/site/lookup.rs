//! Looking for what a path leads to, on whichever thread: a file with its siblings, a directory, another address, or
//! nothing. What is found is not bound to a worker yet.

use std::sync::Arc;

use tallyd_http::content_coding::is_compressed;
use tallyd_http::target::SitePath;

use super::Publication;
use super::circles::comes_back;
use super::serving::{Opened, OpenedSibling};
use crate::backend::folder::{Failure, Folder, Found, OpenFile, Patience};
use crate::backend::siblings::{Precompressed, Sibling, Surroundings};

/// The largest content that is kept in memory and sent by copying, in bytes. Above it `sendfile` costs less than the copy.
const MAX_CONTENT_IN_MEMORY: u64 = 32 * 1024;

/// What things are looked for in, and by which rules.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) publication: Arc<Publication>,
    pub(crate) folder: Arc<Folder>,
}

/// What is looked for.
#[derive(Clone, Debug)]
pub(crate) struct Search<'a> {
    /// As it was asked for, below the base.
    pub(super) asked: SitePath<'a>,
    /// What it means by a rewrite.
    pub(super) rewritten: Option<SitePath<'static>>,
    /// What is shown if there is nothing.
    pub(super) stand_in: Option<SitePath<'static>>,
}

/// What was found.
pub(super) enum Lookup {
    File(Box<FoundFile>),
    Redirect(SitePath<'static>),
    Directory(SitePath<'static>),
    Failed(Failure),
}

/// A file, opened, with what is beside it.
pub(super) struct FoundFile {
    pub(super) path: SitePath<'static>,
    pub(super) opened: Opened,
    pub(super) siblings: Vec<OpenedSibling>,
    pub(super) surroundings: Surroundings,
}

impl Search<'_> {
    /// Where to look.
    fn path(&self) -> &SitePath<'_> {
        self.rewritten.as_ref().unwrap_or(&self.asked)
    }

    pub(super) fn into_owned(self) -> Search<'static> {
        let Search { asked, rewritten, stand_in } = self;
        Search { asked: asked.into_owned(), rewritten, stand_in }
    }
}

/// Finds what is looked for, short of what stands in for it.
pub(super) fn look_up(source: &Source, search: &Search<'_>, patience: Patience) -> Lookup {
    match (look_up_path(source, search.path(), patience), &search.rewritten) {
        // The client is there already: to send it there would be a circle.
        (Lookup::Directory(path) | Lookup::Redirect(path), Some(_)) if path == search.asked => {
            look_up_path(source, &path, patience)
        }
        (Lookup::Directory(path) | Lookup::Redirect(path), Some(_)) => {
            send_on(source, &search.asked, path, patience)
        }
        (lookup, _) => lookup,
    }
}

/// Sends a client to what a rewrite has led to, under its own address: references in it are relative. If it would be sent
/// back from there, there is nothing to see.
fn send_on(source: &Source, asked: &SitePath<'_>, path: SitePath<'static>, patience: Patience) -> Lookup {
    let folder_at = |path: &SitePath<'_>| match look_up_path(source, path, patience) {
        Lookup::Directory(path) | Lookup::Redirect(path) => Ok(Some(path)),
        Lookup::Failed(Failure::Cold) => Err(Failure::Cold),
        Lookup::File(_) | Lookup::Failed(_) => Ok(None),
    };
    match comes_back(&source.publication.routes, asked, &path, folder_at) {
        Ok(false) => Lookup::Redirect(path),
        Ok(true) => Lookup::Failed(Failure::Missing),
        Err(failure) => Lookup::Failed(failure),
    }
}

/// Finds what stands in where there is nothing. What is no file cannot: a client who is sent on from there might be sent
/// back.
pub(super) fn look_up_stand_in(source: &Source, path: &SitePath<'_>, patience: Patience) -> Lookup {
    match look_up_path(source, path, patience) {
        Lookup::Redirect(_) | Lookup::Directory(_) => Lookup::Failed(Failure::Missing),
        lookup @ (Lookup::File(_) | Lookup::Failed(_)) => lookup,
    }
}

/// Finds what a path leads to.
pub(super) fn look_up_path(source: &Source, path: &SitePath<'_>, patience: Patience) -> Lookup {
    if source.publication.hides(path) {
        return Lookup::Failed(Failure::Missing);
    }
    match source.folder.open(path.relative(), patience) {
        Ok(Found::File(file)) => complete(source, path.clone().into_owned(), Vec::new(), file, patience),
        Ok(Found::Directory) if !path.is_directory_form() => Lookup::Redirect(path.to_directory()),
        Ok(Found::Directory) => look_up_index(source, path, patience),
        Err(Failure::Missing) if path.is_directory_form() => look_up_file_form(source, path, patience),
        Err(failure) => Lookup::Failed(failure),
    }
}

/// Finds a file that was asked for as if it were a directory. It is not served there, because its relative references
/// would lead elsewhere than from its own path, and because one resource has one path.
fn look_up_file_form(source: &Source, path: &SitePath<'_>, patience: Patience) -> Lookup {
    let Some(path) = path.to_file() else { return Lookup::Failed(Failure::Missing) };
    match source.folder.open(path.relative(), patience) {
        Ok(Found::File(_)) => Lookup::Redirect(path),
        // It has become a directory between two looks.
        Ok(Found::Directory) => Lookup::Failed(Failure::Missing),
        Err(failure) => Lookup::Failed(failure),
    }
}

/// Finds the first index file of a directory.
fn look_up_index(source: &Source, directory: &SitePath<'_>, patience: Patience) -> Lookup {
    let mut preferred = Vec::new();
    for name in &source.publication.index {
        let index = directory.join(name);
        match source.folder.open(index.relative(), patience) {
            Ok(Found::File(file)) => return complete(source, index, preferred, file, patience),
            Ok(Found::Directory) | Err(Failure::Missing) => preferred.push(index),
            Err(failure) => return Lookup::Failed(failure),
        }
    }
    if source.publication.listings.are_off() {
        return Lookup::Failed(Failure::Missing);
    }
    Lookup::Directory(directory.clone().into_owned())
}

/// Opens what is beside a file, and reads what is small. The file is shown because there is none at the `preferred` paths.
fn complete(
    source: &Source,
    path: SitePath<'static>,
    preferred: Vec<SitePath<'static>>,
    file: OpenFile,
    patience: Patience,
) -> Lookup {
    let found = look_around(source, &path, &file, patience).and_then(|(surroundings, siblings)| {
        let read = |Sibling { coding, file }| {
            read_if_small(file, patience).map(|opened| OpenedSibling { coding, opened })
        };
        let siblings = siblings.into_iter().map(read).collect::<Result<_, _>>()?;
        let surroundings = surroundings.without(preferred);
        Ok(FoundFile { path, opened: read_if_small(file, patience)?, siblings, surroundings })
    });
    match found {
        Ok(file) => Lookup::File(Box::new(file)),
        Err(failure) => Lookup::Failed(failure),
    }
}

/// Finds the siblings of a file that can have some.
fn look_around(
    source: &Source,
    path: &SitePath<'_>,
    file: &OpenFile,
    patience: Patience,
) -> Result<(Surroundings, Vec<Sibling>), Failure> {
    match source.publication.precompressed {
        Precompressed::Served
            if !is_compressed(&source.publication.media_types.of_file_name(path.file_name())) =>
        {
            Surroundings::explore(&source.folder, path, &file.version, patience)
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
