//! All certificates, and the choice among them by the name that a client asks for (RFC 6066 §3, RFC 9525 §6.3).
//!
//! They are read by every handshake of every worker and replaced a few times a year: whoever replaces them builds a new
//! table and puts it in the old one's place. A handshake under way goes on with what it has.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::certificate::Certificate;

/// The protocol in which an authority asks for proof that a name is ours (RFC 8737 §6.1).
pub(crate) const ACME_TLS_ALPN: &[u8] = b"acme-tls/1";

/// What handshakes choose from; shared by all protocols and workers.
#[derive(Debug, Default)]
pub(crate) struct Certificates {
    table: RwLock<Arc<Table>>,
}

/// Certificates by where they come from, and by name.
#[derive(Clone, Debug, Default)]
struct Table {
    /// From files, in the order in which they were named.
    named: Vec<Certificate>,
    /// Installed while serving.
    installed: Vec<Certificate>,
    /// For host names, and for the wildcards without their `*.`; in order of preference.
    by_name: HashMap<Box<str>, Vec<Arc<CertifiedKey>>>,
    by_parent: HashMap<Box<str>, Vec<Arc<CertifiedKey>>>,
    /// For clients that ask for no name, or for one that no certificate is for.
    default: Vec<Arc<CertifiedKey>>,
    /// What answers an authority that asks about a name.
    challenges: HashMap<Box<str>, Arc<CertifiedKey>>,
}

impl Certificates {
    /// These, the first of which is for whoever asks for another name.
    pub(crate) fn new(named: Vec<Certificate>) -> Arc<Certificates> {
        let certificates = Certificates::default();
        certificates.replace(named);
        Arc::new(certificates)
    }

    /// Puts these in the place of those that were named before.
    pub(crate) fn replace(&self, named: Vec<Certificate>) {
        self.change(|table| table.named = named);
    }

    /// Adds a certificate, in the place of those that were installed before for any of its names.
    pub(crate) fn install(&self, certificate: Certificate) {
        self.change(|table| {
            table.installed.retain(|old| !old.names.iter().any(|name| certificate.names.contains(name)));
            table.installed.push(certificate);
        });
    }

    /// Answers an authority that asks about `name` by TLS-ALPN-01 (RFC 8737), until [`Certificates::end_challenge`].
    pub(crate) fn challenge(&self, name: &str, answer: Arc<CertifiedKey>) {
        self.change(|table| {
            table.challenges.insert(name.to_ascii_lowercase().into(), answer);
        });
    }

    /// Answers no authority about `name` any more.
    pub(crate) fn end_challenge(&self, name: &str) {
        self.change(|table| {
            table.challenges.remove(&*name.to_ascii_lowercase());
        });
    }

    /// When each certificate expires, in Unix seconds, with the first of its names.
    pub(crate) fn expiries(&self) -> Vec<(Box<str>, i64)> {
        let table = self.table();
        let expiry = |certificate: &Certificate| {
            (certificate.names.first().cloned().unwrap_or_default(), *certificate.valid.end())
        };
        table.named.iter().chain(&table.installed).map(expiry).collect()
    }

    fn change(&self, change: impl FnOnce(&mut Table)) {
        // Changes wait for each other. A table is put in place whole, so that a panic leaves a good one.
        let mut place = self.table.write().unwrap_or_else(PoisonError::into_inner);
        let mut table = Table::clone(&place);
        change(&mut table);
        table.arrange();
        *place = Arc::new(table);
    }

    fn table(&self) -> Arc<Table> {
        Arc::clone(&self.table.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let table = self.table();
        let is_challenge =
            hello.alpn().is_some_and(|mut protocols| protocols.any(|protocol| protocol == ACME_TLS_ALPN));
        if is_challenge {
            return table.challenges.get(hello.server_name()?).cloned();
        }
        let candidates = table.candidates(hello.server_name());
        let can_sign = |key: &&Arc<CertifiedKey>| key.key.choose_scheme(hello.signature_schemes()).is_some();
        // If the client knows none of the keys' kinds, the handshake says so.
        candidates.iter().find(can_sign).or(candidates.first()).cloned()
    }
}

impl Table {
    /// Finds everything by name again.
    fn arrange(&mut self) {
        self.by_name.clear();
        self.by_parent.clear();
        self.default.clear();
        for certificate in self.named.iter().chain(&self.installed) {
            let key = &certificate.key;
            for name in &certificate.names {
                let (place, name) = match name.strip_prefix("*.") {
                    Some(parent) => (&mut self.by_parent, parent),
                    None => (&mut self.by_name, &**name),
                };
                place.entry(name.into()).or_default().push(Arc::clone(key));
            }
            // Those for the same names as the first stand in for it where a client does not know its kind of key.
            let first = self.named.first().or(self.installed.first());
            if first.is_some_and(|first| first.names == certificate.names) {
                self.default.push(Arc::clone(key));
            }
        }
    }

    /// The certificates for a name, in lower case as rustls gives it; a wildcard stands for exactly one label.
    fn candidates(&self, name: Option<&str>) -> &[Arc<CertifiedKey>] {
        let of_name = |name: &str| {
            let parent = name.split_once('.').map(|(_, parent)| parent);
            self.by_name.get(name).or_else(|| self.by_parent.get(parent?))
        };
        name.and_then(of_name).unwrap_or(&self.default)
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    fn certificate(names: &[&str]) -> Certificate {
        let key = KeyPair::generate().expect("a key");
        let names = names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let made = CertificateParams::new(names).expect("names").self_signed(&key).expect("a certificate");
        let now = crate::clock::timestamp().seconds;
        Certificate::from_pem(made.pem().as_bytes(), key.serialize_pem().as_bytes(), now)
            .expect("chain and key belong together")
    }

    /// Whose certificate is chosen for a name; the names of certificates differ.
    #[track_caller]
    fn check(certificates: &Certificates, name: Option<&str>, expect: &Certificate) {
        let table = certificates.table();
        let chosen = table.candidates(name).first().expect("there is a certificate");
        assert!(Arc::ptr_eq(chosen, &expect.key), "{name:?}");
    }

    #[test]
    fn the_name_that_is_asked_for_decides() {
        let first = certificate(&["a.example", "b.example"]);
        let wild = certificate(&["*.a.example"]);
        let exact = certificate(&["x.a.example"]);
        let certificates = Certificates::new(vec![first.clone(), wild.clone(), exact.clone()]);
        check(&certificates, Some("a.example"), &first);
        check(&certificates, Some("b.example"), &first);
        check(&certificates, Some("y.a.example"), &wild);
        check(&certificates, Some("x.a.example"), &exact);
        check(&certificates, Some("x.y.a.example"), &first);
        check(&certificates, Some("example"), &first);
        check(&certificates, None, &first);
    }

    #[test]
    fn certificates_are_replaced_and_installed() {
        let (old, new) = (certificate(&["a.example"]), certificate(&["b.example"]));
        let certificates = Certificates::new(vec![old.clone()]);
        certificates.replace(vec![new.clone()]);
        check(&certificates, Some("a.example"), &new);
        let (first, second) = (certificate(&["c.example"]), certificate(&["c.example", "d.example"]));
        certificates.install(first.clone());
        check(&certificates, Some("c.example"), &first);
        certificates.install(second.clone());
        check(&certificates, Some("c.example"), &second);
        check(&certificates, Some("d.example"), &second);
        check(&certificates, None, &new);
        assert_eq!(certificates.table().installed.len(), 1);
        certificates.replace(vec![old.clone()]);
        check(&certificates, None, &old);
        check(&certificates, Some("d.example"), &second);
    }

    #[test]
    fn an_authority_is_answered_while_it_may_ask() {
        let certificates = Certificates::default();
        let answer = certificate(&["a.example"]).key;
        certificates.challenge("A.example", Arc::clone(&answer));
        assert!(certificates.table().challenges.contains_key("a.example"));
        assert!(certificates.table().candidates(Some("a.example")).is_empty());
        certificates.end_challenge("a.EXAMPLE");
        assert!(certificates.table().challenges.is_empty());
    }
}
