//! What a path means on a site: a file, a directory's index, a redirect, or nothing.
//!
//! `select` answers on the worker's thread from memory and the kernel's caches; what would wait for a disk comes back as
//! `Selection::Cold` and is fetched on a thread that may block.

pub(crate) mod added_fields;
pub(crate) mod badge;
pub(crate) mod circles;
pub(crate) mod cors;
pub(crate) mod entity_tags;
pub(crate) mod error_pages;
pub(crate) mod https;
pub(crate) mod listing;
mod lookup;
pub(crate) mod pattern;
mod publication;
pub(crate) mod routes;
mod serving;
mod template;

use std::cell::RefCell;
use std::hash::BuildHasher;
use std::rc::Rc;
use std::sync::Arc;

use tallyd_http::accept::ListingForm;
use tallyd_http::base_path::Placement;
use tallyd_http::content_coding::ContentCoding;
use tallyd_http::field_lines::FieldLines;
use tallyd_http::location::Location;
use tallyd_http::refusal::Refusal;
use tallyd_http::status::Status;
use tallyd_http::target::SitePath;
use tallyd_ledger::Reporter;

pub(crate) use self::lookup::Search;
pub(crate) use self::publication::{DotNames, Publication};

use self::added_fields::AddedFields;
use self::badge::{Badge, BadgeOrder, BadgePath};
use self::error_pages::{ErrorPage, ErrorPages};
use self::https::Https;
use self::listing::{Listing, Recent};
use self::lookup::{FoundFile, Lookup, Source, look_up, look_up_stand_in};
use self::routes::{Redirect, Route};
use self::serving::{Common, Origin, encoded, variants};
use crate::access_log::Details;
use crate::backend::folder::{Failure, Folder, Patience};
use crate::backend::remembered::{Handle, Memory, Remembered};
use crate::backend::variants::Made;
use crate::census::Meter;
use crate::clock;
use crate::compression::{Compress, Material, Product};

/// What a site consists of for the time being; all workers share it until there is another.
#[derive(Debug)]
pub(crate) struct Edition {
    /// Where the files are.
    pub(crate) folder: Arc<Folder>,
    /// What is shown where there is nothing to show.
    pub(crate) error_pages: ErrorPages,
}

/// A worker's view of the site: the publication in its present edition, and its own memory of it.
pub(crate) struct Site {
    publication: Arc<Publication>,
    edition: RefCell<Arc<Edition>>,
    memory: Memory,
    recent: Recent,
    meter: Rc<Meter>,
}

/// What a path leads to, for the one who asks.
#[derive(Debug)]
pub(crate) enum Selection {
    /// This file.
    File(Rc<Remembered>),
    /// Another address: by a rule, or because a directory was asked for without its final slash, or a file with one.
    Redirect(Box<Redirect>),
    /// This file, in no coding: the one that was wanted could not be made in time.
    AsItIs(Rc<Remembered>),
    /// A directory without an index file.
    Directory(SitePath<'static>),
    /// The proof that an authority asks for.
    Proof(Arc<[u8]>),
    /// A badge, which is to be made.
    Badge(Box<BadgeOrder>),
    /// That badge.
    Made(Box<Badge>),
    /// Its listing, once it was read.
    Listing(Box<Listing>),
    /// Nothing that is shown.
    Refused(Refusal),
    /// Not known without waiting for a disk.
    Cold(Box<Search<'static>>),
}

/// A file that is to be coded before it is sent.
pub(crate) struct CodingOrder {
    pub(crate) file: Rc<Remembered>,
    pub(crate) coding: ContentCoding,
}

impl Site {
    pub(crate) fn new(
        publication: Arc<Publication>,
        edition: Arc<Edition>,
        memory_bytes: u64,
        meter: Rc<Meter>,
    ) -> Site {
        Site {
            publication,
            edition: RefCell::new(edition),
            memory: Memory::new(memory_bytes),
            recent: Recent::default(),
            meter,
        }
    }

    /// Goes on with another edition. What is being sent of the old one is sent to its end.
    pub(crate) fn take_up(&self, edition: Arc<Edition>) {
        let replaced = self.edition.replace(edition);
        if !self.is_current(&replaced.folder) {
            self.memory.forget_all();
        }
    }

    /// The page for an answer with this status, if the site has one.
    pub(crate) fn error_page(&self, status: Status) -> Option<Arc<ErrorPage>> {
        self.edition.borrow().error_pages.page(status).map(Arc::clone)
    }

    fn is_current(&self, folder: &Arc<Folder>) -> bool {
        Arc::ptr_eq(&self.edition.borrow().folder, folder)
    }

    fn source(&self) -> Source {
        let publication = Arc::clone(&self.publication);
        Source { publication, folder: Arc::clone(&self.edition.borrow().folder) }
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

    /// Whether what is missing for one client may be there for another, by its `Accept`.
    pub(crate) fn has_stand_in(&self) -> bool {
        self.publication.stand_in.is_some()
    }

    /// What is said of HTTPS.
    pub(crate) fn https(&self) -> &Https {
        &self.publication.https
    }

    /// The fields that the publisher adds.
    pub(crate) fn added_fields(&self) -> &AddedFields {
        &self.publication.added_fields
    }

    /// Reads a directory on a thread that may wait.
    pub(crate) async fn list(
        &self,
        path: SitePath<'static>,
        query: listing::Query,
        form: ListingForm,
    ) -> Selection {
        match self.recent.list(self.source(), path, query, form).await {
            Ok(listing) => Selection::Listing(Box::new(listing)),
            Err(failure) => Selection::Refused(refusal_of(failure)),
        }
    }

    /// Makes a badge on a thread that may wait.
    pub(crate) async fn make_badge(&self, order: BadgeOrder) -> Selection {
        let source = self.source();
        let turn = source.publication.listings.turn().await;
        let sought = order.clone();
        let read = move || {
            let read = sought.read(&source);
            // The turn ends with the reading, also when nobody waits for it any more.
            drop(turn);
            read
        };
        match tokio::task::spawn_blocking(read).await {
            Ok(Ok(downloads)) => Selection::Made(Box::new(order.make(downloads))),
            Ok(Err(failure)) => Selection::Refused(refusal_of(failure)),
            // It panicked, or the runtime is ending.
            Err(_) => Selection::Refused(Refusal::Broken),
        }
    }

    /// Selects what `path` leads to without waiting for a disk, for a client with this `Accept`.
    pub(crate) fn select(&self, path: SitePath<'_>, accept: &FieldLines<'_>) -> Selection {
        // It belongs to the host, whatever path the site is beneath.
        if let Some(proof) = self.publication.proofs.as_ref().and_then(|proofs| proofs.at(&path)) {
            return Selection::Proof(proof);
        }
        match &self.publication.base {
            None => self.select_beneath(path, accept),
            Some(base) => match base.place(&path) {
                Placement::Beneath(path) => self.select_beneath(path, accept),
                Placement::Base => redirect_to(&base.path().to_directory()),
                Placement::Outside => Selection::Refused(Refusal::NotFound),
            },
        }
    }

    fn select_beneath(&self, path: SitePath<'_>, accept: &FieldLines<'_>) -> Selection {
        if let Some(file) = self.recall(&path) {
            self.meter.recalled();
            return Selection::File(file);
        }
        match self.publication.badges.order(&path) {
            BadgePath::Elsewhere => {}
            BadgePath::OfNothing => return Selection::Refused(Refusal::NotFound),
            BadgePath::Of(order) => return Selection::Badge(Box::new(order)),
        }
        self.meter.looked_up();
        let rewritten = match self.publication.routes.route(&path) {
            Route::Straight => None,
            Route::Rewritten(path) => Some(path),
            Route::Redirected(Redirect { status, location, reason }) => {
                let location = location.beneath(self.publication.base.as_ref());
                return Selection::Redirect(Box::new(Redirect { status, location, reason }));
            }
            Route::Nowhere => return Selection::Refused(Refusal::NotFound),
        };
        let stand_in = self.publication.stand_in_for(&path, accept);
        let search = Search { asked: path, rewritten, stand_in };
        let source = self.source();
        let lookup = look_up(&source, &search, Patience::CachedOnly);
        match (&search.stand_in, &lookup) {
            // The usual case of a stand-in: it is in memory already.
            (Some(path), Lookup::Failed(Failure::Missing)) => match self.recall(path) {
                Some(file) => Selection::File(file),
                None => {
                    let lookup = look_up_stand_in(&source, path, Patience::CachedOnly);
                    self.adopt(search.clone(), lookup, &source)
                }
            },
            (_, _) => self.adopt(search, lookup, &source),
        }
    }

    fn recall(&self, path: &SitePath<'_>) -> Option<Rc<Remembered>> {
        self.memory.recall(path, &self.edition.borrow().folder)
    }

    /// Selects what is looked for on a thread that may wait.
    pub(crate) async fn fetch(&self, search: Search<'static>) -> Selection {
        let source = self.source();
        let (drawn_from, sought) = (source.clone(), search.clone());
        let look = move || match (look_up(&drawn_from, &sought, Patience::MayBlock), &sought.stand_in) {
            (Lookup::Failed(Failure::Missing), Some(path)) => {
                look_up_stand_in(&drawn_from, path, Patience::MayBlock)
            }
            (lookup, _) => lookup,
        };
        match tokio::task::spawn_blocking(look).await {
            Ok(lookup) => self.adopt(search, lookup, &source),
            // The search panicked, or the runtime is ending.
            Err(_) => Selection::Refused(Refusal::Broken),
        }
    }

    /// Has a file coded, and selects it again.
    pub(crate) async fn encode(&self, order: CodingOrder) -> Selection {
        let CodingOrder { file, coding } = order;
        let Some(compressor) = &self.publication.compressor else { return Selection::AsItIs(file) };
        let original = file.variants.original();
        let material = match &original.representation.handle {
            Handle::Memory(content) => Material::Memory(Arc::from(&**content)),
            Handle::Shared(content) => Material::Memory(Arc::clone(content)),
            Handle::File(descriptor) => Material::File(Arc::clone(descriptor)),
        };
        let version = file.version();
        let made = match compressor.compress(version, coding, material).await {
            Some(Product::Encoded(content)) => {
                let origin = Origin {
                    original,
                    version: &version,
                    mark: self.publication.tags.mark(&version, &original.representation.handle, file.news()),
                    added_fields: &file.added_fields,
                    identities: &self.publication.identities,
                };
                Made::Served(Box::new(encoded(&origin, coding, content)))
            }
            Some(Product::NotWorthIt) => Made::NotWorthIt,
            None => return Selection::AsItIs(file),
        };
        file.variants.add(coding, made);
        self.memory.weigh_again(&file);
        Selection::File(file)
    }

    /// Turns what was found into something that this worker serves and remembers.
    fn adopt(&self, search: Search<'_>, lookup: Lookup, source: &Source) -> Selection {
        let file = match lookup {
            Lookup::File(file) => *file,
            Lookup::Redirect(path) => {
                let location = Location::of_path(&path).beneath(self.publication.base.as_ref());
                return Selection::Redirect(Box::new(Redirect::to_form(location)));
            }
            Lookup::Directory(path) => return Selection::Directory(path),
            Lookup::Failed(Failure::Cold) => return Selection::Cold(Box::new(search.into_owned())),
            Lookup::Failed(failure) => return Selection::Refused(refusal_of(failure)),
        };
        let FoundFile { path, opened, siblings, surroundings } = file;
        let now = clock::timestamp();
        let version = opened.file.version;
        let is_settled = version.is_settled(now)
            && siblings.iter().all(|sibling| sibling.opened.file.version.is_settled(now));
        let content_type = self.publication.media_types.of_file_name(path.file_name());
        let added = self.publication.lines_for(&path);
        let news = Arc::default();
        let common = Common {
            content_type,
            added_fields: &added,
            now,
            compress: if self.publication.compressor.is_some() { Compress::On } else { Compress::Off },
            tags: &self.publication.tags,
            news: &news,
            identities: &self.publication.identities,
        };
        let variants = variants(opened, siblings, &common);
        let tally = self.publication.ledger.resource(path.as_bytes());
        let file = Rc::new(Remembered::new(path, version, surroundings, tally, variants, added, news));
        // An edition may have been replaced while it was looked for.
        if is_settled && self.is_current(&source.folder) {
            // What stands in for many paths is remembered under its own: any of theirs may come to have a file.
            let key = if search.stand_in.as_ref() == Some(file.path()) { file.path() } else { &search.asked };
            self.memory.remember(key, &file);
        }
        Selection::File(file)
    }
}

fn redirect_to(path: &SitePath<'_>) -> Selection {
    let location = Location::of_path(path);
    Selection::Redirect(Box::new(Redirect::to_form(location)))
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
