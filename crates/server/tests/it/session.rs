//! The session that the program exists for: a page, a document, an image and a package, fetched by an everyday
//! client, and the lines that say who fetched what for the how-manieth time.

use std::collections::HashSet;
use std::fs;
use std::io::Read;
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use crate::harness::{
    Delivery, Protocol, Server, Site, Stdout, deliveries, noise, on_every_protocol, tallyd,
};

on_every_protocol! {
    every_kind_of_file_arrives_byte_for_byte,
    a_slow_client_holds_up_nobody_and_its_line_comes_late,
    an_answer_describes_the_file,
    head_answers_as_get_without_the_content,
    a_missing_file_is_said_to_be_missing,
    the_banner_names_host_address_and_port,
    ipv6_works_alone_and_beside_ipv4,
}

const PACKAGE_LENGTH: usize = 20_112_698;

/// The example of RFC 9110 section 5.6.7, and what it stands for in seconds.
const EXAMPLE_DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const EXAMPLE_SECONDS: u64 = 784_111_777;

fn site() -> Site {
    let site = Site::new();
    site.file("page.html", "<!doctype html><title>A page</title><p>Hello.");
    site.file("paper.pdf", noise(300_000, 1));
    site.file("scan.tif", noise(1_000_001, 2));
    site.file("package.deb", noise(PACKAGE_LENGTH, 3));
    site
}

/// `wget`, quiet, writing to its standard output.
fn wget(server: &Server, path: &str, options: &[&str]) -> Child {
    let mut command = Command::new("wget");
    command
        .args(["--quiet", "--tries=1", "--no-proxy", "--no-check-certificate", "--output-document=-"])
        .args(options)
        .arg(server.url_of_clients(path));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("this test needs wget")
}

/// Reads what is left of the download.
fn finish(mut client: Child, mut received: Vec<u8>) -> Vec<u8> {
    client.stdout.take().expect("a piped stdout").read_to_end(&mut received).expect("the pipe is read");
    assert!(client.wait().expect("our child").success(), "wget failed");
    received
}

/// The file as `wget` gets it, or as a client of this test does where `wget`, which speaks HTTP/1.1 alone, cannot.
fn download(server: &Server, path: &str) -> Vec<u8> {
    match server.protocol() {
        Protocol::Http1 | Protocol::Http1Tls => finish(wget(server, path, &[]), Vec::new()),
        Protocol::Http2 | Protocol::Http3 => server.fetch(path).content,
    }
}

fn numbers(deliveries: &[Delivery], path: &str) -> Vec<u64> {
    deliveries.iter().filter(|delivery| delivery.path == path).map(|delivery| delivery.n).collect()
}

fn every_kind_of_file_arrives_byte_for_byte(protocol: Protocol) {
    let site = site();
    let server = Server::start_over(protocol, &site, &[]);
    let paths = ["/page.html", "/paper.pdf", "/scan.tif", "/package.deb"];
    for (before, path) in paths.into_iter().enumerate() {
        assert!(
            download(&server, path) == fs::read(site.path(&path[1..])).expect("our file"),
            "{path} differs"
        );
        // Connections that end at about the same time may print their lines in either order.
        server.stdout().wait_for_deliveries(before + 1);
    }
    let deliveries = server.stdout().wait_for_deliveries(paths.len());
    let connected = connected_ports(&server.stdout().all());
    for (delivery, path) in deliveries.iter().zip(paths) {
        assert_eq!((delivery.path.as_str(), delivery.n), (path, 1));
        assert_eq!(delivery.address, "127.0.0.1");
        assert!(connected.contains(&delivery.port), "{delivery:?} without a connection");
    }
    assert_eq!((deliveries.len(), connected.len()), (4, 4));
}

/// The ports of the lines `Client connected with ip : IP and port no. : PORT`.
fn connected_ports(lines: &[String]) -> HashSet<u16> {
    let ports = lines
        .iter()
        .filter_map(|line| line.strip_prefix("Client connected with ip : 127.0.0.1 and port no. : "));
    ports.map(|port| port.parse().expect("a port")).collect()
}

fn a_slow_client_holds_up_nobody_and_its_line_comes_late(protocol: Protocol) {
    let site = site();
    let content = fs::read(site.path("package.deb")).expect("our file");
    let server = Server::start_over(protocol, &site, &["--workers", "1"]);

    assert!(download(&server, "/package.deb") == content);
    server.stdout().wait_for_deliveries(1);

    // Its first byte has come, so it has number 2; the rest it takes when it likes.
    let mut slow = server.connect_with_small_window();
    slow.send("GET /package.deb HTTP/1.1\r\nHost: a\r\n\r\n");
    slow.next_head().expect("an answer");
    let first = slow.take(1);

    assert!(download(&server, "/package.deb") == content);
    let before = server.stdout().wait_for_deliveries(2);
    assert_eq!(numbers(&before, "/package.deb"), [1, 3]);

    assert!([first, slow.take(content.len() - 1)].concat() == content);
    let after = server.stdout().wait_for_deliveries(3);
    assert_eq!(numbers(&after, "/package.deb"), [1, 3, 2]);
}

/// The same with the option that makes `wget` slow, which speaks HTTP/1.1 alone.
#[test]
fn a_limited_rate_holds_up_nobody_and_its_line_comes_late() {
    let site = site();
    let content = fs::read(site.path("package.deb")).expect("our file");
    let server = Server::start(&site, &["--workers", "1"]);

    assert!(finish(wget(&server, "/package.deb", &[]), Vec::new()) == content);
    server.stdout().wait_for_deliveries(1);

    // Its first byte has come, so it has number 2; that it writes to a pipe which is read only at the end makes
    // it as slow as this test needs.
    let mut slow = wget(&server, "/package.deb", &["--limit-rate=8m"]);
    let mut first = [0];
    slow.stdout.as_mut().expect("a piped stdout").read_exact(&mut first).expect("a first byte");

    assert!(finish(wget(&server, "/package.deb", &[]), Vec::new()) == content);
    let before = server.stdout().wait_for_deliveries(2);
    assert_eq!(numbers(&before, "/package.deb"), [1, 3]);

    assert!(finish(slow, first.to_vec()) == content);
    let after = server.stdout().wait_for_deliveries(3);
    assert_eq!(numbers(&after, "/package.deb"), [1, 3, 2]);
}

fn an_answer_describes_the_file(protocol: Protocol) {
    let site = site();
    let date = SystemTime::UNIX_EPOCH + Duration::from_secs(EXAMPLE_SECONDS);
    for (name, media_type) in [
        ("page.html", &["text/html; charset=utf-8", "text/html;charset=utf-8"][..]),
        ("notes.txt", &["text/plain; charset=utf-8", "text/plain;charset=utf-8"]),
        ("style.css", &["text/css; charset=utf-8", "text/css;charset=utf-8"]),
        ("paper.pdf", &["application/pdf"]),
        ("scan.tif", &["image/tiff"]),
        ("UPPER.TIF", &["image/tiff"]),
        ("picture.png", &["image/png"]),
        ("package.deb", &["application/vnd.debian.binary-package", "application/x-debian-package"]),
        ("unknown.qqqq", &["application/octet-stream"]),
        ("no_extension", &["application/octet-stream"]),
    ] {
        let path = site.path(name);
        if !path.exists() {
            site.file(name, noise(1_000, 4));
        }
        let file = fs::File::options().append(true).open(&path).expect("our file");
        file.set_modified(date).expect("a modification time");
        let server = Server::start_over(protocol, &site, &["--workers", "1"]);
        let answer = server.fetch(&format!("/{name}"));
        assert_eq!(answer.status, 200, "{name}");
        assert!(answer.content == fs::read(&path).expect("our file"), "{name} differs");
        assert_eq!(answer.content_length(), Some(answer.content.len()), "{name}");
        let found = answer.field("Content-Type").expect("Content-Type").to_ascii_lowercase();
        assert!(media_type.contains(&found.as_str()), "{name}: {found}");
        assert_eq!(answer.field("Last-Modified"), Some(EXAMPLE_DATE), "{name}");
        assert!(
            answer.field("Server").is_some_and(|server| server.starts_with("tallyd")),
            "{:?}",
            answer.fields
        );
        is_a_date_of_now(answer.field("Date").expect("Date"));
    }
}

/// Checks the form (RFC 9110 section 5.6.7) and the value.
fn is_a_date_of_now(date: &str) {
    assert!(date.len() == EXAMPLE_DATE.len() && date.ends_with(" GMT"), "{date:?}");
    let moment = httpdate::parse_http_date(date).expect("a date");
    let (now, tolerance) = (SystemTime::now(), Duration::from_secs(30));
    assert!((now - tolerance..now + tolerance).contains(&moment), "{date:?} is not now");
}

fn head_answers_as_get_without_the_content(protocol: Protocol) {
    let site = site();
    let server = Server::start_over(protocol, &site, &[]);
    let mut conn = server.connect();
    for target in ["/page.html", "/package.deb", "/missing"] {
        let head = conn.head(target);
        let get = conn.get(target);
        assert_eq!(head.status, get.status, "{target}");
        let but_date = |fields: &[(String, String)]| -> Vec<(String, String)> {
            fields.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("Date")).cloned().collect()
        };
        assert_eq!(but_date(&head.fields), but_date(&get.fields), "{target}");
    }
}

fn a_missing_file_is_said_to_be_missing(protocol: Protocol) {
    let site = site();
    let server = Server::start_over(protocol, &site, &[]);
    let mut conn = server.connect();
    let answer = conn.get("/missing.html");
    assert_eq!(answer.status, 404);
    let body = String::from_utf8(answer.content.clone()).expect("a readable body");
    assert!(body.split_whitespace().count() > 1 && body.len() < 2_000, "small and readable: {body:?}");
    assert!(answer.field("Content-Type").is_some_and(|it| it.starts_with("text/")), "{answer:?}");
    // It takes no number and leaves no line, and the connection serves on.
    assert_eq!(conn.get("/page.html").status, 200);
    let deliveries = server.stdout().wait_for_deliveries(1);
    assert_eq!((deliveries[0].path.as_str(), deliveries[0].n), ("/page.html", 1));
}

fn the_banner_names_host_address_and_port(protocol: Protocol) {
    let site = site();
    let server = Server::start_over(protocol, &site, &[]);
    let hostname = fs::read_to_string("/proc/sys/kernel/hostname").expect("a host name");
    let expected = format!(
        "The http server is running on host : {} with ip : 127.0.0.1 and port no: {}.",
        hostname.trim(),
        server.address().port()
    );
    assert_eq!(server.banner(), expected);
    let conn = server.connect();
    let line = format!("Client connected with ip : 127.0.0.1 and port no. : {}", conn.port());
    server.stdout().wait_for(&line, |lines| lines.contains(&line).then_some(()));
}

/// It is the port without TLS; the one with it has a setting of its own.
#[test]
fn a_port_that_is_asked_for_is_used() {
    let site = site();
    // The port was free a moment ago; nobody else is given it so soon.
    let port =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|it| it.local_addr()).expect("a port").port();
    let mut command = tallyd(&site);
    let server = Server::launch(command.args(["-p", &port.to_string()]), Stdout::Followed);
    assert_eq!(server.address().port(), port);
    assert_eq!(server.fetch("/page.html").status, 200);
}

fn ipv6_works_alone_and_beside_ipv4(protocol: Protocol) {
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        println!("not run: this machine has no IPv6 loopback address");
        return;
    }
    let site = site();
    let server = Server::start_over(protocol, &site, &["--bind", "::1"]);
    for address in ["127.0.0.1", "::1"] {
        let mut conn = server.connect_at(address.parse().expect("an address"));
        assert_eq!(conn.get("/page.html").status, 200);
        let line = format!("Client connected with ip : {} and port no. : {}", address, conn.port());
        server.stdout().wait_for(&line, |lines| lines.contains(&line).then_some(()));
    }
    let deliveries = server.stdout().wait_for("two deliveries", |lines| {
        let found = deliveries(lines);
        (found.len() == 2).then_some(found)
    });
    assert_eq!(deliveries.iter().map(|it| it.address.as_str()).collect::<Vec<_>>(), ["127.0.0.1", "::1"]);
}
