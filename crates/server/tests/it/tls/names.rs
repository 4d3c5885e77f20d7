//! Several certificates, chosen by the name that is asked for.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

use crate::harness::{Channel, Conn, Identity, Server, Site, trust};

#[test]
fn each_name_gets_its_certificate() {
    let site = Site::with(&[("f", "x")]);
    let first = Identity::new(&site, "first", &["a.example", "other.example"]);
    let wild = Identity::new(&site, "wild", &["*.a.example"]);
    let second = Identity::new(&site, "second", &["b.example"]);
    let identities = [&first, &wild, &second];
    let flags: Vec<_> = identities.iter().flat_map(|identity| identity.flags()).collect();
    let server = Server::start(&site, &flags);
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(identities.map(Identity::certificate));
    let provider = Arc::clone(trust(&first).crypto_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = Arc::new(config.expect("versions").with_root_certificates(roots).with_no_client_auth());
    let check = |name: &str, expect: &Identity| {
        let mut conn = Conn::open(server.tls_address()).through(Channel::with(&config, name));
        assert_eq!(conn.get("/f").content, b"x", "{name}");
        assert_eq!(conn.channel().shown(), Some(&expect.certificate()), "{name}");
    };
    check("a.example", &first);
    check("other.example", &first);
    check("x.a.example", &wild);
    check("B.example", &second);
}

#[test]
fn whoever_asks_for_another_name_gets_the_first() {
    let site = Site::with(&[("f", "x")]);
    let first = Identity::new(&site, "first", &["127.0.0.1"]);
    let second = Identity::new(&site, "second", &["b.example"]);
    let server = Server::start(&site, &[first.flags(), second.flags()].concat());
    // An address is not sent as a name (RFC 6066 section 3).
    let mut conn = server.connect_tls(&first, "127.0.0.1");
    assert_eq!(conn.get("/f").content, b"x");
    assert_eq!(conn.channel().shown(), Some(&first.certificate()));
}
