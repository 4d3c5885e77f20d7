//! A client over TLS that sees which certificate it is shown, and trusts whom a test says.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme, StreamOwned,
};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::harness::SOON;

/// Whom a client believes.
pub(super) enum Trust<'a> {
    /// Who shows a valid certificate that leads to this root, in PEM.
    Root(&'a [u8]),
    /// Everybody.
    Anybody,
}

/// A connection with TLS.
pub(super) struct Secure(StreamOwned<ClientConnection, TcpStream>);

impl Secure {
    /// Connects and shakes hands, asking for this name.
    pub(super) fn connect(address: SocketAddr, name: &str, trust: &Trust<'_>) -> io::Result<Secure> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(SOON))?;
        let name = ServerName::try_from(name.to_owned()).expect("a name");
        let mut connection = ClientConnection::new(Arc::new(config(trust)), name).expect("a client");
        connection.complete_io(&mut stream)?;
        Ok(Secure(StreamOwned::new(connection, stream)))
    }

    /// The serial number of the certificate that the server has shown.
    pub(super) fn serial(&self) -> String {
        let chain = self.0.conn.peer_certificates().expect("the handshake is complete");
        let (_, certificate) = X509Certificate::from_der(&chain[0]).expect("a certificate");
        certificate.raw_serial_as_string()
    }

    pub(super) fn ask(&mut self, target: &str) {
        let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        self.0.write_all(request.as_bytes()).expect("the server takes the request");
    }

    /// The next bytes, as many as that.
    pub(super) fn take(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.0.read_exact(&mut bytes).expect("the server sends so much");
        bytes
    }

    /// Everything up to the end.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.0.read_to_end(&mut bytes).expect("the server ends in good order");
        bytes
    }

    /// The content of the answer to one request, which must be 200.
    pub(super) fn fetch(mut self, target: &str) -> Vec<u8> {
        self.ask(target);
        let answer = self.rest();
        let head = answer.windows(4).position(|end| end == b"\r\n\r\n").expect("a head") + 4;
        assert!(answer.starts_with(b"HTTP/1.1 200 "), "{}", answer.escape_ascii());
        answer[head..].to_vec()
    }
}

fn config(trust: &Trust<'_>) -> ClientConfig {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("the versions go with the provider");
    match trust {
        Trust::Root(pem) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(pem).expect("a root in PEM")).expect("a root");
            builder.with_root_certificates(roots).with_no_client_auth()
        }
        Trust::Anybody => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Credulous(provider)))
            .with_no_client_auth(),
    }
}

/// Believes that everybody is who they say, as long as they have the key of what they show.
#[derive(Debug)]
struct Credulous(Arc<CryptoProvider>);

impl ServerCertVerifier for Credulous {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
