//! `tallyd top` as people use it: in a terminal, which is tmux's, and in a pipe.

use std::process::{Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{Protocol, SOON, Server, Site, eventually, noise, on_every_protocol};

on_every_protocol! {
    a_transfer_is_seen_and_the_terminal_is_given_back,
    in_a_pipe_it_is_lines,
}

/// A terminal of tmux with its own server, which ends with its test.
struct Terminal {
    socket: String,
}

impl Terminal {
    /// Starts a shell in a terminal of this size.
    fn open(site: &Site, width: u16, height: u16) -> Terminal {
        let terminal = Terminal { socket: site.around().join("tmux").to_str().expect("UTF-8").to_owned() };
        let (width, height) = (width.to_string(), height.to_string());
        terminal.tmux(&[
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-x",
            &width,
            "-y",
            &height,
            "env PS1='ready> ' sh",
        ]);
        terminal.wait_for("ready>");
        terminal
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("tmux");
        command
            .args(["-S", &self.socket])
            .args(arguments)
            .env("TERM", "screen-256color")
            .env("LC_ALL", "C.UTF-8");
        let Output { status, stdout, stderr } =
            command.output().expect("tmux is missing: ./check installs what the tests run");
        assert!(status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&stderr));
        String::from_utf8(stdout).expect("tmux speaks UTF-8")
    }

    /// Types a line into the shell.
    fn run(&self, line: &str) {
        self.tmux(&["send-keys", "-l", line]);
        self.press("Enter");
    }

    fn press(&self, key: &str) {
        self.tmux(&["send-keys", key]);
    }

    fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    fn resize(&self, width: u16, height: u16) {
        self.tmux(&["resize-window", "-x", &width.to_string(), "-y", &height.to_string()]);
    }

    /// Waits until the screen has a text; the screen then.
    #[track_caller]
    fn wait_for(&self, text: &str) -> String {
        self.wait_until(text, |screen| screen.contains(text))
    }

    #[track_caller]
    fn wait_until(&self, what: &str, holds: impl Fn(&str) -> bool) -> String {
        let mut last = String::new();
        let start = std::time::Instant::now();
        while start.elapsed() < SOON {
            last = self.screen();
            if holds(&last) {
                return last;
            }
        }
        panic!("not within {SOON:?}: {what}; the screen:\n{last}");
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended with its shell.
        let _ = Command::new("tmux").args(["-S", &self.socket, "kill-server"]).stderr(Stdio::null()).status();
    }
}

/// The command that looks at the server of the site, found by its ledger; its number goes into a file.
fn command(site: &Site) -> String {
    format!(
        "sh -c 'echo $$ >{around}/number; exec env XDG_STATE_HOME={around}/state {} top --root {}'; echo \"ended $?\"",
        env!("CARGO_BIN_EXE_tallyd"),
        site.root().display(),
        around = site.around().display(),
    )
}

fn a_transfer_is_seen_and_the_terminal_is_given_back(protocol: Protocol) {
    let site = Site::with(&[("large.bin", noise(16 << 20, 1)), ("small.txt", b"x".to_vec())]);
    let server = Server::start_over(protocol, &site, &["--workers", "1"]);
    assert_eq!(server.fetch("/small.txt").status, 200);
    let mut client = server.connect_with_small_window();
    client.send("GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n");
    client.next_head().expect("an answer");
    client.take(4 << 20);

    let terminal = Terminal::open(&site, 120, 30);
    terminal.run(&command(&site));
    let screen = terminal.wait_until("the transfer at a quarter", |screen| {
        screen.contains("/large.bin") && (25..28).any(|share| screen.contains(&format!(" {share}%")))
    });
    assert!(screen.contains("1 in flight") && !screen.contains("ready>"), "{screen}");
    client.take(8 << 20);
    terminal.wait_until("the transfer at three quarters", |screen| {
        (75..78).any(|share| screen.contains(&format!(" {share}%")))
    });
    terminal.wait_for("/small.txt");

    terminal.press("f");
    terminal.wait_for("most bytes first");
    terminal.press("/");
    terminal.run("large");
    terminal.wait_until("the filter holds", |screen| {
        screen.contains("filter: large   Esc") && !screen.contains("/small.txt")
    });
    terminal.resize(60, 12);
    terminal.wait_until("it fits", |screen| screen.contains("/large.bin") && screen.lines().count() <= 12);
    client.take(4 << 20);
    client.acknowledge();
    terminal.wait_for("no transfer is in flight");

    terminal.press("q");
    let screen = terminal.wait_for("ended 0");
    assert!(screen.contains("ready>") && !screen.contains("in flight"), "{screen}");
}

/// Nothing is asked for.
#[test]
fn a_signal_gives_the_terminal_back() {
    let site = Site::with(&[("a.txt", "a")]);
    let _server = Server::start(&site, &[]);
    let terminal = Terminal::open(&site, 100, 20);
    terminal.run(&command(&site));
    terminal.wait_for("q quit");
    let number = std::fs::read_to_string(site.around().join("number")).expect("its number");
    let number = number.trim().parse().ok().and_then(Pid::from_raw).expect("a number");
    kill_process(number, Signal::TERM).expect("it can be signalled");
    let screen = terminal.wait_for("ended 0");
    assert!(!screen.contains("q quit"), "{screen}");
}

fn in_a_pipe_it_is_lines(protocol: Protocol) {
    let site = Site::with(&[("a.txt", "a")]);
    let server = Server::start_over(protocol, &site, &["--admin-token", "0123456789abcdef"]);
    assert_eq!(server.fetch("/a.txt").status, 200);
    let top = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tallyd"));
        command.args(["top", "--once"]).args(arguments).current_dir(site.around());
        command.env("XDG_STATE_HOME", site.around().join("state")).env_remove("STATE_DIRECTORY");
        let Output { status, stdout, stderr } = command.output().expect("the program starts");
        (
            status.code(),
            String::from_utf8_lossy(&stdout).into_owned(),
            String::from_utf8_lossy(&stderr).into_owned(),
        )
    };
    let root = site.root();
    let root = root.to_str().expect("UTF-8");
    let file = eventually("the file is told of", SOON, || {
        let (code, stdout, stderr) = top(&["--root", root, "--admin-token", "0123456789abcdef"]);
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
        stdout.lines().find(|line| line.starts_with("file: /a.txt, ")).map(str::to_owned)
    });
    assert!(file.starts_with("file: /a.txt, 1 requests, 1 completed, 0 aborted, 1 B"), "{file}");

    let (code, _, stderr) = top(&["--root", root]);
    assert!(code == Some(1) && stderr.contains("its token is needed"), "{stderr}");
    let other = site.around().to_str().expect("UTF-8");
    let (code, _, stderr) = top(&["--root", other]);
    assert!(code == Some(1) && stderr.contains("is not being served, or without a dashboard"), "{stderr}");
    let (code, _, stderr) = top(&["--admin", "http://127.0.0.1:1/"]);
    assert!(code == Some(1) && stderr.contains("http://127.0.0.1:1/ does not answer"), "{stderr}");
}
