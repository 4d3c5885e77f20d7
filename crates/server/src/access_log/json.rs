//! One JSON object per line (RFC 8259).
//!
//! Text is UTF-8; what a client sent otherwise is shown with U+FFFD in its place.

use tallyd_ledger::Outcome;

use super::append;
use super::exchange::Record;
use crate::calendar::rfc_3339;

/// Appends the line of a record.
pub(super) fn write(out: &mut Vec<u8>, record: &Record<'_>) {
    let exchange = record.exchange;
    let parts = exchange.parts();
    out.extend_from_slice(b"{\"path\":");
    write_text(out, record.path.map(str::as_bytes));
    append(out, format_args!(",\"client\":\"{}\",\"port\":{},\"n\":", record.peer.ip, record.peer.port));
    match record.number {
        Some(number) => append(out, format_args!("{number}")),
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(b",\"method\":");
    write_text(out, parts.map(|[method, _, _]| method));
    out.extend_from_slice(b",\"protocol\":");
    write_text(out, parts.map(|[_, _, protocol]| protocol));
    let outcome = match record.outcome {
        Outcome::Completed => "completed",
        Outcome::Aborted => "aborted",
    };
    let (status, bytes, duration_ms) = (exchange.status, record.bytes, record.duration_ms);
    append(
        out,
        format_args!(
            ",\"status\":{status},\"bytes\":{bytes},\"outcome\":\"{outcome}\",\"duration_ms\":{duration_ms}"
        ),
    );
    out.extend_from_slice(b",\"referrer\":");
    write_text(out, exchange.referrer.as_deref());
    out.extend_from_slice(b",\"user_agent\":");
    write_text(out, exchange.user_agent.as_deref());
    append(out, format_args!(",\"time\":\"{}\"}}\n", rfc_3339(exchange.time)));
}

/// A string, or `null`. All that some reader takes for the end of a line is escaped.
fn write_text(out: &mut Vec<u8>, text: Option<&[u8]>) {
    let Some(text) = text else {
        out.extend_from_slice(b"null");
        return;
    };
    out.push(b'"');
    for character in String::from_utf8_lossy(text).chars() {
        match character {
            '"' | '\\' => out.extend([b'\\', character as u8]),
            '\u{2028}' | '\u{2029}' => append(out, format_args!("\\u{:04x}", u32::from(character))),
            control if control.is_control() => append(out, format_args!("\\u{:04x}", u32::from(control))),
            plain => out.extend_from_slice(plain.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::access_log::exchange::tests::record;

    fn line(request_line: &[u8], agent: Option<&[u8]>) -> String {
        let mut out = Vec::new();
        record(request_line, agent, |record| write(&mut out, record));
        String::from_utf8(out).expect("JSON is UTF-8")
    }

    #[test]
    fn a_line_has_these_keys_in_this_order() {
        let expect = r#"{"path":"/a%7Cb","client":"192.0.2.1","port":80,"n":null,"method":"GET","protocol":"HTTP/1.1","status":200,"bytes":1234,"outcome":"completed","duration_ms":5,"referrer":null,"user_agent":"x","time":"2026-11-22T21:48:20.042Z"}"#;
        assert_eq!(line(b"GET /a%7cb?q HTTP/1.1", Some(b"x")), format!("{expect}\n"));
    }

    #[test]
    fn whatever_a_client_sends_is_one_object_on_one_line() {
        #[track_caller]
        fn check(agent: &[u8], expect: &str) {
            let line = line(b"GET / HTTP/1.1", Some(agent));
            let breaks = |character: char| character.is_control() || "\u{2028}\u{2029}".contains(character);
            assert!(!line.strip_suffix('\n').expect("a line").contains(breaks), "{line:?}");
            let value: Value = serde_json::from_str(&line).expect("JSON");
            assert_eq!(value["user_agent"], json!(expect));
        }
        check(b"", "");
        check(b"a\",\"n\":1,\"b\":\"", "a\",\"n\":1,\"b\":\"");
        check(br"\", "\\");
        check(b"\t\x1b\x7f\0\r\n", "\t\x1b\x7f\0\r\n");
        check("é \u{1f980} \u{85}\u{2028}\u{2029}|".as_bytes(), "é \u{1f980} \u{85}\u{2028}\u{2029}|");
        check(b"latin-\xe9", "latin-\u{fffd}");
        let every_byte: Vec<u8> = (0..=255).collect();
        check(&every_byte, &String::from_utf8_lossy(&every_byte));
    }

    #[test]
    fn what_is_not_known_is_null() {
        #[track_caller]
        fn check(request_line: &[u8], expect: &Value) {
            let value: Value = serde_json::from_str(&line(request_line, None)).expect("JSON");
            assert_eq!(json!([value["path"], value["method"], value["protocol"]]), *expect);
        }
        check(b"", &json!([null, null, null]));
        check(b"\x16\x03\x01", &json!([null, null, null]));
        check(b"GET / HT", &json!([null, null, null]));
        check(b"GET /%zz HTTP/1.1", &json!(["/%25zz", "GET", "HTTP/1.1"]));
        check(b"OPTIONS * HTTP/1.0", &json!(["*", "OPTIONS", "HTTP/1.0"]));
        check(b"BREW http://a/pot HTTP/1.1", &json!(["/pot", "BREW", "HTTP/1.1"]));
    }
}
