//! What a behaviour is tested over. A test is written once, as what is said in HTTP/1.1; its client says the same in each
//! protocol.

use std::net::{IpAddr, SocketAddr};

use super::{Channel, Conn, Identity, NAME, Translated, Window};

/// A version of HTTP and what carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// HTTP/1.1 over plain TCP.
    Http1,
    /// HTTP/1.1 over TLS.
    Http1Tls,
    /// HTTP/2 over TLS.
    Http2,
    /// HTTP/3 over QUIC.
    Http3,
}

impl Protocol {
    /// Whether a server needs a certificate for it.
    pub(crate) fn is_secure(self) -> bool {
        match self {
            Self::Http1 => false,
            Self::Http1Tls | Self::Http2 | Self::Http3 => true,
        }
    }

    /// Whether each answer has a stream of its own, which can end without the connection.
    pub(crate) fn has_streams(self) -> bool {
        match self {
            Self::Http1 | Self::Http1Tls => false,
            Self::Http2 | Self::Http3 => true,
        }
    }

    /// As access logs name its version.
    pub(crate) fn version(self) -> &'static str {
        match self {
            Self::Http1 | Self::Http1Tls => "HTTP/1.1",
            Self::Http2 => "HTTP/2.0",
            Self::Http3 => "HTTP/3.0",
        }
    }

    /// How much of what a client has read its acknowledgement may not have left for, in bytes: the kernel can be told to
    /// send it at once, and QUIC sends it with every second packet (RFC 9000 section 13.2.2).
    pub(crate) fn unacknowledged(self) -> u64 {
        match self {
            Self::Http1 | Self::Http1Tls | Self::Http2 => 0,
            Self::Http3 => 8 * 1024,
        }
    }

    /// A connection to a server that has this identity, from an address of this machine.
    pub(super) fn connect(
        self,
        address: SocketAddr,
        identity: Option<&Identity>,
        from: Option<IpAddr>,
        window: Window,
    ) -> Conn {
        let identity = || identity.expect("a server with TLS has an identity");
        match self {
            Self::Http1 => Conn::open_as(address, from, window),
            Self::Http1Tls => {
                let mut conn = Conn::open_as(address, from, window).through(Channel::to(identity(), NAME));
                conn.shake_hands();
                conn
            }
            Self::Http2 => Conn::open_as(address, from, window)
                .translated(|socket| Translated::to_http2(socket, identity(), window)),
            Self::Http3 => Conn::bound(from, address)
                .translated(|socket| Translated::to_http3(socket, address, identity(), window)),
        }
    }
}

/// Makes of each function a test for each protocol, named after both.
macro_rules! on_every_protocol {
    ($($test:ident),+ $(,)?) => {
        $(mod $test {
            use crate::harness::Protocol;

            #[test]
            fn http1() {
                super::$test(Protocol::Http1);
            }

            #[test]
            fn http1_tls() {
                super::$test(Protocol::Http1Tls);
            }

            #[test]
            fn http2() {
                super::$test(Protocol::Http2);
            }

            #[test]
            fn http3() {
                super::$test(Protocol::Http3);
            }
        })+
    };
}

pub(crate) use on_every_protocol;
