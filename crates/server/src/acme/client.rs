//! How an authority is asked: by HTTPS, patient for a while and no longer, and with an ear for how long it wants to be left
//! alone, which the crate that knows the protocol does not tell.

use std::fmt::Write as _;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use http_body_util::{BodyExt as _, Limited};
use hyper::body::Bytes;
use hyper::header::{HeaderMap, HeaderValue, RETRY_AFTER, USER_AGENT};
use hyper::{Request, Response};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as Hyper;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use tallyd_http::validator::HttpDate;

use crate::clock;

/// How long an answer may take. Authorities answer in a second or two, or their load balancers give up after a minute.
const PATIENCE: Duration = Duration::from_mins(1);

/// No answer is longer: a directory has 1 KiB, a chain of certificates some 8.
const LONGEST_ANSWER: usize = 1024 * 1024;

/// Who asks (RFC 8555 §6.1).
const AGENT: &str = concat!("tallyd/", env!("CARGO_PKG_VERSION"), " ");

/// The way to an authority.
#[derive(Clone)]
pub(super) struct Client {
    hyper: Hyper<HttpsConnector<HttpConnector>, BodyWrapper<Bytes>>,
    demand: Demand,
}

/// Until when an authority wants to be left alone, in Unix seconds, as it said when it last refused something.
#[derive(Clone, Debug)]
pub(super) struct Demand(Arc<AtomicI64>);

impl Client {
    /// A client that trusts these roots. Fails if there is no common version of TLS, which the crates rule out.
    pub(super) fn new(roots: RootCertStore) -> Result<Client, rustls::Error> {
        let tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_only().enable_http1().build();
        let hyper = Hyper::builder(TokioExecutor::new()).build(connector);
        Ok(Client { hyper, demand: Demand(Arc::new(AtomicI64::new(i64::MIN))) })
    }

    /// Where the authority's demands are found.
    pub(super) fn demand(&self) -> Demand {
        self.demand.clone()
    }

    async fn ask(self, mut request: Request<BodyWrapper<Bytes>>) -> Result<BytesResponse, Error> {
        introduce(request.headers_mut());
        let answer = async {
            let (parts, body) = self.hyper.request(request).await?.into_parts();
            let body = Limited::new(body, LONGEST_ANSWER).collect().await?;
            Ok(Response::from_parts(parts, body.to_bytes()))
        };
        let answer: Result<_, Box<dyn std::error::Error + Send + Sync>> =
            match tokio::time::timeout(PATIENCE, answer).await {
                Ok(answer) => answer,
                Err(_) => Err("it does not answer".into()),
            };
        let unreached = |error: Box<dyn std::error::Error + Send + Sync>| {
            format!("the authority cannot be reached: {}", told(&*error))
        };
        let (parts, body) = answer.map_err(|error| Error::Other(unreached(error).into()))?.into_parts();
        if parts.status.is_client_error() || parts.status.is_server_error() {
            self.demand.note(&parts.headers);
        }
        Ok(BytesResponse { parts, body: Box::new(body) })
    }
}

impl HttpClient for Client {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        Box::pin(self.clone().ask(request))
    }
}

impl Demand {
    /// What was demanded since the last time that this was asked.
    pub(super) fn take(&self) -> Option<i64> {
        let until = self.0.swap(i64::MIN, Ordering::Relaxed);
        (until != i64::MIN).then_some(until)
    }

    fn note(&self, fields: &HeaderMap) {
        let demanded = fields.get(RETRY_AFTER).and_then(|text| retry_after(text, clock::http_date()));
        if let Some(until) = demanded {
            self.0.fetch_max(until, Ordering::Relaxed);
        }
    }
}

/// Puts the program before the crate in the request's `User-Agent`.
fn introduce(fields: &mut HeaderMap) {
    let crate_agent = fields.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    if let Ok(agent) = HeaderValue::from_str(&format!("{AGENT}{crate_agent}")) {
        fields.insert(USER_AGENT, agent);
    }
}

/// The moment in a `Retry-After` (RFC 9110 §10.2.3): a date, or seconds from `now`.
fn retry_after(text: &HeaderValue, now: HttpDate) -> Option<i64> {
    let text = text.to_str().ok()?.trim();
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(now.unix_seconds().saturating_add(text.parse().ok()?));
    }
    HttpDate::parse(text.as_bytes(), now).map(HttpDate::unix_seconds)
}

/// An error with all that it comes from, on one line of bounded length: what an authority says reaches a terminal.
pub(super) fn told(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let part = error.to_string();
        // Some errors already say what they come from.
        if !text.contains(&part) {
            let separator = if text.is_empty() { "" } else { ": " };
            write!(text, "{separator}{part}").expect("a string takes all");
        }
        next = error.source();
    }
    plain(&text)
}

/// Characters of a sentence that came over the network: more is not read by anybody.
const LONGEST_SENTENCE: usize = 500;

/// A text without line ends and other controls, cut to a readable length.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|it| if it.is_control() { ' ' } else { it }).take(LONGEST_SENTENCE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_to_wait() {
        let now = HttpDate::from_unix_seconds(1000).expect("a year from 0 to 9999");
        let check = |text: &'static str, expect: Option<i64>| {
            assert_eq!(retry_after(&HeaderValue::from_static(text), now), expect, "{text:?}");
        };
        check("0", Some(1000));
        check(" 120 ", Some(1120));
        check("Thu, 01 Jan 1970 01:00:00 GMT", Some(3600));
        for text in ["", "soon", "-1", "1.5", "99999999999999999999"] {
            check(text, None);
        }
    }

    #[test]
    fn a_demand_is_kept_until_it_is_taken() {
        let demand = Demand(Arc::new(AtomicI64::new(i64::MIN)));
        let note = |text: &'static str| {
            let field = [(RETRY_AFTER, HeaderValue::from_static(text))];
            demand.note(&field.into_iter().collect());
        };
        assert_eq!(demand.take(), None);
        note("Thu, 01 Jan 2026 01:00:00 GMT");
        note("Thu, 01 Jan 2026 00:00:00 GMT");
        note("soon");
        assert_eq!(demand.take(), Some(1_767_229_200));
        assert_eq!(demand.take(), None);
    }

    #[test]
    fn what_an_authority_says_is_one_line() {
        assert_eq!(plain("a\r\nb\u{1b}[2Jc é"), "a  b [2Jc é");
        assert_eq!(plain(&"é".repeat(1000)).chars().count(), LONGEST_SENTENCE);
    }
}
