//! Hashes of contents, for entity tags that depend on nothing else. They are computed in the background, once for each
//! version of a file, and remembered.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quick_cache::sync::Cache;

use crate::backend::folder::{FileVersion, Patience, read_at, version_of};
use crate::workshop::Workshop;

/// BLAKE3: no two contents are known, or expected, to have the same.
pub(crate) type Fingerprint = [u8; 32];

/// How many versions are remembered, at some 200 bytes each. More than that in use would be hashed again now and then.
const REMEMBERED: usize = 65_536;

/// One, since it is the disk that decides how long it takes.
const THREADS: usize = 1;

/// How many files may wait for the thread. What does not fit is asked for again with the next look at the file.
const WAITING: usize = 4_096;

/// How much is read at a time, in bytes.
const CHUNK_BYTES: usize = 256 * 1024;

/// What is known of contents.
#[derive(Debug)]
pub(crate) struct Fingerprints {
    shared: Arc<Shared>,
    workshop: Workshop,
}

#[derive(Debug)]
struct Shared {
    known: Cache<FileVersion, Fingerprint>,
    /// Who is to be told when a version becomes known.
    awaited: Mutex<HashMap<FileVersion, Vec<Arc<AtomicBool>>>>,
}

impl Fingerprints {
    /// Starts with nothing known.
    pub(crate) fn start() -> io::Result<Fingerprints> {
        let shared = Shared { known: Cache::new(REMEMBERED), awaited: Mutex::default() };
        Ok(Fingerprints {
            shared: Arc::new(shared),
            workshop: Workshop::open("fingerprints", THREADS, WAITING)?,
        })
    }

    /// That of content in memory.
    pub(crate) fn of_content(content: &[u8]) -> Fingerprint {
        *blake3::hash(content).as_bytes()
    }

    /// That of an open file of this version, if it is known. Otherwise it is computed, and `news` is set when it is
    /// known.
    pub(crate) fn of_file(
        &self,
        version: &FileVersion,
        file: &Arc<OwnedFd>,
        news: &Arc<AtomicBool>,
    ) -> Option<Fingerprint> {
        if let Some(known) = self.shared.known.get(version) {
            return Some(known);
        }
        let mut awaited = self.shared.awaited();
        // It may have become known before the lock was had: then nobody would tell.
        if let Some(known) = self.shared.known.get(version) {
            return Some(known);
        }
        if let Some(waiting) = awaited.get_mut(version) {
            waiting.push(Arc::clone(news));
            return None;
        }
        let (shared, version, file) = (Arc::clone(&self.shared), *version, Arc::clone(file));
        awaited.insert(version, vec![Arc::clone(news)]);
        let compute = move || shared.learn(version, fingerprint_of(&version, &file));
        if self.workshop.submit(Box::new(compute)).is_err() {
            awaited.remove(&version);
            news.store(true, Ordering::Relaxed);
        }
        None
    }
}

impl Shared {
    /// Remembers a version, and tells who waits for it. Without a fingerprint there is nothing to tell: the file has
    /// changed, which is noticed in any case, or cannot be read.
    fn learn(&self, version: FileVersion, fingerprint: Option<Fingerprint>) {
        if let Some(fingerprint) = fingerprint {
            self.known.insert(version, fingerprint);
        }
        let waiting = self.awaited().remove(&version).unwrap_or_default();
        if fingerprint.is_some() {
            for news in waiting {
                news.store(true, Ordering::Relaxed);
            }
        }
    }

    fn awaited(&self) -> MutexGuard<'_, HashMap<FileVersion, Vec<Arc<AtomicBool>>>> {
        self.awaited.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads and hashes a file, if it is and stays of this version.
fn fingerprint_of(version: &FileVersion, file: &OwnedFd) -> Option<Fingerprint> {
    let mut hasher = blake3::Hasher::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut offset = 0;
    loop {
        match read_at(file, &mut chunk, offset, Patience::MayBlock).ok()? {
            0 => break,
            length => {
                hasher.update(&chunk[..length]);
                offset += length as u64;
            }
        }
    }
    (version_of(file) == Some(*version)).then(|| *hasher.finalize().as_bytes())
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::time::{Duration, Instant};

    use super::*;

    fn wait_for(news: &AtomicBool) {
        let began = Instant::now();
        while !news.load(Ordering::Relaxed) {
            assert!(began.elapsed() < Duration::from_secs(20), "no news");
            std::thread::yield_now();
        }
    }

    #[test]
    fn each_version_is_computed_once_and_told_to_all() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let content = b"content ".repeat(100_000);
        fs::write(folder.path().join("f"), &content).expect("a file");
        let file: OwnedFd = File::open(folder.path().join("f")).expect("it is there").into();
        let version = version_of(&file).expect("it can be looked at");
        let file = Arc::new(file);
        let fingerprints = Fingerprints::start().expect("a thread can be started");
        let all: Vec<_> = (0..100).map(|_| Arc::new(AtomicBool::new(false))).collect();
        for news in &all {
            match fingerprints.of_file(&version, &file, news) {
                None => {}
                Some(known) => {
                    assert_eq!(known, Fingerprints::of_content(&content));
                    news.store(true, Ordering::Relaxed);
                }
            }
        }
        for news in &all {
            wait_for(news);
        }
        let known = fingerprints.of_file(&version, &file, &all[0]);
        assert_eq!(known, Some(Fingerprints::of_content(&content)));
        assert!(fingerprints.shared.awaited().is_empty());
    }

    #[test]
    fn a_file_that_is_another_version_by_now_has_none() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let path = folder.path().join("f");
        fs::write(&path, "before").expect("a file");
        let file: OwnedFd = File::open(&path).expect("it is there").into();
        let version = version_of(&file).expect("it can be looked at");
        assert_eq!(fingerprint_of(&version, &file), Some(Fingerprints::of_content(b"before")));
        File::options().write(true).open(&path).and_then(|file| file.set_len(3)).expect("it is cut");
        assert_eq!(fingerprint_of(&version, &file), None);
    }
}
