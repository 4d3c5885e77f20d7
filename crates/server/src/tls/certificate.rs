//! One certificate: its chain, its key, and what follows from them.
//!
//! A certificate that is made here can be served: chain and key belong together, the chain is in order and valid now. What
//! does not fit is a [`Flaw`], which says so in words; nothing is served that a client would refuse for what it says itself.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::x509::{self, Stated};
use crate::calendar::Calendar;

/// A chain of certificates with the key of its first.
#[derive(Clone, Debug)]
pub(crate) struct Certificate {
    /// What handshakes are made with.
    pub(crate) key: Arc<CertifiedKey>,
    /// The names that it is for, in lower case: host names, wildcards as `*.example.org`, addresses.
    pub(crate) names: Vec<Box<str>>,
    /// From its first valid second to its last, in Unix time.
    pub(crate) valid: RangeInclusive<i64>,
}

/// Why a chain and a key are no certificate to serve with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// There is no certificate in the chain's text.
    NoCertificate,
    /// The certificate at this place of the chain, counted from 1, cannot be read.
    Unintelligible { place: usize },
    /// There is no private key in the key's text, or it is in none of the forms PKCS #8, PKCS #1 and SEC 1.
    NoKey,
    /// The key is of a kind that is not supported, or damaged.
    UnusableKey,
    /// The key is of none of the chain's certificates.
    OtherKey,
    /// The key is of the certificate at this place, which should be the first.
    NotFirst { place: usize },
    /// The certificate at this place was not issued by the one that follows.
    OutOfOrder { place: usize },
    /// It is valid later than now.
    NotYetValid { from: i64 },
    /// It was valid earlier than now.
    Expired { since: i64 },
}

/// Which of the two texts a flaw is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Chain,
    Key,
}

impl Certificate {
    /// A certificate from a chain and a key in PEM (RFC 7468), at the time `now` in Unix seconds.
    pub(crate) fn from_pem(chain: &[u8], key: &[u8], now: i64) -> Result<Certificate, Flaw> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(chain)
            .enumerate()
            .map(|(at, read)| read.map_err(|_| Flaw::Unintelligible { place: at + 1 }))
            .collect::<Result<_, _>>()?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| Flaw::NoKey)?;
        Certificate::new(chain, &key, now)
    }

    /// A certificate from a chain, the server's own first, and its key, at the time `now` in Unix seconds.
    pub(crate) fn new(
        chain: Vec<CertificateDer<'static>>,
        key: &PrivateKeyDer<'_>,
        now: i64,
    ) -> Result<Certificate, Flaw> {
        let stated = chain
            .iter()
            .enumerate()
            .map(|(at, der)| x509::read(der).ok_or(Flaw::Unintelligible { place: at + 1 }))
            .collect::<Result<Vec<Stated>, Flaw>>()?;
        let Some(Stated { names, valid, .. }) = stated.first() else { return Err(Flaw::NoCertificate) };
        let (names, valid) = (names.clone(), valid.clone());
        let signing = any_supported_type(key).map_err(|_| Flaw::UnusableKey)?;
        let key = CertifiedKey::new(chain, signing);
        match place_of_key(&key) {
            Some(0) => {}
            Some(at) => return Err(Flaw::NotFirst { place: at + 1 }),
            None => return Err(Flaw::OtherKey),
        }
        if let Some(at) = stated.windows(2).position(|pair| pair[0].issuer != pair[1].subject) {
            return Err(Flaw::OutOfOrder { place: at + 1 });
        }
        if now < *valid.start() {
            return Err(Flaw::NotYetValid { from: *valid.start() });
        }
        if now > *valid.end() {
            return Err(Flaw::Expired { since: *valid.end() });
        }
        Ok(Certificate { key: Arc::new(key), names, valid })
    }
}

/// Where in the chain the key's certificate is, counted from 0.
fn place_of_key(key: &CertifiedKey) -> Option<usize> {
    key.cert.iter().position(|certificate| {
        CertifiedKey::new(vec![certificate.clone()], Arc::clone(&key.key)).keys_match().is_ok()
    })
}

impl Flaw {
    /// Which text it is in.
    pub(crate) fn part(&self) -> Part {
        match self {
            Flaw::NoKey | Flaw::UnusableKey | Flaw::OtherKey => Part::Key,
            Flaw::NoCertificate
            | Flaw::Unintelligible { .. }
            | Flaw::NotFirst { .. }
            | Flaw::OutOfOrder { .. }
            | Flaw::NotYetValid { .. }
            | Flaw::Expired { .. } => Part::Chain,
        }
    }

    /// What to do about it.
    pub(crate) fn cure(&self) -> &'static str {
        match self {
            Flaw::NoCertificate | Flaw::Unintelligible { .. } => {
                "name a file with the chain in PEM, which begins with -----BEGIN CERTIFICATE-----"
            }
            Flaw::NoKey => {
                "name a file with the key in PEM, not encrypted, which begins with -----BEGIN PRIVATE KEY-----"
            }
            Flaw::UnusableKey => "make a key for ECDSA (P-256 or P-384), Ed25519 or RSA (2048 bits or more)",
            Flaw::OtherKey => {
                "name the key that the certificate was made for, keys in the order of their certificates"
            }
            Flaw::NotFirst { .. } => "put that one first, as in the file fullchain.pem of most authorities",
            Flaw::OutOfOrder { .. } => "put the server's own first, and behind each the one that issued it",
            Flaw::NotYetValid { .. } => "wait for that, or set the clock of this machine",
            Flaw::Expired { .. } => "renew it",
        }
    }
}

/// As the predicate of a sentence about the part that it is in.
impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Flaw::NoCertificate => f.write_str("has no certificate in it"),
            Flaw::Unintelligible { place } => {
                write!(f, "cannot be understood: number {place} in it is not a certificate in PEM")
            }
            Flaw::NoKey => f.write_str("has no private key in it"),
            Flaw::UnusableKey => f.write_str("is of a kind that is not supported"),
            Flaw::OtherKey => f.write_str("does not belong to its certificate"),
            Flaw::NotFirst { place } => {
                write!(f, "is in the wrong order: the key belongs to number {place} in it")
            }
            Flaw::OutOfOrder { place } => {
                write!(
                    f,
                    "is in the wrong order: number {place} in it was not issued by number {}",
                    place + 1
                )
            }
            Flaw::NotYetValid { from } => write!(f, "is not valid before {}", day(*from)),
            Flaw::Expired { since } => write!(f, "has expired on {}", day(*since)),
        }
    }
}

/// The day of a second, in UTC.
pub(crate) fn day(unix_seconds: i64) -> String {
    let Calendar { year, month, day, .. } = Calendar::of(unix_seconds);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};

    use super::*;

    fn params(name: &str) -> CertificateParams {
        let mut params = CertificateParams::new([name.to_owned()]).expect("a name");
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = date_time_ymd(2020, 1, 2);
        params.not_after = date_time_ymd(2030, 3, 4);
        params
    }

    fn key() -> KeyPair {
        KeyPair::generate().expect("a key")
    }

    /// A chain of three, the last of which signs itself, and the key of its first.
    fn chain() -> ([String; 3], String) {
        let of_authority = |name| {
            let mut params = params(name);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params
        };
        let keys = [key(), key(), key()];
        let root = of_authority("root");
        let top = root.self_signed(&keys[2]).expect("a certificate").pem();
        let signed = |params: &CertificateParams, key: &KeyPair, by: CertificateParams, with: &KeyPair| {
            let issuer = Issuer::new(by, with);
            params.signed_by(key, &issuer).expect("a certificate").pem()
        };
        let middle = signed(&of_authority("middle"), &keys[1], root, &keys[2]);
        let own = signed(&params("a.example"), &keys[0], of_authority("middle"), &keys[1]);
        ([own, middle, top], keys[0].serialize_pem())
    }

    const NOW: i64 = 1_700_000_000;

    #[track_caller]
    fn check(chain: &str, key: &str, now: i64, expect: Result<&[&str], &str>) {
        let read = Certificate::from_pem(chain.as_bytes(), key.as_bytes(), now);
        let names = read.map(|certificate| certificate.names).map_err(|flaw| flaw.to_string());
        let expect = expect.map(|names| names.iter().map(|name| Box::from(*name)).collect::<Vec<Box<str>>>());
        assert_eq!(names, expect.map_err(str::to_owned));
    }

    #[test]
    fn chain_and_key_fit_or_the_flaw_is_named() {
        let ([own, middle, top], own_key) = chain();
        let whole = format!("{own}{middle}{top}");
        check(&whole, &own_key, NOW, Ok(&["a.example"]));
        check(&own, &own_key, NOW, Ok(&["a.example"]));
        check(&format!("{own_key}{own}"), &own_key, NOW, Ok(&["a.example"]));
        check("", &own_key, NOW, Err("has no certificate in it"));
        check(&own_key, &own_key, NOW, Err("has no certificate in it"));
        check(&whole, "", NOW, Err("has no private key in it"));
        check(&whole, &own, NOW, Err("has no private key in it"));
        check(&whole, &key().serialize_pem(), NOW, Err("does not belong to its certificate"));
        check(
            &format!("{middle}{own}"),
            &own_key,
            NOW,
            Err("is in the wrong order: the key belongs to number 2 in it"),
        );
        check(
            &format!("{own}{top}{middle}"),
            &own_key,
            NOW,
            Err("is in the wrong order: number 1 in it was not issued by number 2"),
        );
        let noise = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let flaw = "cannot be understood: number 2 in it is not a certificate in PEM";
        check(&format!("{own}{noise}"), &own_key, NOW, Err(flaw));
        let noise = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        check(&own, noise, NOW, Err("is of a kind that is not supported"));
        check(&own, &own_key, 1_577_923_199, Err("is not valid before 2020-01-02"));
        check(&own, &own_key, 1_577_923_200, Ok(&["a.example"]));
        check(&own, &own_key, 1_898_812_800, Ok(&["a.example"]));
        check(&own, &own_key, 1_898_812_801, Err("has expired on 2030-03-04"));
    }

    #[test]
    fn names_of_every_kind() {
        let names = ["A.Example", "*.a.example", "192.0.2.1", "2001:db8::1"].map(str::to_owned);
        let key = key();
        let mut params = CertificateParams::new(names).expect("names");
        params.not_after = date_time_ymd(2030, 3, 4);
        let own = params.self_signed(&key).expect("a certificate").pem();
        check(&own, &key.serialize_pem(), NOW, Ok(&["a.example", "*.a.example", "192.0.2.1", "2001:db8::1"]));
    }
}
