//! What happens when something runs out, or goes away: descriptors, clients.
//!
//! Descriptors are those of TCP's connections, however these are used, and run out before a word is said; the heads and handshakes
//! that come to nothing are tried one by one.

use std::process::Command;
use std::thread;
use std::time::Duration;

use crate::harness::{
    Conn, Identity, NAME, Protocol, SOON, Server, Site, Stdout, anonymous_kib, cpu_time, descriptors,
    eventually, noise, on_every_protocol, tallyd,
};

on_every_protocol! {
    clients_that_reset_leave_nothing_behind,
    clients_that_reset_while_idle_or_in_a_head_leave_nothing_behind,
}

/// The same command, in a process that may hold only this many descriptors.
fn with_descriptors(command: &Command, limit: u32) -> Command {
    let mut limited = Command::new("sh");
    limited.args(["-c", &format!("ulimit -n {limit}; exec \"$0\" \"$@\"")]);
    limited.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    limited.current_dir(command.get_current_dir().expect("the site's folder"));
    limited
}

#[test]
fn too_few_descriptors_neither_spin_nor_kill() {
    const LIMIT: u32 = 96;
    let site = Site::with(&[("f", "content")]);
    site.file("large", noise(20_000_000, 1));
    for workers in ["1", "2"] {
        let mut command =
            with_descriptors(tallyd(&site).args(["--workers", workers, "--idle-timeout", "60s"]), LIMIT);
        let server = Server::launch(&mut command, Stdout::Followed);
        // Nobody makes room while it is sent something.
        let connect = || {
            let mut conn = Conn::with_small_window(server.address());
            conn.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
            conn
        };
        let mut conns: Vec<Conn> = (0..200).map(|_| connect()).collect();
        server.stdout().wait_for("the first connections", |lines| (lines.len() >= 8).then_some(()));

        // How much it works while it cannot accept; waiting is what is measured here.
        let before = cpu_time(server.pid());
        thread::sleep(Duration::from_secs(1));
        let spent = cpu_time(server.pid()).saturating_sub(before);
        println!("{workers} workers: {spent:?} of processor time in a second without descriptors");
        assert!(spent < Duration::from_millis(200), "spins: {spent:?} of processor time in a second");

        // Who got in is answered; a file that cannot be opened now is not said to be missing.
        let accepted = server.stdout().all();
        let is_accepted = |conn: &&mut Conn| {
            let line = format!("Client connected with ip : 127.0.0.1 and port no. : {}", conn.port());
            accepted.contains(&line)
        };
        for conn in conns.iter_mut().filter(is_accepted).take(2) {
            let answer = conn.next_head().expect("an answer");
            assert!(matches!(answer.status, 200 | 503), "{answer:?}");
        }
        drop(conns);
        let recovered = server.fetch("/large");
        assert_eq!((recovered.status, recovered.content.len()), (200, 20_000_000));
        eventually("the descriptors are free again", SOON, || (descriptors(server.pid()) < 48).then_some(()));
    }
}

#[test]
fn waiting_connections_are_served_when_descriptors_are_free_again() {
    let site = Site::with(&[("f", "content")]);
    let mut command = with_descriptors(tallyd(&site).args(["--workers", "1"]), 96);
    let server = Server::launch(&mut command, Stdout::Followed);
    let mut first: Vec<Conn> = (0..100).map(|_| server.connect()).collect();
    // Those that were accepted leave one after the other; those that wait in the backlog must then get in,
    // although no new connection comes to wake the server.
    let mut last = server.connect();
    last.send("GET /f HTTP/1.1\r\nHost: a\r\n\r\n");
    first.clear();
    assert_eq!(last.answer().content, b"content");
}

/// The start of a handshake that says that 512 bytes of it come.
const HELLO: &[u8] = b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03";

#[test]
fn clients_that_come_to_no_request_make_room() {
    let site = Site::with(&[("f", "content")]);
    let identity = Identity::of(&site);
    let check = |by_tls: bool, words: &[u8]| {
        let mut command = tallyd(&site);
        command.args(["--workers", "1", "--header-timeout", "1h", "--ledger", "none"]).args(identity.flags());
        let server = Server::launch(&mut with_descriptors(&command, 112), Stdout::Followed);
        let address = if by_tls { server.tls_address() } else { server.address() };
        // Some three times as many as there is room for.
        let hold = || {
            let mut conn = Conn::open(address);
            conn.send(words);
            conn
        };
        let holding: Vec<Conn> = (0..60).map(|_| hold()).collect();
        assert_eq!(server.fetch("/f").content, b"content", "{}", words.escape_ascii());
        assert_eq!(server.connect_tls(&identity, NAME).get("/f").content, b"content");
        drop(holding);
    };
    thread::scope(|scope| {
        for (by_tls, words) in [(true, HELLO), (true, b""), (false, b""), (false, b"GET /f HT")] {
            let check = &check;
            scope.spawn(move || check(by_tls, words));
        }
    });
}

fn clients_that_reset_leave_nothing_behind(protocol: Protocol) {
    // A worker that meets the file for the first time keeps it open.
    const KEPT: usize = 2;
    // A handshake costs both sides a hundred times what a request does, and a connection that is left behind much more memory. The
    // bounds have room for what an allocator keeps: a leak of 1 KiB for each client, or 8 KiB with TLS, would be more.
    let (clients, bound_kib): (u64, u64) =
        if protocol == Protocol::Http1 { (2_000, 1_024) } else { (400, 2_048) };
    let warm_up = clients / 32 * 8;
    let site = Site::new();
    site.file("large", noise(20_000_000, 2));
    let server = Server::start_over(protocol, &site, &["--workers", "2"]);
    let reset = |count: u64| {
        for _ in 0..count {
            let mut conn = server.connect_with_small_window();
            conn.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
            assert_eq!(conn.next_head().expect("an answer").status, 200);
            conn.reset();
        }
    };
    let reset_together = |count: u64| {
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| reset(count / 8));
            }
        });
    };
    reset_together(warm_up);
    server.stdout().wait_for_deliveries(warm_up as usize);
    let (descriptors_before, memory_before) = (descriptors(server.pid()), anonymous_kib(server.pid()));

    reset_together(clients);
    let deliveries = server.stdout().wait_for_deliveries((warm_up + clients) as usize);
    eventually("the descriptors are back", SOON, || {
        (descriptors(server.pid()) <= descriptors_before + KEPT).then_some(())
    });
    // A connection of QUIC that has ended lingers for a moment (RFC 9000 section 10.2).
    let memory_after = eventually("the memory is back", SOON, || {
        let memory = anonymous_kib(server.pid());
        (memory <= memory_before + bound_kib).then_some(memory)
    });
    println!("memory before {clients} resets: {memory_before} KiB, after: {memory_after} KiB");
    let mut numbers: Vec<u64> = deliveries.iter().map(|it| it.n).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=warm_up + clients).collect::<Vec<_>>());
    assert_eq!(server.fetch("/large").content.len(), 20_000_000);
}

/// Where requests are sent whole, a client within a head is one with no request.
fn clients_that_reset_while_idle_or_in_a_head_leave_nothing_behind(protocol: Protocol) {
    let site = Site::with(&[("f", "content")]);
    // A ledger opens and closes files of its own at its own times.
    let server = Server::start_over(protocol, &site, &["--workers", "1", "--ledger", "none"]);
    server.fetch("/f");
    let idle = eventually("the connection is closed", SOON, || {
        let count = descriptors(server.pid());
        (count < 64).then_some(count)
    });
    for round in 0..300 {
        let mut conn = server.connect();
        match round % 3 {
            0 => conn.send("GET /f HT"),
            1 => drop(conn.get("/f")),
            _ => {}
        }
        conn.reset();
    }
    assert_eq!(server.fetch("/f").content, b"content");
    eventually("the descriptors are back", SOON, || (descriptors(server.pid()) <= idle).then_some(()));
}
