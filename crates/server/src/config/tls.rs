//! What the settings of TLS mean together: each certificate with its key, and nothing for TLS without one.

use super::given::Sourced;
use super::meant::Tls;
use super::start_error::StartError;
use super::table;
use super::typed::Typed;
use crate::tls::files::Pair;

/// What becomes of a request that comes without TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PlainRequests {
    /// It is answered.
    Served,
    /// Its client is sent to the same address by HTTPS.
    Redirected,
}

/// Whether the site is served by HTTP/3 where it is served over TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Http3 {
    Offered,
    Absent,
}

impl Tls {
    /// From what was typed to what is meant.
    pub(super) fn from_typed(typed: &Typed) -> Result<Tls, StartError> {
        let pairs = pairs(typed)?;
        let (port, promise) = (typed.one(&table::TLS_PORT)?, typed.optional(&table::HSTS)?);
        let redirect = typed.one(&table::HTTPS_REDIRECT)?;
        if pairs.is_empty() && typed.given(&table::ACME.setting).is_empty() {
            refuse_if(port.value != 0, &port)?;
            refuse_if(redirect.value, &redirect)?;
            promise.as_ref().map_or(Ok(()), |promise| refuse_if(true, promise))?;
        }
        Ok(Tls {
            pairs,
            port,
            http3: typed.one(&table::HTTP3)?.value,
            plain: if redirect.value { PlainRequests::Redirected } else { PlainRequests::Served },
            promise: promise.map(|age| age.value),
        })
    }
}

/// The first certificate with the first key, and so on.
fn pairs(typed: &Typed) -> Result<Vec<Pair>, StartError> {
    let (chains, keys) = (typed.all(&table::TLS_CERT)?, typed.all(&table::TLS_KEY)?);
    if let Some(chain) = chains.get(keys.len()) {
        return Err(chain.wrong("has no key", "give a --tls-key for each --tls-cert, in the same order"));
    }
    if let Some(key) = keys.get(chains.len()) {
        return Err(
            key.wrong("has no certificate", "give a --tls-cert for each --tls-key, in the same order")
        );
    }
    Ok(chains.into_iter().zip(keys).map(|(chain, key)| Pair { chain, key }).collect())
}

/// A setting that would do nothing without a certificate is a mistake.
fn refuse_if<T>(is_set: bool, given: &Sourced<T>) -> Result<(), StartError> {
    let cure = "name one, as in: --tls-cert FILE --tls-key FILE, or order one, as in: --acme example.org";
    if is_set { Err(given.wrong("is for a site with a certificate", cure)) } else { Ok(()) }
}
