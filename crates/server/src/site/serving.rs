//! From what was found to what is served: representations with their validators, fields and names for the ledger.
//!
//! Nothing is opened or read here.

use std::borrow::Cow;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use tallyd_http::content_coding::ContentCoding;
use tallyd_http::h1::writer::write_fields;
use tallyd_http::multipart::Boundary;
use tallyd_http::representation::{Representation, SelectedBy};
use tallyd_http::response::{Decision, ResponsePlan};
use tallyd_http::validator::{HttpDate, StrongTag, TagScope, Timestamp, Variant};

use crate::backend::folder::OpenFile;
use crate::backend::remembered::Handle;
use crate::backend::variants::{Served, Variants};
use crate::clock;

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
struct Common<'a> {
    content_type: Cow<'static, str>,
    /// The lines that the publisher adds.
    added_fields: &'a [u8],
    selected_by: SelectedBy,
    now: Timestamp,
    identities: &'a RandomState,
}

/// All that can be served of a file with these siblings, at this time of day.
pub(super) fn variants(
    original: Opened,
    siblings: Vec<OpenedSibling>,
    content_type: Cow<'static, str>,
    added_fields: &[u8],
    now: Timestamp,
    identities: &RandomState,
) -> Variants {
    let selected_by = if siblings.is_empty() { SelectedBy::Target } else { SelectedBy::AcceptEncoding };
    let common = Common { content_type, added_fields, selected_by, now, identities };
    let served = |sibling: OpenedSibling| common.serve(sibling.opened, sibling.coding);
    let siblings = siblings.into_iter().map(served).collect();
    Variants::new(common.serve(original, ContentCoding::Identity), siblings)
}

impl Common<'_> {
    /// One file, which is in this coding.
    fn serve(&self, opened: Opened, coding: ContentCoding) -> Served {
        let Opened { file: OpenFile { descriptor, version }, content } = opened;
        let variant = match coding {
            ContentCoding::Identity => Variant::Original,
            ContentCoding::Gzip | ContentCoding::Brotli | ContentCoding::Zstd => Variant::Sibling(coding),
        };
        let representation = Representation {
            handle: match content {
                Some(content) => Handle::Memory(content.into()),
                None => Handle::File(Arc::new(descriptor)),
            },
            complete_length: version.content.complete_length,
            content_type: self.content_type.clone(),
            coding,
            selected_by: self.selected_by,
            // A version that can still change unseen must not be told from the next one by a tag.
            entity_tag: version
                .is_settled(self.now)
                .then(|| StrongTag::of_file(&version.content, TagScope::FileSystem, variant)),
            modified: HttpDate::from_unix_seconds(version.content.modified.seconds),
        };
        let counted_as = tallyd_ledger::Representation {
            entity_tag: self.identities.hash_one((version.content, coding)),
            complete_length: version.content.complete_length,
        };
        let prepared_fields = prepare_fields(&representation, self.added_fields, clock::http_date());
        Served { representation, counted_as, prepared_fields }
    }
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
