//! A request's field lines as they were decoded, in one piece of memory that serves one request after another.

use crate::h1::head::MAX_HEAD_BYTES;

/// What a line counts beyond its name and its value, in bytes (RFC 9113 §6.5.2).
const LINE_OVERHEAD: usize = 32;

/// The longest section that is kept, in bytes as RFC 9113 §6.5.2 counts them; what a client is told as well.
pub const MAX_SECTION_BYTES: usize = MAX_HEAD_BYTES;

/// How much room is kept for the next section, in bytes: what nearly all have.
const KEPT_BYTES: usize = 2048;

/// Field lines in the order in which they came.
#[derive(Clone, Debug, Default)]
pub struct FieldSection {
    bytes: Vec<u8>,
    lines: Vec<Line>,
    /// What all lines count, also those that are not kept.
    size: usize,
}

/// Where a line lies: its name up to `name_end`, its value behind that, up to `end`.
#[derive(Clone, Copy, Debug)]
struct Line {
    name_end: u32,
    end: u32,
}

impl FieldSection {
    /// Forgets every line.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_BYTES);
        self.lines.clear();
        self.lines.shrink_to(KEPT_BYTES / LINE_OVERHEAD);
        self.size = 0;
    }

    /// The lines as names and values; of a section that is too long, the first.
    pub fn lines(&self) -> impl Iterator<Item = (&[u8], &[u8])> + Clone {
        let mut start = 0;
        self.lines.iter().map(move |line| {
            let (name_end, end) = (line.name_end as usize, line.end as usize);
            let line = (&self.bytes[start..name_end], &self.bytes[name_end..end]);
            start = end;
            line
        })
    }

    /// What all lines count, in bytes.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Whether it is longer than what is kept.
    pub fn is_too_long(&self) -> bool {
        self.size > MAX_SECTION_BYTES
    }

    /// Adds a line, if there is room for it.
    pub(super) fn push(&mut self, name: &[u8], value: &[u8]) {
        self.size += name.len() + value.len() + LINE_OVERHEAD;
        if !self.is_too_long() {
            self.bytes.extend_from_slice(name);
            // A section that is kept is far shorter than 4 GiB.
            let name_end = self.bytes.len() as u32;
            self.bytes.extend_from_slice(value);
            self.lines.push(Line { name_end, end: self.bytes.len() as u32 });
        }
    }
}
