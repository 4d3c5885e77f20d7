//! What is read from a certificate itself (RFC 5280): the names that it is for, when it is valid, who issued it.
//!
//! Nothing is verified here: that is for the clients. The signature, the purpose and the authority are theirs to judge.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

/// A certificate, as far as a server has to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stated {
    /// The names in its `subjectAltName`, in lower case: host names, wildcards, addresses as text.
    pub(super) names: Vec<Box<str>>,
    /// From its first valid second to its last, in Unix time.
    pub(super) valid: RangeInclusive<i64>,
    /// Its own name and its issuer's, as they are encoded.
    pub(super) subject: Box<[u8]>,
    pub(super) issuer: Box<[u8]>,
}

/// Reads a certificate in DER; `None` if it is none.
pub(super) fn read(der: &[u8]) -> Option<Stated> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let validity = certificate.validity();
    // One without the extension, or with one that cannot be read, is for no name that a client would accept.
    let alternatives = certificate.subject_alternative_name().ok().flatten();
    let names = alternatives.map_or(&[][..], |extension| &extension.value.general_names);
    Some(Stated {
        names: names.iter().filter_map(name).collect(),
        valid: validity.not_before.timestamp()..=validity.not_after.timestamp(),
        subject: certificate.subject().as_raw().into(),
        issuer: certificate.issuer().as_raw().into(),
    })
}

fn name(name: &GeneralName<'_>) -> Option<Box<str>> {
    match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase().into()),
        GeneralName::IPAddress(octets) => {
            let address: Option<IpAddr> = <[u8; 4]>::try_from(*octets)
                .map(IpAddr::from)
                .or_else(|_| <[u8; 16]>::try_from(*octets).map(IpAddr::from))
                .ok();
            address.map(|address| address.to_string().into())
        }
        // Names of other kinds are not of servers.
        _ => None,
    }
}
