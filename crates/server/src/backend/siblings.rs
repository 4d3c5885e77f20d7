//! Precompressed siblings: files beside a file with its name and the extension of a coding, made by its publisher.
//!
//! One is used if it is a regular file beneath the root that is not older than the original. What was seen in the three
//! places is kept, so that a later look tells whether anything has changed there. What is chosen for a client is not
//! decided here.

use tallyd_http::content_coding::{ContentCoding, PREFERENCE};
use tallyd_http::target::SitePath;
use tallyd_http::validator::Timestamp;

use super::folder::{Failure, FileVersion, Folder, Found, OpenFile, Patience};

/// Whether siblings are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Precompressed {
    /// And served to clients that take their coding.
    Served,
    /// They are files like any others.
    Ignored,
}

/// A sibling that can be served in place of the original.
#[derive(Debug)]
pub(crate) struct Sibling {
    pub(crate) coding: ContentCoding,
    pub(crate) file: OpenFile,
}

/// What was seen beside a file.
#[derive(Debug)]
pub(crate) struct Surroundings {
    /// Where siblings can be, in the order of [`PREFERENCE`]; nothing if nobody looked.
    places: Option<[Place; PREFERENCE.len()]>,
    /// Where no file was that would be shown before this one: index files that come earlier.
    preferred: Vec<SitePath<'static>>,
}

/// One place where a sibling can be.
#[derive(Debug)]
enum Place {
    /// There is nothing that could be looked at.
    Empty,
    /// Something that cannot be used: an older file, a directory, a link out of the root.
    Unusable(Box<FileVersion>),
    /// This version of a sibling was opened.
    Sibling(Box<FileVersion>),
}

/// How closely a place is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// Only at the siblings that are used: one system call each, none for most files.
    AtSiblings,
    /// The same, but the way to each is walked under the kernel's guard, and what comes before the file is looked for.
    AlongTheWay,
    /// At all places, also those where nothing was.
    Everywhere,
}

impl Surroundings {
    /// Of a file that has no siblings by decision.
    pub(crate) const UNSEEN: Surroundings = Surroundings { places: None, preferred: Vec::new() };

    /// Looks for the siblings of a file of this version. Fails only for `Failure::Cold`: a sibling that cannot be had for
    /// any other reason must not keep its original from being served.
    pub(crate) fn explore(
        folder: &Folder,
        path: &SitePath<'_>,
        original: &FileVersion,
        patience: Patience,
    ) -> Result<(Surroundings, Vec<Sibling>), Failure> {
        let mut siblings = Vec::new();
        let mut places = [const { Place::Empty }; PREFERENCE.len()];
        for (coding, place) in PREFERENCE.into_iter().zip(&mut places) {
            let name = name_of(path, coding);
            match folder.open(&name, patience) {
                Ok(Found::File(file)) if is_not_older(&file.version, original) => {
                    *place = Place::Sibling(Box::new(file.version));
                    siblings.push(Sibling { coding, file });
                }
                Err(Failure::Cold) => return Err(Failure::Cold),
                Ok(Found::File(_) | Found::Directory)
                | Err(Failure::Missing | Failure::Denied | Failure::Busy | Failure::Broken) => {
                    if let Some(version) = folder.version_now(&name) {
                        *place = Place::Unusable(Box::new(version));
                    }
                }
            }
        }
        Ok((Surroundings { places: Some(places), preferred: Vec::new() }, siblings))
    }

    /// The same of a file that is shown because there is none at these paths.
    pub(crate) fn without(self, preferred: Vec<SitePath<'static>>) -> Surroundings {
        Surroundings { preferred, ..self }
    }

    /// Whether the places beside a file are as they were.
    pub(super) fn are_unchanged(&self, folder: &Folder, path: &SitePath<'_>, look: Look) -> bool {
        let is_first = match look {
            Look::AtSiblings => true,
            Look::AlongTheWay | Look::Everywhere => {
                self.preferred.iter().all(|path| folder.version_now(path.relative()).is_none())
            }
        };
        is_first && self.are_siblings_unchanged(folder, path, look)
    }

    fn are_siblings_unchanged(&self, folder: &Folder, path: &SitePath<'_>, look: Look) -> bool {
        let Some(places) = &self.places else { return true };
        PREFERENCE.into_iter().zip(places).all(|(coding, place)| match (place, look) {
            (Place::Empty | Place::Unusable(_), Look::AtSiblings | Look::AlongTheWay) => true,
            (Place::Empty, Look::Everywhere) => folder.version_now(&name_of(path, coding)).is_none(),
            (Place::Unusable(version), Look::Everywhere) | (Place::Sibling(version), Look::AtSiblings) => {
                folder.version_now(&name_of(path, coding)).as_ref() == Some(version)
            }
            (Place::Sibling(version), Look::AlongTheWay | Look::Everywhere) => {
                folder.version_beneath(&name_of(path, coding)).as_ref() == Some(version)
            }
        })
    }
}

/// The path of a sibling from the root.
fn name_of(path: &SitePath<'_>, coding: ContentCoding) -> Vec<u8> {
    let extension = coding.sibling_extension().expect("every preferred coding has an extension");
    [path.relative(), extension.as_bytes()].concat()
}

/// Whether a sibling can have been made from this original. Several tools keep the original's time without its fraction:
/// a time in whole seconds is compared by seconds.
fn is_not_older(sibling: &FileVersion, original: &FileVersion) -> bool {
    let (sibling, original) = (sibling.content.modified, original.content.modified);
    sibling >= original || (sibling.nanoseconds == 0 && sibling == Timestamp { nanoseconds: 0, ..original })
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File, FileTimes};
    use std::os::unix::fs::symlink;
    use std::path::Path;
    use std::time::{Duration, SystemTime};

    use rustix::fs::{CWD, Mode, mkfifoat};
    use tallyd_http::target::Target;

    use super::super::folder::Links;
    use super::*;

    const TIME: Duration = Duration::from_millis(1_000_000_500);
    const EARLIER: Duration = Duration::from_nanos(1_000_000_499_999_999);
    const LATER: Duration = Duration::from_nanos(1_000_000_500_000_001);
    const WHOLE_SECOND: Duration = Duration::from_secs(1_000_000);
    const SECOND_BEFORE: Duration = Duration::from_secs(999_999);

    fn write(path: &Path, modified: Duration) {
        fs::write(path, "content").expect("a file");
        let file = File::options().write(true).open(path).expect("it is there");
        file.set_times(FileTimes::new().set_modified(SystemTime::UNIX_EPOCH + modified)).expect("its time");
    }

    fn path() -> SitePath<'static> {
        match Target::parse(b"/dir/page") {
            Ok(Target::Path { path, .. }) => path,
            other => panic!("{other:?}"),
        }
    }

    struct Tree {
        place: tempfile::TempDir,
        folder: Folder,
    }

    impl Tree {
        fn new() -> Tree {
            let place = tempfile::tempdir().expect("a folder for the test");
            fs::create_dir_all(place.path().join("root/dir")).expect("folders");
            let root = File::open(place.path().join("root")).expect("it is there");
            let folder = Folder::new(root.into(), Links::Beneath).expect("the kernel guards it");
            let tree = Tree { place, folder };
            write(&tree.at("page"), TIME);
            tree
        }

        fn at(&self, name: &str) -> std::path::PathBuf {
            self.place.path().join("root/dir").join(name)
        }

        fn explore(&self) -> (Surroundings, Vec<ContentCoding>) {
            let original = self.folder.version_now(b"dir/page").expect("it is there");
            let (surroundings, siblings) =
                Surroundings::explore(&self.folder, &path(), &original, Patience::MayBlock).expect("found");
            (surroundings, siblings.into_iter().map(|sibling| sibling.coding).collect())
        }

        fn is_unchanged(&self, surroundings: &Surroundings, look: Look) -> bool {
            surroundings.are_unchanged(&self.folder, &path(), look)
        }
    }

    #[test]
    fn siblings_are_regular_files_beneath_the_root_that_are_not_older() {
        use ContentCoding::{Brotli, Gzip, Zstd};
        let check = |make: &dyn Fn(&Tree), expect: &[ContentCoding]| {
            let tree = Tree::new();
            make(&tree);
            assert_eq!(tree.explore().1, expect);
        };
        check(&|_| {}, &[]);
        check(&|tree| write(&tree.at("page.gz"), TIME), &[Gzip]);
        check(&|tree| write(&tree.at("page.gz"), LATER), &[Gzip]);
        check(&|tree| write(&tree.at("page.gz"), EARLIER), &[]);
        check(&|tree| write(&tree.at("page.gz"), WHOLE_SECOND), &[Gzip]);
        check(&|tree| write(&tree.at("page.gz"), SECOND_BEFORE), &[]);
        check(
            &|tree| ["page.gz", "page.br", "page.zst"].iter().for_each(|name| write(&tree.at(name), TIME)),
            &[Brotli, Zstd, Gzip],
        );
        check(&|tree| fs::create_dir(tree.at("page.br")).expect("a folder"), &[]);
        check(&|tree| mkfifoat(CWD, tree.at("page.br"), Mode::RUSR).expect("a FIFO"), &[]);
        check(
            &|tree| {
                write(&tree.place.path().join("outside"), TIME);
                symlink("../../outside", tree.at("page.br")).expect("a link");
            },
            &[],
        );
        check(
            &|tree| {
                write(&tree.at("made"), TIME);
                symlink("made", tree.at("page.br")).expect("a link");
            },
            &[Brotli],
        );
    }

    #[test]
    fn what_changes_beside_a_file_is_seen() {
        let tree = Tree::new();
        write(&tree.at("page.br"), TIME);
        write(&tree.at("page.gz"), SECOND_BEFORE);
        let (before, _) = tree.explore();
        let check = |at_siblings: bool, everywhere: bool| {
            assert_eq!(tree.is_unchanged(&before, Look::AtSiblings), at_siblings);
            assert_eq!(tree.is_unchanged(&before, Look::Everywhere), everywhere);
        };
        check(true, true);
        write(&tree.at("page.zst"), TIME);
        check(true, false);
        fs::remove_file(tree.at("page.zst")).expect("it is there");
        check(true, true);
        write(&tree.at("page.gz"), TIME);
        check(true, false);
        fs::remove_file(tree.at("page.br")).expect("it is there");
        check(false, false);
        assert!(tree.is_unchanged(&Surroundings::UNSEEN, Look::Everywhere));
    }

    #[test]
    fn what_comes_before_a_file_is_seen() {
        let tree = Tree::new();
        let Ok(preferred) = SitePath::from_decoded(b"/dir/first") else { panic!("it is a path") };
        let surroundings = Surroundings::UNSEEN.without(vec![preferred]);
        let check = |expect: [bool; 3]| {
            let looks = [Look::AtSiblings, Look::AlongTheWay, Look::Everywhere];
            assert_eq!(looks.map(|look| tree.is_unchanged(&surroundings, look)), expect);
        };
        check([true, true, true]);
        write(&tree.at("first"), TIME);
        check([true, false, false]);
    }
}
