//! The streams of a connection, and how much may be sent on them (RFC 9113 §5).

use std::collections::VecDeque;

/// The window that every stream and connection begins with, in bytes (RFC 9113 §6.9.2).
pub(super) const WINDOW: i64 = 65_535;

/// The largest window, in bytes (RFC 9113 §6.9.1).
pub(super) const MAX_WINDOW: i64 = 0x7fff_ffff;

/// How many streams that were reset are remembered: what their client has sent before it knew is passed over.
const FORSAKEN: usize = 32;

/// How many streams an idle connection keeps room for.
const FEW: usize = 4;

/// All of a client's streams.
#[derive(Debug)]
pub(super) struct Streams {
    /// Those that have not ended, in the order of their numbers.
    open: Vec<(u32, Stream)>,
    /// The last that was begun, and those below it that never were, when some were last passed over: all between these two.
    last: u32,
    skipped: (u32, u32),
    forsaken: VecDeque<u32>,
    /// How much content may be sent on a new stream, and on all together, in bytes.
    initial_window: i64,
    window: i64,
}

/// A stream.
#[derive(Debug)]
pub(super) struct Stream {
    /// How much content may be sent, in bytes; less than nothing where a window was made smaller.
    window: i64,
    pub(super) incoming: Incoming,
    pub(super) outgoing: Outgoing,
}

/// The client's side of a stream.
#[derive(Debug)]
pub(super) enum Incoming {
    Open(Content),
    Ended,
}

/// A request's content, as far as it came.
#[derive(Debug)]
pub(super) struct Content {
    /// How long it is, if that was said, in bytes.
    pub(super) length: Option<u64>,
    /// How much of it came, and how much with the padding.
    pub(super) received: u64,
    pub(super) cost: u64,
    /// How much may still come, and what has come since the client was told, in bytes.
    pub(super) window: i64,
    pub(super) unreturned: u32,
}

/// Our side of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outgoing {
    /// The answer has not ended.
    Open,
    /// The same, and once it has, no more content is waited for.
    Impatient,
    Ended,
}

/// Where a stream is in its life (RFC 9113 §5.1).
pub(super) enum Place<'a> {
    Idle,
    Open(&'a mut Stream),
    /// It was never begun, and cannot be any more.
    Skipped,
    /// It has ended.
    Closed,
    /// It was reset by us a while ago.
    Forsaken,
}

impl Default for Streams {
    fn default() -> Streams {
        Streams {
            open: Vec::new(),
            last: 0,
            skipped: (0, 0),
            forsaken: VecDeque::new(),
            initial_window: WINDOW,
            window: WINDOW,
        }
    }
}

impl Streams {
    /// How many have not ended.
    pub(super) fn open(&self) -> usize {
        self.open.len()
    }

    /// The last that was begun; 0 if none was.
    pub(super) fn last(&self) -> u32 {
        self.last
    }

    pub(super) fn place(&mut self, stream: u32) -> Place<'_> {
        if stream > self.last {
            return Place::Idle;
        }
        match self.find(stream) {
            Ok(at) => Place::Open(&mut self.open[at].1),
            Err(_) if self.forsaken.contains(&stream) => Place::Forsaken,
            Err(_) if self.skipped.0 < stream && stream < self.skipped.1 => Place::Skipped,
            Err(_) => Place::Closed,
        }
    }

    /// A stream that has not ended.
    pub(super) fn stream(&mut self, stream: u32) -> Option<&mut Stream> {
        let at = self.find(stream).ok()?;
        Some(&mut self.open[at].1)
    }

    fn find(&self, stream: u32) -> Result<usize, usize> {
        self.open.binary_search_by_key(&stream, |(number, _)| *number)
    }

    /// Begins an idle stream.
    pub(super) fn begin(&mut self, stream: u32, incoming: Incoming) {
        self.advance(stream);
        self.open.push((stream, Stream { window: self.initial_window, incoming, outgoing: Outgoing::Open }));
    }

    /// Notes an idle stream that was not begun with.
    pub(super) fn pass_over(&mut self, stream: u32) {
        self.advance(stream);
        self.forsake(stream);
    }

    /// A stream is idle no longer, nor is any below it (RFC 9113 §5.1.1).
    fn advance(&mut self, stream: u32) {
        if stream > self.last + 2 {
            self.skipped = (self.last, stream);
        }
        self.last = stream;
    }

    /// Ends a stream that was reset by us.
    pub(super) fn abandon(&mut self, stream: u32) {
        self.end(stream);
        self.forsake(stream);
    }

    fn forsake(&mut self, stream: u32) {
        if self.forsaken.len() == FORSAKEN {
            self.forsaken.pop_front();
        }
        self.forsaken.push_back(stream);
    }

    /// Ends a stream; `false` if it had ended.
    pub(super) fn end(&mut self, stream: u32) -> bool {
        let found = self.find(stream);
        if let Ok(at) = found {
            self.open.remove(at);
            if self.open.is_empty() {
                self.open.shrink_to(FEW);
            }
        }
        found.is_ok()
    }

    /// Ends a stream both of whose sides have ended.
    pub(super) fn end_if_done(&mut self, stream: u32) {
        if let Some(Stream { incoming: Incoming::Ended, outgoing: Outgoing::Ended, .. }) = self.stream(stream)
        {
            self.end(stream);
        }
    }

    /// How much content may be sent on a stream now, in bytes; nothing if it has ended.
    pub(super) fn sendable(&self, stream: u32) -> Option<usize> {
        let (_, stream) = &self.open[self.find(stream).ok()?];
        match stream.outgoing {
            Outgoing::Open | Outgoing::Impatient => {
                usize::try_from(stream.window.min(self.window)).ok().or(Some(0))
            }
            Outgoing::Ended => None,
        }
    }

    /// Whether a client's side of a stream is open.
    pub(super) fn expects_content(&self, stream: u32) -> bool {
        let incoming = self.find(stream).map(|at| &self.open[at].1.incoming);
        matches!(incoming, Ok(Incoming::Open(_)))
    }

    /// Notes that content was sent on a stream.
    pub(super) fn note_sent(&mut self, stream: u32, length: u32) {
        self.window -= i64::from(length);
        if let Some(stream) = self.stream(stream) {
            stream.window -= i64::from(length);
        }
    }

    /// Adds to the connection's window; `false` if that is more than there can be.
    pub(super) fn widen_all(&mut self, by: u32) -> bool {
        self.window += i64::from(by);
        self.window <= MAX_WINDOW
    }

    /// Sets the window of streams that begin, and changes that of the others by as much (RFC 9113 §6.9.2); `false` if that is
    /// more than there can be.
    pub(super) fn set_initial_window(&mut self, window: u32) -> bool {
        let more = i64::from(window) - self.initial_window;
        self.initial_window += more;
        self.open.iter_mut().for_each(|(_, stream)| stream.window += more);
        self.initial_window <= MAX_WINDOW && self.open.iter().all(|(_, stream)| stream.window <= MAX_WINDOW)
    }
}

impl Stream {
    /// Adds to its window; `false` if that is more than there can be.
    pub(super) fn widen(&mut self, by: u32) -> bool {
        self.window += i64::from(by);
        self.window <= MAX_WINDOW
    }
}

impl Content {
    /// Content of which nothing came.
    pub(super) fn new(length: Option<u64>) -> Content {
        Content { length, received: 0, cost: 0, window: WINDOW, unreturned: 0 }
    }
}
