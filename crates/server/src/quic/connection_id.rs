//! Connection IDs that tell which worker a connection lives on (RFC 9000 §5.1).
//!
//! The kernel sends a datagram to a worker by the addresses in it. A client that comes from another address, because its
//! network or the mapping of its router changed, would so be heard by a worker that does not know it: its connection ID
//! says whom it belongs to. To others the IDs of one connection have nothing in common.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use quinn::{ConnectionId, ConnectionIdGenerator};

/// The length of every ID that is given out, in bytes: the worker, a nonce, and proof that the ID is ours.
const LENGTH: usize = 8;

/// The first bit of a long header (RFC 8999 §5.1). Such packets are a handshake's, during which addresses do not change and
/// clients choose IDs themselves.
const LONG_HEADER: u8 = 0x80;

/// What the IDs of all workers are made with.
#[derive(Clone, Debug, Default)]
pub(super) struct IdScheme {
    nonces: RandomState,
    masks: RandomState,
}

/// Makes the IDs of one worker.
#[derive(Debug)]
pub(super) struct WorkerIds {
    scheme: IdScheme,
    worker: u16,
    made: u64,
}

impl IdScheme {
    /// The worker that a datagram's connection lives on, if that is for its ID to say.
    pub(super) fn worker_of(&self, datagram: &[u8]) -> Option<u16> {
        match datagram {
            [first, rest @ ..] if first & LONG_HEADER == 0 => self.reveal(*rest.first_chunk()?),
            _ => None,
        }
    }

    fn make(&self, worker: u16, nonce: u32) -> [u8; LENGTH] {
        let [mask, proof] = self.mask(nonce);
        let ([w0, w1], [n0, n1, n2, n3], [p0, p1]) =
            ((worker ^ mask).to_le_bytes(), nonce.to_le_bytes(), proof.to_le_bytes());
        [w0, w1, n0, n1, n2, n3, p0, p1]
    }

    fn reveal(&self, id: [u8; LENGTH]) -> Option<u16> {
        let [w0, w1, n0, n1, n2, n3, p0, p1] = id;
        let [mask, proof] = self.mask(u32::from_le_bytes([n0, n1, n2, n3]));
        (proof == u16::from_le_bytes([p0, p1])).then_some(u16::from_le_bytes([w0, w1]) ^ mask)
    }

    /// What hides the worker, and what proves the ID.
    fn mask(&self, nonce: u32) -> [u16; 2] {
        let hash = self.masks.hash_one(nonce);
        [hash as u16, (hash >> 16) as u16]
    }
}

impl WorkerIds {
    /// The IDs of this worker.
    pub(super) fn new(scheme: IdScheme, worker: u16) -> WorkerIds {
        WorkerIds { scheme, worker, made: 0 }
    }
}

impl ConnectionIdGenerator for WorkerIds {
    fn generate_cid(&mut self) -> ConnectionId {
        self.made += 1;
        let nonce = self.scheme.nonces.hash_one((self.worker, self.made)) as u32;
        ConnectionId::new(&self.scheme.make(self.worker, nonce))
    }

    fn cid_len(&self) -> usize {
        LENGTH
    }

    fn cid_lifetime(&self) -> Option<Duration> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn datagram(first: u8, id: &[u8]) -> Vec<u8> {
        [&[first], id, &[0; 20]].concat()
    }

    #[test]
    fn an_id_tells_its_worker_and_nothing_else_does() {
        let scheme = IdScheme::default();
        for worker in [0, 1, 7, 255, 256, u16::MAX] {
            let mut ids = WorkerIds::new(scheme.clone(), worker);
            let id = ids.generate_cid();
            assert_eq!(id.len(), ids.cid_len());
            assert_eq!(scheme.worker_of(&datagram(0x40, &id)), Some(worker));
            assert_eq!(scheme.worker_of(&datagram(0xc0, &id)), None, "a long header");
        }
        assert_eq!(scheme.worker_of(&[]), None);
        assert_eq!(scheme.worker_of(&[0x40; 8]), None, "too short for an ID");
    }

    #[test]
    fn ids_do_not_repeat_and_strangers_are_found_out() {
        let (scheme, other) = (IdScheme::default(), IdScheme::default());
        let mut ids = WorkerIds::new(scheme.clone(), 3);
        let made: std::collections::HashSet<_> = (0..1000).map(|_| ids.generate_cid()).collect();
        // Among a thousand numbers of 32 bits two are equal once in some ten thousand times.
        assert!(made.len() >= 998, "{}", made.len());
        let believed = made.iter().filter(|id| other.worker_of(&datagram(0x40, id)).is_some()).count();
        assert!(believed <= 2, "{believed} of a thousand foreign IDs");
    }
}
