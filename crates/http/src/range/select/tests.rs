//! Rows by section of RFC 9110, every small range set against a naive oracle, and any input at all.

use proptest::prelude::*;

use super::*;

fn field<'a>(lines: &[&'a str]) -> FieldLines<'a> {
    lines.iter().map(|line| line.as_bytes()).collect()
}

fn render(selection: &Selection, complete_length: u64) -> String {
    let range = |range: &ByteRange| format!("{}-{}/{complete_length}", range.first(), range.last());
    match selection {
        Selection::Whole => "200".to_owned(),
        Selection::One(one) => format!("206 {}", range(one)),
        Selection::Several(several) => {
            format!("206 multipart {}", several.iter().map(range).collect::<Vec<_>>().join(" "))
        }
        Selection::Unsatisfiable => format!("416 */{complete_length}"),
    }
}

fn check(value: &str, complete_length: u64, expect: &str) {
    let selection = select(&field(&[value]), complete_length);
    assert_eq!(render(&selection, complete_length), expect, "{value} of {complete_length}");
}

#[test]
fn a_small_range_does_not_part_two_that_belong_together() {
    check("bytes=-159,4-66,76-76", 237, "206 4-236/237");
}

#[test]
fn rfc9110_section_14_1_2_positions() {
    check("bytes=0-4", 11, "206 0-4/11");
    check("bytes=3-3", 11, "206 3-3/11");
    check("bytes=0-10", 11, "206 0-10/11");
    check("bytes=0-11", 11, "206 0-10/11");
    check("bytes=5-99", 11, "206 5-10/11");
    check("bytes=10-", 11, "206 10-10/11");
    check("bytes=0-", 11, "206 0-10/11");
    check("bytes=000000000000000000000000000000005-7", 11, "206 5-7/11");
    check("bytes=11-", 11, "416 */11");
    check("bytes=11-11", 11, "416 */11");
    check("bytes=11-,12-,-0", 11, "416 */11");
    check("bytes=11-,3-5,-0", 11, "206 3-5/11");
}

#[test]
fn rfc9110_section_14_1_2_suffixes() {
    check("bytes=-1", 11, "206 10-10/11");
    check("bytes=-11", 11, "206 0-10/11");
    check("bytes=-12", 11, "206 0-10/11");
    check("bytes=-0", 11, "416 */11");
    check("bytes=-00", 11, "416 */11");
}

#[test]
fn rfc9110_section_14_1_2_empty_content() {
    check("bytes=0-", 0, "416 */0");
    check("bytes=0-0", 0, "416 */0");
    check("bytes=-0", 0, "416 */0");
    check("bytes=-1", 0, "200");
    check("bytes=0-0,-5", 0, "200");
    check("bytes=x", 0, "200");
}

#[test]
fn rfc9110_section_14_1_2_numbers_of_any_length() {
    let five_gib = 5 << 30;
    check("bytes=4294967296-4294967299", five_gib, "206 4294967296-4294967299/5368709120");
    check("bytes=-1073741824", five_gib, "206 4294967296-5368709119/5368709120");
    check("bytes=0-18446744073709551615", 11, "206 0-10/11");
    check("bytes=0-18446744073709551616", 11, "206 0-10/11");
    check("bytes=18446744073709551616-", 11, "416 */11");
    check("bytes=18446744073709551617-18446744073709551620", 11, "416 */11");
    check("bytes=-99999999999999999999999999999999999999", 11, "206 0-10/11");
    check("bytes=0-99999999999999999999999999999999999999", 11, "206 0-10/11");
    check(&format!("bytes={}1-", "9".repeat(5000)), 11, "416 */11");
}

#[test]
fn rfc9110_section_14_1_units() {
    check("BYTES=0-4", 11, "206 0-4/11");
    check("Bytes=0-4", 11, "206 0-4/11");
    check("seconds=0-4", 11, "200");
    check("byte=0-4", 11, "200");
    check("=0-4", 11, "200");
    check("none", 11, "200");
}

#[test]
fn rfc9110_section_5_6_1_lists_of_ranges() {
    check("bytes= 0-4", 11, "206 0-4/11");
    check("bytes=,0-4", 11, "206 0-4/11");
    check("bytes=, ,\t0-4 , ,", 11, "206 0-4/11");
    check("  bytes=0-4\t", 11, "206 0-4/11");
}

#[test]
fn rfc9110_section_14_2_malformed_is_ignored() {
    for value in [
        "",
        "bytes",
        "bytes=",
        "bytes=,",
        "bytes= ",
        "bytes=-",
        "bytes=--1",
        "bytes=a-b",
        "bytes=0",
        "bytes=0-4-5",
        "bytes=4-3",
        "bytes=0-4,4-3",
        "bytes=0-4,x",
        "bytes=x,0-4",
        "bytes=+0-4",
        "bytes=0x0-4",
        "bytes=0 - 4",
        "bytes=0- 4",
        "bytes =0-4",
        "bytes:0-4",
        "bytes 0-4",
        "bytes=0-4/11",
        "bytes=0-4;5-6",
        "bytes=1.0-4",
        "bytes=0-4,bytes=5-6",
        "bytes=\"0-4\"",
        "bytes=\u{0661}-4",
        "0-4",
    ] {
        check(value, 11, "200");
    }
    assert_eq!(select(&field(&[]), 11), Selection::Whole);
    assert_eq!(select(&field(&["bytes=0-4", "bytes=0-4"]), 11), Selection::Whole);
    assert_eq!(select(&field(&["bytes=0-4", "6-7"]), 11), Selection::Whole);
}

#[test]
fn rfc9110_section_15_3_7_2_several() {
    check("bytes=0-0,-1", 11, "206 multipart 0-0/11 10-10/11");
    check("bytes=0-1,4-5", 11, "206 multipart 0-1/11 4-5/11");
    check("bytes=500-600,601-999", 10_000, "206 500-999/10000");
    check("bytes=500-700,601-999", 10_000, "206 500-999/10000");
    check("bytes=0-99,9000-,200-299", 10_000, "206 multipart 0-99/10000 9000-9999/10000 200-299/10000");
    check("bytes=9000-,0-99", 10_000, "206 multipart 9000-9999/10000 0-99/10000");
    check("bytes=9000-,0-99,99999-", 10_000, "206 multipart 9000-9999/10000 0-99/10000");
    // A joined range takes the place of its earliest member.
    check("bytes=500-599,0-99,600-699", 10_000, "206 multipart 500-699/10000 0-99/10000");
    check("bytes=600-699,0-99,500-599", 10_000, "206 multipart 500-699/10000 0-99/10000");
    check("bytes=0-49,50-99", 100, "206 0-99/100");
}

#[test]
fn rfc9110_section_15_3_7_2_nearly_touching() {
    check("bytes=0-99,179-999", 10_000, "206 0-999/10000");
    check("bytes=0-99,180-999", 10_000, "206 multipart 0-99/10000 180-999/10000");
    // The gap is as long as one of the two.
    check("bytes=0-9,20-99", 10_000, "206 multipart 0-9/10000 20-99/10000");
    check("bytes=0-9,19-99", 10_000, "206 0-99/10000");
    // The last two are joined first; only then is the gap before them the smaller.
    check("bytes=0-4,8-8,9-99", 10_000, "206 0-99/10000");
}

#[test]
fn rfc9110_section_14_2_abuse_is_answered_with_the_whole() {
    check("bytes=0-,0-", 10_000, "206 0-9999/10000");
    check("bytes=0-,0-,0-", 10_000, "206 0-9999/10000");
    check("bytes=0-,0-,0-,0-", 10_000, "200");
    check("bytes=0-9,5-14,10-19,15-24", 10_000, "200");
    let spread = |count: u64| {
        let ranges: Vec<_> = (0..count).map(|i| format!("{0}-{0}", i * 1000)).collect();
        format!("bytes={}", ranges.join(","))
    };
    let ranges = |value: &str| match select(&field(&[value]), 5 << 30) {
        Selection::Several(ranges) => ranges.len(),
        Selection::Whole | Selection::One(_) | Selection::Unsatisfiable => 0,
    };
    assert_eq!(ranges(&spread(200)), MAX_RANGES);
    check(&spread(201), 5 << 30, "200");
    check(&spread(1000), 5 << 30, "200");
    check(&format!("bytes={}", "99-,".repeat(201)), 11, "200");
}

/// What a set of specs selects, found the long way: byte by byte and pair by pair.
fn oracle(specs: &[(Option<u64>, Option<u64>)], complete_length: u64) -> String {
    if specs.is_empty() || specs.iter().any(|spec| matches!(spec, (Some(first), Some(last)) if last < first))
    {
        return "200".to_owned();
    }
    let bytes_of = |&(first, last): &(Option<u64>, Option<u64>)| -> Vec<u64> {
        let asked_for = |position: &u64| match (first, last) {
            (Some(first), Some(last)) => first <= *position && *position <= last,
            (Some(first), None) => first <= *position,
            (None, Some(length)) => *position + length >= complete_length,
            (None, None) => unreachable!("not generated"),
        };
        (0..complete_length).filter(asked_for).collect()
    };
    if complete_length == 0 && specs.iter().any(|spec| matches!(spec, (None, Some(1..)))) {
        return "200".to_owned();
    }
    let mut parts: Vec<(u64, u64)> = specs
        .iter()
        .map(bytes_of)
        .filter(|bytes| !bytes.is_empty())
        .map(|bytes| (bytes[0], bytes[bytes.len() - 1]))
        .collect();
    if parts.is_empty() {
        return format!("416 */{complete_length}");
    }
    let asked = parts.len();
    let apart = join_pairs(&parts, |a, b| a.0 <= b.1 && b.0 <= a.1).len();
    if asked - apart > 2 {
        return "200".to_owned();
    }
    parts = join_pairs(&parts, |a, b| {
        let gap = a.0.max(b.0).saturating_sub(a.1.min(b.1) + 1);
        gap == 0 || gap < 80 && gap < a.1 - a.0 + 1 && gap < b.1 - b.0 + 1
    });
    let parts: Vec<_> =
        parts.iter().map(|(first, last)| format!("{first}-{last}/{complete_length}")).collect();
    format!("206 {}{}", if parts.len() > 1 { "multipart " } else { "" }, parts.join(" "))
}

/// Joins any two that `together` names into the place of the first, until there are none.
fn join_pairs(parts: &[(u64, u64)], together: impl Fn((u64, u64), (u64, u64)) -> bool) -> Vec<(u64, u64)> {
    let mut parts = parts.to_vec();
    'again: loop {
        for i in 0..parts.len() {
            for j in i + 1..parts.len() {
                if together(parts[i], parts[j]) {
                    let other = parts.remove(j);
                    parts[i] = (parts[i].0.min(other.0), parts[i].1.max(other.1));
                    continue 'again;
                }
            }
        }
        return parts;
    }
}

fn write_set(specs: &[(Option<u64>, Option<u64>)]) -> String {
    let number = |number: &Option<u64>| number.map_or(String::new(), |number| number.to_string());
    let specs: Vec<_> =
        specs.iter().map(|(first, last)| format!("{}-{}", number(first), number(last))).collect();
    format!("bytes={}", specs.join(","))
}

fn check_against_oracle(specs: &[(Option<u64>, Option<u64>)], complete_length: u64) {
    check(&write_set(specs), complete_length, &oracle(specs, complete_length));
}

#[test]
fn all_sets_of_up_to_three_ranges_over_lengths_0_to_4() {
    let numbers = || (0..=5).map(Some).chain([None]);
    let specs: Vec<_> = numbers()
        .flat_map(|first| numbers().map(move |last| (first, last)))
        .filter(|spec| *spec != (None, None))
        .collect();
    for complete_length in 0..=4 {
        check_against_oracle(&[], complete_length);
        for a in &specs {
            check_against_oracle(&[*a], complete_length);
            for b in &specs {
                check_against_oracle(&[*a, *b], complete_length);
                for c in &specs {
                    check_against_oracle(&[*a, *b, *c], complete_length);
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn sets_of_many_ranges_against_the_oracle(
        specs in prop::collection::vec((prop::option::of(0..400_u64), 0..400_u64), 1..8),
        complete_length in 0..400_u64,
    ) {
        let specs: Vec<_> = specs.iter().map(|(first, last)| (*first, Some(first.unwrap_or(0) + last))).collect();
        check_against_oracle(&specs, complete_length);
    }

    #[test]
    fn any_positions_give_disjoint_ranges_within_the_content(
        specs in prop::collection::vec(any::<(Option<u64>, Option<u64>)>(), 0..8), complete_length: u64,
    ) {
        let several = match select(&field(&[&write_set(&specs)]), complete_length) {
            Selection::Whole | Selection::Unsatisfiable => return Ok(()),
            Selection::One(range) => [range].into(),
            Selection::Several(ranges) => ranges,
        };
        for (i, a) in several.iter().enumerate() {
            prop_assert!(a.first() <= a.last() && a.last() < complete_length);
            prop_assert!(several[i + 1..].iter().all(|b| a.last() < b.first() || b.last() < a.first()));
        }
    }

    #[test]
    fn any_value_is_read_without_harm(value: Vec<u8>, complete_length: u64) {
        let with_unit = [b"bytes=".as_slice(), &value].concat();
        for value in [&value, &with_unit] {
            if let Selection::One(range) = select(&FieldLines::One(value), complete_length) {
                prop_assert!(range.last() < complete_length);
            }
        }
    }
}
