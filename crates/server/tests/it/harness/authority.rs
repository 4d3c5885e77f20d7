//! Certificates, made when a test runs, in files around a site.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::{NAME, Site};

/// A certificate that signs itself, in two files.
pub(crate) struct Identity {
    /// The chain, which a client can also trust.
    pub(crate) chain: PathBuf,
    pub(crate) key: PathBuf,
}

impl Identity {
    /// The one of this site for every server that does not have one of its own.
    pub(crate) fn of(site: &Site) -> Self {
        let identity = Self::in_files(site, "server");
        // A server that runs already would take up another one.
        if identity.chain.exists() { identity } else { Self::new(site, "server", &[NAME]) }
    }

    /// For these names, in files that are called `file.pem` and `file.key`.
    pub(crate) fn new(site: &Site, file: &str, names: &[&str]) -> Self {
        Self::with(site, file, &CertificateParams::new(owned(names)).expect("names"))
    }

    /// As `params` say.
    pub(crate) fn with(site: &Site, file: &str, params: &CertificateParams) -> Self {
        let identity = Self::in_files(site, file);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        write(&identity.chain, &certificate.pem());
        write(&identity.key, &key.serialize_pem());
        identity
    }

    fn in_files(site: &Site, file: &str) -> Self {
        Self {
            chain: site.around().join(file).with_extension("pem"),
            key: site.around().join(file).with_extension("key"),
        }
    }

    /// The certificate itself.
    pub(crate) fn certificate(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(&self.chain).expect("a certificate")
    }

    /// The flags that have a server use it.
    pub(crate) fn flags(&self) -> [&str; 4] {
        ["--tls-cert", text(&self.chain), "--tls-key", text(&self.key)]
    }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("the test's folder has a name in UTF-8")
}

/// Whole or not at all, as those do who renew certificates.
fn write(path: &Path, content: &str) {
    let next = path.with_extension("next");
    fs::write(&next, content).and_then(|()| fs::rename(&next, path)).expect("a file of the test");
}
