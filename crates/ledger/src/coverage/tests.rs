//! Rows of the contract, and all small cases against an oracle with one mark per byte.

use std::net::Ipv4Addr;
use std::ops::Range;

use proptest::prelude::*;

use super::*;
use crate::delivery::{Announced, Client, Received, Representation, Request, ResourceId};

/// One delivery as `CLIENT STATUS RANGES [to WRITTEN] [cut]`, at second `at`; `A2` asks for the second
/// representation. Ranges are `first..end`, several joined by commas.
fn delivery(step: &str, length: u64, at: u64) -> Delivery<()> {
    let words: Vec<&str> = step.split(' ').collect();
    let [who, status, ranges, rest @ ..] = &words[..] else { panic!("{step} is no step") };
    let range = |text: &str| {
        let (first, end) = text.split_once("..").unwrap();
        first.parse().unwrap()..end.parse().unwrap()
    };
    let received = match ranges.split(',').map(range).collect::<Vec<Range<u64>>>() {
        ranges if ranges.len() == 1 => Received::Single(ranges[0].clone()),
        ranges => Received::Several(ranges.into()),
    };
    let written_to = match rest {
        ["to", written, ..] => written.parse().unwrap(),
        _ => received.ranges().last().unwrap().end,
    };
    let (address, tag) = who.split_at(1);
    Delivery {
        request: Request {
            resource: ResourceId(1),
            number: at,
            day: Day(at as u32),
            kind: match *status {
                "200" => Kind::Full,
                "206" => Kind::Partial,
                "304" => Kind::NotModified,
                _ => Kind::Head,
            },
            announced: Announced::No,
        },
        client: Client {
            address: Ipv4Addr::from(u32::from(address.as_bytes()[0])).into(),
            port: 1,
            agent: 1,
        },
        representation: Representation { entity_tag: tag.parse().unwrap_or(1), complete_length: length },
        received,
        written_to,
        outcome: if rest.last() == Some(&"cut") { Outcome::Aborted } else { Outcome::Completed },
        began: Moment(at * 1_000_000),
        ended: Moment(at * 1_000_000 + 500_000),
        line: (),
    }
}

/// What a row comes to: downloads, bytes proven afterwards, evictions.
#[track_caller]
fn check_within(limits: Limits, length: u64, steps: &[&str], expect: (u64, u64, u64)) {
    let mut coverage = Coverage::new(limits);
    let (mut downloads, mut proven) = (0, 0);
    for (at, step) in (1..).zip(steps) {
        let verdict = coverage.judge(1, &delivery(step, length, at));
        downloads += verdict.downloads;
        proven += verdict.proven.iter().map(|(_, bytes)| bytes).sum::<u64>();
    }
    assert_eq!((downloads, proven, coverage.evictions()), expect, "{steps:?}");
}

#[track_caller]
fn check(length: u64, steps: &[&str], downloads: u64) {
    check_within(Limits::default(), length, steps, (downloads, 0, 0));
}

#[test]
fn rows_of_the_contract() {
    check(10, &["A 200 0..10"], 1);
    check(10, &["A 200 0..4 cut"], 0);
    check(10, &["A 200 0..4 cut", "A 206 4..10"], 1);
    check(10, &["A 200 0..4 cut", "A 200 0..10"], 1);
    check(10, &["A 200 0..4 cut", "A2 200 0..10"], 1);
    check(10, &["A 206 0..4", "A 206 8..10", "A 206 4..8"], 1);
    check(10, &["A 200 0..10", "A 200 0..10"], 2);
    check(10, &["A 200 0..3 cut", "A 206 5..6 cut", "A 206 8..10"], 0);
    check(10, &["A 206 0..1"], 0);
    check(10, &["A 206 8..10"], 0);
    check(10, &["A HEAD 0..0"], 0);
    check(10, &["A 304 0..0"], 0);
    check(0, &["A 200 0..0"], 1);
    check(10, &["A 200 0..4 cut"], 0);
}

#[test]
fn what_belongs_to_a_session() {
    // The whole as one range, or as a multipart answer.
    check(10, &["A 206 0..10"], 1);
    check(10, &["A 206 5..10,0..5"], 1);
    // A cut piece counts as far as it was received.
    check(10, &["A 206 0..6 cut", "A 206 6..10 cut"], 1);
    // Other clients' and other representations' pieces do not.
    check(10, &["A 206 0..5", "B 206 5..10"], 0);
    check(10, &["A 206 0..5", "A2 206 5..10"], 0);
    // A download empties the session, and overlap is not carried over.
    check(10, &["A 206 0..8", "A 206 2..10", "A 206 0..2"], 1);
    check(10, &["A 206 0..8", "A 206 2..10", "A 206 0..2", "A 206 2..10"], 2);
    // A completed 200 leaves the session as it is.
    check(10, &["A 206 0..5", "A 200 0..10", "A 206 5..10"], 2);
    // Nothing was received at all.
    check(10, &["A 200 0..0 cut", "A 206 3..3 cut"], 0);
}

#[track_caller]
fn check_proof(steps: &[&str], downloads: u64, proven: u64) {
    check_within(Limits::default(), 10, steps, (downloads, proven, 0));
}

#[test]
fn a_resumption_proves_what_was_written_before_it() {
    check_proof(&["A 200 0..3 to 5 cut", "A 206 5..10"], 1, 2);
    check_proof(&["A 206 0..0 to 5 cut", "A 206 5..5 cut", "A 206 5..10"], 1, 5);
    // Earlier ones, too, however many there are.
    check_proof(&["A 206 1..1 to 5 cut", "A 206 0..0 to 1 cut", "A 206 5..10", "A 206 1..1 cut"], 1, 5);
    // More was written than where it starts; less was written than that.
    check_proof(&["A 200 0..3 to 5 cut", "A 206 4..10"], 0, 0);
    check_proof(&["A 200 0..3 to 5 cut", "A 206 6..10"], 0, 0);
    // Not a range request, not the same client, not the same representation.
    check_proof(&["A 200 0..3 to 5 cut", "A 200 0..0 cut"], 0, 0);
    check_proof(&["A 200 0..3 to 5 cut", "B 206 5..10"], 0, 0);
    check_proof(&["A 200 0..3 to 5 cut", "A2 206 5..10"], 0, 0);
    // Once is enough.
    check_proof(&["A 200 0..3 to 5 cut", "A 206 5..6", "A 206 5..6"], 0, 2);
}

#[test]
fn a_resumption_is_later_than_the_cut_however_it_is_reported() {
    let cut = delivery("A 200 0..3 to 5 cut", 10, 1);
    let resumed = delivery("A 206 5..6", 10, 2);
    // A segment that was asked for while the first was still running proves nothing about it.
    let beside = Delivery { began: cut.ended, ..delivery("A 206 5..6", 10, 2) };
    for (reported, expect) in
        [([&cut, &resumed], 2), ([&resumed, &cut], 2), ([&cut, &beside], 0), ([&beside, &cut], 0)]
    {
        let mut coverage = Coverage::new(Limits::default());
        let proven: u64 = reported
            .iter()
            .flat_map(|one| coverage.judge(1, one).proven)
            .map(|(day, bytes)| {
                assert_eq!(day, cut.request.day);
                bytes
            })
            .sum();
        assert_eq!(proven, expect);
    }
}

const FEW: Limits = Limits {
    sessions: 2,
    ranges_per_session: 3,
    ranges: 5,
    unsettled: 3,
    late_us: 10_000_000,
    idle_us: 10_000_000,
};

#[test]
fn bounds_and_evictions() {
    // The longest unused session goes first.
    check_within(
        FEW,
        10,
        &["A 206 0..5", "B 206 0..5", "C 206 0..5", "B 206 5..10", "C 206 5..10"],
        (2, 0, 1),
    );
    check_within(FEW, 10, &["A 206 0..5", "B 206 0..5", "C 206 0..5", "A 206 5..10"], (0, 0, 2));
    // A session in too many pieces begins again with the piece that was too much.
    let pieces = ["A 206 0..1", "A 206 2..3", "A 206 4..5", "A 206 6..7"];
    check_within(FEW, 10, &pieces, (0, 0, 1));
    check_within(FEW, 10, &[&pieces[..], &["A 206 0..6", "A 206 7..10"]].concat(), (1, 0, 1));
    // One answer in too many pieces is not remembered at all.
    check_within(FEW, 10, &["A 206 0..1,2..3,4..5,6..7", "A 206 1..10"], (0, 0, 1));
    // All sessions together.
    check_within(FEW, 10, &["A 206 0..1,2..3,4..5", "B 206 0..1,2..3,4..5", "A 206 0..9"], (0, 0, 1));
}

#[test]
fn an_idle_session_ends_and_is_no_eviction() {
    let idle = Limits { idle_us: 2_000_000, ..FEW };
    check_within(idle, 10, &["A 206 0..5", "A 206 5..10"], (1, 0, 0));
    check_within(idle, 10, &["A 206 0..5", "B 206 0..1", "A 206 5..10"], (0, 0, 0));
    check_within(idle, 10, &["A 206 0..5", "A 206 0..1", "A 206 5..10"], (1, 0, 0));
}

/// What reports come to in this order: their downloads, and the bytes that are proven.
fn judged(limits: Limits, reports: &[Delivery<()>]) -> (u64, u64) {
    let mut coverage = Coverage::new(limits);
    let verdicts: Vec<Verdict> = reports.iter().map(|report| coverage.judge(1, report)).collect();
    let proven = verdicts.iter().flat_map(|verdict| &verdict.proven);
    (verdicts.iter().map(|verdict| verdict.downloads).sum(), proven.map(|(_, bytes)| bytes).sum())
}

#[test]
fn a_segment_that_is_reported_late_belongs_to_the_round_in_which_it_was_asked_for() {
    let rounds = ["A 206 0..5", "A 206 5..10"].repeat(2);
    let mut reports: Vec<_> = (1..).zip(rounds).map(|(at, step)| delivery(step, 10, at)).collect();
    // The first segment of the second round comes before the last one of the first.
    reports.swap(1, 2);
    assert_eq!(judged(Limits::default(), &reports), (2, 0));
    // A repeated segment of the first round is no part of the second, even if it is reported after both.
    let steps = ["A 206 0..5", "A 206 0..5", "A 206 5..10", "A 206 5..10"];
    let mut reports: Vec<_> = (1..).zip(steps).map(|(at, step)| delivery(step, 10, at)).collect();
    reports[1..].rotate_left(1);
    assert_eq!(judged(Limits::default(), &reports), (1, 0));
}

#[test]
fn what_is_judged_for_good_is_judged_rightly() {
    // Without a memory of single pieces, what is reported in order counts as before.
    let forgetful = Limits { unsettled: 0, late_us: 0, ..Limits::default() };
    check_within(forgetful, 10, &["A 206 0..5", "A 206 5..10", "A 206 0..8", "A 206 2..10"], (2, 0, 0));
    check_within(forgetful, 10, &["A 206 0..8", "A 206 2..10", "A 206 0..2"], (1, 0, 0));
    // A session of which nothing is left is not kept for long, and is no eviction.
    let mut coverage = Coverage::new(FEW);
    for (at, step) in (1..).zip(["A 206 0..10", "B 206 0..10", "C 206 0..10"]) {
        assert_eq!(coverage.judge(1, &delivery(step, 10, at)).downloads, 1);
    }
    assert_eq!((coverage.sessions.len(), coverage.sessions(), coverage.evictions()), (2, 0, 0));
    coverage.expire(Moment(14_000_000));
    assert_eq!((coverage.sessions.len(), coverage.ranges), (0, 0));
}

/// The contract in the plainest words: one mark per byte that the client has.
#[derive(Clone, Default)]
struct Oracle {
    has: Vec<bool>,
}

impl Oracle {
    fn downloads(&mut self, ranges: &[Range<u64>], length: u64) -> u64 {
        self.has.resize(length as usize, false);
        for range in ranges {
            for position in range.clone() {
                self.has[position as usize] = true;
            }
        }
        if self.has.contains(&false) {
            return 0;
        }
        self.has.clear();
        1
    }
}

fn piece(ranges: &[Range<u64>], length: u64, at: u64) -> Delivery<()> {
    Delivery { received: Received::Several(ranges.into()), ..delivery("A 206 0..0", length, at) }
}

#[test]
fn every_four_pieces_of_a_small_file_agree_with_the_oracle() {
    fn extend(pieces: &mut Vec<Range<u64>>, all: &[Range<u64>], length: u64) {
        if pieces.len() == 4 {
            let (mut coverage, mut oracle) = (Coverage::new(Limits::default()), Oracle::default());
            for (at, range) in (1..).zip(pieces.iter()) {
                let range = std::slice::from_ref(range);
                let judged = coverage.judge(1, &piece(range, length, at)).downloads;
                assert_eq!(judged, oracle.downloads(range, length), "{pieces:?}");
            }
            return;
        }
        for range in all {
            pieces.push(range.clone());
            extend(pieces, all, length);
            pieces.pop();
        }
    }
    let length = 4;
    let all: Vec<_> = (0..=length).flat_map(|first| (first..=length).map(move |end| first..end)).collect();
    extend(&mut Vec::new(), &all, length);
}

proptest! {
    #[test]
    fn many_pieces_agree_with_the_oracle(
        length in 1_u64..200,
        pieces in proptest::collection::vec(proptest::collection::vec((0_u64..200, 0_u64..90), 1..3), 1..60),
    ) {
        let (mut coverage, mut oracle) = (Coverage::new(Limits::default()), Oracle::default());
        for (at, piece_of) in (1..).zip(&pieces) {
            let ranges: Vec<_> =
                piece_of.iter().map(|(first, count)| (first % length)..(first % length + count).min(length)).collect();
            let judged = coverage.judge(1, &piece(&ranges, length, at)).downloads;
            prop_assert_eq!(judged, oracle.downloads(&ranges, length));
        }
        prop_assert_eq!(coverage.evictions(), 0);
    }

    #[test]
    fn the_order_of_reports_changes_nothing(
        steps in proptest::collection::vec((0_u64..12, 0_u64..8, 0_u64..3, 0_u64..3, any::<bool>()), 1..40),
        seeds in proptest::collection::vec(any::<u32>(), 40),
    ) {
        const LENGTH: u64 = 12;
        let asked: Vec<Delivery<()>> = (1..)
            .zip(&steps)
            .map(|(at, (first, count, unknown, overlap, whole))| {
                let first = if *whole { 0 } else { *first };
                let (end, status) = ((first + count).min(LENGTH), if *whole { "200" } else { "206" });
                let step = format!("A {status} {first}..{end} to {} cut", (end + unknown).min(LENGTH));
                let delivery = delivery(&step, LENGTH, at);
                // Some end only when later ones have begun.
                Delivery { ended: Moment(delivery.ended.0 + overlap * 1_000_000), ..delivery }
            })
            .collect();
        let mut reports: Vec<(u32, Delivery<()>)> = seeds.into_iter().zip(asked).collect();
        let unlimited = Limits { unsettled: usize::MAX, late_us: u64::MAX, ..Limits::default() };
        let expect = naive(&reports.iter().map(|(_, report)| report), LENGTH);
        reports.sort_by_key(|(seed, _)| *seed);
        let reports: Vec<_> = reports.into_iter().map(|(_, report)| report).collect();
        let (downloads, proven) = judged(unlimited, &reports);
        prop_assert_eq!((downloads, proven), expect);
        let received: u64 = reports.iter().map(|report| report.received.bytes()).sum();
        prop_assert!(downloads * LENGTH <= received + proven);
    }
}

/// Downloads and proven bytes of pieces in the order in which they were asked for, one mark per byte.
fn naive<'a>(asked: &(impl Iterator<Item = &'a Delivery<()>> + Clone), length: u64) -> (u64, u64) {
    let (mut oracle, mut downloads, mut proven) = (Oracle::default(), 0, 0);
    for piece in asked.clone() {
        let doubt = piece.in_doubt();
        let resumes = |later: &Delivery<()>| {
            later.request.kind == Kind::Partial
                && later.began > piece.ended
                && later.received.ranges()[0].start == doubt.end
        };
        let mut ranges = piece.received.ranges().to_vec();
        if !doubt.is_empty() && asked.clone().any(resumes) {
            proven += doubt.end - doubt.start;
            ranges.push(doubt);
        }
        downloads += oracle.downloads(&ranges, length);
    }
    (downloads, proven)
}
