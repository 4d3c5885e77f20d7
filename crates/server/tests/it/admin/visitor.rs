//! One who looks on: finds the admin side by what the server says of it, and reads its JSON.

use std::net::SocketAddr;

use serde_json::Value;

use crate::harness::{Answer, Conn, Server};

/// Where the admin side of a server is.
#[derive(Clone, Copy)]
pub(crate) struct Visitor(pub(crate) SocketAddr);

impl Visitor {
    pub(crate) fn of(server: &Server) -> Visitor {
        let find = |line: &String| {
            let address = line.strip_prefix("tallyd: the dashboard is at http://")?.strip_suffix('/')?;
            address.parse().ok()
        };
        Visitor(server.stderr().wait_for("where the dashboard is", |lines| lines.iter().find_map(find)))
    }

    pub(crate) fn connect(self) -> Conn {
        Conn::open(self.0)
    }

    /// One GET on a connection of its own, with further field lines.
    pub(crate) fn ask(self, target: &str, lines: &str) -> Answer {
        let mut conn = self.connect();
        conn.send(format!("GET {target} HTTP/1.1\r\nHost: {}\r\n{lines}\r\n", self.0));
        conn.answer()
    }

    /// What is told under a target, which must be there.
    pub(crate) fn json(self, target: &str) -> Value {
        let answer = self.ask(target, "");
        let content = String::from_utf8(answer.content).expect("JSON is UTF-8");
        assert_eq!(answer.status, 200, "{target}: {content}");
        serde_json::from_str(&content).unwrap_or_else(|error| panic!("{target}: {error}: {content}"))
    }
}
