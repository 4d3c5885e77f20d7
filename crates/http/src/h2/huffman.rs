//! Reading text in the code of HPACK (RFC 7541 §5.2, appendix B).
//!
//! The code is canonical: the lengths of its symbols' codes say all about it. Nothing is written in it.

/// How long each symbol's code is, in bits; the last is of the end, which never stands in a text.
const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, //
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28, //
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, //
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, //
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, //
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, //
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, //
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, //
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, //
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, //
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, //
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, //
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, //
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, //
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, //
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, //
    30,
];

/// The longest code, in bits.
const LONGEST: usize = 30;

/// How many bits are looked up at once: the codes of nearly all that requests consist of.
const QUICK_BITS: usize = 9;

/// The code in the forms in which it is looked up.
struct Code {
    /// By the next bits: the symbol whose code they begin with, and its length; a length of 0 where it is longer.
    quick: [(u8, u8); 1 << QUICK_BITS],
    /// For each length: one more than the last code of it, at the left of 32 bits; and what leads from a code to its place.
    limits: [u64; LONGEST + 1],
    offsets: [u32; LONGEST + 1],
    /// The symbols in the order of their codes.
    symbols: [u16; 257],
}

static CODE: Code = Code::new();

impl Code {
    const fn new() -> Code {
        let mut code = Code {
            quick: [(0, 0); 1 << QUICK_BITS],
            limits: [0; LONGEST + 1],
            offsets: [0; LONGEST + 1],
            symbols: [0; 257],
        };
        let (mut next, mut place, mut length) = (0_u32, 0_u32, 1);
        while length <= LONGEST {
            next <<= 1;
            code.offsets[length] = next.wrapping_sub(place);
            let mut symbol = 0;
            while symbol < LENGTHS.len() {
                if LENGTHS[symbol] as usize == length {
                    code.symbols[place as usize] = symbol as u16;
                    if length <= QUICK_BITS {
                        let first = (next as usize) << (QUICK_BITS - length);
                        let mut at = first;
                        while at < first + (1 << (QUICK_BITS - length)) {
                            code.quick[at] = (symbol as u8, length as u8);
                            at += 1;
                        }
                    }
                    next += 1;
                    place += 1;
                }
                symbol += 1;
            }
            code.limits[length] = (next as u64) << (32 - length);
            length += 1;
        }
        code
    }

    /// The symbol whose code these 32 bits begin with, and its length.
    fn find(&self, bits: u32) -> (u16, usize) {
        let (symbol, length) = self.quick[(bits >> (32 - QUICK_BITS)) as usize];
        if length > 0 {
            return (u16::from(symbol), usize::from(length));
        }
        let is_within = |length: &usize| u64::from(bits) < self.limits[*length];
        // The limit of the longest codes lies behind all there is.
        let length = (QUICK_BITS + 1..LONGEST).find(is_within).unwrap_or(LONGEST);
        let place = (bits >> (32 - length)).wrapping_sub(self.offsets[length]);
        (self.symbols[place as usize], length)
    }
}

/// Adds the text that `coded` stands for; nothing comes of what is no text: the symbol for the end in it, or anything else
/// behind it than up to seven bits of ones.
pub(super) fn read(coded: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut rest = coded.iter();
    // The next bits, at the left, and how many there are. Ones follow the last, as they begin the symbol for the end.
    let (mut bits, mut count) = (0_u64, 0_usize);
    loop {
        while count <= 56 {
            let Some(byte) = rest.next() else { break };
            bits |= u64::from(*byte) << (56 - count);
            count += 8;
        }
        let padded = bits | u64::MAX.checked_shr(count as u32).unwrap_or(0);
        let (symbol, length) = CODE.find((padded >> 32) as u32);
        if length > count {
            return (count < 8 && padded == u64::MAX).then_some(());
        }
        out.push(u8::try_from(symbol).ok()?);
        bits <<= length;
        count -= length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `coded` in hexadecimal digits.
    #[track_caller]
    fn check(coded: &str, expect: Option<&str>) {
        let bytes: Vec<u8> = (0..coded.len() / 2)
            .map(|at| u8::from_str_radix(&coded[2 * at..2 * at + 2], 16).expect("hexadecimal digits"))
            .collect();
        let mut out = Vec::new();
        let read = read(&bytes, &mut out).map(|()| String::from_utf8_lossy(&out).into_owned());
        assert_eq!(read.as_deref(), expect, "{coded}");
    }

    #[test]
    fn texts_rfc_7541_c_4_and_c_6() {
        check("", Some(""));
        check("f1e3c2e5f23a6ba0ab90f4ff", Some("www.example.com"));
        check("a8eb10649cbf", Some("no-cache"));
        check("25a849e95ba97d7f", Some("custom-key"));
        check("25a849e95bb8e8b4bf", Some("custom-value"));
        check("6402", Some("302"));
        check("aec3771a4b", Some("private"));
        check("d07abe941054d444a8200595040b8166e082a62d1bff", Some("Mon, 21 Oct 2013 20:13:21 GMT"));
        check("9d29ad171863c78f0b97c8e9ae82ae43d3", Some("https://www.example.com"));
        check("640eff", Some("307"));
    }

    #[test]
    fn what_is_no_text() {
        // The end itself, padding of a whole byte, and padding of zeros.
        check("ffffffff", None);
        check("ff", None);
        check("f1e3c2e5f23a6ba0ab90f4ffff", None);
        check("00", None);
        check("a8eb10649cb0", None);
    }

    /// The code as it is written, bit by bit, which nothing else here does.
    fn write(text: &[u8]) -> Vec<u8> {
        let mut order: Vec<usize> = (0..257).collect();
        order.sort_by_key(|symbol| LENGTHS[*symbol]);
        let (mut codes, mut next, mut before) = ([0_u32; 257], 0_u32, 0);
        for symbol in order {
            next <<= LENGTHS[symbol] - before;
            before = LENGTHS[symbol];
            codes[symbol] = next;
            next += 1;
        }
        let code_of = |byte: &u8| {
            let (code, length) = (codes[usize::from(*byte)], usize::from(LENGTHS[usize::from(*byte)]));
            format!("{code:0length$b}")
        };
        let mut bits: String = text.iter().map(code_of).collect();
        bits += &"1".repeat(bits.len().next_multiple_of(8) - bits.len());
        let byte = |at| u8::from_str_radix(&bits[at..at + 8], 2).expect("digits of a byte");
        (0..bits.len()).step_by(8).map(byte).collect()
    }

    #[test]
    fn every_byte_beside_every_other() {
        for first in 0..=255_u8 {
            let text: Vec<u8> = (0..=255_u8).flat_map(|second| [first, second]).collect();
            let mut out = Vec::new();
            assert_eq!(read(&write(&text), &mut out), Some(()), "{first}");
            assert_eq!(out, text);
        }
    }
}
