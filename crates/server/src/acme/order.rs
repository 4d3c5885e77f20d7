//! One order (RFC 8555 §7.4): from a name, through the proof that it leads here, to a chain with its key.

use std::time::Duration;

use instant_acme::{
    Account, AuthorizationHandle, AuthorizationStatus, Error, Identifier, NewOrder, Order, OrderStatus,
    Problem, RetryPolicy,
};

use super::challenge::Challenge;
use super::client::{plain, told};
use super::domain::Domain;
use super::handshake;
use super::proofs::Proofs;
use crate::tls::Certificates;

/// How an order is asked about: soon after the proof, then at ever longer intervals, or when the authority says. Authorities
/// look from several places, and take some seconds.
const POLLING: RetryPolicy =
    RetryPolicy::new().initial_delay(Duration::from_millis(250)).backoff(1.5).timeout(Duration::from_mins(2));

/// The type of the problem of an account that the authority does not know (RFC 8555 §6.7).
const UNKNOWN_ACCOUNT: &str = "urn:ietf:params:acme:error:accountDoesNotExist";

/// The type of the problem that an account must be bound to one that exists elsewhere.
const UNBOUND_ACCOUNT: &str = "urn:ietf:params:acme:error:externalAccountRequired";

/// What an authority is shown.
#[derive(Clone, Copy)]
pub(super) struct Stage<'a> {
    pub(super) certificates: &'a Certificates,
    pub(super) proofs: &'a Proofs,
}

/// What came of an order.
pub(super) struct Issued {
    /// The chain in PEM, the server's own certificate first.
    pub(super) chain: String,
    /// Its key in PEM, made for this order.
    pub(super) key: String,
    /// How the name was proven; absent if the authority remembered an earlier proof.
    pub(super) proven: Option<Challenge>,
}

/// Why nothing came of it, in words that follow a colon.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The authority does not know the account any more.
    NoAccount(String),
    /// Anything else, which time or a person may cure.
    Other(String),
}

/// Orders a certificate for the name, proven in the first of these ways that the authority offers.
pub(super) async fn order(
    account: &Account,
    domain: &Domain,
    ways: [Option<Challenge>; 2],
    stage: Stage<'_>,
) -> Result<Issued, Trouble> {
    let identifiers = [Identifier::Dns(domain.as_str().to_owned())];
    let mut order = account.new_order(&NewOrder::new(&identifiers)).await?;
    let shown = show(&mut order, domain, ways, stage).await?;
    match order.poll_ready(&POLLING).await? {
        OrderStatus::Ready | OrderStatus::Valid => {}
        OrderStatus::Pending | OrderStatus::Processing | OrderStatus::Invalid => {
            return Err(why_invalid(&mut order).await);
        }
    }
    let proven = shown.as_ref().map(Shown::challenge);
    drop(shown);
    let key = order.finalize().await?;
    let chain = order.poll_certificate(&POLLING).await?;
    Ok(Issued { chain, key, proven })
}

/// What the authority finds, until it is dropped.
enum Shown<'a> {
    Text { proofs: &'a Proofs, token: String },
    Handshake { certificates: &'a Certificates, domain: Domain },
}

impl Shown<'_> {
    fn challenge(&self) -> Challenge {
        match self {
            Shown::Text { .. } => Challenge::Http01,
            Shown::Handshake { .. } => Challenge::TlsAlpn01,
        }
    }
}

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        match self {
            Shown::Text { proofs, token } => proofs.remove(token),
            Shown::Handshake { certificates, domain } => certificates.end_challenge(domain.as_str()),
        }
    }
}

/// Shows the authority what it wants to see of the one name of the order; nothing if it has seen enough before.
async fn show<'a>(
    order: &mut Order,
    domain: &Domain,
    ways: [Option<Challenge>; 2],
    stage: Stage<'a>,
) -> Result<Option<Shown<'a>>, Trouble> {
    let mut authorizations = order.authorizations();
    let Some(authorization) = authorizations.next().await else { return Ok(None) };
    let mut authorization = authorization?;
    match authorization.status {
        AuthorizationStatus::Pending => {}
        AuthorizationStatus::Valid => return Ok(None),
        AuthorizationStatus::Invalid
        | AuthorizationStatus::Revoked
        | AuthorizationStatus::Expired
        | AuthorizationStatus::Deactivated => {
            return Err(Trouble::Other("the authority wants no proof and grants nothing".to_owned()));
        }
    }
    let offered = ways.into_iter().flatten().find(|way| is_offered(&authorization, *way));
    let way = offered.ok_or_else(|| Trouble::Other(not_offered(ways)))?;
    let Some(mut challenge) = authorization.challenge(way.kind()) else {
        return Err(Trouble::Other(not_offered(ways)));
    };
    let text = challenge.key_authorization();
    let shown = match way {
        Challenge::Http01 => {
            stage.proofs.add(&challenge.token, text.as_str());
            Shown::Text { proofs: stage.proofs, token: challenge.token.clone() }
        }
        Challenge::TlsAlpn01 => {
            let answer = handshake::certificate(domain, text.digest().as_ref())
                .map_err(|error| Trouble::Other(told(&error)))?;
            stage.certificates.challenge(domain.as_str(), answer);
            Shown::Handshake { certificates: stage.certificates, domain: domain.clone() }
        }
    };
    challenge.set_ready().await?;
    Ok(Some(shown))
}

fn is_offered(authorization: &AuthorizationHandle<'_>, way: Challenge) -> bool {
    authorization.challenges.iter().any(|challenge| challenge.r#type == way.kind())
}

fn not_offered(ways: [Option<Challenge>; 2]) -> String {
    let names: Vec<_> = ways.into_iter().flatten().map(Challenge::name).collect();
    format!("the authority does not offer {}", names.join(" or "))
}

/// What the authority says of the proof that did not convince it.
async fn why_invalid(order: &mut Order) -> Trouble {
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        let Ok(state) = authorization.refresh().await else { continue };
        if let Some(problem) = state.challenges.iter().find_map(|challenge| challenge.error.as_ref()) {
            return Trouble::Other(said(problem));
        }
    }
    Trouble::Other("the authority refuses the order and says no reason".to_owned())
}

/// A problem as the authority puts it (RFC 7807), without what the crate puts before.
fn said(problem: &Problem) -> String {
    let text = problem.to_string();
    plain(text.strip_prefix("API error: ").unwrap_or(&text))
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Trouble {
        match &error {
            Error::Api(problem) if problem.r#type.as_deref() == Some(UNKNOWN_ACCOUNT) => {
                Trouble::NoAccount(said(problem))
            }
            Error::Api(problem) if problem.r#type.as_deref() == Some(UNBOUND_ACCOUNT) => {
                let cure = "name the key that it has handed out, by --acme-eab-kid and --acme-eab-key";
                Trouble::Other(format!("{} ({cure})", said(problem)))
            }
            Error::Api(problem) => Trouble::Other(said(problem)),
            // The crate's errors may become more; what is done about them is the same.
            _ => Trouble::Other(told(&error)),
        }
    }
}
