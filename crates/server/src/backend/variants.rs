//! The representations of one file: itself, and others in codings that a client may like better.

use std::cell::OnceCell;

use tallyd_http::content_coding::{AcceptEncoding, ContentCoding, PREFERENCE};
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
    /// Coded by this server when they were first asked for, in the order of [`PREFERENCE`].
    made: [OnceCell<Made>; PREFERENCE.len()],
    /// The codings that are there or can be made: the earlier is preferred by the server.
    offer: Box<[ContentCoding]>,
}

/// What came of coding the original.
#[derive(Debug)]
pub(crate) enum Made {
    /// This.
    Served(Box<Served>),
    /// Nothing that is smaller: the original stands in for it.
    NotWorthIt,
}

/// Whether this server codes a file itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    /// In every coding that no sibling is in.
    OnDemand,
    /// Never.
    Never,
}

/// What is to be sent.
#[derive(Debug)]
pub(crate) enum Choice<'v> {
    /// This.
    Ready(&'v Served),
    /// The original in this coding, which is yet to be made.
    ToBeMade(ContentCoding),
}

impl Variants {
    /// A file with its siblings, of which the earlier is preferred. What the publisher has made comes before what this
    /// server makes.
    pub(crate) fn new(original: Served, siblings: Box<[Served]>, coding: Coding) -> Variants {
        let of_siblings: Vec<_> = siblings.iter().map(|sibling| sibling.representation.coding).collect();
        let on_demand = match coding {
            Coding::OnDemand => &PREFERENCE[..],
            Coding::Never => &[],
        };
        let others = on_demand.iter().filter(|coding| !of_siblings.contains(coding));
        let offer = of_siblings.iter().chain(others).copied().collect();
        Variants { original, siblings, made: Default::default(), offer }
    }

    /// Whether all that the publisher has made is one file, and that is in memory.
    pub(crate) fn are_in_memory(&self) -> bool {
        match self.original.representation.handle {
            Handle::Memory(_) | Handle::Shared(_) => self.siblings.is_empty(),
            Handle::File(_) => false,
        }
    }

    /// The one to send to a client with this `Accept-Encoding` (RFC 9110 §12.5.3). It allocates nothing.
    pub(crate) fn choose(&self, accept_encoding: &FieldLines<'_>) -> Choice<'_> {
        if self.offer.is_empty() || accept_encoding.is_absent() {
            return Choice::Ready(&self.original);
        }
        let coding = AcceptEncoding::parse(accept_encoding).negotiate(&self.offer);
        let of_publisher = self.siblings.iter().find(|served| served.representation.coding == coding);
        match (of_publisher, self.made(coding).map(OnceCell::get)) {
            (Some(sibling), _) => Choice::Ready(sibling),
            (None, Some(Some(Made::Served(served)))) => Choice::Ready(served),
            (None, Some(None)) => Choice::ToBeMade(coding),
            (None, Some(Some(Made::NotWorthIt)) | None) => Choice::Ready(&self.original),
        }
    }

    /// The file itself.
    pub(crate) fn original(&self) -> &Served {
        &self.original
    }

    /// Adds what came of coding the original. Of two who add the same, the first counts.
    pub(crate) fn add(&self, coding: ContentCoding, made: Made) {
        if let Some(place) = self.made(coding) {
            // Both were made of the same version in the same way.
            let _ = place.set(made);
        }
    }

    /// The place for a coding of this server; none for identity.
    fn made(&self, coding: ContentCoding) -> Option<&OnceCell<Made>> {
        PREFERENCE.iter().position(|preferred| *preferred == coding).map(|place| &self.made[place])
    }

    /// Each of those that are there.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Served> {
        let made = self.made.iter().filter_map(|place| match place.get() {
            Some(Made::Served(served)) => Some(&**served),
            Some(Made::NotWorthIt) | None => None,
        });
        self.siblings.iter().chain(made).chain([&self.original])
    }
}
