//! A start that cannot succeed: one sentence on standard error that names the setting and its value, nothing
//! on standard output, nothing left listening; exit code 2 for a wrong invocation, 1 for a world that does
//! not fit. No client comes to it, whatever it speaks.

use std::net::{Ipv4Addr, TcpListener};
use std::process::{Command, Output, Stdio};
use std::{fs, os::unix::fs::PermissionsExt};

use crate::harness::{Lines, SOON, Server, Site, Stdout, eventually, is_root, nobody, tallyd};

const WRONG_INVOCATION: i32 = 2;
const WORLD_DOES_NOT_FIT: i32 = 1;

/// Runs the command to its end and checks how it ends; `words` must be in its sentence.
pub(crate) fn check(command: &mut Command, code: i32, words: &[&str]) {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let stdout = Lines::follow(child.stdout.take().expect("a piped stdout"));
    let stderr = Lines::follow(child.stderr.take().expect("a piped stderr"));
    let status = eventually(&format!("{command:?} ends"), SOON, || child.try_wait().expect("our child"));
    let sentence = stderr.wait_for("a sentence on standard error", |lines| lines.first().cloned());
    let name = format!("{command:?} said: {sentence}");
    assert_eq!(status.code(), Some(code), "{name}");
    assert_eq!(stdout.all(), [""; 0], "{name}");
    assert_eq!(stderr.all().len(), 1, "one sentence: {:#?}", stderr.all());
    for word in words {
        assert!(sentence.contains(word), "{word:?} is missing; {name}");
    }
    assert!(!sentence.contains("panicked"), "{name}");
}

fn plain(site: &Site) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tallyd"));
    command.current_dir(site.around()).env("XDG_STATE_HOME", site.around().join("state"));
    command.env_remove("STATE_DIRECTORY");
    command
}

#[test]
fn roots_that_are_none() {
    let site = Site::with(&[("file", "a file")]);
    let bind = ["--bind", "127.0.0.1"];
    check(plain(&site).arg("nowhere").args(bind), WORLD_DOES_NOT_FIT, &["nowhere"]);
    check(plain(&site).arg("www/file").args(bind), WORLD_DOES_NOT_FIT, &["www/file", "folder"]);
    check(plain(&site).arg("www/file/below").args(bind), WORLD_DOES_NOT_FIT, &["www/file/below"]);
    // The default is `www` in the current folder, and here there is none.
    check(plain(&site).args(bind).current_dir(site.root()), WORLD_DOES_NOT_FIT, &["www"]);
    let fifo = site.around().join("fifo");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0).expect("a FIFO");
    check(plain(&site).arg("fifo").args(bind), WORLD_DOES_NOT_FIT, &["fifo"]);
}

#[test]
fn words_that_were_meant_for_commands() {
    let site = Site::with(&[("f", "content")]);
    let bind = ["--bind", "127.0.0.1"];
    for (word, command) in
        [("help", "tallyd --help"), ("count", "tallyd counts"), ("cuonts", "tallyd counts")]
    {
        let words = [&format!("{word:?} (ROOT, command line) does not exist"), command, "tallyd PATH"];
        check(plain(&site).arg(word).args(bind), WORLD_DOES_NOT_FIT, &words);
        check(plain(&site).arg(format!("./{word}")).args(bind), WORLD_DOES_NOT_FIT, &["name the folder"]);
        // A folder of that name is one like any other.
        fs::rename(site.root(), site.around().join(word)).expect("our own folder");
        let server = Server::launch(plain(&site).arg(word).args(bind), Stdout::Followed);
        assert_eq!(server.fetch("/f").content, b"content");
        fs::rename(site.around().join(word), site.root()).expect("our own folder");
    }
}

#[test]
fn a_root_that_cannot_be_read() {
    let site = Site::new();
    let mut command = if is_root() { nobody(&site) } else { tallyd(&site) };
    fs::set_permissions(site.root(), PermissionsExt::from_mode(0o000))
        .expect("permissions of our own folder");
    check(&mut command, WORLD_DOES_NOT_FIT, &["www"]);
    fs::set_permissions(site.root(), PermissionsExt::from_mode(0o755))
        .expect("permissions of our own folder");
}

#[test]
fn the_default_root_is_served_if_it_is_there() {
    let site = Site::with(&[("f", "content")]);
    let mut command = plain(&site);
    let server = Server::launch(command.args(["--bind", "127.0.0.1"]), Stdout::Followed);
    assert_eq!(server.fetch("/f").content, b"content");
}

#[test]
fn addresses_that_cannot_be_had() {
    let site = Site::new();
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port of our own");
    let port = taken.local_addr().expect("an address").port().to_string();
    check(tallyd(&site).args(["--port", &port]), WORLD_DOES_NOT_FIT, &[&port]);
    // From the block for documentation (RFC 5737): no machine has it.
    check(plain(&site).args(["www", "--bind", "192.0.2.1"]), WORLD_DOES_NOT_FIT, &["192.0.2.1"]);
    // One address that can be had does not make up for one that cannot.
    let both = ["www", "--bind", "127.0.0.1", "--bind", "192.0.2.1"];
    check(plain(&site).args(both), WORLD_DOES_NOT_FIT, &["192.0.2.1"]);
}

#[test]
fn a_second_server_does_not_share_the_port_of_the_first() {
    let site = Site::new();
    let server = Server::start(&site, &[]);
    let port = server.address().port().to_string();
    check(tallyd(&site).args(["--port", &port]), WORLD_DOES_NOT_FIT, &[&port]);
}

#[test]
fn invocations_that_are_wrong() {
    let site = Site::new();
    for (arguments, words) in [
        (&["--port", "65536"][..], &["port", "65536"][..]),
        (&["--port", "-1"], &["port"]),
        (&["--port", "http"], &["port", "http"]),
        (&["--port", ""], &["port"]),
        (&["--port"], &["port"]),
        (&["-p", "99999"], &["port", "99999"]),
        (&["--bind", "localhost:80:80"], &["bind", "localhost:80:80"]),
        (&["--bind", "256.0.0.1"], &["bind", "256.0.0.1"]),
        (&["--bind"], &["bind"]),
        (&["--frobnicate"], &["--frobnicate"]),
        (&["-X"], &["-X"]),
        (&["another-root"], &["another-root"]),
        (&["--workers", "0"], &["workers", "0"]),
        (&["--workers", "many"], &["workers", "many"]),
        (&["--backlog", "-5"], &["backlog"]),
        (&["--header-timeout", "soon"], &["header-timeout", "soon"]),
        (&["--idle-timeout=-1s"], &["idle-timeout"]),
        (&["--grace", "1 fortnight"], &["grace", "1 fortnight"]),
        (&["--rate-window", "0s"], &["rate-window", "0s"]),
        (&["--min-rate", "fast"], &["min-rate", "fast"]),
        (&["--cache", "-1"], &["cache"]),
    ] {
        check(plain(&site).args(["www", "--bind", "127.0.0.1"]).args(arguments), WRONG_INVOCATION, words);
    }
}

#[test]
fn files_that_nobody_would_ever_write() {
    let site = Site::new();
    let fifo = site.around().join("fifo");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0).expect("a FIFO");
    for flags in [
        &["--config", "fifo"][..],
        &["--admin-token-file", "fifo"],
        &["--tls-cert", "fifo", "--tls-key", "fifo"],
        &["--config", "fifo", "--check"],
    ] {
        check(
            plain(&site).arg("www").args(flags),
            WORLD_DOES_NOT_FIT,
            &["\"fifo\"", flags[0], "neither a file nor"],
        );
    }
}

#[test]
fn a_configuration_that_a_shell_pipes() {
    let site = Site::new();
    for script in [
        "exec \"$0\" www --check --config <(echo 'port = 8081')",
        "echo 'port = 8081' | \"$0\" www --check --config /dev/stdin",
    ] {
        let mut shell = Command::new("bash");
        shell.args(["-c", script, env!("CARGO_BIN_EXE_tallyd")]).current_dir(site.around());
        shell.env("XDG_STATE_HOME", site.around().join("state")).env_remove("STATE_DIRECTORY");
        let Output { status, stdout, stderr } = shell.output().expect("a shell");
        assert!(status.success() && stderr.is_empty(), "{script}: {}", String::from_utf8_lossy(&stderr));
        let said = String::from_utf8(stdout).expect("text");
        assert!(said.contains("port = 8081  # file \"/dev/"), "{script}: {said}");
    }
}
