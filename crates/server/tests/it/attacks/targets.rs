//! Which file a target names: everything that tries to name one beside the root, or on another server (RFC 9112
//! section 3.2, RFC 3986).
//!
//! Paths are tried on every protocol. Over HTTP/1.1 alone: the other forms, which are not elsewhere, and what the parsers of
//! other clients have no words for.

use super::arena::Arena;
use crate::harness::{Protocol, on_every_protocol};

on_every_protocol! {
    paths_out_of_the_root,
    paths_below_the_root,
    long_targets,
}

fn check_all(protocol: Protocol, rows: &[(&str, &str)]) {
    let mut arena = Arena::over(protocol);
    for (target, expect) in rows {
        arena.check(target, format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"), expect);
    }
    arena.finish();
}

/// No rule says which refusal it is, nor whether it ends the connection.
const REFUSED: &str = "400|403|404 any";

fn paths_out_of_the_root(protocol: Protocol) {
    let rows = [
        ("/../secret", REFUSED),
        ("/..", "200|400|403|404 any"),
        ("/../", "200|400|403|404 any"),
        ("/../../../../../../etc/passwd", REFUSED),
        ("/dir/../../secret", REFUSED),
        ("/dir/inner/../../../secret", REFUSED),
        ("/./../secret", REFUSED),
        ("//../secret", REFUSED),
        ("/.../secret", REFUSED),
        ("/..;/secret", REFUSED),
        ("/../www/f", "200|400|403|404 any"),
        ("/%2e%2e/secret", REFUSED),
        ("/%2E%2E/secret", REFUSED),
        ("/.%2e/secret", REFUSED),
        ("/%2e./secret", REFUSED),
        ("/dir/%2e%2e/%2e%2e/secret", REFUSED),
        ("/..%2fsecret", REFUSED),
        ("/%2e%2e%2fsecret", REFUSED),
        ("/%2e%2e%2Fsecret", REFUSED),
        ("/dir%2finner", REFUSED),
        ("/%2fetc%2fpasswd", REFUSED),
        ("/..%5csecret", REFUSED),
        ("/..\\secret", REFUSED),
        ("/%252e%252e/secret", REFUSED),
        ("/%252e%252e%252fsecret", REFUSED),
        ("/%00", REFUSED),
        ("/f%00", REFUSED),
        ("/f%00.html", REFUSED),
        ("/%00/../secret", REFUSED),
        ("/%c0%ae%c0%ae/secret", REFUSED),
        ("/%c0%ae%c0%ae%c0%afsecret", REFUSED),
        ("/%e0%80%ae%e0%80%ae/secret", REFUSED),
        ("/..%c0%afsecret", REFUSED),
        ("/%uff0e%uff0e/secret", REFUSED),
        ("/\u{ff0e}\u{ff0e}/secret", REFUSED),
        ("/f/", "301 any"),
        ("/f/.", "301 any"),
        ("/f/../f", "200|400|404 any"),
        ("/f/inner", REFUSED),
        ("/.hidden", "404 open"),
        ("/%2ehidden", "404 open"),
        ("/dir/../.hidden", "400|404 any"),
        ("/secret", "404 open"),
    ];
    check_all(protocol, &rows);
}

fn paths_below_the_root(protocol: Protocol) {
    let rows = [
        ("/f", "200 open"),
        ("/f?", "200 open"),
        ("/f?query=/../secret", "200 open"),
        ("/f?%00%2e%2e%zz", "200 open"),
        ("/%66", "200 open"),
        ("/", "200 open"),
        ("/?/f", "200 open"),
        ("/dir/inner", "200 open"),
        ("/missing", "404 open"),
        ("/missing/", "404 open"),
        ("/missing/f", "404 open"),
        // Dot segments may be removed (RFC 3986 section 6.2.2.3), refused, or looked up and not found.
        ("/./f", "200|301|308|400|404 any"),
        ("/dir/../f", "200|301|308|400|404 any"),
        ("/dir/./inner", "200|301|308|400|404 any"),
        ("/dir/..", "200|301|308|400|404 any"),
        // An empty segment may be looked up, which finds nothing, or merged.
        ("//f", "200|301|308|400|404 any"),
        ("/dir//inner", "200|301|308|400|404 any"),
        ("//evil.example/", "301|308|400|404 any"),
        ("//evil.example/%2e%2e", "200|301|308|400|404 any"),
        ("///dir", "301|308|400|404 any"),
        ("//dir", "301|308|400|404 any"),
        ("/dir", "301|308 open"),
        ("/dir?a=b", "301|308 open"),
        // A percent sign without two hexadecimal digits is not a path (RFC 3986 section 2.1).
        ("/%", "400|404 any"),
        ("/f%", "400|404 any"),
        ("/f%6", "400|404 any"),
        ("/%zz", "400|404 any"),
        ("/%6g", "400|404 any"),
        ("/%%66", "400|404 any"),
        ("/f%0d%0aX:%20y", "400|404 any"),
        ("/f%0a", "400|404 any"),
        ("/\"", "400|404 any"),
        ("/{}|^", "400|404 any"),
        ("/\u{e9}", "400|404 any"),
    ];
    check_all(protocol, &rows);
}

#[test]
fn other_forms() {
    let rows = [
        // Absolute form must be accepted, and its authority replaces that of Host (section 3.2.2).
        ("http://a/f", "200 open"),
        ("HTTP://a/f", "200 open"),
        ("http://other.example:8080/f", "200 open"),
        ("http://[::1]:80/f", "200 open"),
        ("http://a/f?query", "200 open"),
        ("http://a/", "200 open"),
        ("http://a", "200 open"),
        ("http://a?query", "200|400 any"),
        ("http://a/../secret", "400|403|404 any"),
        ("http://a/%2e%2e/secret", "400|403|404 any"),
        ("http://a//evil.example/", "301|308|400|404 any"),
        // An http URI without a host is invalid (RFC 9110 section 4.2.1).
        ("http:///f", "400 any"),
        ("http://", "400 any"),
        ("http:/f", "400|404 any"),
        ("http:f", "400 any"),
        ("http://a b/f", "400 any"),
        // Another scheme may be refused, taken for misdirected, or not looked at: one site is all there is.
        ("https://a/f", "200|400|404|421 any"),
        ("ftp://a/f", "200|400|404|421 any"),
        ("file:///etc/passwd", "400|404|421 any"),
        ("a:80", "400 any"),
        ("a", "400 any"),
        ("f", "400 any"),
        ("?query", "400 any"),
        ("#f", "400 any"),
        ("*", "400 any"),
        ("*/f", "400 any"),
        ("", "400 any"),
        // A fragment is not part of a target; most clients never send one, so it may be cut off or refused.
        ("/f#fragment", "200|400|404 any"),
        ("/f /f", "400 any"),
        ("/a b", "301|400 any"),
        // Characters that no target holds: refused, or looked up as they are and not found.
        ("\\..\\secret", "400 any"),
        ("/<script>", "400|404 any"),
        ("/{}|^`", "400|404 any"),
        ("/\x01", "400|404 any"),
        ("/\x7f", "400|404 any"),
        ("/\0", "400 any"),
        ("/f\0", "400 any"),
        ("/f\r", "400 any"),
    ];
    check_all(Protocol::Http1, &rows);
}

#[test]
fn bytes_that_are_no_text() {
    let mut arena = Arena::new();
    let raw = b"GET /\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n";
    arena.check("bytes that are not UTF-8", raw, "400|404 any");
    arena.finish();
}

fn long_targets(protocol: Protocol) {
    let mut arena = Arena::over(protocol);
    let mut check = |name: &str, target: String, expect: &str| {
        arena.check(name, format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"), expect);
    };
    // At least 8000 octets should be supported (section 3). A name longer than the file system holds is the
    // name of nothing.
    check("7,900 bytes, one name", format!("/{}", "n".repeat(7_900)), "404|414 any");
    check("7,900 bytes, many names", "/n".repeat(3_950), "404|414 any");
    check("7,900 bytes of query", format!("/f?{}", "q".repeat(7_900)), "200 open");
    check("7,900 bytes, encoded", format!("/{}", "%6e".repeat(2_600)), "404|414 any");
    check("7,900 bytes of dots", "/..".repeat(2_600), "200|400|403|404 any");
    check("8,001 bytes", format!("/{}", "n".repeat(8_000)), "414 any");
    check("8,001 bytes of query", format!("/?{}", "q".repeat(7_999)), "414 any");
    arena.finish();
}

/// Longer than any head may be, which elsewhere is found before there is a target.
#[test]
fn targets_longer_than_heads() {
    let mut arena = Arena::new();
    let mut check = |name: &str, target: String, expect: &str| {
        arena.check(name, format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"), expect);
    };
    check("100,000 bytes", format!("/{}", "n".repeat(100_000)), "414 closed");
    check("100,000 bytes of query", format!("/f?{}", "q".repeat(100_000)), "414 closed");
    check("1,000,000 bytes", format!("/{}", "n".repeat(1_000_000)), "414 closed");
    arena.finish();
}
