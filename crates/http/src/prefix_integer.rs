//! Integers in the last bits of a byte and in those that follow, as field sections have them (RFC 7541 §5.1, RFC 9204 §4.1.1).

/// The largest that is read: far beyond every length and place that means something here.
const MOST: usize = 1 << 24;

/// Writes `number` behind `flags`, which leave the last `bits` of a byte free, 1 to 8.
pub(crate) fn write(out: &mut Vec<u8>, flags: u8, bits: u32, number: usize) {
    let most = (1_usize << bits) - 1;
    if number < most {
        // It fits the bits, and they a byte.
        out.push(flags | number as u8);
        return;
    }
    out.push(flags | most as u8);
    let mut rest = number - most;
    while rest >= 0x80 {
        out.push(0x80 | (rest & 0x7f) as u8);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// Writes text that is not coded (RFC 7541 §5.2, RFC 9204 §4.1.2): what Huffman's code saves on an answer's head is worth less
/// than what it costs.
pub(crate) fn write_text(out: &mut Vec<u8>, text: &[u8]) {
    write(out, 0, 7, text.len());
    out.extend_from_slice(text);
}

/// Reads the number in the last `bits` of the first byte and behind it, and takes it away; nothing where it is cut off or
/// larger than anything that is meant.
pub(crate) fn read(bytes: &mut &[u8], bits: u32) -> Option<usize> {
    let (first, mut rest) = bytes.split_first()?;
    let most = (1_usize << bits) - 1;
    let mut number = usize::from(*first) & most;
    if number == most {
        let mut shift = 0;
        loop {
            let (next, behind) = rest.split_first()?;
            rest = behind;
            number += usize::from(next & 0x7f) << shift;
            shift += 7;
            if number > MOST || shift > 28 {
                return None;
            }
            if next & 0x80 == 0 {
                break;
            }
        }
    }
    *bytes = rest;
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(flags: u8, bits: u32, number: usize, expect: &[u8]) {
        let mut out = Vec::new();
        write(&mut out, flags, bits, number);
        assert_eq!(out, expect, "{number}");
        for cut in 0..out.len() {
            assert_eq!(read(&mut &out[..cut], bits), None, "{number} cut at {cut}");
        }
        out.push(7);
        let mut rest = &out[..];
        assert_eq!((read(&mut rest, bits), rest), (Some(number), [7].as_slice()), "{number}");
    }

    #[test]
    fn integers_rfc_7541_c_1() {
        check(0, 5, 10, &[0b0000_1010]);
        check(0, 5, 1337, &[0b0001_1111, 0b1001_1010, 0b0000_1010]);
        check(0, 8, 42, &[42]);
        check(0, 3, 7, &[7, 0]);
        check(0xc0, 6, 62, &[0xfe]);
        check(0xc0, 6, 63, &[0xff, 0]);
        check(0, 7, MOST, &[0x7f, 0x81, 0xff, 0xff, 0x07]);
    }

    #[test]
    fn what_is_larger_than_anything_meant_is_none() {
        for bytes in [[0x7f, 0xff, 0xff, 0xff, 0x7f, 0], [0x7f, 0x80, 0x80, 0x80, 0x80, 0x80]] {
            assert_eq!(read(&mut &bytes[..], 7), None);
        }
    }
}
