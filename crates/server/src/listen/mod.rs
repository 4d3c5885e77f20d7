//! Listening sockets: one per worker and address, all on one port; `datagrams` where they are wanted.

mod datagrams;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};

use rustix::io::Errno;
use socket2::{Domain, Protocol, Socket, Type};

use crate::config::BindAddress;
use crate::kernel;

/// How often a free port is sought anew when another address turns out to have it taken.
const PORT_ATTEMPTS: usize = 16;

/// How long the kernel keeps to itself a client that says nothing. Whoever speaks at once is accepted when there is something to
/// read, which spares a wake-up and a registration with epoll for each connection.
const SILENCE_SECONDS: i32 = 1;

/// Where to listen.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// The addresses; at least one.
    pub(crate) binds: Vec<BindAddress>,
    /// The port; 0 lets the system choose a free one.
    pub(crate) port: u16,
    /// The length of each queue of connections that wait to be accepted (listen(2)).
    pub(crate) backlog: u32,
    /// What is listened for.
    pub(crate) carriers: Carriers,
}

/// What carries what clients say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carriers {
    /// TCP.
    Streams,
    /// TCP, and UDP on the same port.
    StreamsAndDatagrams,
}

/// The sockets of all workers, and where they listen.
pub(crate) struct Listening {
    /// One address per bind, each with the actual port.
    pub(crate) addresses: Vec<SocketAddr>,
    /// For each worker its sockets, one per address.
    pub(crate) of_workers: Vec<Vec<TcpListener>>,
    /// For each address the workers' sockets for datagrams, if they are wanted.
    pub(crate) datagrams: Vec<Vec<UdpSocket>>,
}

/// An address that could not be listened on, and why.
#[derive(Debug)]
pub(crate) struct BindError {
    /// The address, with the port that was asked for.
    pub(crate) address: SocketAddr,
    /// What the system says.
    pub(crate) error: io::Error,
}

/// Listens on every place for every worker, or on none.
pub(crate) fn listen(places: &Places, workers: usize) -> Result<Listening, BindError> {
    let needs_luck = places.binds.len() > 1 || places.carriers == Carriers::StreamsAndDatagrams;
    let attempts = if places.port == 0 && needs_luck { PORT_ATTEMPTS } else { 1 };
    let mut outcome = listen_once(places, workers);
    for _ in 1..attempts {
        match &outcome {
            Err(bind) if bind.error.kind() == io::ErrorKind::AddrInUse => {
                outcome = listen_once(places, workers);
            }
            Ok(_) | Err(_) => break,
        }
    }
    outcome
}

fn listen_once(places: &Places, workers: usize) -> Result<Listening, BindError> {
    let mut port = places.port;
    let mut addresses = Vec::new();
    let mut of_workers: Vec<Vec<TcpListener>> = (0..workers).map(|_| Vec::new()).collect();
    let mut datagrams = Vec::new();
    for &bind_address in &places.binds {
        let (first, address) = claim(bind_address, port)?;
        port = address.port();
        addresses.push(address);
        let family = if bind_address == BindAddress::All { Family::Both } else { Family::Own };
        if places.carriers == Carriers::StreamsAndDatagrams {
            let sockets = datagrams::bind_all(address, family, workers);
            datagrams.push(sockets.map_err(|error| BindError { address, error })?);
        }
        let mut claimed = Some(first);
        for listeners in &mut of_workers {
            let socket = claimed.take().map_or_else(|| bind(address, family, Sharing::WithOurs), Ok);
            let listener = socket.and_then(|socket| start(socket, places.backlog));
            listeners.push(listener.map_err(|error| BindError { address, error })?);
        }
    }
    Ok(Listening { addresses, of_workers, datagrams })
}

/// Binds exclusively: a port that anyone else listens on is an error, although the workers' sockets will share it
/// among themselves.
fn claim(bind: BindAddress, port: u16) -> Result<(Socket, SocketAddr), BindError> {
    let claimed = |ip, family| {
        let address = SocketAddr::new(ip, port);
        claim_one(address, family).map_err(|error| BindError { address, error })
    };
    match bind {
        BindAddress::Ip(ip) => claimed(ip, Family::Own),
        BindAddress::All => match claimed(Ipv6Addr::UNSPECIFIED.into(), Family::Both) {
            Err(lacking) if is_lack_of_ipv6(&lacking.error) => {
                claimed(Ipv4Addr::UNSPECIFIED.into(), Family::Own)
            }
            claimed => claimed,
        },
    }
}

fn claim_one(address: SocketAddr, family: Family) -> io::Result<(Socket, SocketAddr)> {
    let socket = bind(address, family, Sharing::Exclusive)?;
    socket.set_reuse_port(true)?;
    let bound = socket.local_addr()?.as_socket().unwrap_or(address);
    Ok((socket, bound))
}

fn is_lack_of_ipv6(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL))
}

/// Which clients reach a socket.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    /// Those of the address's own family.
    Own,
    /// IPv6 and IPv4: dual-stack (ipv6(7), `IPV6_V6ONLY`).
    Both,
}

/// Whether a socket shares its address from the start.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sharing {
    Exclusive,
    WithOurs,
}

fn bind(address: SocketAddr, family: Family, sharing: Sharing) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(family == Family::Own)?;
    }
    // A restart need not wait for the connections of the last run to leave TIME_WAIT.
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(sharing == Sharing::WithOurs)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

fn start(socket: Socket, backlog: u32) -> io::Result<TcpListener> {
    // Accepted sockets inherit it (tcp(7)): heads and small content leave at once, without a call per connection.
    socket.set_tcp_nodelay(true)?;
    socket.set_nonblocking(true)?;
    // A courtesy of the kernel that it may not have: without it, connections come somewhat earlier than needed.
    let _ = kernel::await_first_bytes(&socket, SILENCE_SECONDS);
    socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
    Ok(socket.into())
}

/// The address that a person would use for a listening address: this machine's primary IPv4 address where all
/// interfaces are meant.
pub(crate) fn shown_ip(listening: IpAddr) -> IpAddr {
    if listening.is_unspecified() { primary_ipv4().unwrap_or(Ipv4Addr::LOCALHOST).into() } else { listening }
}

/// The source address of the route to the outside. Connecting a UDP socket only looks the route up; nothing is
/// sent. The address is of a block reserved for documentation (RFC 5737).
fn primary_ipv4() -> Option<Ipv4Addr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((Ipv4Addr::new(203, 0, 113, 1), 9)).ok()?;
    match socket.local_addr().ok()?.ip() {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(binds: &[&str], port: u16) -> Places {
        let ip = |bind: &&str| BindAddress::Ip(bind.parse().expect("the test writes addresses"));
        let binds = binds.iter().map(ip).collect();
        Places { binds, port, backlog: 16, carriers: Carriers::StreamsAndDatagrams }
    }

    #[test]
    fn workers_share_a_port_that_nobody_else_can_take() {
        let listening = listen(&places(&["127.0.0.1"], 0), 3).expect("loopback has a free port");
        assert_eq!(listening.of_workers.len(), 3);
        let port = listening.addresses[0].port();
        let error = listen(&places(&["127.0.0.1"], port), 3).err().expect("the port is taken");
        assert_eq!(error.error.kind(), io::ErrorKind::AddrInUse);
        assert_eq!(error.address.port(), port);
    }

    #[test]
    fn several_addresses_have_one_port() {
        let listening = listen(&places(&["127.0.0.1", "127.0.0.2"], 0), 1).expect("loopback has a free port");
        assert_eq!(listening.addresses[0].port(), listening.addresses[1].port());
        assert_eq!(listening.of_workers[0].len(), 2);
        assert_eq!(listening.datagrams.len(), 2);
    }

    #[test]
    fn datagrams_have_the_same_port_for_every_worker_and_nobody_else() {
        let listening = listen(&places(&["127.0.0.1"], 0), 3).expect("loopback has a free port");
        let address = listening.addresses[0];
        let of_sockets: Vec<_> = listening.datagrams[0].iter().map(UdpSocket::local_addr).collect();
        assert!(of_sockets.iter().all(|bound| bound.as_ref().is_ok_and(|bound| *bound == address)));
        assert_eq!(of_sockets.len(), 3);
        drop(listening.of_workers);
        let error = listen(&places(&["127.0.0.1"], address.port()), 1).err().expect("the port is taken");
        assert_eq!((error.error.kind(), error.address), (io::ErrorKind::AddrInUse, address));
    }

    #[test]
    fn an_address_of_another_machine_is_an_error() {
        let error = listen(&places(&["203.0.113.1"], 0), 1).err().expect("the address is not ours");
        assert_eq!(error.error.kind(), io::ErrorKind::AddrNotAvailable);
    }
}
