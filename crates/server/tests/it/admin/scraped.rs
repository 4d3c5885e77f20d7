//! Metrics as those read them who collect them: Prometheus's own tools, and Prometheus.
//!
//! The figures are told of every protocol; how Prometheus itself and a dashboard find them does not depend on who was served.

use std::fs;
use std::io::Write as _;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::visitor::Visitor;
use crate::harness::{Conn, Protocol, SOON, Server, Site, eventually, on_every_protocol};

on_every_protocol! {
    promtool_accepts_the_figures_and_they_are_right,
}

fn promtool_accepts_the_figures_and_they_are_right(protocol: Protocol) {
    let site = Site::with(&[("a\"b\\c.txt", "hello")]);
    let server = Server::start_over(protocol, &site, &[]);
    let visitor = Visitor::of(&server);
    server.fetch("/a%22b%5Cc.txt");
    server.fetch("/nothing");
    let label = match protocol {
        Protocol::Http1 | Protocol::Http1Tls => "http/1",
        Protocol::Http2 => "http/2",
        Protocol::Http3 => "http/3",
    };
    let answers = |class: &str| format!("tallyd_answers_total{{protocol=\"{label}\",class=\"{class}\"}} 1");
    let (found, missing) = (answers("2xx"), answers("4xx"));
    let metrics = || String::from_utf8(visitor.ask("/metrics", "").content).expect("UTF-8");
    // Totals, refusals and files come from different threads, in any order.
    let expected = [
        "tallyd_downloads_total 1",
        &found,
        &missing,
        "tallyd_refusals_total{reason=\"not_found\"} 1",
        "tallyd_file_requests{path=\"/a\\\"b\\\\c.txt\"} 1",
        "tallyd_file_requests{path=\"_other\"} 0",
        "tallyd_delivery_duration_seconds_count 1",
        "tallyd_ledger_failing 0",
        "tallyd_panics_total 0",
    ];
    let text = eventually(&format!("all of {expected:?}"), SOON, || {
        let text = metrics();
        expected.iter().all(|line| text.lines().any(|told| told == *line)).then_some(text)
    });
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is installed");
    promtool.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("promtool reads");
    let output = promtool.wait_with_output().expect("promtool ends");
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success() && said.is_empty(), "{}", String::from_utf8_lossy(&said));

    let open =
        visitor.ask("/metrics", "Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5\r\n");
    assert!(
        open.field("Content-Type")
            .is_some_and(|it| it.starts_with("application/openmetrics-text; version=1.0.0"))
    );
    assert!(open.content.ends_with(b"# EOF\n"));
}

/// Prometheus, ended with its test.
struct Prometheus(Child);

impl Drop for Prometheus {
    fn drop(&mut self) {
        // It is ours to end; whether it still runs makes no difference.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn prometheus_scrapes_it() {
    let site = Site::with(&[("a.txt", "hello")]);
    let server = Server::start(&site, &["--admin-token", "correct-horse-battery"]);
    let visitor = Visitor::of(&server);
    server.fetch("/a.txt");
    let config = site.around().join("prometheus.yml");
    let text = format!(
        "global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}\nscrape_configs:\n- job_name: tallyd\n  \
         authorization: {{credentials: correct-horse-battery}}\n  static_configs: [{{targets: ['{}']}}]\n",
        visitor.0
    );
    fs::write(&config, text).expect("a configuration");
    // A port that was free a moment ago: Prometheus cannot be asked which one the system picked.
    let address =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a free port");
    let child = Command::new("prometheus")
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.tsdb.path={}", site.around().join("tsdb").display()))
        .arg(format!("--web.listen-address={address}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("prometheus is installed");
    let _prometheus = Prometheus(child);
    let ask = || -> Option<String> {
        std::net::TcpStream::connect(address).ok()?;
        let mut conn = Conn::open(address);
        let answer = conn.get("/api/v1/query?query=tallyd_downloads_total");
        let told: Value = serde_json::from_slice(&answer.content).ok()?;
        Some(told["data"]["result"][0]["value"][1].as_str()?.to_owned())
    };
    eventually("Prometheus has the figure", SOON, || (ask()? == "1").then_some(()));
}

#[test]
fn the_dashboard_for_grafana_asks_for_what_there_is() {
    let site = Site::with(&[("a.txt", "hello")]);
    let server = Server::start(&site, &[]);
    let visitor = Visitor::of(&server);
    server.fetch("/a.txt");
    let text = String::from_utf8(visitor.ask("/metrics", "").content).expect("UTF-8");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/grafana/tallyd.json");
    let board: Value = serde_json::from_str(&fs::read_to_string(path).expect("the dashboard")).expect("JSON");
    let panels = board["panels"].as_array().expect("panels");
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().expect("targets"));
    let mut asked = 0;
    for expression in targets.filter_map(|target| target["expr"].as_str()) {
        let words = expression.split(|it: char| !it.is_ascii_alphanumeric() && it != '_');
        for name in words.filter(|word| word.starts_with("tallyd_") || word.starts_with("process_")) {
            asked += 1;
            let is_told = text.lines().any(|line| line.split(['{', ' ']).next() == Some(name));
            assert!(is_told, "{name} of {expression} is not in {text}");
        }
    }
    assert!(asked >= panels.len(), "{asked} names in {} panels", panels.len());
}
