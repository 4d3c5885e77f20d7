//! `wget`: resuming, and whole trees.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use super::program::run;
use super::served::{Served, tree};
use crate::harness::{Site, noise};

const LENGTH: usize = 5_000_003;

fn wget(served: &Served, arguments: &[&str]) -> Command {
    let mut command = served.client("wget");
    command.args(["--no-config", "--no-verbose", "--no-proxy", "--tries=1", "--no-hsts"]).args(arguments);
    command
}

#[test]
fn a_resumed_download_is_whole_also_when_the_file_has_grown() {
    let long = noise(2 * LENGTH, 1);
    let served = Served::with_file("f", &long[..LENGTH]);
    served.leave("f", &long[..1_000_000]);
    let url = served.url("/f");
    run(&mut wget(&served, &["--continue", &url])).well();
    assert!(served.saved("f") == long[..LENGTH]);
    let first = served.counted("/f", "requests 1 partial 1 completed 1");
    assert_eq!(first.bytes, (LENGTH - 1_000_000) as u64);
    // Nothing is left to get.
    run(&mut wget(&served, &["--continue", &url])).well();
    assert!(served.saved("f") == long[..LENGTH]);
    served.counted("/f", "requests 1 partial 1 completed 1");
    // As a log grows.
    served.replace("f", &long, 2);
    run(&mut wget(&served, &["--continue", &url])).well();
    assert!(served.saved("f") == long);
    served.counted("/f", "requests 2 partial 2 completed 2");
}

#[test]
fn a_resumed_download_of_a_changed_file_starts_anew() {
    let (old, new) = (noise(LENGTH, 1), noise(LENGTH, 2));
    let served = Served::with_file("f", &old);
    let url = served.url("/f");
    run(&mut wget(&served, &[&url])).well();
    served.counted("/f", "requests 1 full 1 completed 1 downloads 1");
    // A cut download, as old as its version: wget dates a file when it has ended.
    let modified = fs::metadata(served.site.path("f")).and_then(|it| it.modified()).expect("our file");
    let path = served.leave("f", &old[..1_000_000]);
    let file = fs::File::options().append(true).open(path).expect("a file");
    file.set_modified(modified).expect("a modification time");
    served.replace("f", &new, 2);
    // A bare `--continue` sends no condition, so no server could tell; with time-stamping, wget asks first.
    let options = ["--continue", "--timestamping", "--no-if-modified-since", &url];
    run(&mut wget(&served, &options)).well();
    assert!(served.saved("f") == new, "versions are mixed");
    served.counted("/f", "requests 3 head 1 full 2 completed 2 downloads 2");
    run(&mut wget(&served, &options)).well();
    assert!(served.saved("f") == new);
    served.counted("/f", "requests 4 head 2 full 2 completed 2 downloads 2");
}

/// Names that mean something to a shell, to HTML, to an address or to a terminal.
const HOSTILE: [&str; 27] = [
    "plain.txt",
    "two words",
    "#hash",
    "what?",
    "what?a=b&c=d",
    "50% off",
    "100%",
    "per%20cent",
    "%41",
    "%",
    "\"double\"",
    "it's",
    "a&b",
    "a&amp;b",
    "<b>bold",
    "a+b",
    "größe-日本.txt",
    "semi;colon",
    "co:lon",
    "back\\slash",
    "~home",
    "=equal",
    "[brackets]",
    "*star",
    "$dollar",
    "@at",
    "a,b!(c)",
];

#[test]
fn a_tree_with_hostile_names_is_copied_whole() {
    let site = Site::new();
    for (number, name) in HOSTILE.iter().enumerate() {
        let content = noise(500 + number, number as u64);
        site.file(name, &content);
        site.file(format!("a b#c?d%e\"'&é<i>/{name}"), &content);
        site.file(format!("{name}.d/inner {name}"), &content);
    }
    let expect: BTreeMap<Vec<u8>, Vec<u8>> =
        tree(&site.root()).into_iter().map(|(name, content)| (as_wget_saves(&name), content)).collect();
    let served = Served::start(site, &[]);
    let options = ["--recursive", "--level=inf", "--no-parent", "--no-host-directories", "--no-iri"];
    let root = served.url("/");
    let ended = run(wget(&served, &options).args([
        "--execute",
        "robots=off",
        "--restrict-file-names=nocontrol",
        &root,
    ]));
    ended.well();
    let mut found = tree(&served.downloads());
    // A listing is saved as the page of its folder.
    found.retain(|name, _| !name.ends_with(b"index.html"));
    let names = |tree: &BTreeMap<Vec<u8>, Vec<u8>>| -> Vec<String> {
        tree.keys().map(|name| String::from_utf8_lossy(name).into_owned()).collect()
    };
    assert_eq!(names(&found), names(&expect));
    assert!(found == expect, "contents differ");
    served.all_counted(3 * HOSTILE.len(), "requests 1 full 1 completed 1 downloads 1");
}

/// What wget 1.21 makes of a path: it asks for the right address, and then decodes the file's name once more.
fn as_wget_saves(path: &[u8]) -> Vec<u8> {
    let name_at = path.iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
    let (folder, name) = path.split_at(name_at);
    [folder, &decoded(name)].concat()
}

fn decoded(name: &[u8]) -> Vec<u8> {
    let hexadecimal = |digit: u8| char::from(digit).to_digit(16).map(|value| value as u8);
    let mut text = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((&byte, after)) = rest.split_first() {
        let escaped = match *after {
            [high, low, ..] if byte == b'%' => hexadecimal(high).zip(hexadecimal(low)),
            _ => None,
        };
        let (byte, length) = escaped.map_or((byte, 1), |(high, low)| (high << 4 | low, 3));
        text.push(byte);
        rest = &rest[length..];
    }
    text
}
