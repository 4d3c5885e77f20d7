//! `apt-get`: a repository of Debian packages, asked twice, and a package from it.

use std::fs;
use std::process::Command;

use super::program::{command, run};
use super::served::{Served, put};
use crate::harness::{Site, noise};

const CONTROL: &str = "Package: tiny\nVersion: 1.0\nArchitecture: all\nMaintainer: Nobody <nobody@example.org>\n\
    Description: a package that was made for a test\n";

/// A flat repository in `/debian`, of one package with 300,000 bytes in it.
fn repository() -> Site {
    let site = Site::new();
    let package = site.around().join("package");
    fs::create_dir_all(package.join("DEBIAN")).expect("a folder");
    fs::write(package.join("DEBIAN/control"), CONTROL).expect("a file");
    fs::write(package.join("noise"), noise(300_000, 1)).expect("a file");
    fs::create_dir(site.path("debian")).expect("a folder");
    let built = site.path("debian/tiny_1.0_all.deb");
    run(command("dpkg-deb", site.around()).args(["--build", "--root-owner-group"]).arg(&package).arg(built))
        .well();
    for (what, name) in [("packages", "Packages"), ("release", "Release")] {
        let index = run(command("apt-ftparchive", &site.path("debian")).args([what, "."])).well();
        put(&site, &format!("debian/{name}"), index.stdout.as_bytes(), 1);
    }
    site
}

/// `apt-get` that knows nothing of this machine: its sources, its state and its cache are in the folder of downloads.
fn apt_get(served: &Served, arguments: &[&str]) -> Command {
    let folder = served.downloads();
    let folder = folder.display();
    let mut command = served.client("apt-get");
    for option in [
        format!("Dir::Etc::sourcelist={folder}/sources.list"),
        "Dir::Etc::sourceparts=-".to_owned(),
        "Dir::Etc::main=-".to_owned(),
        "Dir::Etc::parts=-".to_owned(),
        format!("Dir::State={folder}/state"),
        format!("Dir::State::status={folder}/status"),
        format!("Dir::Cache={folder}/cache"),
        // Only root has another user that it could become, and that one could not enter this folder.
        "APT::Sandbox::User=".to_owned(),
        "Acquire::http::Proxy=DIRECT".to_owned(),
        "Acquire::Languages=none".to_owned(),
    ] {
        command.args(["--option", &option]);
    }
    command.args(arguments);
    command
}

#[test]
fn a_repository_is_read_twice_and_a_package_fetched() {
    let served = Served::start(repository(), &[]);
    served.leave("sources.list", format!("deb [trusted=yes] {} ./\n", served.url("/debian")).as_bytes());
    served.leave("status", b"");
    for folder in ["state/lists/partial", "cache/archives/partial"] {
        fs::create_dir_all(served.downloads().join(folder)).expect("a folder");
    }
    let first = run(&mut apt_get(&served, &["update"])).well();
    assert!(first.stdout.contains(" ./ Packages [") && !first.stdout.contains("Hit:"), "{first:?}");
    served.all_counted(2, "requests 1 full 1 completed 1 downloads 1");
    // What was released is known, so nothing else need be asked for.
    let second = run(&mut apt_get(&served, &["update"])).well();
    assert!(second.stdout.contains("Hit:") && !second.stdout.contains("Get:"), "{second:?}");
    served.counted("/debian/Release", "requests 2 full 1 not_modified 1 completed 1 downloads 1");
    served.counted("/debian/Packages", "requests 1 full 1 completed 1 downloads 1");
    run(&mut apt_get(&served, &["download", "tiny"])).well();
    let package = fs::read(served.site.path("debian/tiny_1.0_all.deb")).expect("our file");
    assert!(served.saved("tiny_1.0_all.deb") == package);
    served.counted("/debian/tiny_1.0_all.deb", "requests 1 full 1 completed 1 downloads 1");
}
