//! Errors of a stream (RFC 9113 section 5.4.2): each is told by its code or by a status, and the connection goes on.

use super::frames::{
    DATA, END_HEADERS, END_STREAM, Frame, Frames, GOAWAY, HEADERS, PADDED, PING, PRIORITY, RST_STREAM,
    WINDOW_UPDATE, frame, request, request_fields, section,
};
use super::table::Table;
use crate::harness::{Server, Site};

/// A server may end the whole connection instead: no honest client sends such requests.
const MALFORMED: &str = "stream 1 PROTOCOL_ERROR|connection PROTOCOL_ERROR";

fn ask(fields: &[(&str, &str)]) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | END_STREAM, 1, &section(fields))
}

#[test]
fn pseudo_fields_rfc_9113_8_3() {
    let mut table = Table::new();
    let mut check = |name: &str, fields: &[(&str, &str)], expect: &str| {
        table.check(name, &[ask(fields)], expect);
    };
    let (method, scheme, path) = ((":method", "GET"), (":scheme", "http"), (":path", "/f"));
    let authority = (":authority", "a");
    check("all of them", &[method, scheme, authority, path], "status 200");
    check("in another order", &[path, authority, method, scheme], "status 200");
    check("without a method", &[scheme, authority, path], MALFORMED);
    check("without a scheme", &[method, authority, path], MALFORMED);
    check("without a path", &[method, scheme, authority], MALFORMED);
    check("an empty path", &[method, scheme, authority, (":path", "")], MALFORMED);
    check("a path twice", &[method, scheme, authority, path, path], MALFORMED);
    check("a method twice", &[method, method, scheme, authority, path], MALFORMED);
    check("one behind a field", &[method, scheme, authority, ("x", "y"), path], MALFORMED);
    check("an unknown one", &[method, scheme, authority, path, (":x", "y")], MALFORMED);
    check("an answer's", &[method, scheme, authority, path, (":status", "200")], MALFORMED);
    check("a path that is none", &[method, scheme, authority, (":path", "f")], MALFORMED);
    check("a path in absolute form", &[method, scheme, authority, (":path", "http://a/f")], MALFORMED);
    check("a path beyond the root", &[method, scheme, authority, (":path", "/../f")], "status 400");
    check("an asterisk", &[method, scheme, authority, (":path", "*")], "status 400|stream 1 PROTOCOL_ERROR");
    check("OPTIONS *", &[(":method", "OPTIONS"), scheme, authority, (":path", "*")], "status 204");
    check("a method that is not allowed", &[(":method", "PUT"), scheme, authority, path], "status 405");
    check("a method that is not known", &[(":method", "BREW"), scheme, authority, path], "status 501");
    check("CONNECT", &[(":method", "CONNECT"), authority], "status 405|status 400|stream 1 PROTOCOL_ERROR");
    table.finish();
}

#[test]
fn authorities_rfc_9113_8_3_1() {
    const REFUSED: &str = "status 400|stream 1 PROTOCOL_ERROR";
    let mut table = Table::new();
    let mut check = |name: &str, authority: Option<&str>, hosts: &[&str], expect: &str| {
        let mut fields = vec![(":method", "GET"), (":scheme", "http"), (":path", "/f")];
        fields.extend(authority.map(|authority| (":authority", authority)));
        fields.extend(hosts.iter().map(|host| ("host", *host)));
        table.check(name, &[ask(&fields)], expect);
    };
    check("an authority alone", Some("a"), &[], "status 200");
    check("a host alone", None, &["a"], "status 200");
    check("both alike", Some("a:80"), &["a:80"], "status 200");
    check("both, and different", Some("a"), &["b"], REFUSED);
    check("neither", None, &[], REFUSED);
    check("two hosts", None, &["a", "b"], REFUSED);
    check("a user before the host", Some("me@a"), &[], REFUSED);
    check("no host at all", Some("a/b"), &[], REFUSED);
    table.finish();
}

#[test]
fn fields_rfc_9113_8_2() {
    let mut table = Table::new();
    let mut check = |name: &str, value: &str, expect: &str| {
        table.check(name, &[request(1, "/f", &[(name, value)])], expect);
    };
    check("x-anything", "y", "status 200");
    check("te", "trailers", "status 200");
    check("te", "gzip", MALFORMED);
    check("X-Upper", "y", MALFORMED);
    check("connection", "close", MALFORMED);
    check("keep-alive", "timeout=5", MALFORMED);
    check("proxy-connection", "keep-alive", MALFORMED);
    check("transfer-encoding", "chunked", MALFORMED);
    check("upgrade", "h2c", MALFORMED);
    check("a b", "y", MALFORMED);
    check("", "y", MALFORMED);
    check("x", "a\r\nb: c", MALFORMED);
    check("x", "a\0b", MALFORMED);
    table.finish();
}

#[test]
fn contents_rfc_9113_8_1_1() {
    let mut table = Table::new();
    let open =
        |fields: &[(&str, &str)]| frame(HEADERS, END_HEADERS, 1, &section(&request_fields("/f", fields)));
    let data = |flags, content: &[u8]| frame(DATA, flags, 1, content);
    table.check("content that nobody wants", &[open(&[]), data(END_STREAM, b"hello")], "status 200");
    let exact = [open(&[("content-length", "5")]), data(END_STREAM, b"hello")];
    table.check("of the length that was said", &exact, "status 200");
    let long = [open(&[("content-length", "4")]), data(END_STREAM, b"hello")];
    table.check("longer than was said", &long, "stream 1 PROTOCOL_ERROR|status 200");
    table.check("none where some was said", &[request(1, "/f", &[("content-length", "4")])], MALFORMED);
    table.check("a length that is none", &[request(1, "/f", &[("content-length", "x")])], MALFORMED);
    let ended = [request(1, "/f", &[]), data(END_STREAM, b"x")];
    table.check(
        "behind the end",
        &ended,
        "stream 1 STREAM_CLOSED|connection STREAM_CLOSED|connection PROTOCOL_ERROR|status 200",
    );
    table.finish();
}

#[test]
fn what_is_passed_over_rfc_9113_5_5() {
    let mut table = Table::new();
    table.check("an unknown frame", &[frame(0xee, 0xff, 7, b"anything")], "ignored");
    table.check("an unknown flag", &[frame(PING, 0xf6, 0, b"12345678")], "ping 12345678");
    table.check("a ping", &[frame(PING, 0, 0, b"abcdefgh")], "ping abcdefgh");
    table.check("a priority", &[frame(PRIORITY, 0, 3, &[0, 0, 0, 1, 16])], "ignored");
    let depends_on_itself = frame(PRIORITY, 0, 3, &[0, 0, 0, 3, 16]);
    table.check("a priority of its own", &[depends_on_itself], "stream 3 PROTOCOL_ERROR|ignored");
    let padded = frame(
        HEADERS,
        END_HEADERS | END_STREAM | PADDED,
        1,
        &[&[0][..], &section(&request_fields("/f", &[]))].concat(),
    );
    table.check("no padding, said so", &[padded], "status 200");
    table.finish();
}

#[test]
fn windows_of_a_stream_rfc_9113_6_9() {
    let site = Site::with(&[("f", "content of f")]);
    let server = Server::start(&site, &["--workers", "1"]);
    let open = frame(HEADERS, END_HEADERS, 1, &section(&request_fields("/f", &[("content-length", "9")])));
    // The answer may come first.
    let check = |name: &str, by: u32, expect: &str| {
        let mut conn = Frames::open(server.address(), &[]);
        conn.send_bytes(&[open.clone(), frame(WINDOW_UPDATE, 0, 1, &by.to_be_bytes())].concat());
        let is_end = |next: &Frame| matches!(next.kind, RST_STREAM | GOAWAY);
        let end = std::iter::from_fn(|| conn.next_telling()).find(is_end).expect("an end");
        assert!(expect.split('|').any(|allowed| allowed == end.told()), "{name}: {}", end.told());
    };
    check("by nothing", 0, "stream 1 PROTOCOL_ERROR|connection PROTOCOL_ERROR");
    check("beyond the largest", 0x7fff_ffff, "stream 1 FLOW_CONTROL_ERROR|connection FLOW_CONTROL_ERROR");
}
