//! Whole responses as a client sees them: each row a request, a representation and the answer.

use super::*;
use crate::field_lines::FieldLines;
use crate::precondition::Conditions;
use crate::validator::{StrongTag, Variant};

const NOW: &str = "Fri, 24 Jul 2026 12:00:00 GMT";
const MODIFIED: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const BOUNDARY: Boundary = Boundary::from_random(0xabc);

fn date(text: &str) -> HttpDate {
    HttpDate::parse(text.as_bytes(), HttpDate::from_unix_seconds(0).unwrap()).unwrap()
}

/// `hello world`, from a file.
fn original() -> Representation<&'static str> {
    Representation {
        handle: "hello",
        complete_length: 11,
        content_type: "text/plain; charset=utf-8".into(),
        coding: ContentCoding::Identity,
        selected_by: SelectedBy::Target,
        entity_tag: Some(StrongTag::of_content(&[0; 32], Variant::Original)),
        modified: Some(date(MODIFIED)),
    }
}

fn gzip() -> Representation<&'static str> {
    Representation {
        handle: "hello.gz",
        complete_length: 31,
        coding: ContentCoding::Gzip,
        selected_by: SelectedBy::AcceptEncoding,
        entity_tag: Some(StrongTag::of_content(&[0; 32], Variant::Sibling(ContentCoding::Gzip))),
        ..original()
    }
}

fn empty() -> Representation<&'static str> {
    Representation { complete_length: 0, ..original() }
}

/// Replaces the digits of the tags and of the boundary by words.
fn abridge(text: &str) -> String {
    text.replace(&"0".repeat(64), "TAG").replace(&BOUNDARY.to_string(), "BOUNDARY")
}

fn respond(request: &str, representation: &Representation<&'static str>) -> String {
    let request = request.replace("TAG", &"0".repeat(64));
    let mut lines = request.split(" | ");
    let method = match lines.next() {
        Some("GET") => RetrievalMethod::Get,
        Some("HEAD") => RetrievalMethod::Head,
        other => panic!("{other:?} is not a retrieval"),
    };
    let mut conditions = Conditions::default();
    let mut range = FieldLines::default();
    for line in lines {
        let (name, value) = line.split_once(": ").expect("a line has a colon");
        let field = match name {
            "If-Match" => &mut conditions.if_match,
            "If-None-Match" => &mut conditions.if_none_match,
            "If-Modified-Since" => &mut conditions.if_modified_since,
            "If-Range" => &mut conditions.if_range,
            "Range" => &mut range,
            _ => panic!("{name} does not bear on the plan"),
        };
        field.push(value.as_bytes());
    }
    let retrieval = Retrieval { method, conditions: &conditions, range: &range };
    let decision = decide(&retrieval, representation, date(NOW));
    let plan = ResponsePlan::new(decision, representation, date(NOW), BOUNDARY);
    let fields: Vec<_> = plan.fields.iter().map(|field| format!("{}: {field} | ", field.name())).collect();
    let body = match &plan.body {
        Body::Empty => "empty".to_owned(),
        Body::Bytes(bytes) => bytes.escape_ascii().to_string(),
        Body::Slice { handle, range } => format!("{handle} {}..={}", range.first(), range.last()),
        Body::Parts { handle, parts } => {
            let ranges = parts.ranges().iter().map(|range| format!("{}..={}", range.first(), range.last()));
            format!("{handle} {}", ranges.collect::<Vec<_>>().join(" "))
        }
    };
    abridge(&format!("{} | {}{body}", plan.status.code, fields.concat()))
}

fn check(request: &str, representation: &Representation<&'static str>, expect: &str) {
    assert_eq!(respond(request, representation), expect, "{request}");
}

#[test]
fn rfc9110_section_15_3_1_whole() {
    let expect = "200 | Accept-Ranges: bytes | Content-Length: 11 | Content-Type: text/plain; charset=utf-8 | \
         ETag: \"TAG\" | Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT | hello 0..=10";
    check("GET", &original(), expect);
    check("HEAD", &original(), expect);
    check("GET | If-Match: \"TAG\"", &original(), expect);
    check("GET | If-None-Match: \"other\"", &original(), expect);
    check("GET | If-Range: \"TAG\"", &original(), expect);
    check("GET | Range: lines=0-4", &original(), expect);
    check("GET | Range: bytes=0-4 | If-Range: \"other\"", &original(), expect);
    check("GET | Range: bytes=0-4 | If-Range: W/\"TAG\"", &original(), expect);
    check("GET | Range: bytes=99- | If-Range: \"other\"", &original(), expect);
    // Range is for GET alone (§14.2).
    check("HEAD | Range: bytes=0-4", &original(), expect);
    check("HEAD | Range: bytes=99-", &original(), expect);
}

#[test]
fn rfc9110_section_8_4_coded_variant() {
    let expect = "200 | Accept-Ranges: bytes | Content-Encoding: gzip | Content-Length: 31 | \
         Content-Type: text/plain; charset=utf-8 | ETag: \"TAG.gzip\" | \
         Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT | Vary: Accept-Encoding | hello.gz 0..=30";
    check("GET", &gzip(), expect);
    // A part of the original is not one of its coded variant.
    check("GET | Range: bytes=4- | If-Range: \"TAG\"", &gzip(), expect);
    check("GET | If-None-Match: \"TAG\"", &gzip(), expect);
    // Content-Encoding would be ambiguous.
    check("GET | Range: bytes=0-0,-1", &gzip(), expect);
}

#[test]
fn rfc9110_section_15_3_7_1_one_part() {
    let expect = "206 | Accept-Ranges: bytes | Content-Length: 5 | Content-Range: bytes 0-4/11 | \
         Content-Type: text/plain; charset=utf-8 | ETag: \"TAG\" | \
         Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT | hello 0..=4";
    check("GET | Range: bytes=0-4", &original(), expect);
    check("GET | Range: bytes=0-4 | If-Range: \"TAG\"", &original(), expect);
    check("GET | Range: bytes=0-4 | If-Range: Sun, 06 Nov 1994 08:49:37 GMT", &original(), expect);
    check("GET | Range: bytes=0-4 | If-None-Match: \"other\"", &original(), expect);
    check(
        "GET | Range: bytes=-1 | If-Range: \"TAG.gzip\"",
        &gzip(),
        "206 | Accept-Ranges: bytes | Content-Encoding: gzip | Content-Length: 1 | Content-Range: bytes 30-30/31 | \
         Content-Type: text/plain; charset=utf-8 | ETag: \"TAG.gzip\" | \
         Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT | Vary: Accept-Encoding | hello.gz 30..=30",
    );
}

#[test]
fn rfc9110_section_15_3_7_2_several_parts() {
    check(
        "GET | Range: bytes=-1,0-0",
        &original(),
        "206 | Accept-Ranges: bytes | Content-Length: 262 | \
         Content-Type: multipart/byteranges; boundary=BOUNDARY | ETag: \"TAG\" | \
         Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT | hello 10..=10 0..=0",
    );
}

#[test]
fn rfc9110_section_15_4_5_not_modified() {
    check("GET | If-None-Match: \"TAG\"", &original(), "304 | ETag: \"TAG\" | empty");
    check("HEAD | If-None-Match: \"TAG\"", &original(), "304 | ETag: \"TAG\" | empty");
    check("GET | If-None-Match: \"TAG\" | Range: bytes=0-4", &original(), "304 | ETag: \"TAG\" | empty");
    check("GET | If-None-Match: \"TAG\" | Range: bytes=99-", &original(), "304 | ETag: \"TAG\" | empty");
    let since = "GET | If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT";
    check(since, &original(), "304 | ETag: \"TAG\" | empty");
    check(
        "GET | If-None-Match: \"TAG.gzip\"",
        &gzip(),
        "304 | ETag: \"TAG.gzip\" | Vary: Accept-Encoding | empty",
    );
    let untagged = Representation { entity_tag: None, ..original() };
    check(since, &untagged, "304 | Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT | empty");
}

#[test]
fn rfc9110_section_15_5_13_precondition_failed() {
    check("GET | If-Match: \"other\"", &original(), "412 | Content-Length: 0 | empty");
    check("HEAD | If-Match: \"other\"", &original(), "412 | Content-Length: 0 | empty");
    check("GET | If-Match: \"other\" | Range: bytes=99-", &original(), "412 | Content-Length: 0 | empty");
    check("GET | If-Match: \"TAG\"", &gzip(), "412 | Content-Length: 0 | Vary: Accept-Encoding | empty");
}

#[test]
fn rfc9110_section_15_5_17_range_not_satisfiable() {
    let expect = "416 | Accept-Ranges: bytes | Content-Length: 0 | Content-Range: bytes */11 | empty";
    check("GET | Range: bytes=11-", &original(), expect);
    check("GET | Range: bytes=11- | If-Range: \"TAG\"", &original(), expect);
    check(
        "GET | Range: bytes=31-",
        &gzip(),
        "416 | Accept-Ranges: bytes | Content-Length: 0 | Content-Range: bytes */31 | Vary: Accept-Encoding | empty",
    );
}

#[test]
fn empty_content() {
    let expect = "200 | Accept-Ranges: bytes | Content-Length: 0 | Content-Type: text/plain; charset=utf-8 | \
         ETag: \"TAG\" | Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT | empty";
    check("GET", &empty(), expect);
    check("HEAD", &empty(), expect);
    check("GET | Range: bytes=-5", &empty(), expect);
    check(
        "GET | Range: bytes=0-",
        &empty(),
        "416 | Accept-Ranges: bytes | Content-Length: 0 | Content-Range: bytes */0 | empty",
    );
}

#[test]
fn rfc9110_section_8_8_2_1_times_in_the_future_or_without_a_date() {
    let future = Representation { modified: Some(date("Sat, 25 Jul 2026 00:00:00 GMT")), ..original() };
    let dated_now = "200 | Accept-Ranges: bytes | Content-Length: 11 | Content-Type: text/plain; charset=utf-8 | \
         ETag: \"TAG\" | Last-Modified: Fri, 24 Jul 2026 12:00:00 GMT | hello 0..=10";
    check("GET", &future, dated_now);
    check("GET | If-Modified-Since: Fri, 24 Jul 2026 11:59:59 GMT", &future, dated_now);
    // The second has not passed: the date is not a strong validator (§8.8.2.2).
    check("GET | Range: bytes=0-4 | If-Range: Fri, 24 Jul 2026 12:00:00 GMT", &future, dated_now);

    let undated = Representation { modified: None, ..original() };
    let without_date = "200 | Accept-Ranges: bytes | Content-Length: 11 | \
         Content-Type: text/plain; charset=utf-8 | ETag: \"TAG\" | hello 0..=10";
    check("GET", &undated, without_date);
    check("GET | If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT", &undated, without_date);
    check("GET | Range: bytes=0-4 | If-Range: Sun, 06 Nov 1994 08:49:37 GMT", &undated, without_date);
}
