//! Files of the server's own, which clients do not get by whatever path: the ledger, the log, keys.
//!
//! A path says little about a file: a link that is followed, a second name, or a folder that is mounted twice leads to it
//! as well. So it is told by its device and inode, when a file is opened, and when the way to one that is remembered is
//! walked again. Some of these files are replaced while the server runs, so that they are looked up once a second. A file
//! that has just replaced another can be fetched for two seconds, where somebody has made a way to it.
//!
//! To close a descriptor of the ledger takes the locks on it from this process (fcntl(2)), and another program might then
//! do to it what SQLite's locks prevent. So what was opened by such a way stays open, and once there was one, each way is
//! looked along before a file is opened.

use std::fs;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};

use super::folder::{Identity, identity_at};

/// Where there are such files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Own {
    /// This one, and nothing beside it.
    File(PathBuf),
    /// The files of the ledger at this path, and of those that were set aside from there.
    Ledger(PathBuf),
    /// All that are in this folder.
    Folder(PathBuf),
}

/// The server's own files, as they were found at the last look.
#[derive(Debug, Default)]
pub(crate) struct Withheld {
    own: Vec<Own>,
    /// A few, so that a search from the first to the last is the fastest.
    found: RwLock<Vec<Identity>>,
    aside: Mutex<Aside>,
    /// Whether a way has led to one of them.
    was_met: AtomicBool,
    /// What was opened before that was known: one for each thread that was on such a way then, at most.
    met: Mutex<Vec<OwnedFd>>,
}

/// What was set aside from a ledger.
#[derive(Debug, Default)]
struct Aside {
    /// The ledger that was there when it was looked for: without another one, nothing was set aside since.
    beside: Option<Identity>,
    paths: Vec<PathBuf>,
}

impl Withheld {
    /// Withholds these, as far as they are there.
    pub(crate) fn new(own: Vec<Own>) -> Withheld {
        let withheld = Withheld { own, ..Withheld::default() };
        withheld.look();
        withheld
    }

    /// Looks again where the files are. It may wait for a disk.
    pub(crate) fn look(&self) {
        let paths = self.own.iter().flat_map(|own| self.paths(own));
        // What is not there has no clients either, and what cannot be looked at is mostly not there.
        let found: Vec<_> = paths.filter_map(|path| identity_at(&path).ok()).collect();
        *self.found.write().unwrap_or_else(PoisonError::into_inner) = found;
    }

    /// Whether this is one of them.
    pub(super) fn holds(&self, file: Identity) -> bool {
        self.found.read().unwrap_or_else(PoisonError::into_inner).contains(&file)
    }

    /// Whether a way has led to one of them, so that each has to be looked along before it is gone.
    pub(super) fn were_met(&self) -> bool {
        self.was_met.load(Ordering::Relaxed)
    }

    /// Keeps one open that a way has led to.
    pub(super) fn keep_open(&self, file: OwnedFd) {
        self.met.lock().unwrap_or_else(PoisonError::into_inner).push(file);
        self.was_met.store(true, Ordering::Relaxed);
    }

    /// All of them.
    pub(super) fn found(&self) -> Vec<Identity> {
        self.found.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn paths(&self, own: &Own) -> Vec<PathBuf> {
        match own {
            Own::File(path) => vec![path.clone()],
            Own::Ledger(path) => [&tallyd_ledger::files_of(path)[..], &self.set_aside(path)].concat(),
            // A folder that cannot be listed was refused when the server started, or was removed since.
            Own::Folder(path) => fs::read_dir(path)
                .map(|entries| entries.filter_map(|entry| Some(entry.ok()?.path())).collect())
                .unwrap_or_default(),
        }
    }

    /// What was set aside from the ledger at `path`. To read the folder, which may have many other files, is worth it when
    /// the ledger is another one than before.
    fn set_aside(&self, path: &Path) -> Vec<PathBuf> {
        let mut aside = self.aside.lock().unwrap_or_else(PoisonError::into_inner);
        let ledger = identity_at(path).ok();
        // A folder that cannot be read now is read at the next look.
        if ledger.is_some()
            && ledger != aside.beside
            && let Ok(paths) = tallyd_ledger::set_aside_of(path)
        {
            *aside = Aside { beside: ledger, paths };
        }
        aside.paths.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn files_are_told_by_what_they_are() {
        let place = tempfile::tempdir().expect("a folder for the test");
        let path = |name: &str| place.path().join(name);
        let write = |name: &str| fs::write(path(name), "").expect("ours");
        fs::create_dir(path("keys")).expect("ours");
        for name in
            ["key", "keys/a.pem", "w.ledger", "w.ledger-wal", "w.ledger.corrupt-1", "open", "w.ledgers"]
        {
            write(name);
        }
        let own = vec![
            Own::File(path("key")),
            Own::File(path("missing")),
            Own::Folder(path("keys")),
            Own::Folder(path("no keys")),
            Own::Ledger(path("w.ledger")),
        ];
        let withheld = Withheld::new(own);
        let check = |name: &str, expect: bool| {
            let file = identity_at(&path(name)).expect("it is there");
            assert_eq!(withheld.holds(file), expect, "{name}");
        };
        symlink("key", path("link")).and_then(|()| fs::hard_link(path("key"), path("name"))).expect("ours");
        for name in ["key", "link", "name", "keys/a.pem", "w.ledger", "w.ledger-wal", "w.ledger.corrupt-1"] {
            check(name, true);
        }
        check("open", false);
        check("w.ledgers", false);

        // What comes later is found by the next look: a key that was renewed, and a ledger in the place of a damaged one.
        write("missing");
        write("keys/b.pem");
        fs::rename(path("w.ledger"), path("w.ledger.corrupt-2")).expect("ours");
        write("w.ledger");
        check("missing", false);
        withheld.look();
        for name in ["missing", "keys/b.pem", "w.ledger", "w.ledger.corrupt-1", "w.ledger.corrupt-2"] {
            check(name, true);
        }
    }
}
