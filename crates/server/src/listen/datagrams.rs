//! Sockets for datagrams: one per worker on an address where there are listening sockets, on the same port.

use std::io;
use std::net::{SocketAddr, UdpSocket};

use socket2::{Domain, Protocol, Socket, Type};

use super::{Family, Sharing};

/// How much may arrive while a worker is busy, in bytes: a few milliseconds of a fast network. The system may allow less.
const RECEIVE_BUFFER_BYTES: usize = 2 * 1024 * 1024;

/// Binds as many sockets as there are workers, on an address that nobody else has.
pub(super) fn bind_all(address: SocketAddr, family: Family, workers: usize) -> io::Result<Vec<UdpSocket>> {
    let claimed = bind(address, family, Sharing::Exclusive)?;
    // The workers' sockets share it among themselves.
    claimed.set_reuse_port(true)?;
    let others = (1..workers).map(|_| bind(address, family, Sharing::WithOurs));
    [Ok(claimed)].into_iter().chain(others).map(|socket| Ok(socket?.into())).collect()
}

fn bind(address: SocketAddr, family: Family, sharing: Sharing) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(family == Family::Own)?;
    }
    socket.set_reuse_port(sharing == Sharing::WithOurs)?;
    // Without it the system's own size holds.
    let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES);
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}
