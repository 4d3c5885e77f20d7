//! A site that is served, a folder that its client downloads into, and the books that are kept of it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tallyd_ledger::Counters;

use super::program;
use crate::harness::{Books, Protocol, SOON, Server, Site, Stdout, counters, eventually};

/// The time of a first version: long ago, so that it has a validator from the first request on.
const FIRST_VERSION: Duration = Duration::from_secs(1_600_000_000);

/// Longer than a file that was just changed has no entity tag.
const UNSETTLED: Duration = Duration::from_millis(50);

/// A site with its server.
pub(super) struct Served {
    pub(super) site: Site,
    pub(super) server: Server,
    books: Books,
}

impl Served {
    pub(super) fn start(site: Site, arguments: &[&str]) -> Self {
        Self::start_over(Protocol::Http1, site, arguments)
    }

    /// The same of which the clients speak this.
    pub(super) fn start_over(protocol: Protocol, site: Site, arguments: &[&str]) -> Self {
        fs::create_dir(site.around().join("downloads")).expect("a folder");
        let books = Books::of(&site);
        let mut command = books.server(&site);
        let server = Server::launch_over(protocol, &site, command.args(arguments), Stdout::Followed);
        Self { site, server, books }
    }

    /// A site of one file, in its first version.
    pub(super) fn with_file(name: &str, content: &[u8]) -> Self {
        let site = Site::new();
        put(&site, name, content, 1);
        Self::start(site, &[])
    }

    /// Replaces a file, as one should: by rename.
    pub(super) fn replace(&self, name: &str, content: &[u8], version: u32) {
        put(&self.site, "replacement", content, version);
        fs::rename(self.site.path("replacement"), self.site.path(name)).expect("our file");
        settle(&self.site.path(name));
    }

    pub(super) fn url(&self, path: &str) -> String {
        self.server.url(path)
    }

    /// Where the client works.
    pub(super) fn downloads(&self) -> PathBuf {
        self.site.around().join("downloads")
    }

    /// The command that runs a client there.
    pub(super) fn client(&self, program: &str) -> Command {
        program::command(program, &self.downloads())
    }

    /// Leaves something of an earlier download.
    pub(super) fn leave(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.downloads().join(name);
        fs::write(&path, content).expect("a file");
        path
    }

    /// What the client has saved.
    pub(super) fn saved(&self, name: &str) -> Vec<u8> {
        fs::read(self.downloads().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Waits until the file's counters are these, and checks every law; counters that are not named are 0, and bytes
    /// are judged by who knows them.
    #[track_caller]
    pub(super) fn counted(&self, path: &str, text: &str) -> Counters {
        let expect = counters(text);
        let found = self.settled(path, |it| Counters { bytes: 0, ..*it } == expect, text);
        self.check_laws();
        found
    }

    /// Waits until the file was downloaded so often and nobody is at it, however many requests that took.
    #[track_caller]
    pub(super) fn downloaded(&self, path: &str, downloads: u64) -> Counters {
        let is_done = |it: &Counters| it.in_flight() == 0 && it.downloads == downloads;
        let found = self.settled(path, is_done, &format!("downloads {downloads}, none in flight"));
        self.check_laws();
        found
    }

    fn settled(&self, path: &str, is_so: impl Fn(&Counters) -> bool, what: &str) -> Counters {
        self.books.wait_for(path, what, is_so)
    }

    pub(super) fn tally(&self, path: &str) -> Counters {
        self.books.tally(path)
    }

    /// The same of every file: that so many were ever counted, and each so.
    #[track_caller]
    pub(super) fn all_counted(&self, files: usize, text: &str) {
        let expect = counters(text);
        eventually(&format!("{files} files, each with {text}"), SOON, || {
            let all = self.books.all();
            let is_so = |it: &Counters| Counters { bytes: 0, ..*it } == expect;
            (all.len() == files && all.values().all(is_so)).then_some(())
        });
        self.check_laws();
    }

    #[track_caller]
    fn check_laws(&self) {
        self.books.check_laws();
    }
}

/// Writes a file of the site with the time of its version, and waits until the server can tell that version from any
/// other.
pub(super) fn put(site: &Site, name: &str, content: &[u8], version: u32) -> PathBuf {
    let path = site.file(name, content);
    let modified = UNIX_EPOCH + FIRST_VERSION + Duration::from_hours(24) * version;
    File::options().append(true).open(&path).and_then(|file| file.set_modified(modified)).expect("our file");
    settle(&path);
    path
}

/// Waits until the last change of a file is long enough ago for an entity tag.
pub(super) fn settle(path: &Path) {
    eventually("the file's clock goes on", SOON, || {
        let found = fs::metadata(path).expect("our file");
        let (seconds, nanoseconds) = (found.ctime().unsigned_abs(), found.ctime_nsec().unsigned_abs());
        let changed = UNIX_EPOCH + Duration::new(seconds, nanoseconds as u32);
        let age = SystemTime::now().duration_since(changed).unwrap_or_default();
        (age > UNSETTLED).then_some(())
    });
}

/// Every regular file below a folder, by its path from there, with its content.
pub(super) fn tree(folder: &Path) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("below it").as_os_str().as_bytes().to_owned();
                found.insert(name, fs::read(&path).expect("a file"));
            }
        }
    }
    found
}
