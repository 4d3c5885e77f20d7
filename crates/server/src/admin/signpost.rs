//! A note beside the ledger that says where its server's admin side is, so that `tallyd top` finds it.
//!
//! The ledger has one owner, and so has the note. One that a killed server left leads nowhere, and the next server writes
//! over it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::config::{AdminUrl, ledger_file};
use crate::console;

/// A note that is taken away when this is dropped.
#[derive(Debug)]
pub(crate) struct Signpost(PathBuf);

impl Signpost {
    /// Writes the note; without an admin side, takes away what an earlier server may have left.
    pub(crate) fn put_up(ledger: &Path, url: Option<&AdminUrl>) -> Option<Signpost> {
        let signpost = Signpost(ledger_file::admin_note(ledger));
        // What is not there need not be taken away.
        let _ = fs::remove_file(&signpost.0);
        let written = fs::write(&signpost.0, format!("{}\n", url?));
        if let Err(error) = written {
            let place = signpost.0.display();
            console::say(format_args!(
                "tallyd top will not find the dashboard by itself: {place} cannot be written ({error})"
            ));
        }
        Some(signpost)
    }
}

impl Drop for Signpost {
    fn drop(&mut self) {
        // It may be gone already, with its folder.
        let _ = fs::remove_file(&self.0);
    }
}
