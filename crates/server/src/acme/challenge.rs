//! The two ways in which this server proves to an authority that a name leads here, and which of them is taken.

use std::fmt;
use std::net::SocketAddr;

use instant_acme::ChallengeType;

/// A way to prove it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// By a certificate in a handshake on port 443 (RFC 8737).
    TlsAlpn01,
    /// By a text fetched from port 80 (RFC 8555 §8.3).
    Http01,
}

/// Which way is taken, as a person says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Preference {
    /// The one whose port is ours, and the other after a failure.
    Auto,
    /// This one and no other.
    Only(Challenge),
}

/// The ports that are listened on. The authority comes to 443 and 80; something on the way may lead it elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ports {
    pub(crate) plain: u16,
    pub(crate) tls: u16,
}

impl Ports {
    /// The ports of these addresses, of which all of a kind have the same; 0 where there are none.
    pub(crate) fn of(plain: &[SocketAddr], tls: &[SocketAddr]) -> Ports {
        let port = |addresses: &[SocketAddr]| addresses.first().map_or(0, SocketAddr::port);
        Ports { plain: port(plain), tls: port(tls) }
    }
}

impl Preference {
    /// The ways in the order in which they are tried, after so many failures in a row: where the authority offers the first
    /// not, the second is taken.
    pub(super) fn order(self, ports: Ports, failures: u32) -> [Option<Challenge>; 2] {
        let first = match self {
            Preference::Only(challenge) => return [Some(challenge), None],
            Preference::Auto if ports.plain == 80 && ports.tls != 443 => Challenge::Http01,
            // It needs one port instead of two, and works although plain requests are answered by something in between.
            Preference::Auto => Challenge::TlsAlpn01,
        };
        let first = if failures.is_multiple_of(2) { first } else { first.other() };
        [Some(first), Some(first.other())]
    }
}

impl Challenge {
    fn other(self) -> Challenge {
        match self {
            Challenge::TlsAlpn01 => Challenge::Http01,
            Challenge::Http01 => Challenge::TlsAlpn01,
        }
    }

    /// As the crate calls it.
    pub(super) fn kind(self) -> ChallengeType {
        match self {
            Challenge::TlsAlpn01 => ChallengeType::TlsAlpn01,
            Challenge::Http01 => ChallengeType::Http01,
        }
    }

    /// As RFC 8555 §9.7.8 registers it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Challenge::TlsAlpn01 => "tls-alpn-01",
            Challenge::Http01 => "http-01",
        }
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_way_is_taken() {
        let check = |preference: Preference, ports: (u16, u16), failures: u32, expect: &str| {
            let ports = Ports { plain: ports.0, tls: ports.1 };
            let names: Vec<_> =
                preference.order(ports, failures).into_iter().flatten().map(Challenge::name).collect();
            assert_eq!(names.join(" "), expect, "{preference:?} {ports:?} {failures}");
        };
        let auto = Preference::Auto;
        check(auto, (80, 443), 0, "tls-alpn-01 http-01");
        check(auto, (80, 443), 1, "http-01 tls-alpn-01");
        check(auto, (80, 443), 2, "tls-alpn-01 http-01");
        check(auto, (8080, 443), 0, "tls-alpn-01 http-01");
        check(auto, (80, 8443), 0, "http-01 tls-alpn-01");
        check(auto, (80, 8443), 1, "tls-alpn-01 http-01");
        check(auto, (8080, 8443), 0, "tls-alpn-01 http-01");
        check(Preference::Only(Challenge::Http01), (80, 443), 1, "http-01");
        check(Preference::Only(Challenge::TlsAlpn01), (80, 8443), 1, "tls-alpn-01");
    }
}
