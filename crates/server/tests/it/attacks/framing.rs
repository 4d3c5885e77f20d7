//! Where a request ends: the shapes by which one reader finds another request than the next (RFC 9112
//! sections 6, 7 and 11.2).

use super::arena::Arena;

/// A GET of `/f` with these fields and what follows the head.
fn request(version: &str, fields: &str, content: &str) -> String {
    format!("GET /f HTTP/{version}\r\nHost: a\r\n{fields}\r\n\r\n{content}")
}

fn check_all(rows: &[(&str, &str, &str)]) {
    let mut arena = Arena::new();
    for (fields, content, expect) in rows {
        let name = format!("{fields:?} + {content:?}");
        arena.check(&name, request("1.1", fields, content), expect);
    }
    arena.finish();
}

#[test]
fn content_length() {
    check_all(&[
        ("Content-Length: 0", "", "200 open"),
        ("Content-Length: 5", "hello", "200 open"),
        ("Content-Length: \t5 \t", "hello", "200 open"),
        // The next request begins where the content ends, and not before.
        ("Content-Length: 5", "helloGET /f HTTP/1.1\r\nHost: a\r\n\r\n", "200 200 open"),
        ("Content-Length: 38", "GET /smuggled HTTP/1.1\r\nHost: evil\r\n\r\n", "200 open"),
        // 1*DIGIT allows leading zeros; so few readers agree on them that a refusal is as good.
        ("Content-Length: 005", "hello", "200 open or 400 closed"),
        // Equal values may be refused or taken for one (RFC 9112 section 6.3, rule 5).
        ("Content-Length: 5\r\nContent-Length: 5", "hello", "200 open or 400 closed"),
        ("Content-Length: 5, 5", "hello", "200 open or 400 closed"),
        ("Content-Length: 5\r\nContent-Length: 6", "hello!", "400 closed"),
        ("Content-Length: 0\r\nContent-Length: 5", "hello", "400 closed"),
        ("Content-Length: 5, 6", "hello!", "400 closed"),
        ("Content-Length: 5,", "hello", "200 open or 400 closed"),
        ("Content-Length: ,", "", "400 closed"),
        ("Content-Length:", "", "400 closed"),
        ("Content-Length: -1", "", "400 closed"),
        ("Content-Length: -0", "", "400 closed"),
        ("Content-Length: +5", "hello", "400 closed"),
        ("Content-Length: 0x5", "hello", "400 closed"),
        ("Content-Length: 5h", "hello", "400 closed"),
        ("Content-Length: h", "hello", "400 closed"),
        ("Content-Length: 5.0", "hello", "400 closed"),
        ("Content-Length: 1e1", "hello", "400 closed"),
        ("Content-Length: 5 5", "hello", "400 closed"),
        ("Content-Length: 5;x", "hello", "400 closed"),
        ("Content-Length: \"5\"", "hello", "400 closed"),
        ("Content-Length: 5_0", "hello", "400 closed"),
        ("Content-Length: \u{0665}", "hello", "400 closed"),
        ("Content-Length: 5\0", "hello", "400 closed"),
        ("Content-Length: 5\x0b", "hello", "400 closed"),
        ("Content-Length: 5\r6", "hello", "400 closed"),
        ("Content-Length : 5", "hello", "400 closed"),
        // Numbers that wrap to 0, 5 and 0 in 64 or 32 bits. A length that fits but is beyond any limit may be
        // answered before it is read, or called too large; it is never drained.
        ("Content-Length: 18446744073709551616", "", "400|413 closed"),
        ("Content-Length: 18446744073709551621", "hello", "400|413 closed"),
        ("Content-Length: 99999999999999999999999999999999999999", "", "400|413 closed"),
        ("Content-Length: 4294967296", "", "200|400|413 closed"),
        ("Content-Length: 9223372036854775807", "", "200|400|413 closed"),
    ]);
}

#[test]
fn transfer_encoding() {
    check_all(&[
        ("Transfer-Encoding: chunked", "0\r\n\r\n", "200 open"),
        ("Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n", "200 open"),
        ("transfer-encoding:Chunked", "0\r\n\r\n", "200 open"),
        ("Transfer-Encoding: \t chunked \t", "0\r\n\r\n", "200 open"),
        // Empty elements of a list are to be ignored (RFC 9110 section 5.6.1); refusing them is safe.
        ("Transfer-Encoding: ,chunked", "0\r\n\r\n", "200 open or 400 closed"),
        ("Transfer-Encoding: chunked,", "0\r\n\r\n", "200 open or 400 closed"),
        // Both lengths: may be refused, or the coding taken and the connection closed (section 6.1).
        ("Content-Length: 5\r\nTransfer-Encoding: chunked", "0\r\n\r\n", "200|400 closed"),
        ("Transfer-Encoding: chunked\r\nContent-Length: 5", "0\r\n\r\n", "200|400 closed"),
        (
            "Transfer-Encoding: chunked\r\nContent-Length: 4",
            "5c\r\nGET /smuggled HTTP/1.1\r\n",
            "200|400 closed",
        ),
        ("Content-Length: x\r\nTransfer-Encoding: chunked", "0\r\n\r\n", "400 closed"),
        // Chunked is not last, or not once: 400 (section 6.3, rule 4); of a coding not known also 501.
        ("Transfer-Encoding: chunked, gzip", "0\r\n\r\n", "400|501 closed"),
        ("Transfer-Encoding: chunked, identity", "0\r\n\r\n", "400|501 closed"),
        ("Transfer-Encoding: chunked, chunked", "0\r\n\r\n", "400|501 closed"),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "0\r\n\r\n", "400|501 closed"),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", "0\r\n\r\n", "400|501 closed"),
        ("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked", "0\r\n\r\n", "400|501 closed"),
        ("Transfer-Encoding: gzip, chunked", "0\r\n\r\n", "400|501 closed"),
        ("Transfer-Encoding: gzip", "", "400|501 closed"),
        ("Transfer-Encoding: identity", "", "400|501 closed"),
        ("Transfer-Encoding: xchunked", "0\r\n\r\n", "400|501 closed"),
        ("Transfer-Encoding: chunkedx", "0\r\n\r\n", "400|501 closed"),
        ("Transfer-Encoding: chunk", "0\r\n\r\n", "400|501 closed"),
        ("Transfer-Encoding: \"chunked\"", "0\r\n\r\n", "400|501 closed"),
        ("Transfer-Encoding: chunked;q=1", "0\r\n\r\n", "400|501 closed"),
        ("Transfer-Encoding: chunked chunked", "0\r\n\r\n", "400|501 closed"),
        ("Transfer-Encoding: chunked\0", "0\r\n\r\n", "400|501 closed"),
        ("Transfer-Encoding:", "", "400|501 closed"),
        ("Transfer-Encoding: ,", "", "400|501 closed"),
        ("Transfer-Encoding: \x0bchunked", "0\r\n\r\n", "400|501 closed"),
        ("Transfer-Encoding:\x0cchunked", "0\r\n\r\n", "400|501 closed"),
        ("Transfer-Encoding : chunked", "0\r\n\r\n", "400 closed"),
        ("Transfer-Encoding\t: chunked", "0\r\n\r\n", "400 closed"),
        ("Transfer\0-Encoding: chunked", "0\r\n\r\n", "400 closed"),
        ("Transfer-Encoding: x\r\r\nX: chunked", "0\r\n\r\n", "400|501 closed"),
        ("X: y\rTransfer-Encoding: chunked", "", "400 closed"),
        // A folded line is refused, or its fold read as spaces (section 5.2).
        ("Transfer-Encoding:\r\n chunked", "0\r\n\r\n", "400 closed or 200 open"),
        ("Transfer-Encoding: chunked\r\n , identity", "0\r\n\r\n", "400|501 closed"),
        // Other names are other fields.
        ("Transfer_Encoding: chunked", "", "200 open"),
        ("X-Transfer-Encoding: chunked", "", "200 open"),
    ]);
}

#[test]
fn chunks() {
    // Content of a GET has no meaning, so the answer may go out before a fault is found in it; what must not
    // happen is that anything after the fault is read as a request.
    const FAULTY: &str = "200|400 broken";
    // A limit on what nobody needs is allowed.
    const TOLERABLE: &str = "200 open or 200|400|413|431 broken";
    const CHUNKED: &str = "Transfer-Encoding: chunked";
    let long_extension = format!("5;{}\r\nhello\r\n0\r\n\r\n", "e".repeat(100_000));
    let many_zeros = format!("{}5\r\nhello\r\n0\r\n\r\n", "0".repeat(20));
    check_all(&[
        (CHUNKED, "5;a=b\r\nhello\r\n0\r\n\r\n", "200 open"),
        (CHUNKED, "5;a=\"b;c\"\r\nhello\r\n0;d\r\n\r\n", "200 open"),
        (CHUNKED, "a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", "200 open"),
        (CHUNKED, "000\r\n\r\n", "200 open"),
        (CHUNKED, "0\r\nX: y\r\nZ: w\r\n\r\n", "200 open"),
        (CHUNKED, "0\r\n\r\nGET /f HTTP/1.1\r\nHost: a\r\n\r\n", "200 200 open"),
        (CHUNKED, "26\r\nGET /smuggled HTTP/1.1\r\nHost: evil\r\n\r\n\r\n0\r\n\r\n", "200 open"),
        // Framing fields in a trailer mean nothing (section 6.5.1 of RFC 9110); refusing them is allowed.
        (CHUNKED, "0\r\nContent-Length: 50\r\n\r\n", "200 open or 200|400 broken"),
        (CHUNKED, "0\r\nTransfer-Encoding: chunked\r\n\r\n", "200 open or 200|400 broken"),
        (CHUNKED, &many_zeros, TOLERABLE),
        (CHUNKED, &long_extension, TOLERABLE),
        (CHUNKED, "g\r\nhello\r\n0\r\n\r\n", FAULTY),
        (CHUNKED, "\r\n0\r\n\r\n", FAULTY),
        (CHUNKED, "-1\r\nhello\r\n0\r\n\r\n", FAULTY),
        (CHUNKED, "+5\r\nhello\r\n0\r\n\r\n", FAULTY),
        (CHUNKED, "0x5\r\nhello\r\n0\r\n\r\n", FAULTY),
        (CHUNKED, " 5\r\nhello\r\n0\r\n\r\n", FAULTY),
        (CHUNKED, "5 5\r\nhello\r\n0\r\n\r\n", FAULTY),
        (CHUNKED, "5_0\r\nhello\r\n0\r\n\r\n", FAULTY),
        (CHUNKED, "5,\r\nhello\r\n0\r\n\r\n", FAULTY),
        (CHUNKED, ";a\r\nhello\r\n0\r\n\r\n", FAULTY),
        (CHUNKED, "\0\r\nhello\r\n0\r\n\r\n", FAULTY),
        // White space before an extension is bad but known (section 7.1.1).
        (CHUNKED, "5 \r\nhello\r\n0\r\n\r\n", "200 open or 200|400 broken"),
        // Sizes that wrap to 0, 5 and 1 in 64 bits.
        (CHUNKED, "10000000000000000\r\n\r\n", FAULTY),
        (CHUNKED, "10000000000000005\r\nhello\r\n0\r\n\r\n", FAULTY),
        (CHUNKED, "fffffffffffffffffffffffffffffff1\r\nh\r\n0\r\n\r\n", FAULTY),
        // The leniency for a bare LF is for heads, not for chunks (section 2.2).
        (CHUNKED, "5\nhello\r\n0\r\n\r\n", FAULTY),
        (CHUNKED, "5;a\nb\r\nhello\r\n0\r\n\r\n", FAULTY),
        (CHUNKED, "5\rhello\r\n0\r\n\r\n", FAULTY),
        (CHUNKED, "5\r\rhello\r\n0\r\n\r\n", FAULTY),
        (CHUNKED, "5\r\nhello!\r\n0\r\n\r\n", FAULTY),
        (CHUNKED, "5\r\nhelloXX0\r\n\r\n", FAULTY),
        (CHUNKED, "5\r\nhello\n0\r\n\r\n", FAULTY),
        (CHUNKED, "5\r\nhello0\r\n\r\n", FAULTY),
        (CHUNKED, "0\r\nno colon\r\n\r\n", FAULTY),
        (CHUNKED, "0\r\nX : y\r\n\r\n", FAULTY),
        (CHUNKED, "0\r\nX: \0\r\n\r\n", FAULTY),
    ]);
}

#[test]
fn http_1_0() {
    let mut arena = Arena::new();
    // The framing is to be treated as faulty: refused, or the connection closed after it (section 6.1).
    let faulty = "200|400 closed";
    for fields in ["Transfer-Encoding: chunked", "Connection: keep-alive\r\nTransfer-Encoding: chunked"] {
        arena.check(fields, request("1.0", fields, "0\r\n\r\n"), faulty);
    }
    let both = "Connection: keep-alive\r\nContent-Length: 5\r\nTransfer-Encoding: chunked";
    arena.check(both, request("1.0", both, "0\r\n\r\n"), faulty);
    let kept = "Connection: keep-alive\r\nContent-Length: 5";
    arena.check(kept, request("1.0", kept, "hello"), "200 open");
    arena.finish();
}

#[test]
fn cut_short() {
    // What is incomplete may be refused or left without an answer (RFC 9112 section 8). A complete head
    // with incomplete content may be answered as well: the answer to a GET does not depend on it.
    const NO_REQUEST: &str = "none closed or 400 closed";
    const NO_CONTENT: &str = "none closed or 200|400 closed";
    let rows = [
        ("no bytes".to_owned(), String::new(), "none closed"),
        ("an empty line".to_owned(), "\r\n".to_owned(), NO_REQUEST),
        ("a method".to_owned(), "GET".to_owned(), NO_REQUEST),
        ("a request line".to_owned(), "GET /f HTTP/1.1\r\n".to_owned(), NO_REQUEST),
        ("no end of the head".to_owned(), "GET /f HTTP/1.1\r\nHost: a\r\n".to_owned(), NO_REQUEST),
        ("half an end".to_owned(), "GET /f HTTP/1.1\r\nHost: a\r\n\r".to_owned(), NO_REQUEST),
        ("content".to_owned(), request("1.1", "Content-Length: 6", "hello"), NO_CONTENT),
        ("a chunk".to_owned(), request("1.1", "Transfer-Encoding: chunked", "6\r\nhello"), NO_CONTENT),
        (
            "no last chunk".to_owned(),
            request("1.1", "Transfer-Encoding: chunked", "5\r\nhello\r\n"),
            NO_CONTENT,
        ),
        ("no last line".to_owned(), request("1.1", "Transfer-Encoding: chunked", "0\r\n"), NO_CONTENT),
    ];
    let mut arena = Arena::new();
    for (name, bytes, expect) in rows {
        arena.check_cut(&name, bytes, expect);
    }
    arena.finish();
}
