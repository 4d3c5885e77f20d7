//! How it stands with each name, for those who look on.

use std::sync::{Mutex, PoisonError};

use super::domain::Domain;

/// How it stands, with a lock that is held for as long as copying takes.
#[derive(Debug)]
pub(crate) struct Standing(Mutex<Vec<Told>>);

/// How it stands with one name.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) name: Domain,
    pub(crate) phase: Phase,
    /// Orders since the start that brought a certificate.
    pub(crate) issued: u64,
    /// Orders since the start that did not.
    pub(crate) failed: u64,
}

/// What is being done for a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Its first order is to come.
    Waiting,
    /// An order is under way.
    Ordering,
    /// It has a certificate that needs no attention.
    Held,
    /// Its last order failed; the certificate that it may have is served on.
    Failing,
}

impl Phase {
    /// All of them.
    pub(crate) const ALL: [Phase; 4] = [Phase::Waiting, Phase::Ordering, Phase::Held, Phase::Failing];

    /// As it is told.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Phase::Waiting => "waiting",
            Phase::Ordering => "ordering",
            Phase::Held => "held",
            Phase::Failing => "failing",
        }
    }
}

impl Standing {
    pub(super) fn new(names: impl Iterator<Item = (Domain, Phase)>) -> Standing {
        let told = names.map(|(name, phase)| Told { name, phase, issued: 0, failed: 0 });
        Standing(Mutex::new(told.collect()))
    }

    /// How it stands now, in the order in which the names were given.
    pub(crate) fn all(&self) -> Vec<Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn change(&self, at: usize, change: impl FnOnce(&mut Told)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner)[at]);
    }
}
