//! From what was found to what is served: representations with their validators, fields and names for the ledger.
//!
//! Nothing is opened or read here.

use std::borrow::Cow;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tallyd_http::content_coding::{ContentCoding, is_compressible};
use tallyd_http::h1::writer::write_fields;
use tallyd_http::multipart::Boundary;
use tallyd_http::representation::{Representation, SelectedBy};
use tallyd_http::response::{Decision, ResponsePlan};
use tallyd_http::validator::{HttpDate, Timestamp, Variant};

use super::entity_tags::{EntityTags, Mark};
use crate::backend::folder::{FileVersion, OpenFile};
use crate::backend::remembered::Handle;
use crate::backend::variants::{Coding, Served, Variants};
use crate::clock;
use crate::compression::{self, Compress, codec};

/// An open file and, if it is small, its content.
pub(super) struct Opened {
    pub(super) file: OpenFile,
    pub(super) content: Option<Vec<u8>>,
}

/// A sibling in this coding.
pub(super) struct OpenedSibling {
    pub(super) coding: ContentCoding,
    pub(super) opened: Opened,
}

/// What the representations of one file have in common.
pub(super) struct Common<'a> {
    pub(super) content_type: Cow<'static, str>,
    /// The lines that the publisher adds.
    pub(super) added_fields: &'a [u8],
    /// The time of day at which it was found.
    pub(super) now: Timestamp,
    /// Whether this site codes what is worth it.
    pub(super) compress: Compress,
    pub(super) tags: &'a EntityTags,
    /// Set when more is known of this version.
    pub(super) news: &'a Arc<AtomicBool>,
    pub(super) identities: &'a RandomState,
}

/// All that can be served of a file with these siblings.
pub(super) fn variants(original: Opened, siblings: Vec<OpenedSibling>, common: &Common<'_>) -> Variants {
    let version = original.file.version;
    let is_worth_coding = is_worth_coding(version.content.complete_length, common);
    let selected_by = match (siblings.is_empty(), is_worth_coding) {
        (true, false) => SelectedBy::Target,
        (false, _) | (_, true) => SelectedBy::AcceptEncoding,
    };
    // What is made of a version that can still change unseen could not be told from what is made of the next.
    let coding =
        if is_worth_coding && version.is_settled(common.now) { Coding::OnDemand } else { Coding::Never };
    let served = |sibling: OpenedSibling| common.serve(sibling.opened, sibling.coding, selected_by);
    let siblings = siblings.into_iter().map(served).collect();
    Variants::new(common.serve(original, ContentCoding::Identity, selected_by), siblings, coding)
}

fn is_worth_coding(complete_length: u64, common: &Common<'_>) -> bool {
    common.compress == Compress::On
        && (compression::MIN_BYTES..=compression::MAX_BYTES).contains(&complete_length)
        && is_compressible(&common.content_type)
}

/// What a coding is made of.
pub(super) struct Origin<'a> {
    pub(super) original: &'a Served,
    pub(super) version: &'a FileVersion,
    /// What its tags are made from, if that is known.
    pub(super) mark: Option<Mark>,
    pub(super) added_fields: &'a [u8],
    pub(super) identities: &'a RandomState,
}

/// The original in a coding that this server made of it.
pub(super) fn encoded(origin: &Origin<'_>, coding: ContentCoding, content: Arc<[u8]>) -> Served {
    let Origin { original, version, mark, added_fields, identities } = *origin;
    let variant = Variant::Encoded { coding, recipe: codec::recipe(coding) };
    let complete_length = content.len() as u64;
    let Representation { content_type, selected_by, modified, .. } = &original.representation;
    let representation = Representation {
        handle: Handle::Shared(content),
        complete_length,
        content_type: content_type.clone(),
        coding,
        selected_by: *selected_by,
        entity_tag: mark.map(|mark| mark.tag(variant)),
        modified: *modified,
    };
    finish(representation, mark, version, variant, added_fields, identities)
}

impl Common<'_> {
    /// One file, which is in this coding.
    fn serve(&self, opened: Opened, coding: ContentCoding, selected_by: SelectedBy) -> Served {
        let Opened { file: OpenFile { descriptor, version }, content } = opened;
        let variant = match coding {
            ContentCoding::Identity => Variant::Original,
            ContentCoding::Gzip | ContentCoding::Brotli | ContentCoding::Zstd => Variant::Sibling(coding),
        };
        let handle = match content {
            Some(content) => Handle::Memory(content.into()),
            None => Handle::File(Arc::new(descriptor)),
        };
        // A version that can still change unseen must not be told from the next one by a tag.
        let is_settled = version.is_settled(self.now);
        let mark = if is_settled { self.tags.mark(&version, &handle, self.news) } else { None };
        let representation = Representation {
            handle,
            complete_length: version.content.complete_length,
            content_type: self.content_type.clone(),
            coding,
            selected_by,
            entity_tag: mark.map(|mark| mark.tag(variant)),
            modified: HttpDate::from_unix_seconds(version.content.modified.seconds),
        };
        // The ledger goes by it all the same: who begins on a new file and ends a moment later has one representation.
        let known_by = mark.or_else(|| self.tags.mark_by_metadata(&version));
        finish(representation, known_by, &version, variant, self.added_fields, self.identities)
    }
}

/// Adds what the ledger knows a representation by, and its prebuilt fields.
fn finish(
    representation: Representation<Handle>,
    known_by: Option<Mark>,
    version: &FileVersion,
    variant: Variant,
    added_fields: &[u8],
    identities: &RandomState,
) -> Served {
    let identity = match known_by {
        Some(mark) => identities.hash_one(mark.tag(variant)),
        None => identities.hash_one((version.content, variant)),
    };
    let complete_length = representation.complete_length;
    let counted_as = tallyd_ledger::Representation { entity_tag: identity, complete_length };
    let prepared_fields = prepare_fields(&representation, added_fields, clock::http_date());
    Served { representation, counted_as, prepared_fields }
}

/// The fields of a plain 200, if they do not depend on when it is sent: a modification in the future is dated to the
/// answer.
fn prepare_fields(representation: &Representation<Handle>, added: &[u8], now: HttpDate) -> Option<Box<[u8]>> {
    if representation.modified.is_some_and(|modified| modified > now) {
        return None;
    }
    // A whole representation has no parts to delimit.
    let boundary = Boundary::from_random(0);
    let plan = ResponsePlan::new(Decision::Whole, representation, now, boundary);
    let mut fields = Vec::with_capacity(192);
    write_fields(&mut fields, &plan.fields);
    fields.extend_from_slice(added);
    Some(fields.into())
}
