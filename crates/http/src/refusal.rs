//! Answers other than the resource: each the peer's doing, each with one status (RFC 9110 §15).
//!
//! This is the one place that maps a refusal to a status and to the few words a person reads.
//! Nothing that the operating system says appears here.

use crate::status::Status;

/// Why a request is answered with something other than what it asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The head does not follow the grammar of RFC 9112.
    Malformed,
    /// The framing of the request's content is invalid or ambiguous (RFC 9112 §6.3, §11.2).
    AmbiguousFraming,
    /// `Host` is missing, repeated or invalid (RFC 9112 §3.2).
    BadHost,
    /// The target is not a path below the root: bad escapes, NUL, an encoded slash, `..` beyond the root.
    BadTarget,
    /// Nothing is published under this path, or nothing that may be shown.
    NotFound,
    /// The file exists, but the server may not read it.
    Forbidden,
    /// A registered method that is not supported here.
    MethodNotAllowed,
    /// The client did not complete its request in time.
    RequestTimeout,
    /// The request target is longer than the limit.
    TargetTooLong,
    /// An expectation other than `100-continue` (RFC 9110 §10.1.1).
    ExpectationFailed,
    /// The field section is longer, or has more lines, than the limit (RFC 6585 §5).
    FieldsTooLarge,
    /// A method or a transfer coding that this server does not know.
    NotImplemented,
    /// The server cannot answer now: out of descriptors or memory.
    Unavailable,
    /// The file could not be read: the world's fault, not the peer's.
    Broken,
    /// A major version of HTTP other than 1 on this connection.
    VersionNotSupported,
    /// HTTP without TLS on a port for HTTPS.
    WithoutTls,
}

/// Whether the connection can carry another request after a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aftermath {
    /// The end of the request is known; the next one can be read.
    Continue,
    /// It is unknown where the next request begins, or the peer is not to be trusted: close.
    Close,
}

impl Refusal {
    /// Every refusal, in the order of their numbers.
    pub const ALL: [Refusal; 16] = [
        Refusal::Malformed,
        Refusal::AmbiguousFraming,
        Refusal::BadHost,
        Refusal::BadTarget,
        Refusal::NotFound,
        Refusal::Forbidden,
        Refusal::MethodNotAllowed,
        Refusal::RequestTimeout,
        Refusal::TargetTooLong,
        Refusal::ExpectationFailed,
        Refusal::FieldsTooLarge,
        Refusal::NotImplemented,
        Refusal::Unavailable,
        Refusal::Broken,
        Refusal::VersionNotSupported,
        Refusal::WithoutTls,
    ];

    /// A name for figures: lower-case words joined by underscores.
    pub fn name(self) -> &'static str {
        match self {
            Refusal::Malformed => "malformed",
            Refusal::AmbiguousFraming => "ambiguous_framing",
            Refusal::BadHost => "bad_host",
            Refusal::BadTarget => "bad_target",
            Refusal::NotFound => "not_found",
            Refusal::Forbidden => "forbidden",
            Refusal::MethodNotAllowed => "method_not_allowed",
            Refusal::RequestTimeout => "request_timeout",
            Refusal::TargetTooLong => "target_too_long",
            Refusal::ExpectationFailed => "expectation_failed",
            Refusal::FieldsTooLarge => "fields_too_large",
            Refusal::NotImplemented => "not_implemented",
            Refusal::Unavailable => "unavailable",
            Refusal::Broken => "broken",
            Refusal::VersionNotSupported => "version_not_supported",
            Refusal::WithoutTls => "without_tls",
        }
    }

    /// The status of the answer.
    pub fn status(self) -> Status {
        match self {
            Refusal::Malformed
            | Refusal::AmbiguousFraming
            | Refusal::BadHost
            | Refusal::BadTarget
            | Refusal::WithoutTls => Status::BAD_REQUEST,
            Refusal::NotFound => Status::NOT_FOUND,
            Refusal::Forbidden => Status::FORBIDDEN,
            Refusal::MethodNotAllowed => Status::METHOD_NOT_ALLOWED,
            Refusal::RequestTimeout => Status::REQUEST_TIMEOUT,
            Refusal::TargetTooLong => Status::URI_TOO_LONG,
            Refusal::ExpectationFailed => Status::EXPECTATION_FAILED,
            Refusal::FieldsTooLarge => Status::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Refusal::NotImplemented => Status::NOT_IMPLEMENTED,
            Refusal::Unavailable => Status::SERVICE_UNAVAILABLE,
            Refusal::Broken => Status::INTERNAL_SERVER_ERROR,
            Refusal::VersionNotSupported => Status::HTTP_VERSION_NOT_SUPPORTED,
        }
    }

    /// One sentence for the person who sees the answer; ends in a line feed.
    pub fn sentence(self) -> &'static str {
        match self {
            Refusal::Malformed => "The request is not well-formed HTTP.\n",
            Refusal::AmbiguousFraming => "It is ambiguous where the request's content ends.\n",
            Refusal::BadHost => "The request needs exactly one valid Host field.\n",
            Refusal::BadTarget => "The address is not a valid path on this site.\n",
            Refusal::NotFound => "There is nothing here under this address.\n",
            Refusal::Forbidden => "This file may not be read.\n",
            Refusal::MethodNotAllowed => "Files here can be fetched, not changed.\n",
            Refusal::RequestTimeout => "The request did not arrive in time.\n",
            Refusal::TargetTooLong => "The address is too long.\n",
            Refusal::ExpectationFailed => "The only expectation that can be met is 100-continue.\n",
            Refusal::FieldsTooLarge => "The request's header fields are too large.\n",
            Refusal::NotImplemented => "This server does not know that method or transfer coding.\n",
            Refusal::Unavailable => "The server is too busy; try again in a moment.\n",
            Refusal::Broken => "The file could not be read.\n",
            Refusal::VersionNotSupported => "This server speaks HTTP/1.0 and HTTP/1.1 here.\n",
            Refusal::WithoutTls => "This port is for HTTPS: the address begins with https://.\n",
        }
    }

    /// Whether another request may follow on the same connection (RFC 9112 §9.6, §11.2).
    pub fn aftermath(self) -> Aftermath {
        match self {
            Refusal::BadTarget
            | Refusal::NotFound
            | Refusal::Forbidden
            | Refusal::MethodNotAllowed
            | Refusal::Unavailable
            | Refusal::Broken => Aftermath::Continue,
            Refusal::Malformed
            | Refusal::AmbiguousFraming
            | Refusal::BadHost
            | Refusal::RequestTimeout
            | Refusal::TargetTooLong
            | Refusal::ExpectationFailed
            | Refusal::FieldsTooLarge
            | Refusal::NotImplemented
            | Refusal::VersionNotSupported
            | Refusal::WithoutTls => Aftermath::Close,
        }
    }
}
