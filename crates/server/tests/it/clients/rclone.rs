//! `rclone`: a tree over its `http` remote, which it finds by reading listings.

use std::process::Command;

use super::program::run;
use super::served::{Served, tree};
use crate::harness::{Site, noise};

/// More than a listing shows to a browser on one page.
const MANY: usize = 1_200;

fn rclone(served: &Served, arguments: &[&str]) -> Command {
    let mut command = served.client("rclone");
    command.args([
        "--config=",
        "--retries=1",
        "--http-url",
        &served.url("/"),
        "--transfers=8",
        "--checkers=8",
    ]);
    command.args(arguments);
    command
}

#[test]
fn a_tree_is_copied_and_checked() {
    let site = Site::new();
    for number in 0..MANY {
        site.file(format!("many/{number:04}.txt"), format!("{number}"));
    }
    for (number, name) in
        ["two words", "#hash", "what?", "50% off", "per%20cent", "it's \"so\"", "größe", "a&b+c;d"]
            .iter()
            .enumerate()
    {
        site.file(format!("{name}.d/{name}"), noise(50_000, number as u64));
    }
    let expect = tree(&site.root());
    let served = Served::start(site, &[]);
    run(&mut rclone(&served, &["copy", ":http:", "copied"])).well();
    let found = tree(&served.downloads().join("copied"));
    assert_eq!(found.len(), expect.len());
    assert!(found == expect, "the copy differs");
    served.all_counted(expect.len(), "requests 2 head 1 full 1 completed 1 downloads 1");
    // By size and by content; nothing differs, and nothing is missing on either side.
    for (options, downloads) in
        [(&["check", ":http:", "copied"][..], 1), (&["check", "--download", ":http:", "copied"], 2)]
    {
        let ended = run(&mut rclone(&served, options)).well();
        assert!(ended.stderr.contains(" 0 differences found"), "{ended:?}");
        assert!(ended.stderr.contains(&format!(" {} matching files", expect.len())), "{ended:?}");
        served.downloaded("/many/0000.txt", downloads);
        served.downloaded("/it's \"so\".d/it's \"so\"", downloads);
    }
}
