//! Where `tallyd top` finds an admin side: as an address for a browser, or as the server's own setting has it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::value::{self, AdminAddress, Fault};

/// Where to look for an admin side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AdminPlace {
    /// Beside the ledger of its server.
    Noted,
    /// Here.
    At(AdminUrl),
}

/// The address of an admin side: `http://AUTHORITY/PATH`, without a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AdminUrl {
    /// With a port.
    authority: String,
    /// Without a final slash.
    base_path: String,
}

impl AdminUrl {
    /// Reads an address as a browser shows it; nothing if it is none, or not of plain HTTP.
    pub(crate) fn parse(text: &str) -> Option<AdminUrl> {
        let rest = text.strip_prefix("http://")?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let is_sayable =
            |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#@\\\"<>".contains(&byte));
        if authority.is_empty() || !is_sayable(authority) || !is_sayable(path) {
            return None;
        }
        let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let authority = if has_port { authority.to_owned() } else { format!("{authority}:80") };
        let base_path = path.trim_end_matches('/');
        let base_path = if base_path.is_empty() { String::new() } else { format!("/{base_path}") };
        Some(AdminUrl { authority, base_path })
    }

    /// The address of one that listens there: where it listens everywhere, that of this machine's own interface.
    pub(crate) fn of_listener(address: SocketAddr) -> AdminUrl {
        let ip = match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
            ip => ip,
        };
        AdminUrl { authority: SocketAddr::new(ip, address.port()).to_string(), base_path: String::new() }
    }

    /// Host and port, as `Host` has them.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// What stands before every path there.
    pub(crate) fn base_path(&self) -> &str {
        &self.base_path
    }
}

impl std::fmt::Display for AdminUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "http://{}{}/", self.authority, self.base_path)
    }
}

/// Reads the value of the setting.
pub(super) fn place(text: &str) -> Result<AdminPlace, Fault> {
    if text.contains("://") {
        let fault = Fault::new("is no address that begins with http://");
        return AdminUrl::parse(text).map(AdminPlace::At).ok_or(fault);
    }
    match value::admin_address(text)? {
        AdminAddress::Off => Err(Fault::new("is nowhere, so that there is nothing to look at")),
        AdminAddress::At(address) if address.port() == 0 => Ok(AdminPlace::Noted),
        AdminAddress::At(address) => Ok(AdminPlace::At(AdminUrl::of_listener(address))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let check = |text: &str, expect: &str| {
            let seen = match place(text) {
                Ok(AdminPlace::Noted) => "noted".to_owned(),
                Ok(AdminPlace::At(url)) => url.to_string(),
                Err(fault) => fault.to_string(),
            };
            assert_eq!(seen, expect, "{text}");
        };
        check("127.0.0.1:0", "noted");
        check("::1", "noted");
        check("127.0.0.1:9000", "http://127.0.0.1:9000/");
        check("0.0.0.0:9000", "http://127.0.0.1:9000/");
        check("[::]:9000", "http://[::1]:9000/");
        check("http://localhost:9000", "http://localhost:9000/");
        check("http://[::1]:9000/", "http://[::1]:9000/");
        check("http://stats.example.org/tallyd/", "http://stats.example.org:80/tallyd/");
        check("off", "is nowhere, so that there is nothing to look at");
        check("https://a:1/", "is no address that begins with http://");
        check("http://", "is no address that begins with http://");
        check("http://a b:1/", "is no address that begins with http://");
        check("http://a:1/?q", "is no address that begins with http://");
        check("http://user@a:1/", "is no address that begins with http://");
        check("somewhere", "is neither off nor an IPv4 or IPv6 address with a port");
    }
}
