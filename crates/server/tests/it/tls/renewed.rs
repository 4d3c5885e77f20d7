//! Certificates that change while they are served.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use rustix::process::Signal;
use rustls::client::Resumption;
use rustls::{ClientConfig, RootCertStore};

use super::flaws::{self, FLAWS};
use crate::harness::{Channel, Conn, Identity, SOON, Server, Site, eventually, noise, trust};

/// The files that a server is started with, in a folder that is a link.
const LIVE: [&str; 2] = ["live/chain.pem", "live/key.pem"];

/// Puts files in the place of those that are served, both at once: what a look sees of two halves would be a flaw of its own.
fn put_in_place(site: &Site, files: [&str; 2]) {
    let version = tempfile::tempdir_in(site.around()).expect("a folder").keep();
    for (from, to) in files.iter().zip(LIVE) {
        let name = Path::new(to).file_name().expect("a name");
        // One that is not there is a flaw.
        if let Ok(content) = fs::read(site.around().join(from)) {
            fs::write(version.join(name), content).expect("a file");
        }
    }
    let [next, live] = ["live.next", "live"].map(|name| site.around().join(name));
    symlink(version, &next).and_then(|()| fs::rename(next, live)).expect("a link");
}

/// What the server shows to who connects now.
fn is_shown(server: &Server, identity: &Identity) -> bool {
    server.connect_tls(identity, "a.example").tries_to_shake_hands()
}

/// A client that trusts all of these.
fn trusting(identities: &[Identity], resumption: Resumption) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(identities.iter().map(Identity::certificate));
    let provider = Arc::clone(trust(&identities[0]).crypto_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = config.expect("versions").with_root_certificates(roots).with_no_client_auth();
    config.resumption = resumption;
    Arc::new(config)
}

#[test]
fn replaced_under_load_without_a_failed_request() {
    let content = noise(100_000, 1);
    let site = Site::with(&[("f", content.clone())]);
    let identities = ["0", "1", "2", "3"].map(|file| Identity::new(&site, file, &["a.example"]));
    put_in_place(&site, ["0.pem", "0.key"]);
    let [chain, key] = LIVE.map(|file| site.around().join(file));
    let live = Identity { chain, key };
    let server = Server::start(&site, &live.flags());
    let every_time = trusting(&identities, Resumption::disabled());
    let by_ticket = trusting(&identities, Resumption::default());
    let connect = |config| Conn::open(server.tls_address()).through(Channel::with(config, "a.example"));
    let mut kept = connect(&every_time);
    let done = AtomicBool::new(false);
    let requests = [(); 3].map(|()| AtomicU64::new(0));
    let load = |mut get: Box<dyn FnMut() -> Vec<u8> + Send + '_>, requests: &AtomicU64| {
        while !done.load(Ordering::Relaxed) {
            assert!(get() == content);
            requests.fetch_add(1, Ordering::Relaxed);
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| load(Box::new(|| kept.get("/f").content), &requests[0]));
        scope.spawn(|| load(Box::new(|| connect(&every_time).get("/f").content), &requests[1]));
        scope.spawn(|| load(Box::new(|| connect(&by_ticket).get("/f").content), &requests[2]));
        let go_on = || {
            let before = requests.each_ref().map(|number| number.load(Ordering::Relaxed));
            eventually("requests go on", SOON, || {
                let all = requests.iter().zip(before).all(|(now, old)| now.load(Ordering::Relaxed) > old + 1);
                all.then_some(())
            });
        };
        go_on();
        for (at, identity) in identities.iter().enumerate().skip(1) {
            put_in_place(&site, [&format!("{at}.pem"), &format!("{at}.key")]);
            server.signal(Signal::HUP);
            eventually("the new certificate is shown", SOON, || is_shown(&server, identity).then_some(()));
            go_on();
        }
        done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_flaw_keeps_the_old_ones_and_is_said_once() {
    let site = Site::with(&[("f", "x")]);
    flaws::make(&site);
    let [good, next] = ["good", "next"].map(|file| Identity::new(&site, file, &["a.example"]));
    put_in_place(&site, ["good.pem", "good.key"]);
    let [chain, key] = LIVE.map(|file| site.around().join(file));
    let server = Server::start(&site, &Identity { chain, key }.flags());
    let mut complaints = Vec::new();
    for flaw in &FLAWS {
        put_in_place(&site, [flaw.chain, flaw.key]);
        let end =
            format!("{}; {}; the certificates that were read before are served on", flaw.wrong, flaw.cure);
        // Some flaws have the same words, and each is said by itself.
        complaints.push(end.clone());
        let expect = complaints.iter().filter(|said| **said == end).count();
        let count = || server.stderr().all().iter().filter(|line| line.ends_with(&end)).count();
        eventually(&end, SOON, || {
            server.signal(Signal::HUP);
            (count() == expect).then_some(())
        });
        assert!(is_shown(&server, &good), "{end}");
        assert_eq!(server.connect_tls(&good, "a.example").get("/f").content, b"x");
    }
    // A look that is asked for finds nothing new to say.
    (0..3).for_each(|_| server.signal(Signal::HUP));
    put_in_place(&site, ["next.pem", "next.key"]);
    server.stderr().wait_for("it is said", |lines| {
        lines.iter().any(|line| line.contains("were read anew: a.example until ")).then_some(())
    });
    assert!(is_shown(&server, &next));
    let complaints_said = server.stderr().all().iter().filter(|line| line.contains("served on")).count();
    assert_eq!(complaints_said, FLAWS.len());
}
