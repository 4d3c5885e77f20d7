//! Listings that were just read, for whoever asks for the same at the same time.
//!
//! To read a folder of a thousand files costs as much as to send a hundred small ones. What a look at the folder has
//! told is believed for as long as it is of a file (`backend::remembered`), so that a folder that everybody opens is
//! read some hundred times a second at most, however many ask.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use tallyd_http::accept::ListingForm;
use tallyd_http::target::SitePath;
use tokio::sync::OnceCell;

use super::{Content, Listing, Query};
use crate::backend::folder::Failure;
use crate::backend::remembered::CHECK_HOLDS;
use crate::clock::Moment;
use crate::site::lookup::Source;

/// One worker's readings of the last few milliseconds.
#[derive(Default)]
pub(crate) struct Recent {
    readings: RefCell<HashMap<Asked, Rc<Reading>>>,
}

/// What a listing depends on.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Asked {
    path: SitePath<'static>,
    query: Query,
    form: ListingForm,
}

struct Reading {
    began: Moment,
    /// The text, once it is there; nothing if it cannot be shared.
    text: OnceCell<Option<Arc<[u8]>>>,
}

impl Recent {
    /// Reads what `query` asks of the directory `path`, which ends in `/`, or takes what another has just read.
    ///
    /// Dropping the future ends the reading, unless another waits for it. `Failure::Busy`: too much of large pages is
    /// under way.
    pub(crate) async fn list(
        &self,
        source: Source,
        path: SitePath<'static>,
        query: Query,
        form: ListingForm,
    ) -> Result<Listing, Failure> {
        let asked = Asked { path, query, form };
        let reading = self.join(&asked);
        let Asked { path, query, form } = asked;
        let mut own = None;
        let first = async {
            let listing = Listing::read(source.clone(), path.clone(), query.clone(), form).await;
            let text = listing.as_ref().ok().and_then(Listing::text).cloned();
            own = Some(listing);
            text
        };
        let text = reading.text.get_or_init(|| first).await.clone();
        match (own, text) {
            (Some(listing), _) => listing,
            (None, Some(text)) => Ok(Listing { form, content: Content::Whole(text) }),
            (None, None) => Listing::read(source, path, query, form).await,
        }
    }

    /// The reading to wait for: one that has just begun, or a new one.
    fn join(&self, asked: &Asked) -> Rc<Reading> {
        let mut readings = self.readings.borrow_mut();
        let now = Moment::now();
        readings.retain(|_, reading| now.since(reading.began) < CHECK_HOLDS);
        if let Some(reading) = readings.get(asked) {
            return Rc::clone(reading);
        }
        let reading = Rc::new(Reading { began: now, text: OnceCell::new() });
        readings.insert(asked.clone(), Rc::clone(&reading));
        reading
    }
}
