//! The formats that tell of every request, the file they go to, its rotation, and an analyser that reads them.

use std::fs;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::harness::{Content, Protocol, SOON, Server, Site, eventually, noise, on_every_protocol};

on_every_protocol! {
    combined_lines_tell_of_every_request,
    json_lines_tell_of_every_request,
    a_cut_transfer_says_how_much_arrived,
    rotation_under_load_loses_and_tears_no_line,
    a_signal_opens_the_file_anew_under_load,
    a_file_that_cannot_be_opened_anew_is_written_on_and_that_is_said_once,
    goaccess_reads_every_combined_line,
}

/// Asks for one of each kind: with a number and without one, `asked` in all.
fn ask_for_everything(server: &Server) {
    let mut conn = server.connect();
    conn.send("GET /f HTTP/1.1\r\nHost: a\r\nReferer: http://b/\"c\r\nUser-Agent: a|b \\ \u{e9}\r\n\r\n");
    assert_eq!(conn.answer().status, 200);
    assert_eq!(conn.head("/f?query").status, 200);
    conn.send("GET /f HTTP/1.1\r\nHost: a\r\nRange: bytes=1-3\r\n\r\n");
    assert_eq!(conn.answer().status, 206);
    conn.send("GET /f HTTP/1.1\r\nHost: a\r\nRange: bytes=9-\r\n\r\n");
    assert_eq!(conn.answer().status, 416);
    conn.send("GET /f HTTP/1.1\r\nHost: a\r\nIf-Match: \"x\"\r\n\r\n");
    assert_eq!(conn.answer().status, 412);
    assert_eq!(conn.get("/missing%20it").status, 404);
    assert_eq!(conn.get("/dir").status, 301);
    assert_eq!(conn.get("/%zz").status, 400);
    conn.send("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(conn.next(Content::Withheld).expect("an answer").status, 204);
    if server.protocol().has_streams() {
        conn.send("BREW /f HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(conn.answer().status, 501);
        return;
    }
    conn.send("BREW /f HTTP/1.0\r\n\r\n");
    assert_eq!(conn.answer().status, 501);
    // What has no line of its own in other versions, or none that could be written wrongly.
    for (bytes, status) in [("GET /f HTTP/9.0\r\n", 505), ("\u{1}\"\r\n\r\n", 400)] {
        let mut conn = server.connect();
        conn.send(bytes);
        assert_eq!(conn.answer().status, status);
    }
}

fn site() -> Site {
    Site::with(&[("f", "content"), ("dir/index.html", "index")])
}

/// How many requests ask for everything.
fn asked(protocol: Protocol) -> usize {
    if protocol.has_streams() { 10 } else { 12 }
}

/// Waits for so many lines, and says that there are no more.
fn lines(server: &mut Server, count: usize) -> Vec<String> {
    server.stdout().wait_for("all lines", |lines| (lines.len() >= count).then_some(()));
    server.signal(Signal::TERM);
    assert_eq!(server.wait_for_exit(SOON).code(), Some(0));
    let lines = server.stdout().all();
    assert_eq!(lines.len(), count, "{lines:#?}");
    lines
}

fn combined_lines_tell_of_every_request(protocol: Protocol) {
    let site = site();
    let mut server = Server::start_with_format_over(protocol, &site, &["--log-format", "combined"]);
    ask_for_everything(&server);
    let mut told: Vec<String> = lines(&mut server, asked(protocol))
        .iter()
        .map(|line| {
            let (start, rest) = line.split_once('[').expect("a time");
            assert_eq!(start, "127.0.0.1 - - ");
            let (time, rest) = rest.split_once("] ").expect("a time");
            // As in 22/Nov/2026:21:48:20 +0000.
            assert!(time.len() == 26 && time.ends_with(" +0000"), "{time}");
            rest.to_owned()
        })
        .collect();
    told.sort_unstable();
    let refused = |line: &str, status: u16, sentence: &str| {
        // Each sentence ends in a line feed.
        format!(r#""{line}" {status} {} "-" "-""#, sentence.len() + 1)
    };
    let mut expect = vec![
        r#""GET /f HTTP/1.1" 200 7 "http://b/\x22c" "a|b \x5C \xC3\xA9""#.to_owned(),
        r#""HEAD /f?query HTTP/1.1" 200 0 "-" "-""#.to_owned(),
        r#""GET /f HTTP/1.1" 206 3 "-" "-""#.to_owned(),
        r#""GET /f HTTP/1.1" 416 0 "-" "-""#.to_owned(),
        r#""GET /f HTTP/1.1" 412 0 "-" "-""#.to_owned(),
        refused("GET /missing%20it HTTP/1.1", 404, "There is nothing here under this address."),
        refused("GET /dir HTTP/1.1", 301, "This is at /dir/"),
        refused("GET /%zz HTTP/1.1", 400, "The address is not a valid path on this site."),
        r#""OPTIONS * HTTP/1.1" 204 0 "-" "-""#.to_owned(),
    ];
    let unknown = "This server does not know that method or transfer coding.";
    if protocol.has_streams() {
        expect.push(refused("BREW /f HTTP/1.1", 501, unknown));
    } else {
        expect.extend([
            refused("BREW /f HTTP/1.0", 501, unknown),
            refused("GET /f HTTP/9.0", 505, "This server speaks HTTP/1.0 and HTTP/1.1 here."),
            refused(r"\x01\x22", 400, "The request is not well-formed HTTP."),
        ]);
    }
    let mut expect: Vec<String> = expect
        .into_iter()
        .map(|line| line.replace("HTTP/1.1\"", &format!("{}\"", protocol.version())))
        .collect();
    expect.sort_unstable();
    assert_eq!(told, expect);
}

fn json_lines_tell_of_every_request(protocol: Protocol) {
    let site = site();
    let mut server = Server::start_with_format_over(protocol, &site, &["--log-format", "json"]);
    ask_for_everything(&server);
    let told: Vec<Value> = lines(&mut server, asked(protocol))
        .iter()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}")))
        .collect();
    let mut short: Vec<String> = told
        .iter()
        .map(|it| {
            assert_eq!((&it["client"], &it["outcome"]), (&json!("127.0.0.1"), &json!("completed")));
            assert!(it["port"].is_u64() && it["duration_ms"].is_u64() && it["time"].is_string(), "{it}");
            format!("{} {} {} {} {}", it["status"], it["path"], it["n"], it["method"], it["protocol"])
        })
        .collect();
    short.sort_unstable();
    let mut expect = vec![
        r#"200 "/f" 1 "GET" "HTTP/1.1""#,
        r#"200 "/f" 2 "HEAD" "HTTP/1.1""#,
        r#"204 "*" null "OPTIONS" "HTTP/1.1""#,
        r#"206 "/f" 3 "GET" "HTTP/1.1""#,
        r#"301 "/dir" null "GET" "HTTP/1.1""#,
        r#"400 "/%25zz" null "GET" "HTTP/1.1""#,
        r#"404 "/missing it" null "GET" "HTTP/1.1""#,
        r#"412 "/f" null "GET" "HTTP/1.1""#,
        r#"416 "/f" null "GET" "HTTP/1.1""#,
    ];
    if protocol.has_streams() {
        expect.push(r#"501 "/f" null "BREW" "HTTP/1.1""#);
    } else {
        expect.extend([
            "400 null null null null",
            r#"501 "/f" null "BREW" "HTTP/1.0""#,
            r#"505 "/f" null "GET" "HTTP/9.0""#,
        ]);
    }
    let mut expect: Vec<String> =
        expect.into_iter().map(|line| line.replace("HTTP/1.1", protocol.version())).collect();
    expect.sort_unstable();
    assert_eq!(short, expect);
    let first = told.iter().find(|it| it["n"] == 1).expect("the first request");
    assert_eq!(
        [&first["referrer"], &first["user_agent"], &first["bytes"]],
        [&json!("http://b/\"c"), &json!("a|b \\ \u{e9}"), &json!(7)]
    );
}

fn a_cut_transfer_says_how_much_arrived(protocol: Protocol) {
    const LENGTH: usize = 20_000_000;
    let site = Site::new();
    site.file("large", noise(LENGTH, 1));
    let mut server = Server::start_with_format_over(protocol, &site, &["--log-format", "json"]);
    let mut conn = server.connect_with_small_window();
    conn.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    conn.next_head().expect("an answer");
    conn.take(100_000);
    conn.acknowledge();
    conn.reset();
    let line: Value = serde_json::from_str(&lines(&mut server, 1)[0]).expect("JSON");
    assert_eq!([&line["outcome"], &line["n"], &line["status"]], [&json!("aborted"), &json!(1), &json!(200)]);
    let bytes = line["bytes"].as_u64().expect("a number");
    let least = 100_000 - protocol.unacknowledged();
    assert!((least..LENGTH as u64).contains(&bytes), "{bytes} bytes");
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).expect("a log file in UTF-8")
}

/// The numbers of a text of whole `tally` lines, without those that are no delivery.
fn numbers(text: &str) -> Vec<u64> {
    assert!(text.is_empty() || text.ends_with('\n'), "torn: {:?}", text.lines().last());
    let of_line = |line: &str| -> Option<u64> {
        let [path, address, _, n] = line.split('|').collect::<Vec<_>>()[..] else { return None };
        assert_eq!((path, address), ("/f", "127.0.0.1"), "torn: {line}");
        n.parse().ok()
    };
    let deliveries = text
        .lines()
        .filter(|line| !line.starts_with("Client connected") && !line.starts_with("The http server"));
    deliveries.map(|line| of_line(line).unwrap_or_else(|| panic!("torn: {line}"))).collect()
}

/// Asks for `/f` so often, many at a time.
fn load(server: &Server, requests: usize) {
    server.connect().get_often("/f", requests, b"content");
}

fn is_all(mut numbers: Vec<u64>, count: u64) -> bool {
    numbers.sort_unstable();
    numbers == (1..=count).collect::<Vec<_>>()
}

fn rotation_under_load_loses_and_tears_no_line(protocol: Protocol) {
    // So that there are as many files of a quarter of the size where a request costs its client many times as much.
    let (requests, rotated_at) = if protocol.has_streams() { (10_000, "25K") } else { (40_000, "100K") };
    let site = site();
    let path = site.around().join("log");
    let mut server = Server::start_with_format_over(
        protocol,
        &site,
        &["--log-file", path.to_str().expect("UTF-8"), "--log-rotate-size", rotated_at, "--log-keep", "100"],
    );
    load(&server, requests);
    server.signal(Signal::TERM);
    assert_eq!(server.wait_for_exit(SOON).code(), Some(0));

    let rotated = (1..).map(|number| site.around().join(format!("log.{number}")));
    let mut files: Vec<String> = rotated.take_while(|path| path.exists()).map(read).collect();
    assert!(files.len() >= 5, "{} rotations", files.len());
    files.insert(0, read(&path));
    let all: Vec<u64> = files.iter().rev().flat_map(|text| numbers(text)).collect();
    assert!(is_all(all, requests as u64));
}

fn a_signal_opens_the_file_anew_under_load(protocol: Protocol) {
    let requests = if protocol.has_streams() { 5_000 } else { 20_000 };
    let site = site();
    let name = |number: usize| site.around().join(format!("log.{number}"));
    let mut server =
        Server::start_with_format_over(protocol, &site, &["--log-file", name(0).to_str().expect("UTF-8")]);
    std::thread::scope(|scope| {
        let loading = scope.spawn(|| load(&server, requests));
        for number in (1..=5).rev() {
            // As logrotate does: the file is moved away, and then the server is told.
            eventually("a file with lines", SOON, || (fs::metadata(name(0)).ok()?.len() > 0).then_some(()));
            fs::rename(name(0), name(number)).expect("a file to move");
            server.signal(if number % 2 == 0 { Signal::HUP } else { Signal::USR1 });
            eventually("a new file", SOON, || name(0).exists().then_some(()));
            load(&server, 500);
        }
        loading.join().expect("answers");
    });
    server.signal(Signal::TERM);
    assert_eq!(server.wait_for_exit(SOON).code(), Some(0));
    let all: Vec<u64> = (0..=5).rev().flat_map(|number| numbers(&read(name(number)))).collect();
    assert!(is_all(all, requests as u64 + 5 * 500));
}

fn a_file_that_cannot_be_opened_anew_is_written_on_and_that_is_said_once(protocol: Protocol) {
    let site = site();
    let folder = site.around().join("logs");
    fs::create_dir(&folder).expect("a folder");
    let path = folder.join("log");
    let server =
        Server::start_with_format_over(protocol, &site, &["--log-file", path.to_str().expect("UTF-8")]);
    assert_eq!(server.fetch("/f").status, 200);
    // A folder in the file's place stops even root.
    let moved = folder.join("moved");
    fs::rename(&path, &moved).expect("a file to move");
    fs::create_dir(&path).expect("a folder");
    server.signal(Signal::HUP);
    let said = |lines: &[String]| {
        let count = lines.iter().filter(|line| line.contains("no new file can be begun")).count();
        (count > 0).then_some(count)
    };
    assert_eq!(server.stderr().wait_for("the failure", said), 1);
    assert_eq!(server.fetch("/f").status, 200);
    eventually("the line in the old file", SOON, || (numbers(&read(&moved)).len() == 2).then_some(()));
    assert_eq!(said(&server.stderr().all()), Some(1));
}

fn goaccess_reads_every_combined_line(protocol: Protocol) {
    let site = site();
    let log = site.around().join("log");
    let arguments = ["--log-format", "combined", "--log-file", log.to_str().expect("UTF-8")];
    let mut server = Server::start_with_format_over(protocol, &site, &arguments);
    ask_for_everything(&server);
    let agents = ["", "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", "a\"b", "\t|%h", "\u{1f980}"];
    let mut conn = server.connect();
    for agent in agents {
        conn.send(format!("GET /f HTTP/1.1\r\nHost: a\r\nReferer: {agent}\r\nUser-Agent: {agent}\r\n\r\n"));
        assert_eq!(conn.answer().status, 200);
    }
    let lines = asked(protocol) + agents.len();
    eventually("all lines", SOON, || (read(&log).lines().count() == lines).then_some(()));
    server.signal(Signal::TERM);
    assert_eq!(server.wait_for_exit(SOON).code(), Some(0));

    let report = site.around().join("report.json");
    let status = Command::new("goaccess")
        .args(["--no-global-config", "--log-format=COMBINED", "--no-progress", "--output"])
        .args([&report, &log])
        .output()
        .expect("this test needs goaccess");
    assert!(status.status.success(), "{status:?}");
    let report: Value = serde_json::from_str(&read(&report)).expect("JSON");
    let general = &report["general"];
    assert_eq!(
        [&general["total_requests"], &general["valid_requests"], &general["failed_requests"]],
        [&json!(lines), &json!(lines), &json!(0)],
        "{}",
        read(&log)
    );
}
