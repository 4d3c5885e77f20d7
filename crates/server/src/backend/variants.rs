//! The representations of one file: itself, and others in codings that a client may like better.

use tallyd_http::content_coding::{AcceptEncoding, ContentCoding};
use tallyd_http::field_lines::FieldLines;
use tallyd_http::representation::Representation;

use super::remembered::Handle;

/// A representation as it is served.
#[derive(Debug)]
pub(crate) struct Served {
    /// What is sent.
    pub(crate) representation: Representation<Handle>,
    /// What the ledger knows it by.
    pub(crate) counted_as: tallyd_ledger::Representation,
    /// The fields of a plain 200, each line with its CRLF; absent where they depend on the time of the answer.
    pub(crate) prepared_fields: Option<Box<[u8]>>,
}

/// All representations of one file.
#[derive(Debug)]
pub(crate) struct Variants {
    original: Served,
    /// Coded by the file's publisher.
    siblings: Box<[Served]>,
    /// Their codings in the same order: the earlier is preferred by the server.
    offer: Box<[ContentCoding]>,
}

impl Variants {
    /// A file with its siblings, of which the earlier is preferred.
    pub(crate) fn new(original: Served, siblings: Box<[Served]>) -> Variants {
        let offer = siblings.iter().map(|sibling| sibling.representation.coding).collect();
        Variants { original, siblings, offer }
    }

    /// The one to send to a client with this `Accept-Encoding` (RFC 9110 §12.5.3). It allocates nothing.
    pub(crate) fn choose(&self, accept_encoding: &FieldLines<'_>) -> &Served {
        if self.offer.is_empty() || accept_encoding.is_absent() {
            return &self.original;
        }
        let coding = AcceptEncoding::parse(accept_encoding).negotiate(&self.offer);
        self.siblings.iter().find(|served| served.representation.coding == coding).unwrap_or(&self.original)
    }

    /// Each of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Served> {
        self.siblings.iter().chain([&self.original])
    }
}
