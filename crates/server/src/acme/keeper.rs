//! The keeper of certificates: orders what is missing, renews what is due, one order at a time.
//!
//! It runs on a thread of its own and waits most of the time. Whatever happens to an order, the certificate that there is
//! stays in place; whether it has expired is for clients to judge.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use instant_acme::Account;
use tokio::sync::mpsc::UnboundedReceiver;

use super::account::Accounts;
use super::challenge::{Challenge, Ports, Preference};
use super::client::Demand;
use super::domain::Domain;
use super::order::{self, Issued, Stage, Trouble};
use super::proofs::Proofs;
use super::schedule::{self, Draw};
use super::standing::{Phase, Standing};
use super::state::State;
use crate::clock;
use crate::console;
use crate::tls::Certificates;
use crate::tls::certificate::{Certificate, day};

/// How long it sleeps at most: when a machine wakes up or its clock is set, what is due then is seen soon.
const LONGEST_SLEEP: Duration = Duration::from_mins(10);

/// How long an order may take, its proof and all its questions together.
const ORDER_PATIENCE: Duration = Duration::from_mins(5);

/// See the module.
pub(super) struct Keeper {
    pub(super) subjects: Vec<Subject>,
    pub(super) accounts: Accounts,
    pub(super) account: Option<Account>,
    pub(super) state: State,
    pub(super) demand: Demand,
    pub(super) preference: Preference,
    pub(super) ports: Ports,
    pub(super) certificates: Arc<Certificates>,
    pub(super) proofs: Arc<Proofs>,
    pub(super) standing: Arc<Standing>,
    pub(super) lots: RandomState,
}

/// One name and when it is to be attended to.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) domain: Domain,
    /// When it is ordered, in Unix seconds.
    pub(super) due: i64,
    /// Orders that failed since the last that did not.
    pub(super) failures: u32,
    /// The authority wants nothing of it before.
    pub(super) not_before: i64,
}

impl Subject {
    /// A name with the certificate that was kept for it, if there is one.
    pub(super) fn new(domain: Domain, kept: Option<&Certificate>, draw: Draw) -> Subject {
        let due = kept.map_or(i64::MIN, |certificate| schedule::renewal(&certificate.valid, draw));
        Subject { domain, due, failures: 0, not_before: i64::MIN }
    }
}

impl Keeper {
    /// Keeps until nobody holds the other end of `nudges`, each of which has what failed tried again at once.
    pub(super) async fn keep(mut self, mut nudges: UnboundedReceiver<()>) {
        while let Some((at, due)) = self.next() {
            let wait = due.saturating_sub(clock::timestamp().seconds);
            if wait <= 0 {
                self.attend(at).await;
                continue;
            }
            let sleep = Duration::from_secs(wait.unsigned_abs()).min(LONGEST_SLEEP);
            match tokio::time::timeout(sleep, nudges.recv()).await {
                Ok(Some(())) => self.hurry(),
                Ok(None) => return,
                Err(_) => {}
            }
        }
    }

    /// Which subject is due next, and when.
    fn next(&self) -> Option<(usize, i64)> {
        self.subjects.iter().map(|subject| subject.due).enumerate().min_by_key(|(_, due)| *due)
    }

    fn hurry(&mut self) {
        for subject in self.subjects.iter_mut().filter(|subject| subject.failures > 0) {
            subject.due = subject.not_before;
        }
    }

    async fn attend(&mut self, at: usize) {
        let Subject { domain, failures, .. } = &self.subjects[at];
        let (domain, ways) = (domain.clone(), self.preference.order(self.ports, *failures));
        self.standing.change(at, |told| told.phase = Phase::Ordering);
        let outcome = match tokio::time::timeout(ORDER_PATIENCE, self.obtain(&domain, ways)).await {
            Ok(outcome) => outcome.and_then(|issued| self.take_up(&domain, &issued)),
            Err(_) => Err(Trouble::Other("the authority does not come to an end".to_owned())),
        };
        match outcome {
            Ok(certificate) => self.succeed(at, &certificate),
            Err(Trouble::NoAccount(reason) | Trouble::Other(reason)) => self.fail(at, &reason),
        }
    }

    async fn obtain(&mut self, domain: &Domain, ways: [Option<Challenge>; 2]) -> Result<Issued, Trouble> {
        match self.order(domain, ways).await {
            Err(Trouble::NoAccount(_)) => {
                self.account = None;
                self.accounts.give_up(&self.state)?;
                self.order(domain, ways).await
            }
            outcome => outcome,
        }
    }

    async fn order(&mut self, domain: &Domain, ways: [Option<Challenge>; 2]) -> Result<Issued, Trouble> {
        let account = match &self.account {
            Some(account) => account,
            None => self.account.insert(self.accounts.open(&self.state).await?),
        };
        let stage = Stage { certificates: &self.certificates, proofs: &self.proofs };
        order::order(account, domain, ways, stage).await
    }

    /// Serves what was issued from now on, and keeps it for the next start.
    fn take_up(&mut self, domain: &Domain, issued: &Issued) -> Result<Certificate, Trouble> {
        let Issued { chain, key, proven } = issued;
        let now = clock::timestamp().seconds;
        let certificate = Certificate::from_pem(chain.as_bytes(), key.as_bytes(), now)
            .map_err(|flaw| Trouble::Other(format!("what the authority issued {flaw}")))?;
        if !certificate.names.iter().any(|name| **name == *domain.as_str()) {
            return Err(Trouble::Other("what the authority issued is for another name".to_owned()));
        }
        self.certificates.install(certificate.clone());
        let proof = proven.map_or_else(|| "without a new proof".to_owned(), |way| format!("by {way}"));
        let end = day(*certificate.valid.end());
        console::say(format_args!(
            "the certificate for {domain} was issued ({proof}), and is valid until {end}"
        ));
        if let Err(error) = self.state.keep_certificate(domain, format!("{key}{chain}").as_bytes()) {
            console::say(format_args!(
                "the certificate for {domain} cannot be kept for the next start ({error}); it is served all the same"
            ));
        }
        Ok(certificate)
    }

    fn succeed(&mut self, at: usize, certificate: &Certificate) {
        let (now, draw) = (clock::timestamp().seconds, draw(&self.lots, &self.subjects[at].domain));
        let subject = &mut self.subjects[at];
        subject.failures = 0;
        subject.due = schedule::renewal(&certificate.valid, draw);
        if subject.due <= now {
            // Due from the start: ordering it again at once would never end.
            subject.due = schedule::next_attempt(now, 1, None, draw);
        }
        self.standing.change(at, |told| {
            told.phase = Phase::Held;
            told.issued += 1;
        });
    }

    fn fail(&mut self, at: usize, reason: &str) {
        let (now, draw) = (clock::timestamp().seconds, draw(&self.lots, &self.subjects[at].domain));
        let demanded = self.demand.take();
        let subject = &mut self.subjects[at];
        subject.failures = subject.failures.saturating_add(1);
        subject.due = schedule::next_attempt(now, subject.failures, demanded, draw);
        subject.not_before = schedule::demanded(now, demanded);
        let minutes = (subject.due - now + 30) / 60;
        console::say(format_args!(
            "no certificate for {}: {reason}; it is tried again in {minutes} min, or on SIGHUP",
            subject.domain
        ));
        self.standing.change(at, |told| {
            told.phase = Phase::Failing;
            told.failed += 1;
        });
    }
}

/// Draws a lot. It keeps servers apart, and needs to be no secret.
pub(super) fn draw(lots: &RandomState, domain: &Domain) -> Draw {
    // A part of the hash is as good as the whole.
    Draw(lots.hash_one((domain.as_str(), clock::timestamp().seconds)) as u32)
}
