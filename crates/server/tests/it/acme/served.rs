//! A site whose certificates are ordered, with the authority and the server.

use std::net::{SocketAddr, SocketAddrV4};
use std::process::Command;

use super::authority::{Authority, Place};
use super::secure::{Secure, Trust};
use crate::harness::{Server, Site, Stdout};

/// The command that serves the site at this place and orders certificates for these names.
pub(super) fn ordering(site: &Site, place: Place, authority: &Authority, names: &[&str]) -> Command {
    let mut command = serving(site, place);
    command.args(authority.flags()).args(names.iter().flat_map(|name| ["--acme", name]));
    command
}

/// The command that serves the site at this place.
pub(super) fn serving(site: &Site, place: Place) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tallyd"));
    command.arg(site.root()).args(["--bind", &place.ip.to_string()]);
    command.args(["--port", &place.plain.to_string(), "--tls-port", &place.tls.to_string()]);
    command.env("XDG_STATE_HOME", site.around().join("state")).env_remove("STATE_DIRECTORY");
    command.current_dir(site.around());
    command
}

pub(super) fn start(command: &mut Command) -> Server {
    Server::launch(command, Stdout::Followed)
}

/// Waits until this was issued so many times, and says how the name was proven the last time.
pub(super) fn wait_for_issue(server: &Server, name: &str, count: usize) -> String {
    let beginning = format!("tallyd: the certificate for {name} was issued (");
    server.stderr().wait_for(&beginning, |lines| {
        let mut issues = lines.iter().filter_map(|line| line.strip_prefix(&beginning));
        Some(issues.nth(count - 1)?.split_once(')')?.0.to_owned())
    })
}

/// Where the site is served over TLS.
pub(super) fn secured(place: Place) -> SocketAddr {
    SocketAddrV4::new(place.ip, place.tls).into()
}

/// The serial number of the certificate that whoever asks for this name is shown.
pub(super) fn serial(place: Place, name: &str) -> String {
    Secure::connect(secured(place), name, &Trust::Anybody).expect("a handshake").serial()
}

/// The root of what the authority issues, in PEM.
pub(super) fn root(authority: &Authority) -> Vec<u8> {
    let (address, trusted) = authority.management();
    let trusted = std::fs::read(trusted).expect("the authority's root");
    let name = address.ip().to_string();
    let asked = Secure::connect(address, &name, &Trust::Root(&trusted)).expect("the authority answers");
    asked.fetch("/roots/0")
}
