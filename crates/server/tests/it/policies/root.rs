//! The folder to serve, replaced while it is served: a link that is flipped, a folder that is moved away.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;

use crate::harness::{
    Protocol, SMALL_WINDOW, SOON, Server, Site, Stdout, eventually, noise, on_every_protocol,
};

on_every_protocol! {
    a_flipped_link_publishes_another_folder,
    a_folder_that_is_moved_away_is_served_until_there_is_another,
    a_folder_with_the_ledger_in_it_does_not_replace_another,
}

/// Serves `root`, by whatever path, with its ledger in the site's own place.
fn serve(protocol: Protocol, site: &Site, root: &Path) -> Server {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tallyd"));
    command.arg(root).args(["--bind", "127.0.0.1", "--workers", "2"]).current_dir(site.around());
    command.env("XDG_STATE_HOME", site.around().join("state")).env_remove("STATE_DIRECTORY");
    Server::launch_over(protocol, site, &mut command, Stdout::Followed)
}

/// Makes `link` lead to `target`, as deployments do: never is there a moment without it.
fn flip(link: &Path, target: &str) {
    let next = link.with_extension("next");
    symlink(target, &next).and_then(|()| fs::rename(&next, link)).expect("a link that is replaced");
}

fn release(site: &Site, name: &str, files: &[(&str, &[u8])]) {
    let folder = site.around().join(name);
    fs::create_dir(&folder).expect("a folder of the release");
    for (file, content) in files {
        fs::write(folder.join(file), content).expect("a file of the release");
    }
}

fn a_flipped_link_publishes_another_folder(protocol: Protocol) {
    let site = Site::new();
    let big = noise(8 << 20, 1);
    release(&site, "r1", &[("f", b"one"), ("big", &big), ("old", b"old"), ("404.html", b"lost in r1")]);
    release(&site, "r2", &[("f", b"two"), ("big", b"small"), ("new", b"new"), ("404.html", b"lost in r2")]);
    let link = site.around().join("current");
    flip(&link, "r1");
    let mut server = serve(protocol, &site, &link);
    // In the memory of both workers, as far as the kernel spreads connections.
    for _ in 0..8 {
        assert_eq!(server.fetch("/f").content, b"one");
    }
    assert_eq!(server.fetch("/new").content, b"lost in r1");
    let mut slow = server.connect_with_small_window();
    slow.send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(slow.next_head().expect("a head").content_length(), Some(big.len()));

    flip(&link, "r2");
    eventually("the new folder is served", SOON, || (server.fetch("/f").content == b"two").then_some(()));
    fs::remove_dir_all(site.around().join("r1")).expect("the old release can go");
    eventually("every worker serves it", SOON, || {
        let all_new =
            (0..16).all(|_| server.fetch("/new").content == b"new" && server.fetch("/old").status == 404);
        all_new.then_some(())
    });
    assert_eq!(server.fetch("/missing").content, b"lost in r2");
    assert_eq!(server.fetch("/big").content, b"small");
    // What was under way ends with the old version, whole.
    assert!(big.len() as u64 > 2 * SMALL_WINDOW);
    assert!(slow.take(big.len()) == big, "the transfer under way was not what it began as");
    server.stderr().wait_for("the news", |lines| {
        lines.iter().any(|line| line.ends_with("was replaced; the new one is served")).then_some(())
    });

    // The numbers go on: with the flip, and after a restart from the new release.
    drop(slow);
    server.signal(Signal::TERM);
    assert!(server.wait_for_exit(SOON).success());
    server.stdout().wait_for_end();
    let numbers = |server: &Server| {
        let lines = server.stdout().all();
        let numbers =
            lines.iter().filter_map(|line| line.strip_prefix("/f|")?.rsplit('|').next()?.parse().ok());
        numbers.max().unwrap_or(0_u64)
    };
    let last = numbers(&server);
    assert!(last >= 9, "{last}");
    let again = serve(protocol, &site, &link);
    assert_eq!(again.fetch("/f").content, b"two");
    let first = again.stdout().wait_for_deliveries(1).remove(0);
    assert_eq!((first.path.as_str(), first.n), ("/f", last + 1));
}

fn a_folder_that_is_moved_away_is_served_until_there_is_another(protocol: Protocol) {
    let site = Site::with(&[("f", "one"), ("dir/g", "g")]);
    let server = serve(protocol, &site, &site.root());
    assert_eq!(server.fetch("/f").content, b"one");
    let aside = site.around().join("aside");
    fs::rename(site.root(), &aside).expect("our own folder");
    server.signal(Signal::HUP);
    server.signal(Signal::HUP);
    server.stderr().wait_for("the complaint", |lines| {
        lines.iter().any(|line| line.contains("cannot be opened anew")).then_some(())
    });
    assert_eq!(server.fetch("/f").content, b"one");
    assert_eq!(server.fetch("/dir/g").content, b"g");

    fs::create_dir(site.root()).expect("a folder in its place");
    fs::write(site.path("f"), "two").expect("a file");
    server.signal(Signal::HUP);
    eventually("the new folder is served", SOON, || (server.fetch("/f").content == b"two").then_some(()));
    eventually("nothing of the old one", SOON, || (server.fetch("/dir/g").status == 404).then_some(()));
}

fn a_folder_with_the_ledger_in_it_does_not_replace_another(protocol: Protocol) {
    let site = Site::new();
    release(&site, "r1", &[("f", b"one")]);
    release(&site, "r2", &[("f", b"two")]);
    let link = site.around().join("current");
    flip(&link, "r1");
    let ledger = site.around().join("r2/www.ledger");
    let mut command = Command::new(env!("CARGO_BIN_EXE_tallyd"));
    command.arg(&link).arg("--ledger").arg(&ledger).args(["--bind", "127.0.0.1"]).current_dir(site.around());
    let server = Server::launch_over(protocol, &site, &mut command, Stdout::Followed);
    flip(&link, "r2");
    server.signal(Signal::HUP);
    server.stderr().wait_for("the refusal", |lines| {
        let says = |line: &String| {
            line.contains("the old one is served on") && line.contains("where clients could fetch it")
        };
        lines.iter().any(says).then_some(())
    });
    assert_eq!(server.fetch("/f").content, b"one");
    assert_eq!(server.fetch("/www.ledger").status, 404);
}
