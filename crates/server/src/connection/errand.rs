//! What an answer has to wait for that is not its client's to do: a disk, or work on another thread.

use super::listing::ListingOrder;
use crate::site::badge::BadgeOrder;
use crate::site::{CodingOrder, Search, Selection, Site};

/// Something to be done before an answer can be given.
pub(super) enum Errand {
    /// To look for a file that is not in the kernel's caches.
    Fetch(Box<Search<'static>>),
    /// To code a file.
    Encode(Box<CodingOrder>),
    /// To make a badge.
    Make(Box<BadgeOrder>),
    /// To read a directory.
    Read(Box<ListingOrder>),
}

impl Errand {
    /// Does it; returns what the target leads to now. The waiting is boxed: it is rare, and every conversation would have room
    /// for the longest.
    pub(super) async fn run(self, site: &Site) -> Selection {
        match self {
            Errand::Fetch(search) => Box::pin(site.fetch(*search)).await,
            Errand::Encode(order) => Box::pin(site.encode(*order)).await,
            Errand::Make(order) => Box::pin(site.make_badge(*order)).await,
            Errand::Read(order) => {
                let ListingOrder { path, query, form } = *order;
                Box::pin(site.list(path, query, form)).await
            }
        }
    }
}
