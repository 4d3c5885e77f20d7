//! The rows of the contract's table.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use super::table::{Ask, Leaving, Table, Visit, exactly};
use crate::harness::{
    Answer, Conn, Content, End, Protocol, Server, Site, Stdout, Window, is_root, nobody, noise,
    on_every_protocol, tallyd,
};

on_every_protocol! {
    whole_answers,
    ranges,
    answers_without_content,
    a_file_that_may_not_be_read_takes_no_number,
    cut_answers,
}

/// The length of a file, in bytes: too long to be sent from memory, and no multiple of anything.
const S: u64 = 1_000_003;
/// Where a client that goes away at 40 % goes away.
const CUT: u64 = S * 2 / 5;

fn entity_tag(answer: &Answer) -> &str {
    answer.field("ETag").expect("a strong entity tag")
}

fn sum(one: &RangeInclusive<u64>, other: &RangeInclusive<u64>) -> RangeInclusive<u64> {
    one.start() + other.start()..=one.end() + other.end()
}

fn whole_answers(protocol: Protocol) {
    let mut table = Table::new(protocol, &[]);
    let whole = |visit: &Visit<'_>| exactly(visit.get("").content.len() as u64);
    for length in [1, 500, 20_000, 100_000, S, 20 * S] {
        table.check("GET, whole", length, whole, "requests 1 full 1 completed 1 downloads 1");
    }
    table.check("empty file", 0, whole, "requests 1 full 1 completed 1 downloads 1");
    let twice = |visit: &Visit<'_>| sum(&whole(visit), &whole(visit));
    table.check("the same client twice", S, twice, "requests 2 full 2 completed 2 downloads 2");
    table.check(
        "three, pipelined in one segment",
        S,
        |visit| {
            let mut conn = visit.connect(None, Window::Usual);
            conn.send(visit.request("").repeat(3));
            let lengths = [(); 3].map(|()| conn.answer().content.len() as u64);
            exactly(lengths.iter().sum())
        },
        "requests 3 full 3 completed 3 downloads 3",
    );
    table.check(
        "a connection that ends with its answer",
        S,
        |visit| exactly(visit.get("Connection: close\r\n").content.len() as u64),
        "requests 1 full 1 completed 1 downloads 1",
    );
    for length in [500, S] {
        // A stream ends with its request; nothing more is said by ending the connection.
        for finish in [Conn::finish_sending, Conn::cut_sending] {
            if protocol.has_streams() {
                break;
            }
            table.check(
                "half-closed behind the request, with a word or without one",
                length,
                |visit| {
                    let mut conn = visit.connect(None, Window::Usual);
                    conn.send(visit.request(""));
                    finish(&mut conn);
                    let length = conn.answer().content.len() as u64;
                    // Going before what the server says last in TLS has come would reset the connection.
                    assert_eq!(conn.end(), End::Clean);
                    exactly(length)
                },
                "requests 1 full 1 completed 1 downloads 1",
            );
        }
        table.check(
            "reset once everything has arrived",
            length,
            |visit| {
                let mut conn = visit.connect(None, Window::Usual);
                conn.send(visit.request(""));
                let length = conn.answer().content.len() as u64;
                conn.acknowledge();
                conn.reset();
                exactly(length)
            },
            "requests 1 full 1 completed 1 downloads 1",
        );
    }
    table.check(
        "a small answer that arrives and is never read",
        500,
        |visit| {
            let conn = &mut visit.connect(None, Window::Usual);
            conn.send(visit.request(""));
            // More than the content: the content with at least some of the head.
            conn.hold_unread(501 + "HTTP/1.1 200 OK\r\n\r\n".len());
            visit.wait_for_line();
            exactly(500)
        },
        "requests 1 full 1 completed 1 downloads 1",
    );
    table.finish();
}

fn cut_answers(protocol: Protocol) {
    let mut table = Table::new(protocol, &[]);
    for &leaving in Leaving::all(protocol) {
        table.check(
            "goes away at 40 %",
            S,
            |visit| visit.leave("", CUT, leaving).1,
            "requests 1 full 1 aborted 1",
        );
        table.check(
            "... then asks for the rest; If-Range holds",
            S,
            |visit| {
                visit.settle();
                let (head, cut) = visit.leave("", CUT, leaving);
                let from = CUT - protocol.unacknowledged();
                let fields = format!("Range: bytes={from}-\r\nIf-Range: {}\r\n", entity_tag(&head));
                let rest = visit.get(&fields);
                assert_eq!((rest.status, rest.content.len() as u64), (206, S - from));
                sum(&cut, &exactly(S - from))
            },
            "requests 2 full 1 partial 1 completed 1 aborted 1 downloads 1",
        );
        table.check(
            "... then a plain GET, whole, instead",
            S,
            |visit| {
                let (_, cut) = visit.leave("", CUT, leaving);
                sum(&cut, &exactly(visit.get("").content.len() as u64))
            },
            "requests 2 full 2 completed 1 aborted 1 downloads 1",
        );
        table.check(
            "... file replaced, If-Range fails, 200, whole",
            S,
            |visit| {
                visit.settle();
                let (head, cut) = visit.leave("", CUT, leaving);
                let new = visit.site.around().join("new");
                std::fs::write(&new, noise(S as usize + 5, 99)).expect("a new file");
                std::fs::rename(new, visit.site.path(visit.path[1..].replace("%20", " "))).expect("replaced");
                visit.settle();
                let fields = format!("Range: bytes={CUT}-\r\nIf-Range: {}\r\n", entity_tag(&head));
                let whole = visit.get(&fields);
                assert_eq!((whole.status, whole.content.len() as u64), (200, S + 5));
                sum(&cut, &exactly(S + 5))
            },
            "requests 2 full 2 completed 1 aborted 1 downloads 1",
        );
        table.check(
            "a player: 0- cut, a seek cut, the tail; gaps remain",
            S,
            |visit| {
                let (_, start) = visit.leave("Range: bytes=0-\r\n", S / 10, leaving);
                let (_, seek) = visit.leave(&format!("Range: bytes={}-\r\n", S / 2), S / 10, leaving);
                let tail = visit.get(&format!("Range: bytes={}-\r\n", S / 10 * 9)).content.len() as u64;
                sum(&sum(&start, &seek), &exactly(tail))
            },
            "requests 3 partial 3 completed 1 aborted 2",
        );
        table.check(
            "a player that comes back for the gaps",
            S,
            |visit| {
                let (_, start) = visit.leave("Range: bytes=0-\r\n", S / 10, leaving);
                let tail = visit.get(&format!("Range: bytes={}-\r\n", S / 2)).content.len() as u64;
                let gap = S / 10 - protocol.unacknowledged()..S / 2;
                let middle =
                    visit.get(&format!("Range: bytes={}-{}\r\n", gap.start, gap.end - 1)).content.len();
                sum(&start, &exactly(tail + middle as u64))
            },
            "requests 3 partial 3 completed 2 aborted 1 downloads 1",
        );
    }
    table.finish();
}

fn ranges(protocol: Protocol) {
    let mut table = Table::new(protocol, &[]);
    let range = |visit: &Visit<'_>, range: &str| {
        let answer = visit.get(&format!("Range: bytes={range}\r\n"));
        assert_eq!(answer.status, 206, "{range}");
        answer.content.len() as u64
    };
    for length in [500, S] {
        for (probe, bytes) in [("0-0", 1), ("-22", 22)] {
            let scenario = |visit: &Visit<'_>| {
                assert_eq!(range(visit, probe), bytes);
                exactly(bytes)
            };
            table.check(probe, length, scenario, "requests 1 partial 1 completed 1");
        }
        let scenario = |visit: &Visit<'_>| exactly(range(visit, "0-"));
        table.check("0-", length, scenario, "requests 1 partial 1 completed 1 downloads 1");
        let scenario = |visit: &Visit<'_>| {
            range(visit, "0-9,100-199");
            exactly(110)
        };
        table.check("two parts", length, scenario, "requests 1 partial 1 completed 1");
        let scenario = |visit: &Visit<'_>| {
            range(visit, "0-199,300-");
            range(visit, "150-349");
            exactly(200 + length - 300 + 200)
        };
        table.check(
            "parts that overlap and cover",
            length,
            scenario,
            "requests 2 partial 2 completed 2 downloads 1",
        );
    }
    table.check(
        "16 segments in parallel that cover the file",
        S,
        |visit| {
            std::thread::scope(|scope| {
                for segment in 0..16 {
                    let (first, last) = (S * segment / 16, S * (segment + 1) / 16 - 1);
                    scope.spawn(move || range(visit, &format!("{first}-{last}")));
                }
            });
            exactly(S)
        },
        "requests 16 partial 16 completed 16 downloads 1",
    );
    table.check(
        "16 segments, one after the other, again and again without a pause",
        S,
        |visit| {
            for segment in (0..20).flat_map(|_| 0..16) {
                let (first, last) = (S * segment / 16, S * (segment + 1) / 16 - 1);
                range(visit, &format!("{first}-{last}"));
            }
            exactly(20 * S)
        },
        "requests 320 partial 320 completed 320 downloads 20",
    );
    let halves = [format!("Range: bytes=0-{}\r\n", S / 2), format!("Range: bytes={}-\r\n", S / 2 + 1)];
    let address = |last: u8| Some(IpAddr::from([127, 0, 0, last]));
    table.check(
        "two addresses, half each",
        S,
        |visit| {
            visit.ask(Ask { fields: &halves[0], from: address(2) });
            visit.ask(Ask { fields: &halves[1], from: address(3) });
            exactly(S)
        },
        "requests 2 partial 2 completed 2",
    );
    table.check(
        "one address, two connections, half each",
        S,
        |visit| {
            visit.ask(Ask { fields: &halves[0], from: address(4) });
            visit.ask(Ask { fields: &halves[1], from: address(4) });
            exactly(S)
        },
        "requests 2 partial 2 completed 2 downloads 1",
    );
    table.finish();
}

fn answers_without_content(protocol: Protocol) {
    let mut table = Table::new(protocol, &[]);
    let head = |visit: &Visit<'_>, fields: &str| {
        let mut conn = visit.connect(None, Window::Usual);
        conn.send(visit.request(fields).replacen("GET", "HEAD", 1));
        conn.next(Content::Withheld).expect("an answer")
    };
    for length in [500, S] {
        let scenario = |visit: &Visit<'_>| {
            assert_eq!(head(visit, "").status, 200);
            exactly(0)
        };
        table.check("HEAD", length, scenario, "requests 1 head 1");
        let scenario = |visit: &Visit<'_>| {
            assert_eq!(head(visit, "If-None-Match: *\r\n").status, 304);
            exactly(0)
        };
        table.check("HEAD answered 304", length, scenario, "requests 1 head 1");
        let scenario = |visit: &Visit<'_>| {
            assert_eq!(visit.get("If-None-Match: *\r\n").status, 304);
            exactly(0)
        };
        table.check("GET answered 304", length, scenario, "requests 1 not_modified 1");
        for (fields, status) in [("Range: bytes=5000000-\r\n", 416), ("If-Match: \"x\"\r\n", 412)] {
            let scenario = |visit: &Visit<'_>| {
                assert_eq!(visit.get(fields).status, status);
                exactly(0)
            };
            table.check("a condition that fails", length, scenario, "");
        }
        let scenario = |visit: &Visit<'_>| {
            assert_eq!(visit.server.fetch(&format!("{}x", visit.path)).status, 404);
            exactly(0)
        };
        table.check("GET answered 404", length, scenario, "");
        let scenario = |visit: &Visit<'_>| {
            let mut conn = visit.connect(None, Window::Usual);
            conn.send(visit.request("").replacen("GET", "DELETE", 1));
            assert_eq!(conn.answer().status, 405);
            exactly(0)
        };
        table.check("a method that is not allowed", length, scenario, "");
    }
    table.finish();
}

fn a_file_that_may_not_be_read_takes_no_number(protocol: Protocol) {
    let site = Site::with(&[("open", "x"), ("closed", "x")]);
    std::fs::set_permissions(site.path("closed"), std::os::unix::fs::PermissionsExt::from_mode(0o000))
        .expect("permissions of our own file");
    // For root no file is closed; where the tests run as root, the server does not.
    let mut command = if is_root() { nobody(&site) } else { tallyd(&site) };
    let mut server = Server::launch_over(protocol, &site, &mut command, Stdout::Followed);
    for path in ["/closed", "/open", "/closed", "/open"] {
        assert_eq!(server.fetch(path).status, if path == "/open" { 200 } else { 403 });
    }
    // The ledger's own figures are not asked for here: a number that was taken has a line, and what has none, none.
    server.signal(rustix::process::Signal::TERM);
    assert!(server.wait_for_exit(crate::harness::SOON).success());
    server.stdout().wait_for_end();
    let mut lines: Vec<_> =
        crate::harness::deliveries(&server.stdout().all()).into_iter().map(|it| (it.path, it.n)).collect();
    lines.sort_unstable();
    assert_eq!(lines, [("/open".to_owned(), 1), ("/open".to_owned(), 2)]);
}
