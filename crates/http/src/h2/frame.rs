//! Frames by their heads (RFC 9113 §4.1), and the numbers that stand in them (§6, §7).

/// What a client says first (RFC 9113 §3.4).
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The length of a frame's head, in bytes.
pub const HEAD_BYTES: usize = 9;

/// The longest content of a frame, in bytes: what holds where nothing was said about it (RFC 9113 §4.2). More is neither
/// asked for nor sent.
pub const MAX_FRAME_BYTES: usize = 16_384;

/// The flag that ends a stream (RFC 9113 §6.1, §6.2).
pub const END_STREAM: u8 = 0x1;

/// The flag that acknowledges settings or a ping (RFC 9113 §6.5, §6.7).
pub const ACK: u8 = 0x1;

/// The flag that ends a field section (RFC 9113 §6.2, §6.10).
pub const END_HEADERS: u8 = 0x4;

/// The flag for padding (RFC 9113 §6.1, §6.2).
pub const PADDED: u8 = 0x8;

/// The flag for a priority before a field section (RFC 9113 §6.2).
pub const PRIORITY: u8 = 0x20;

/// A frame's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its type.
    pub kind: Kind,
    /// Its flags, whose meaning depends on the type.
    pub flags: u8,
    /// Its stream; 0 for the connection as a whole.
    pub stream: u32,
    /// Of its content, in bytes, at most 2²⁴ − 1.
    pub length: u32,
}

/// The types of frames (RFC 9113 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Content (§6.1).
    Data,
    /// A field section, or its start (§6.2).
    Headers,
    /// An advice that nobody follows (§6.3).
    Priority,
    /// The end of a stream, at once (§6.4).
    Reset,
    /// What a side accepts (§6.5).
    Settings,
    /// What clients must not send (§6.6).
    PushPromise,
    /// A question whether anybody is there (§6.7).
    Ping,
    /// The end of the connection, soon (§6.8).
    GoAway,
    /// Room for content (§6.9).
    WindowUpdate,
    /// More of a field section (§6.10).
    Continuation,
    /// Any other, which is passed over (§5.5).
    Unknown,
}

/// Why a stream or a connection ends (RFC 9113 §7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// For no fault.
    NoError,
    /// A rule was broken that no other code is about.
    Protocol,
    /// The fault is ours.
    Internal,
    /// More was sent than was granted, or granted than can be.
    FlowControl,
    /// A frame on a stream that has ended.
    StreamClosed,
    /// A frame of a length that it cannot have.
    FrameSize,
    /// A stream that was not begun with, and may be asked for again.
    RefusedStream,
    /// A field section that cannot be decoded.
    Compression,
    /// Work is made for its own sake.
    EnhanceYourCalm,
}

impl Frame {
    /// Reads a head.
    pub fn read(head: [u8; HEAD_BYTES]) -> Frame {
        Frame {
            kind: Kind::read(head[3]),
            flags: head[4],
            // The first bit is reserved.
            stream: u32::from_be_bytes([head[5] & 0x7f, head[6], head[7], head[8]]),
            length: u32::from_be_bytes([0, head[0], head[1], head[2]]),
        }
    }

    /// The head as it is sent.
    pub fn to_bytes(self) -> [u8; HEAD_BYTES] {
        let [_, high, middle, low] = self.length.to_be_bytes();
        let [first, second, third, fourth] = self.stream.to_be_bytes();
        [high, middle, low, self.kind.code(), self.flags, first, second, third, fourth]
    }

    /// Whether it has this flag.
    pub fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

impl Kind {
    fn read(code: u8) -> Kind {
        match code {
            0 => Kind::Data,
            1 => Kind::Headers,
            2 => Kind::Priority,
            3 => Kind::Reset,
            4 => Kind::Settings,
            5 => Kind::PushPromise,
            6 => Kind::Ping,
            7 => Kind::GoAway,
            8 => Kind::WindowUpdate,
            9 => Kind::Continuation,
            10.. => Kind::Unknown,
        }
    }

    /// The number of the type; 255 for those that have no name.
    fn code(self) -> u8 {
        match self {
            Kind::Data => 0,
            Kind::Headers => 1,
            Kind::Priority => 2,
            Kind::Reset => 3,
            Kind::Settings => 4,
            Kind::PushPromise => 5,
            Kind::Ping => 6,
            Kind::GoAway => 7,
            Kind::WindowUpdate => 8,
            Kind::Continuation => 9,
            Kind::Unknown => u8::MAX,
        }
    }
}

impl ErrorCode {
    /// Its number.
    pub fn number(self) -> u32 {
        match self {
            ErrorCode::NoError => 0,
            ErrorCode::Protocol => 1,
            ErrorCode::Internal => 2,
            ErrorCode::FlowControl => 3,
            ErrorCode::StreamClosed => 5,
            ErrorCode::FrameSize => 6,
            ErrorCode::RefusedStream => 7,
            ErrorCode::Compression => 9,
            ErrorCode::EnhanceYourCalm => 11,
        }
    }
}

/// Adds a frame to `out`.
pub(super) fn write(out: &mut Vec<u8>, kind: Kind, flags: u8, stream: u32, content: &[u8]) {
    // What is written by this is a few bytes long.
    out.extend_from_slice(&Frame { kind, flags, stream, length: content.len() as u32 }.to_bytes());
    out.extend_from_slice(content);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read_as_they_are_written() {
        for code in 0..10 {
            let kind = Kind::read(code);
            assert_eq!(kind.code(), code);
            let frame = Frame { kind, flags: 5, stream: 0x7fff_fffe, length: 0x00ab_cdef };
            assert_eq!(Frame::read(frame.to_bytes()), frame);
        }
        let reserved = Frame::read([0, 0, 1, 99, 0x25, 0x80, 0, 0, 3]);
        assert_eq!(reserved, Frame { kind: Kind::Unknown, flags: 0x25, stream: 3, length: 1 });
        assert!(reserved.has(PRIORITY) && !reserved.has(PADDED));
    }
}
