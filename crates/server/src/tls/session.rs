//! What handshakes begin from: versions, tickets and protocols; the certificates are chosen anew for each.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::server::NoServerSessionStorage;
use rustls::{Error, ServerConfig};

use super::Certificates;

/// HTTP/1.1, as ALPN calls it (RFC 7301 §6).
pub(crate) const HTTP_1_1: &[u8] = b"http/1.1";

/// HTTP/3 (RFC 9114 §3.1).
pub(crate) const HTTP_3: &[u8] = b"h3";

/// TLS 1.2 and 1.3 with these certificates, for these protocols in order of preference (RFC 7301).
///
/// Sessions are resumed by tickets alone, so that nothing is kept for a client that does not come back. Their keys live
/// in memory, are replaced every six hours, and decrypt for six hours more; nothing is accepted before the handshake has
/// ended (no 0-RTT), because it could be replayed. Fails if the system has no random numbers.
pub(crate) fn server_config(
    certificates: Arc<Certificates>,
    protocols: &[&[u8]],
) -> Result<ServerConfig, Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(certificates);
    config.ticketer = aws_lc_rs::Ticketer::new()?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    Ok(config)
}
