//! The first certificate: before it, on the way to it, and with it.

use std::fs;

use super::authority::{Authority, Habits, Place, USUAL};
use super::secure::{Secure, Trust};
use super::served::{ordering, root, secured, start, wait_for_issue};
use crate::admin::visitor::Visitor;
use crate::harness::Site;

/// A name is proven in this way, and its certificate is one that clients trust.
fn check(challenge: &str) {
    let site = Site::with(&[("f", "content")]);
    let place = Place::new();
    let authority = Authority::start(place, site.around(), USUAL);
    let mut command = ordering(&site, place, &authority, &["A.example", "b.example"]);
    let server = start(command.args(["--acme-challenge", challenge]));
    for name in ["a.example", "b.example"] {
        assert_eq!(wait_for_issue(&server, name, 1), format!("by {challenge}"));
        let secure = Secure::connect(secured(place), name, &Trust::Root(&root(&authority)));
        assert_eq!(secure.expect("a handshake that the client trusts").fetch("/f"), b"content");
    }
    // What the authority fetched was not counted: nothing but the two files has a line.
    let deliveries = server.stdout().wait_for_deliveries(2);
    let mut told: Vec<_> = deliveries.iter().map(|it| (it.path.as_str(), it.n)).collect();
    told.sort_unstable();
    assert_eq!(told, [("/f", 1), ("/f", 2)]);
    let gone = server.fetch("/.well-known/acme-challenge/");
    assert_eq!(gone.status, 404);
    let metrics = String::from_utf8(Visitor::of(&server).ask("/metrics", "").content).expect("UTF-8");
    for line in [
        "tallyd_acme_state{name=\"a.example\",state=\"held\"} 1",
        "tallyd_acme_orders_total{name=\"b.example\",outcome=\"issued\"} 1",
        "tallyd_acme_orders_total{name=\"b.example\",outcome=\"failed\"} 0",
    ] {
        assert!(metrics.lines().any(|told| told == line), "{line} is not in {metrics}");
    }
    assert_eq!(metrics.matches("\ntallyd_certificate_expiry_seconds{").count(), 2, "{metrics}");
}

#[test]
fn a_name_is_proven_in_a_handshake() {
    check("tls-alpn-01");
}

#[test]
fn a_name_is_proven_by_a_text() {
    check("http-01");
}

#[test]
fn a_text_is_found_whatever_is_done_with_other_paths() {
    let site = Site::with(&[("f", "content")]);
    let place = Place::new();
    let authority = Authority::start(place, site.around(), USUAL);
    let mut command = ordering(&site, place, &authority, &["a.example"]);
    command.args(["--https-redirect", "--base-path", "/b", "--spa", "f"]);
    let server = start(command.args(["--acme-challenge", "http-01"]));
    assert_eq!(wait_for_issue(&server, "a.example", 1), "by http-01");
}

#[test]
fn an_account_is_bound_to_one_that_exists_elsewhere() {
    const KEY: &str = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";
    let site = Site::with(&[("f", "content")]);
    let place = Place::new();
    let habits = Habits { binding: Some(("kid-1", KEY)), ..USUAL };
    let authority = Authority::start(place, site.around(), habits);
    let unbound = start(&mut ordering(&site, place, &authority, &["a.example"]));
    let beginning = "tallyd: no certificate for a.example: ";
    let said = unbound
        .stderr()
        .wait_for(beginning, |lines| lines.iter().find(|line| line.starts_with(beginning)).cloned());
    assert!(said.contains("--acme-eab-kid"), "{said}");
    drop(unbound);
    fs::write(site.around().join("eab.key"), format!("{KEY}\n")).expect("a key");
    let mut command = ordering(&site, place, &authority, &["a.example"]);
    let server = start(command.args(["--acme-eab-kid", "kid-1", "--acme-eab-key", "eab.key"]));
    wait_for_issue(&server, "a.example", 1);
}
