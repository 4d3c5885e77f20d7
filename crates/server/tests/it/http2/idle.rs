//! What a connection costs without TLS that has been answered and says nothing.

use super::frames::Frames;
use crate::harness::{Server, Site, anonymous_kib, crowd, noise};

/// What every connection takes, and some room for tables of fields and of streams.
const PER_CONNECTION: u64 = 5 * 1024;

#[test]
fn idle_connections_are_bounded() {
    let content = noise(1_000, 1);
    let site = Site::with(&[("f", &content)]);
    let server = Server::start(&site, &["--workers", "2", "--idle-timeout", "600s"]);
    let idle = || {
        let mut conn = Frames::open(server.address(), &[]);
        conn.get(1, "/f");
        assert!(conn.answer(1).content == content);
        conn
    };
    // What the first ones have the server set up for all.
    (0..16).for_each(|_| idle().reset());
    let crowd = crowd(2_000);
    let before = anonymous_kib(server.pid());
    let conns: Vec<Frames> = (0..crowd.size).map(|_| idle()).collect();
    let each = (anonymous_kib(server.pid()) - before) * 1024 / crowd.size as u64;
    println!("{} idle connections: {each} bytes each", crowd.size);
    assert!(each <= PER_CONNECTION, "{each} bytes for each of {} connections", crowd.size);
    conns.into_iter().for_each(Frames::reset);
}
