//! Requests and answers on streams of their own, by the crates that most who speak HTTP/2 and HTTP/3 in Rust use.

use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use bytes::{Buf, Bytes};
use h2::RecvStream;
use h2::client::{Builder, ResponseFuture, SendRequest};
use h3::error::StreamError;
use http::{Request, Response};
use rustls::pki_types::ServerName;
use socket2::Socket;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

use super::h3::H3Stream;
use super::network::Network;
use super::{Appetite, H3Conn, Identity, NAME, Window, trust};

/// What a stream of a client with a small window takes in before it is read, in bytes.
const SMALL_STREAM: u32 = 16 * 1024;

/// The same for others; their connection takes in many times that, so that no stream waits for another.
const USUAL_STREAM: u32 = 256 * 1024;

/// A connection that has streams.
pub(super) enum Session {
    Http2 { requests: SendRequest<Bytes>, connection: JoinHandle<Result<(), h2::Error>> },
    Http3(H3Conn),
}

/// A request that was sent, and its answer as far as it was taken. One that is dropped is given up: `RST_STREAM` (RFC 9113
/// section 5.4.2), `STOP_SENDING` (RFC 9000 section 19.5).
pub(super) enum Exchange {
    Http2Asked(ResponseFuture),
    /// What was taken is given back to the flow control when more is asked for.
    Http2Answered(RecvStream, usize),
    Http3(Box<H3Stream>),
}

impl Session {
    /// HTTP/2 over TLS, on a socket that is connected.
    pub(super) async fn http2(socket: &Socket, identity: &Identity, window: Window) -> Self {
        let socket = socket.try_clone().expect("another handle");
        socket.set_nonblocking(true).expect("a mode of sockets");
        let socket =
            tokio::net::TcpStream::from_std(TcpStream::from(socket)).expect("a socket that does not block");
        let mut config = trust(identity);
        config.alpn_protocols = vec![b"h2".to_vec()];
        let name = ServerName::try_from(NAME).expect("a name");
        let stream = TlsConnector::from(Arc::new(config)).connect(name, socket).await.expect("a session");
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()), "what was agreed on");
        let mut builder = Builder::new();
        builder.enable_push(false);
        match window {
            Window::Small => builder.initial_window_size(SMALL_STREAM),
            Window::Usual => {
                builder.initial_window_size(USUAL_STREAM).initial_connection_window_size(1 << 30)
            }
        };
        let (requests, connection) = builder.handshake(stream).await.expect("HTTP/2 on the connection");
        Self::Http2 { requests, connection: tokio::spawn(connection) }
    }

    /// HTTP/3, from a socket that is bound.
    pub(super) fn http3(
        network: &Network,
        socket: &Socket,
        address: SocketAddr,
        identity: &Identity,
        window: Window,
    ) -> Self {
        let appetite = match window {
            Window::Usual => Appetite::Usual,
            Window::Small => Appetite::Little,
        };
        let socket = socket.try_clone().expect("another handle");
        Self::Http3(H3Conn::over(network.clone(), socket.into(), address, identity, appetite))
    }

    /// Sends a request, whole.
    pub(super) async fn ask(&mut self, request: Request<()>, content: Bytes) -> Result<Exchange, ErrorKind> {
        match self {
            Self::Http2 { requests, .. } => {
                poll_fn(|context| requests.poll_ready(context))
                    .await
                    .map_err(|error| kind_in_http2(&error))?;
                let has_content = !content.is_empty();
                let (answer, mut rest) =
                    requests.send_request(request, !has_content).map_err(|error| kind_in_http2(&error))?;
                if has_content {
                    rest.send_data(content, true).map_err(|error| kind_in_http2(&error))?;
                }
                Ok(Exchange::Http2Asked(answer))
            }
            Self::Http3(conn) => conn
                .send(request, content)
                .await
                .map(|stream| Exchange::Http3(Box::new(stream)))
                .map_err(|error| kind_in_http3(&error)),
        }
    }

    /// Ends the connection without a word on any stream.
    pub(super) fn break_off(&mut self) {
        match self {
            Self::Http2 { connection, .. } => connection.abort(),
            Self::Http3(conn) => conn.break_off(),
        }
    }

    /// Waits until the connection has ended; once.
    pub(super) async fn ended(&mut self) -> Result<(), ErrorKind> {
        match self {
            Self::Http2 { connection, .. } => {
                connection.await.expect("it is not given up").map_err(|error| kind_in_http2(&error))
            }
            Self::Http3(conn) => {
                conn.ended().await;
                Ok(())
            }
        }
    }
}

impl Exchange {
    /// The head of the answer.
    pub(super) async fn head(&mut self) -> Result<Response<()>, ErrorKind> {
        match self {
            Self::Http2Asked(answer) => {
                let (head, stream) = answer.await.map_err(|error| kind_in_http2(&error))?.into_parts();
                *self = Self::Http2Answered(stream, 0);
                Ok(Response::from_parts(head, ()))
            }
            Self::Http2Answered(..) => panic!("an answer has one head"),
            Self::Http3(stream) => stream.recv_response().await.map_err(|error| kind_in_http3(&error)),
        }
    }

    /// The next piece of its content; nothing once it has come whole.
    pub(super) async fn content(&mut self) -> Result<Option<Bytes>, ErrorKind> {
        match self {
            Self::Http2Asked(..) => panic!("the head comes first"),
            Self::Http2Answered(stream, taken) => {
                // It cannot fail for as much as was taken and not given back.
                let _ = stream.flow_control().release_capacity(*taken);
                let piece = stream.data().await.transpose().map_err(|error| kind_in_http2(&error))?;
                *taken = piece.as_ref().map_or(0, Bytes::len);
                Ok(piece)
            }
            Self::Http3(stream) => {
                let piece = stream.recv_data().await.map_err(|error| kind_in_http3(&error))?;
                Ok(piece.map(|mut piece| piece.copy_to_bytes(piece.remaining())))
            }
        }
    }
}

/// As a reader of a socket would be told.
fn kind_in_http2(error: &h2::Error) -> ErrorKind {
    assert!(!error.is_library(), "the server broke a rule of HTTP/2: {error}");
    match error.get_io().map(io::Error::kind) {
        Some(ErrorKind::UnexpectedEof) => ErrorKind::UnexpectedEof,
        Some(_) | None => ErrorKind::ConnectionReset,
    }
}

/// The same.
fn kind_in_http3(error: &StreamError) -> ErrorKind {
    assert!(!matches!(error, StreamError::StreamError { .. }), "the server broke a rule of HTTP/3: {error}");
    ErrorKind::ConnectionReset
}
