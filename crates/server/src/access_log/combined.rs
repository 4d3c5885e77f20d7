//! The NCSA combined format, as nginx writes its `combined`: addresses are not resolved, and in what a client sent `"`,
//! `\`, control characters and bytes beyond ASCII are `\xHH`.

use super::append;
use super::exchange::Record;
use crate::calendar::Calendar;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Appends the line of a record.
pub(super) fn write(out: &mut Vec<u8>, record: &Record<'_>) {
    let exchange = record.exchange;
    let Calendar { year, month, day, hour, minute, second } = Calendar::of(exchange.time.seconds);
    let month = MONTHS[month as usize - 1];
    let ip = record.peer.ip;
    append(
        out,
        format_args!("{ip} - - [{day:02}/{month}/{year:04}:{hour:02}:{minute:02}:{second:02} +0000] \""),
    );
    let request_line = Some(&*exchange.request_line).filter(|line| !line.is_empty());
    write_value(out, request_line);
    append(out, format_args!("\" {} {} \"", exchange.status, record.bytes));
    write_value(out, exchange.referrer.as_deref());
    out.extend_from_slice(b"\" \"");
    write_value(out, exchange.user_agent.as_deref());
    out.extend_from_slice(b"\"\n");
}

/// Writes what is between two quotes; `-` is what was not sent at all.
fn write_value(out: &mut Vec<u8>, value: Option<&[u8]>) {
    for &byte in value.unwrap_or(b"-") {
        match byte {
            b'"' | b'\\' | 0..=0x1f | 0x7f.. => append(out, format_args!("\\x{byte:02X}")),
            b' '..=b'~' => out.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access_log::exchange::tests::record;

    #[track_caller]
    fn check(line: &[u8], agent: Option<&[u8]>, expect: &str) {
        let mut out = Vec::new();
        record(line, agent, |record| write(&mut out, record));
        assert_eq!(String::from_utf8_lossy(&out), format!("{expect}\n"));
    }

    #[test]
    fn what_a_client_sends_stays_in_its_quotes() {
        const START: &str = "192.0.2.1 - - [22/Nov/2026:21:48:20 +0000]";
        let check_agent = |agent: Option<&[u8]>, expect: &str| {
            check(
                b"GET / HTTP/1.1",
                agent,
                &format!("{START} \"GET / HTTP/1.1\" 200 1234 \"-\" \"{expect}\""),
            );
        };
        check_agent(None, "-");
        check_agent(Some(b""), "");
        check_agent(Some(b"curl/8.5 (x; y) 'z'|"), "curl/8.5 (x; y) 'z'|");
        check_agent(Some(b"a\" 200 1 \"b"), r"a\x22 200 1 \x22b");
        check_agent(Some(br"\x22 \"), r"\x5Cx22 \x5C");
        check_agent(Some(b"\t\x1b\x7f\0"), r"\x09\x1B\x7F\x00");
        check_agent(Some("é".as_bytes()), r"\xC3\xA9");
        check_agent(Some(b"\xff"), r"\xFF");
        check(b"", None, &format!("{START} \"-\" 200 1234 \"-\" \"-\""));
        check(b"\x16\x03 \"", None, &format!(r#"{START} "\x16\x03 \x22" 200 1234 "-" "-""#));
    }
}
