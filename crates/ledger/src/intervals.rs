//! A set of byte positions as sorted, disjoint, non-touching ranges.

use std::ops::Range;

/// The positions that one client has of one representation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Intervals {
    /// Sorted; between two neighbours there is at least one position that is not in the set.
    ranges: Vec<Range<u64>>,
}

impl Intervals {
    /// Adds all positions of `range`. An empty range adds nothing.
    pub(crate) fn insert(&mut self, range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        // Everything from the first range that ends at or after the new start, to the last one that begins
        // at or before the new end, touches the new range and becomes one with it.
        let from = self.ranges.partition_point(|held| held.end < range.start);
        let to = self.ranges.partition_point(|held| held.start <= range.end);
        let merged = match self.ranges.get(from..to) {
            Some([first, .., last]) => first.start.min(range.start)..last.end.max(range.end),
            Some([only]) => only.start.min(range.start)..only.end.max(range.end),
            Some([]) | None => range,
        };
        self.ranges.splice(from..to, [merged]);
    }

    /// Whether every position below `length` is in the set.
    pub(crate) fn cover(&self, length: u64) -> bool {
        length == 0 || self.ranges.first().is_some_and(|first| first.start == 0 && first.end >= length)
    }

    /// How many ranges are needed to tell the set.
    pub(crate) fn count(&self) -> usize {
        self.ranges.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH: u64 = 6;

    fn all_ranges() -> impl Iterator<Item = Range<u64>> {
        (0..=LENGTH).flat_map(|start| (start..=LENGTH).map(move |end| start..end))
    }

    /// The oracle: one bit per position.
    fn bits(range: &Range<u64>) -> u32 {
        range.clone().fold(0, |bits, position| bits | 1 << position)
    }

    fn runs(bits: u32) -> usize {
        (0..=LENGTH).filter(|&at| bits >> at & 1 == 1 && (at == 0 || bits >> (at - 1) & 1 == 0)).count()
    }

    #[track_caller]
    fn check(intervals: &Intervals, expect: u32) {
        assert_eq!(intervals.ranges.iter().fold(0, |all, range| all | bits(range)), expect, "{intervals:?}");
        assert_eq!(intervals.count(), runs(expect), "{intervals:?} is not in its shortest form");
        for length in 0..=LENGTH {
            let expected = (0..length).all(|at| expect >> at & 1 == 1);
            assert_eq!(intervals.cover(length), expected, "{intervals:?} up to {length}");
        }
    }

    #[test]
    fn every_four_ranges_over_six_positions_agree_with_a_bitmap() {
        fn extend(intervals: &Intervals, expect: u32, depth: u32) {
            for range in all_ranges() {
                let mut next = intervals.clone();
                next.insert(range.clone());
                let expect = expect | bits(&range);
                check(&next, expect);
                if depth > 1 {
                    extend(&next, expect, depth - 1);
                }
            }
        }
        extend(&Intervals::default(), 0, 4);
    }
}
