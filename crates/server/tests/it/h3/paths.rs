//! Clients that change their address, servers that end, and datagrams that mean no good.

use std::net::UdpSocket;

use http::Method;
use rustix::process::Signal;

use super::{LENGTH, site};
use crate::harness::{Appetite, H3Conn, SOON, Server, noise};

#[test]
fn a_download_goes_on_from_another_address() {
    let (site, identity) = site();
    // Whichever worker the new address leads to, the connection stays where it is.
    let arguments = [&identity.flags()[..], &["--workers", "4"]].concat();
    let server = Server::start(&site, &arguments);
    let mut conn = H3Conn::with(server.tls_address(), &identity, Appetite::Little);
    let mut download = conn.begin(Method::GET, "/large", &[]);
    let mut content = Vec::new();
    for _ in 0..6 {
        content.extend(download.read(1_000_000));
        conn.move_elsewhere();
    }
    content.extend(download.finish().content);
    assert!(content == noise(LENGTH, 2));
}

#[test]
fn a_server_that_ends_finishes_what_it_has_begun() {
    let (site, identity) = site();
    let mut server = Server::start(&site, &identity.flags());
    let mut idle = H3Conn::open(&server, &identity);
    assert_eq!(idle.get("/small").status, 200);
    let mut conn = H3Conn::with(server.tls_address(), &identity, Appetite::Little);
    let mut download = conn.begin(Method::GET, "/large", &[]);
    let mut content = download.read(100_000);
    server.signal(Signal::TERM);
    idle.wait_for_end();
    assert!(conn.try_begin(Method::GET, "/small", &[]).is_err(), "nothing new is taken");
    content.extend(download.finish().content);
    assert!(content == noise(LENGTH, 2));
    conn.wait_for_end();
    assert!(server.wait_for_exit(SOON).success());
}

/// The first bytes of a client's first packet (RFC 9000 §17.2.2), with this connection ID.
fn beginning(id: u64) -> Vec<u8> {
    let mut packet = vec![0xc3, 0, 0, 0, 1, 8];
    packet.extend_from_slice(&id.to_be_bytes());
    packet.extend_from_slice(&[0, 0, 0x44, 0x9e]);
    packet
}

#[test]
fn hostile_datagrams_leave_others_served() {
    let (site, identity) = site();
    let arguments = [&identity.flags()[..], &["--workers", "2"]].concat();
    let server = Server::start(&site, &arguments);
    let address = server.tls_address();
    let mut before = H3Conn::open(&server, &identity);
    let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback has a free port");
    for round in 0..2000_u64 {
        let garbage = noise(1 + (round as usize * 7) % 1400, round);
        let mut padded = beginning(round);
        padded.resize(1200, 0);
        let mut unknown_version = padded.clone();
        unknown_version[1..5].copy_from_slice(&[0x1a, 0x2a, 0x3a, 0x4a]);
        let short = [&[0x40][..], &garbage].concat();
        for datagram in [&garbage, &beginning(round), &padded, &unknown_version, &short, &Vec::new()] {
            // A full buffer loses it, as a network does.
            let _ = socket.send_to(datagram, address);
        }
        if round % 500 == 0 {
            assert!(before.get("/small").content == noise(1024, 1), "a client that was there");
            assert!(H3Conn::open(&server, &identity).get("/small").status == 200, "one that comes");
        }
    }
    assert!(before.get("/large").content == noise(LENGTH, 2));
}
