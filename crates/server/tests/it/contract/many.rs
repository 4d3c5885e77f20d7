//! Many files, each asked for once: names that come and go cost no memory for ever. `bench/million` has the figures.

use rustix::process::Signal;

use crate::harness::{Books, Protocol, SOON, Server, Site, Stdout, on_every_protocol, pss_kib};

on_every_protocol! {
    many_files_asked_for_once_are_all_counted_and_take_bounded_memory,
}

const FILES: u64 = 20_000;
const BATCH: u64 = 250;
/// More than the cache for files, of one megabyte here, and the tallies of these files take, and less than 20,000 of
/// anything that is a kilobyte.
const MEMORY_KIB: u64 = 40 * 1024;

fn many_files_asked_for_once_are_all_counted_and_take_bounded_memory(protocol: Protocol) {
    let site = Site::new();
    for file in 0..FILES {
        let path = site.path(format!("{}/{file}", file / 1_000));
        if file % 1_000 == 0 {
            std::fs::create_dir(path.parent().expect("a folder")).expect("a folder of the site");
            site.file(format!("{}/source", file / 1_000), "x");
        }
        std::fs::hard_link(site.path(format!("{}/source", file / 1_000)), path).expect("a name more");
    }
    let books = Books::of(&site);
    let mut command = books.server(&site);
    let mut server = Server::launch_over(
        protocol,
        &site,
        command.args(["--workers", "1", "--cache", "1M"]),
        Stdout::Followed,
    );
    let before = pss_kib(server.pid());
    let mut conn = server.connect();
    let batch = if protocol == Protocol::Http1 { BATCH } else { 1 };
    for begun in (0..FILES).step_by(batch as usize) {
        let files = begun..begun + batch;
        let head = |file| format!("GET /{}/{file} HTTP/1.1\r\nHost: a\r\n\r\n", file / 1_000);
        let heads: Vec<String> = files.clone().map(head).collect();
        conn.send(heads.concat());
        files.for_each(|_| assert_eq!(conn.answer().content, b"x"));
    }
    server.stdout().wait_for_deliveries(FILES as usize);
    let grown = pss_kib(server.pid()).saturating_sub(before);
    server.signal(Signal::TERM);
    assert!(server.wait_for_exit(SOON).success());
    let length = std::fs::metadata(&books.file).expect("the ledger").len();
    println!("{FILES} files: {grown} KiB more memory, {} bytes of ledger for each", length / FILES);
    assert!(grown < MEMORY_KIB, "{grown} KiB");
    assert!(length / FILES < 300, "{length} bytes");
    let counted = books.all();
    assert_eq!(counted.len() as u64, FILES);
    assert!(counted.values().all(|it| (it.requests, it.downloads, it.bytes) == (1, 1, 1)));
    books.check_laws();
}
