//! `aria2c`: one file over eight connections, and what remains of that when it is killed.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

use super::program::{Program, run};
use super::served::Served;
use crate::harness::{SOON, eventually, noise};

const LENGTH: usize = 30_000_001;

/// The length of a file whose download is killed: more than eight connections hold in their receive buffers, some 6 MB
/// each, because what the client's system has taken in counts as received.
const LONG: usize = 120_000_001;

/// How much of it was written before that: two seconds' worth.
const WRITTEN: u64 = 16_000_000;

/// Eight pieces at a time, of the smallest size that aria2 makes.
fn aria2(served: &Served, arguments: &[&str]) -> Command {
    let mut command = served.client("aria2c");
    command
        .args(["--no-conf", "--quiet", "-x8", "-s8", "--min-split-size=1M", "--file-allocation=none"])
        .args(["--max-tries=1", "--all-proxy=", "--disable-ipv6", "--dht-file-path=dht"])
        .args(arguments);
    command
}

#[test]
fn eight_connections_make_one_download() {
    let content = noise(LENGTH, 1);
    let served = Served::with_file("f", &content);
    run(&mut aria2(&served, &[&served.url("/f")])).well();
    assert!(served.saved("f") == content);
    let counted = served.downloaded("/f", 1);
    println!("eight connections: {counted:?}");
    assert!(counted.requests >= 8 && counted.partial >= 7, "{counted:?}");
}

/// A download of `f` that was killed midway: its file and aria2's own notes on it are left.
fn killed_midway(served: &Served) {
    let url = served.url("/f");
    let slowly = ["--auto-save-interval=1", "--max-overall-download-limit=8M", &url];
    let client = Program::start(&mut aria2(served, &slowly));
    let (file, notes) = (served.downloads().join("f"), served.downloads().join("f.aria2"));
    // Of the file, which has gaps, only what was written takes room; by then the notes tell of half of it.
    eventually("aria2 has written something and taken notes", SOON, || {
        let written = fs::metadata(&file).map_or(0, |found| found.blocks() * 512);
        (written > WRITTEN && notes.exists()).then_some(())
    });
    client.kill();
    let cut = served.downloaded("/f", 0);
    assert!(cut.aborted > 0, "{cut:?}");
}

#[test]
fn a_killed_download_is_resumed_and_counts_once() {
    let content = noise(LONG, 1);
    let served = Served::with_file("f", &content);
    killed_midway(&served);
    let before = served.tally("/f");
    run(&mut aria2(&served, &[&served.url("/f")])).well();
    assert!(served.saved("f") == content);
    let counted = served.downloaded("/f", 1);
    println!("killed, then resumed: {before:?}, then {counted:?}");
    assert!(counted.bytes < before.bytes + LONG as u64 - WRITTEN / 4, "it began anew: {counted:?}");
}

#[test]
fn a_killed_download_of_a_changed_file_never_mixes_versions() {
    let (old, new) = (noise(LONG, 1), noise(LONG, 2));
    let served = Served::with_file("f", &old);
    killed_midway(&served);
    let kept = served.saved("f");
    // aria2 sends no condition. It compares the lengths...
    served.replace("f", &new[1..], 2);
    assert!(!run(&mut aria2(&served, &[&served.url("/f")])).status.success());
    assert!(served.saved("f") == kept);
    // ... and begins anew when it is told to.
    let anew = ["--remove-control-file", "--allow-overwrite", &served.url("/f")];
    run(&mut aria2(&served, &anew)).well();
    assert!(served.saved("f") == new[1..]);
    served.downloaded("/f", 1);
}
