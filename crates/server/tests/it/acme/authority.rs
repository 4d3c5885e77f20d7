//! Pebble, with certificates and a place of its own, ended with its test.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SanType};
use serde_json::json;

use super::names::Names;
use crate::harness::{Lines, SOON, eventually};

/// An address of the loopback interface that no other test uses, and ports on it that were free a moment ago: an authority
/// must know the ports of the server before there is one, and cannot be asked for its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) ip: Ipv4Addr,
    /// Where an authority comes to for HTTP-01.
    pub(super) plain: u16,
    /// Where it comes to for TLS-ALPN-01.
    pub(super) tls: u16,
    directory: u16,
    management: u16,
}

/// What differs between authorities.
#[derive(Clone, Copy, Debug)]
pub(super) struct Habits {
    /// How long certificates are valid, in seconds.
    pub(super) validity_s: u32,
    /// How many of a hundred requests are refused for a reason that the next has not.
    pub(super) refusals: u8,
    /// What accounts must be bound by: an identifier and its key.
    pub(super) binding: Option<(&'static str, &'static str)>,
}

/// Certificates for longer than any test takes, and no whims.
pub(super) const USUAL: Habits = Habits { validity_s: 90 * 24 * 60 * 60, refusals: 0, binding: None };

/// A name for which nothing is issued.
pub(super) const BLOCKED: &str = "blocked.example";

/// A running Pebble. It forgets everything when it ends.
pub(super) struct Authority {
    child: Child,
    said: Lines,
    place: Place,
    folder: PathBuf,
    _names: Names,
}

impl Place {
    pub(super) fn new() -> Place {
        static TAKEN: AtomicU8 = AtomicU8::new(0);
        // 127.64.0.0/10 in parts: a number in this process, and what tells processes apart for long enough.
        let [.., high, low] = std::process::id().to_be_bytes();
        let ip = Ipv4Addr::new(127, 64 + TAKEN.fetch_add(1, Ordering::Relaxed) % 64, high, low.max(1));
        // They are free at the same time, so that they are different ones.
        let listeners = [(); 4].map(|()| TcpListener::bind((ip, 0)).expect("a free port"));
        let [plain, tls, directory, management] =
            listeners.map(|listener| listener.local_addr().expect("it is bound").port());
        Place { ip, plain, tls, directory, management }
    }

    /// The same ports on the address of another place, where nobody listens on them.
    pub(super) fn at(self, other: Place) -> Place {
        Place { ip: other.ip, ..self }
    }
}

impl Authority {
    /// Starts one at this place that keeps its files in `folder`.
    pub(super) fn start(place: Place, folder: &Path, habits: Habits) -> Authority {
        let folder = folder.join("authority");
        if !folder.exists() {
            fs::create_dir(&folder).expect("a folder for the authority");
            make_certificates(&folder, place.ip);
        }
        let at = |port| SocketAddrV4::new(place.ip, port).to_string();
        let config = json!({"pebble": {
            "listenAddress": at(place.directory),
            "managementListenAddress": at(place.management),
            "certificate": folder.join("cert.pem"),
            "privateKey": folder.join("key.pem"),
            "httpPort": place.plain,
            "tlsPort": place.tls,
            "domainBlocklist": [BLOCKED],
            "certificateValidityPeriod": habits.validity_s,
            "externalAccountBindingRequired": habits.binding.is_some(),
            "externalAccountMACKeys": habits.binding.into_iter().collect::<BTreeMap<_, _>>(),
        }});
        fs::write(folder.join("config.json"), config.to_string()).expect("a configuration");
        let names = Names::leading_to(place.ip);
        let mut child = Command::new("pebble")
            .arg("-config")
            .arg(folder.join("config.json"))
            .args(["-dnsserver", &names.address.to_string()])
            // It asks for proof at once, and for a new one for each order.
            .env("PEBBLE_VA_NOSLEEP", "1")
            .env("PEBBLE_AUTHZREUSE", "0")
            .env("PEBBLE_WFE_NONCEREJECT", habits.refusals.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("pebble can be started: ./check installs what the tests run");
        let said = Lines::follow(child.stdout.take().expect("a piped stdout"));
        let authority = Authority { child, said, place, folder, _names: names };
        for port in [place.directory, place.management] {
            eventually("the authority listens", SOON, || TcpStream::connect((place.ip, port)).ok());
        }
        authority
    }

    /// The flags of a server that orders from it.
    pub(super) fn flags(&self) -> Vec<String> {
        let directory = format!("https://{}:{}/dir", self.place.ip, self.place.directory);
        let root = self.folder.join("ca.pem").to_str().expect("a path in UTF-8").to_owned();
        ["--acme-directory", &directory, "--acme-ca", &root].map(str::to_owned).to_vec()
    }

    /// Where it shows the root of what it issues, and the certificate that this is trusted by.
    pub(super) fn management(&self) -> (SocketAddr, PathBuf) {
        (SocketAddrV4::new(self.place.ip, self.place.management).into(), self.folder.join("ca.pem"))
    }

    /// How many orders have come.
    pub(super) fn orders(&self) -> usize {
        self.said.all().iter().filter(|line| line.contains("Added order ")).count()
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        // It is ours to end; whether it still runs makes no difference.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What its own connections are secured with: a certificate for its address, and the root by which that is trusted.
fn make_certificates(folder: &Path, ip: Ipv4Addr) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_key = KeyPair::generate().expect("random numbers");
    let ca = params.self_signed(&ca_key).expect("a root");
    let issuer = Issuer::new(params, ca_key);
    let mut params = CertificateParams::default();
    params.subject_alt_names = vec![SanType::IpAddress(ip.into())];
    let key = KeyPair::generate().expect("random numbers");
    let certificate = params.signed_by(&key, &issuer).expect("a certificate");
    for (name, text) in
        [("ca.pem", ca.pem()), ("cert.pem", certificate.pem()), ("key.pem", key.serialize_pem())]
    {
        fs::write(folder.join(name), text).expect("a file of the authority");
    }
}
