//! Where a ledger is, and the lock that lets only one server own it.

use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::{fmt, io};

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

/// Where a ledger keeps its figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In this SQLite file. Beside it lie its `-wal`, `-shm` and `-lock`.
    File(PathBuf),
    /// In memory, until the process ends. Every file that is counted costs some 150 bytes.
    Memory,
}

/// A place that every connection of this process finds again.
#[derive(Clone, Debug)]
pub(crate) enum Location {
    File(PathBuf),
    /// The name of a database in SQLite's `memdb`.
    Memory(String),
}

impl Location {
    /// The file, or, for messages that cannot occur, what stands for it.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::File(path) => path,
            Self::Memory(name) => Path::new(name),
        }
    }
}

impl From<&Place> for Location {
    fn from(place: &Place) -> Self {
        // No two ledgers of one process share their memory.
        static NEXT: AtomicU64 = AtomicU64::new(1);
        match place {
            Place::File(path) => Self::File(path.clone()),
            Place::Memory => {
                Self::Memory(format!("file:/tallyd-{}?vfs=memdb", NEXT.fetch_add(1, Ordering::Relaxed)))
            }
        }
    }
}

/// Why a ledger cannot be opened. Nothing was changed.
#[derive(Debug)]
pub enum OpenError {
    /// The file is there, but it is not a ledger of tallyd.
    NotALedger(PathBuf),
    /// A newer version of tallyd wrote it.
    Newer {
        /// The ledger.
        path: PathBuf,
        /// Its version.
        version: i32,
        /// The newest version that is understood here.
        understood: i32,
    },
    /// Another server owns it; its process id, if it could be read.
    Owned(PathBuf, Option<u32>),
    /// It has more than one name (hard links).
    Linked(PathBuf),
    /// Another program holds a database lock on it.
    Locked(PathBuf),
    /// The file or its folder cannot be written.
    ReadOnly(PathBuf),
    /// The file system cannot lock files or share memory, as some network file systems.
    NoLocking(PathBuf),
    /// It is damaged, and could not be moved out of the way.
    Corrupt(PathBuf, String),
    /// It cannot be created or opened, in the system's words.
    Unusable(PathBuf, String),
}

impl fmt::Display for OpenError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotALedger(path) => {
                write!(formatter, "{} is not a ledger of tallyd; name another file", path.display())
            }
            Self::Newer { path, version, understood } => write!(
                formatter,
                "the ledger {} has version {version}, and this tallyd understands up to {understood}; \
                 use the newer tallyd",
                path.display()
            ),
            Self::Owned(path, process) => {
                let owner = process.map_or(String::new(), |id| format!(" (process {id})"));
                write!(
                    formatter,
                    "another server{owner} owns the ledger {}; stop it or name another file",
                    path.display()
                )
            }
            Self::Locked(path) => {
                write!(formatter, "another program holds a lock on the ledger {}; close it", path.display())
            }
            Self::Linked(path) => write!(
                formatter,
                "the ledger {} has another name, a hard link, and its log only one; remove the other name",
                path.display()
            ),
            Self::ReadOnly(path) => {
                write!(
                    formatter,
                    "the ledger {} cannot be written; name a file in a writable folder",
                    path.display()
                )
            }
            Self::NoLocking(path) => write!(
                formatter,
                "the file system of the ledger {} cannot lock files; name a file on a local disk",
                path.display()
            ),
            Self::Corrupt(path, detail) => write!(
                formatter,
                "the ledger {} is damaged and could not be moved out of the way ({detail}); move it",
                path.display()
            ),
            Self::Unusable(path, detail) => {
                write!(
                    formatter,
                    "the ledger {} cannot be opened ({detail}); name another file",
                    path.display()
                )
            }
        }
    }
}

impl std::error::Error for OpenError {}

impl OpenError {
    pub(crate) fn from_io(path: &Path, error: &io::Error) -> Self {
        let path = path.to_owned();
        match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly(path),
            _ => Self::Unusable(path, error.to_string()),
        }
    }
}

/// `path` with `suffix` added to its name, as SQLite names the files beside its own.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Which file it is, whatever it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
}

impl From<Metadata> for Identity {
    fn from(metadata: Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}

impl Identity {
    /// What has this name now; `None` if nothing has, or if that cannot be told.
    pub(crate) fn at(path: &Path) -> Option<Self> {
        fs::symlink_metadata(path).ok().map(Self::from)
    }
}

/// A file, locked until it is dropped or the process ends, however it ends.
#[derive(Debug)]
struct Lock {
    file: File,
    identity: Identity,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // To close the file is not enough while a process that was just forked still shares it (flock(2)). If
        // this fails the lock goes with the process.
        let _ = self.file.unlock();
    }
}

impl Lock {
    fn of(mut file: File, path: &Path) -> Result<Self, OpenError> {
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenError::Owned(path.to_owned(), owner(&mut file))),
            Err(TryLockError::Error(_)) => return Err(OpenError::NoLocking(path.to_owned())),
        }
        let identity = file.metadata().map_err(|error| OpenError::from_io(path, &error))?.into();
        Ok(Self { file, identity })
    }
}

/// The owner's lock on a ledger's name: a file beside it, that tells who the owner is.
///
/// The file stays, because to remove it would race with the next owner.
#[derive(Debug)]
pub(crate) struct NameLock(Lock);

impl NameLock {
    /// Locks the name of the ledger at `path`, or tells who did.
    pub(crate) fn acquire(path: &Path) -> Result<Self, OpenError> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(beside(path, "-lock"))
            .map_err(|error| OpenError::from_io(path, &error))?;
        let mut lock = Lock::of(file, path)?;
        // The id is only a courtesy to the person who reads the refusal; on a full disk it may be missing.
        let _ = lock.file.set_len(0).and_then(|()| write!(lock.file, "{}", std::process::id()));
        Ok(Self(lock))
    }

    /// Whether the file that is locked still lies beside the ledger at `path`.
    pub(crate) fn is_beside(&self, path: &Path) -> bool {
        Identity::at(&beside(path, "-lock")) == Some(self.0.identity)
    }
}

/// The owner's lock on the ledger's own file, so that nobody else owns it by another name.
///
/// It is of the other kind than SQLite's own locks (flock(2) against fcntl(2)), so that readers need not know of it. As
/// to close any descriptor of a file takes that file's fcntl(2) locks from the process, it must outlive the connections.
#[derive(Debug)]
pub(crate) struct FileLock(Lock);

/// What `stat` counts in, in bytes (inode(7)).
const BLOCK_BYTES: u64 = 512;

impl FileLock {
    /// Locks the file at `path`.
    pub(crate) fn acquire(path: &Path) -> Result<Self, OpenError> {
        let file = OpenOptions::new().read(true).write(true).open(path);
        let file = file.map_err(|error| OpenError::from_io(path, &error))?;
        // The file is the database: there is no owner's id in it.
        Lock::of(file, path).map(Self).map_err(|refusal| match refusal {
            OpenError::Owned(path, _) => OpenError::Owned(path, None),
            other => other,
        })
    }

    /// Whether the file that is locked still has this name.
    pub(crate) fn is_at(&self, path: &Path) -> bool {
        Identity::at(path) == Some(self.0.identity)
    }

    /// Has the disk keep room for a file of so many bytes, without a change to its length or content; fails if there is none.
    /// Where a file system cannot say (fallocate(2)), nothing is kept.
    ///
    /// What is kept is looked at each time: SQLite gives back what is behind the end of its file when all of the log is moved.
    pub(crate) fn reserve(&self, length: u64) -> io::Result<()> {
        let file = &self.0.file;
        if file.metadata()?.blocks() * BLOCK_BYTES >= length {
            return Ok(());
        }
        match fallocate(file, FallocateFlags::KEEP_SIZE, 0, length) {
            Err(error @ (Errno::NOSPC | Errno::DQUOT)) => Err(error.into()),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

fn owner(lock: &mut File) -> Option<u32> {
    let mut text = String::new();
    lock.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: io::ErrorKind, expect: &str) {
        let error = OpenError::from_io(Path::new("/x/ledger"), &io::Error::from(kind));
        assert!(error.to_string().contains(expect), "{error}");
    }

    #[test]
    fn failures_of_the_file_system_are_told_apart() {
        check(io::ErrorKind::PermissionDenied, "cannot be written");
        check(io::ErrorKind::ReadOnlyFilesystem, "cannot be written");
        check(io::ErrorKind::NotADirectory, "cannot be opened (not a directory)");
    }

    #[test]
    fn the_lock_has_one_owner_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger");
        let lock = NameLock::acquire(&path).unwrap();
        let refusal = NameLock::acquire(&path).unwrap_err();
        assert!(matches!(&refusal, OpenError::Owned(_, Some(id)) if *id == std::process::id()), "{refusal}");
        drop(lock);
        NameLock::acquire(&path).unwrap();
    }

    #[test]
    fn a_file_has_one_owner_whatever_it_is_called() {
        let folder = tempfile::tempdir().unwrap();
        let (path, moved) = (folder.path().join("ledger"), folder.path().join("moved"));
        fs::write(&path, "1").unwrap();
        let lock = FileLock::acquire(&path).unwrap();
        assert!(lock.is_at(&path));
        fs::rename(&path, &moved).unwrap();
        assert!(!lock.is_at(&path) && lock.is_at(&moved));
        assert!(matches!(FileLock::acquire(&moved), Err(OpenError::Owned(_, None))));
        fs::write(&path, "1").unwrap();
        assert!(!lock.is_at(&path));
        FileLock::acquire(&path).unwrap();
        drop(lock);
        FileLock::acquire(&moved).unwrap();
    }
}
