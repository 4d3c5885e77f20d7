//! The ledger of a run: opened where the settings say, refused where clients could fetch it, and what a person
//! should know of it at the start. What a ledger is, is `tallyd-ledger`'s; which file it is, `config`'s.

use std::fs::{DirBuilder, canonicalize};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use tallyd_ledger::{Ledger, Observer, OpenError, Options, Place, Resumed};

use crate::access_log::Details;
use crate::config::{Config, LedgerFile, Sourced, StartError, ledger_file};
use crate::console;
use crate::figures::grouped;

/// Opens the ledger, which tells `observer` of every delivery, and says on standard error where it is and what
/// it resumed.
pub(crate) fn open(config: &Config, observer: impl Observer<Details>) -> Result<Ledger<Details>, StartError> {
    let path = config.ledger.path(&config.root)?;
    if let Some(path) = &path {
        refuse_if_reachable(config, path)?;
        make_state_folder(&config.ledger.file, path)?;
    }
    let place = path.clone().map_or(Place::Memory, Place::File);
    let options = Options { durability: config.ledger.durability, ..Options::default() };
    let (ledger, resumed) = Ledger::open(&place, options, observer)
        .map_err(|error| refusal(&config.ledger.file, path.as_deref(), &error))?;
    console::say(format_args!("{}", announcement(path.as_deref(), &resumed)));
    Ok(ledger)
}

/// What was fetched how often is not for clients. A file can have many names and links, so that it is not kept
/// from them one name at a time: it must not be where they can look.
pub(crate) fn refuse_reachable(config: &Config) -> Result<(), StartError> {
    match config.ledger.path(&config.root)? {
        Some(path) => refuse_if_reachable(config, &path),
        None => Ok(()),
    }
}

fn refuse_if_reachable(config: &Config, path: &Path) -> Result<(), StartError> {
    // The folder is open, so it has a path unless it was removed since.
    let root = canonicalize(&config.root.value).unwrap_or_else(|_| config.root.value.clone());
    if ledger_file::is_reachable(path, &root, config.files.dot_names) {
        return Err(misfit(
            &config.ledger.file,
            Some(path),
            "is in the folder to serve, where clients could fetch it",
            "name a file outside, as in: --ledger /var/lib/tallyd/www.ledger",
        ));
    }
    Ok(())
}

/// Makes the state folder, for its owner alone (XDG Base Directory Specification). Folders on the way to a file
/// that was named are made by the ledger, with the rights that the user gives to every new folder.
fn make_state_folder(file: &Sourced<LedgerFile>, path: &Path) -> Result<(), StartError> {
    match (&file.value, path.parent()) {
        (LedgerFile::Auto, Some(folder)) => {
            DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| {
                misfit(file, Some(path), format!("has no folder, and none can be made ({error})"), ELSEWHERE)
            })
        }
        (LedgerFile::Auto | LedgerFile::Path(_) | LedgerFile::Nowhere, _) => Ok(()),
    }
}

const ELSEWHERE: &str = "name a file in a folder that this user may write to, or none for counts since the start, as in: --ledger none";

/// Why the ledger cannot be opened, and what to do about it.
fn refusal(file: &Sourced<LedgerFile>, path: Option<&Path>, error: &OpenError) -> StartError {
    let another = "name another file, as in: --ledger /var/lib/tallyd/www.ledger";
    let (predicate, cure) = match error {
        OpenError::NotALedger(_) => ("is not a ledger of tallyd".to_owned(), another),
        OpenError::Newer { version, understood, .. } => (
            format!("has version {version}, and this tallyd understands up to {understood}"),
            "use the newer tallyd, or name another file",
        ),
        OpenError::Owned(_, Some(process)) => {
            (format!("is owned by another server (process {process})"), "end that one, or name another file")
        }
        OpenError::Owned(_, None) => {
            ("is owned by another server".to_owned(), "end that one, or name another file")
        }
        OpenError::Linked(_) => (
            "has another name, a hard link, and its log only one".to_owned(),
            "remove the other name, or copy the file and name the copy",
        ),
        OpenError::Locked(_) => ("is locked by another program".to_owned(), "close that program"),
        OpenError::ReadOnly(_) => ("cannot be written".to_owned(), ELSEWHERE),
        OpenError::NoLocking(_) => {
            ("is on a file system that cannot lock files".to_owned(), "name a file on a local disk")
        }
        OpenError::Corrupt(_, detail) => (
            format!("is damaged and could not be moved out of the way ({detail})"),
            "move it, or name another file",
        ),
        OpenError::Unusable(_, detail) => (format!("cannot be opened ({detail})"), another),
    };
    misfit(file, path, predicate, cure)
}

/// The sentence, with the path where the setting itself does not say it.
fn misfit(
    file: &Sourced<LedgerFile>,
    path: Option<&Path>,
    predicate: impl Into<String>,
    cure: &str,
) -> StartError {
    let predicate = predicate.into();
    match (&file.value, path) {
        (LedgerFile::Auto, Some(path)) => {
            file.misfit(format_args!("is {}, which {predicate}", path.display()), cure)
        }
        (LedgerFile::Auto | LedgerFile::Path(_) | LedgerFile::Nowhere, _) => file.misfit(predicate, cure),
    }
}

/// Where counts are kept, and what the last run left behind.
fn announcement(path: Option<&Path>, resumed: &Resumed) -> String {
    let Some(path) = path else {
        return "counting in memory, since this start only".to_owned();
    };
    let resources = resumed.resources;
    let files = match (resources, &resumed.set_aside) {
        (_, Some(aside)) => format!("new; the old one was damaged and is now {}", aside.display()),
        (0, None) => "new".to_owned(),
        (1, None) => "1 file".to_owned(),
        (_, None) => format!("{} files", grouped(resources)),
    };
    let cut = match resumed.aborted {
        0 => String::new(),
        1 => "; 1 transfer cut by the last end is booked as aborted".to_owned(),
        aborted => format!("; {} transfers cut by the last end are booked as aborted", grouped(aborted)),
    };
    format!("counting in {} ({files}{cut})", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_at_the_start() {
        let check = |resources: u64, aborted: u64, set_aside: Option<&str>, expect: &str| {
            let resumed = Resumed { resources, aborted, set_aside: set_aside.map(std::path::PathBuf::from) };
            assert_eq!(announcement(Some(Path::new("/s/www.ledger")), &resumed), expect);
        };
        check(0, 0, None, "counting in /s/www.ledger (new)");
        check(
            1,
            1,
            None,
            "counting in /s/www.ledger (1 file; 1 transfer cut by the last end is booked as aborted)",
        );
        check(
            1_204,
            2,
            None,
            "counting in /s/www.ledger (1,204 files; 2 transfers cut by the last end are booked as aborted)",
        );
        check(
            0,
            0,
            Some("/s/old"),
            "counting in /s/www.ledger (new; the old one was damaged and is now /s/old)",
        );
        assert_eq!(announcement(None, &Resumed::default()), "counting in memory, since this start only");
    }
}
