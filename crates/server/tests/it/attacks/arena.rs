//! One server against which rows are checked, each whole and, where its bytes are what is sent, split at every byte.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::expectation::{Ending, Expectation, Outcome};
use crate::harness::{Answer, Conn, Content, End, Protocol, SOON, Server, Site};

/// What no answer may ever hold: it lies beside the root.
const SECRET: &str = "secret: not below the root";

/// Its content tells the probe's answer from that of a smuggled request.
const PROBE: &[u8] = b"GET /probe HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const PROBE_CONTENT: &[u8] = b"the probe's content";

/// Rows longer than this are not split: each byte costs a connection.
const SPLIT_LIMIT: usize = 400;

/// A server, and the rows that failed against it.
pub(super) struct Arena {
    server: Server,
    _site: Site,
    rows: usize,
    failures: Vec<String>,
}

/// What the client does after the bytes of a row.
#[derive(Clone, Copy)]
enum Then {
    Listen,
    /// It ends its side: what is missing will never come.
    Finish,
}

impl Arena {
    /// A server of which only HTTP/1.1 is attacked.
    pub(super) fn new() -> Self {
        Self::over(Protocol::Http1)
    }

    /// One worker, so that its rounds have an order: see [`Arena::let_the_server_read`].
    pub(super) fn over(protocol: Protocol) -> Self {
        let site = Site::with(&[
            ("f", "content of f"),
            ("index.html", "<!doctype html><title>index</title>"),
            ("dir/inner", "content of inner"),
            ("smuggled", "only a smuggled request asks for this"),
            (".hidden", SECRET),
        ]);
        site.file("probe", PROBE_CONTENT);
        std::fs::write(site.around().join("secret"), SECRET).expect("a file beside the root");
        let server = Server::start_over(protocol, &site, &["--workers", "1"]);
        Self { server, _site: site, rows: 0, failures: Vec::new() }
    }

    /// Checks a row: the bytes in one write, then over plain TCP in two, split at every byte.
    pub(super) fn check(&mut self, name: &str, bytes: impl AsRef<[u8]>, expect: &str) {
        self.run(name, bytes.as_ref(), expect, Then::Listen);
    }

    /// Checks a row of which the client ends its side after the bytes.
    pub(super) fn check_cut(&mut self, name: &str, bytes: impl AsRef<[u8]>, expect: &str) {
        self.run(name, bytes.as_ref(), expect, Then::Finish);
    }

    /// Fails with all rows that failed.
    pub(super) fn finish(self) {
        let Self { rows, failures, .. } = self;
        assert!(failures.is_empty(), "{} of {rows} rows:\n{}", failures.len(), failures.join("\n"));
        assert!(rows > 0, "no rows");
    }

    fn run(&mut self, name: &str, bytes: &[u8], expect: &str, then: Then) {
        self.rows += 1;
        let expected = Expectation::parse(expect);
        let mut conn = self.server.connect();
        send(&mut conn, bytes, then);
        match observe_soundly(conn, &expected, then) {
            Ok(outcome) if expected.allows(&outcome) => {
                self.run_split(name, bytes, &expected, &outcome, then);
            }
            Ok(outcome) => self.failures.push(format!("{name}: expected {expect}, came {outcome:?}")),
            Err(fault) => self.failures.push(format!("{name}: {fault}")),
        }
    }

    fn run_split(&mut self, name: &str, bytes: &[u8], expected: &Expectation, whole: &Outcome, then: Then) {
        // Elsewhere a head comes in records, frames and packets, which are split in tests of their own.
        if bytes.len() > SPLIT_LIMIT || self.server.protocol() != Protocol::Http1 {
            return;
        }
        let mut conns: Vec<Conn> = (1..bytes.len()).map(|_| self.server.connect()).collect();
        for (at, conn) in conns.iter_mut().enumerate() {
            conn.send(&bytes[..=at]);
        }
        self.let_the_server_read();
        for (at, conn) in conns.iter_mut().enumerate() {
            send(conn, &bytes[at + 1..], then);
        }
        for (at, conn) in conns.into_iter().enumerate() {
            let split = at + 1;
            match observe_soundly(conn, expected, then) {
                Ok(outcome) if outcome == *whole => {}
                Ok(outcome) => {
                    self.failures.push(format!("{name}: whole {whole:?}, split at {split} {outcome:?}"));
                    return;
                }
                Err(fault) => {
                    self.failures.push(format!("{name}: split at {split}: {fault}"));
                    return;
                }
            }
        }
    }

    /// Returns when the server has read what was sent before: its one worker takes connections in the order
    /// in which they became ready, and answers this one, the last to become so.
    fn let_the_server_read(&self) {
        assert_eq!(self.server.fetch("/f").status, 200);
    }
}

fn send(conn: &mut Conn, bytes: &[u8], then: Then) {
    // A server that refused the first bytes may be gone before the last ones; its answer is there to read.
    let _ = conn.try_send(bytes);
    match then {
        Then::Listen => {}
        Then::Finish => conn.finish_sending(),
    }
}

/// Observes; an answer that is not well-formed becomes a fault of this row, and the other rows still run.
fn observe_soundly(conn: Conn, expected: &Expectation, then: Then) -> Result<Outcome, String> {
    catch_unwind(AssertUnwindSafe(|| observe(conn, expected, then)))
        .unwrap_or_else(|_| Err("an answer that is not well-formed; see above".to_owned()))
}

/// Reads what comes back, and asks the probe's question where the connection may be open.
fn observe(mut conn: Conn, expected: &Expectation, then: Then) -> Result<Outcome, String> {
    let must_announce = expected.announces_close() && matches!(then, Then::Listen);
    let mut statuses = Vec::new();
    let mut last: Option<Answer> = None;
    let mut is_probed = false;
    conn.set_patience(SOON / 4);
    loop {
        if !is_probed && expected.may_be_open_after(&statuses) {
            is_probed = true;
            // If the connection is closed already, reading says so.
            let _ = conn.try_send(PROBE);
        }
        let content = if is_probed { Content::Sent } else { expected.content_after(statuses.len()) };
        match conn.next(content) {
            Ok(answer) if answer.content == PROBE_CONTENT => {
                announced(last.as_ref(), Ending::Open, must_announce)?;
                return Ok(Outcome { statuses, ending: Ending::Open });
            }
            Ok(answer) => {
                is_sound(&answer, content)?;
                statuses.push(answer.status);
                last = Some(answer);
            }
            Err(End::Clean | End::Reset | End::Cut) => {
                announced(last.as_ref(), Ending::Closed, must_announce)?;
                return Ok(Outcome { statuses, ending: Ending::Closed });
            }
            Err(End::Silence) => return Ok(Outcome { statuses, ending: Ending::Silent }),
        }
    }
}

/// What holds for every answer, whatever was asked.
fn is_sound(answer: &Answer, content: Content) -> Result<(), String> {
    let Answer { status, fields, .. } = answer;
    let text = String::from_utf8_lossy(&answer.content);
    if text.contains(SECRET) {
        return Err(format!("{status} shows the secret"));
    }
    if *status >= 200 && answer.field("Date").is_none() {
        return Err(format!("{status} without Date: {fields:?}"));
    }
    if content == Content::Sent && !answer.is_whole() {
        return Err(format!("{status} was cut: {fields:?}"));
    }
    if *status == 405 && answer.field("Allow") != Some("GET, HEAD, OPTIONS") {
        return Err(format!("405 without the methods that are allowed: {fields:?}"));
    }
    if (300..400).contains(status)
        && answer.field("Location").is_none_or(|to| !to.starts_with('/') || to.starts_with("//"))
    {
        return Err(format!("{status} leads elsewhere: {fields:?}"));
    }
    Ok(())
}

/// A server says so when it closes (RFC 9112 section 9.6), unless the client has ended first or the fault is found
/// only after the answer; and it does not say so when it stays.
fn announced(last: Option<&Answer>, ending: Ending, must_announce: bool) -> Result<(), String> {
    let Some(answer) = last else { return Ok(()) };
    match ending {
        Ending::Open if answer.announces_close() => {
            Err(format!("{} announces a close that does not come", answer.status))
        }
        Ending::Closed if must_announce && !answer.announces_close() => {
            Err(format!("{} closes without announcing it", answer.status))
        }
        Ending::Open | Ending::Closed | Ending::Silent => Ok(()),
    }
}
