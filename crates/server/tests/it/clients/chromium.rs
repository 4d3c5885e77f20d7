//! Chromium: a page with all that belongs to it, and a listing, without a word on its console.

use std::process::Command;

use super::program::run;
use super::served::Served;
use crate::harness::Site;

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

/// The document at `path` after its scripts have run, and what came on the console.
fn open(served: &Served, path: &str) -> (String, Vec<String>) {
    let mut command: Command = served.client("chromium");
    command.args([
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
        &served.url(path),
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
