//! What was asked and what was answered, for lines that tell more than `tally` does.
//!
//! It is made where a status is decided and travels with the answer until its end is known. The `tally` format needs none of
//! it, and then none is made.

use tallyd_http::method::Method;
use tallyd_http::request::{Request, Version};
use tallyd_http::status::Status;
use tallyd_http::target::Target;
use tallyd_http::validator::Timestamp;
use tallyd_ledger::{Outcome, Weight, path_text};

use super::line::Peer;
use crate::clock;

/// What the ledger carries for a line; nothing, unless the format asks for it.
pub(crate) type Details = Option<Box<Exchange>>;

/// The longest request line that is kept, in bytes: a method and the longest target that is answered.
const MAX_REQUEST_LINE_BYTES: usize = 8192;

/// The longest field value that is kept, in bytes: honest ones are shorter, and thousands of lines can wait at a time.
const MAX_VALUE_BYTES: usize = 2048;

/// What is known of the request that is answered.
#[derive(Clone, Copy)]
pub(crate) enum Asked<'a> {
    /// Its head was read.
    Read(&'a Request<'a>),
    /// It was refused before that; these bytes have come.
    Unreadable(&'a [u8]),
    /// It was refused for its length, and this is its method.
    TooLong(Method),
}

impl<'a> Asked<'a> {
    /// The request, if its head was read.
    pub(crate) fn request(self) -> Option<&'a Request<'a>> {
        match self {
            Asked::Read(request) => Some(request),
            Asked::Unreadable(_) | Asked::TooLong(_) => None,
        }
    }
}

/// A request and the status of its answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Exchange {
    /// As sent, without its end; empty if nothing came.
    pub(super) request_line: Box<[u8]>,
    /// `Referer` (RFC 9110 §10.1.3).
    pub(super) referrer: Option<Box<[u8]>>,
    /// `User-Agent` (RFC 9110 §10.1.5).
    pub(super) user_agent: Option<Box<[u8]>>,
    /// The three digits of the status.
    pub(super) status: u16,
    /// When it was decided.
    pub(super) time: Timestamp,
}

/// An answer that took no number, at its end.
#[derive(Debug)]
pub(crate) struct Answered {
    /// Who asked.
    pub(crate) peer: Peer,
    /// What was asked and answered.
    pub(crate) exchange: Box<Exchange>,
    /// Content bytes acknowledged.
    pub(crate) bytes: u64,
    /// How it ended.
    pub(crate) outcome: Outcome,
    /// From the decision to the end.
    pub(crate) duration_ms: u64,
}

/// All that a line can tell.
pub(super) struct Record<'a> {
    /// The printed path; `None` if no target is known.
    pub(super) path: Option<&'a str>,
    pub(super) peer: Peer,
    /// `None` for an answer that takes no number.
    pub(super) number: Option<u64>,
    pub(super) exchange: &'a Exchange,
    pub(super) bytes: u64,
    pub(super) outcome: Outcome,
    pub(super) duration_ms: u64,
}

impl Asked<'_> {
    /// Whether the answer must not have content (RFC 9110 §9.3.2).
    pub(crate) fn withholds_content(self) -> bool {
        match self {
            Asked::Read(request) => request.method == Method::Head,
            Asked::TooLong(method) => method == Method::Head,
            Asked::Unreadable(_) => false,
        }
    }
}

impl Exchange {
    /// An exchange that is answered with `status` now.
    pub(super) fn new(asked: Asked<'_>, status: Status) -> Exchange {
        let (request_line, referrer, user_agent) = match asked {
            Asked::Read(request) => {
                let fields = &request.fields;
                (line_of(request), first(fields.referrer.lines()), first(fields.user_agent.lines()))
            }
            Asked::Unreadable(bytes) => (first_line(bytes).into(), None, None),
            Asked::TooLong(_) => (Box::default(), None, None),
        };
        Exchange { request_line, referrer, user_agent, status: status.code, time: clock::timestamp() }
    }

    /// Method, target and protocol, if the request line has all three.
    pub(super) fn parts(&self) -> Option<[&[u8]; 3]> {
        let mut words = self.request_line.split(|&byte| byte == b' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some(method), Some(target), Some(protocol), None) if protocol.starts_with(b"HTTP/") => {
                Some([method, target, protocol])
            }
            (_, _, _, _) => None,
        }
    }

    /// The path asked for, as text: decoded where the target is a valid one, else as sent.
    pub(super) fn path(&self) -> Option<String> {
        let [_, target, _] = self.parts()?;
        Some(match Target::parse(target) {
            Ok(Target::Path { path, .. }) => path_text::print(path.as_bytes()).into_owned(),
            Ok(Target::Server) | Err(_) => path_text::print(target).into_owned(),
        })
    }
}

impl Weight for Exchange {
    fn weight(&self) -> usize {
        let length = |value: &Option<Box<[u8]>>| value.as_ref().map_or(0, |value| value.len());
        size_of::<Self>() + self.request_line.len() + length(&self.referrer) + length(&self.user_agent)
    }
}

impl Answered {
    /// What its line tells. `path` is the exchange's.
    pub(super) fn record<'a>(&'a self, path: Option<&'a str>) -> Record<'a> {
        Record {
            path,
            peer: self.peer,
            number: None,
            exchange: &self.exchange,
            bytes: self.bytes,
            outcome: self.outcome,
            duration_ms: self.duration_ms,
        }
    }
}

fn line_of(request: &Request<'_>) -> Box<[u8]> {
    let version: &[u8] = match request.version {
        Version::Http10 => b"HTTP/1.0",
        Version::Http11 => b"HTTP/1.1",
        Version::Http2 => b"HTTP/2.0",
        Version::Http3 => b"HTTP/3.0",
    };
    [request.method_token.as_bytes(), request.target, version].join(&b' ').into()
}

/// What came of the first line, however little.
fn first_line(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(bytes.len());
    &bytes[..end.min(MAX_REQUEST_LINE_BYTES)]
}

fn first(lines: &[&[u8]]) -> Option<Box<[u8]>> {
    lines.first().map(|line| line[..line.len().min(MAX_VALUE_BYTES)].into())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Shows a record of this request line and user agent: 200 with 1234 bytes for 192.0.2.1 within 5 ms.
    pub(in crate::access_log) fn record(
        request_line: &[u8],
        user_agent: Option<&[u8]>,
        show: impl FnOnce(&Record<'_>),
    ) {
        let time = Timestamp { seconds: 1_795_384_100, nanoseconds: 42_000_000 };
        let (request_line, user_agent) = (request_line.into(), user_agent.map(Into::into));
        let exchange = Exchange { request_line, referrer: None, user_agent, status: 200, time };
        let answered = Answered {
            peer: Peer { ip: [192, 0, 2, 1].into(), port: 80 },
            exchange: Box::new(exchange),
            bytes: 1234,
            outcome: Outcome::Completed,
            duration_ms: 5,
        };
        show(&answered.record(answered.exchange.path().as_deref()));
    }

    #[test]
    fn a_request_line_is_as_sent_as_far_as_it_came() {
        #[track_caller]
        fn check(bytes: &[u8], expect: &[u8]) {
            let status = Status::BAD_REQUEST;
            assert_eq!(*Exchange::new(Asked::Unreadable(bytes), status).request_line, *expect);
        }
        check(b"", b"");
        check(b"GE", b"GE");
        check(b"GET /a HTTP/9.9\r\nHost: a\r\n", b"GET /a HTTP/9.9");
        check(b"GET /a\nb", b"GET /a");
        check(&[b'x'; 10_000], &[b'x'; MAX_REQUEST_LINE_BYTES]);
    }
}
