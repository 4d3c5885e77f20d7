//! Endpoints: one per worker and address, on as many sockets that share the address.

use std::io;
use std::net::UdpSocket;
use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::{NoInitialCipherSuite, QuicServerConfig};
use quinn::{
    AsyncUdpSocket, Endpoint, EndpointConfig, IdleTimeout, Runtime, ServerConfig, TokioRuntime,
    TransportConfig, VarInt,
};
use tokio::sync::mpsc;

use super::connection_id::{IdScheme, WorkerIds};
use super::socket::{SharedSocket, Stray, ways};

/// Requests that a client may have under way at a time: what RFC 9114 §6.1 asks for at the least, and what browsers use at
/// the most.
const MOST_REQUESTS: u32 = 128;

/// Streams besides that a client may open: its control stream, two for fields, and one or the other that means nothing
/// (RFC 9114 §6.2).
const MOST_OTHER_STREAMS: u32 = 8;

/// How much a client may send ahead on one stream, and on all of them, in bytes: requests are heads.
const STREAM_WINDOW_BYTES: u32 = 64 * 1024;
const WINDOW_BYTES: u32 = 512 * 1024;

/// How much of answers is held until it is acknowledged, in bytes, when a connection begins; it grows with what the path
/// takes.
pub(crate) const SEND_WINDOW_BYTES: u64 = 256 * 1024;

/// Handshakes of one worker that may wait to be taken up. More are refused at once.
const MOST_WAITING: usize = 1024;

/// How much of what follows a client's first packet is kept while it waits, in bytes: for one, and for all.
const WAITING_BYTES: u64 = 16 * 1024;
const ALL_WAITING_BYTES: u64 = 4 * 1024 * 1024;

/// How long the end of a worker may wait for what connections say at theirs to be on its way.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// What an endpoint is made from, on its worker's thread.
pub(crate) struct Place {
    socket: UdpSocket,
    config: ServerConfig,
    scheme: IdScheme,
    worker: u16,
    ways: Arc<[mpsc::Sender<Stray>]>,
    strays: mpsc::Receiver<Stray>,
}

/// The places of all workers on one address, from their sockets there.
pub(crate) fn places(sockets: Vec<UdpSocket>, config: &ServerConfig) -> Vec<Place> {
    let scheme = IdScheme::default();
    let (ways, strays) = ways(sockets.len());
    let place = |(worker, (socket, strays)): (usize, (UdpSocket, _))| Place {
        socket,
        config: config.clone(),
        scheme: scheme.clone(),
        // There are fewer workers than that.
        worker: worker as u16,
        ways: Arc::clone(&ways),
        strays,
    };
    sockets.into_iter().zip(strays).enumerate().map(place).collect()
}

/// How long nothing comes or goes before a client is asked for a sign of life: short of the 30 s after which browsers give up a
/// connection that is silent.
const LONGEST_SILENCE: Duration = Duration::from_secs(15);

/// What connections begin from, given TLS for HTTP/3. Those whose client is gone end after `idle_timeout` without a packet.
///
/// A client that pauses a download sends nothing, and nothing may be sent to it; a ping now and then keeps the connection for
/// both (RFC 9000 §10.1.2). QUIC pings between requests, too: how long a connection may be idle there is the roster's to say.
///
/// Fails if TLS lacks what QUIC's first packets are protected with (RFC 9001 §5.2).
pub(crate) fn server_config(
    tls: rustls::ServerConfig,
    idle_timeout: Duration,
) -> Result<ServerConfig, NoInitialCipherSuite> {
    let mut transport = TransportConfig::default();
    transport
        .max_concurrent_bidi_streams(MOST_REQUESTS.into())
        .max_concurrent_uni_streams(MOST_OTHER_STREAMS.into())
        .stream_receive_window(STREAM_WINDOW_BYTES.into())
        .receive_window(WINDOW_BYTES.into())
        .send_window(SEND_WINDOW_BYTES)
        // Nobody here sends or wants datagrams (RFC 9221).
        .datagram_receive_buffer_size(None)
        .keep_alive_interval(Some((idle_timeout / 3).min(LONGEST_SILENCE)))
        .max_idle_timeout(Some(idle_for(idle_timeout)));
    let mut config = ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls)?));
    config
        .transport_config(Arc::new(transport))
        .max_incoming(MOST_WAITING)
        .incoming_buffer_size(WAITING_BYTES)
        .incoming_buffer_size_total(ALL_WAITING_BYTES);
    Ok(config)
}

fn idle_for(span: Duration) -> IdleTimeout {
    // The longest there is stands for any that is longer.
    IdleTimeout::try_from(span).unwrap_or(VarInt::MAX.into())
}

impl Place {
    /// Opens the endpoint. To be called in a runtime, which it then belongs to.
    pub(crate) fn open(self) -> io::Result<Endpoint> {
        let Place { socket, config, scheme, worker, ways, strays } = self;
        let runtime = Arc::new(TokioRuntime);
        let socket = runtime.wrap_udp_socket(socket)?;
        let socket: Arc<dyn AsyncUdpSocket> = match ways.len() {
            // Nobody else could hear anything.
            1 => socket,
            _ => Arc::new(SharedSocket::new(socket, scheme.clone(), worker, ways, strays)),
        };
        let mut endpoint = EndpointConfig::default();
        endpoint.cid_generator(move || Box::new(WorkerIds::new(scheme.clone(), worker)));
        Endpoint::new_with_abstract_socket(endpoint, Some(config), socket, runtime)
    }
}

/// Closes endpoints whose connections have ended, when their clients know of it or had time to.
pub(crate) async fn close(endpoints: Vec<Endpoint>) {
    for endpoint in endpoints {
        // Nobody is left to be told of it.
        let _ = tokio::time::timeout(LAST_WORDS, endpoint.wait_idle()).await;
    }
}
