//! The folder to serve, opened before it is served: what was checked is what is served. That its path comes to lead to
//! another folder is noticed elsewhere.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;

use super::command_word::meant_by;
use super::given::{Origin, Sourced};
use super::start_error::StartError;

/// Opens the folder, if it exists, is one, and can be listed and entered.
pub(crate) fn open(root: &Sourced<PathBuf>) -> Result<OwnedFd, StartError> {
    open_folder(&root.value).map_err(|errno| misfit(root, errno))
}

/// The same, without a sentence.
pub(crate) fn open_folder(path: &Path) -> Result<OwnedFd, Errno> {
    let folder = openat(CWD, path, FOLDER, Mode::empty())?;
    // The right to list a folder does not imply the right to reach what is in it.
    openat(&folder, ".", FOLDER, Mode::empty())?;
    Ok(folder)
}

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

fn misfit(root: &Sourced<PathBuf>, errno: Errno) -> StartError {
    let name_it = "name the folder to serve, as in: tallyd PATH";
    let command = Some(&root.given).filter(|given| given.origin == Origin::Flag).map(|given| &given.text);
    match errno {
        Errno::NOENT => match command.and_then(|word| meant_by(word)) {
            Some(command) => {
                root.misfit("does not exist", format_args!("did you mean: {command}? If not, {name_it}"))
            }
            None => root.misfit("does not exist", name_it),
        },
        Errno::NOTDIR => root.misfit("is not a folder", name_it),
        Errno::ACCESS => root.misfit(
            "may not be read by this user",
            "grant the right to list and enter it, or name another, as in: tallyd PATH",
        ),
        other => root.misfit(format_args!("cannot be opened ({other})"), name_it),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::given::Given;
    use crate::config::table;

    fn check(path: PathBuf, expect: Result<(), &str>) {
        let given = Given { setting: &table::ROOT.setting, text: "R".into(), origin: Origin::Flag };
        let opened = open(&Sourced { value: path, given }).map(drop);
        let expect = expect.map_err(|predicate| {
            StartError::misfit(format!(
                "the folder \"R\" (ROOT, command line) {predicate}; name the folder to serve, as in: tallyd PATH"
            ))
        });
        assert_eq!(opened, expect);
    }

    #[test]
    fn only_a_folder_is_opened() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let file = folder.path().join("file");
        std::fs::write(&file, "").expect("a file for the test");
        check(folder.path().to_owned(), Ok(()));
        check(file.clone(), Err("is not a folder"));
        check(file.join("below"), Err("is not a folder"));
        check(folder.path().join("missing"), Err("does not exist"));
        check(PathBuf::from("x".repeat(5000)), Err("cannot be opened (File name too long (os error 36))"));
    }
}
