//! A load of HTTP/3 for `bench/h3`: as many requests as a server answers, on a number of connections with a number of
//! streams each. Prints what it received in one line.
//!
//! `h3load ADDRESS CERTIFICATE PATH CONNECTIONS STREAMS SECONDS`

use std::error::Error;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes};
use h3::client::SendRequest;
use http::Request;
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Endpoint};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::task::JoinSet;

/// The name in the certificate that `bench/h3` makes.
const NAME: &str = "bench.example";

/// What one stream after the other received.
#[derive(Clone, Copy, Default)]
struct Received {
    requests: u64,
    bytes: u64,
}

type Requests = SendRequest<h3_quinn::OpenStreams, Bytes>;
type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, certificate, path, connections, streams, seconds] = &arguments[..] else {
        return Err("ADDRESS CERTIFICATE PATH CONNECTIONS STREAMS SECONDS".into());
    };
    let load = load(
        address.parse()?,
        config(certificate)?,
        path,
        (connections.parse()?, streams.parse()?),
        Duration::from_secs(seconds.parse()?),
    );
    let (received, took) = runtime.block_on(load)?;
    let Received { requests, bytes } = received;
    println!("measured requests={requests} bytes={bytes} microseconds={}", took.as_micros());
    Ok(())
}

async fn load(
    address: SocketAddr,
    config: ClientConfig,
    path: &str,
    (connections, streams): (usize, usize),
    duration: Duration,
) -> Result<(Received, Duration), Failure> {
    let endpoint = Endpoint::client("127.0.0.1:0".parse()?)?;
    let url = format!("https://{NAME}:{}{path}", address.port());
    let mut clients = Vec::new();
    for _ in 0..connections {
        let connection = endpoint.connect_with(config.clone(), address, NAME)?.await?;
        let (mut driver, requests) = h3::client::new(h3_quinn::Connection::new(connection)).await?;
        // It ends with the process.
        tokio::spawn(async move { drop(poll_fn(|context| driver.poll_close(context)).await) });
        clients.push(requests);
    }
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for requests in &clients {
        for _ in 0..streams {
            tasks.spawn(ask_until(requests.clone(), url.clone(), start + duration));
        }
    }
    let mut sum = Received::default();
    while let Some(received) = tasks.join_next().await {
        let received = received??;
        sum.requests += received.requests;
        sum.bytes += received.bytes;
    }
    Ok((sum, start.elapsed()))
}

async fn ask_until(mut requests: Requests, url: String, end: Instant) -> Result<Received, Failure> {
    let mut received = Received::default();
    while Instant::now() < end {
        let mut stream = requests.send_request(Request::get(&url).body(())?).await?;
        stream.finish().await?;
        let head = stream.recv_response().await?;
        if head.status() != http::StatusCode::OK {
            return Err(format!("{} for {url}", head.status()).into());
        }
        while let Some(content) = stream.recv_data().await? {
            received.bytes += content.remaining() as u64;
        }
        received.requests += 1;
    }
    Ok(received)
}

fn config(certificate: &str) -> Result<ClientConfig, Failure> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificate)?)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h3".to_vec()];
    Ok(ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls)?)))
}
