//! Every request that finds a file takes the next number of that file: 1, 2, 3, … whoever asks, however.

use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt;
use std::thread;

use crate::harness::{
    Answer, Conn, Content, Delivery, Protocol, Server, Site, noise, on_every_protocol, percent_encode,
};

on_every_protocol! {
    one_worker_counts_exactly,
    two_workers_count_exactly,
    four_workers_count_exactly,
    a_path_is_printed_so_that_a_line_is_one_record,
    two_spellings_of_a_path_are_one_file,
}

const CLIENTS: usize = 32;
const REQUESTS: usize = 50;
const MISSING: &str = "/missing";

/// Small and large, in memory and not, one empty, one an index: what they have in common is that they count.
const FILES: [(&str, &str, usize); 5] = [
    ("/empty", "/empty", 0),
    ("/a.html", "/a.html", 1_000),
    ("/dir/", "/dir/index.html", 10_000),
    ("/b%20c.bin", "/b c.bin", 100_000),
    ("/large.bin", "/large.bin", 700_000),
];

/// What one client did: how often it asked for which target, per connection.
#[derive(Default)]
struct Receipts {
    by_target: HashMap<&'static str, u64>,
    by_port: HashMap<u16, u64>,
}

impl Receipts {
    fn record(&mut self, target: &'static str, port: u16, answer: &Answer, content: Content) {
        if target == MISSING {
            assert_eq!(answer.status, 404);
            return;
        }
        assert_eq!(answer.status, 200);
        let length = FILES.iter().find(|file| file.0 == target).expect("one of ours").2;
        assert_eq!(answer.content_length(), Some(length));
        assert!(content == Content::Withheld || answer.content.len() == length, "{target} was cut");
        *self.by_target.entry(target).or_default() += 1;
        *self.by_port.entry(port).or_default() += 1;
    }
}

/// The ways in which a client may ask.
#[derive(Clone, Copy)]
enum Manner {
    NewConnection,
    SameConnection,
    Pipelined,
}

/// Sends `REQUESTS` requests, in a mixture that depends only on the client's number.
fn run_client(server: &Server, client: usize) -> Receipts {
    let mut receipts = Receipts::default();
    let mut conn = server.connect();
    let mut sent = 0;
    // A small linear generator (Knuth's constants): mixed enough, and the same in every run.
    let mut state = client as u64;
    let mut pick = |among: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % among
    };
    while sent < REQUESTS {
        let manner = [Manner::NewConnection, Manner::SameConnection, Manner::Pipelined][pick(3)];
        let batch = match manner {
            Manner::NewConnection | Manner::SameConnection => 1,
            Manner::Pipelined => (1 + pick(8)).min(REQUESTS - sent),
        };
        if matches!(manner, Manner::NewConnection) {
            conn = server.connect();
        }
        let requests: Vec<(&str, Content)> = (0..batch)
            .map(|_| {
                let target = FILES.get(pick(FILES.len() + 1)).map_or(MISSING, |file| file.0);
                (target, if pick(4) == 0 { Content::Withheld } else { Content::Sent })
            })
            .collect();
        ask(&mut conn, &requests, &mut receipts);
        sent += batch;
    }
    receipts
}

/// Sends the requests in one write and reads their answers in order.
fn ask(conn: &mut Conn, requests: &[(&'static str, Content)], receipts: &mut Receipts) {
    let heads = requests.iter().map(|(target, content)| {
        let method = match content {
            Content::Sent => "GET",
            Content::Withheld => "HEAD",
        };
        format!("{method} {target} HTTP/1.1\r\nHost: a\r\n\r\n")
    });
    conn.send(heads.collect::<Vec<_>>().concat());
    for (target, content) in requests {
        let answer = conn.next(*content).expect("an answer");
        receipts.record(target, conn.port(), &answer, *content);
    }
}

fn numbers_are_exact(protocol: Protocol, workers: &str) {
    let site = Site::new();
    for (seed, (_, path, length)) in FILES.iter().enumerate() {
        site.file(&path[1..], noise(*length, seed as u64));
    }
    let server = Server::start_over(protocol, &site, &["--workers", workers]);
    let receipts: Vec<Receipts> = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                scope.spawn({
                    let server = &server;
                    move || run_client(server, client)
                })
            })
            .collect();
        clients.into_iter().map(|client| client.join().expect("a client that passed")).collect()
    });

    let total: u64 = receipts.iter().flat_map(|receipts| receipts.by_target.values()).sum();
    let deliveries = server.stdout().wait_for_deliveries(total as usize);
    assert_eq!(deliveries.len() as u64, total, "more lines than requests");
    for (target, path, _) in FILES {
        let asked: u64 = receipts.iter().filter_map(|receipts| receipts.by_target.get(target)).sum();
        let mut numbers: Vec<u64> = deliveries.iter().filter(|it| it.path == path).map(|it| it.n).collect();
        numbers.sort_unstable();
        assert!(asked > 100, "{path} was hardly asked for");
        assert_eq!(numbers, (1..=asked).collect::<Vec<_>>(), "{path}");
    }
    lines_name_the_clients(&deliveries, &receipts);
}

/// Each connection is named as often as it asked. (A port may serve two connections, one after the other.)
fn lines_name_the_clients(deliveries: &[Delivery], receipts: &[Receipts]) {
    let mut asked: HashMap<u16, u64> = HashMap::new();
    for (port, count) in receipts.iter().flat_map(|receipts| &receipts.by_port) {
        *asked.entry(*port).or_default() += count;
    }
    let mut named: HashMap<u16, u64> = HashMap::new();
    for delivery in deliveries {
        *named.entry(delivery.port).or_default() += 1;
    }
    assert_eq!(named, asked);
}

fn one_worker_counts_exactly(protocol: Protocol) {
    numbers_are_exact(protocol, "1");
}

fn two_workers_count_exactly(protocol: Protocol) {
    numbers_are_exact(protocol, "2");
}

fn four_workers_count_exactly(protocol: Protocol) {
    numbers_are_exact(protocol, "4");
}

fn a_path_is_printed_so_that_a_line_is_one_record(protocol: Protocol) {
    let site = Site::new();
    let server = Server::start_over(protocol, &site, &[]);
    let mut conn = server.connect();
    let rows: [(&[u8], &str); 14] = [
        (b"plain.txt", "/plain.txt"),
        (b"two words", "/two words"),
        (b"a|b", "/a%7Cb"),
        (b"100%", "/100%25"),
        (b"%41", "/%2541"),
        (b"line\nbreak", "/line%0Abreak"),
        (b"return\rtab\t", "/return%0Dtab%09"),
        (b"\x01\x1b[31m\x7f", "/%01%1B[31m%7F"),
        ("caf\u{e9} \u{1f980}".as_bytes(), "/caf\u{e9} \u{1f980}"),
        // U+0085 is a control character too, and some readers break lines at it.
        ("\u{85}".as_bytes(), "/%C2%85"),
        (b"latin-1 \xe9", "/latin-1 %E9"),
        (b"\xff\xfe/\xc3", "/%FF%FE/%C3"),
        (b"\"quoted\" 'too' <b> & ;#?", "/\"quoted\" 'too' <b> & ;#?"),
        (b"ends in space ", "/ends in space "),
    ];
    for (count, (name, printed)) in rows.into_iter().enumerate() {
        site.file(std::ffi::OsStr::from_bytes(name), name);
        let target = format!("/{}", percent_encode(name));
        let answer = conn.get(&target);
        assert_eq!((answer.status, answer.content.as_slice()), (200, name), "{target}");
        let deliveries = server.stdout().wait_for_deliveries(count + 1);
        assert_eq!(deliveries[count].path, printed, "{target}");
    }
}

fn two_spellings_of_a_path_are_one_file(protocol: Protocol) {
    let site = Site::with(&[("a b/c.txt", "content")]);
    let server = Server::start_over(protocol, &site, &[]);
    let mut conn = server.connect();
    for target in ["/a%20b/c.txt", "/%61%20b/c%2etxt", "/a%20b/c.txt?query", "http://x/a%20b/c.txt"] {
        assert_eq!(conn.get(target).status, 200, "{target}");
    }
    let deliveries = server.stdout().wait_for_deliveries(4);
    let mut counted: Vec<_> = deliveries.iter().map(|it| (it.path.as_str(), it.n)).collect();
    counted.sort_unstable();
    assert_eq!(counted, [("/a b/c.txt", 1), ("/a b/c.txt", 2), ("/a b/c.txt", 3), ("/a b/c.txt", 4)]);
}
