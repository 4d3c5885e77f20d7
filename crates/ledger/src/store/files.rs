//! The files that a ledger consists of, by their names: for those who must not show them to anybody.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::place::beside;

/// What SQLite and the lock add to the name of a ledger.
const SUFFIXES: [&str; 4] = ["", "-wal", "-shm", "-lock"];

/// What is added to the name of a damaged ledger, before the time at which it was set aside.
pub(super) const CORRUPT: &str = ".corrupt-";

/// The files of the ledger at `path`; while nobody has it open some of them are not there.
pub fn files_of(path: &Path) -> [PathBuf; SUFFIXES.len()] {
    SUFFIXES.map(|suffix| beside(path, suffix))
}

/// Damaged predecessors of the ledger at `path`, with their logs. Reads its folder.
pub fn set_aside_of(path: &Path) -> io::Result<Vec<PathBuf>> {
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    let beginning = beside(path, CORRUPT);
    let beginning = beginning.file_name().map_or(&[][..], OsStr::as_encoded_bytes);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        if name.as_encoded_bytes().starts_with(beginning) {
            found.push(folder.join(name));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::super::open::move_aside;
    use super::*;

    #[test]
    fn what_was_set_aside_is_found_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = folder.path().join("www.ledger");
        let [_, log, ..] = files_of(&ledger);
        for path in [&ledger, &log, &folder.path().join("www.ledger.corrupt"), &folder.path().join("other")] {
            fs::write(path, "").unwrap();
        }
        assert_eq!(set_aside_of(&ledger).unwrap(), Vec::<PathBuf>::new());
        let aside = move_aside(&ledger).unwrap();
        let mut found = set_aside_of(&ledger).unwrap();
        found.sort();
        assert_eq!(found, [aside.clone(), beside(&aside, "-wal")]);
        assert!(set_aside_of(&folder.path().join("missing/ledger")).is_err());
    }
}
