//! The certificate that answers an authority's handshake (RFC 8737 §3): made here, for one name, with the digest of what is
//! to be proven in it. No client trusts it, and none but an authority is shown it.

use std::sync::Arc;

use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair};
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::CertifiedKey;

use super::domain::Domain;

/// The certificate for a SHA-256 digest. Fails if the system has no random numbers.
pub(super) fn certificate(domain: &Domain, digest: &[u8]) -> Result<Arc<CertifiedKey>, rcgen::Error> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new([domain.as_str().to_owned()])?;
    params.distinguished_name = DistinguishedName::new();
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let certificate = params.self_signed(&key)?;
    let signing = any_supported_type(&PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .expect("a key that was just generated is one that can sign");
    Ok(Arc::new(CertifiedKey::new(vec![certificate.der().clone()], signing)))
}

#[cfg(test)]
mod tests {
    use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

    use super::*;

    #[test]
    fn it_says_what_the_rfc_wants() {
        let domain = Domain::parse("a.example").expect("a name");
        let made = certificate(&domain, &[7; 32]).expect("random numbers");
        let (_, read) = X509Certificate::from_der(&made.cert[0]).expect("a certificate");
        let names = read.subject_alternative_name().expect("it can be read").expect("it is there");
        assert_eq!(names.value.general_names, [GeneralName::DNSName("a.example")]);
        // id-pe-acmeIdentifier, critical, with the digest as an OCTET STRING (RFC 8737 §3).
        let extension = read
            .extensions()
            .iter()
            .find(|extension| extension.oid.to_id_string() == "1.3.6.1.5.5.7.1.31")
            .expect("the extension is there");
        assert!(extension.critical);
        assert_eq!(extension.value, [&[4, 32][..], &[7; 32]].concat());
        let key = made.key.public_key().expect("it is known");
        assert_eq!(read.public_key().raw, &*key);
    }
}
