//! Rows by section of RFC 9110, then every combination of the five fields against the steps of §13.2.2 as
//! they are written.

use super::*;
use crate::content_coding::ContentCoding;
use crate::validator::Variant;

const NOW: &str = "Sun, 06 Nov 1994 09:00:00 GMT";

fn date(text: &str) -> HttpDate {
    HttpDate::parse(text.as_bytes(), HttpDate::from_unix_seconds(0).unwrap()).unwrap()
}

/// In a row these words stand for values: two tags of 64 digits, and dates around the modification's.
fn spell_out(request: &str) -> String {
    let gzip = Variant::Sibling(ContentCoding::Gzip);
    request
        .replace("OURS", StrongTag::of_content(&[0; 32], Variant::Original).as_str())
        .replace("OTHER", StrongTag::of_content(&[0; 32], gzip).as_str())
        .replace("BEFORE", "Sun, 06 Nov 1994 08:49:36 GMT")
        .replace("MODIFIED", "Sun, 06 Nov 1994 08:49:37 GMT")
        .replace("AFTER", "Sun, 06 Nov 1994 08:49:38 GMT")
        .replace("FUTURE", "Sun, 06 Nov 1994 09:00:01 GMT")
}

#[derive(Clone, Copy)]
struct Has {
    entity_tag: bool,
    last_modified: bool,
}

const BOTH: Has = Has { entity_tag: true, last_modified: true };

fn evaluate_lines(now: &str, has: Has, request: &str) -> &'static str {
    let request = spell_out(request);
    let mut conditions = Conditions::default();
    for line in request.split(" | ").filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').expect("a line has a colon");
        let field = match name {
            "If-Match" => &mut conditions.if_match,
            "If-None-Match" => &mut conditions.if_none_match,
            "If-Modified-Since" => &mut conditions.if_modified_since,
            "If-Unmodified-Since" => &mut conditions.if_unmodified_since,
            "If-Range" => &mut conditions.if_range,
            _ => panic!("{name} is not a precondition"),
        };
        field.push(value.as_bytes());
    }
    let tag = StrongTag::of_content(&[0; 32], Variant::Original);
    let validators = Validators {
        entity_tag: has.entity_tag.then_some(&tag),
        last_modified: has.last_modified.then(|| date("Sun, 06 Nov 1994 08:49:37 GMT")),
    };
    match evaluate(&conditions, &validators, date(now)) {
        Verdict::Proceed(RangeStanding::Applies) => "proceed",
        Verdict::Proceed(RangeStanding::Ignored) => "proceed without range",
        Verdict::NotModified => "304",
        Verdict::PreconditionFailed => "412",
    }
}

fn check(request: &str, expect: &str) {
    assert_eq!(evaluate_lines(NOW, BOTH, request), expect, "{request}");
}

#[test]
fn rfc9110_section_13_1_1_if_match() {
    check("", "proceed");
    check("If-Match: *", "proceed");
    check("If-Match: OURS", "proceed");
    check("If-Match: OTHER", "412");
    check("If-Match: OTHER, OURS", "proceed");
    check("If-Match: OTHER | If-Match: OURS", "proceed");
    check("If-Match: W/OURS", "412");
    check("If-Match:", "412");
    check("If-Match: x", "412");
    check("If-Match: x, OURS", "412");
    check("If-Match: OURS, x", "proceed");
    check("If-Match: *, OTHER", "412");
    check("If-Match: * | If-Match: OTHER", "412");
}

#[test]
fn rfc9110_section_13_1_2_if_none_match() {
    check("If-None-Match: *", "304");
    check("If-None-Match: OURS", "304");
    check("If-None-Match: W/OURS", "304");
    check("If-None-Match: OTHER", "proceed");
    check("If-None-Match: OTHER, W/OURS", "304");
    check("If-None-Match: OTHER | If-None-Match: OURS", "304");
    check("If-None-Match:", "proceed");
    check("If-None-Match: x", "proceed");
    check("If-None-Match: x, OURS", "proceed");
    check("If-None-Match: OTHER, *", "proceed");
}

#[test]
fn rfc9110_section_13_1_3_if_modified_since() {
    check("If-Modified-Since: BEFORE", "proceed");
    check("If-Modified-Since: MODIFIED", "304");
    check("If-Modified-Since: AFTER", "304");
    check("If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT", "304");
    check("If-Modified-Since: Sun Nov  6 08:49:37 1994", "304");
    check("If-Modified-Since: Sun, 06 Nov 1994 09:00:00 GMT", "304");
    check("If-Modified-Since: FUTURE", "proceed");
    check("If-Modified-Since: Thu, 01 Jan 1960 00:00:00 GMT", "proceed");
    check("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT; length=3", "proceed");
    check("If-Modified-Since: yesterday", "proceed");
    check("If-Modified-Since:", "proceed");
    check("If-Modified-Since: MODIFIED, MODIFIED", "proceed");
    check("If-Modified-Since: MODIFIED | If-Modified-Since: MODIFIED", "proceed");
    // Replaced by If-None-Match, even by one that cannot be read.
    check("If-Modified-Since: MODIFIED | If-None-Match: OTHER", "proceed");
    check("If-Modified-Since: MODIFIED | If-None-Match: x", "proceed");
    check("If-Modified-Since: BEFORE | If-None-Match: OURS", "304");
}

#[test]
fn rfc9110_section_13_1_4_if_unmodified_since() {
    check("If-Unmodified-Since: BEFORE", "412");
    check("If-Unmodified-Since: MODIFIED", "proceed");
    check("If-Unmodified-Since: AFTER", "proceed");
    check("If-Unmodified-Since: FUTURE", "proceed");
    check("If-Unmodified-Since: Sunday, 06-Nov-94 08:49:36 GMT", "412");
    check("If-Unmodified-Since: Fri, 01 Jan 1960 00:00:00 GMT", "412");
    check("If-Unmodified-Since: yesterday", "proceed");
    check("If-Unmodified-Since: BEFORE | If-Unmodified-Since: BEFORE", "proceed");
    // Replaced by If-Match.
    check("If-Unmodified-Since: BEFORE | If-Match: OURS", "proceed");
    check("If-Unmodified-Since: AFTER | If-Match: OTHER", "412");
}

#[test]
fn rfc9110_section_13_1_5_if_range() {
    check("If-Range: OURS", "proceed");
    check("If-Range: OTHER", "proceed without range");
    check("If-Range: W/OURS", "proceed without range");
    check("If-Range: OURS, OTHER", "proceed without range");
    check("If-Range: OURS | If-Range: OURS", "proceed without range");
    check("If-Range: *", "proceed without range");
    check("If-Range: x", "proceed without range");
    check("If-Range:", "proceed without range");
    check("If-Range: MODIFIED", "proceed");
    check("If-Range: Sunday, 06-Nov-94 08:49:37 GMT", "proceed");
    check("If-Range: BEFORE", "proceed without range");
    check("If-Range: AFTER", "proceed without range");
}

#[test]
fn rfc9110_section_8_8_2_2_a_date_is_strong_once_its_second_is_over() {
    let check_at = |now: &str, expect: &str| {
        assert_eq!(evaluate_lines(now, BOTH, "If-Range: MODIFIED"), expect, "{now}");
    };
    check_at("Sun, 06 Nov 1994 08:49:36 GMT", "proceed without range");
    check_at("Sun, 06 Nov 1994 08:49:37 GMT", "proceed without range");
    check_at("Sun, 06 Nov 1994 08:49:38 GMT", "proceed");
}

#[test]
fn rfc9110_section_13_2_2_order() {
    check("If-Match: OTHER | If-None-Match: OURS", "412");
    check("If-Match: OURS | If-None-Match: OURS", "304");
    check("If-Unmodified-Since: BEFORE | If-Modified-Since: MODIFIED", "412");
    check("If-None-Match: OURS | If-Range: OTHER", "304");
    check("If-None-Match: OTHER | If-Range: OTHER", "proceed without range");
    check("If-Match: OURS | If-None-Match: OTHER | If-Range: OURS", "proceed");
}

/// A field's value in a request, and what RFC 9110 makes of it given the validators; `None` is "ignored".
type Case = (&'static str, fn(Has) -> Option<bool>);

const IF_MATCH: [Case; 6] = [
    ("", |_| None),
    ("If-Match: *", |_| Some(true)),
    ("If-Match: OURS", |has| Some(has.entity_tag)),
    ("If-Match: OTHER", |_| Some(false)),
    ("If-Match: W/OURS", |_| Some(false)),
    ("If-Match: x", |_| Some(false)),
];
const IF_UNMODIFIED_SINCE: [Case; 5] = [
    ("", |_| None),
    ("If-Unmodified-Since: BEFORE", |has| has.last_modified.then_some(false)),
    ("If-Unmodified-Since: MODIFIED", |has| has.last_modified.then_some(true)),
    ("If-Unmodified-Since: FUTURE", |has| has.last_modified.then_some(true)),
    ("If-Unmodified-Since: x", |_| None),
];
const IF_NONE_MATCH: [Case; 6] = [
    ("", |_| None),
    ("If-None-Match: *", |_| Some(false)),
    ("If-None-Match: OURS", |has| Some(!has.entity_tag)),
    ("If-None-Match: W/OURS", |has| Some(!has.entity_tag)),
    ("If-None-Match: OTHER", |_| Some(true)),
    ("If-None-Match: x", |_| Some(true)),
];
const IF_MODIFIED_SINCE: [Case; 5] = [
    ("", |_| None),
    ("If-Modified-Since: BEFORE", |has| has.last_modified.then_some(true)),
    ("If-Modified-Since: MODIFIED", |has| has.last_modified.then_some(false)),
    ("If-Modified-Since: FUTURE", |_| None),
    ("If-Modified-Since: x", |_| None),
];
const IF_RANGE: [Case; 7] = [
    ("", |_| None),
    ("If-Range: OURS", |has| Some(has.entity_tag)),
    ("If-Range: W/OURS", |_| Some(false)),
    ("If-Range: OTHER", |_| Some(false)),
    ("If-Range: MODIFIED", |has| Some(has.last_modified)),
    ("If-Range: BEFORE", |_| Some(false)),
    ("If-Range: x", |_| Some(false)),
];

/// The steps of RFC 9110 §13.2.2 by their numbers, for GET.
fn steps(
    if_match: Option<bool>,
    if_unmodified_since: Option<bool>,
    if_none_match: Option<bool>,
    if_modified_since: Option<bool>,
    if_range: Option<bool>,
) -> &'static str {
    let step_1_failed = if_match == Some(false);
    let step_2_failed = if_match.is_none() && if_unmodified_since == Some(false);
    let step_3_failed = if_none_match == Some(false);
    let step_4_failed = if_none_match.is_none() && if_modified_since == Some(false);
    let step_5_failed = if_range == Some(false);
    if step_1_failed || step_2_failed {
        "412"
    } else if step_3_failed || step_4_failed {
        "304"
    } else if step_5_failed {
        "proceed without range"
    } else {
        "proceed"
    }
}

#[test]
fn all_combinations_against_the_steps_as_written() {
    let presence = [(false, false), (false, true), (true, false), (true, true)];
    for has in presence.map(|(entity_tag, last_modified)| Has { entity_tag, last_modified }) {
        for m in IF_MATCH {
            for um in IF_UNMODIFIED_SINCE {
                for nm in IF_NONE_MATCH {
                    for ms in IF_MODIFIED_SINCE {
                        for r in IF_RANGE {
                            let request = [m.0, um.0, nm.0, ms.0, r.0].join(" | ");
                            let expect = steps(m.1(has), um.1(has), nm.1(has), ms.1(has), r.1(has));
                            assert_eq!(evaluate_lines(NOW, has, &request), expect, "{request}");
                        }
                    }
                }
            }
        }
    }
}
