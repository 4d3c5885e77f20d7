//! What is told is what happened.

use serde_json::{Value, json};

use super::visitor::Visitor;
use crate::harness::{Protocol, SOON, Server, Site, eventually, noise, on_every_protocol, percent_encode};

on_every_protocol! {
    a_transfer_is_seen_while_it_lasts_and_counted_when_it_ends,
    paths_of_any_bytes_and_markup_are_told_as_text,
    ready_until_it_drains,
}

fn a_transfer_is_seen_while_it_lasts_and_counted_when_it_ends(protocol: Protocol) {
    let content = noise(8 << 20, 1);
    let site = Site::with(&[("large.bin", &content[..]), ("small.txt", &b"hello"[..])]);
    let server = Server::start_over(protocol, &site, &["--workers", "1"]);
    let visitor = Visitor::of(&server);
    assert_eq!(visitor.json("/api/v1/transfers")["total"], 0);

    let mut client = server.connect_with_small_window();
    client.send("GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n");
    client.next_head().expect("an answer");
    client.take(1 << 20);
    let transfer = eventually("the transfer is seen", SOON, || {
        let seen = visitor.json("/api/v1/transfers?path=/large.bin");
        (seen["transfers"][0]["acknowledged"].as_u64()? >= 1 << 20).then(|| seen["transfers"][0].clone())
    });
    assert_eq!(
        [&transfer["path"], &transfer["n"], &transfer["kind"], &transfer["length"], &transfer["port"]],
        [&json!("/large.bin"), &json!(1), &json!("full"), &json!(content.len()), &json!(client.port())]
    );
    let (sent, acknowledged) = (transfer["sent"].as_u64(), transfer["acknowledged"].as_u64());
    assert!(acknowledged <= sent && sent < Some(content.len() as u64), "{transfer}");
    let summary = visitor.json("/api/v1/summary");
    assert_eq!([&summary["traffic"]["connections"], &summary["traffic"]["transfers"]], [1, 1]);

    client.take(content.len() - (1 << 20));
    client.acknowledge();
    server.fetch("/small.txt");
    eventually("both are counted", SOON, || {
        let files = visitor.json("/api/v1/files?sort=path&history=hour");
        let row =
            |at: usize| [&files["files"][at]["path"], &files["files"][at]["completed"]].map(Value::clone);
        let is_counted =
            row(0) == [json!("/large.bin"), json!(1)] && row(1) == [json!("/small.txt"), json!(1)];
        let history = files["files"][1]["history"].as_array()?;
        (is_counted && history.len() == 60 && history.iter().filter_map(Value::as_u64).sum::<u64>() == 1)
            .then_some(())
    });
    eventually("nothing is in flight", SOON, || {
        (visitor.json("/api/v1/transfers")["total"] == 0).then_some(())
    });

    let file = visitor.json("/api/v1/file?path=/large.bin");
    assert_eq!(file["counters"]["downloads"], 1);
    assert_eq!(file["counters"]["bytes"], content.len());
    assert_eq!(file["versions"][0]["length"], content.len());
    assert_eq!(file["recent"][0]["outcome"], "completed");
    assert_eq!(file["days"].as_array().map(Vec::len), Some(1));
    assert_eq!(file["minutes"].as_array().map(Vec::len), Some(60));
    let history = visitor.json("/api/v1/history?span=month");
    assert_eq!(history["points"][29]["downloads"], 2);
    let hour = visitor.json("/api/v1/history");
    let sum = |key: &str| -> u64 {
        hour["points"].as_array().expect("points").iter().filter_map(|point| point[key].as_u64()).sum()
    };
    assert_eq!((sum("requests"), sum("bytes")), (2, content.len() as u64 + 5));
    assert!(sum("sent_bytes") > content.len() as u64, "{hour}");
}

fn paths_of_any_bytes_and_markup_are_told_as_text(protocol: Protocol) {
    use std::os::unix::ffi::OsStrExt as _;
    let names: [&[u8]; 4] =
        [b"<script>alert(1)<\\script>\"'", b"a|b%\nc", b"latin-\xe9", "日本 ü".as_bytes()];
    let site = Site::new();
    for name in names {
        site.file(std::ffi::OsStr::from_bytes(name), "x");
    }
    let server = Server::start_over(protocol, &site, &[]);
    let visitor = Visitor::of(&server);
    for name in names {
        assert_eq!(server.fetch(&percent_encode(&[b"/", name].concat())).status, 200);
    }
    let files = eventually("all are counted", SOON, || {
        let files = visitor.json("/api/v1/files?sort=path");
        (files["matching"] == 4).then_some(files)
    });
    let told: Vec<&str> =
        files["files"].as_array().expect("rows").iter().filter_map(|row| row["path"].as_str()).collect();
    assert_eq!(told, ["/<script>alert(1)<\\script>\"'", "/a%7Cb%25%0Ac", "/latin-%E9", "/日本 ü"]);
    for path in told {
        let file = visitor.json(&format!("/api/v1/file?path={}", percent_encode(path.as_bytes())));
        assert_eq!((file["path"].as_str(), &file["counters"]["requests"]), (Some(path), &json!(1)));
    }
}

#[test]
fn what_is_not_there_or_not_meant_is_refused_in_a_sentence() {
    let site = Site::new();
    let server = Server::start(&site, &[]);
    let visitor = Visitor::of(&server);
    let check = |target: &str, status: u16| {
        let answer = visitor.ask(target, "");
        assert_eq!(answer.status, status, "{target}");
        assert_eq!(answer.field("Content-Type"), Some("application/json"), "{target}");
        let content: Value = serde_json::from_slice(&answer.content).expect("a refusal is JSON");
        assert!(
            content["error"].as_str().is_some_and(|sentence| sentence.ends_with('.')),
            "{target}: {content}"
        );
    };
    check("/api/v1/nothing", 404);
    check("/api/v2/summary", 404);
    check("/api/v1/file?path=/nothing", 404);
    check("/api/v1/file", 400);
    check("/api/v1/file?path=", 400);
    check("/api/v1/files?limit=501", 400);
    check("/api/v1/files?limit=0", 400);
    check("/api/v1/files?sort=size", 400);
    check("/api/v1/files?offset=99999999999999999999", 400);
    check("/api/v1/files?since=yesterday", 400);
    check("/api/v1/transfers?limit=1001", 400);
    check("/api/v1/history?span=year", 400);
    check("/api/v1/summary?x", 400);
    check("/api/v1/events?x", 400);
    check("/healthz?x", 400);
}

fn ready_until_it_drains(protocol: Protocol) {
    let site = Site::with(&[("large.bin", noise(8 << 20, 2))]);
    let mut server = Server::start_over(protocol, &site, &[]);
    let visitor = Visitor::of(&server);
    let status = |target: &str| visitor.ask(target, "").status;
    assert_eq!((status("/healthz"), status("/readyz")), (200, 200));
    let mut client = server.connect_with_small_window();
    client.send("GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n");
    client.next_head().expect("an answer");
    server.signal(rustix::process::Signal::TERM);
    eventually("it drains", SOON, || (status("/readyz") == 503).then_some(()));
    assert_eq!(status("/healthz"), 200);
    let summary = visitor.json("/api/v1/summary");
    assert_eq!(
        (&summary["server"]["stage"], &summary["warnings"][0]["code"]),
        (&json!("draining"), &json!("draining"))
    );
    drop(client);
    assert!(server.wait_for_exit(SOON).success());
}
