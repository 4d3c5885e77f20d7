//! Errors of the connection (RFC 9113 section 5.4.1): each is told by its code, and the connection ends.

use super::frames::{
    ACK, CONTINUATION, DATA, ENABLE_PUSH, END_HEADERS, END_STREAM, GOAWAY, HEADERS, INITIAL_WINDOW_SIZE,
    MAX_FRAME_SIZE, PADDED, PING, PREFACE, PRIORITY, PUSH_PROMISE, RST_STREAM, SETTINGS, WINDOW_UPDATE,
    frame, request, request_fields, section, settings_payload,
};
use super::table::Table;

const PROTOCOL: &str = "connection PROTOCOL_ERROR";
/// Where a more specific code is meant, the general one may stand as well: what matters is that the connection ends.
const SIZE: &str = "connection FRAME_SIZE_ERROR|connection PROTOCOL_ERROR";
const FLOW: &str = "connection FLOW_CONTROL_ERROR|connection PROTOCOL_ERROR";
/// A farewell may be left out where the start is wrong (RFC 9113 section 3.4).
const NO_START: &str = "connection PROTOCOL_ERROR|closed";

fn head() -> Vec<u8> {
    section(&request_fields("/f", &[]))
}

#[test]
fn the_start_rfc_9113_3_4() {
    let mut table = Table::new();
    let settings = frame(SETTINGS, 0, 0, &[]);
    table.check_from_start("as it should be", &[PREFACE, &settings].concat(), "ignored");
    let without_settings = [PREFACE, &request(1, "/f", &[])].concat();
    table.check_from_start("a request before settings", &without_settings, NO_START);
    let acknowledgement = [PREFACE, &frame(SETTINGS, ACK, 0, &[])].concat();
    table.check_from_start("an acknowledgement before settings", &acknowledgement, NO_START);
    table.finish();
}

#[test]
fn settings_rfc_9113_6_5() {
    let mut table = Table::new();
    let mut check = |name: &str, settings: &[(u16, u32)], expect: &str| {
        table.check(name, &[frame(SETTINGS, 0, 0, &settings_payload(settings))], expect);
    };
    check("push off", &[(ENABLE_PUSH, 0)], "ignored");
    check("push neither off nor on", &[(ENABLE_PUSH, 2)], PROTOCOL);
    check("the largest window", &[(INITIAL_WINDOW_SIZE, 0x7fff_ffff)], "ignored");
    check("a larger one", &[(INITIAL_WINDOW_SIZE, 0x8000_0000)], FLOW);
    check("the smallest frames", &[(MAX_FRAME_SIZE, 16_384)], "ignored");
    check("smaller ones", &[(MAX_FRAME_SIZE, 16_383)], PROTOCOL);
    check("the largest frames", &[(MAX_FRAME_SIZE, 0xff_ffff)], "ignored");
    check("larger ones", &[(MAX_FRAME_SIZE, 0x100_0000)], PROTOCOL);
    check("an unknown setting", &[(0xf00, 7)], "ignored");
    table.check("on a stream", &[frame(SETTINGS, 0, 1, &[])], PROTOCOL);
    table.check("no whole setting", &[frame(SETTINGS, 0, 0, &[0; 5])], SIZE);
    table.check("an acknowledgement with content", &[frame(SETTINGS, ACK, 0, &[0; 6])], SIZE);
    table.finish();
}

#[test]
fn sizes_rfc_9113_4_2() {
    let mut table = Table::new();
    table.check("a frame above the limit", &[frame(0xee, 0, 0, &vec![0; 16_385])], SIZE);
    table.check("a short ping", &[frame(PING, 0, 0, &[0; 7])], SIZE);
    table.check("a short window update", &[frame(WINDOW_UPDATE, 0, 0, &[0; 3])], SIZE);
    let asked = request(1, "/f", &[]);
    table.check("a short reset", &[asked, frame(RST_STREAM, 0, 1, &[0; 3])], SIZE);
    table.finish();
}

#[test]
fn streams_rfc_9113_5_1() {
    let mut table = Table::new();
    table.check("data on no stream", &[frame(DATA, 0, 0, b"x")], PROTOCOL);
    table.check("data on an idle stream", &[frame(DATA, 0, 1, b"x")], PROTOCOL);
    table.check("a head on no stream", &[request(0, "/f", &[])], PROTOCOL);
    table.check("a head on an even stream", &[request(2, "/f", &[])], PROTOCOL);
    table.check("a reset of no stream", &[frame(RST_STREAM, 0, 0, &[0; 4])], PROTOCOL);
    table.check("a reset of an idle stream", &[frame(RST_STREAM, 0, 1, &[0; 4])], PROTOCOL);
    table.check("a window for an idle stream", &[frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 1])], PROTOCOL);
    table.check("a promise by a client", &[frame(PUSH_PROMISE, END_HEADERS, 1, &[0; 4])], PROTOCOL);
    table.check("a ping on a stream", &[frame(PING, 0, 1, &[0; 8])], PROTOCOL);
    table.check("a farewell on a stream", &[frame(GOAWAY, 0, 1, &[0; 8])], PROTOCOL);
    table.check("a priority on no stream", &[frame(PRIORITY, 0, 0, &[0; 5])], PROTOCOL);
    let backwards = [request(5, "/f", &[]), request(3, "/f", &[])];
    table.check(
        "a lower stream than before",
        &backwards,
        "connection PROTOCOL_ERROR|connection STREAM_CLOSED",
    );
    table.finish();
}

#[test]
fn heads_in_several_frames_rfc_9113_6_10() {
    let mut table = Table::new();
    let (start, rest) = (&head()[..7], &head()[7..]);
    let begun = frame(HEADERS, END_STREAM, 1, start);
    let whole = [begun.clone(), frame(CONTINUATION, 0, 1, b""), frame(CONTINUATION, END_HEADERS, 1, rest)];
    table.check("as they should be", &whole, "status 200");
    let interrupted = [begun.clone(), frame(PING, 0, 0, &[0; 8])];
    table.check("another frame between", &interrupted, PROTOCOL);
    let unknown = [begun.clone(), frame(0xee, 0, 1, b"")];
    table.check("an unknown frame between", &unknown, PROTOCOL);
    let elsewhere = [begun.clone(), frame(CONTINUATION, END_HEADERS, 3, rest)];
    table.check("the rest on another stream", &elsewhere, PROTOCOL);
    let another = [begun, request(3, "/f", &[])];
    table.check("another head between", &another, PROTOCOL);
    table.check("a rest of nothing", &[frame(CONTINUATION, END_HEADERS, 1, rest)], PROTOCOL);
    table.finish();
}

#[test]
fn field_sections_rfc_9113_4_3() {
    const COMPRESSION: &str = "connection COMPRESSION_ERROR|connection PROTOCOL_ERROR";
    let mut table = Table::new();
    let mut check = |name: &str, block: &[u8], expect: &str| {
        table.check(name, &[frame(HEADERS, END_HEADERS | END_STREAM, 1, block)], expect);
    };
    check("a field of no table", &[0xff, 0x80, 0x01], COMPRESSION);
    check("field 0", &[0x80], COMPRESSION);
    check("a string that is cut", &[0x00, 0x05, b'a'], COMPRESSION);
    check("a number without an end", &[0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], COMPRESSION);
    check("a table beyond the limit", &[0x3f, 0xff, 0xff, 0x7f], COMPRESSION);
    table.finish();
}

#[test]
fn padding_rfc_9113_6_1() {
    let mut table = Table::new();
    let padded = |padding: u8, rest: &[u8]| [&[padding], rest].concat();
    let flags = END_HEADERS | END_STREAM | PADDED;
    let asked = [frame(HEADERS, flags, 1, &padded(3, &[head(), vec![0; 3]].concat()))];
    table.check("a padded head", &asked, "status 200");
    table.check(
        "more padding than frame",
        &[frame(HEADERS, flags, 1, &padded(200, &head()[..20]))],
        PROTOCOL,
    );
    let open = frame(HEADERS, END_HEADERS, 1, &head());
    let data = frame(DATA, END_STREAM | PADDED, 1, &padded(9, b"x"));
    table.check("more padding than data", &[open, data], PROTOCOL);
    table.finish();
}

#[test]
fn windows_rfc_9113_6_9() {
    let mut table = Table::new();
    table.check("by nothing", &[frame(WINDOW_UPDATE, 0, 0, &[0; 4])], PROTOCOL);
    let most = frame(WINDOW_UPDATE, 0, 0, &0x7fff_ffff_u32.to_be_bytes());
    table.check("beyond the largest", &[most], FLOW);
    table.check("to the largest", &[frame(WINDOW_UPDATE, 0, 0, &0x7fff_0000_u32.to_be_bytes())], "ignored");
    table.finish();
}
