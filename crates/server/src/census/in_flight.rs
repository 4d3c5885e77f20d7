//! A worker's transfers in flight: those that did not end at once.
//!
//! An answer comes here when the ledger is told of its beginning, and leaves with its end. How far it is, only its
//! connection can tell; it does so when it is asked (`Underway`).

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use slab::Slab;
use tallyd_ledger::{Kind, Moment, Tally};

use crate::access_log::Peer;
use crate::backend::remembered::Remembered;
use crate::connection::presence::Underway;

/// How many transfers of a worker are told: more than a person looks at, and a system call for each.
const TOLD: usize = 1024;

/// What an answer is sent by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// HTTP/1.0 or HTTP/1.1.
    Http1,
    /// HTTP/2.
    Http2,
    /// HTTP/3.
    Http3,
}

impl Protocol {
    /// Every protocol.
    pub(crate) const ALL: [Protocol; 3] = [Protocol::Http1, Protocol::Http2, Protocol::Http3];

    /// As it is shown.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Protocol::Http1 => "http/1",
            Protocol::Http2 => "http/2",
            Protocol::Http3 => "http/3",
        }
    }
}

/// A transfer as another thread sees it.
#[derive(Clone, Debug)]
pub(crate) struct Transfer {
    /// Tells it from the worker's others.
    pub(crate) serial: u64,
    /// The file's tally, which knows its path.
    pub(crate) tally: Arc<Tally>,
    /// Its number.
    pub(crate) number: u64,
    /// 200 or 206.
    pub(crate) kind: Kind,
    /// The client.
    pub(crate) peer: Peer,
    /// How it is sent.
    pub(crate) protocol: Protocol,
    /// When its status was decided.
    pub(crate) began: Moment,
    /// The length of its content in bytes, part heads among it.
    pub(crate) length: u64,
    /// Bytes of the content that were written.
    pub(crate) sent: u64,
    /// Bytes of it that the client's system has acknowledged.
    pub(crate) acknowledged: u64,
}

/// An answer that is about to be in flight.
#[derive(Clone, Copy)]
pub(crate) struct Answering<'a> {
    pub(crate) file: &'a Rc<Remembered>,
    pub(crate) number: u64,
    pub(crate) kind: Kind,
    pub(crate) peer: Peer,
    pub(crate) protocol: Protocol,
    pub(crate) began: Moment,
    /// Where the content begins in the connection's stream, and how long it is there.
    pub(crate) content_at: u64,
    pub(crate) content_length: u64,
}

/// All transfers in flight of one worker.
#[derive(Default)]
pub(crate) struct InFlight {
    entries: RefCell<Slab<Entry>>,
    serials: Cell<u64>,
}

struct Entry {
    serial: u64,
    file: Rc<Remembered>,
    number: u64,
    kind: Kind,
    peer: Peer,
    protocol: Protocol,
    began: Moment,
    content_at: u64,
    content_length: u64,
    way: Rc<dyn Underway>,
}

/// Keeps a transfer on the list while it lives.
pub(crate) struct Listed {
    list: Rc<InFlight>,
    key: usize,
}

impl InFlight {
    /// Puts an answer on the list.
    pub(crate) fn list(self: &Rc<Self>, answering: Answering<'_>, way: Rc<dyn Underway>) -> Listed {
        let Answering { file, number, kind, peer, protocol, began, content_at, content_length } = answering;
        let serial = self.serials.get();
        self.serials.set(serial + 1);
        let entry = Entry {
            serial,
            file: Rc::clone(file),
            number,
            kind,
            peer,
            protocol,
            began,
            content_at,
            content_length,
            way,
        };
        Listed { list: Rc::clone(self), key: self.entries.borrow_mut().insert(entry) }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.borrow().len()
    }

    /// Asks the connections of those that are told how far they are.
    pub(super) fn ask(&self) {
        self.entries.borrow().iter().take(TOLD).for_each(|(_, entry)| entry.way.ask_progress());
    }

    /// Whether they have told.
    pub(super) fn has_told(&self) -> bool {
        !self.entries.borrow().iter().take(TOLD).any(|(_, entry)| entry.way.is_asked())
    }

    /// Copies of those that are told.
    pub(super) fn copy(&self) -> Vec<Transfer> {
        self.entries.borrow().iter().take(TOLD).map(|(_, entry)| entry.transfer()).collect()
    }
}

impl Entry {
    fn transfer(&self) -> Transfer {
        let progress = self.way.progress();
        let of_content = |position: u64| position.saturating_sub(self.content_at).min(self.content_length);
        Transfer {
            serial: self.serial,
            tally: Arc::clone(&self.file.tally),
            number: self.number,
            kind: self.kind,
            peer: self.peer,
            protocol: self.protocol,
            began: self.began,
            length: self.content_length,
            sent: of_content(progress.sent),
            acknowledged: of_content(progress.acknowledged),
        }
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.list.entries.borrow_mut().remove(self.key);
    }
}
