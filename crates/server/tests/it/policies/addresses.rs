//! One resource has one address: what is redirected to it, and what a query adds.

use crate::harness::{Protocol, Server, Site, on_every_protocol, percent_encode};

on_every_protocol! {
    a_file_is_redirected_to_its_address_without_a_slash,
    download_asks_to_save_under_the_name,
}

fn a_file_is_redirected_to_its_address_without_a_slash(protocol: Protocol) {
    let site = Site::with(&[("page.html", "p"), ("dir/f", "f"), ("evil.example", "e"), (".env", "s")]);
    let server = Server::start_over(protocol, &site, &[]);
    for (target, location) in [
        ("/page.html/", "/page.html"),
        ("/page.html//", "/page.html"),
        ("/page.html/?a=b&c=/d", "/page.html?a=b&c=/d"),
        ("/dir/f/.", "/dir/f"),
        ("http://elsewhere.example/dir/f/", "/dir/f"),
        ("//evil.example/", "/evil.example"),
        ("/dir/..//evil.example/", "/evil.example"),
    ] {
        let answer = server.fetch(target);
        assert_eq!((answer.status, answer.field("Location")), (301, Some(location)), "{target}");
    }
    // What is not there, below a file, or hidden, has no address to lead to.
    for target in ["/missing/", "/page.html/x", "/page.html/x/", "/.env/", "/%5Cevil.example/"] {
        let answer = server.fetch(target);
        assert_eq!((answer.status, answer.field("Location")), (404, None), "{target}");
    }
    let redirect = server.connect().head("/page.html/");
    assert_eq!((redirect.status, redirect.field("Location")), (301, Some("/page.html")));
    // A redirect takes no number.
    assert_eq!(server.fetch("/page.html").status, 200);
    assert_eq!(server.stdout().wait_for_deliveries(1)[0].n, 1);
}

fn download_asks_to_save_under_the_name(protocol: Protocol) {
    let site = Site::with(&[("a.txt", "0123456789"), ("dir/index.html", "i")]);
    site.file("größe \"1\".txt", "g");
    let server = Server::start_over(protocol, &site, &[]);
    let mut conn = server.connect();
    let name = percent_encode("größe \"1\".txt".as_bytes());
    for (target, value) in [
        ("/a.txt", None),
        ("/a.txt?downloads", None),
        ("/a.txt?download", Some("attachment; filename=\"a.txt\"")),
        ("/a.txt?x=y&download=evil.exe", Some("attachment; filename=\"a.txt\"")),
        ("/dir/?download", Some("attachment; filename=\"index.html\"")),
        (
            &format!("/{name}?download=1"),
            Some("attachment; filename=\"gr__e _1_.txt\"; filename*=UTF-8''gr%C3%B6%C3%9Fe%20%221%22.txt"),
        ),
    ] {
        for answer in [conn.get(target), conn.head(target)] {
            assert_eq!((answer.status, answer.field("Content-Disposition")), (200, value), "{target}");
        }
    }
    conn.send("GET /a.txt?download HTTP/1.1\r\nHost: a\r\nRange: bytes=2-4\r\n\r\n");
    let part = conn.answer();
    assert_eq!((part.status, part.content.as_slice()), (206, b"234".as_slice()));
    assert_eq!(part.field("Content-Disposition"), Some("attachment; filename=\"a.txt\""));
    conn.send("GET /a.txt?download HTTP/1.1\r\nHost: a\r\nRange: bytes=10-\r\n\r\n");
    let beyond = conn.answer();
    assert_eq!((beyond.status, beyond.field("Content-Disposition")), (416, None));
    // What a client has already needs no name.
    conn.send("GET /a.txt?download HTTP/1.1\r\nHost: a\r\nIf-None-Match: *\r\n\r\n");
    let known = conn.answer();
    assert_eq!((known.status, known.field("Content-Disposition")), (304, None));
}
