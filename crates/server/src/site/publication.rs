//! The rules by which a folder becomes a site.

use std::hash::RandomState;
use std::sync::Arc;

use tallyd_http::accept;
use tallyd_http::base_path::BasePath;
use tallyd_http::field_lines::FieldLines;
use tallyd_http::media_type::MediaTypes;
use tallyd_http::target::SitePath;
use tallyd_ledger::Ledger;

use super::added_fields::AddedFields;
use super::badge::Badges;
use super::entity_tags::EntityTags;
use super::https::Https;
use super::listing::Listings;
use super::routes::Routes;
use crate::access_log::Details;
use crate::acme::Proofs;
use crate::backend::siblings::Precompressed;
use crate::compression::Compressor;

/// The rules of a site, which all workers share and which stay.
pub(crate) struct Publication {
    /// The names of files that stand for their directory, in the order in which they are looked for.
    pub(crate) index: Vec<Box<str>>,
    /// How a directory without such a file is shown.
    pub(crate) listings: Listings,
    /// Whether there are badges.
    pub(crate) badges: Badges,
    /// Whether a file's siblings may go out in its place.
    pub(crate) precompressed: Precompressed,
    /// The path that everything is served beneath, unless that is the root.
    pub(crate) base: Option<BasePath>,
    /// What paths mean instead of themselves.
    pub(crate) routes: Routes,
    /// What is said of HTTPS.
    pub(crate) https: Https,
    /// The file that is shown where there is nothing.
    pub(crate) stand_in: Option<SitePath<'static>>,
    /// The media types of files.
    pub(crate) media_types: MediaTypes,
    /// Which fields answers have besides.
    pub(crate) added_fields: AddedFields,
    /// What entity tags are made from.
    pub(crate) tags: EntityTags,
    /// What an authority finds that is asked for certificates, if one is.
    pub(crate) proofs: Option<Arc<Proofs>>,
    /// What codes files that are worth it; none if they go out as they are.
    pub(crate) compressor: Option<Arc<Compressor>>,
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

impl Publication {
    /// Whether nothing may be known of what is at this path.
    pub(super) fn hides(&self, path: &SitePath<'_>) -> bool {
        self.listings.dot_names() == DotNames::Hidden && path.is_hidden()
    }

    /// The lines that answers from a file have besides. What stands in for others is chosen by `Accept` too, which a
    /// cache must know (RFC 9110 §12.5.5).
    pub(super) fn lines_for(&self, path: &SitePath<'_>) -> Box<[u8]> {
        let lines = self.added_fields.of_file(path);
        match &self.stand_in {
            Some(stand_in) if stand_in == path => [&lines, b"Vary: Accept\r\n".as_slice()].concat().into(),
            Some(_) | None => lines,
        }
    }

    /// What is shown to a client with this `Accept` if nothing is at `path`: to a browser that goes there, which names
    /// HTML, and to anybody at a path without an extension. A script that is missing stays missing.
    pub(super) fn stand_in_for(
        &self,
        path: &SitePath<'_>,
        accept: &FieldLines<'_>,
    ) -> Option<SitePath<'static>> {
        let stand_in = self.stand_in.as_ref()?;
        let is_page = !path.file_name().contains(&b'.') || accept::names_html(accept);
        is_page.then(|| stand_in.clone())
    }
}
