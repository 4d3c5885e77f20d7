//! Reading `Range` and choosing what to send (RFC 9110 §14.1, §14.2, §15.3.7).

use super::ByteRange;
use crate::field_lines::{FieldLines, members};

/// Which bytes of a representation answer a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All of it, with 200: no range was asked for, or none that is honoured.
    Whole,
    /// 206 with one range.
    One(ByteRange),
    /// 206 with two ranges or more, disjoint, in the order in which they were asked for.
    Several(Box<[ByteRange]>),
    /// 416: no part of it was asked for.
    Unsatisfiable,
}

/// The most ranges in one request, satisfiable or not. Players, readers of documents and synchronisers
/// ask for a handful, seldom for a hundred; Apache has allowed 200 by default since 2011 and is known to
/// suffice. More are answered with the whole.
pub const MAX_RANGES: usize = 200;

/// The most ranges that overlap one before. "More than two overlapping ranges" is what RFC 9110 §14.2
/// names as a sign of a broken or hostile client. More are answered with the whole.
pub const MAX_OVERLAPS: usize = 2;

/// Ranges with a gap of fewer bytes are sent as one: about what the head of another part would cost (RFC
/// 9110 §15.3.7.2).
pub const NEARLY_TOUCHING: u64 = 80;

/// Chooses what to send of a representation with this length in bytes.
///
/// A field that is malformed, repeated, or has another unit than bytes is ignored as if absent (RFC 9110
/// §14.2). Positions of any number of digits are read, and clipped.
pub fn select(range: &FieldLines<'_>, complete_length: u64) -> Selection {
    let [value] = range.lines() else { return Selection::Whole };
    let Some(specs) = parse_specs(value) else { return Selection::Whole };
    // A part of no bytes cannot be said in Content-Range; that the suffix is all of it is true.
    if complete_length == 0 && specs.iter().any(|spec| matches!(spec, RangeSpec::Suffix { length: 1.. })) {
        return Selection::Whole;
    }
    let requested: Vec<_> = specs
        .iter()
        .enumerate()
        .filter_map(|(order, spec)| Some(Requested { range: spec.resolve(complete_length)?, order }))
        .collect();
    if requested.is_empty() {
        return Selection::Unsatisfiable;
    }
    match coalesce(requested) {
        None => Selection::Whole,
        Some(ranges) => match *ranges {
            [range] => Selection::One(range),
            _ => Selection::Several(ranges),
        },
    }
}

/// One member of the range set (RFC 9110 §14.1.2).
#[derive(Clone, Copy, Debug)]
enum RangeSpec {
    /// `first-last`, or `first-` with the greatest number as its end.
    Positions { first: u64, last: u64 },
    /// `-length`: the last bytes.
    Suffix { length: u64 },
}

/// The members of the range set; nothing if the field is to be ignored, also for having too many.
fn parse_specs(value: &[u8]) -> Option<Vec<RangeSpec>> {
    let (unit, set) = value.split_at(memchr::memchr(b'=', value)?);
    if !unit.eq_ignore_ascii_case(b"bytes") {
        return None;
    }
    let specs: Vec<_> =
        members(&set[1..], b',').take(MAX_RANGES + 1).map(RangeSpec::parse).collect::<Option<_>>()?;
    (1..=MAX_RANGES).contains(&specs.len()).then_some(specs)
}

impl RangeSpec {
    fn parse(member: &[u8]) -> Option<Self> {
        let (first, last) = member.split_at(memchr::memchr(b'-', member)?);
        match (first, &last[1..]) {
            (b"", length) => Some(Self::Suffix { length: parse_clipped(length)? }),
            (first, b"") => Some(Self::Positions { first: parse_clipped(first)?, last: u64::MAX }),
            (first, last) => {
                let (first, last) = (parse_clipped(first)?, parse_clipped(last)?);
                (first <= last).then_some(Self::Positions { first, last })
            }
        }
    }

    /// The bytes it names; nothing if it is unsatisfiable. A suffix of none begins after the last byte.
    fn resolve(self, complete_length: u64) -> Option<ByteRange> {
        match self {
            Self::Positions { first, last } => ByteRange::within(first, last, complete_length),
            Self::Suffix { length } => {
                ByteRange::within(complete_length.saturating_sub(length), u64::MAX, complete_length)
            }
        }
    }
}

/// A decimal number; one that is too great for a `u64` becomes the greatest, which no content reaches.
fn parse_clipped(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(
        digits
            .iter()
            .fold(0_u64, |number, digit| number.saturating_mul(10).saturating_add(u64::from(digit - b'0'))),
    )
}

/// A satisfiable range, and which of the request's it was.
#[derive(Clone, Copy, Debug)]
struct Requested {
    range: ByteRange,
    order: usize,
}

/// Joins the ranges that overlap or nearly touch. What is left is in the order of the request, a joined
/// range at the place of its earliest member (RFC 9110 §15.3.7.2). Nothing if too many overlap.
fn coalesce(mut requested: Vec<Requested>) -> Option<Box<[ByteRange]>> {
    requested.sort_by_key(|requested| requested.range.first);
    let mut overlaps = 0;
    // Disjoint, ascending, and no two to be joined.
    let mut joined: Vec<Requested> = Vec::with_capacity(requested.len());
    for mut next in requested {
        if joined.last().is_some_and(|before| next.range.first <= before.range.last) {
            overlaps += 1;
        }
        // A small range between two that belong together is no reason to part them, and a range that has grown may
        // now be close to one before it.
        while let Some(at) = joined.iter().position(|before| belong_together(before.range, next.range)) {
            next = joined.drain(at..).fold(next, Requested::joined_with);
        }
        joined.push(next);
    }
    joined.sort_by_key(|joined| joined.order);
    (overlaps <= MAX_OVERLAPS).then(|| joined.iter().map(|joined| joined.range).collect())
}

impl Requested {
    /// One range in place of two and of what lies between, where the earlier was asked for.
    fn joined_with(self, other: Requested) -> Requested {
        let (first, last) = (self.range.first.min(other.range.first), self.range.last.max(other.range.last));
        Requested { range: ByteRange { first, last }, order: self.order.min(other.order) }
    }
}

/// Whether these two, of which the first begins first, are sent as one: they overlap or touch, or the gap
/// is smaller than a part's head and than both of them. So a client that asks for single bytes here and
/// there is not sent mostly what it did not ask for.
fn belong_together(before: ByteRange, after: ByteRange) -> bool {
    let gap = after.first.saturating_sub(before.last + 1);
    gap == 0 || gap < NEARLY_TOUCHING.min(before.length()).min(after.length())
}

#[cfg(test)]
mod tests;
