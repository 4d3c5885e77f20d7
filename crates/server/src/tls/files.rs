//! Certificates in files: read at the start, looked at again while serving.
//!
//! At the start a flaw ends the program with a sentence. Later it is said once, and what was good before is served on: a
//! certificate that is renewed must never take a server down. Files that belong together change one after the other, so
//! that a flaw is said only if it is still there at the next look.

use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::certificate::{Certificate, Part, day};
use super::certificates::Certificates;
use crate::clock;
use crate::config::{Sourced, StartError, readable};
use crate::console;

/// How much of a file is read: a chain has some 5 KiB, and a wrong name may be that of anything.
const MOST_BYTES: u64 = 1024 * 1024;

/// The files of one certificate.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    /// The chain in PEM, the server's own certificate first.
    pub(crate) chain: Sourced<PathBuf>,
    /// Its key in PEM.
    pub(crate) key: Sourced<PathBuf>,
}

/// The files, and what was found in them last.
pub(crate) struct CertificateFiles {
    pairs: Vec<Pair>,
    certificates: Arc<Certificates>,
    seen: Vec<Option<Stamp>>,
    standing: Standing,
}

/// What tells one version of a file from another; absent for a file that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    length: u64,
    modified: (i64, i64),
}

/// How the last reading ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// What is in the files is served.
    Well,
    /// There was a flaw, which may be one of the moment.
    Doubtful,
    /// There is a flaw, and that was said.
    Complained,
}

/// Reads the certificates of all pairs, or says which is flawed.
pub(crate) fn read_all(pairs: &[Pair]) -> Result<Vec<Certificate>, StartError> {
    pairs.iter().map(Pair::read).collect()
}

impl Pair {
    fn read(&self) -> Result<Certificate, StartError> {
        let cure = |what| format!("name a file with the {what} in PEM that this user may read");
        let unreadable = |file: &Sourced<PathBuf>, error: &io::Error, what| {
            file.misfit(format_args!("cannot be read ({error})"), cure(what))
        };
        let chain = read(&self.chain.value).map_err(|error| unreadable(&self.chain, &error, "chain"))?;
        let key = read(&self.key.value).map_err(|error| unreadable(&self.key, &error, "key"))?;
        Certificate::from_pem(&chain, &key, clock::timestamp().seconds).map_err(|flaw| {
            let file = match flaw.part() {
                Part::Chain => &self.chain,
                Part::Key => &self.key,
            };
            file.misfit(&flaw, flaw.cure())
        })
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    readable::open(path)?.take(MOST_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl CertificateFiles {
    /// The files that `certificates` were read from.
    pub(crate) fn new(pairs: Vec<Pair>, certificates: Arc<Certificates>) -> CertificateFiles {
        // What the files are now, they may have become after they were read: the first look reads them again.
        CertificateFiles { pairs, certificates, seen: Vec::new(), standing: Standing::Well }
    }

    /// Looks at the files, and serves what is in them if they have changed.
    pub(crate) fn look(&mut self) {
        let stamps: Vec<_> =
            self.pairs.iter().flat_map(|pair| [stamp(&pair.chain.value), stamp(&pair.key.value)]).collect();
        let is_first = self.seen.is_empty();
        let is_unchanged = stamps == self.seen;
        self.seen = stamps;
        match (is_unchanged, self.standing) {
            (true, Standing::Well | Standing::Complained) => {}
            (true, Standing::Doubtful) | (false, _) => self.read_anew(is_first, is_unchanged),
        }
    }

    fn read_anew(&mut self, is_first: bool, is_settled: bool) {
        match read_all(&self.pairs) {
            Ok(certificates) => {
                let news =
                    (!is_first).then(|| certificates.iter().map(described).collect::<Vec<_>>().join("; "));
                self.certificates.replace(certificates);
                self.standing = Standing::Well;
                // Whoever reads that may connect at once, and is shown the new ones.
                if let Some(news) = news {
                    console::say(format_args!("the certificates were read anew: {news}"));
                }
            }
            Err(error) if is_settled => {
                console::say(format_args!("{error}; the certificates that were read before are served on"));
                self.standing = Standing::Complained;
            }
            Err(_) => self.standing = Standing::Doubtful,
        }
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = std::fs::metadata(path).ok()?;
    Some(Stamp {
        device: metadata.dev(),
        inode: metadata.ino(),
        length: metadata.len(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
    })
}

/// What a person wants to know of a certificate: for which names, and until when.
pub(crate) fn described(certificate: &Certificate) -> String {
    let names = match &*certificate.names {
        [] => "no name".to_owned(),
        names => names.join(", "),
    };
    format!("{names} until {}", day(*certificate.valid.end()))
}
