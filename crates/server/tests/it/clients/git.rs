//! `git clone` from a bare repository that is nothing but files (gitprotocol-http(5), dumb clients).

use std::fs;
use std::path::Path;
use std::process::Command;

use super::program::{Ended, command, run};
use super::served::{Served, tree};
use crate::harness::{Site, noise};

fn git(folder: &Path, arguments: &[&str]) -> Ended {
    let mut command: Command = command("git", folder);
    command
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_TERMINAL_PROMPT", "0");
    for role in ["AUTHOR", "COMMITTER"] {
        command
            .env(format!("GIT_{role}_NAME"), "Nobody")
            .env(format!("GIT_{role}_EMAIL"), "nobody@example.org");
    }
    run(command.args(arguments)).well()
}

fn commit(source: &Path, name: &str, content: &[u8]) {
    fs::write(source.join(name), content).expect("a file");
    git(source, &["add", "."]);
    git(source, &["commit", "--quiet", "--message", name]);
}

/// Every file of a work tree, without git's own.
fn work_tree(folder: &Path) -> Vec<(Vec<u8>, Vec<u8>)> {
    tree(folder).into_iter().filter(|(name, _)| !name.starts_with(b".git/")).collect()
}

#[test]
fn a_repository_is_cloned_and_pulled_from() {
    let site = Site::new();
    let source = site.around().join("source");
    fs::create_dir(&source).expect("a folder");
    git(&source, &["init", "--quiet", "--initial-branch=main"]);
    commit(&source, "first", &noise(200_000, 1));
    commit(&source, "größe #2?", b"second");
    let bare = site.path("project.git");
    let bare_name = bare.to_str().expect("a name in UTF-8");
    git(site.around(), &["clone", "--quiet", "--bare", "source", bare_name]);
    git(&bare, &["repack", "-a", "-d", "--quiet"]);
    git(&bare, &["update-server-info"]);
    let served = Served::start(site, &[]);
    git(&served.downloads(), &["clone", "--quiet", &served.url("/project.git"), "clone"]);
    let clone = served.downloads().join("clone");
    assert_eq!(work_tree(&clone), work_tree(&source));
    served.downloaded("/project.git/info/refs", 1);
    let packs = || tree(&served.site.path("project.git/objects/pack"));
    let pack = packs().into_keys().find(|name| name.ends_with(b".pack")).expect("a pack");
    let pack = format!("/project.git/objects/pack/{}", String::from_utf8(pack).expect("an ASCII name"));
    served.counted(&pack, "requests 1 full 1 completed 1 downloads 1");
    // What is new comes as loose objects, and the pack is not fetched again.
    commit(&source, "third", b"third");
    git(&source, &["push", "--quiet", bare_name, "main"]);
    git(&bare, &["update-server-info"]);
    git(&clone, &["pull", "--quiet", "--ff-only"]);
    assert_eq!(work_tree(&clone), work_tree(&source));
    git(&clone, &["fsck", "--full", "--strict"]);
    served.downloaded("/project.git/info/refs", 2);
    served.counted(&pack, "requests 1 full 1 completed 1 downloads 1");
}
