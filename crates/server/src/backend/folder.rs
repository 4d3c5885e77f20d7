//! A folder of the file system as the source of files.
//!
//! A file is opened first, beneath the root's descriptor, and then only its descriptor is looked at: length, validators
//! and bytes belong to one file whatever happens to the path meanwhile. Containment is the kernel's
//! (`openat2(2)`, `RESOLVE_BENEATH`), not a comparison of strings.

use std::io::IoSliceMut;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, ResolveFlags, Stat, Statx, StatxFlags, StatxTimestamp, fstat, fstatfs,
    makedev, openat2, statx,
};
use rustix::io::{Errno, ReadWriteFlags, preadv2};
use tallyd_http::validator::{self, Timestamp};

use super::changes::{Changes, Generation};
use super::withheld::Withheld;
use crate::clock::Moment;

/// How far links are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Links {
    /// Within the root: one that leaves it, or is absolute, leads to nothing.
    Beneath,
    /// Wherever they lead.
    Anywhere,
}

impl Links {
    /// The same in the kernel's words (openat2(2)). The links in `/proc` that are no paths are never followed: they would
    /// lead to what this process has open.
    fn resolve_flags(self) -> ResolveFlags {
        match self {
            Links::Beneath => ResolveFlags::BENEATH.union(ResolveFlags::NO_MAGICLINKS),
            Links::Anywhere => ResolveFlags::NO_MAGICLINKS,
        }
    }
}

/// File systems on which nothing happens that this kernel does not know of (statfs(2), `f_type`): ext2 to ext4, XFS, Btrfs, F2FS,
/// ZFS and tmpfs.
const LOCAL_FILE_SYSTEMS: [u32; 6] =
    [0xEF53, 0x5846_5342, 0x9123_683E, 0xF2F5_2010, 0x2FC1_2FC1, 0x0102_1994];

/// The root of a site.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(super) root: OwnedFd,
    identity: Identity,
    /// Where the kernel tells of them.
    changes: Option<Changes>,
    /// How every path is resolved.
    pub(super) resolve: ResolveFlags,
    /// Files that are not served, although they may be beneath the root.
    pub(super) withheld: Arc<Withheld>,
}

/// What tells one file or folder from every other that is there at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
}

/// The identity of what a path leads to now; one system call (stat(2)).
pub(crate) fn identity_at(path: &Path) -> rustix::io::Result<Identity> {
    rustix::fs::stat(path).map(|stat| Identity::of_stat(&stat))
}

impl Identity {
    fn of_stat(stat: &Stat) -> Identity {
        Identity { device: stat.st_dev, inode: stat.st_ino }
    }

    /// From what was asked for with `StatxFlags::INO`.
    pub(super) fn of_statx(statx: &Statx) -> Identity {
        Identity { device: makedev(statx.stx_dev_major, statx.stx_dev_minor), inode: statx.stx_ino }
    }

    /// The number on its device.
    pub(super) fn inode(self) -> u64 {
        self.inode
    }
}

/// What a path leads to.
#[derive(Debug)]
pub(crate) enum Found {
    /// A regular file, open for reading.
    File(OpenFile),
    /// A directory.
    Directory,
}

/// An open regular file with what its descriptor said of it.
#[derive(Debug)]
pub(crate) struct OpenFile {
    pub(crate) descriptor: OwnedFd,
    pub(crate) version: FileVersion,
}

/// What tells one version of a file from another, read in one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FileVersion {
    /// What entity tags are made from.
    pub(crate) content: validator::FileVersion,
    /// Last change of content or metadata.
    changed: Timestamp,
    device: (u32, u32),
}

/// Whether a call may wait for a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Answer from the kernel's caches or not at all: other clients share this thread.
    CachedOnly,
    /// This thread may block.
    MayBlock,
}

/// Why a file cannot be had, as fine as callers branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// There is no such file, or nothing that is served: a device, a FIFO, a way out of the root, the server's own.
    Missing,
    /// The file is there, and this process may not read it.
    Denied,
    /// Descriptors or memory are short; it may work later.
    Busy,
    /// The file system failed.
    Broken,
    /// Only with `Patience::CachedOnly`: the answer is not in the kernel's caches.
    Cold,
}

impl Folder {
    /// A folder with an open directory as its root. Fails where the kernel lacks what containment rests on: `openat2`
    /// with `RESOLVE_CACHED` came with Linux 5.12.
    pub(crate) fn new(root: OwnedFd, links: Links) -> rustix::io::Result<Folder> {
        let (flags, resolve) = (OFlags::PATH | OFlags::CLOEXEC, links.resolve_flags());
        match openat2(&root, ".", flags, Mode::empty(), resolve.union(ResolveFlags::CACHED)) {
            Ok(_) | Err(Errno::AGAIN) => {
                let identity = Identity::of_stat(&fstat(&root)?);
                let changes = if is_local(&root) { Changes::new().ok() } else { None };
                Ok(Folder { root, identity, changes, resolve, withheld: Arc::default() })
            }
            Err(error) => Err(error),
        }
    }

    /// The same folder without these files.
    pub(crate) fn without(self, withheld: Arc<Withheld>) -> Folder {
        Folder { withheld, ..self }
    }

    /// Of the root.
    pub(crate) fn identity(&self) -> Identity {
        self.identity
    }

    /// Opens what `relative`, a path without a leading `/`, leads to beneath the root.
    pub(crate) fn open(&self, relative: &[u8], patience: Patience) -> Result<Found, Failure> {
        // A FIFO or device is opened without waiting, recognised by its descriptor, and closed.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let resolve = match patience {
            Patience::CachedOnly => self.resolve.union(ResolveFlags::CACHED),
            Patience::MayBlock => self.resolve,
        };
        if self.withheld.were_met() {
            self.look_along(relative, resolve).map_err(|error| failure_of(error, patience))?;
        }
        let descriptor = openat2(&self.root, or_root(relative), flags, Mode::empty(), resolve)
            .map_err(|error| failure_of(error, patience))?;
        let stat = fstat(&descriptor).map_err(|error| failure_of(error, patience))?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile if self.withheld.holds(Identity::of_stat(&stat)) => {
                self.withheld.keep_open(descriptor);
                Err(Failure::Missing)
            }
            FileType::RegularFile => {
                Ok(Found::File(OpenFile { descriptor, version: FileVersion::of_stat(&stat) }))
            }
            FileType::Directory => Ok(Found::Directory),
            FileType::Symlink
            | FileType::Fifo
            | FileType::Socket
            | FileType::CharacterDevice
            | FileType::BlockDevice
            | FileType::Unknown => Err(Failure::Missing),
        }
    }

    /// Fails if `relative` leads to a file that is withheld, or nowhere, without opening what it leads to.
    fn look_along(&self, relative: &[u8], resolve: ResolveFlags) -> rustix::io::Result<()> {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let seen = openat2(&self.root, or_root(relative), flags, Mode::empty(), resolve)?;
        if self.withheld.holds(Identity::of_stat(&fstat(&seen)?)) { Err(Errno::NOENT) } else { Ok(()) }
    }

    /// The version of the file that `relative` leads to beneath the root, if it is served and the kernel's caches know.
    pub(crate) fn version_beneath(&self, relative: &[u8]) -> Option<FileVersion> {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let resolve = self.resolve.union(ResolveFlags::CACHED);
        let descriptor = openat2(&self.root, relative, flags, Mode::empty(), resolve).ok()?;
        let stat = fstat(&descriptor).ok()?;
        (!self.withheld.holds(Identity::of_stat(&stat))).then(|| FileVersion::of_stat(&stat))
    }

    /// The same, and the generation of changes in which the file stays as it is, where the kernel tells of every change to it
    /// but those through a mapping, or another name that it is given.
    pub(crate) fn follow(&self, relative: &[u8]) -> Option<(FileVersion, Option<Generation>)> {
        let unfollowed = || self.version_beneath(relative).map(|version| (version, None));
        let Some(since) =
            self.changes.as_ref().and_then(|changes| changes.follow(self.root.as_fd(), relative))
        else {
            return unfollowed();
        };
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let resolve = self.resolve.union(ResolveFlags::CACHED).union(ResolveFlags::NO_SYMLINKS);
        let Ok(descriptor) = openat2(&self.root, relative, flags, Mode::empty(), resolve) else {
            return unfollowed();
        };
        let stat = fstat(&descriptor).ok()?;
        let identity = Identity::of_stat(&stat);
        if self.withheld.holds(identity) {
            return None;
        }
        // What has another name may be changed by that, and on another file system by another machine.
        let is_told = stat.st_nlink == 1 && identity.device == self.identity.device;
        Some((FileVersion::of_stat(&stat), is_told.then_some(since)))
    }

    /// The generation of changes at `now`, if the kernel tells of them.
    pub(crate) fn generation(&self, now: Moment) -> Option<Generation> {
        self.changes.as_ref().and_then(|changes| changes.generation(now))
    }

    /// The version of the file that `relative` leads to now; one system call (statx(2)).
    ///
    /// It follows links out of the root, so it only ever serves to compare with a version that `open` has seen.
    pub(crate) fn version_now(&self, relative: &[u8]) -> Option<FileVersion> {
        let wanted = StatxFlags::SIZE | StatxFlags::MTIME | StatxFlags::CTIME | StatxFlags::INO;
        statx(&self.root, relative, AtFlags::empty(), wanted).ok().map(|statx| FileVersion::of_statx(&statx))
    }
}

impl FileVersion {
    fn of_stat(stat: &Stat) -> FileVersion {
        let timestamp = |seconds, nanoseconds| Timestamp { seconds, nanoseconds };
        FileVersion {
            content: validator::FileVersion {
                complete_length: stat.st_size.unsigned_abs(),
                modified: timestamp(stat.st_mtime, stat.st_mtime_nsec as u32),
                inode: stat.st_ino,
            },
            changed: timestamp(stat.st_ctime, stat.st_ctime_nsec as u32),
            device: (rustix::fs::major(stat.st_dev), rustix::fs::minor(stat.st_dev)),
        }
    }

    fn of_statx(statx: &Statx) -> FileVersion {
        let timestamp = |time: StatxTimestamp| Timestamp { seconds: time.tv_sec, nanoseconds: time.tv_nsec };
        FileVersion {
            content: validator::FileVersion {
                complete_length: statx.stx_size,
                modified: timestamp(statx.stx_mtime),
                inode: statx.stx_ino,
            },
            changed: timestamp(statx.stx_ctime),
            device: (statx.stx_dev_major, statx.stx_dev_minor),
        }
    }

    /// Whether another change is certain to be told from this version; a modification time can be set back, so the
    /// last change counts as well.
    pub(crate) fn is_settled(&self, now: Timestamp) -> bool {
        let changed = validator::FileVersion { modified: self.changed, ..self.content };
        self.content.is_settled(now) && changed.is_settled(now)
    }
}

impl OpenFile {
    /// Reads the whole content of a small file; see [`read_whole`].
    pub(crate) fn read_whole(&self, patience: Patience) -> Result<Option<Vec<u8>>, Failure> {
        read_whole(&self.descriptor, &self.version, patience)
    }
}

/// The version that an open file is of now.
pub(crate) fn version_of(file: impl AsFd) -> Option<FileVersion> {
    fstat(file).ok().map(|stat| FileVersion::of_stat(&stat))
}

/// Reads the whole content of a file that was of this version when it was opened.
///
/// `Ok(None)` means that the file does not hold still: it was truncated or changed while it was read, or before.
pub(crate) fn read_whole(
    file: impl AsFd,
    version: &FileVersion,
    patience: Patience,
) -> Result<Option<Vec<u8>>, Failure> {
    let length = usize::try_from(version.content.complete_length).map_err(|_| Failure::Broken)?;
    let mut content = vec![0; length];
    let mut at = 0;
    while at < length {
        match read_at(&file, &mut content[at..], at as u64, patience)? {
            0 => return Ok(None),
            taken => at += taken,
        }
    }
    let after = fstat(&file).map_err(|error| failure_of(error, patience))?;
    Ok((FileVersion::of_stat(&after) == *version).then_some(content))
}

/// Reads at an offset; with `Patience::CachedOnly` from the page cache alone (preadv2(2), `RWF_NOWAIT`).
pub(crate) fn read_at(
    file: impl AsFd,
    into: &mut [u8],
    offset: u64,
    patience: Patience,
) -> Result<usize, Failure> {
    let flags = match patience {
        Patience::CachedOnly => ReadWriteFlags::NOWAIT,
        Patience::MayBlock => ReadWriteFlags::empty(),
    };
    loop {
        match preadv2(&file, &mut [IoSliceMut::new(into)], offset, flags) {
            Ok(taken) => return Ok(taken),
            Err(Errno::INTR) => {}
            // Not every file system can say what is cached; a blocking thread can always read.
            Err(Errno::OPNOTSUPP) if patience == Patience::CachedOnly => return Err(Failure::Cold),
            Err(error) => return Err(failure_of(error, patience)),
        }
    }
}

fn is_local(root: &OwnedFd) -> bool {
    let kind = fstatfs(root).map(|system| u32::try_from(system.f_type));
    matches!(kind, Ok(Ok(kind)) if LOCAL_FILE_SYSTEMS.contains(&kind))
}

/// What openat2(2) takes for a path beneath the root: it knows no empty one.
pub(super) fn or_root(relative: &[u8]) -> &[u8] {
    if relative.is_empty() { b"." } else { relative }
}

/// The one place that sorts what the operating system says of files.
pub(super) fn failure_of(error: Errno, patience: Patience) -> Failure {
    match error {
        Errno::AGAIN if patience == Patience::CachedOnly => Failure::Cold,
        Errno::NOENT
        | Errno::NOTDIR
        | Errno::LOOP
        | Errno::XDEV
        | Errno::NAMETOOLONG
        | Errno::NXIO
        | Errno::NODEV
        | Errno::INVAL => Failure::Missing,
        Errno::ACCESS | Errno::PERM => Failure::Denied,
        Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::AGAIN | Errno::INTR => Failure::Busy,
        _ => Failure::Broken,
    }
}
