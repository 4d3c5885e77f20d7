//! Chromium: a page with all that belongs to it, by HTTP/1.1 and by HTTP/3, and a listing, without a word on its console.

use std::process::Command;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256;
use x509_parser::parse_x509_certificate;

use super::program::run;
use super::served::Served;
use crate::harness::{Identity, NAME, Site};

const PAGE: &str = r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>A page</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="style.css">
<p id="text">nothing ran</p>
<img id="image" src="image.svg" alt="">
<script type="module" src="script.mjs"></script>
</html>
"#;

/// Says in the page what the browser made of the others.
const SCRIPT: &str = r##"
const [text, image] = ["#text", "#image"].map((id) => document.querySelector(id));
await image.decode();
text.textContent = `colour ${getComputedStyle(text).color}, image ${image.naturalWidth} x ${image.naturalHeight}`;
"##;

const IMAGE: &str = r#"<svg xmlns="http://www.w3.org/2000/svg" width="30" height="20"></svg>"#;

/// The protocols by which the page and its parts came.
const PROTOCOLS: &str = r#"
const entries = ["navigation", "resource"].flatMap((kind) => performance.getEntriesByType(kind));
text.textContent += `, by ${[...new Set(entries.map((entry) => entry.nextHopProtocol))]}`;
"#;

/// The document at `path` after its scripts have run, and what came on the console.
fn open(served: &Served, path: &str) -> (String, Vec<String>) {
    open_with(served, &served.url(path), &[])
}

/// The same, of a whole address, with more flags.
fn open_with(served: &Served, url: &str, flags: &[String]) -> (String, Vec<String>) {
    let mut command: Command = served.client("chromium");
    command.args(flags).args([
        "--headless",
        // Some machines, and every container, leave no way to build a sandbox; the pages are ours.
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--no-proxy-server",
        "--disable-background-networking",
        "--disable-component-update",
        "--user-data-dir=profile",
        "--enable-logging=stderr",
        "--dump-dom",
        url,
    ]);
    let ended = run(&mut command).well();
    let console = ended.stderr.lines().filter(|line| line.contains("CONSOLE")).map(str::to_owned).collect();
    (ended.stdout, console)
}

#[test]
fn a_page_loads_with_all_that_belongs_to_it() {
    let site = Site::with(&[
        ("index.html", PAGE),
        ("style.css", "#text { color: rgb(1, 2, 3) }"),
        ("script.mjs", SCRIPT),
        ("image.svg", IMAGE),
        (
            "broken.html",
            "<!doctype html><title>Broken</title><link rel=icon href=data:,><script>missing()</script>",
        ),
    ]);
    let served = Served::start(site, &[]);
    let (document, console) = open(&served, "/");
    assert!(document.contains(">colour rgb(1, 2, 3), image 30 x 20<"), "{document}");
    assert_eq!(console, Vec::<String>::new());
    served.all_counted(4, "requests 1 full 1 completed 1 downloads 1");
    // What would be said if a script had failed.
    let (_, console) = open(&served, "/broken.html");
    assert!(console.iter().any(|line| line.contains("missing is not defined")), "{console:?}");
}

#[test]
fn a_page_loads_by_http_3_alone() {
    let script = format!("{SCRIPT}{PROTOCOLS}");
    let site = Site::with(&[
        ("index.html", PAGE),
        ("style.css", "#text { color: rgb(1, 2, 3) }"),
        ("script.mjs", &script),
        ("image.svg", IMAGE),
    ]);
    let identity = Identity::new(&site, "own", &[NAME]);
    let served = Served::start(site, &identity.flags());
    let port = served.server.tls_address().port();
    let (document, console) = open_with(
        &served,
        &format!("https://{NAME}:{port}/"),
        &[
            "--enable-quic".to_owned(),
            format!("--origin-to-force-quic-on={NAME}:{port}"),
            format!("--host-resolver-rules=MAP {NAME} 127.0.0.1"),
            format!("--ignore-certificate-errors-spki-list={}", fingerprint(&identity)),
        ],
    );
    assert!(document.contains(">colour rgb(1, 2, 3), image 30 x 20, by h3<"), "{document}");
    assert_eq!(console, Vec::<String>::new());
    served.all_counted(4, "requests 1 full 1 completed 1 downloads 1");
}

/// The hash of a certificate's public key, by which Chromium is told to trust it.
fn fingerprint(identity: &Identity) -> String {
    let certificate = identity.certificate();
    let (_, parsed) = parse_x509_certificate(&certificate).expect("a certificate");
    let sha_256 = TLS13_AES_128_GCM_SHA256.tls13().expect("a suite of TLS 1.3").common.hash_provider;
    BASE64_STANDARD.encode(sha_256.hash(parsed.public_key().raw).as_ref())
}

#[test]
fn a_listing_is_a_page_without_a_fault() {
    let site = Site::with(&[("a & <b>.txt", "text"), ("größe #1/f", ""), ("it's \"so\"", "")]);
    let served = Served::start(site, &[]);
    let (document, console) = open(&served, "/");
    assert_eq!(console, Vec::<String>::new());
    for name in ["a &amp; &lt;b&gt;.txt", "größe #1", "it's \"so\""] {
        assert!(document.contains(&format!("<bdi>{name}</bdi>")), "{name} in {document}");
    }
    served.all_counted(0, "");
}
