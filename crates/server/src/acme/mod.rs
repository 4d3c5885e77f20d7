//! Certificates that are ordered and renewed without a person (ACME, RFC 8555).
//!
//! The protocol is a crate's; here is when something is ordered (`schedule`, `keeper`), how a name is proven (`challenge`,
//! `proofs`, `handshake`), what is kept on the disk (`state`, `account`), and how it is told (`standing`). What is issued
//! goes where certificates from files go, and is served from the next handshake on.

mod account;
mod binding;
pub(crate) mod challenge;
mod client;
mod directory;
mod domain;
mod handshake;
mod keeper;
mod order;
mod proofs;
mod schedule;
mod standing;
mod state;

use std::fs::canonicalize;
use std::hash::RandomState;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::runtime::Builder;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

pub(crate) use directory::Directory;
pub(crate) use domain::Domain;
pub(crate) use proofs::Proofs;
pub(crate) use standing::{Phase, Standing, Told};

use crate::clock;
use crate::config::{self, Config, Sourced, StartError, ledger_file};
use crate::console;
use crate::tls::Certificates;
use crate::tls::certificate::Certificate;
use account::Accounts;
use binding::Binding;
use challenge::Ports;
use client::Client;
use keeper::{Keeper, Subject, draw};
use state::{State, StateError};

/// Names of hosts are looked up on a thread beside the one that asks; a second, so that one that hangs does not hold up the
/// next.
const LOOKUP_THREADS: usize = 2;

/// How much less urgent this thread is than those that serve, as nice(2) has it.
const NICENESS: i32 = 10;

/// The keeping of certificates, opened: its folder is owned, and what was kept there is served.
pub(crate) struct Opened {
    keeper: Keeper,
}

/// The keeping of certificates, under way. It ends when this is dropped, or with the process.
pub(crate) struct Keeping {
    nudges: UnboundedSender<()>,
}

impl Opened {
    /// Opens what the settings say; `None` if nothing is to be ordered. Certificates that were kept and can still be served
    /// are installed in `certificates`, where others will follow.
    pub(crate) fn open(
        config: &Config,
        certificates: &Arc<Certificates>,
    ) -> Result<Option<Opened>, StartError> {
        refuse_reachable(config)?;
        let Some(acme) = &config.acme else { return Ok(None) };
        let folder = acme.folder()?;
        let state = State::open(&folder).map_err(|error| unusable(acme, &folder, &error))?;
        let client = Client::new(roots(acme)?)
            .map_err(|error| StartError::misfit(format!("no connection can be made by TLS ({error})")))?;
        let lots = RandomState::new();
        let now = clock::timestamp().seconds;
        let mut subjects = Vec::with_capacity(acme.domains.len());
        let mut standing = Vec::with_capacity(acme.domains.len());
        for domain in acme.domains.iter().map(|domain| &domain.value) {
            let kept = kept(&state, domain, now);
            subjects.push(Subject::new(domain.clone(), kept.as_ref(), draw(&lots, domain)));
            standing.push((domain.clone(), if kept.is_some() { Phase::Held } else { Phase::Waiting }));
            if let Some(certificate) = kept {
                certificates.install(certificate);
            }
        }
        let demand = client.demand();
        let accounts = Accounts {
            directory: acme.directory.value.clone(),
            contact: acme.contact.as_ref().map(|contact| format!("mailto:{contact}")),
            binding: acme.binding.as_ref().map(Binding::read).transpose()?,
            client,
        };
        let keeper = Keeper {
            subjects,
            accounts,
            account: None,
            state,
            demand,
            preference: acme.preference,
            ports: Ports { plain: 0, tls: 0 },
            certificates: Arc::clone(certificates),
            proofs: Arc::default(),
            standing: Arc::new(Standing::new(standing.into_iter())),
            lots,
        };
        Ok(Some(Opened { keeper }))
    }

    /// What authorities fetch.
    pub(crate) fn proofs(&self) -> Arc<Proofs> {
        Arc::clone(&self.keeper.proofs)
    }

    /// How it stands with each name.
    pub(crate) fn standing(&self) -> Arc<Standing> {
        Arc::clone(&self.keeper.standing)
    }

    /// Starts to order and renew, now that authorities can come to these ports.
    pub(crate) fn start(self, ports: Ports) -> Result<Keeping, StartError> {
        let keeper = Keeper { ports, ..self.keeper };
        keep(keeper).map_err(|error| {
            StartError::misfit(format!("no thread can be started to order certificates ({error})"))
        })
    }
}

/// Has certificates kept on a thread of its own.
fn keep(keeper: Keeper) -> io::Result<Keeping> {
    let (nudges, received) = unbounded_channel();
    let runtime = Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .max_blocking_threads(LOOKUP_THREADS)
        .build()?;
    thread::Builder::new().name("acme".to_owned()).spawn(move || {
        // Where it is refused, this thread is as urgent as the others.
        let _ = rustix::process::nice(NICENESS);
        runtime.block_on(keeper.keep(received));
        // A name that is still being looked up is not waited for.
        runtime.shutdown_background();
    })?;
    Ok(Keeping { nudges })
}

impl Keeping {
    /// Has what failed tried again at once.
    pub(crate) fn hurry(&self) {
        // The thread ends only with this sender, or by a panic, which leaves the certificates in place.
        let _ = self.nudges.send(());
    }
}

/// Keys are not for clients: where they are kept must not be where clients can look.
pub(crate) fn refuse_reachable(config: &Config) -> Result<(), StartError> {
    let Some(acme) = &config.acme else { return Ok(()) };
    let folder = acme.folder()?;
    // The folder to serve is open, so it has a path unless it was removed since.
    let root = canonicalize(&config.root.value).unwrap_or_else(|_| config.root.value.clone());
    if ledger_file::is_reachable(&folder, &root, config.files.dot_names) {
        let predicate = "is in the folder to serve, where clients could fetch the keys";
        return Err(misfit(
            acme,
            &folder,
            predicate,
            "name a folder outside, as in: --acme-state /var/lib/tallyd/acme",
        ));
    }
    Ok(())
}

/// The certificate that was kept for this name, if it can be served.
fn kept(state: &State, domain: &Domain, now: i64) -> Option<Certificate> {
    let said = |reason: &dyn std::fmt::Display| {
        console::say(format_args!(
            "the certificate that was kept for {domain} {reason}; a new one is ordered"
        ));
    };
    match state.certificate(domain) {
        Ok(None) => None,
        Ok(Some(pem)) => Certificate::from_pem(&pem, &pem, now).inspect_err(|flaw| said(flaw)).ok(),
        Err(error) => {
            said(&format_args!("cannot be read ({error})"));
            None
        }
    }
}

/// Whom to trust as the authority: those in the file that was named, or those that this system trusts.
fn roots(acme: &config::Acme) -> Result<RootCertStore, StartError> {
    let mut roots = RootCertStore::empty();
    let Some(file) = &acme.roots else {
        let native = rustls_native_certs::load_native_certs();
        return match roots.add_parsable_certificates(native.certs) {
            (0, _) => Err(acme.directory.misfit(
                "cannot be trusted, because this system trusts no authority",
                "install the package ca-certificates, or name a file, as in: --acme-ca FILE",
            )),
            (_, _) => Ok(roots),
        };
    };
    let flawed = |reason: &dyn std::fmt::Display| {
        let cure = "name a file with certificates in PEM, which begin with -----BEGIN CERTIFICATE-----";
        file.misfit(format_args!("cannot be used ({reason})"), cure)
    };
    let text = std::fs::read(&file.value).map_err(|error| flawed(&error))?;
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let certificate = certificate.map_err(|error| flawed(&error))?;
        roots.add(certificate).map_err(|error| flawed(&error))?;
    }
    if roots.is_empty() { Err(flawed(&"there is no certificate in it")) } else { Ok(roots) }
}

fn unusable(acme: &config::Acme, folder: &Path, error: &StateError) -> StartError {
    match error {
        StateError::Owned => misfit(
            acme,
            folder,
            "is owned by another server",
            "end that one, or name another folder, as in: --acme-state /var/lib/tallyd/acme",
        ),
        StateError::Unusable(error) => misfit(
            acme,
            folder,
            &format!("cannot be written to ({error})"),
            "name a folder that this user may write to, as in: --acme-state /var/lib/tallyd/acme",
        ),
    }
}

/// The sentence about the folder, with its path where no setting says it.
fn misfit(acme: &config::Acme, folder: &Path, predicate: &str, cure: &str) -> StartError {
    match &acme.folder {
        Some(named) => Sourced::misfit(named, predicate, cure),
        None => StartError::misfit(format!(
            "the folder for ordered certificates is {}, which {predicate}; {cure}",
            folder.display()
        )),
    }
}
