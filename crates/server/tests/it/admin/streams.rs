//! Streams of events: live, bounded, and no burden to anyone when their readers are slow or gone.
//!
//! What they show is what every protocol's clients do; their readers speak HTTP/1.1 alone.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::visitor::Visitor;
use crate::harness::{
    Conn, Content, Protocol, SOON, Server, Site, eventually, noise, on_every_protocol, percent_encode,
};

on_every_protocol! {
    a_snapshot_comes_at_once_and_then_again_and_shows_what_happens,
}

/// Streams that are open at a time.
const STREAMS: usize = 64;

/// A stream of events as a reader sees it.
struct Events {
    conn: Conn,
    text: String,
}

impl Events {
    fn open(visitor: Visitor) -> Events {
        let mut conn = visitor.connect();
        conn.send(format!("GET /api/v1/events HTTP/1.1\r\nHost: {}\r\n\r\n", visitor.0));
        let head = conn.next_head().expect("an answer");
        assert_eq!((head.status, head.field("Content-Type")), (200, Some("text/event-stream")));
        Events { conn, text: String::new() }
    }

    /// The next snapshot.
    fn next(&mut self) -> Value {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                if event == "retry: 2000" {
                    self.text = rest.to_owned();
                    continue;
                }
                let data = event.lines().find_map(|line| line.strip_prefix("data: ")).expect("data");
                assert!(event.lines().any(|line| line == "event: snapshot"), "{event}");
                let snapshot = serde_json::from_str(data).expect("JSON");
                self.text = rest.to_owned();
                return snapshot;
            }
            let chunk = self.chunk();
            self.text.push_str(&chunk);
        }
    }

    /// A chunk of the content (RFC 9112 section 7.1).
    fn chunk(&mut self) -> String {
        let mut line = String::new();
        while !line.ends_with("\r\n") {
            line.push(char::from(self.conn.take(1)[0]));
        }
        let length = usize::from_str_radix(line.trim_end(), 16).expect("a chunk's length");
        let chunk = self.conn.take(length + 2);
        String::from_utf8(chunk[..length].to_vec()).expect("UTF-8")
    }
}

fn a_snapshot_comes_at_once_and_then_again_and_shows_what_happens(protocol: Protocol) {
    let site = Site::with(&[("large.bin", noise(8 << 20, 3)), ("small.txt", b"hello".to_vec())]);
    let server = Server::start_over(protocol, &site, &[]);
    let visitor = Visitor::of(&server);
    let mut events = Events::open(visitor);
    let first = events.next();
    assert_eq!(first["summary"]["server"]["stage"], "serving");
    assert_eq!(first["transfers"]["total"], 0);

    let mut client = server.connect_with_small_window();
    client.send("GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n");
    client.next_head().expect("an answer");
    server.fetch("/small.txt");
    eventually("a snapshot shows both", SOON, || {
        let snapshot = events.next();
        let is_there = snapshot["transfers"]["transfers"][0]["path"] == "/large.bin"
            && snapshot["recent"][0]["path"] == "/small.txt"
            && snapshot["busiest"][0]["path"] == "/small.txt"
            && snapshot["summary"]["totals"]["requests"] == 2;
        is_there.then_some(())
    });
    // A second reader need not wait for the next.
    Events::open(visitor).next();
}

#[test]
fn a_thousand_readers_who_do_not_read_are_a_burden_to_nobody() {
    let site = Site::with(&[("small.txt", b"hello")]);
    let server = Server::start(&site, &[]);
    let visitor = Visitor::of(&server);
    let mut streams = Vec::new();
    let mut refused = 0;
    for _ in 0..1000 {
        let mut conn = visitor.connect();
        conn.send(format!("GET /api/v1/events HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", visitor.0));
        match conn.next_head().expect("an answer").status {
            200 => streams.push(conn),
            503 => refused += 1,
            other => panic!("{other}"),
        }
    }
    assert_eq!((streams.len(), refused), (STREAMS, 1000 - STREAMS));
    assert_eq!(visitor.json("/api/v1/summary")["server"]["stage"], "serving");
    assert_eq!(server.fetch("/small.txt").status, 200);
    // Half of them vanish without a word, the others reset; their places become free.
    for (place, conn) in streams.into_iter().enumerate() {
        if place % 2 == 0 { conn.reset() } else { drop(conn) }
    }
    eventually("a stream can be opened again", SOON, || {
        let mut conn = visitor.connect();
        conn.send(format!("GET /api/v1/events HTTP/1.1\r\nHost: {}\r\n\r\n", visitor.0));
        (conn.next_head().expect("an answer").status == 200).then_some(())
    });
    let mut head = visitor.connect();
    head.send(format!("HEAD /api/v1/summary HTTP/1.1\r\nHost: {}\r\n\r\n", visitor.0));
    assert_eq!(head.next(Content::Withheld).expect("an answer").status, 200);
}

/// Opens all streams there are, and leaves them unread.
fn open_all(visitor: Visitor) -> Vec<Conn> {
    let open = || {
        let mut conn = Conn::with_small_window(visitor.0);
        conn.send(format!("GET /api/v1/events HTTP/1.1\r\nHost: {}\r\n\r\n", visitor.0));
        assert_eq!(conn.next_head().expect("an answer").status, 200);
        conn
    };
    let streams = (0..STREAMS).map(|_| open()).collect();
    assert_eq!(visitor.ask("/api/v1/events", "").status, 503);
    streams
}

/// Waits until there is a place again.
fn wait_for_a_place(visitor: Visitor, limit: Duration) {
    eventually("a stream can be opened", limit, || {
        let mut conn = visitor.connect();
        conn.send(format!("GET /api/v1/events HTTP/1.1\r\nHost: {}\r\n\r\n", visitor.0));
        (conn.next_head().expect("an answer").status == 200).then_some(())
    });
}

#[test]
fn one_who_takes_nothing_is_let_go() {
    // Long paths, so that a snapshot or two fill what the kernel keeps for a reader.
    let site = Site::new();
    let folder = format!("{0}/{0}/{0}", "%".repeat(250));
    std::fs::create_dir_all(site.path(&folder)).expect("a folder");
    let server = Server::start(&site, &[]);
    let visitor = Visitor::of(&server);
    let mut client = server.connect();
    for number in 0..20 {
        site.file(format!("{folder}/{number}"), "x");
        assert_eq!(client.get(&percent_encode(format!("/{folder}/{number}").as_bytes())).status, 200);
    }
    let began = Instant::now();
    let streams = open_all(visitor);
    wait_for_a_place(visitor, 3 * SOON);
    // Ten seconds without a byte, after what the kernel takes; not at once, for nobody is slow on purpose.
    assert!(began.elapsed() >= Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!(server.fetch("/").status, 200);
    drop(streams);
}

#[test]
fn readers_who_misbehave_give_their_place_back() {
    let site = Site::new();
    let server = Server::start(&site, &[]);
    let visitor = Visitor::of(&server);
    let misbehaviours: [fn(&mut Conn); 4] = [
        // More requests than are answered, or no requests at all, while the first is.
        |conn| conn.send("GET /api/v1/summary HTTP/1.1\r\nHost: a\r\n\r\n".repeat(9)),
        |conn| conn.send([0xFF; 1000]),
        Conn::finish_sending,
        |conn| conn.reset_on_drop(),
    ];
    for misbehave in misbehaviours {
        let mut streams = open_all(visitor);
        streams.iter_mut().for_each(misbehave);
        assert_eq!(visitor.json("/api/v1/summary")["server"]["stage"], "serving");
        drop(streams);
        wait_for_a_place(visitor, SOON);
        eventually("all places are free", SOON, || {
            let open = || {
                let mut conn = visitor.connect();
                conn.send(format!("GET /api/v1/events HTTP/1.1\r\nHost: {}\r\n\r\n", visitor.0));
                let is_open = conn.next_head().expect("an answer").status == 200;
                is_open.then_some(conn)
            };
            let open: Vec<Conn> = (0..STREAMS).map_while(|_| open()).collect();
            (open.len() == STREAMS).then_some(())
        });
    }
}

#[test]
fn what_a_browser_says_when_it_comes_back_is_no_matter() {
    let site = Site::new();
    let server = Server::start(&site, &[]);
    let visitor = Visitor::of(&server);
    for last in ["0", "18446744073709551616", "-1", "<script>", ""] {
        let mut conn = visitor.connect();
        let head =
            format!("GET /api/v1/events HTTP/1.1\r\nHost: {}\r\nLast-Event-ID: {last}\r\n\r\n", visitor.0);
        conn.send(head);
        assert_eq!(conn.next_head().expect("an answer").status, 200, "{last}");
    }
}
