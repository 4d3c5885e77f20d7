//! One server against which rows of frames are checked.

use super::frames::{
    ACK, END_STREAM, Frames, GOAWAY, HEADERS, PING, PREFACE, RST_STREAM, SETTINGS, frame, request,
};
use crate::harness::{Server, Site};

/// A stream that no row uses, and what is asked on it to see whether the connection still serves.
const PROBE: u32 = 1001;

/// A server, and the rows that failed against it.
pub(super) struct Table {
    server: Server,
    _site: Site,
    rows: usize,
    failures: Vec<String>,
}

impl Table {
    pub(super) fn new() -> Self {
        let site = Site::with(&[("f", "content of f")]);
        let server = Server::start(&site, &["--workers", "1"]);
        // From now on it is answered at once, so that answers come in the order of the requests.
        assert_eq!(server.fetch("/f").status, 200);
        Self { server, _site: site, rows: 0, failures: Vec::new() }
    }

    /// Checks what frames behind the preface and empty settings come to: `connection CODE` for an error of the connection,
    /// `stream ID CODE` for one of a stream, or `status N`. Wherever the connection goes on, it must still serve.
    #[track_caller]
    pub(super) fn check(&mut self, name: &str, frames: &[Vec<u8>], expect: &str) {
        let greeting = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
        self.check_from_start(name, &[&greeting[..], &frames.concat()].concat(), expect);
    }

    /// The same for bytes from the start of the connection.
    pub(super) fn check_from_start(&mut self, name: &str, bytes: &[u8], expect: &str) {
        self.rows += 1;
        let mut conn = Frames::silent(self.server.address());
        // A server that refuses the first frame may be gone before the last.
        let _ = conn.try_send_bytes(bytes);
        let _ = conn.try_send_bytes(&request(PROBE, "/f", &[]));
        let outcome = observe(&mut conn);
        // `|` stands between outcomes that the RFC allows alike.
        if !expect.split('|').any(|allowed| allowed == outcome) {
            self.failures.push(format!("{name}: expected {expect}, came {outcome}"));
        }
    }

    /// Fails with all rows that failed.
    pub(super) fn finish(self) {
        let Self { rows, failures, server, .. } = self;
        assert!(failures.is_empty(), "{} of {rows} rows:\n{}", failures.len(), failures.join("\n"));
        assert_eq!(server.fetch("/f").content, b"content of f");
        assert!(rows > 0, "no rows");
    }
}

/// The first thing that the server tells of what came before the probe, or of the connection.
fn observe(conn: &mut Frames) -> String {
    let mut told = None;
    let mut probe_status = None;
    while let Some(next) = conn.next_telling() {
        match (next.kind, next.stream) {
            (GOAWAY, _) => return next.told(),
            (HEADERS, PROBE) => {
                assert_eq!(next.status(), 200, "the probe");
                probe_status = Some(200);
                if next.flags & END_STREAM != 0 {
                    break;
                }
            }
            (_, PROBE) if next.flags & END_STREAM != 0 => break,
            (HEADERS | RST_STREAM, _) => {
                told.get_or_insert_with(|| next.told());
            }
            (PING, 0) if next.flags & ACK != 0 => {
                told.get_or_insert_with(|| format!("ping {}", next.payload.escape_ascii()));
            }
            (_, _) => {}
        }
    }
    match (told, probe_status) {
        (Some(told), Some(200)) => told,
        (None, Some(200)) => "ignored".to_owned(),
        (None, _) => "closed".to_owned(),
        (Some(told), None) => format!("{told}, then closed"),
        (Some(_), Some(status)) => unreachable!("the probe was answered {status}"),
    }
}
