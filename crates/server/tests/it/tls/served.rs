//! Files over TLS, byte for byte, and counted.

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore};

use crate::harness::{Channel, Conn, Identity, Server, Site, deliveries, noise, trust};

const LENGTH: usize = 20_000_003;

/// A site with a small file and a large one, and who serves it.
fn site() -> (Site, Identity) {
    let site = Site::with(&[("small", noise(1024, 1)), ("large", noise(LENGTH, 2))]);
    let identity = Identity::new(&site, "own", &["a.example"]);
    (site, identity)
}

#[test]
fn files_are_whole_and_counted() {
    let (site, identity) = site();
    let server = Server::start(&site, &identity.flags());
    let mut conn = server.connect_tls(&identity, "a.example");
    for _ in 0..3 {
        assert!(conn.get("/small").content == noise(1024, 1));
    }
    assert!(conn.get("/large").content == noise(LENGTH, 2));
    let ranges = "GET /large HTTP/1.1\r\nHost: a\r\nRange: bytes=70000-200000\r\n\r\n";
    conn.send(ranges.repeat(3));
    for _ in 0..3 {
        assert!(conn.answer().content == noise(LENGTH, 2)[70_000..=200_000]);
    }
    let lines = server.stdout().wait_for("a line for each", |lines| {
        let told = deliveries(lines);
        (told.len() == 7).then_some(told)
    });
    let of_large = lines.iter().filter(|line| line.path == "/large").map(|line| line.n);
    assert_eq!(of_large.collect::<Vec<_>>(), [1, 2, 3, 4]);
}

/// In TLS 1.2 the client waits for the server's last word before it says its first. With a hundred handshakes, there are some
/// in which everything has come before the server has waited for anything.
#[test]
fn no_client_waits_for_the_end_of_its_handshake() {
    let (site, identity) = site();
    let server = Server::start(&site, &identity.flags());
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates([identity.certificate()]);
    let provider = trust(&identity).crypto_provider().clone();
    let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[&TLS12]);
    let mut config = config.expect("a version").with_root_certificates(roots).with_no_client_auth();
    config.resumption = Resumption::disabled();
    let config = Arc::new(config);
    for _ in 0..100 {
        let mut conn = Conn::open(server.tls_address()).through(Channel::with(&config, "a.example"));
        assert_eq!(conn.get("/missing").status, 404);
    }
}

#[test]
fn both_versions_are_spoken() {
    let (site, identity) = site();
    let server = Server::start(&site, &identity.flags());
    for version in [&TLS12, &TLS13] {
        let provider = trust(&identity).crypto_provider().clone();
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates([identity.certificate()]);
        let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[version]);
        let config = config.expect("a version").with_root_certificates(roots).with_no_client_auth();
        let channel = Channel::with(&Arc::new(config), "a.example");
        let mut conn = Conn::open(server.tls_address()).through(channel);
        assert!(conn.get("/large").content == noise(LENGTH, 2), "{version:?}");
    }
}
