//! Signals: the first SIGTERM or SIGINT ends in good order, the second at once, SIGHUP not at all.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::harness::{
    Books, Conn, End, Protocol, SOON, Server, Site, Stdout, eventually, noise, on_every_protocol, tallyd,
};

on_every_protocol! {
    sigterm_ends_in_good_order,
    sigint_ends_in_good_order,
    it_ends_with_the_last_transfer,
    an_idle_server_ends_at_once,
    the_grace_is_not_exceeded,
    what_the_end_cuts_off_does_not_come,
    the_second_signal_ends_at_once,
    sighup_never_ends_it,
    it_ends_although_nobody_reads_its_output,
}

const LENGTH: usize = 20_000_000;

fn site() -> Site {
    let site = Site::with(&[("f", "content")]);
    site.file("large", noise(LENGTH, 1));
    site
}

/// A transfer that stays in flight until its client reads.
fn transfer(server: &Server) -> Conn {
    let mut conn = server.connect_with_small_window();
    conn.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(conn.next_head().expect("an answer").content_length(), Some(LENGTH));
    conn
}

fn ends_in_good_order(protocol: Protocol, signal: Signal) {
    let site = site();
    let mut server = Server::start_over(protocol, &site, &["--grace", "60s", "--idle-timeout", "60s"]);
    let mut idle = server.connect();
    idle.get("/f");
    let mut unused = server.connect();
    // Who says nothing is accepted after a moment only.
    let line = format!("Client connected with ip : 127.0.0.1 and port no. : {}", unused.port());
    server.stdout().wait_for(&line, |lines| lines.contains(&line).then_some(()));
    let mut in_flight = transfer(&server);

    let start = Instant::now();
    server.signal(signal);
    assert_eq!(idle.end(), End::Clean, "an idle connection is closed");
    assert!(matches!(unused.end(), End::Clean | End::Reset), "one without a request as well");
    assert!(start.elapsed() < Duration::from_secs(5), "closed only after {:?}", start.elapsed());
    eventually("new connections are refused", SOON, || {
        TcpStream::connect(server.address()).is_err().then_some(())
    });

    assert!(in_flight.take(LENGTH) == noise(LENGTH, 1), "the transfer in flight is finished");
    assert_eq!(in_flight.end(), End::Clean);
    assert_eq!(server.wait_for_exit(SOON).code(), Some(0));
    // Both lines are out before the process ends.
    let delivered = server.stdout().wait_for_deliveries(2);
    assert!(delivered.iter().any(|it| it.path == "/large" && it.n == 1), "{delivered:?}");
}

fn sigterm_ends_in_good_order(protocol: Protocol) {
    ends_in_good_order(protocol, Signal::TERM);
}

fn sigint_ends_in_good_order(protocol: Protocol) {
    ends_in_good_order(protocol, Signal::INT);
}

fn it_ends_with_the_last_transfer(protocol: Protocol) {
    let site = site();
    let mut server = Server::start_over(protocol, &site, &["--grace", "60s", "--idle-timeout", "60s"]);
    let mut in_flight = transfer(&server);
    server.signal(Signal::TERM);
    assert_eq!(in_flight.take(LENGTH).len(), LENGTH);
    let start = Instant::now();
    // The client does not close: that is up to the server, which has said nothing of a close in the head.
    assert_eq!(server.wait_for_exit(SOON).code(), Some(0));
    assert!(start.elapsed() < Duration::from_secs(5), "ended after {:?}", start.elapsed());
}

fn an_idle_server_ends_at_once(protocol: Protocol) {
    let site = site();
    let mut server = Server::start_over(protocol, &site, &[]);
    server.fetch("/f");
    let start = Instant::now();
    server.signal(Signal::TERM);
    assert_eq!(server.wait_for_exit(SOON).code(), Some(0));
    assert!(start.elapsed() < Duration::from_secs(2), "ended after {:?}", start.elapsed());
}

/// No client has come yet.
#[test]
fn a_signal_that_comes_with_the_banner_is_heeded() {
    // Whoever sees the banner may count on all that is promised, also on how it ends.
    let site = site();
    for signal in [Signal::TERM, Signal::INT].into_iter().cycle().take(20) {
        let mut server = Server::start(&site, &[]);
        server.signal(Signal::HUP);
        server.signal(signal);
        assert_eq!(server.wait_for_exit(SOON).code(), Some(0), "{signal:?}");
    }
}

fn the_grace_is_not_exceeded(protocol: Protocol) {
    let site = site();
    let mut server = Server::start_over(protocol, &site, &["--grace", "1s"]);
    let _in_flight = transfer(&server);
    let start = Instant::now();
    server.signal(Signal::TERM);
    assert_eq!(server.wait_for_exit(SOON).code(), Some(0));
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(900), "the transfer had {took:?} of its second");
    assert!(took < Duration::from_secs(5), "ended after {took:?}");
    // The line of a transfer that was cut is printed as well.
    assert_eq!(server.stdout().wait_for_deliveries(1)[0].path, "/large");
}

fn what_the_end_cuts_off_does_not_come(protocol: Protocol) {
    let site = site();
    let books = Books::of(&site);
    let mut command = books.server(&site);
    let mut server =
        Server::launch_over(protocol, &site, command.args(["--grace", "500ms"]), Stdout::Followed);
    let mut in_flight = transfer(&server);
    server.signal(Signal::TERM);
    assert_eq!(server.wait_for_exit(SOON).code(), Some(0));
    let received = in_flight.take(LENGTH);
    assert!(noise(LENGTH, 1).starts_with(&received), "what came differs");
    let counted = books.tally("/large");
    assert_eq!((counted.requests, counted.aborted, counted.downloads), (1, 1, 0));
    let least = (received.len() as u64).saturating_sub(protocol.unacknowledged());
    assert!(least <= counted.bytes, "{} came, {} were counted", received.len(), counted.bytes);
}

fn the_second_signal_ends_at_once(protocol: Protocol) {
    let site = site();
    let mut server = Server::start_over(protocol, &site, &["--grace", "60s"]);
    let mut idle = server.connect();
    idle.get("/f");
    let _in_flight = transfer(&server);
    server.signal(Signal::TERM);
    // The first signal has arrived when the idle connection ends; two at once could become one.
    assert_eq!(idle.end(), End::Clean);
    let start = Instant::now();
    server.signal(Signal::TERM);
    assert_eq!(server.wait_for_exit(SOON).code(), Some(0));
    assert!(start.elapsed() < Duration::from_secs(5), "ended after {:?}", start.elapsed());
}

/// What is pipelined is HTTP/1.1's; elsewhere a request is on a stream of its own, and refused while it ends (`http2::flow`).
#[test]
fn a_request_that_arrives_while_it_ends_is_the_last_of_its_connection() {
    let site = site();
    let mut server = Server::start(&site, &["--grace", "60s"]);
    let mut idle = server.connect();
    idle.get("/f");
    let mut in_flight = transfer(&server);
    in_flight.send("GET /f HTTP/1.1\r\nHost: a\r\n\r\n");
    server.signal(Signal::TERM);
    assert_eq!(idle.end(), End::Clean);
    assert!(in_flight.take(LENGTH) == noise(LENGTH, 1));
    // The pipelined request may be answered, as the last one, or left for the client to repeat.
    if let Ok(answer) = in_flight.next(crate::harness::Content::Sent) {
        assert_eq!((answer.status, answer.announces_close()), (200, true));
    }
    assert!(matches!(in_flight.end(), End::Clean | End::Reset));
    assert_eq!(server.wait_for_exit(SOON).code(), Some(0));
}

fn sighup_never_ends_it(protocol: Protocol) {
    let site = site();
    let server = Server::start_over(protocol, &site, &[]);
    let mut conn = server.connect();
    for _ in 0..3 {
        server.signal(Signal::HUP);
        assert_eq!(conn.get("/f").status, 200);
        assert_eq!(server.fetch("/f").status, 200);
    }
}

fn it_ends_although_nobody_reads_its_output(protocol: Protocol) {
    let site = site();
    let mut server =
        Server::launch_over(protocol, &site, tallyd(&site).args(["--grace", "1s"]), Stdout::NeverRead);
    crate::output::fill(&server);
    server.signal(Signal::TERM);
    assert_eq!(server.wait_for_exit(SOON).code(), Some(0));
}
