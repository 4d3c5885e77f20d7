//! What either side accepts (RFC 9113 §6.5).

use super::fault::{BEYOND_THE_LARGEST, Fault, ON_STREAM, SHORT, protocol};
use super::{Came, Conversation, MAX_STREAMS};
use crate::h2::answer::Table;
use crate::h2::field_section::MAX_SECTION_BYTES;
use crate::h2::frame::{ACK, Frame, Kind, write};

/// The numbers of settings (RFC 9113 §6.5.2, RFC 9218 §2.1).
const HEADER_TABLE_SIZE: u16 = 1;
const ENABLE_PUSH: u16 = 2;
const MAX_CONCURRENT_STREAMS: u16 = 3;
const INITIAL_WINDOW_SIZE: u16 = 4;
const MAX_FRAME_SIZE: u16 = 5;
const MAX_HEADER_LIST_SIZE: u16 = 6;
const NO_RFC7540_PRIORITIES: u16 = 9;

/// The table that a client has room for where nothing was said about it, in bytes.
const USUAL_TABLE_BYTES: u32 = 4096;

impl Conversation {
    /// Says what a server says first (RFC 9113 §3.4).
    pub fn greet(&self, out: &mut Vec<u8>) {
        let settings = [
            (MAX_CONCURRENT_STREAMS, MAX_STREAMS),
            // It is far below 4 GiB.
            (MAX_HEADER_LIST_SIZE, MAX_SECTION_BYTES as u32),
            (NO_RFC7540_PRIORITIES, 1),
        ];
        let bytes: Vec<u8> = settings
            .iter()
            .flat_map(|(number, value)| number.to_be_bytes().into_iter().chain(value.to_be_bytes()))
            .collect();
        write(out, Kind::Settings, 0, 0, &bytes);
    }

    pub(super) fn receive_settings(
        &mut self,
        frame: Frame,
        content: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Came, Fault> {
        if frame.stream != 0 {
            return Err(ON_STREAM);
        }
        let (settings, rest) = content.as_chunks::<6>();
        match (frame.has(ACK), content, rest) {
            (true, [], _) => return Ok(Came::Nothing),
            (false, _, []) => {}
            (true | false, _, _) => return Err(SHORT),
        }
        let mut came = Came::Nothing;
        for [high, low, value @ ..] in settings {
            if self.set(u16::from_be_bytes([*high, *low]), u32::from_be_bytes(*value))? == Grew::Windows {
                came = Came::RoomForAll;
            }
        }
        write(out, Kind::Settings, ACK, 0, &[]);
        Ok(came)
    }

    fn set(&mut self, number: u16, value: u32) -> Result<Grew, Fault> {
        match (number, value) {
            // It may have to be said that less is used (RFC 7541 §4.2).
            (HEADER_TABLE_SIZE, ..USUAL_TABLE_BYTES) => self.table = Table::Unused,
            (ENABLE_PUSH, 2..) => return Err(protocol("a setting is neither on nor off")),
            (INITIAL_WINDOW_SIZE, window) => {
                if !self.streams.set_initial_window(window) {
                    return Err(BEYOND_THE_LARGEST);
                }
                return Ok(Grew::Windows);
            }
            (MAX_FRAME_SIZE, 0..0x4000 | 0x100_0000..) => {
                return Err(protocol("a setting of the length of frames is out of bounds"));
            }
            // Whatever else there is does not matter here, or is not known (RFC 9113 §6.5.2).
            (_, _) => {}
        }
        Ok(Grew::Nothing)
    }
}

/// What a setting has changed that others wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grew {
    Nothing,
    Windows,
}
