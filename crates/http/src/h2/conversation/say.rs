//! What is said that is no answer: resets, windows, and the end.

use super::fault::{Fault, ON_STREAM, SHORT};
use super::{Came, Conversation, Leaving};
use crate::h2::frame::{ACK, ErrorCode, Frame, Kind, write};
use crate::h2::streams::MAX_WINDOW;

/// What the ping has in it whose answer shows that the client knows of the end that was announced.
const FAREWELL: &[u8; 8] = b"farewell";

impl Conversation {
    /// Says that the connection is going to end, and asks whether the client knows (RFC 9113 §6.8); where nothing is under way,
    /// that it ends.
    pub fn leave(&mut self, out: &mut Vec<u8>) {
        if !self.is_busy() {
            return self.say_end(ErrorCode::NoError, out);
        }
        if self.leaving == Leaving::Not {
            self.leaving = Leaving::Announced;
            // The largest number of a stream: none is refused yet.
            write_go_away(out, MAX_WINDOW as u32, ErrorCode::NoError);
            write(out, Kind::Ping, 0, 0, FAREWELL);
        }
    }

    /// Says that nothing more is answered than what was begun with.
    pub fn say_end(&mut self, code: ErrorCode, out: &mut Vec<u8>) {
        let last = match (self.leaving, code) {
            (Leaving::Final { .. }, ErrorCode::NoError) => return,
            // Whoever was told that all is well is told what is not, and of no later request.
            (Leaving::Final { last }, _) => last,
            (Leaving::Not | Leaving::Announced, _) => self.streams.last(),
        };
        self.leaving = Leaving::Final { last };
        write_go_away(out, last, code);
    }

    pub(super) fn receive_ping(
        &self,
        frame: Frame,
        content: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Came, Fault> {
        if frame.stream != 0 {
            return Err(ON_STREAM);
        }
        let said: &[u8; 8] = content.try_into().map_err(|_| SHORT)?;
        match (frame.has(ACK), said, self.leaving) {
            (true, FAREWELL, Leaving::Announced) => Ok(Came::Informed),
            (true, _, _) => Ok(Came::Nothing),
            (false, said, _) => {
                write(out, Kind::Ping, ACK, 0, said);
                Ok(Came::Nothing)
            }
        }
    }
}

pub(super) fn write_reset(out: &mut Vec<u8>, stream: u32, code: ErrorCode) {
    write(out, Kind::Reset, 0, stream, &code.number().to_be_bytes());
}

pub(super) fn write_window_update(out: &mut Vec<u8>, stream: u32, by: u32) {
    write(out, Kind::WindowUpdate, 0, stream, &by.to_be_bytes());
}

fn write_go_away(out: &mut Vec<u8>, last: u32, code: ErrorCode) {
    let content = [last.to_be_bytes(), code.number().to_be_bytes()].concat();
    write(out, Kind::GoAway, 0, 0, &content);
}
