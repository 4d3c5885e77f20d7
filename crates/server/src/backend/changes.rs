//! What the kernel tells of changes beneath a root, so that not every file has to be looked at to know that it is as it was.
//!
//! The folders on the way to a file are watched (inotify(7)). Whatever happens in one of them begins a new generation, in which
//! every file is looked at once more: nothing here knows what has changed. Not told are writes through a mapping or by a
//! name in another folder, what is mounted over a folder, and on file systems of other machines what these do; to leave such files out, and
//! to look at the others from time to time all the same, is the caller's part.

use std::collections::HashSet;
use std::iter;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, TryLockError};
use std::time::Duration;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;

use crate::clock::Moment;

/// How long after the queue was read nothing is expected in it.
const HEARING_HOLDS: Duration = Duration::from_millis(5);

/// How many folders are watched at most: each keeps about 1 KiB of the kernel's memory, and a system may have no more than 8,192
/// for all programs of a user. Files in others are looked at one by one.
const MOST_FOLDERS: usize = 4096;

/// How many events are taken from a queue; where there are more, another queue takes its place.
const MOST_EVENTS: usize = 4096;

/// A span of time in which the kernel has told of no change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Generation(u64);

/// The kernel's queue of changes beneath one root.
#[derive(Debug)]
pub(super) struct Changes {
    generation: AtomicU64,
    /// The moment up to which all changes are known.
    heard: AtomicU64,
    watched: Mutex<Watched>,
}

/// What is watched.
#[derive(Debug)]
struct Watched {
    queue: OwnedFd,
    /// The folders, by their paths from the root, that are watched since before this generation; those on the way to each are, too.
    folders: HashSet<Box<[u8]>>,
    /// All watches that there are, also on folders that were moved away.
    watches: HashSet<i32>,
}

impl Changes {
    /// A queue without watches. Fails as `inotify_init1(2)` does.
    pub(super) fn new() -> rustix::io::Result<Changes> {
        Ok(Changes {
            generation: AtomicU64::new(0),
            heard: AtomicU64::new(0),
            watched: Mutex::new(Watched::nothing()?),
        })
    }

    /// The generation at `now`, give or take a few milliseconds; nothing if it cannot be told without waiting.
    pub(super) fn generation(&self, now: Moment) -> Option<Generation> {
        if now.since(Moment::from_millis(self.heard.load(Ordering::Acquire))) > HEARING_HOLDS {
            self.listen(now)?;
        }
        Some(Generation(self.generation.load(Ordering::Acquire)))
    }

    /// Watches the way to `file`, a path from `root` without links, and tells the generation from before: a look at the file
    /// after this holds until that is over. Nothing if the way cannot be watched, or not without waiting.
    pub(super) fn follow(&self, root: BorrowedFd<'_>, file: &[u8]) -> Option<Generation> {
        let mut watched = match self.watched.try_lock() {
            Ok(watched) => watched,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        let generation = Generation(self.generation.load(Ordering::Acquire));
        let slashes = file.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        if watched.folders.contains(&file[..slashes.clone().next_back().unwrap_or(0)]) {
            return Some(generation);
        }
        // From the root on: whatever is put in the place of a folder that is yet to be watched, is told of by the one before.
        for end in iter::once(0).chain(slashes) {
            if !watched.folders.contains(&file[..end]) {
                self.watch(root, &file[..end], &mut watched)?;
            }
        }
        Some(generation)
    }

    fn watch(&self, root: BorrowedFd<'_>, folder: &[u8], watched: &mut Watched) -> Option<()> {
        if watched.watches.len() >= MOST_FOLDERS {
            // Folders that were moved out of the site are watched for ever.
            if watched.folders.len() < MOST_FOLDERS / 2 {
                self.begin_anew(watched);
            }
            return None;
        }
        // There is no call that takes a descriptor and a path from there.
        let path = [format!("/proc/self/fd/{}/", root.as_raw_fd()).as_bytes(), folder].concat();
        let of_interest = WatchFlags::MODIFY
            | WatchFlags::ATTRIB
            | WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::ONLYDIR;
        watched.watches.insert(inotify::add_watch(&watched.queue, path, of_interest).ok()?);
        watched.folders.insert(folder.into());
        Some(())
    }

    /// Takes what is in the queue.
    fn listen(&self, now: Moment) -> Option<()> {
        let mut watched = self.watched.try_lock().ok()?;
        match watched.read() {
            Heard::Nothing => {}
            Heard::Changes => {
                watched.folders.clear();
                self.generation.fetch_add(1, Ordering::Release);
            }
            Heard::TooMuch => self.begin_anew(&mut watched)?,
        }
        self.heard.store(now.as_millis(), Ordering::Release);
        Some(())
    }

    /// Gives up all watches, and what else the queue has to tell.
    fn begin_anew(&self, watched: &mut Watched) -> Option<()> {
        watched.folders.clear();
        self.generation.fetch_add(1, Ordering::Release);
        *watched = Watched::nothing().ok()?;
        Some(())
    }
}

/// What was in the queue.
enum Heard {
    Nothing,
    Changes,
    /// More than is read, or than the kernel has kept: what is watched any more is not known.
    TooMuch,
}

impl Watched {
    fn nothing() -> rustix::io::Result<Watched> {
        let queue = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        Ok(Watched { queue, folders: HashSet::new(), watches: HashSet::new() })
    }

    fn read(&mut self) -> Heard {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = Reader::new(&self.queue, &mut buffer);
        for taken in 0..MOST_EVENTS {
            match reader.next() {
                Ok(event) if event.events().contains(ReadFlags::QUEUE_OVERFLOW) => return Heard::TooMuch,
                Ok(event) if event.events().contains(ReadFlags::IGNORED) => {
                    self.watches.remove(&event.wd());
                }
                Ok(_) | Err(Errno::INTR) => {}
                Err(Errno::AGAIN) if taken == 0 => return Heard::Nothing,
                Err(Errno::AGAIN) => return Heard::Changes,
                Err(_) => return Heard::TooMuch,
            }
        }
        Heard::TooMuch
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File, Permissions};
    use std::io::{Seek, Write};
    use std::os::fd::AsFd;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::Path;

    use super::*;

    const FILE: &str = "a/b/file";

    /// A root with one file, `a/b/file`, whose way is watched.
    struct Followed {
        place: tempfile::TempDir,
        root: File,
        changes: Changes,
        since: Generation,
    }

    impl Followed {
        fn new() -> Followed {
            let place = tempfile::tempdir().expect("a folder for the test");
            fs::create_dir_all(place.path().join("a/b")).expect("folders");
            fs::write(place.path().join(FILE), "content").expect("a file");
            fs::write(place.path().join("beside"), "content").expect("a file");
            let root = File::open(place.path()).expect("it is there");
            let changes = Changes::new().expect("the kernel tells of changes");
            let since = changes.follow(root.as_fd(), FILE.as_bytes()).expect("it can be watched");
            Followed { place, root, changes, since }
        }

        fn generation_at(&self, milliseconds: u64) -> Option<Generation> {
            self.changes.generation(Moment::from_millis(milliseconds))
        }
    }

    /// Whatever is done to the file or on the way to it begins a new generation, and once only.
    #[track_caller]
    fn check(deed: impl FnOnce(&Path) -> std::io::Result<()>) {
        let followed = Followed::new();
        assert_eq!(followed.generation_at(10), Some(followed.since));
        deed(followed.place.path()).expect("the deed can be done");
        assert_eq!(followed.generation_at(15), Some(followed.since), "it is not asked for yet");
        let told = followed.generation_at(16).expect("it can be told");
        assert_ne!(told, followed.since);
        assert_eq!(followed.generation_at(22), Some(told));
    }

    #[test]
    fn every_change_is_told() {
        check(|root| fs::write(root.join(FILE), "other"));
        check(|root| File::options().append(true).open(root.join(FILE))?.write_all(b"more"));
        check(|root| File::options().write(true).open(root.join(FILE))?.set_len(3));
        check(|root| fs::set_permissions(root.join(FILE), Permissions::from_mode(0o600)));
        check(|root| File::open(root.join(FILE))?.set_modified(std::time::SystemTime::UNIX_EPOCH));
        check(|root| fs::remove_file(root.join(FILE)));
        check(|root| fs::rename(root.join("beside"), root.join(FILE)));
        check(|root| fs::rename(root.join(FILE), root.join("beside")));
        check(|root| fs::write(root.join("a/b/file.br"), "coded"));
        check(|root| fs::rename(root.join("a/b"), root.join("a/c")));
        check(|root| fs::rename(root.join("a"), root.join("c")));
        check(|root| {
            fs::rename(root.join("a"), root.join("c"))?;
            symlink("c", root.join("a"))
        });
        check(|root| fs::remove_dir_all(root.join("a")));
    }

    #[test]
    fn a_write_through_an_open_descriptor_is_told() {
        let followed = Followed::new();
        let mut file =
            File::options().write(true).open(followed.place.path().join(FILE)).expect("it is there");
        for moment in [10, 20, 30] {
            let before = followed.generation_at(moment).expect("it can be told");
            file.rewind().and_then(|()| file.write_all(b"changed")).expect("it can be written");
            assert_ne!(followed.generation_at(moment + 6), Some(before));
        }
    }

    #[test]
    fn what_has_taken_the_place_of_a_folder_is_watched_again() {
        let followed = Followed::new();
        let root = followed.place.path();
        fs::rename(root.join("a"), root.join("old")).expect("it can be renamed");
        fs::create_dir_all(root.join("a/b")).expect("folders");
        fs::write(root.join(FILE), "content").expect("a file");
        followed.generation_at(10).expect("it can be told");
        let since = followed.changes.follow(followed.root.as_fd(), FILE.as_bytes());
        assert_eq!(followed.generation_at(20), since);
        fs::write(root.join(FILE), "other").expect("a file");
        assert_ne!(followed.generation_at(30), since);
    }

    #[test]
    fn folders_that_are_gone_do_not_count() {
        let followed = Followed::new();
        let watches = || followed.changes.watched.lock().expect("nobody panicked").watches.len();
        assert_eq!(watches(), 3, "the root, a and b");
        fs::remove_dir_all(followed.place.path().join("a")).expect("it can be removed");
        followed.generation_at(10).expect("it can be told");
        assert_eq!(watches(), 1);
    }

    #[test]
    fn a_way_that_is_none_is_not_followed() {
        let followed = Followed::new();
        for path in ["c/file", "a/b/file/name", "beside/name"] {
            assert_eq!(followed.changes.follow(followed.root.as_fd(), path.as_bytes()), None, "{path}");
        }
    }

    #[test]
    fn folders_that_were_moved_away_are_given_up() {
        let followed = Followed::new();
        let root = followed.place.path();
        let away = tempfile::tempdir_in(root.parent().expect("it is in a folder")).expect("a folder");
        let path = |number: usize| format!("deployed/{number}/file");
        let deploy = || {
            for number in 0..MOST_FOLDERS / 2 {
                fs::create_dir_all(root.join(path(number)).parent().expect("a folder")).expect("folders");
            }
        };
        let follow = |number| followed.changes.follow(followed.root.as_fd(), path(number).as_bytes());
        for release in 0..3 {
            deploy();
            followed.generation_at(release * 100 + 10).expect("it can be told");
            for number in 0..MOST_FOLDERS / 2 {
                follow(number);
            }
            fs::rename(root.join("deployed"), away.path().join(release.to_string()))
                .expect("it can be moved");
        }
        let watches = followed.changes.watched.lock().expect("nobody panicked").watches.len();
        assert!(watches < MOST_FOLDERS, "{watches}");
        deploy();
        followed.generation_at(1000).expect("it can be told");
        assert!(follow(0).is_some());
    }

    #[test]
    fn what_is_too_much_to_be_read_is_a_change_and_no_more() {
        let followed = Followed::new();
        let file = followed.place.path().join(FILE);
        let other = followed.place.path().join("a/b/other");
        for _ in 0..MOST_EVENTS {
            fs::write(&file, "x").and_then(|()| fs::write(&other, "y")).expect("files");
        }
        let told = followed.generation_at(10).expect("it can be told");
        assert_ne!(told, followed.since);
        assert_eq!(followed.generation_at(20), Some(told));
        let since = followed.changes.follow(followed.root.as_fd(), FILE.as_bytes());
        fs::write(&file, "z").expect("a file");
        assert_ne!(followed.generation_at(30), since);
    }
}
