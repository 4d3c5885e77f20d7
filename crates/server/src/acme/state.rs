//! What must outlive a run: the account with an authority, and the certificates with their keys, in files that nobody else
//! reads.
//!
//! Each file is replaced whole: written beside the old one, brought to the disk, and renamed. A chain and its key are one
//! file, so that no crash can part them. One server owns a folder; a second would lose the first one's account.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::domain::Domain;

/// The folder of one authority.
#[derive(Debug)]
pub(super) struct State {
    folder: PathBuf,
    /// Locked as long as it is open.
    _lock: File,
}

/// Why there is no folder.
#[derive(Debug)]
pub(super) enum StateError {
    /// It cannot be made or written to.
    Unusable(io::Error),
    /// Another server owns it.
    Owned,
}

/// The owner alone reads and writes.
const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;

/// How much of a file is read: an account has 1 KiB, a chain with its key some 8.
const MOST_BYTES: u64 = 1024 * 1024;

const ACCOUNT: &str = "account.json";

impl State {
    /// The folder at this path, made if it is not there, and owned from now on. That it can be written to is tried, so
    /// that a certificate is not lost for it weeks later.
    pub(super) fn open(folder: &Path) -> Result<State, StateError> {
        DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder)?;
        // It may have been made by hand, for others to look into.
        fs::set_permissions(folder, fs::Permissions::from_mode(FOLDER_MODE))?;
        let lock = create(&folder.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StateError::Owned),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        Ok(State { folder: folder.into(), _lock: lock })
    }

    /// The account; `None` if there is none yet.
    pub(super) fn account(&self) -> io::Result<Option<Vec<u8>>> {
        read(&self.folder.join(ACCOUNT))
    }

    pub(super) fn keep_account(&self, account: &[u8]) -> io::Result<()> {
        self.replace(ACCOUNT, account)
    }

    /// Sets the account aside, which is of no use any more, and says where it is.
    pub(super) fn set_account_aside(&self) -> io::Result<PathBuf> {
        let aside = self.folder.join("account.old.json");
        fs::rename(self.folder.join(ACCOUNT), &aside)?;
        Ok(aside)
    }

    /// The chain and the key for this name, in PEM; `None` if there are none yet.
    pub(super) fn certificate(&self, domain: &Domain) -> io::Result<Option<Vec<u8>>> {
        read(&self.folder.join(file_of(domain)))
    }

    pub(super) fn keep_certificate(&self, domain: &Domain, pem: &[u8]) -> io::Result<()> {
        self.replace(&file_of(domain), pem)
    }

    fn replace(&self, name: &str, content: &[u8]) -> io::Result<()> {
        // No name of a host has a space, so that it is no other file.
        let beside = self.folder.join(format!("{name} new"));
        let mut file = create(&beside)?;
        file.set_len(0)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&beside, self.folder.join(name))?;
        // The name is on the disk when the folder is (fsync(2)).
        File::open(&self.folder)?.sync_all()
    }
}

fn file_of(domain: &Domain) -> String {
    format!("{domain}.pem")
}

/// Opens a file for its owner alone, whatever it was before.
fn create(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(FILE_MODE).open(path)?;
    file.set_permissions(fs::Permissions::from_mode(FILE_MODE))?;
    Ok(file)
}

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut content = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(MOST_BYTES).read_to_end(&mut content)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(Some(content))
}

impl From<io::Error> for StateError {
    fn from(error: io::Error) -> StateError {
        StateError::Unusable(error)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn modes(folder: &Path) -> BTreeMap<String, u32> {
        let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        let files = fs::read_dir(folder).expect("it is there").map(|entry| entry.expect("an entry").path());
        let name = |path: &Path| path.file_name().expect("a name").to_string_lossy().into_owned();
        files.map(|path| (name(&path), mode(&path))).chain([(".".to_owned(), mode(folder))]).collect()
    }

    #[test]
    fn what_is_kept_is_found_again_and_is_for_its_owner_alone() {
        let around = tempfile::tempdir().expect("a folder for the test");
        let folder = around.path().join("a/b");
        let domain = Domain::parse("a.example").expect("a name");
        let state = State::open(&folder).expect("it can be made");
        assert_eq!(state.account().expect("it can be read"), None);
        assert_eq!(state.certificate(&domain).expect("it can be read"), None);
        state.keep_account(b"old and longer").expect("it can be written");
        state.keep_account(b"new").expect("it can be written");
        state.keep_certificate(&domain, b"pem").expect("it can be written");
        drop(state);

        // A folder and a file that others may read are closed to them.
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).expect("ours");
        fs::set_permissions(folder.join("lock"), fs::Permissions::from_mode(0o644)).expect("ours");
        let state = State::open(&folder).expect("it is there");
        assert_eq!(state.account().expect("it can be read").as_deref(), Some(&b"new"[..]));
        assert_eq!(state.certificate(&domain).expect("it can be read").as_deref(), Some(&b"pem"[..]));
        let expect = [(".", 0o700), ("a.example.pem", 0o600), ("account.json", 0o600), ("lock", 0o600)];
        assert_eq!(modes(&folder), expect.into_iter().map(|(name, mode)| (name.to_owned(), mode)).collect());

        let aside = state.set_account_aside().expect("it can be renamed");
        assert_eq!(fs::read(aside).expect("it is there"), b"new");
        assert_eq!(state.account().expect("it can be read"), None);
    }

    #[test]
    fn what_a_crash_left_half_written_is_written_over() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let state = State::open(folder.path()).expect("it is there");
        fs::write(folder.path().join("account.json new"), "much longer than what follows").expect("ours");
        state.keep_account(b"short").expect("it can be written");
        assert_eq!(state.account().expect("it can be read").as_deref(), Some(&b"short"[..]));
        assert!(!folder.path().join("account.json new").exists());
    }

    #[test]
    fn one_server_owns_it() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let first = State::open(folder.path()).expect("it is there");
        assert!(matches!(State::open(folder.path()), Err(StateError::Owned)));
        drop(first);
        State::open(folder.path()).expect("it is free again");
        let file = folder.path().join("file");
        fs::write(&file, "").expect("ours");
        assert!(matches!(State::open(&file), Err(StateError::Unusable(_))));
        assert!(matches!(State::open(&file.join("below")), Err(StateError::Unusable(_))));
    }
}
