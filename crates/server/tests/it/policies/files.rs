//! Which files are there: names that begin with a dot, and links that leave the root.

use std::fs;
use std::os::unix::fs::symlink;

use crate::harness::{Protocol, Server, Site, on_every_protocol};

on_every_protocol! {
    hidden_shows_dot_names_and_lists_them,
    follow_links_leads_out_of_the_root,
}

fn hidden_shows_dot_names_and_lists_them(protocol: Protocol) {
    let site = Site::with(&[(".env", "s"), (".git/config", "s"), ("plain", "s"), (".dir/index.html", "s")]);
    let server = Server::start_over(protocol, &site, &["--hidden"]);
    for target in ["/.env", "/%2eenv", "/.git/config", "/.dir/"] {
        let answer = server.fetch(target);
        assert_eq!((answer.status, answer.content.as_slice()), (200, b"s".as_slice()), "{target}");
    }
    assert_eq!(server.fetch("/.git").field("Location"), Some("/.git/"));
    let listing = String::from_utf8(server.fetch("/").content).expect("a listing is text");
    for name in [".env", ".git/", "plain"] {
        assert!(listing.contains(&format!("href=\"{name}\"")), "{name} is not in {listing}");
    }
    let mut paths: Vec<_> = server.stdout().wait_for_deliveries(4).into_iter().map(|it| it.path).collect();
    paths.sort_unstable();
    assert_eq!(paths, ["/.dir/index.html", "/.env", "/.env", "/.git/config"]);
}

#[test]
fn a_ledger_that_hidden_would_publish_is_refused() {
    let site = Site::new();
    let ledger = site.path(".state/www.ledger");
    let ledger = ledger.to_str().expect("a path in UTF-8");
    let shown =
        crate::harness::tallyd(&site).args(["--hidden", "--ledger", ledger]).output().expect("it ends");
    let sentence = String::from_utf8_lossy(&shown.stderr).into_owned();
    assert_eq!(shown.status.code(), Some(1), "{sentence}");
    assert!(sentence.contains("is in the folder to serve, where clients could fetch it"), "{sentence}");
    assert_eq!(Server::start(&site, &["--ledger", ledger]).fetch("/.state/www.ledger").status, 404);
}

fn follow_links_leads_out_of_the_root(protocol: Protocol) {
    let site = Site::with(&[("f", "inside")]);
    let secret = site.around().join("secret");
    fs::write(&secret, "outside").expect("a file beside the root");
    fs::create_dir(site.around().join("beside")).expect("a folder beside the root");
    fs::write(site.around().join("beside/f"), "outside").expect("a file beside the root");
    symlink(&secret, site.path("absolute")).expect("a link");
    for (link, to) in [
        ("relative", "../secret"),
        ("folder", "../beside"),
        ("loop", "loop"),
        ("device", "/dev/zero"),
        ("process", "/proc/self/fd/0"),
    ] {
        symlink(to, site.path(link)).expect("a link");
    }
    let server = Server::start_over(protocol, &site, &["--workers", "1", "--follow-links"]);
    for target in ["/absolute", "/relative", "/folder/f"] {
        for _ in 0..2 {
            let answer = server.fetch(target);
            assert_eq!((answer.status, answer.content.as_slice()), (200, b"outside".as_slice()), "{target}");
        }
    }
    for target in ["/loop", "/device", "/process", "/../secret", "/folder/../../secret"] {
        let status = server.fetch(target).status;
        assert!(matches!(status, 400 | 404), "{target}: {status}");
    }
    let listing = String::from_utf8(server.fetch("/").content).expect("a listing is text");
    assert!(listing.contains("href=\"absolute\"") && listing.contains("href=\"folder/\""), "{listing}");
    // Each counts under the path asked for.
    let mut counted: Vec<_> =
        server.stdout().wait_for_deliveries(6).into_iter().map(|it| (it.path, it.n)).collect();
    counted.sort_unstable();
    let expect =
        ["/absolute", "/folder/f", "/relative"].map(|path| [(path.to_owned(), 1), (path.to_owned(), 2)]);
    assert_eq!(counted, expect.concat());
}
