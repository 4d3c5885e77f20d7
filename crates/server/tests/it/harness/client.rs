//! A client that works on raw bytes: it sends what a test says, in the portions in which the test says it,
//! and reads answers strictly by RFC 9112; an answer that is not well-formed fails the test.

use std::io::ErrorKind;
use std::mem::MaybeUninit;
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Protocol, SockFilter, Socket, Type};

use super::{Channel, SOON, Translated};

/// A connection to the server.
pub(crate) struct Conn {
    socket: Socket,
    channel: Channel,
    unread: Vec<u8>,
}

/// How much a client's system takes in before its program has read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Window {
    /// As much as the system finds good, some megabytes.
    Usual,
    /// Less than `SMALL_WINDOW`.
    Small,
}

/// More than a client with a small window takes in beyond what it wants to read, in bytes.
pub(crate) const SMALL_WINDOW: u64 = 48 * 1024;

/// What the server answered.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) fields: Vec<(String, String)>,
    /// The content, or of an answer that was cut what came of it.
    pub(crate) content: Vec<u8>,
}

/// Why no more can be read from a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The server ended its side in good order.
    Clean,
    /// The server broke the connection off.
    Reset,
    /// The server ended its side without saying so within TLS.
    Cut,
    /// Nothing came for as long as this client waits; the connection is still there.
    Silence,
}

/// Whether an answer's content follows its head: not after HEAD (RFC 9112 section 6.3, rule 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Sent,
    Withheld,
}

impl Conn {
    pub(crate) fn open(address: SocketAddr) -> Self {
        Self::over_tcp(TcpStream::connect(address).expect("the server accepts").into())
    }

    /// A connection whose receive buffer is so small that the server must wait for this client to read.
    pub(crate) fn with_small_window(address: SocketAddr) -> Self {
        Self::open_as(address, None, Window::Small)
    }

    /// A connection from an address of this machine, of which the loopback interface has 127.0.0.0/8.
    pub(crate) fn open_as(address: SocketAddr, from: Option<IpAddr>, window: Window) -> Self {
        let socket =
            Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP)).expect("socket");
        if let Some(from) = from {
            socket.bind(&SocketAddr::new(from, 0).into()).expect("an address of the loopback interface");
        }
        match window {
            Window::Usual => {}
            Window::Small => socket.set_recv_buffer_size(8 * 1024).expect("a small buffer"),
        }
        socket.connect(&address.into()).expect("the server accepts");
        Self::over_tcp(socket)
    }

    fn over_tcp(socket: Socket) -> Self {
        socket.set_tcp_nodelay(true).expect("TCP_NODELAY");
        let mut conn = Self { socket, channel: Channel::Plain, unread: Vec::new() };
        conn.set_patience(SOON);
        conn
    }

    /// A socket for datagrams to `address`, on which nothing is said before it is translated.
    pub(super) fn bound(from: Option<IpAddr>, address: SocketAddr) -> Self {
        let socket =
            Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP)).expect("socket");
        let from = from.unwrap_or(address.ip());
        socket.bind(&SocketAddr::new(from, 0).into()).expect("an address of the loopback interface");
        Self { socket, channel: Channel::Plain, unread: Vec::new() }
    }

    /// The same connection, on which everything is said through this channel.
    pub(crate) fn through(mut self, channel: Channel) -> Self {
        self.channel = channel;
        self
    }

    /// Completes the handshake, where there is one.
    pub(crate) fn shake_hands(&mut self) {
        self.channel.shake_hands(&mut self.socket).expect("a handshake");
    }

    /// Whether the handshake can be completed.
    pub(crate) fn tries_to_shake_hands(&mut self) -> bool {
        self.channel.shake_hands(&mut self.socket).is_ok()
    }

    /// What lies between the words and the socket.
    pub(crate) fn channel(&self) -> &Channel {
        &self.channel
    }

    /// Ends the stream to the server without a word about it.
    pub(crate) fn cut_sending(&mut self) {
        self.socket.shutdown(Shutdown::Write).expect("a connection that holds");
    }

    /// The same socket, on which what is said is translated to another version of HTTP.
    pub(super) fn translated(self, to: impl FnOnce(&Socket) -> Translated) -> Self {
        let translated = to(&self.socket);
        self.through(Channel::Translated(Box::new(translated)))
    }

    /// How long a read waits before it reports silence, and a write before it fails.
    pub(crate) fn set_patience(&mut self, patience: Duration) {
        if let Channel::Translated(session) = &mut self.channel {
            session.patience = patience;
            return;
        }
        self.socket.set_write_timeout(Some(patience)).expect("a time-out");
        self.socket.set_read_timeout(Some(patience)).expect("a time-out");
    }

    fn is_tcp(&self) -> bool {
        self.socket.r#type().expect("a socket has a type") == Type::STREAM
    }

    /// This end's port.
    pub(crate) fn port(&self) -> u16 {
        let address = self.socket.local_addr().expect("a socket has an address");
        address.as_socket().expect("an address of the Internet").port()
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes.as_ref()).expect("the server takes the bytes");
    }

    /// Sends to a server that may already have answered and gone.
    pub(crate) fn try_send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.channel.write_all(&mut self.socket, bytes)
    }

    /// Ends this side; the server's side stays open.
    pub(crate) fn finish_sending(&mut self) {
        assert!(self.is_tcp(), "QUIC ends streams, and connections for both sides");
        // Either fails only if the server has already broken the connection off, which the next read reports.
        let _ = self.channel.finish(&mut self.socket);
        let _ = self.socket.shutdown(Shutdown::Write);
    }

    /// Gives up the answer that is coming, and nothing else, where an answer has a stream.
    pub(crate) fn cancel(&mut self) {
        let Channel::Translated(session) = &mut self.channel else { panic!("HTTP/1.1 has no streams") };
        session.cancel();
        self.unread.clear();
    }

    /// Breaks the connection off: the server gets a reset, not an end.
    pub(crate) fn reset(mut self) {
        self.reset_on_drop();
    }

    /// The same, at the latest when it is dropped.
    pub(crate) fn reset_on_drop(&mut self) {
        if let Channel::Translated(session) = &mut self.channel {
            session.break_off();
        }
        self.socket.set_linger(Some(Duration::ZERO)).expect("SO_LINGER");
    }

    /// Acknowledges what has arrived without the delay that the kernel allows itself (tcp(7), `TCP_QUICKACK`); over UDP
    /// it is not the kernel that acknowledges.
    pub(crate) fn acknowledge(&self) {
        if self.is_tcp() {
            rustix::net::sockopt::set_tcp_quickack(&self.socket, true).expect("TCP_QUICKACK");
        }
    }

    /// Waits until this side's kernel holds `length` bytes that nobody has read, and acknowledges them. Where what is
    /// said is translated, all that arrives is read and acknowledged, whether a test wants it or not.
    pub(crate) fn hold_unread(&self, length: usize) {
        if matches!(self.channel, Channel::Translated(_)) {
            return;
        }
        let mut room = vec![MaybeUninit::uninit(); length];
        super::eventually("bytes arrive", SOON, || {
            let held = self.socket.peek(&mut room).expect("the connection holds");
            (held == length).then_some(())
        });
        self.acknowledge();
    }

    /// From now on nothing that the server sends reaches this side's TCP, as if a cable were cut: nothing is
    /// acknowledged and nothing refused. It ends with the connection, and what is sent still arrives.
    pub(crate) fn vanish(&self) {
        // BPF_RET | BPF_K with 0: keep no byte of any packet (socket(7), SO_ATTACH_FILTER).
        const KEEP_NOTHING: SockFilter = SockFilter::new(0x06, 0, 0, 0);
        self.socket.attach_filter(&[KEEP_NOTHING]).expect("SO_ATTACH_FILTER");
    }

    pub(crate) fn get(&mut self, target: &str) -> Answer {
        self.send(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
        self.answer()
    }

    /// Asks for the same file so often, far ahead of the answers.
    pub(crate) fn get_often(&mut self, target: &str, times: usize, content: &[u8]) {
        const BATCH: usize = 500;
        // Half of what servers should allow at a time (RFC 9113 section 6.5.2, RFC 9114 section 6.1).
        const STREAMS: usize = 50;
        let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
        let batch = if matches!(self.channel, Channel::Translated(_)) { STREAMS } else { BATCH };
        for begun in (0..times).step_by(batch) {
            let count = batch.min(times - begun);
            self.send(request.repeat(count));
            for _ in 0..count {
                assert_eq!(self.answer().content, content);
            }
        }
    }

    pub(crate) fn head(&mut self, target: &str) -> Answer {
        self.send(format!("HEAD {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
        self.next(Content::Withheld).expect("an answer")
    }

    /// The next answer, whole.
    pub(crate) fn answer(&mut self) -> Answer {
        let answer = self.next(Content::Sent).expect("an answer");
        assert!(answer.is_whole(), "cut after {} bytes: {:?}", answer.content.len(), answer.fields);
        answer
    }

    /// The next answer, however much of its content comes, or why there is none.
    pub(crate) fn next(&mut self, content: Content) -> Result<Answer, End> {
        let mut answer = self.next_head()?;
        let bare = content == Content::Withheld || matches!(answer.status, 100..200 | 204 | 304);
        if bare {
            return Ok(answer);
        }
        answer.content = match answer.field("Transfer-Encoding") {
            Some(coding) => {
                assert_eq!(coding, "chunked");
                self.take_chunks()
            }
            None => self.take(answer.content_length().unwrap_or(usize::MAX)),
        };
        Ok(answer)
    }

    /// The next answer, however much of it comes; `None` if not even its head does, as from a server that is killed.
    pub(crate) fn try_next(&mut self, content: Content) -> Option<Answer> {
        while find(&self.unread, b"\r\n\r\n").is_none() {
            self.fill().ok()?;
        }
        self.next(content).ok()
    }

    /// The head of the next answer; its content stays unread.
    pub(crate) fn next_head(&mut self) -> Result<Answer, End> {
        let length = loop {
            if let Some(at) = find(&self.unread, b"\r\n\r\n") {
                break at + 4;
            }
            if let Err(end) = self.fill() {
                assert!(
                    self.unread.is_empty(),
                    "cut within a head: {:?}",
                    self.unread.escape_ascii().to_string()
                );
                return Err(end);
            }
        };
        let head: Vec<u8> = self.unread.drain(..length).collect();
        Ok(parse_head(&head))
    }

    /// The next content that comes in chunks (RFC 9112 section 7.1), whole.
    fn take_chunks(&mut self) -> Vec<u8> {
        let mut content = Vec::new();
        loop {
            let line = self.take_line();
            let length = usize::from_str_radix(&line, 16).expect("a length");
            content.extend(self.take(length));
            assert_eq!(self.take_line(), "", "behind {length} bytes");
            if length == 0 {
                return content;
            }
        }
    }

    /// The next line, without its end.
    fn take_line(&mut self) -> String {
        let length = loop {
            match find(&self.unread, b"\r\n") {
                Some(length) => break length,
                None => self.fill().expect("a line"),
            }
        };
        let mut line = self.take(length + 2);
        line.truncate(length);
        String::from_utf8(line).expect("a line in ASCII")
    }

    /// The next `length` bytes; fewer only if the connection ends before.
    pub(crate) fn take(&mut self, length: usize) -> Vec<u8> {
        while self.unread.len() < length && self.fill().is_ok() {}
        let rest = self.unread.split_off(length.min(self.unread.len()));
        std::mem::replace(&mut self.unread, rest)
    }

    /// How the connection ends, when nothing is left to read; panics if another byte comes instead.
    pub(crate) fn end(&mut self) -> End {
        match self.fill() {
            Err(end) if self.unread.is_empty() => end,
            _ => panic!("expected the end, came: {:?}", self.unread.escape_ascii().to_string()),
        }
    }

    fn fill(&mut self) -> Result<(), End> {
        let mut portion = [0; 16 * 1024];
        loop {
            return match self.channel.read(&mut self.socket, &mut portion) {
                Ok(0) => Err(End::Clean),
                Ok(length) => {
                    self.unread.extend_from_slice(&portion[..length]);
                    Ok(())
                }
                Err(error) => match error.kind() {
                    ErrorKind::Interrupted => continue,
                    ErrorKind::WouldBlock | ErrorKind::TimedOut => Err(End::Silence),
                    ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => Err(End::Reset),
                    // The stream has ended within a session that goes on.
                    ErrorKind::UnexpectedEof => Err(End::Cut),
                    _ => panic!("reading failed: {error}"),
                },
            };
        }
    }
}

impl Answer {
    /// The field's value; a field that comes twice fails the test.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut values = self.fields.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} twice: {:?}", self.fields);
        value
    }

    pub(crate) fn content_length(&self) -> Option<usize> {
        self.field("Content-Length").map(|length| length.parse().expect("Content-Length is a number"))
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.content_length().is_none_or(|length| length == self.content.len())
    }

    /// Whether the server says that it closes the connection after this answer.
    pub(crate) fn announces_close(&self) -> bool {
        self.field("Connection").is_some_and(|options| options.eq_ignore_ascii_case("close"))
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// Reads a head by the grammar of RFC 9112 sections 4 and 5, without any leniency.
fn parse_head(head: &[u8]) -> Answer {
    let text =
        std::str::from_utf8(head).expect("a head in ASCII").strip_suffix("\r\n\r\n").expect("the head's end");
    let mut lines = text.split("\r\n");
    let status_line = lines.next().expect("a status line");
    let rest =
        status_line.strip_prefix("HTTP/1.1 ").unwrap_or_else(|| panic!("status line: {status_line:?}"));
    let (status, reason) = rest.split_once(' ').unwrap_or_else(|| panic!("status line: {status_line:?}"));
    assert!(!reason.is_empty() && status.len() == 3, "status line: {status_line:?}");
    let fields = lines.map(|line| {
        assert!(!line.contains(['\r', '\n', '\0']), "field: {line:?}");
        let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("field: {line:?}"));
        let is_token =
            name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
        assert!(is_token && !name.is_empty() && value == value.trim(), "field: {line:?}");
        (name.to_owned(), value.to_owned())
    });
    let fields = fields.collect();
    Answer { status: status.parse().expect("a status code"), fields, content: Vec::new() }
}
