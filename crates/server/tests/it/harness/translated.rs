//! A client of HTTP/2 or HTTP/3 that is spoken to in HTTP/1.1: it translates the requests that a test writes, each to a
//! stream, and the answers back, in the order of the requests (RFC 9113 section 8, RFC 9114 section 4).
//!
//! It takes no more content than its windows allow and its test reads. An answer that breaks a rule fails the test.

use std::collections::VecDeque;
use std::fmt::Write;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri};
use socket2::Socket;

use super::network::Network;
use super::streams::{Exchange, Session};
use super::{Identity, SOON, Window};

/// Fields that are about one connection, and malformed where there are streams (RFC 9113 section 8.2.2).
const CONNECTION_FIELDS: [&str; 5] =
    ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"];

/// A connection that is spoken to in HTTP/1.1.
pub(crate) struct Translated {
    session: Session,
    owed: VecDeque<Owed>,
    network: Network,
    /// What was said and is not yet a whole request.
    said: Vec<u8>,
    /// What of the answers is translated and was not read.
    told: Bytes,
    /// How the connection ended, or an answer on it before its time, as long as nothing else is asked for.
    end: Option<Result<(), ErrorKind>>,
    pub(super) patience: Duration,
}

/// An answer that has not come whole.
struct Owed {
    exchange: Exchange,
    method: Method,
    rest: Rest,
}

enum Rest {
    All,
    /// So many bytes of content.
    Bytes(usize),
    /// Content of which the length is not told: its reader sees an end behind it.
    Untold,
}

impl Translated {
    /// HTTP/2 over TLS, on a socket that is connected.
    pub(super) fn to_http2(socket: &Socket, identity: &Identity, window: Window) -> Self {
        let network = Network::new();
        let session = network.soon(Session::http2(socket, identity, window));
        Self::with(network, session)
    }

    /// HTTP/3, from a socket that is bound.
    pub(super) fn to_http3(
        socket: &Socket,
        address: SocketAddr,
        identity: &Identity,
        window: Window,
    ) -> Self {
        let network = Network::new();
        let session = Session::http3(&network, socket, address, identity, window);
        Self::with(network, session)
    }

    fn with(network: Network, session: Session) -> Self {
        Self {
            session,
            owed: VecDeque::new(),
            network,
            said: Vec::new(),
            told: Bytes::new(),
            end: None,
            patience: SOON,
        }
    }

    pub(super) fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.said.extend_from_slice(bytes);
        while let Some((request, content, length)) = request_in(&self.said) {
            self.said.drain(..length);
            let method = request.method().clone();
            let asked = self.network.within(self.patience, self.session.ask(request, content));
            let exchange = asked.ok_or(ErrorKind::WouldBlock)??;
            self.owed.push_back(Owed { exchange, method, rest: Rest::All });
            self.end = None;
        }
        Ok(())
    }

    pub(super) fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        while self.told.is_empty() {
            if self.owed.is_empty() {
                return self.wait_for_end();
            }
            let next = next(&mut self.owed);
            match self.network.within(self.patience, next).ok_or(ErrorKind::WouldBlock)? {
                Ok(Some(told)) => self.told = told,
                Ok(None) => return Ok(0),
                Err(kind) => {
                    self.owed.pop_front();
                    self.end = Some(Err(kind));
                    return Err(kind.into());
                }
            }
        }
        let length = room.len().min(self.told.len());
        room[..length].copy_from_slice(&self.told.split_to(length));
        Ok(length)
    }

    /// Ends the connection without a word on any stream.
    pub(super) fn break_off(&mut self) {
        self.session.break_off();
    }

    /// Nothing is owed, so that nothing but an end can come.
    fn wait_for_end(&mut self) -> io::Result<usize> {
        if self.end.is_none() {
            let ended = self.network.within(self.patience, self.session.ended());
            self.end = Some(ended.ok_or(ErrorKind::WouldBlock)?);
        }
        self.end.expect("it was just found").map(|()| 0).map_err(io::Error::from)
    }

    /// Gives up the answer that is owed first; the connection goes on.
    pub(super) fn cancel(&mut self) {
        self.told.clear();
        let _in_network = self.network.runtime().enter();
        drop(self.owed.pop_front().expect("an answer that is owed"));
    }
}

/// What comes next, maybe of no length; nothing at an end.
async fn next(owed: &mut VecDeque<Owed>) -> Result<Option<Bytes>, ErrorKind> {
    let Owed { exchange, method, rest } = owed.front_mut().expect("an answer that is owed");
    match rest {
        Rest::All => {
            let head = exchange.head().await?;
            *rest = rest_behind(&head, method);
            return Ok(Some(told(&head)));
        }
        Rest::Bytes(left) => {
            if let Some(piece) = exchange.content().await? {
                *left = left.checked_sub(piece.len()).expect("no more content than the head tells");
                return Ok(Some(piece));
            }
            assert_eq!(*left, 0, "a stream that ends in good order before its content does");
        }
        Rest::Untold => {
            if let Some(piece) = exchange.content().await? {
                return Ok(Some(piece));
            }
        }
    }
    let is_end = matches!(rest, Rest::Untold);
    owed.pop_front();
    Ok((!is_end).then(Bytes::new))
}

fn rest_behind(head: &Response<()>, method: &Method) -> Rest {
    if *method == Method::HEAD || matches!(head.status().as_u16(), 204 | 304) {
        return Rest::Bytes(0);
    }
    match head.headers().get(CONTENT_LENGTH) {
        Some(length) => Rest::Bytes(number(length)),
        None => Rest::Untold,
    }
}

fn number(length: &HeaderValue) -> usize {
    length.to_str().ok().and_then(|length| length.parse().ok()).expect("a length")
}

/// An answer's head in HTTP/1.1.
fn told(head: &Response<()>) -> Bytes {
    let mut text = format!("HTTP/1.1 {}\r\n", head.status());
    for (name, value) in head.headers() {
        assert!(!CONNECTION_FIELDS.contains(&name.as_str()), "where there are streams: {name}");
        write!(text, "{name}: {}\r\n", value.to_str().expect("a value in ASCII"))
            .expect("a string takes all");
    }
    text.push_str("\r\n");
    text.into()
}

/// The first request in `said`, with its content and the length of both there; nothing if it is not whole.
fn request_in(said: &[u8]) -> Option<(Request<()>, Bytes, usize)> {
    let head_length = said.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let mut lines = said[..head_length - 4].split(|byte| *byte == b'\n');
    let mut lines = lines.by_ref().map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let start =
        lines.next().and_then(|line| std::str::from_utf8(line).ok()).expect("a request line in ASCII");
    let [method, target, _version] = start.split(' ').collect::<Vec<_>>()[..] else {
        panic!("not to be said where there are streams: {start}")
    };
    let mut fields = HeaderMap::new();
    for line in lines {
        let colon = line.iter().position(|byte| *byte == b':').expect("a name and a value");
        let name = HeaderName::from_bytes(&line[..colon]).expect("a name");
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).expect("a value");
        if !CONNECTION_FIELDS.contains(&name.as_str()) {
            fields.append(name, value);
        }
    }
    let length = head_length + fields.get(CONTENT_LENGTH).map_or(0, number);
    let content = Bytes::copy_from_slice(said.get(head_length..length)?);
    let host = fields.remove(HOST).expect("a host");
    let mut request = Request::new(());
    *request.method_mut() = Method::from_bytes(method.as_bytes()).expect("a method");
    *request.uri_mut() = uri(target, host.to_str().expect("a host in ASCII"));
    *request.headers_mut() = fields;
    Some((request, content, length))
}

/// What is asked for. A target with an authority says itself who is asked (RFC 9112 section 3.2.2).
fn uri(target: &str, host: &str) -> Uri {
    let (authority, path) = match target.strip_prefix("http://") {
        Some(rest) => rest.split_at(rest.find('/').expect("a path")),
        None => (host, target),
    };
    Uri::builder().scheme("https").authority(authority).path_and_query(path).build().expect("a target")
}
