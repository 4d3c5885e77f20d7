//! A client that speaks HTTP/3, by the crates that most who speak it in Rust use.

use std::future::poll_fn;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;

use bytes::{Buf, Bytes};
use h3::client::SendRequest;
use h3::error::{Code, StreamError};
use http::{Method, Request, Response};
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Endpoint, EndpointConfig, TokioRuntime, TransportConfig, VarInt};

use super::network::Network;
use super::{Identity, Server, trust};

/// The name that every identity in these tests is for.
pub(crate) const NAME: &str = "a.example";

/// A connection in HTTP/3.
pub(crate) struct H3Conn {
    network: Network,
    endpoint: Endpoint,
    connection: quinn::Connection,
    requests: SendRequest<h3_quinn::OpenStreams, Bytes>,
}

/// An answer, all of it.
#[derive(Debug)]
pub(crate) struct H3Answer {
    pub(crate) status: u16,
    pub(crate) head: Response<()>,
    pub(crate) content: Vec<u8>,
}

/// An answer whose content has not been read.
pub(crate) struct H3Download {
    network: Network,
    pub(crate) head: Response<()>,
    stream: H3Stream,
}

/// A request and its answer.
pub(super) type H3Stream = h3::client::RequestStream<h3_quinn::BidiStream<Bytes>, Bytes>;

/// How much a client lets a server send ahead.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Appetite {
    Usual,
    /// A few packets.
    Little,
}

impl H3Answer {
    /// The value of a field; nothing if there is none.
    pub(crate) fn field(&self, name: &str) -> &str {
        self.head.headers().get(name).map_or("", |value| value.to_str().expect("a value in ASCII"))
    }
}

impl H3Conn {
    /// A connection to a server that has this identity.
    pub(crate) fn open(server: &Server, identity: &Identity) -> Self {
        Self::with(server.tls_address(), identity, Appetite::Usual)
    }

    /// The same, with an appetite.
    pub(crate) fn with(address: SocketAddr, identity: &Identity, appetite: Appetite) -> Self {
        Self::over(Network::new(), free_socket(), address, identity, appetite)
    }

    /// The same, from a socket that is bound.
    pub(super) fn over(
        network: Network,
        socket: UdpSocket,
        address: SocketAddr,
        identity: &Identity,
        appetite: Appetite,
    ) -> Self {
        let in_network = network.runtime().enter();
        let endpoint = endpoint(socket);
        let connecting = endpoint.connect_with(config(identity, appetite), address, NAME).expect("a name");
        let connection = network.soon(connecting).expect("a handshake");
        let transport = h3_quinn::Connection::new(connection.clone());
        let (mut driver, requests) =
            network.soon(h3::client::builder().build(transport)).expect("HTTP/3 on the connection");
        // It ends with the connection, for whatever reason.
        network.runtime().spawn(async move { drop(poll_fn(|context| driver.poll_close(context)).await) });
        drop(in_network);
        Self { network, endpoint, connection, requests }
    }

    /// One GET.
    pub(crate) fn get(&mut self, target: &str) -> H3Answer {
        self.ask(Method::GET, target, &[])
    }

    /// One request with these fields.
    pub(crate) fn ask(&mut self, method: Method, target: &str, fields: &[(&str, &str)]) -> H3Answer {
        self.begin(method, target, fields).finish()
    }

    /// One request, up to the head of its answer.
    pub(crate) fn begin(&mut self, method: Method, target: &str, fields: &[(&str, &str)]) -> H3Download {
        self.try_begin(method, target, fields).expect("an answer")
    }

    /// The same, where there may be no answer.
    pub(crate) fn try_begin(
        &mut self,
        method: Method,
        target: &str,
        fields: &[(&str, &str)],
    ) -> Result<H3Download, StreamError> {
        let mut request = Request::builder().method(method).uri(format!("https://{NAME}{target}"));
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let request = request.body(()).expect("the test writes requests");
        let network = self.network.clone();
        let asked = async {
            let mut stream = self.send(request, Bytes::new()).await?;
            let head = stream.recv_response().await?;
            Ok((stream, head))
        };
        let (stream, head) = network.soon(asked)?;
        Ok(H3Download { network, head, stream })
    }

    /// Sends a request, whole.
    pub(super) async fn send(
        &mut self,
        request: Request<()>,
        content: Bytes,
    ) -> Result<H3Stream, StreamError> {
        let mut stream = self.requests.send_request(request).await?;
        let sent = async {
            if !content.is_empty() {
                stream.send_data(content).await?;
            }
            stream.finish().await
        };
        match sent.await {
            // The answer has come before the end of the request, of which no more is wanted (RFC 9114 section 4.1).
            Ok(()) | Err(StreamError::RemoteTerminate { code: Code::H3_NO_ERROR }) => Ok(stream),
            Err(error) => Err(error),
        }
    }

    /// Asks for all of these at once.
    pub(crate) fn get_all(&mut self, targets: &[String]) -> Vec<H3Answer> {
        let downloads: Vec<_> = targets.iter().map(|target| self.begin(Method::GET, target, &[])).collect();
        downloads.into_iter().map(H3Download::finish).collect()
    }

    /// Goes on from another address of this machine.
    pub(crate) fn move_elsewhere(&self) {
        let _in_network = self.network.runtime().enter();
        self.endpoint.rebind(free_socket()).expect("another socket");
    }

    /// The address that the server sees.
    pub(crate) fn local_address(&self) -> SocketAddr {
        self.endpoint.local_addr().expect("a bound socket")
    }

    /// Ends the connection as a browser does whose window is closed.
    pub(crate) fn close(self) {
        self.break_off();
        self.network.soon(self.endpoint.wait_idle());
    }

    /// `CONNECTION_CLOSE` (RFC 9000 section 19.19), with `H3_NO_ERROR`.
    pub(super) fn break_off(&self) {
        self.connection.close(VarInt::from_u32(0x100), b"");
    }

    /// Waits until the server has ended the connection.
    pub(crate) fn wait_for_end(&self) {
        self.network.soon(self.ended());
    }

    pub(super) async fn ended(&self) {
        self.connection.closed().await;
    }
}

impl Drop for H3Conn {
    /// Its last packets still leave.
    fn drop(&mut self) {
        let (network, endpoint) = (self.network.clone(), self.endpoint.clone());
        self.network.runtime().spawn(async move {
            endpoint.wait_idle().await;
            drop(network);
        });
    }
}

impl H3Download {
    /// Reads at least so many bytes of content.
    pub(crate) fn read(&mut self, least: usize) -> Vec<u8> {
        let mut content = Vec::new();
        while content.len() < least {
            match self.try_read().expect("content") {
                Some(bytes) => content.extend_from_slice(&bytes),
                None => panic!("{} of {least} bytes", content.len()),
            }
        }
        content
    }

    fn try_read(&mut self) -> Result<Option<Bytes>, StreamError> {
        let content = self.network.soon(self.stream.recv_data())?;
        Ok(content.map(|mut content| content.copy_to_bytes(content.remaining())))
    }

    /// Reads the rest.
    pub(crate) fn finish(self) -> H3Answer {
        self.try_finish().expect("the whole content")
    }

    /// The same, where it may be cut.
    pub(crate) fn try_finish(mut self) -> Result<H3Answer, StreamError> {
        let mut content = Vec::new();
        while let Some(bytes) = self.try_read()? {
            content.extend_from_slice(&bytes);
        }
        Ok(H3Answer { status: self.head.status().as_u16(), head: self.head, content })
    }

    /// Says that no more of it is wanted.
    pub(crate) fn stop(mut self) {
        self.stream.stop_sending(Code::H3_REQUEST_CANCELLED);
    }
}

fn free_socket() -> UdpSocket {
    UdpSocket::bind("127.0.0.1:0").expect("loopback has a free port")
}

fn endpoint(socket: UdpSocket) -> Endpoint {
    Endpoint::new(EndpointConfig::default(), None, socket, Arc::new(TokioRuntime)).expect("an endpoint")
}

fn config(identity: &Identity, appetite: Appetite) -> ClientConfig {
    let mut tls = trust(identity);
    tls.alpn_protocols = vec![b"h3".to_vec()];
    let mut transport = TransportConfig::default();
    if appetite == Appetite::Little {
        transport.stream_receive_window(VarInt::from_u32(16 * 1024));
    }
    let mut config = ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).expect("TLS 1.3")));
    config.transport_config(Arc::new(transport));
    config
}
