//! aioquic, which shares no code with what serves here.

use std::fs;

use super::program::run;
use super::python;
use crate::harness::{Books, Identity, NAME, Server, Site, Stdout, noise};

#[test]
fn aioquic_fetches_files_over_http_3() {
    let files = [("small", noise(1024, 1)), ("middle", noise(300_000, 2)), ("large", noise(5_000_003, 3))];
    let site = Site::with(&files);
    let identity = Identity::new(&site, "own", &[NAME]);
    let books = Books::of(&site);
    let server = Server::launch(books.server(&site).args(identity.flags()), Stdout::Followed);
    let address = server.tls_address();
    let fetched = site.around().join("fetched");
    fs::create_dir(&fetched).expect("a folder");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/clients/aioquic_fetch.py");
    let mut command = python::command(python::PYTHON, site.around());
    command.arg(script).arg(address.ip().to_string()).arg(address.port().to_string());
    command.arg(&identity.chain).arg(&fetched).args(["/small", "/large", "/middle", "/none"]);
    let told = run(&mut command).well().stdout;
    assert_eq!(told, "200 /small\n200 /large\n200 /middle\n404 /none\n");
    for (name, content) in &files {
        assert!(fs::read(fetched.join(name)).expect("a fetched file") == *content, "{name}");
        let tally = books.wait_for(&format!("/{name}"), "a download", |tally| tally.downloads == 1);
        assert_eq!((tally.requests, tally.completed, tally.bytes), (1, 1, content.len() as u64), "{name}");
    }
    books.check_laws();
}
