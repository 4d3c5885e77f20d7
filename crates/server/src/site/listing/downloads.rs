//! How often the files of a listing were downloaded, as the ledger has committed it.

use tallyd_http::target::SitePath;
use tallyd_ledger::{Ledger, path_text};

use super::Column;
use super::entry::Entry;
use crate::access_log::Details;
use crate::backend::directory::EntryKind;

/// What is told of the files in one directory.
pub(super) struct Downloads<'a> {
    pub(super) column: Column,
    pub(super) ledger: &'a Ledger<Details>,
    /// Ends in `/`.
    pub(super) directory: &'a SitePath<'static>,
}

impl Downloads<'_> {
    /// Notes at each file how often it was downloaded. Reads the ledger; if that cannot be read, nothing is noted.
    pub(super) fn note(&self, entries: &mut [Entry]) {
        match self.column {
            Column::Absent => return,
            Column::Shown => {}
        }
        let files = entries.iter_mut().filter(|entry| match entry.kind {
            EntryKind::File => true,
            EntryKind::Directory => false,
        });
        let mut files: Vec<&mut Entry> = files.collect();
        let path = |entry: &&mut Entry| {
            let path = [self.directory.as_bytes(), entry.name.to_bytes()].concat();
            path_text::print(&path).into_owned()
        };
        // Trouble of the ledger is said where it is looked after: a listing without figures is still a listing.
        let Ok(known) = self.ledger.query().and_then(|query| query.downloads(files.iter().map(path))) else {
            return;
        };
        for (file, downloads) in files.iter_mut().zip(known) {
            file.downloads = Some(downloads);
        }
    }
}
