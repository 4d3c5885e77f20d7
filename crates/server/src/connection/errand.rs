//! What an answer has to wait for that is not its client's to do: a disk, or work on another thread.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

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
    ///
    /// `gone` is ready when nobody waits for the answer any more. A directory is not read to its end for nobody; what else
    /// comes of an errand is short, or of use to others.
    pub(super) async fn run<E>(self, site: &Site, gone: impl Future<Output = E>) -> Result<Selection, E> {
        match self {
            Errand::Fetch(search) => Ok(Box::pin(site.fetch(*search)).await),
            Errand::Encode(order) => Ok(Box::pin(site.encode(*order)).await),
            Errand::Make(order) => Ok(Box::pin(site.make_badge(*order)).await),
            Errand::Read(order) => {
                let ListingOrder { path, query, form } = *order;
                Box::pin(unless(gone, site.list(path, query, form))).await
            }
        }
    }
}

/// Does something, unless `gone` is ready first.
async fn unless<T, E>(gone: impl Future<Output = E>, doing: impl Future<Output = T>) -> Result<T, E> {
    let (mut gone, mut doing) = (pin!(gone), pin!(doing));
    poll_fn(|context| match doing.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Ok(done)),
        Poll::Pending => gone.as_mut().poll(context).map(Err),
    })
    .await
}
