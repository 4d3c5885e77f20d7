//! A program that is not ours: started without the settings of whoever runs the tests, and ended with its test.

use std::io::{ErrorKind, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::harness::eventually;

/// How long a program may run: many times what it needs on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// A running program.
pub(super) struct Program {
    name: String,
    child: Child,
    stdout: Option<JoinHandle<Vec<u8>>>,
    stderr: Option<JoinHandle<Vec<u8>>>,
}

/// What a program left when it ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// The command that runs the program in `folder`, with that folder as its home and nothing between it and the server.
pub(super) fn command(program: &str, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).env("HOME", folder).env("TMPDIR", folder).env("LC_ALL", "C.UTF-8");
    for name in ["XDG_CONFIG_HOME", "XDG_CACHE_HOME", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(name);
    }
    command
}

/// Runs the command to its end.
pub(super) fn run(command: &mut Command) -> Ended {
    Program::start(command).finish()
}

impl Program {
    pub(super) fn start(command: &mut Command) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| match error.kind() {
            ErrorKind::NotFound => panic!("{name} is missing: ./check installs what the tests run"),
            _ => panic!("{name} cannot be started: {error}"),
        });
        let stdout = child.stdout.take().map(collect);
        let stderr = child.stderr.take().map(collect);
        Self { name, child, stdout, stderr }
    }

    /// Ends it as `kill -9` does.
    pub(super) fn kill(mut self) {
        assert_eq!(self.child.try_wait().expect("our child"), None, "{} ended too early", self.name);
        self.child.kill().expect("our child can be killed");
        self.child.wait().expect("our child can be waited for");
    }

    /// Waits for its end.
    pub(super) fn finish(mut self) -> Ended {
        let what = format!("{} ends", self.name);
        let status =
            eventually(&what, PATIENCE, || self.child.try_wait().expect("our child can be waited for"));
        Ended { status, stdout: said(&mut self.stdout), stderr: said(&mut self.stderr) }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended; it only must not outlive its test.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    /// Panics, with what the program said, unless it was content.
    #[track_caller]
    pub(super) fn well(self) -> Self {
        assert!(self.status.success(), "{self:#?}");
        self
    }
}

fn collect(mut pipe: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut said = Vec::new();
        // What a pipe gave before it broke is all there is.
        let _ = pipe.read_to_end(&mut said);
        said
    })
}

fn said(reader: &mut Option<JoinHandle<Vec<u8>>>) -> String {
    let said = reader.take().and_then(|reader| reader.join().ok()).unwrap_or_default();
    String::from_utf8_lossy(&said).into_owned()
}
