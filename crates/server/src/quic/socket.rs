//! A worker's socket for datagrams, as one of several on one address.
//!
//! Whatever belongs to a connection on another worker is handed over to that worker's socket, which gives it out as if it had
//! come there. That is rare, so a datagram is copied for it, and one for which there is no room is lost, as in a network.

use std::fmt::{self, Debug};
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, UdpPoller};
use tokio::sync::mpsc;

use super::connection_id::IdScheme;

/// Datagrams that wait to be taken by the worker that they are for: a few hundred clients that change their address in the
/// same moment.
const MOST_STRAYS: usize = 1024;

/// A datagram that came to the wrong worker.
#[derive(Debug)]
pub(super) struct Stray {
    bytes: Box<[u8]>,
    meta: RecvMeta,
}

/// One of the sockets on one address.
pub(super) struct SharedSocket {
    socket: Arc<dyn AsyncUdpSocket>,
    scheme: IdScheme,
    own: u16,
    /// The way to each worker, this one's own among them.
    workers: Arc<[mpsc::Sender<Stray>]>,
    /// What others have received for this worker. Only this socket's endpoint locks it.
    strays: Mutex<mpsc::Receiver<Stray>>,
}

/// Ways to as many workers, and their ends.
pub(super) fn ways(workers: usize) -> (Arc<[mpsc::Sender<Stray>]>, Vec<mpsc::Receiver<Stray>>) {
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..workers).map(|_| mpsc::channel(MOST_STRAYS)).unzip();
    (senders.into(), receivers)
}

impl SharedSocket {
    /// The socket of worker `own`.
    pub(super) fn new(
        socket: Arc<dyn AsyncUdpSocket>,
        scheme: IdScheme,
        own: u16,
        workers: Arc<[mpsc::Sender<Stray>]>,
        strays: mpsc::Receiver<Stray>,
    ) -> SharedSocket {
        SharedSocket { socket, scheme, own, workers, strays: Mutex::new(strays) }
    }

    /// Gives out what others have received.
    fn take_strays(
        &self,
        context: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        metas: &mut [RecvMeta],
    ) -> usize {
        let mut strays = self.strays.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken = 0;
        for (buffer, meta) in buffers.iter_mut().zip(metas) {
            let Poll::Ready(Some(stray)) = strays.poll_recv(context) else { break };
            let length = stray.bytes.len().min(buffer.len());
            buffer[..length].copy_from_slice(&stray.bytes[..length]);
            *meta = RecvMeta { len: length, stride: length, ..stray.meta };
            taken += 1;
        }
        taken
    }

    /// Hands over what is for others, and closes the gaps that it leaves.
    fn sort(&self, buffer: &mut [u8], meta: &mut RecvMeta) {
        let (length, stride) = (meta.len, meta.stride.max(1));
        let mut kept = 0;
        for from in (0..length).step_by(stride) {
            let to = length.min(from + stride);
            match self.scheme.worker_of(&buffer[from..to]) {
                Some(worker) if worker != self.own => self.hand_over(worker, &buffer[from..to], *meta),
                Some(_) | None => {
                    // Nothing moves while everything is kept.
                    if kept < from {
                        buffer.copy_within(from..to, kept);
                    }
                    kept += to - from;
                }
            }
        }
        meta.len = kept;
    }

    fn hand_over(&self, worker: u16, datagram: &[u8], meta: RecvMeta) {
        if let Some(way) = self.workers.get(usize::from(worker)) {
            // Without room it is lost, and its sender repeats it.
            let _ = way.try_send(Stray { bytes: datagram.into(), meta });
        }
    }
}

impl AsyncUdpSocket for SharedSocket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Arc::clone(&self.socket).create_io_poller()
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        self.socket.try_send(transmit)
    }

    fn poll_recv(
        &self,
        context: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        metas: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let taken = self.take_strays(context, buffers, metas);
        if taken > 0 {
            return Poll::Ready(Ok(taken));
        }
        let received = ready!(self.socket.poll_recv(context, buffers, metas))?;
        for (buffer, meta) in buffers.iter_mut().zip(metas).take(received) {
            self.sort(buffer, meta);
        }
        Poll::Ready(Ok(received))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    fn max_transmit_segments(&self) -> usize {
        self.socket.max_transmit_segments()
    }

    fn max_receive_segments(&self) -> usize {
        self.socket.max_receive_segments()
    }

    fn may_fragment(&self) -> bool {
        self.socket.may_fragment()
    }
}

impl Debug for SharedSocket {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SharedSocket").field("socket", &self.socket).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use quinn::ConnectionIdGenerator;

    use super::super::connection_id::WorkerIds;
    use super::*;

    /// A socket that is never asked.
    #[derive(Debug)]
    struct Idle;

    impl AsyncUdpSocket for Idle {
        fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
            unreachable!("nothing is sent")
        }

        fn try_send(&self, _: &Transmit<'_>) -> io::Result<()> {
            unreachable!("nothing is sent")
        }

        fn poll_recv(
            &self,
            _: &mut Context<'_>,
            _: &mut [IoSliceMut<'_>],
            _: &mut [RecvMeta],
        ) -> Poll<io::Result<usize>> {
            Poll::Pending
        }

        fn local_addr(&self) -> io::Result<SocketAddr> {
            Ok((Ipv4Addr::LOCALHOST, 1).into())
        }
    }

    /// The sockets of two workers, and a datagram of `length` bytes for each.
    fn pair(length: usize) -> ([SharedSocket; 2], [Vec<u8>; 2]) {
        let scheme = IdScheme::default();
        let (senders, receivers) = ways(2);
        let mut workers = receivers.into_iter().enumerate().map(|(own, strays)| {
            SharedSocket::new(Arc::new(Idle), scheme.clone(), own as u16, Arc::clone(&senders), strays)
        });
        let sockets = std::array::from_fn(|_| workers.next().expect("two of them"));
        let datagrams = std::array::from_fn(|worker| {
            let id = WorkerIds::new(scheme.clone(), worker as u16).generate_cid();
            let mut datagram = [&[0x40], &*id].concat();
            datagram.resize(length, worker as u8);
            datagram
        });
        (sockets, datagrams)
    }

    /// `order` names the worker of each datagram of one buffer; returns how many are kept and how many handed over.
    #[track_caller]
    fn check(order: &[usize], last_length: usize, kept: &[usize], handed_over: usize) {
        let ([first, second], datagrams) = pair(50);
        let mut bytes: Vec<u8> = order.iter().flat_map(|worker| datagrams[*worker].clone()).collect();
        bytes.truncate(bytes.len() - 50 + last_length);
        let mut meta = RecvMeta { len: bytes.len(), stride: 50, ..RecvMeta::default() };
        first.sort(&mut bytes, &mut meta);
        let expect: Vec<u8> = kept.iter().flat_map(|length| datagrams[0][..*length].to_vec()).collect();
        assert_eq!(&bytes[..meta.len], expect, "{order:?}");
        let (mut buffer, mut metas) = ([[0; 100]; 8], [RecvMeta::default(); 8]);
        let mut buffers: Vec<_> = buffer.iter_mut().map(|bytes| IoSliceMut::new(bytes)).collect();
        let mut context = Context::from_waker(std::task::Waker::noop());
        let taken = match second.poll_recv(&mut context, &mut buffers, &mut metas) {
            Poll::Ready(taken) => taken.expect("the socket works"),
            Poll::Pending => 0,
        };
        assert_eq!(taken, handed_over, "{order:?}");
        for (buffer, meta) in buffers.iter().zip(metas).take(taken) {
            assert!(datagrams[1].starts_with(&buffer[..meta.len]) && meta.len == meta.stride);
        }
    }

    #[test]
    fn what_is_for_others_is_handed_over_and_leaves_no_gap() {
        check(&[0], 50, &[50], 0);
        check(&[0, 0, 0], 20, &[50, 50, 20], 0);
        check(&[1], 50, &[], 1);
        check(&[0, 1, 0], 50, &[50, 50], 1);
        check(&[1, 0, 1, 0], 20, &[50, 20], 2);
        check(&[0, 1], 20, &[50], 1);
    }
}
