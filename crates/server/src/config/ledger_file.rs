//! Which file the ledger is: the one that is named, or one of the user's state folder that is named after the
//! folder to serve. Reads links and nothing else; the file is opened elsewhere.

use std::ffi::{OsStr, OsString};
use std::fs::canonicalize;
use std::io::{self, ErrorKind};
use std::path::{Component, Path, PathBuf};

use super::given::Sourced;
use super::start_error::StartError;
use super::value::LedgerFile;
use crate::site::DotNames;

/// The ledger's path, absolute and without links, so that one ledger has one name; `None`: there is no file.
pub(crate) fn path(
    ledger: &Sourced<LedgerFile>,
    root: &Sourced<PathBuf>,
    state: &StateFolder,
) -> Result<Option<PathBuf>, StartError> {
    let path = match (&ledger.value, &state.0) {
        (LedgerFile::Nowhere, _) => return Ok(None),
        (LedgerFile::Path(path), _) => path.clone(),
        (LedgerFile::Auto, Some(folder)) => named_after(&root.value, folder).map_err(|error| {
            let predicate = match error.kind() {
                ErrorKind::NotFound => "does not exist, and no ledger is named after it".to_owned(),
                _ => format!("cannot be found ({error})"),
            };
            root.misfit(predicate, "name the folder that is served, or its ledger, as in: --ledger FILE")
        })?,
        (LedgerFile::Auto, None) => {
            return Err(ledger.misfit(
                "has no folder, because none of HOME, XDG_STATE_HOME and STATE_DIRECTORY is an absolute path",
                "name a file, as in: --ledger /var/lib/tallyd/www.ledger",
            ));
        }
    };
    let unresolved = |error| ledger.misfit(format_args!("cannot be found ({error})"), "name another file");
    without_links(&path).map(Some).map_err(unresolved)
}

/// The file in the state folder that is named after a root. The counts of a folder outlive it: where it is not there any
/// more, they are found by the name that it would have.
fn named_after(root: &Path, state: &Path) -> io::Result<PathBuf> {
    let named =
        |root: PathBuf| state.join(format!("{}.ledger", own_name(root.as_os_str().as_encoded_bytes())));
    lasting_path(root).map(named).or_else(|error| {
        let ledger = without_links(root).map(named)?;
        if ledger.exists() { Ok(ledger) } else { Err(error) }
    })
}

/// What a root is known by as long as it is deployed to: its path without links, but for its own name. Where that is a
/// link, as `current` to a release, the next release is the same site.
fn lasting_path(root: &Path) -> io::Result<PathBuf> {
    let target = canonicalize(root)?;
    let (Some(parent), Some(name)) = (root.parent(), root.file_name()) else { return Ok(target) };
    let parent = canonicalize(if parent.as_os_str().is_empty() { Path::new(".") } else { parent })?;
    let named = parent.join(name);
    Ok(if std::fs::symlink_metadata(&named)?.is_symlink() { named } else { target })
}

/// Where programs keep what must outlive them; `None` where the environment does not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StateFolder(Option<PathBuf>);

impl StateFolder {
    /// The folder, which may not be there yet.
    pub(super) fn path(&self) -> Option<&Path> {
        self.0.as_deref()
    }

    /// `$STATE_DIRECTORY` (systemd.exec(5): made for this service alone; the first of several), else
    /// `$XDG_STATE_HOME/tallyd`, else `$HOME/.local/state/tallyd` (XDG Base Directory Specification). A path
    /// that is not absolute counts as not set, as that specification demands.
    pub(crate) fn of(vars: &[(OsString, OsString)]) -> StateFolder {
        let text = |name: &str| vars.iter().find(|(known, _)| known == name).map(|(_, text)| text);
        let absolute = |name: &str| text(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let systemd = || std::env::split_paths(text("STATE_DIRECTORY")?).next().filter(|it| it.is_absolute());
        let xdg = || Some(absolute("XDG_STATE_HOME")?.join("tallyd"));
        let home = || Some(absolute("HOME")?.join(".local/state/tallyd"));
        StateFolder(systemd().or_else(xdg).or_else(home))
    }
}

/// No name of a file may have more than 255 bytes (`NAME_MAX`), and SQLite adds suffixes to this one.
const LONGEST_READABLE_BYTES: usize = 100;

/// A name in a folder for what these bytes name: themselves as far as they can be read in a name, and a hash that tells
/// apart what looks alike then.
pub(super) fn own_name(bytes: &[u8]) -> String {
    let readable: String = bytes
        .iter()
        .map(
            |byte| if byte.is_ascii_alphanumeric() || b"._".contains(byte) { char::from(*byte) } else { '-' },
        )
        .collect();
    let readable = readable.trim_matches(['-', '.']);
    // The end of a long path says more than its beginning.
    let readable = &readable[readable.len().saturating_sub(LONGEST_READABLE_BYTES)..];
    let separator = if readable.is_empty() { "" } else { "-" };
    format!("{readable}{separator}{:08x}", hash(bytes))
}

/// FNV-1a (RFC 9923), 32 bits: it must be the same in every version, which the standard library's hash is not.
fn hash(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811C_9DC5, |hash: u32, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

/// The absolute path with every link on it followed, as far as it exists.
pub(super) fn without_links(path: &Path) -> io::Result<PathBuf> {
    let mut resolved = PathBuf::new();
    for component in std::path::absolute(path)?.components() {
        match component {
            // What lies before it has no links any more, so that the parent is the one that the system means.
            Component::ParentDir => {
                resolved.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::CurDir | Component::Normal(_) => {
                resolved.push(component);
            }
        }
        // What does not exist yet has no links either.
        resolved = canonicalize(&resolved).unwrap_or(resolved);
    }
    Ok(resolved)
}

/// The file beside a ledger in which its server says where its admin side is.
pub(crate) fn admin_note(ledger: &Path) -> PathBuf {
    let mut name = ledger.as_os_str().to_owned();
    name.push(".admin");
    PathBuf::from(name)
}

/// Whether a client who asks for the right path would be given the file: it is in the folder, and no name on
/// the way is hidden. Both paths are without links.
pub(crate) fn is_reachable(file: &Path, root: &Path, dot_names: DotNames) -> bool {
    let Ok(below) = file.strip_prefix(root) else { return false };
    match dot_names {
        DotNames::Shown => return true,
        DotNames::Hidden => {}
    }
    let well_known = Path::new(".well-known");
    let shown = below.strip_prefix(well_known).unwrap_or(below);
    !shown.iter().map(OsStr::as_encoded_bytes).any(|name| name.starts_with(b"."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::{config_of, start_with};

    #[test]
    fn the_state_folder() {
        let check = |vars: &[(&str, &str)], expect: Option<&str>| {
            let vars: Vec<_> = vars.iter().map(|(name, text)| (name.into(), text.into())).collect();
            assert_eq!(StateFolder::of(&vars), StateFolder(expect.map(PathBuf::from)), "{vars:?}");
        };
        let home = ("HOME", "/home/x");
        check(&[], None);
        check(&[home], Some("/home/x/.local/state/tallyd"));
        check(&[home, ("XDG_STATE_HOME", "/state")], Some("/state/tallyd"));
        check(&[home, ("XDG_STATE_HOME", "")], Some("/home/x/.local/state/tallyd"));
        check(&[home, ("XDG_STATE_HOME", "state")], Some("/home/x/.local/state/tallyd"));
        check(&[("STATE_DIRECTORY", "/var/lib/tallyd"), home], Some("/var/lib/tallyd"));
        check(&[("STATE_DIRECTORY", "/var/lib/a:/var/lib/b")], Some("/var/lib/a"));
        check(&[("STATE_DIRECTORY", ""), home], Some("/home/x/.local/state/tallyd"));
        check(&[("HOME", "/home/a:b")], Some("/home/a:b/.local/state/tallyd"));
        check(&[("HOME", "home")], None);
    }

    #[test]
    fn a_name_can_be_read_and_is_its_own() {
        let check = |name: &str, expect: &str| assert_eq!(own_name(name.as_bytes()), expect, "{name:?}");
        check("/srv/www", "srv-www-3128c48f");
        check("/srv-www", "srv-www-92cb015d");
        check("/", "2a0c975e");
        check("/home/x/Größe", "home-x-Gr----e-47d5ffbc");
        assert!(own_name("/long".repeat(300).as_bytes()).len() < 150);
    }

    #[test]
    fn the_hash_is_the_published_one() {
        // Test vectors of RFC 9923.
        let check = |text: &str, expect: u32| assert_eq!(hash(text.as_bytes()), expect, "{text:?}");
        check("", 0x811C_9DC5);
        check("a", 0xE40C_292C);
        check("foobar", 0xBF9C_F968);
    }

    #[test]
    fn links_are_followed_as_far_as_there_are_files() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let base = canonicalize(folder.path()).expect("our folder");
        std::fs::create_dir_all(base.join("a/b")).expect("a folder for the test");
        std::os::unix::fs::symlink("a/b", base.join("link")).expect("a link for the test");
        let check = |path: &str, expect: &str| {
            let found = without_links(&base.join(path)).expect("an absolute path");
            assert_eq!(found, base.join(expect), "{path}");
        };
        check("a/x.ledger", "a/x.ledger");
        check("link", "a/b");
        check("link/x.ledger", "a/b/x.ledger");
        check("link/../x.ledger", "a/x.ledger");
        check("new/../x.ledger", "x.ledger");
        check("new/folder/x.ledger", "new/folder/x.ledger");
    }

    #[test]
    fn a_root_that_is_a_link_is_known_by_the_link() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let base = canonicalize(folder.path()).expect("our folder");
        std::fs::create_dir_all(base.join("releases/1")).expect("a folder for the test");
        std::os::unix::fs::symlink("releases/1", base.join("current")).expect("a link for the test");
        std::os::unix::fs::symlink("releases", base.join("all")).expect("a link for the test");
        let check = |path: &str, expect: &str| {
            assert_eq!(lasting_path(&base.join(path)).expect("it is there"), base.join(expect), "{path}");
        };
        check("current", "current");
        check("current/.", "current");
        check("releases/../current", "current");
        check("releases/1", "releases/1");
        check("all/1", "releases/1");
        check("releases/1/..", "releases");
        assert!(lasting_path(&base.join("missing")).is_err());
    }

    #[test]
    fn what_a_client_could_ask_for() {
        let check = |file: &str, root: &str, expect: bool| {
            let (file, root) = (Path::new(file), Path::new(root));
            assert_eq!(is_reachable(file, root, DotNames::Hidden), expect, "{file:?} in {root:?}");
            assert_eq!(
                is_reachable(file, root, DotNames::Shown),
                file.starts_with(root),
                "{file:?} in {root:?}"
            );
        };
        check("/srv/www/x.ledger", "/srv/www", true);
        check("/srv/www/a/x.ledger", "/srv/www", true);
        check("/srv/www/.well-known/x.ledger", "/srv/www", true);
        check("/srv/wwwx/x.ledger", "/srv/www", false);
        check("/srv/x.ledger", "/srv/www", false);
        check("/srv/www/.x.ledger", "/srv/www", false);
        check("/home/x/.local/state/tallyd/x.ledger", "/home/x", false);
        check("/var/lib/tallyd/x.ledger", "/", true);
    }

    #[test]
    fn which_file_it_is() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let base = canonicalize(folder.path()).expect("our folder");
        let root = base.to_str().expect("the folder's name is UTF-8");
        let found = |args: &[&str], vars: &[&str]| {
            let args = [&[root][..], args].concat();
            let config = config_of(start_with(&args, vars, None).expect("the arguments are right"));
            config.ledger.path(&config.root).map_err(|error| error.to_string())
        };
        let named = base.join("x.ledger");
        let named = named.to_str().expect("the folder's name is UTF-8");
        assert_eq!(found(&["--ledger", "none"], &[]), Ok(None));
        assert_eq!(found(&["--ledger", named], &[]), Ok(Some(PathBuf::from(named))));
        let in_state = Path::new("/nowhere/tallyd").join(format!("{}.ledger", own_name(root.as_bytes())));
        assert_eq!(found(&[], &["XDG_STATE_HOME=/nowhere"]), Ok(Some(in_state)));
        let sentence = "the ledger \"auto\" (--ledger, default) has no folder, because none of HOME, \
                        XDG_STATE_HOME and STATE_DIRECTORY is an absolute path; name a file, as in: \
                        --ledger /var/lib/tallyd/www.ledger";
        assert_eq!(found(&[], &[]), Err(sentence.to_owned()));
    }
}
