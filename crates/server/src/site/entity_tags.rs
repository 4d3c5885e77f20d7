//! What entity tags are made from, by the publisher's choice.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tallyd_http::validator::{StrongTag, TagScope, Variant};

use crate::backend::folder::FileVersion;
use crate::backend::remembered::Handle;
use crate::fingerprints::{Fingerprint, Fingerprints};

/// What the publisher chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TagSource {
    /// Time, length and inode.
    Metadata,
    /// Time and length.
    PortableMetadata,
    /// The content.
    Content,
}

/// Makes tags.
#[derive(Debug)]
pub(crate) enum EntityTags {
    /// From what the file system says of a file.
    OfMetadata(TagScope),
    /// From what is in it.
    OfContent(Fingerprints),
}

/// What all tags of one file are made from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mark {
    Metadata(FileVersion, TagScope),
    Content(Fingerprint),
}

impl EntityTags {
    /// What the tags of this version are made from; nothing if that is not known yet: then `news` is set once it is.
    pub(super) fn mark(
        &self,
        version: &FileVersion,
        original: &Handle,
        news: &Arc<AtomicBool>,
    ) -> Option<Mark> {
        let fingerprints = match self {
            EntityTags::OfMetadata(_) => return self.mark_by_metadata(version),
            EntityTags::OfContent(fingerprints) => fingerprints,
        };
        match original {
            Handle::Memory(content) => Some(Mark::Content(Fingerprints::of_content(content))),
            Handle::Shared(content) => Some(Mark::Content(Fingerprints::of_content(content))),
            Handle::File(file) => fingerprints.of_file(version, file, news).map(Mark::Content),
        }
    }

    /// The same as far as no content is needed for it.
    pub(super) fn mark_by_metadata(&self, version: &FileVersion) -> Option<Mark> {
        match self {
            EntityTags::OfMetadata(scope) => Some(Mark::Metadata(*version, *scope)),
            EntityTags::OfContent(_) => None,
        }
    }
}

impl Mark {
    /// The tag of one representation.
    pub(super) fn tag(&self, variant: Variant) -> StrongTag {
        match self {
            Mark::Metadata(version, scope) => StrongTag::of_file(&version.content, *scope, variant),
            Mark::Content(fingerprint) => StrongTag::of_content(fingerprint, variant),
        }
    }
}
