//! A client's frames, each by its rules (RFC 9113 §6).

use super::fault::{BEYOND_THE_LARGEST, Fault, ON_NO_STREAM, ON_STREAM, SHORT, fault, protocol};
use super::say::{write_reset, write_window_update};
use super::{Begun, Came, Conversation, Expected, Leaving, MAX_STREAMS, Peer, Start};
use crate::h2::decoder::Undecodable;
use crate::h2::field_section::MAX_SECTION_BYTES;
use crate::h2::frame::{ACK, END_HEADERS, END_STREAM, ErrorCode, Frame, Kind, PADDED, PRIORITY};
use crate::h2::request::{Malformed, are_trailers, content_length};
use crate::h2::streams::{Content, Incoming, Place};

/// How long a field section may be before it is decoded, in bytes. What is longer than [`MAX_SECTION_BYTES`] when it is decoded
/// is refused; this is meant to cost.
const MAX_BLOCK_BYTES: usize = 4 * MAX_SECTION_BYTES;

/// How much may come before the client is told that there is room for as much again, in bytes.
const RETURNED_BYTES: u32 = 32 * 1024;

impl Conversation {
    /// The first frame is the client's settings (RFC 9113 §3.4), and nothing stands within a field section (§6.10).
    pub(super) fn check_order(&mut self, frame: Frame) -> Result<(), Fault> {
        if self.start == Start::Expected {
            if frame.kind != Kind::Settings || frame.has(ACK) {
                return Err(protocol("the first frame is not its settings"));
            }
            self.start = Start::Made;
        }
        match (&self.begun, frame.kind) {
            (Some(begun), Kind::Continuation) if begun.stream == frame.stream => Ok(()),
            (Some(_), _) => Err(protocol("a field section is interrupted")),
            (None, Kind::Continuation) => Err(protocol("a field section goes on that has not begun")),
            (None, _) => Ok(()),
        }
    }

    pub(super) fn receive_headers(
        &mut self,
        frame: Frame,
        content: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Came, Fault> {
        if frame.stream.is_multiple_of(2) {
            return Err(protocol("a request has a number that is none of a client's"));
        }
        let mut block = without_padding(frame, content)?;
        if frame.has(PRIORITY) {
            block = block.get(5..).ok_or(SHORT)?;
        }
        let expected = if frame.has(END_STREAM) { Expected::Nothing } else { Expected::Content };
        if frame.has(END_HEADERS) {
            return self.end_section(frame.stream, expected, block, out);
        }
        self.begun = Some(Begun { stream: frame.stream, expected, block: block.to_vec() });
        Ok(Came::Nothing)
    }

    pub(super) fn receive_continuation(
        &mut self,
        frame: Frame,
        content: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Came, Fault> {
        // The order was checked.
        let Some(mut begun) = self.begun.take() else { return Ok(Came::Nothing) };
        begun.block.extend_from_slice(content);
        if begun.block.len() > MAX_BLOCK_BYTES {
            return Err(fault(ErrorCode::EnhanceYourCalm, "a field section does not end"));
        }
        if frame.has(END_HEADERS) {
            return self.end_section(begun.stream, begun.expected, &begun.block, out);
        }
        self.begun = Some(begun);
        Ok(Came::Nothing)
    }

    /// A whole field section has come.
    pub(super) fn end_section(
        &mut self,
        stream: u32,
        expected: Expected,
        block: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Came, Fault> {
        self.section.clear();
        self.decoder.decode(block, &mut self.section).map_err(|undecodable| match undecodable {
            Undecodable::Invalid => fault(ErrorCode::Compression, "a field section cannot be decoded"),
            Undecodable::Unfolds => {
                fault(ErrorCode::EnhanceYourCalm, "a field section unfolds without measure")
            }
        })?;
        match self.streams.place(stream) {
            Place::Idle => Ok(self.begin(stream, expected, out)),
            Place::Open(open) => match (&open.incoming, expected) {
                (Incoming::Open(_), Expected::Nothing) if are_trailers(&self.section) => {
                    Ok(self.end_content(stream, out))
                }
                (Incoming::Open(_), _) => Ok(self.fail(stream, ErrorCode::Protocol, out)),
                (Incoming::Ended, _) => {
                    Err(fault(ErrorCode::StreamClosed, "a request that has ended goes on"))
                }
            },
            Place::Forsaken => Ok(Came::TooLate),
            Place::Skipped => Err(protocol("a request has a number below that of an earlier one")),
            Place::Closed => {
                Err(fault(ErrorCode::StreamClosed, "a request has the number of an earlier one"))
            }
        }
    }

    /// A request has come, on a stream that was idle.
    pub(super) fn begin(&mut self, stream: u32, expected: Expected, out: &mut Vec<u8>) -> Came {
        if matches!(self.leaving, Leaving::Final { .. }) {
            // The client knows that it is not answered, or will.
            self.streams.pass_over(stream);
            return Came::Refused(stream);
        }
        if self.streams.open() >= MAX_STREAMS as usize {
            self.streams.pass_over(stream);
            write_reset(out, stream, ErrorCode::RefusedStream);
            return Came::Refused(stream);
        }
        let length = content_length(&self.section);
        let incoming = match (expected, length) {
            (Expected::Nothing, Ok(None | Some(0))) => Incoming::Ended,
            (Expected::Content, Ok(length)) => Incoming::Open(Content::new(length)),
            (Expected::Nothing, Ok(Some(_))) | (_, Err(Malformed)) => {
                self.streams.pass_over(stream);
                write_reset(out, stream, ErrorCode::Protocol);
                return Came::Failed(stream);
            }
        };
        self.streams.begin(stream, incoming);
        Came::Request(stream, expected)
    }

    pub(super) fn receive_data(
        &mut self,
        frame: Frame,
        content: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Came, Fault> {
        if frame.stream == 0 {
            return Err(ON_NO_STREAM);
        }
        self.window -= i64::from(frame.length);
        if self.window < 0 {
            return Err(fault(ErrorCode::FlowControl, "more content comes than was granted"));
        }
        self.unreturned += frame.length;
        // Whatever becomes of the content, it is not held.
        if self.unreturned >= RETURNED_BYTES {
            self.window += i64::from(self.unreturned);
            write_window_update(out, 0, std::mem::take(&mut self.unreturned));
        }
        // In bytes; a frame's length fits.
        let data = without_padding(frame, content)?.len() as u64;
        let max_content = self.max_content;
        let content = match self.streams.place(frame.stream) {
            Place::Idle => return Err(protocol("content comes before its request")),
            Place::Forsaken => return Ok(Came::TooLate),
            Place::Open(stream) => match &mut stream.incoming {
                Incoming::Open(content) => content,
                Incoming::Ended => return Ok(self.fail(frame.stream, ErrorCode::StreamClosed, out)),
            },
            Place::Closed | Place::Skipped => {
                return Ok(self.fail(frame.stream, ErrorCode::StreamClosed, out));
            }
        };
        content.window -= i64::from(frame.length);
        content.unreturned += frame.length;
        content.received += data;
        content.cost += u64::from(frame.length);
        if content.window < 0 {
            return Ok(self.fail(frame.stream, ErrorCode::FlowControl, out));
        }
        if content.length.is_some_and(|length| content.received > length) {
            return Ok(self.fail(frame.stream, ErrorCode::Protocol, out));
        }
        if frame.has(END_STREAM) {
            return Ok(self.end_content(frame.stream, out));
        }
        // Beyond the limit nothing more is asked for: the client comes to the end of its window, and finds its answer.
        if content.unreturned >= RETURNED_BYTES && content.cost <= max_content {
            content.window += i64::from(content.unreturned);
            write_window_update(out, frame.stream, std::mem::take(&mut content.unreturned));
        }
        Ok(Came::Nothing)
    }

    /// The last of a request's content has come.
    pub(super) fn end_content(&mut self, number: u32, out: &mut Vec<u8>) -> Came {
        let Some(stream) = self.streams.stream(number) else { return Came::Nothing };
        match &stream.incoming {
            Incoming::Open(content) if content.length.is_some_and(|length| length != content.received) => {
                self.fail(number, ErrorCode::Protocol, out)
            }
            Incoming::Open(_) | Incoming::Ended => {
                stream.incoming = Incoming::Ended;
                self.streams.end_if_done(number);
                Came::Nothing
            }
        }
    }

    /// Priorities are an advice that is not followed (RFC 9113 §5.3.2).
    pub(super) fn receive_priority(&mut self, frame: Frame, out: &mut Vec<u8>) -> Result<Came, Fault> {
        if frame.stream == 0 {
            return Err(ON_NO_STREAM);
        }
        match (frame.length, self.streams.place(frame.stream)) {
            (5, _) => Ok(Came::Nothing),
            (_, Place::Open(_)) => Ok(self.fail(frame.stream, ErrorCode::FrameSize, out)),
            (_, Place::Idle | Place::Skipped | Place::Closed | Place::Forsaken) => Err(SHORT),
        }
    }

    pub(super) fn receive_reset(&mut self, frame: Frame, content: &[u8]) -> Result<Came, Fault> {
        if frame.stream == 0 {
            return Err(ON_NO_STREAM);
        }
        if content.len() != 4 {
            return Err(SHORT);
        }
        match self.streams.place(frame.stream) {
            Place::Idle => Err(protocol("a stream is reset that was not begun")),
            Place::Open(_) => {
                self.streams.end(frame.stream);
                Ok(Came::Reset(frame.stream))
            }
            Place::Skipped | Place::Closed | Place::Forsaken => Ok(Came::Nothing),
        }
    }

    pub(super) fn receive_go_away(&mut self, frame: Frame) -> Result<Came, Fault> {
        match (frame.stream, frame.length) {
            (0, 8..) => {
                self.peer = Peer::Leaves;
                Ok(Came::Nothing)
            }
            (0, _) => Err(SHORT),
            (_, _) => Err(ON_STREAM),
        }
    }

    pub(super) fn receive_window_update(
        &mut self,
        frame: Frame,
        content: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Came, Fault> {
        let by = u32::from_be_bytes(content.try_into().map_err(|_| SHORT)?) & 0x7fff_ffff;
        if frame.stream == 0 {
            return match (by, self.streams.widen_all(by)) {
                (0, _) => Err(protocol("a window grows by nothing")),
                (_, true) => Ok(Came::RoomForAll),
                (_, false) => Err(BEYOND_THE_LARGEST),
            };
        }
        match self.streams.place(frame.stream) {
            Place::Idle => Err(protocol("a window grows of a stream that was not begun")),
            Place::Open(stream) => match (by, stream.widen(by)) {
                (0, _) => Ok(self.fail(frame.stream, ErrorCode::Protocol, out)),
                (_, true) => Ok(Came::Room(frame.stream)),
                (_, false) => Ok(self.fail(frame.stream, ErrorCode::FlowControl, out)),
            },
            Place::Skipped | Place::Closed | Place::Forsaken => Ok(Came::Nothing),
        }
    }
}

/// The content of a frame that may be padded (RFC 9113 §6.1).
fn without_padding(frame: Frame, content: &[u8]) -> Result<&[u8], Fault> {
    if !frame.has(PADDED) {
        return Ok(content);
    }
    let (padding, rest) = content.split_first().ok_or(SHORT)?;
    let length = rest.len().checked_sub(usize::from(*padding));
    length.map(|length| &rest[..length]).ok_or(protocol("there is more padding than frame"))
}
