//! Following the frames of a direction of a connection by their heads (RFC 9113 §4.1), whatever pieces they come in.
//!
//! The frames are made and understood elsewhere; what is learned here is where each ends, and whose it is.

/// The length of a frame's head, in bytes.
const HEAD_BYTES: usize = 9;

/// What a client says first (RFC 9113 §3.4).
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A frame's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: Kind,
    pub(super) flags: u8,
    pub(super) stream: u32,
    /// Of its content, in bytes.
    pub(super) length: u32,
}

/// The types of frames (RFC 9113 §6), as far as they matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Data,
    Headers,
    Priority,
    Reset,
    Settings,
    Ping,
    WindowUpdate,
    Continuation,
    Other,
}

/// The flag that ends a stream (RFC 9113 §6.1, §6.2).
pub(super) const END_STREAM: u8 = 0x1;

/// The flag that acknowledges settings (RFC 9113 §6.5).
pub(super) const ACK: u8 = 0x1;

/// The flag that ends a field section (RFC 9113 §6.2, §6.10).
pub(super) const END_HEADERS: u8 = 0x4;

/// Where a direction is; at first, at the start of what a server sends.
#[derive(Debug, Default)]
pub(super) struct Follower {
    /// What of the next frame's head has come.
    head: [u8; HEAD_BYTES],
    filled: usize,
    /// How much of what comes belongs to no head.
    passing: usize,
    /// The frame that passes.
    frame: Option<Frame>,
}

impl Follower {
    /// At the start of what a client sends.
    pub(super) fn of_client() -> Follower {
        Follower { passing: PREFACE.len(), ..Follower::default() }
    }

    /// Tells `each` of the frames that end in `bytes`, the next of the direction, and how many bytes follow it there.
    pub(super) fn follow(&mut self, mut bytes: &[u8], mut each: impl FnMut(Frame, usize)) {
        while !bytes.is_empty() {
            let passed = self.passing.min(bytes.len());
            self.passing -= passed;
            bytes = &bytes[passed..];
            if self.passing > 0 {
                return;
            }
            if let Some(frame) = self.frame.take() {
                each(frame, bytes.len());
            }
            let taken = (HEAD_BYTES - self.filled).min(bytes.len());
            self.head[self.filled..self.filled + taken].copy_from_slice(&bytes[..taken]);
            self.filled += taken;
            bytes = &bytes[taken..];
            if self.filled < HEAD_BYTES {
                return;
            }
            self.filled = 0;
            let frame = Frame::read(self.head);
            self.passing = frame.length as usize;
            match frame.length {
                0 => each(frame, bytes.len()),
                _ => self.frame = Some(frame),
            }
        }
    }
}

impl Frame {
    fn read(head: [u8; HEAD_BYTES]) -> Frame {
        Frame {
            kind: Kind::read(head[3]),
            flags: head[4],
            // The first bit is reserved.
            stream: u32::from_be_bytes([head[5] & 0x7f, head[6], head[7], head[8]]),
            length: u32::from_be_bytes([0, head[0], head[1], head[2]]),
        }
    }

    /// Whether it has this flag.
    pub(super) fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

impl Kind {
    fn read(kind: u8) -> Kind {
        match kind {
            0 => Kind::Data,
            1 => Kind::Headers,
            2 => Kind::Priority,
            3 => Kind::Reset,
            4 => Kind::Settings,
            6 => Kind::Ping,
            8 => Kind::WindowUpdate,
            9 => Kind::Continuation,
            5 | 7 | 10.. => Kind::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, stream: u32, length: usize) -> Vec<u8> {
        let mut bytes = (length as u32).to_be_bytes()[1..].to_vec();
        bytes.extend([kind, flags]);
        bytes.extend(stream.to_be_bytes());
        bytes.extend(vec![b'x'; length]);
        bytes
    }

    #[test]
    fn frames_are_followed_in_whatever_pieces_they_come() {
        let all = [
            frame(4, 0, 0, 6),
            frame(1, 5, 1, 20),
            frame(0, 0, 1, 70_000),
            frame(0, 1, 0x8000_0001, 0),
            frame(6, 1, 0, 8),
        ]
        .concat();
        let expect = [
            (Kind::Settings, 0, 0, 6),
            (Kind::Headers, 5, 1, 20),
            (Kind::Data, 0, 1, 70_000),
            (Kind::Data, 1, 1, 0),
            (Kind::Ping, 1, 0, 8),
        ]
        .map(|(kind, flags, stream, length)| Frame { kind, flags, stream, length });
        for piece in [1, 2, 5, 9, 10, 4096, all.len()] {
            let mut server = Follower::default();
            let (mut seen, mut ends) = (Vec::new(), Vec::new());
            for (at, bytes) in all.chunks(piece).enumerate() {
                server.follow(bytes, |frame, left| {
                    seen.push(frame);
                    ends.push(at * piece + bytes.len() - left);
                });
            }
            assert_eq!(seen, expect, "{piece}");
            assert_eq!(ends, [15, 44, 70_053, 70_062, 70_079], "{piece}");
        }
        let mut client = Follower::of_client();
        let mut seen = Vec::new();
        client.follow(&[PREFACE, &all].concat(), |frame, _| seen.push(frame));
        assert_eq!(seen, expect);
    }
}
