//! Downloads that end before their end, by a stopped stream, a closed connection or a client that falls silent.

use http::Method;

use super::site;
use crate::harness::{Appetite, Books, H3Conn, Server, Stdout};

/// What a client does with a download that it has half of.
#[derive(Clone, Copy, Debug)]
enum Deed {
    /// `STOP_SENDING` (RFC 9000 §19.5).
    Stops,
    /// `CONNECTION_CLOSE` (RFC 9000 §19.19).
    Closes,
    /// Takes no more of it, so that it falls below the least rate.
    TakesNoMore,
}

#[test]
fn a_cut_download_is_aborted_with_what_has_arrived() {
    for deed in [Deed::Stops, Deed::Closes, Deed::TakesNoMore] {
        let (site, identity) = site();
        let books = Books::of(&site);
        let mut command = books.server(&site);
        command.args(identity.flags()).args(["--rate-window", "1s", "--min-rate", "10K"]);
        let server = Server::launch(&mut command, Stdout::Followed);
        let mut conn = H3Conn::with(server.tls_address(), &identity, Appetite::Little);
        let mut download = conn.begin(Method::GET, "/large", &[]);
        let read = download.read(2_000_000).len() as u64;
        match deed {
            Deed::Stops => {
                download.stop();
                let tally = books.wait_for("/large", "one aborted", |tally| tally.aborted == 1);
                // What was read was acknowledged, but for the last packets; what was held back was not.
                assert!(tally.bytes > read / 2 && tally.bytes < 4_000_000, "{tally:?}");
                assert_eq!((tally.requests, tally.full, tally.completed, tally.downloads), (1, 1, 0, 0));
                assert_eq!(conn.get("/small").status, 200, "the connection goes on");
            }
            Deed::Closes => conn.close(),
            Deed::TakesNoMore => conn.wait_for_end(),
        }
        let tally = books.wait_for("/large", "one aborted", |tally| tally.aborted == 1);
        assert_eq!((tally.requests, tally.completed, tally.downloads), (1, 0, 0), "{deed:?}");
        assert!(tally.bytes < 4_000_000, "{deed:?}: {tally:?}");
        books.check_laws();
    }
}

#[test]
fn many_streams_at_once_take_each_number_once() {
    let (site, identity) = site();
    let books = Books::of(&site);
    let server = Server::launch(books.server(&site).args(identity.flags()), Stdout::Followed);
    let targets: Vec<String> =
        (0..100).map(|number| ["/small", "/empty", "/folder/page.txt"][number % 3].to_owned()).collect();
    let mut conns = [H3Conn::open(&server, &identity), H3Conn::open(&server, &identity)];
    for conn in &mut conns {
        assert!(conn.get_all(&targets).iter().all(|answer| answer.status == 200));
    }
    for path in ["/small", "/empty", "/folder/page.txt"] {
        let wanted = 2 * targets.iter().filter(|target| *target == path).count() as u64;
        let tally = books.wait_for(path, "all of them", |tally| tally.completed == wanted);
        assert_eq!((tally.requests, tally.downloads, tally.aborted), (wanted, wanted, 0), "{path}");
    }
    books.check_laws();
    let told = server.stdout().wait_for("200 lines", |lines| {
        let told = crate::harness::deliveries(lines);
        (told.len() == 200).then_some(told)
    });
    let mut numbers: Vec<u64> = told.iter().filter(|line| line.path == "/small").map(|line| line.n).collect();
    numbers.sort_unstable();
    assert!(numbers.iter().copied().eq(1..=numbers.len() as u64), "{numbers:?}");
}
