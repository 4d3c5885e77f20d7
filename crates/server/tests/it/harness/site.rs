//! A folder to serve, in a temporary place that goes when the test ends.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A root to serve, and around it a folder that must never be served.
pub(crate) struct Site {
    dir: TempDir,
}

impl Site {
    pub(crate) fn new() -> Self {
        Self::within(&std::env::temp_dir())
    }

    /// A site on the file system of `parent`.
    pub(crate) fn within(parent: &Path) -> Self {
        let dir =
            tempfile::Builder::new().prefix("tallyd-test-").tempdir_in(parent).expect("temporary folder");
        fs::create_dir(dir.path().join("www")).expect("root of the site");
        Self { dir }
    }

    /// A site with the given files.
    pub(crate) fn with<C: AsRef<[u8]>>(files: &[(&str, C)]) -> Self {
        let site = Self::new();
        for (name, content) in files {
            site.file(name, content);
        }
        site
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.dir.path().join("www")
    }

    /// The folder around the root: a place for state, secrets and downloads.
    pub(crate) fn around(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.root().join(name)
    }

    /// Writes a file below the root, with the folders on its way.
    pub(crate) fn file(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a file has a folder")).expect("folder of the file");
        fs::write(&path, content).expect("file of the site");
        path
    }
}

/// Bytes without a pattern, the same ones for the same seed: a shifted, repeated or padded byte shows.
pub(crate) fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// A path as it stands in a target: all but unreserved characters and `/` encoded (RFC 3986 section 2.3).
pub(crate) fn percent_encode(path: &[u8]) -> String {
    path.iter().fold(String::new(), |mut target, &byte| {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            target.push(char::from(byte));
        } else {
            write!(target, "%{byte:02X}").expect("a string takes all");
        }
        target
    })
}

/// Whether permissions hold nothing back from this process (and so from a server that it starts).
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
