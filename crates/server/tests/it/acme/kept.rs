//! What outlives a run: the account, the certificates, and who may read them.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use rustix::process::Signal;

use super::authority::{Authority, Place, USUAL};
use super::served::{ordering, serial, start, wait_for_issue};
use crate::harness::{SOON, Server, Site};
use crate::startup::check;

/// The files of the one authority: their names, modes and contents.
fn kept(site: &Site) -> BTreeMap<String, (u32, Vec<u8>)> {
    let folder = folder(site);
    let files = fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("an entry").path());
    files
        .map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            let mode = fs::metadata(&path).expect("it is there").permissions().mode() & 0o7777;
            (name, (mode, fs::read(path).expect("it can be read")))
        })
        .collect()
}

fn folder(site: &Site) -> PathBuf {
    let around = site.around().join("state/tallyd/acme");
    let mut folders = fs::read_dir(around).expect("the folder").map(|entry| entry.expect("an entry").path());
    let folder = folders.next().expect("the folder of an authority");
    assert_eq!(folders.next(), None);
    folder
}

fn end(mut server: Server) {
    server.signal(Signal::TERM);
    assert!(server.wait_for_exit(SOON).success());
}

#[test]
fn the_next_run_needs_no_order_and_no_account() {
    let site = Site::new();
    let place = Place::new();
    let authority = Authority::start(place, site.around(), USUAL);
    let server = start(&mut ordering(&site, place, &authority, &["a.example"]));
    wait_for_issue(&server, "a.example", 1);
    let first = serial(place, "a.example");
    end(server);
    let before = kept(&site);
    let modes: Vec<_> = before.iter().map(|(name, (mode, _))| (name.as_str(), *mode)).collect();
    assert_eq!(modes, [("a.example.pem", 0o600), ("account.json", 0o600), ("lock", 0o600)]);
    assert_eq!(fs::metadata(folder(&site)).expect("ours").permissions().mode() & 0o7777, 0o700);

    // Another name makes the server work through its names, and the first has nothing to order.
    let server = start(&mut ordering(&site, place, &authority, &["a.example", "b.example"]));
    assert_eq!(serial(place, "a.example"), first, "it is there from the first handshake on");
    wait_for_issue(&server, "b.example", 1);
    assert_eq!(authority.orders(), 2);
    assert!(
        !server.stderr().all().iter().any(|line| line.contains("account")),
        "{:#?}",
        server.stderr().all()
    );
    end(server);
    let after = kept(&site);
    assert_eq!(after.get("account.json"), before.get("account.json"));
    assert_eq!(after.get("a.example.pem"), before.get("a.example.pem"));
}

#[test]
fn what_is_damaged_is_ordered_anew() {
    let site = Site::new();
    let place = Place::new();
    let authority = Authority::start(place, site.around(), USUAL);
    let server = start(&mut ordering(&site, place, &authority, &["a.example"]));
    wait_for_issue(&server, "a.example", 1);
    end(server);
    for name in ["a.example.pem", "account.json"] {
        fs::write(folder(&site).join(name), "no such thing").expect("ours");
    }
    let server = start(&mut ordering(&site, place, &authority, &["a.example"]));
    wait_for_issue(&server, "a.example", 1);
    let said = server.stderr().all().join("\n");
    assert!(said.contains("the certificate that was kept for a.example has no private key in it"), "{said}");
    assert!(said.contains("account.old.json"), "{said}");
}

#[test]
fn an_authority_that_has_forgotten_the_account_gets_another() {
    let site = Site::new();
    let place = Place::new();
    let authority = Authority::start(place, site.around(), USUAL);
    let server = start(&mut ordering(&site, place, &authority, &["a.example"]));
    wait_for_issue(&server, "a.example", 1);
    end(server);
    drop(authority);
    let authority = Authority::start(place, site.around(), USUAL);
    let server = start(&mut ordering(&site, place, &authority, &["b.example"]));
    wait_for_issue(&server, "b.example", 1);
    assert!(kept(&site).contains_key("account.old.json"));
}

#[test]
fn one_server_owns_the_folder() {
    let site = Site::new();
    let place = Place::new();
    let authority = Authority::start(place, site.around(), USUAL);
    let _server = start(&mut ordering(&site, place, &authority, &["a.example"]));
    let mut second = ordering(&site, Place::new(), &authority, &["a.example"]);
    check(second.args(["--ledger", "none"]), 1, &["another server", "--acme-state"]);
}
