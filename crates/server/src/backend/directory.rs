//! What is in a directory beneath the root: names, and what each leads to.
//!
//! Every call may wait for a disk. A link counts as what it leads to, if links are followed that far; otherwise,
//! like a device or a FIFO, it is not there. Nothing is sorted or left out for its name: that is the listing's.

use std::ops::ControlFlow;
use std::os::fd::OwnedFd;

use rustix::ffi::CStr;
use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, RawDir, SeekFrom, Statx, StatxFlags, openat2, seek, statx,
};
use tallyd_http::validator::Timestamp;

use super::folder::{Failure, Folder, Identity, Patience, failure_of, or_root};

/// How many bytes of entries one getdents64(2) returns at most: about 2,000 entries for each system call.
const ENTRIES_BYTES: usize = 64 * 1024;

/// An open directory.
#[derive(Debug)]
pub(crate) struct Directory<'f> {
    folder: &'f Folder,
    /// From the root, empty or with its final slash.
    relative: &'f [u8],
    descriptor: OwnedFd,
}

/// What kinds of entries are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
}

/// What an entry leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) kind: EntryKind,
    /// In bytes; without a meaning for a directory.
    pub(crate) length: u64,
    /// Last modification.
    pub(crate) modified: Timestamp,
}

/// What the directory itself says of the kind of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hint {
    /// This kind.
    Kind(EntryKind),
    /// It is a link, or may be a file that is not served, or the file system keeps kinds elsewhere: only a look at it
    /// tells.
    LookCloser,
}

impl Folder {
    /// Opens the directory at `relative`, a path without a leading `/` and with a final one unless it is empty.
    pub(crate) fn open_directory<'f>(&'f self, relative: &'f [u8]) -> Result<Directory<'f>, Failure> {
        debug_assert!(relative.is_empty() || relative.ends_with(b"/"));
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let descriptor = openat2(&self.root, or_root(relative), flags, Mode::empty(), self.resolve)
            .map_err(|error| failure_of(error, Patience::MayBlock))?;
        Ok(Directory { folder: self, relative, descriptor })
    }
}

impl Directory<'_> {
    /// Shows each entry that may be a file or a directory to `visit`, in no order, until it breaks off.
    pub(crate) fn visit(&self, mut visit: impl FnMut(&CStr, Hint) -> ControlFlow<()>) -> Result<(), Failure> {
        // The position belongs to the descriptor, and an earlier visit left it where it ended.
        seek(&self.descriptor, SeekFrom::Start(0)).map_err(|error| failure_of(error, Patience::MayBlock))?;
        let mut buffer = Vec::with_capacity(ENTRIES_BYTES);
        let mut entries = RawDir::new(&self.descriptor, buffer.spare_capacity_mut());
        let withheld = self.folder.withheld.found();
        while let Some(entry) = entries.next() {
            let entry = entry.map_err(|error| failure_of(error, Patience::MayBlock))?;
            if matches!(entry.file_name().to_bytes(), b"." | b"..") {
                continue;
            }
            let hint = match entry.file_type() {
                FileType::RegularFile if withheld.iter().any(|file| file.inode() == entry.ino()) => {
                    Hint::LookCloser
                }
                FileType::RegularFile => Hint::Kind(EntryKind::File),
                FileType::Directory => Hint::Kind(EntryKind::Directory),
                FileType::Symlink | FileType::Unknown => Hint::LookCloser,
                FileType::Fifo | FileType::Socket | FileType::CharacterDevice | FileType::BlockDevice => {
                    continue;
                }
            };
            if visit(entry.file_name(), hint).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// What an entry of this directory leads to, by one system call unless it is a link. Nothing if it is gone, may not
    /// be looked at, or is nothing that is served.
    pub(crate) fn look(&self, name: &CStr) -> Option<Facts> {
        let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
        let statx = statx(&self.descriptor, name, flags, Facts::WANTED).ok()?;
        match FileType::from_raw_mode(statx.stx_mode.into()) {
            FileType::Symlink => self.look_through(name),
            FileType::RegularFile
            | FileType::Directory
            | FileType::Fifo
            | FileType::Socket
            | FileType::CharacterDevice
            | FileType::BlockDevice
            | FileType::Unknown => self.facts(&statx),
        }
    }

    /// What a link leads to, resolved from the root, so that it may climb as far as that.
    fn look_through(&self, name: &CStr) -> Option<Facts> {
        let path = [self.relative, name.to_bytes()].concat();
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let target = openat2(&self.folder.root, path, flags, Mode::empty(), self.folder.resolve).ok()?;
        statx(&target, c"", AtFlags::EMPTY_PATH, Facts::WANTED).ok().and_then(|statx| self.facts(&statx))
    }

    /// What is shown of it, unless it is a file that is not served.
    fn facts(&self, statx: &Statx) -> Option<Facts> {
        Facts::of_statx(statx).filter(|_| !self.folder.withheld.holds(Identity::of_statx(statx)))
    }
}

impl Facts {
    const WANTED: StatxFlags =
        StatxFlags::TYPE.union(StatxFlags::SIZE).union(StatxFlags::MTIME).union(StatxFlags::INO);

    fn of_statx(statx: &Statx) -> Option<Facts> {
        let kind = match FileType::from_raw_mode(statx.stx_mode.into()) {
            FileType::RegularFile => EntryKind::File,
            FileType::Directory => EntryKind::Directory,
            FileType::Symlink
            | FileType::Fifo
            | FileType::Socket
            | FileType::CharacterDevice
            | FileType::BlockDevice
            | FileType::Unknown => return None,
        };
        let modified = Timestamp { seconds: statx.stx_mtime.tv_sec, nanoseconds: statx.stx_mtime.tv_nsec };
        Some(Facts { kind, length: statx.stx_size, modified })
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;
    use std::path::Path;

    use rustix::fs::{CWD, mkfifoat};

    use super::*;
    use crate::backend::folder::Links;

    /// Every entry of a directory with what it leads to, sorted, each with its kind's letter and its length.
    fn entries(root: &Path, links: Links, relative: &str) -> Result<Vec<String>, Failure> {
        let folder = Folder::new(File::open(root).expect("the root exists").into(), links)
            .expect("the kernel guards it");
        let directory = folder.open_directory(relative.as_bytes())?;
        let mut seen = Vec::new();
        directory.visit(|name, hint| {
            let facts = directory.look(name);
            if let (Hint::Kind(kind), Some(facts)) = (hint, facts) {
                assert_eq!(kind, facts.kind, "{name:?}");
            }
            let what = match facts {
                Some(Facts { kind: EntryKind::File, length, .. }) => format!("file {length}"),
                Some(Facts { kind: EntryKind::Directory, .. }) => "directory".to_owned(),
                None => "nothing".to_owned(),
            };
            seen.push(format!("{}: {what}", name.to_bytes().escape_ascii()));
            ControlFlow::Continue(())
        })?;
        seen.sort();
        Ok(seen)
    }

    #[test]
    fn entries_are_what_they_lead_to_beneath_the_root() {
        let place = tempfile::tempdir().expect("a folder for the test");
        let root = place.path().join("root");
        fs::create_dir_all(root.join("sub/inner")).expect("folders");
        fs::write(place.path().join("outside"), "secret").expect("a file");
        fs::write(root.join("top"), "12345").expect("a file");
        fs::write(root.join("sub/.dot"), "1").expect("a file");
        for (target, link) in [
            ("inner", "to-inner"),
            ("../top", "to-top"),
            ("to-top", "to-link"),
            ("..", "to-parent"),
            ("../../outside", "out"),
            ("/etc/passwd", "absolute"),
            ("missing", "dangling"),
            ("loop", "loop"),
            ("/proc/self/root", "magic"),
        ] {
            symlink(target, root.join("sub").join(link)).expect("a link");
        }
        mkfifoat(CWD, root.join("sub/fifo"), Mode::RUSR).expect("a FIFO");
        let _socket = UnixListener::bind(root.join("sub/socket")).expect("a socket");

        assert_eq!(
            entries(&root, Links::Beneath, ""),
            Ok(vec!["sub: directory".into(), "top: file 5".into()])
        );
        let expect = [
            ".dot: file 1",
            "absolute: nothing",
            "dangling: nothing",
            "inner: directory",
            "loop: nothing",
            "magic: nothing",
            "out: nothing",
            "to-inner: directory",
            "to-link: file 5",
            "to-parent: directory",
            "to-top: file 5",
        ];
        assert_eq!(entries(&root, Links::Beneath, "sub/").expect("it is a directory"), expect);
        assert_eq!(entries(&root, Links::Beneath, "sub/to-inner/"), Ok(Vec::new()));
        assert_eq!(entries(&root, Links::Beneath, "top/"), Err(Failure::Missing));
        assert_eq!(entries(&root, Links::Beneath, "sub/out/"), Err(Failure::Missing));
        assert_eq!(entries(&root, Links::Beneath, "missing/"), Err(Failure::Missing));

        // Followed wherever they lead, links are still not what /proc makes of open descriptors.
        let followed = entries(&root, Links::Anywhere, "sub/").expect("it is a directory");
        let leads_out = |name: &str| followed.iter().find(|entry| entry.starts_with(name)).cloned();
        assert_eq!(leads_out("out:"), Some("out: file 6".into()));
        assert_eq!(leads_out("magic:"), Some("magic: nothing".into()));
        assert_eq!(leads_out("dangling:"), Some("dangling: nothing".into()));
    }

    #[test]
    fn a_visit_can_be_broken_off() {
        let root = tempfile::tempdir().expect("a folder for the test");
        for name in ["a", "b", "c"] {
            fs::write(root.path().join(name), "").expect("a file");
        }
        let folder = Folder::new(File::open(root.path()).expect("the root exists").into(), Links::Beneath)
            .expect("the kernel guards it");
        let mut visited = 0;
        let visit = |_: &CStr, _| {
            visited += 1;
            if visited == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        folder.open_directory(b"").and_then(|directory| directory.visit(visit)).expect("it is readable");
        assert_eq!(visited, 2);
    }
}
