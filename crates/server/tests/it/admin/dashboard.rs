//! The dashboard in a browser: what it shows of transfers, files and trouble, by hand and by key.
//!
//! Downloads are seen on every protocol; what else a browser does with the page does not depend on who is served.

use std::net::SocketAddr;

use super::browser::Browser;
use super::visitor::Visitor;
use crate::harness::{Protocol, Server, Site, noise, on_every_protocol, percent_encode};

on_every_protocol! {
    a_slow_download_is_seen_to_move_to_its_end_and_to_count,
}

/// More files than a page of them holds.
const FILES: usize = 60;

/// A name that would do harm if it were markup.
const HOSTILE: &str = "<img src=x onerror=document.title='harmed'>.txt";

/// A browser that has the dashboard of a server open, and the feed under way.
fn open(site: &Site, server: &Server) -> (Browser, SocketAddr) {
    let Visitor(address) = Visitor::of(server);
    let mut browser = Browser::start(site);
    browser.open(&format!("http://{address}/"));
    browser.wait_for("document.getElementById('state')?.dataset.state === 'live'");
    (browser, address)
}

#[track_caller]
fn check_manners(browser: &mut Browser, address: SocketAddr) {
    assert_eq!(browser.faults(), Vec::<String>::new());
    let (own, own_image) = (format!("http://{address}/"), "data:");
    let addresses = browser.addresses();
    assert!(addresses.len() > 20, "the page is made of files: {addresses:?}");
    for asked in addresses {
        assert!(asked.starts_with(&own) || asked.starts_with(own_image), "{asked}");
    }
}

fn a_slow_download_is_seen_to_move_to_its_end_and_to_count(protocol: Protocol) {
    let content = noise(32 << 20, 1);
    let site = Site::with(&[("large.bin", &content[..])]);
    let server = Server::start_over(protocol, &site, &["--workers", "1"]);
    let (mut browser, address) = open(&site, &server);
    browser.wait_for("document.querySelector('#in-flight .empty').checkVisibility()");

    let mut client = server.connect_with_small_window();
    client.send("GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n");
    client.next_head().expect("an answer");
    client.take(4 << 20);
    let progress = "document.querySelector('#in-flight progress')";
    browser.wait_for(&format!("{progress}?.value >= {}", 4 << 20));
    assert_eq!(browser.value(&format!("{progress}.max")), content.len());
    client.take(12 << 20);
    browser.wait_for(&format!("{progress}?.value >= {}", 16 << 20));
    assert_eq!(browser.value("document.querySelector('#in-flight td.client').textContent"), {
        format!("127.0.0.1:{}", client.port())
    });

    client.take(content.len() - (16 << 20));
    client.acknowledge();
    browser.wait_for("document.querySelectorAll('#in-flight tbody tr').length === 0");
    browser.wait_for("document.querySelector('.tiles .figure').textContent === '1'");
    browser.wait_for("document.querySelector('#deliveries tbody .badge').textContent === '200'");
    browser.wait_for(
        "document.querySelector('#busiest .bars path:last-child')?.getAttribute('d').startsWith('M')",
    );
    browser.wait_for("document.querySelector('#traffic .line').getAttribute('d').includes('L')");

    browser.value("document.querySelector('#busiest a.path').click()");
    browser.wait_for("document.querySelector('h1').textContent === '/large.bin'");
    browser.wait_for("document.querySelector('.tiles .figure').textContent === '1'");
    browser.wait_for("document.querySelector('.legend').textContent.startsWith('1 completed')");
    browser.wait_for("document.querySelector('.plot .line').getAttribute('d').includes('L')");
    check_manners(&mut browser, address);
}

#[test]
fn files_are_searched_sorted_paged_and_opened_by_key() {
    let site = Site::new();
    let server = Server::start(&site, &[]);
    let mut client = server.connect();
    let names: Vec<String> = (0..FILES).map(|number| format!("file-{number:02}.txt")).collect();
    for name in names.iter().map(String::as_str).chain([HOSTILE, "file-07.txt"]) {
        site.file(name, "x");
        assert_eq!(client.get(&format!("/{}", percent_encode(name.as_bytes()))).status, 200);
    }
    let (mut browser, address) = open(&site, &server);
    let names = "[...document.querySelectorAll('main tbody a.path')].map((it) => it.textContent)";

    browser.value("document.getElementById('to-files').click()");
    browser.wait_for(&format!("({names}).length === 50 && ({names})[0] === '/file-07.txt'"));
    browser.value("document.querySelector('[data-sort=path]').focus()");
    browser.press("Enter");
    browser.wait_for(&format!("({names})[0].startsWith('/<img')"));
    browser.wait_for("document.querySelector('th[aria-sort=ascending] [data-sort=path]')");
    browser.wait_for("document.activeElement.dataset.sort === 'path'");
    browser.value("document.querySelector('[data-page=next]').click()");
    browser
        .wait_for(&format!("({names}).length === {} && ({names}).at(-1) === '/file-59.txt'", FILES + 1 - 50));

    browser.press("/");
    browser.wait_for("document.activeElement.id === 'q'");
    browser.write("FILE-0");
    browser.wait_for(&format!("({names}).length === 10 && ({names})[3] === '/file-03.txt'"));
    browser.wait_for("document.getElementById('announcement').textContent === '10 files found'");
    for key in ["ArrowDown", "ArrowDown", "ArrowDown", "ArrowUp", "Enter"] {
        browser.press(key);
    }
    browser.wait_for("document.querySelector('h1').textContent === '/file-01.txt'");
    browser.press("Escape");
    browser.wait_for(&format!("({names}).length === 10"));
    browser.press("Escape");
    browser.wait_for(&format!("({names}).length === 50"));

    browser.press("/");
    browser.write("onerror");
    browser.wait_for(&format!("({names}).join() === '/{}'", HOSTILE.replace('\'', "\\'")));
    browser.press("Enter");
    browser.press("Enter");
    browser.wait_for("document.querySelector('h1').textContent.includes('onerror')");
    assert_eq!(browser.value("document.querySelector('main img')"), serde_json::Value::Null);
    check_manners(&mut browser, address);
}

#[test]
fn a_restart_of_the_server_is_survived() {
    let site = Site::with(&[("a.txt", "a")]);
    let server = Server::start(&site, &[]);
    assert_eq!(server.fetch("/a.txt").status, 200);
    let (mut browser, address) = open(&site, &server);
    check_manners(&mut browser, address);
    drop(server);
    browser.wait_for("document.getElementById('state').dataset.state === 'waiting'");
    assert_eq!(browser.value("document.getElementById('state-text').textContent"), "Reconnecting");

    let server = Server::start(&site, &["--admin", &address.to_string()]);
    browser.wait_for("document.getElementById('state').dataset.state === 'live'");
    assert_eq!(server.fetch("/a.txt").status, 200);
    browser.wait_for("document.querySelectorAll('.tiles .figure')[1].textContent === '2'");
}
