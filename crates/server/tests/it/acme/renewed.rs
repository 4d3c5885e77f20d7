//! The next certificate: in time, and without anybody noticing.

use std::time::Duration;

use super::authority::{Authority, Habits, Place, USUAL};
use super::secure::{Secure, Trust};
use super::served::{ordering, secured, serial, start, wait_for_issue};
use crate::harness::{SOON, Site, noise};

/// How long certificates are valid here. The next comes when two thirds of it are over.
const VALIDITY: Duration = Duration::from_secs(12);

#[test]
fn a_certificate_is_renewed_before_it_expires_and_no_connection_is_dropped() {
    let content = noise(8 * 1024 * 1024, 1);
    let site = Site::with(&[("large", &content), ("f", &b"content".to_vec())]);
    let place = Place::new();
    let habits = Habits { validity_s: VALIDITY.as_secs() as u32, ..USUAL };
    let authority = Authority::start(place, site.around(), habits);
    let server = start(&mut ordering(&site, place, &authority, &["a.example"]));
    wait_for_issue(&server, "a.example", 1);

    let mut transfer = Secure::connect(secured(place), "a.example", &Trust::Anybody).expect("a handshake");
    let first = transfer.serial();
    transfer.ask("/large");
    let mut received = transfer.take(64 * 1024);

    server.stderr().wait_within(VALIDITY + SOON, "the second certificate", |lines| {
        let is_issue = |line: &&String| line.contains("certificate for a.example was issued");
        (lines.iter().filter(is_issue).count() >= 2).then_some(())
    });
    assert_ne!(serial(place, "a.example"), first);
    received.extend(transfer.rest());
    assert!(received.ends_with(&content), "the transfer goes on to its end");
    assert_eq!(server.fetch("/f").content, b"content");
}
