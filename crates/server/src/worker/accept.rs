//! Accepting connections, each of which gets a task of its own.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{SocketFlags, acceptfrom_with};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::task::spawn_local;

use super::Worker;
use crate::access_log::Peer;
use crate::connection::buffers::Scheme;
use crate::connection::socket::Socket;
use crate::connection::{h1, secure};
use crate::entrances::{Entrance, Security};

/// How long accepting pauses when the system is out of descriptors or memory: long enough not to spin, short enough that a
/// client does not notice.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Accepts connections for as long as it is not aborted.
pub(super) async fn accept(entrance: Entrance<AsyncFd<TcpListener>>, worker: Rc<Worker>) {
    let Entrance { listener, security } = entrance;
    loop {
        worker.await_room().await;
        match listener.async_io(Interest::READABLE, accept_one).await {
            Ok((socket, address)) => welcome(socket, address, &security, &worker),
            // The client went away while it waited; the next one may be there.
            Err(error) if is_about_one_client(&error) => {}
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// Accepts a connection, which the runtime does not watch yet.
fn accept_one(listener: &TcpListener) -> io::Result<(OwnedFd, SocketAddr)> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let (socket, address) = acceptfrom_with(listener, flags)?;
    // An address that is none of IP's has no client behind it.
    let address =
        address.and_then(|address| address.try_into().ok()).ok_or(io::ErrorKind::ConnectionAborted)?;
    Ok((socket, address))
}

fn welcome(socket: OwnedFd, address: SocketAddr, security: &Security, worker: &Rc<Worker>) {
    let peer = Peer::from(address);
    worker.log.tell_connected(peer);
    let worker = Rc::clone(worker);
    let socket = Socket::new(socket, worker.roster.enrol());
    // Two tasks of two sizes.
    match security {
        Security::None => drop(spawn_local(h1::serve(socket, peer, Scheme::Http, worker))),
        Security::Tls(config) => {
            let (config, departure) = (Arc::clone(config), Departure::new(&worker));
            spawn_local(async move {
                secure::serve(socket, peer, worker, config).await;
                drop(departure);
            });
        }
    }
}

/// Tells of a connection's end, also when it ends by a panic.
pub(crate) struct Departure(Rc<Worker>);

impl Departure {
    /// Of a connection to this worker.
    pub(crate) fn new(worker: &Rc<Worker>) -> Departure {
        Departure(Rc::clone(worker))
    }
}

impl Drop for Departure {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.meter.panicked();
        }
        self.0.departed.notify_waiters();
    }
}

/// Errors of accept(2) that concern the connection rather than the listener or the system.
fn is_about_one_client(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(
            Errno::CONNABORTED
                | Errno::PROTO
                | Errno::INTR
                | Errno::NETDOWN
                | Errno::NOPROTOOPT
                | Errno::HOSTDOWN
                | Errno::NONET
                | Errno::HOSTUNREACH
                | Errno::OPNOTSUPP
                | Errno::NETUNREACH
                | Errno::PERM
        )
    )
}
