//! Which files are served, and which never: kinds, names, links, permissions, sizes.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};

use crate::harness::{
    Protocol, Server, Site, Stdout, is_root, nobody, noise, on_every_protocol, percent_encode, tallyd,
};

on_every_protocol! {
    only_regular_files_are_served,
    a_directory_shows_its_index,
    a_directory_is_redirected_to_its_slash,
    links_are_followed_below_the_root_only,
    dot_files_are_as_if_they_were_not_there,
    a_file_that_cannot_be_read_is_refused,
    names_are_bytes,
    an_empty_file_is_a_file,
    a_file_beyond_4_gib_has_its_length,
    lengths_around_every_border_arrive_whole,
}

/// A refusal that comes at once: opening, let alone reading, such a file could block for ever.
fn is_refused_at_once(server: &Server, target: &str) {
    let start = Instant::now();
    let answer = server.fetch(target);
    assert!(matches!(answer.status, 403 | 404), "{target}: {answer:?}");
    assert!(start.elapsed() < Duration::from_secs(2), "{target}: refused after {:?}", start.elapsed());
}

fn only_regular_files_are_served(protocol: Protocol) {
    let site = Site::with(&[("empty/.keep", "")]);
    mknodat(CWD, site.path("fifo"), FileType::Fifo, Mode::from_raw_mode(0o644), 0).expect("a FIFO");
    let _socket = UnixListener::bind(site.path("socket")).expect("a socket");
    symlink("fifo", site.path("link")).expect("a link");
    let mut targets = vec!["/fifo", "/socket", "/link", "/empty/"];
    let zero =
        mknodat(CWD, site.path("zero"), FileType::CharacterDevice, Mode::from_raw_mode(0o644), makedev(1, 5));
    match zero {
        Ok(()) => targets.push("/zero"),
        Err(error) => println!("not run: a device cannot be made here ({error})"),
    }
    // One worker: if one request blocked it, the next would show that.
    let server = Server::start_over(protocol, &site, &["--workers", "1", "--listing", "off"]);
    for target in targets {
        is_refused_at_once(&server, target);
        is_refused_at_once(&server, &format!("{target}?again"));
    }
    assert_eq!(server.stdout().wait_for("connections", |lines| Some(crate::harness::deliveries(lines))), []);
}

fn a_directory_shows_its_index(protocol: Protocol) {
    let site = Site::with(&[
        ("index.html", "root"),
        ("dir/index.html", "dir"),
        ("bare/f", "f"),
        ("odd/index.html/f", "f"),
    ]);
    let server = Server::start_over(protocol, &site, &["--listing", "off"]);
    for (target, content) in
        [("/", "root"), ("/index.html", "root"), ("/dir/", "dir"), ("/dir/?query", "dir")]
    {
        let answer = server.fetch(target);
        assert_eq!((answer.status, answer.content.as_slice()), (200, content.as_bytes()), "{target}");
        assert!(
            answer.field("Content-Type").is_some_and(|it| it.starts_with("text/html")),
            "{target}: {answer:?}"
        );
    }
    is_refused_at_once(&server, "/bare/");
    // What is called like an index and is a directory is none.
    is_refused_at_once(&server, "/odd/");
    // The index counts by its own path.
    let deliveries = server.stdout().wait_for_deliveries(4);
    let mut counted: Vec<_> = deliveries.iter().map(|it| (it.path.as_str(), it.n)).collect();
    counted.sort_unstable();
    let expected = [("/dir/index.html", 1), ("/dir/index.html", 2), ("/index.html", 1), ("/index.html", 2)];
    assert_eq!(counted, expected);
}

fn a_directory_is_redirected_to_its_slash(protocol: Protocol) {
    let site = Site::with(&[
        ("dir/index.html", "i"),
        ("evil.example/index.html", "i"),
        ("two words/index.html", "i"),
    ]);
    site.file("a\r\nX: y/index.html", "i");
    site.file("dir/evil.example/index.html", "i");
    let server = Server::start_over(protocol, &site, &[]);
    for (target, location) in [
        ("/dir", "/dir/"),
        ("/dir?a=b&c=/d", "/dir/?a=b&c=/d"),
        ("/two%20words", "/two%20words/"),
        ("http://elsewhere.example/dir", "/dir/"),
        ("/dir/evil.example", "/dir/evil.example/"),
    ] {
        let answer = server.fetch(target);
        assert!(matches!(answer.status, 301 | 308), "{target}: {answer:?}");
        assert_eq!(answer.field("Location"), Some(location), "{target}");
        assert_eq!(answer.field("Cache-Control"), Some("no-cache"), "{target}");
    }
    // A Location that begins with two slashes, or a slash and a backslash, leads to another host.
    for target in [
        "//evil.example",
        "///evil.example",
        "/.//evil.example",
        "/dir/..//evil.example",
        "/dir//evil.example",
        "/%2fevil.example",
        "/%5cevil.example",
        "/\\evil.example",
        "//evil.example/..",
        "//evil.example/%2e%2e",
        "/a%0d%0aX:%20y",
    ] {
        let answer = server.fetch(target);
        assert!(answer.field("X").is_none(), "{target}: {answer:?}");
        if let Some(location) = answer.field("Location") {
            let is_path =
                location.starts_with('/') && !location.starts_with("//") && !location.contains('\\');
            assert!(is_path, "{target} leads to {location}");
        }
    }
}

fn links_are_followed_below_the_root_only(protocol: Protocol) {
    let site = Site::with(&[("f", "content"), ("dir/f", "content")]);
    let secret = site.around().join("secret");
    fs::write(&secret, "secret").expect("a file beside the root");
    fs::create_dir(site.around().join("beside")).expect("a folder beside the root");
    fs::write(site.around().join("beside/f"), "secret").expect("a file beside the root");
    for (link, to) in [
        ("inside", "f"),
        ("deep", "dir/f"),
        ("dir/up", "../f"),
        ("folder", "dir"),
        ("chain", "inside"),
        ("outside", "../secret"),
        ("dir/outside", "../../secret"),
        ("outside-folder", "../beside"),
        ("outside-chain", "outside"),
        ("out-and-in", "../www/f"),
        ("loop", "loop"),
        ("broken", "nowhere"),
        ("proc", "/proc/self/environ"),
    ] {
        symlink(to, site.path(link)).expect("a link");
    }
    symlink(&secret, site.path("absolute")).expect("a link");
    let server = Server::start_over(protocol, &site, &["--workers", "1"]);
    for target in ["/inside", "/deep", "/dir/up", "/folder/f", "/chain"] {
        let answer = server.fetch(target);
        assert_eq!((answer.status, answer.content.as_slice()), (200, b"content".as_slice()), "{target}");
    }
    for target in [
        "/outside",
        "/dir/outside",
        "/outside-folder/f",
        "/outside-folder/",
        "/outside-folder",
        "/outside-chain",
        "/out-and-in",
        "/loop",
        "/broken",
        "/proc",
        "/absolute",
    ] {
        is_refused_at_once(&server, target);
    }
    // A link counts under the path that was asked for.
    let paths: Vec<_> =
        server.stdout().wait_for_deliveries(5).into_iter().map(|it| (it.path, it.n)).collect();
    for target in ["/inside", "/deep", "/dir/up", "/folder/f", "/chain"] {
        assert!(paths.contains(&(target.to_owned(), 1)), "{target} is not in {paths:?}");
    }
}

fn dot_files_are_as_if_they_were_not_there(protocol: Protocol) {
    let site =
        Site::with(&[(".env", "s"), (".git/config", "s"), ("dir/.htpasswd", "s"), (".dir/index.html", "s")]);
    site.file("..data/f", "s");
    site.file("...", "s");
    let server = Server::start_over(protocol, &site, &[]);
    let missing = server.fetch("/missing").content;
    for target in [
        "/.env",
        "/%2eenv",
        "/.git/config",
        "/.git/",
        "/.git",
        "/dir/.htpasswd",
        "/.dir/",
        "/.dir/index.html",
        "/..data/f",
        "/...",
    ] {
        let answer = server.fetch(target);
        assert_eq!(answer.status, 404, "{target}");
        assert_eq!(answer.content, missing, "{target} is told from a file that is missing");
    }
}

fn a_file_that_cannot_be_read_is_refused(protocol: Protocol) {
    let site = Site::with(&[
        ("readable", "content"),
        ("unreadable", "secret"),
        ("closed/f", "secret"),
        ("no/index.html", "s"),
    ]);
    let mut command = if is_root() { nobody(&site) } else { tallyd(&site) };
    for name in ["unreadable", "closed", "no/index.html"] {
        fs::set_permissions(site.path(name), PermissionsExt::from_mode(0o000))
            .expect("permissions of our own files");
    }
    let server = Server::launch_over(protocol, &site, &mut command, Stdout::Followed);
    assert_eq!(server.fetch("/readable").content, b"content");
    for target in ["/unreadable", "/closed/f", "/closed/", "/no/"] {
        is_refused_at_once(&server, target);
    }
    // The folder can be removed only if it can be read.
    fs::set_permissions(site.path("closed"), PermissionsExt::from_mode(0o755))
        .expect("permissions of our own files");
}

fn names_are_bytes(protocol: Protocol) {
    let site = Site::new();
    let names: [&[u8]; 16] = [
        b"two words",
        b"plus+sign",
        b"100%",
        b"%41",
        b"a#b",
        b"a?b",
        b"a;b=c",
        b"a&b",
        b"'quotes\"",
        b"<b>",
        "\u{fc}ml\u{e4}ut".as_bytes(),
        "\u{1f980}".as_bytes(),
        b"\xff\xfe",
        b"latin-\xe9",
        b"tab\tand\nline",
        b"~tilde",
    ];
    for name in names {
        site.file(OsStr::from_bytes(name), name);
    }
    let longest = "n".repeat(255);
    site.file(&longest, "longest");
    let server = Server::start_over(protocol, &site, &[]);
    let mut conn = server.connect();
    for name in names {
        let target = format!("/{}", percent_encode(name));
        let answer = conn.get(&target);
        assert_eq!((answer.status, answer.content.as_slice()), (200, name), "{target}");
    }
    assert_eq!(conn.get(&format!("/{longest}")).content, b"longest");
    assert_eq!(conn.get(&format!("/{longest}n")).status, 404);
    // A plus sign is a plus sign in a path, and names are told apart by case.
    assert_eq!(conn.get("/plus+sign").content, b"plus+sign");
    assert_eq!(conn.get("/two+words").status, 404);
    assert_eq!(conn.get("/TWO%20WORDS").status, 404);
}

fn an_empty_file_is_a_file(protocol: Protocol) {
    let site = Site::with(&[("empty.txt", "")]);
    let server = Server::start_over(protocol, &site, &[]);
    let mut conn = server.connect();
    for _ in 0..3 {
        let answer = conn.get("/empty.txt");
        assert_eq!((answer.status, answer.content_length()), (200, Some(0)));
    }
    let mut numbers: Vec<u64> = server.stdout().wait_for_deliveries(3).iter().map(|it| it.n).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2, 3]);
}

fn a_file_beyond_4_gib_has_its_length(protocol: Protocol) {
    const LENGTH: u64 = 5 << 30;
    const FIRST: usize = 8 << 20;
    let site = Site::new();
    let path = site.file("huge", noise(FIRST / 2, 1));
    fs::File::options().write(true).open(path).and_then(|file| file.set_len(LENGTH)).expect("a sparse file");
    let server = Server::start_over(protocol, &site, &[]);
    let mut conn = server.connect();
    assert_eq!(conn.head("/huge").content_length(), Some(LENGTH as usize));
    conn.send("GET /huge HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(conn.next_head().expect("an answer").content_length(), Some(LENGTH as usize));
    let received = conn.take(FIRST);
    assert!(
        received[..FIRST / 2] == noise(FIRST / 2, 1) && received[FIRST / 2..].iter().all(|&byte| byte == 0)
    );
    // The client has seen enough; the transfer ends, and its line comes.
    drop(conn);
    server.stdout().wait_for_deliveries(2);
}

fn lengths_around_every_border_arrive_whole(protocol: Protocol) {
    // Around a page, a socket's first buffers, the border between memory and page cache, a read-ahead window.
    let site = Site::new();
    let borders = [1, 4_096, 8_192, 16_384, 32_768, 65_536, 131_072, 262_144, 1 << 20, 2 << 20, 4 << 20];
    let lengths: Vec<usize> = borders.iter().flat_map(|&border| [border - 1, border, border + 1]).collect();
    for &length in &lengths {
        site.file(length.to_string(), noise(length, length as u64));
    }
    let server = Server::start_over(protocol, &site, &["--workers", "1"]);
    let mut conn = server.connect();
    for &length in lengths.iter().chain(&lengths) {
        assert!(
            conn.get(&format!("/{length}")).content == noise(length, length as u64),
            "{length} bytes differ"
        );
    }
}
