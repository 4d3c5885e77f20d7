//! Reading field sections (HPACK, RFC 7541), with the table that the client fills.
//!
//! What lines mean is not judged here: a request that cannot be answered still leaves the table as its client believes it to be.

use std::collections::VecDeque;

use super::field_section::FieldSection;
use super::huffman;
use super::static_table::ENTRIES;
use crate::prefix_integer;

/// The largest table that a client may use, in bytes as RFC 7541 §4.1 counts them: what holds without a word about it
/// (RFC 9113 §6.5.2).
const MAX_TABLE_BYTES: usize = 4096;

/// What an entry counts beyond its name and its value, in bytes (RFC 7541 §4.1).
const ENTRY_OVERHEAD: usize = 32;

/// How long a section may become, whatever it takes to say so, in bytes: some times what is kept of it, beyond which it is
/// meant to cost.
const MAX_UNFOLDED_BYTES: usize = 16 * super::field_section::MAX_SECTION_BYTES;

/// How much room for text is kept, in bytes: what nearly all have.
const KEPT_BYTES: usize = 512;

/// Why a connection cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Undecodable {
    /// The section does not follow RFC 7541.
    Invalid,
    /// It unfolds to far more than any request.
    Unfolds,
}

/// A direction's table.
#[derive(Debug)]
pub(super) struct Decoder {
    /// The newest first.
    entries: VecDeque<Entry>,
    size: usize,
    /// The largest that the table may be now.
    limit: usize,
    /// Room for text that is decoded before it is known what for.
    name: Vec<u8>,
    value: Vec<u8>,
}

/// A line that the client has sent before.
#[derive(Debug)]
struct Entry {
    /// Its name, and its value behind that.
    bytes: Box<[u8]>,
    name_length: usize,
}

/// What a literal line does to the table (RFC 7541 §6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Indexing {
    Incremental,
    None,
}

impl Default for Decoder {
    fn default() -> Decoder {
        Decoder {
            entries: VecDeque::new(),
            size: 0,
            limit: MAX_TABLE_BYTES,
            name: Vec::new(),
            value: Vec::new(),
        }
    }
}

impl Decoder {
    /// Adds the lines of a whole section to `section`.
    pub(super) fn decode(&mut self, mut block: &[u8], section: &mut FieldSection) -> Result<(), Undecodable> {
        while let [first, ..] = block {
            match first {
                0x80.. => self.read_indexed(&mut block, section),
                0x40..0x80 => self.read_literal(&mut block, 6, Indexing::Incremental, section),
                // The size of the table may be changed only before the first line (RFC 7541 §4.2).
                0x20..0x40 if section.size() == 0 => self.read_limit(&mut block),
                0x20..0x40 => None,
                0x00..0x20 => self.read_literal(&mut block, 4, Indexing::None, section),
            }
            .ok_or(Undecodable::Invalid)?;
            if section.size() > MAX_UNFOLDED_BYTES {
                return Err(Undecodable::Unfolds);
            }
        }
        Ok(())
    }

    /// A line of a table (RFC 7541 §6.1).
    fn read_indexed(&self, block: &mut &[u8], section: &mut FieldSection) -> Option<()> {
        let (name, value) = self.entry(prefix_integer::read(block, 7)?)?;
        section.push(name, value);
        Some(())
    }

    /// A line with a value of its own (RFC 7541 §6.2).
    fn read_literal(
        &mut self,
        block: &mut &[u8],
        bits: u32,
        indexing: Indexing,
        section: &mut FieldSection,
    ) -> Option<()> {
        let (mut name, mut value) = (std::mem::take(&mut self.name), std::mem::take(&mut self.value));
        match prefix_integer::read(block, bits)? {
            0 => read_text(block, &mut name)?,
            place => name.extend_from_slice(self.entry(place)?.0),
        }
        read_text(block, &mut value)?;
        section.push(&name, &value);
        match indexing {
            Indexing::Incremental => self.add(&name, &value),
            Indexing::None => {}
        }
        for text in [&mut name, &mut value] {
            text.clear();
            text.shrink_to(KEPT_BYTES);
        }
        (self.name, self.value) = (name, value);
        Some(())
    }

    /// A change of the table's size (RFC 7541 §6.3).
    fn read_limit(&mut self, block: &mut &[u8]) -> Option<()> {
        self.limit = prefix_integer::read(block, 5).filter(|limit| *limit <= MAX_TABLE_BYTES)?;
        self.evict(self.limit);
        Some(())
    }

    /// The line at a place in both tables (RFC 7541 §2.3.3).
    fn entry(&self, place: usize) -> Option<(&[u8], &[u8])> {
        match ENTRIES.get(place.checked_sub(1)?) {
            Some((name, value)) => Some((name.as_bytes(), value.as_bytes())),
            None => {
                let entry = self.entries.get(place - 1 - ENTRIES.len())?;
                Some(entry.bytes.split_at(entry.name_length))
            }
        }
    }

    /// Adds an entry, for which others may have to go (RFC 7541 §4.4).
    fn add(&mut self, name: &[u8], value: &[u8]) {
        let size = name.len() + value.len() + ENTRY_OVERHEAD;
        self.evict(self.limit.saturating_sub(size));
        if size <= self.limit {
            self.entries.push_front(Entry { bytes: [name, value].concat().into(), name_length: name.len() });
            self.size += size;
        }
    }

    /// Removes the oldest entries until the others count `most` bytes at most.
    fn evict(&mut self, most: usize) {
        while self.size > most
            && let Some(oldest) = self.entries.pop_back()
        {
            self.size -= oldest.bytes.len() + ENTRY_OVERHEAD;
        }
    }
}

/// Reads text, coded or not (RFC 7541 §5.2).
fn read_text(block: &mut &[u8], out: &mut Vec<u8>) -> Option<()> {
    let is_coded = block.first()? & 0x80 != 0;
    let length = prefix_integer::read(block, 7)?;
    let (text, rest) = block.split_at_checked(length)?;
    *block = rest;
    if is_coded {
        return huffman::read(text, out);
    }
    out.extend_from_slice(text);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of(digits: &str) -> Vec<u8> {
        let digits: String = digits.split_whitespace().collect();
        let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal digits");
        (0..digits.len()).step_by(2).map(byte).collect()
    }

    fn told(section: &FieldSection) -> String {
        let line =
            |(name, value): (&[u8], &[u8])| format!("{}={}", name.escape_ascii(), value.escape_ascii());
        section.lines().map(line).collect::<Vec<_>>().join(" ")
    }

    /// Decodes a section behind those before it; `table` is what the client's entries count then.
    #[track_caller]
    fn check(decoder: &mut Decoder, block: &str, expect: &str, table: usize) {
        let mut section = FieldSection::default();
        assert_eq!(decoder.decode(&bytes_of(block), &mut section), Ok(()), "{block}");
        assert_eq!((told(&section).as_str(), decoder.size), (expect, table), "{block}");
    }

    const FIRST: &str = ":method=GET :scheme=http :path=/ :authority=www.example.com";
    const SECOND: &str = ":method=GET :scheme=http :path=/ :authority=www.example.com cache-control=no-cache";
    const THIRD: &str =
        ":method=GET :scheme=https :path=/index.html :authority=www.example.com custom-key=custom-value";

    #[test]
    fn requests_rfc_7541_c_3() {
        let mut decoder = Decoder::default();
        check(&mut decoder, "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", FIRST, 57);
        check(&mut decoder, "8286 84be 5808 6e6f 2d63 6163 6865", SECOND, 110);
        let third = "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65";
        check(&mut decoder, third, THIRD, 164);
    }

    #[test]
    fn requests_in_huffmans_code_rfc_7541_c_4() {
        let mut decoder = Decoder::default();
        check(&mut decoder, "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", FIRST, 57);
        check(&mut decoder, "8286 84be 5886 a8eb 1064 9cbf", SECOND, 110);
        check(&mut decoder, "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf", THIRD, 164);
    }

    #[test]
    fn entries_make_room_for_others_rfc_7541_c_5() {
        let mut decoder = Decoder::default();
        check(&mut decoder, "3f e1 01", "", 0);
        assert_eq!(decoder.limit, 256);
        let first = "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 \
                     3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d";
        let rest =
            "cache-control=private date=Mon, 21 Oct 2013 20:13:21 GMT location=https://www.example.com";
        check(&mut decoder, first, &format!(":status=302 {rest}"), 222);
        check(&mut decoder, "4803 3330 37c1 c0bf", &format!(":status=307 {rest}"), 222);
    }

    #[test]
    fn what_is_larger_than_the_table_empties_it_rfc_7541_4_4() {
        let mut decoder = Decoder::default();
        check(&mut decoder, "40 01 61 01 62", "a=b", 34);
        let mut section = FieldSection::default();
        let value = vec![b'v'; MAX_TABLE_BYTES];
        let mut block = vec![0x40, 1, b'c'];
        prefix_integer::write_text(&mut block, &value);
        assert_eq!(decoder.decode(&block, &mut section), Ok(()));
        assert_eq!((decoder.size, decoder.entries.len(), section.lines().count()), (0, 0, 1));
    }

    #[test]
    fn the_table_shrinks_rfc_7541_4_3() {
        let mut decoder = Decoder::default();
        check(&mut decoder, "40 01 61 01 62 40 01 63 01 64", "a=b c=d", 68);
        check(&mut decoder, "3f 0f be", "c=d", 34);
        check(&mut decoder, "20 40 01 61 01 62", "a=b", 0);
    }

    #[test]
    fn what_is_no_section() {
        #[track_caller]
        fn check(block: &str) {
            let mut section = FieldSection::default();
            let decoded = Decoder::default().decode(&bytes_of(block), &mut section);
            assert_eq!(decoded, Err(Undecodable::Invalid), "{block}");
        }
        for block in
            ["80", "be", "ff 80 01", "00 05 61", "00 01", "40", "7f ff ff ff ff ff", "3f ff ff 7f", "82 20"]
        {
            check(block);
        }
        // Text in Huffman's code that is none.
        check("00 01 61 81 00");
    }

    #[test]
    fn what_is_longer_than_kept_is_counted_and_then_refused() {
        let mut decoder = Decoder::default();
        let mut block = vec![0x40, 1, b'x'];
        prefix_integer::write_text(&mut block, &[b'y'; 3_000]);
        let mut section = FieldSection::default();
        assert_eq!(decoder.decode(&block, &mut section), Ok(()));
        assert!(!section.is_too_long());
        assert_eq!(decoder.decode(&[0xbe; 20], &mut section), Ok(()));
        assert!(section.is_too_long() && section.lines().count() == 5, "{}", section.size());
        assert_eq!(decoder.decode(&[0xbe; 100], &mut section), Err(Undecodable::Unfolds));
    }
}
