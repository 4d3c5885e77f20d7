//! No certificate: what is said, what is served all the same, and what can be done about it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use rustix::process::Signal;

use super::authority::{Authority, BLOCKED, Habits, Place, USUAL};
use super::secure::{Secure, Trust};
use super::served::{ordering, secured, serving, start, wait_for_issue};
use crate::admin::visitor::Visitor;
use crate::harness::{SOON, Server, Site, eventually, is_root, nobody};
use crate::startup::check;

/// Waits until so many orders for the name have failed, and gives what was said of the last.
fn wait_for_failure(server: &Server, name: &str, count: usize) -> String {
    let beginning = format!("tallyd: no certificate for {name}: ");
    server.stderr().wait_for(&beginning, |lines| {
        Some(lines.iter().filter_map(|line| line.strip_prefix(&beginning)).nth(count - 1)?.to_owned())
    })
}

#[test]
fn an_order_that_is_refused_takes_nothing_else_along() {
    let site = Site::with(&[("f", "content")]);
    let place = Place::new();
    let authority = Authority::start(place, site.around(), USUAL);
    let server = start(&mut ordering(&site, place, &authority, &[BLOCKED, "a.example"]));
    let said = wait_for_failure(&server, BLOCKED, 1);
    assert!(
        said.contains("forbidden by policy") && said.ends_with("tried again in 1 min, or on SIGHUP"),
        "{said}"
    );
    wait_for_issue(&server, "a.example", 1);
    assert_eq!(server.fetch("/f").content, b"content");
    assert_eq!(authority.orders(), 1, "a refused order is none, and was not tried again at once");
    let metrics = || String::from_utf8(Visitor::of(&server).ask("/metrics", "").content).expect("UTF-8");
    let failing = "tallyd_acme_state{name=\"blocked.example\",state=\"failing\"} 1";
    assert!(metrics().lines().any(|line| line == failing), "{}", metrics());

    server.signal(Signal::HUP);
    let said = wait_for_failure(&server, BLOCKED, 2);
    assert!(said.ends_with("tried again in 3 min, or on SIGHUP"), "{said}");
}

#[test]
fn before_the_first_certificate_the_site_is_served_without_tls() {
    let site = Site::with(&[("f", "content")]);
    let place = Place::new();
    // There is an authority, and then there is none.
    let flags = Authority::start(place, site.around(), USUAL).flags();
    let mut command = serving(&site, place);
    let server = start(command.args(flags).args(["--acme", "a.example"]));
    let said = wait_for_failure(&server, "a.example", 1);
    assert!(said.contains("cannot be reached") && said.contains("Connection refused"), "{said}");
    assert_eq!(server.fetch("/f").content, b"content");
    let refused = Secure::connect(secured(place), "a.example", &Trust::Anybody).map(|_| ());
    assert!(
        refused.is_err_and(|error| error.to_string().contains("alert")),
        "a handshake without a certificate"
    );

    // When it is back, and somebody says so, there is one at once.
    let _authority = Authority::start(place, site.around(), USUAL);
    server.signal(Signal::HUP);
    wait_for_issue(&server, "a.example", 1);
    let secure = Secure::connect(secured(place), "a.example", &Trust::Anybody).expect("a handshake");
    assert_eq!(secure.fetch("/f"), b"content");
}

#[test]
fn a_name_that_leads_elsewhere() {
    let site = Site::new();
    let place = Place::new();
    // The authority comes to ports where nobody is.
    let authority = Authority::start(Place::new().at(place), site.around(), USUAL);
    let server = start(&mut ordering(&site, place, &authority, &["a.example"]));
    let said = wait_for_failure(&server, "a.example", 1);
    assert!(said.contains("Failed to connect") && said.contains("tls-alpn-01"), "{said}");
    // The other way is tried, and fails like the first.
    server.signal(Signal::HUP);
    let said = wait_for_failure(&server, "a.example", 2);
    assert!(said.contains("connection refused") && said.contains("/.well-known/acme-challenge/"), "{said}");
}

#[test]
fn an_authority_with_whims() {
    let site = Site::new();
    let place = Place::new();
    let authority = Authority::start(place, site.around(), Habits { refusals: 40, ..USUAL });
    let server = start(&mut ordering(&site, place, &authority, &["a.example"]));
    eventually("a certificate in spite of refused nonces", SOON * 3, || {
        let lines = server.stderr().all();
        if lines.iter().any(|line| line.contains("the certificate for a.example was issued")) {
            return Some(());
        }
        if lines.last().is_some_and(|line| line.contains("no certificate for a.example")) {
            server.signal(Signal::HUP);
        }
        None
    });
}

#[test]
fn settings_that_cannot_be() {
    let site = Site::with(&[("f", "content")]);
    let place = Place::new();
    let (wrong, misfit) = (2, 1);
    let flags = |arguments: &[&str]| {
        let mut command = serving(&site, place);
        command.args(arguments);
        command
    };
    check(&mut flags(&["--acme", "*.a.example"]), wrong, &["--acme", "*.a.example", "wildcard"]);
    check(&mut flags(&["--acme", "a..b"]), wrong, &["--acme", "a..b"]);
    let plain = "http://a.example/dir";
    check(&mut flags(&["--acme", "a.example", "--acme-directory", plain]), wrong, &[plain, "https://"]);
    check(&mut flags(&["--acme", "a.example", "--acme-contact", "me"]), wrong, &["\"me\"", "mail"]);
    check(&mut flags(&["--acme", "a.example", "--acme-ca", "nothing"]), misfit, &["--acme-ca", "nothing"]);
    check(&mut flags(&["--acme", "a.example", "--acme-ca", "www/f"]), misfit, &["--acme-ca", "www/f"]);
    let bound = |key| ["--acme", "a.example", "--acme-eab-kid", "kid-1", "--acme-eab-key", key];
    check(&mut flags(&bound("nothing")), misfit, &["--acme-eab-key", "nothing", "name a file"]);
    fs::write(site.around().join("wrong.key"), "this is no key\n").expect("a file");
    check(&mut flags(&bound("wrong.key")), misfit, &["wrong.key", "base64url"]);
    fs::write(site.around().join("empty.key"), "").expect("a file");
    check(&mut flags(&bound("empty.key")), misfit, &["empty.key", "holds no key"]);
    let inside = ["--acme", "a.example", "--acme-state", "www/keys"];
    check(&mut flags(&inside), misfit, &["--acme-state", "www/keys", "keys"]);
    let file = ["--acme", "a.example", "--acme-state", "www/f/keys"];
    check(&mut flags(&file), misfit, &["--acme-state", "www/f/keys"]);
    if is_root() {
        let closed = site.around().join("closed");
        fs::create_dir(&closed).expect("a folder");
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o755)).expect("ours");
        let mut command = nobody(&site);
        check(command.args(["--acme", "a.example", "--acme-state", "closed/keys"]), misfit, &["closed/keys"]);
    }
}
