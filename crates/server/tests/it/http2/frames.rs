//! A client that works on raw frames: it sends what a test says, valid or not, and reads what the server frames.
//!
//! Field sections are sent as literals without Huffman codes, and of an answer's section only the status is read.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Protocol, SockFilter, SockRef, Socket, Type};

use crate::harness::SOON;

/// What a client says first (RFC 9113 section 3.4).
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The types of frames (RFC 9113 section 6).
pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const PRIORITY: u8 = 2;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PUSH_PROMISE: u8 = 5;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;
pub(super) const CONTINUATION: u8 = 9;

/// The flags; `END_STREAM` is `ACK` of other types.
pub(super) const END_STREAM: u8 = 0x1;
pub(super) const ACK: u8 = 0x1;
pub(super) const END_HEADERS: u8 = 0x4;
pub(super) const PADDED: u8 = 0x8;

/// The codes of errors that tests cause or say (RFC 9113 section 7).
pub(super) const CODES: [&str; 14] = [
    "NO_ERROR",
    "PROTOCOL_ERROR",
    "INTERNAL_ERROR",
    "FLOW_CONTROL_ERROR",
    "SETTINGS_TIMEOUT",
    "STREAM_CLOSED",
    "FRAME_SIZE_ERROR",
    "REFUSED_STREAM",
    "CANCEL",
    "COMPRESSION_ERROR",
    "CONNECT_ERROR",
    "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY",
    "HTTP_1_1_REQUIRED",
];
pub(super) const CANCEL: u32 = 8;

/// Settings by their number (RFC 9113 section 6.5.2).
pub(super) const ENABLE_PUSH: u16 = 2;
pub(super) const INITIAL_WINDOW_SIZE: u16 = 4;
pub(super) const MAX_FRAME_SIZE: u16 = 5;

/// The window that every stream and connection begins with, in bytes (RFC 9113 section 6.9.2).
pub(super) const WINDOW: usize = 65_535;

/// The length of a frame's head, in bytes.
const HEAD: usize = 9;

/// A connection in HTTP/2.
pub(super) struct Frames {
    stream: TcpStream,
    unread: Vec<u8>,
}

/// A frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

/// One stream's answer, as far as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) content: Vec<u8>,
}

impl Frames {
    /// A connection with nothing said yet.
    pub(super) fn silent(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).expect("the server accepts"))
    }

    /// A connection on which the preface and these settings were sent.
    pub(super) fn open(address: SocketAddr, settings: &[(u16, u32)]) -> Self {
        let mut frames = Self::silent(address);
        frames.greet(settings);
        frames
    }

    /// The same of a client whose system takes in little before its program has read it.
    pub(super) fn with_small_window(address: SocketAddr, settings: &[(u16, u32)]) -> Self {
        let socket =
            Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP)).expect("socket");
        socket.set_recv_buffer_size(8 * 1024).expect("a small buffer");
        socket.connect(&address.into()).expect("the server accepts");
        let mut frames = Self::over(socket.into());
        frames.greet(settings);
        frames
    }

    fn over(stream: TcpStream) -> Self {
        stream.set_nodelay(true).expect("TCP_NODELAY");
        stream.set_read_timeout(Some(SOON)).expect("a time-out");
        stream.set_write_timeout(Some(SOON)).expect("a time-out");
        Self { stream, unread: Vec::new() }
    }

    fn greet(&mut self, settings: &[(u16, u32)]) {
        self.send_bytes(&[PREFACE, &frame(SETTINGS, 0, 0, &settings_payload(settings))].concat());
    }

    /// This end's port.
    pub(super) fn port(&self) -> u16 {
        self.stream.local_addr().expect("a connected socket has an address").port()
    }

    pub(super) fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the server takes the bytes");
    }

    /// Sends to a server that may already have said that it closes.
    pub(super) fn try_send_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Asks for a path by GET.
    pub(super) fn get(&mut self, stream: u32, path: &str) {
        self.send_bytes(&request(stream, path, &[]));
    }

    /// Grants a stream, or with 0 the connection, more content.
    pub(super) fn grant(&mut self, stream: u32, bytes: usize) {
        let more = u32::try_from(bytes).expect("a window's size");
        self.send_bytes(&frame(WINDOW_UPDATE, 0, stream, &more.to_be_bytes()));
    }

    /// Gives a stream up.
    pub(super) fn cancel(&mut self, stream: u32) {
        self.send_bytes(&frame(RST_STREAM, 0, stream, &CANCEL.to_be_bytes()));
    }

    /// Ends this side of TCP; the server's side stays open.
    pub(super) fn finish_sending(&self) {
        self.stream.shutdown(Shutdown::Write).expect("the connection holds");
    }

    /// Breaks the connection off with a reset of TCP.
    pub(super) fn reset(self) {
        SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)).expect("SO_LINGER");
    }

    /// Acknowledges what has arrived without the delay that the kernel allows itself (tcp(7), `TCP_QUICKACK`).
    pub(super) fn acknowledge(&self) {
        rustix::net::sockopt::set_tcp_quickack(&self.stream, true).expect("TCP_QUICKACK");
    }

    /// The next frame; `None` when the connection has ended. Settings are acknowledged on the way.
    pub(super) fn next(&mut self) -> Option<Frame> {
        let head = self.take(HEAD)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let stream = u32::from_be_bytes([head[5] & 0x7f, head[6], head[7], head[8]]);
        let payload = self.take(length as usize)?;
        let next = Frame { kind: head[3], flags: head[4], stream, payload };
        if next.kind == SETTINGS && next.flags & ACK == 0 {
            // The server may have closed behind it.
            let _ = self.try_send_bytes(&frame(SETTINGS, ACK, 0, &[]));
        }
        Some(next)
    }

    /// The next frame that is no setting, which come when they like.
    pub(super) fn next_telling(&mut self) -> Option<Frame> {
        loop {
            let next = self.next()?;
            if !matches!(next.kind, SETTINGS | WINDOW_UPDATE) {
                return Some(next);
            }
        }
    }

    /// One stream's answer, to its end; what belongs to others is passed over. Neither window is opened.
    pub(super) fn answer(&mut self, stream: u32) -> Answered {
        let mut answered = Answered::default();
        loop {
            let next = self.next_telling().unwrap_or_else(|| panic!("cut: {answered:?}"));
            assert!(!matches!(next.kind, GOAWAY | RST_STREAM), "{}", next.told());
            if next.stream == stream && answered.add(&next) {
                return answered;
            }
        }
    }

    /// Reads whatever comes until the server closes.
    pub(super) fn wait_for_end(&mut self) {
        while self.take(1).is_some() {}
    }

    /// From now on nothing that the server sends reaches this side's TCP, as if a cable were cut.
    pub(super) fn vanish(&self) {
        // BPF_RET | BPF_K with 0: keep no byte of any packet (socket(7), SO_ATTACH_FILTER).
        const KEEP_NOTHING: SockFilter = SockFilter::new(0x06, 0, 0, 0);
        SockRef::from(&self.stream).attach_filter(&[KEEP_NOTHING]).expect("SO_ATTACH_FILTER");
    }

    fn take(&mut self, length: usize) -> Option<Vec<u8>> {
        let mut portion = [0; 16 * 1024];
        while self.unread.len() < length {
            match self.stream.read(&mut portion) {
                Ok(0) => return None,
                Ok(taken) => self.unread.extend_from_slice(&portion[..taken]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("nothing came: {error}"),
            }
        }
        let rest = self.unread.split_off(length);
        Some(std::mem::replace(&mut self.unread, rest))
    }
}

impl Frame {
    /// The code of a `RST_STREAM` or `GOAWAY`, by name.
    pub(super) fn code(&self) -> &'static str {
        let at = match self.kind {
            RST_STREAM => 0,
            GOAWAY => 4,
            kind => panic!("a frame of type {kind} has no code"),
        };
        let code: [u8; 4] = self.payload[at..at + 4].try_into().expect("four bytes");
        CODES[u32::from_be_bytes(code) as usize]
    }

    /// The last stream that a `GOAWAY` says was dealt with.
    pub(super) fn last_stream(&self) -> u32 {
        let stream: [u8; 4] = self.payload[..4].try_into().expect("four bytes");
        u32::from_be_bytes(stream) & 0x7fff_ffff
    }

    /// The status that a `HEADERS` begins with (RFC 7541: from the static table, or as three digits).
    pub(super) fn status(&self) -> u16 {
        match self.payload[..] {
            [0x88, ..] => 200,
            [0x89, ..] => 204,
            [0x8a, ..] => 206,
            [0x8b, ..] => 304,
            [0x8c, ..] => 400,
            [0x8d, ..] => 404,
            [0x8e, ..] => 500,
            [0x08 | 0x48, length, ref value @ ..] => status_of_literal(length, value),
            _ => panic!("not a status: {:?}", self.payload),
        }
    }

    /// In words, for a table.
    pub(super) fn told(&self) -> String {
        match self.kind {
            RST_STREAM => format!("stream {} {}", self.stream, self.code()),
            GOAWAY => format!("connection {}", self.code()),
            HEADERS => format!("status {}", self.status()),
            kind => format!("type {kind} flags {} stream {}", self.flags, self.stream),
        }
    }
}

impl Answered {
    /// Adds a frame of the answer; whether it is the last.
    pub(super) fn add(&mut self, frame: &Frame) -> bool {
        match frame.kind {
            HEADERS => self.status = frame.status(),
            DATA => self.content.extend_from_slice(&frame.payload),
            kind => panic!("no frame of an answer: {kind}"),
        }
        frame.flags & END_STREAM != 0
    }
}

/// Three digits, as they are or in the Huffman code, where all have five or six bits (RFC 7541 appendix B).
fn status_of_literal(length: u8, value: &[u8]) -> u16 {
    if length & 0x80 == 0 {
        return value[..3].iter().fold(0, |status, digit| status * 10 + u16::from(digit - b'0'));
    }
    let bits: u32 = value[..3].iter().fold(0, |bits, byte| bits << 8 | u32::from(*byte));
    let mut at = 24;
    (0..3).fold(0, |status, _| {
        let five = (bits >> (at - 5)) & 0x1f;
        let digit = if five <= 2 {
            at -= 5;
            five
        } else {
            at -= 6;
            ((bits >> at) & 0x3f) - 0x19 + 3
        };
        status * 10 + digit as u16
    })
}

/// A frame's bytes.
pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(payload.len()).expect("a frame's length").to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// The payload of `SETTINGS`.
pub(super) fn settings_payload(settings: &[(u16, u32)]) -> Vec<u8> {
    settings
        .iter()
        .flat_map(|(name, value)| [&name.to_be_bytes()[..], &value.to_be_bytes()].concat())
        .collect()
}

/// A GET without content, in one frame, with these fields besides.
pub(super) fn request(stream: u32, path: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | END_STREAM, stream, &section(&request_fields(path, fields)))
}

/// The fields of a GET.
pub(super) fn request_fields<'a>(path: &'a str, fields: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [&fields_of("GET", path), fields].concat()
}

/// The fields that every request has.
pub(super) const fn fields_of<'a>(method: &'a str, path: &'a str) -> [(&'a str, &'a str); 4] {
    [(":method", method), (":scheme", "http"), (":authority", "a"), (":path", path)]
}

/// The streams of the n-th portion of requests, from 0, where each portion is so large.
pub(super) fn streams(portion: u32, size: u32) -> impl Iterator<Item = u32> {
    (portion * size..(portion + 1) * size).map(|request| 2 * request + 1)
}

/// A field section of literals that no table keeps (RFC 7541 section 6.2.2).
pub(super) fn section(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in fields {
        bytes.push(0);
        add_string(&mut bytes, name);
        add_string(&mut bytes, value);
    }
    bytes
}

fn add_string(bytes: &mut Vec<u8>, text: &str) {
    // An integer with a prefix of seven bits (RFC 7541 section 5.1).
    match text.len() {
        length @ ..127 => bytes.push(length as u8),
        length => {
            bytes.push(127);
            let mut rest = length - 127;
            while rest >= 128 {
                bytes.push((rest % 128) as u8 | 0x80);
                rest /= 128;
            }
            bytes.push(rest as u8);
        }
    }
    bytes.extend(text.as_bytes());
}
