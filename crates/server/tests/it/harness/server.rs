//! The real binary, started on a free port of the loopback interface, and ended when the test ends.

use std::io::Read;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::{Answer, Channel, Conn, Identity, Lines, Protocol, SOON, Site, Window, eventually};

/// A running tallyd.
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    banner: String,
    stdout: Lines,
    stderr: Lines,
    /// Held so that the pipe stays open, and unread until it is followed.
    unread: Option<ChildStdout>,
    /// What its clients speak.
    protocol: Protocol,
    /// What it shows them, where they look.
    identity: Option<Identity>,
}

/// What becomes of standard output once the banner has been read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stdout {
    Followed,
    NeverRead,
    Closed,
}

/// The command that serves the site on a free port of 127.0.0.1 and leaves nothing outside the site's folder.
pub(crate) fn tallyd(site: &Site) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tallyd"));
    command.arg(site.root()).args(["--bind", "127.0.0.1"]);
    command.env("XDG_STATE_HOME", site.around().join("state")).env_remove("STATE_DIRECTORY");
    command.current_dir(site.around());
    command
}

/// The same command for a user without rights (only root can ask for that). The binary is copied to where
/// that user can reach it.
pub(crate) fn nobody(site: &Site) -> Command {
    const NOBODY: u32 = 65534;
    let binary = site.around().join("tallyd");
    // By a process of its own: a file that this one has open to write, a server that another test starts at the same
    // moment has open too, and what anyone has open to write cannot be executed (execve(2), ETXTBSY).
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_tallyd")).arg(&binary).status();
    assert!(copied.expect("cp is there").success(), "copy of the binary");
    for path in [site.around(), &site.root(), &binary] {
        let readable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(path, readable).expect("permissions of our own files");
    }
    let mut command = Command::new(binary);
    // That user may make no folder anywhere; what it counts here is of no interest.
    command.arg(site.root()).args(["--bind", "127.0.0.1", "--ledger", "none"]).uid(NOBODY).gid(NOBODY);
    command
}

impl Server {
    pub(crate) fn start(site: &Site, arguments: &[&str]) -> Self {
        Self::launch(tallyd(site).args(arguments), Stdout::Followed)
    }

    /// A server whose clients speak this.
    pub(crate) fn start_over(protocol: Protocol, site: &Site, arguments: &[&str]) -> Self {
        Self::launch_over(protocol, site, tallyd(site).args(arguments), Stdout::Followed)
    }

    /// The same of a command that serves the site.
    pub(crate) fn launch_over(
        protocol: Protocol,
        site: &Site,
        command: &mut Command,
        stdout: Stdout,
    ) -> Self {
        let identity = protocol.is_secure().then(|| Identity::of(site));
        command.args(identity.iter().flat_map(Identity::flags));
        let mut server = Self::launch(command, stdout);
        (server.protocol, server.identity) = (protocol, identity);
        server
    }

    /// A server with a format that has its banner on standard error.
    pub(crate) fn start_with_format(site: &Site, arguments: &[&str]) -> Self {
        Self::start_with_format_over(Protocol::Http1, site, arguments)
    }

    /// The same, of which the clients speak this.
    pub(crate) fn start_with_format_over(protocol: Protocol, site: &Site, arguments: &[&str]) -> Self {
        let mut command = tallyd(site);
        let identity = protocol.is_secure().then(|| Identity::of(site));
        command.args(identity.iter().flat_map(Identity::flags));
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let stdout = Lines::follow(child.stdout.take().expect("a piped stdout"));
        let stderr = Lines::follow(child.stderr.take().expect("a piped stderr"));
        let (banner, address) = stderr.wait_for("the banner", |lines| {
            lines.iter().find_map(|line| Some((line.clone(), address_in(line)?)))
        });
        Self { child, address, banner, stdout, stderr, unread: None, protocol, identity }
    }

    /// Starts the command and reads its banner, nothing more, before standard output goes where it should.
    pub(crate) fn launch(command: &mut Command, stdout: Stdout) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let stderr = Lines::follow(child.stderr.take().expect("a piped stderr"));
        let pipe = child.stdout.take().expect("a piped stdout");
        let Some((banner, address, pipe)) = read_banner(pipe) else {
            // The child is ours to end; whether it still runs makes no difference.
            let _ = child.kill();
            panic!("no banner: {:?}, {:#?}", child.wait(), stderr.all());
        };
        let (lines, unread) = match stdout {
            Stdout::Followed => (Lines::follow(pipe), None),
            Stdout::NeverRead => (Lines::default(), Some(pipe)),
            Stdout::Closed => (Lines::default(), None),
        };
        Self {
            child,
            address,
            banner,
            stdout: lines,
            stderr,
            unread,
            protocol: Protocol::Http1,
            identity: None,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What its clients speak.
    pub(crate) fn protocol(&self) -> Protocol {
        self.protocol
    }

    pub(crate) fn banner(&self) -> &str {
        &self.banner
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What came on standard output after the banner.
    pub(crate) fn stdout(&self) -> &Lines {
        &self.stdout
    }

    /// What came on standard error.
    pub(crate) fn stderr(&self) -> &Lines {
        &self.stderr
    }

    pub(crate) fn connect(&self) -> Conn {
        self.connect_as(None, Window::Usual)
    }

    /// A connection of a client for which the server must wait until it reads.
    pub(crate) fn connect_with_small_window(&self) -> Conn {
        self.connect_as(None, Window::Small)
    }

    /// A connection from an address of this machine, of which the loopback interface has 127.0.0.0/8.
    pub(crate) fn connect_as(&self, from: Option<IpAddr>, window: Window) -> Conn {
        self.protocol.connect(self.address_of_clients(), self.identity.as_ref(), from, window)
    }

    /// A connection to another address on which the server listens too.
    pub(crate) fn connect_at(&self, ip: IpAddr) -> Conn {
        let address = SocketAddr::new(ip, self.address_of_clients().port());
        self.protocol.connect(address, self.identity.as_ref(), None, Window::Usual)
    }

    fn address_of_clients(&self) -> SocketAddr {
        if self.protocol.is_secure() { self.tls_address() } else { self.address }
    }

    /// Where there is TLS.
    pub(crate) fn tls_address(&self) -> SocketAddr {
        self.stderr
            .wait_for("the address for HTTPS", |lines| lines.iter().find_map(|line| tls_address_in(line)))
    }

    /// A connection with TLS to a server that has this identity.
    pub(crate) fn connect_tls(&self, identity: &Identity, name: &str) -> Conn {
        Conn::open(self.tls_address()).through(Channel::to(identity, name))
    }

    /// Begins to read the standard output that nobody has read so far.
    pub(crate) fn follow_stdout(&mut self) {
        self.stdout = Lines::follow(self.unread.take().expect("a server whose output nobody reads"));
    }

    /// One GET on a connection of its own.
    pub(crate) fn fetch(&self, target: &str) -> Answer {
        self.connect().get(target)
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The same for a client of what its clients speak.
    pub(crate) fn url_of_clients(&self, path: &str) -> String {
        let scheme = if self.protocol.is_secure() { "https" } else { "http" };
        format!("{scheme}://{}{path}", self.address_of_clients())
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("our child can be signalled");
    }

    /// Waits until the process has ended.
    pub(crate) fn wait_for_exit(&mut self, limit: Duration) -> ExitStatus {
        let what = format!("the process ends; its standard error: {:#?}", self.stderr.all());
        eventually(&what, limit, || self.child.try_wait().expect("our child can be waited for"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if thread::panicking() {
            println!(
                "the server of this test: {:?}, it said: {:#?}",
                self.child.try_wait(),
                self.stderr.all()
            );
        }
        // Stopping in good order has tests of its own; here it only must not outlive its test.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The banner, the address in it and the pipe, from which nothing after the banner has been taken; `None`
/// if standard output ends first or no banner comes.
fn read_banner(mut pipe: ChildStdout) -> Option<(String, SocketAddr, ChildStdout)> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut line = Vec::new();
        let mut byte = [0];
        while byte != *b"\n" && pipe.read_exact(&mut byte).is_ok() {
            line.extend_from_slice(&byte);
        }
        // Nobody receives if the test gave up waiting.
        let _ = sender.send((line, pipe));
    });
    let (line, pipe) = receiver.recv_timeout(SOON).ok()?;
    let banner = String::from_utf8(line).ok()?.strip_suffix('\n')?.to_owned();
    let address = address_in(&banner)?;
    Some((banner, address, pipe))
}

/// The address in `The http server is running on host : HOST with ip : IP and port no: PORT.`
fn address_in(banner: &str) -> Option<SocketAddr> {
    let rest = banner.strip_prefix("The http server is running on host : ")?.strip_suffix('.')?;
    let (ip, port) = rest.split_once(" with ip : ")?.1.split_once(" and port no: ")?;
    Some(SocketAddr::new(ip.parse().ok()?, port.parse().ok()?))
}

/// The address in `tallyd: the https server is running with ip : IP and port no: PORT`
fn tls_address_in(line: &str) -> Option<SocketAddr> {
    let rest = line.strip_prefix("tallyd: the https server is running with ip : ")?;
    let (ip, port) = rest.split_once(" and port no: ")?;
    Some(SocketAddr::new(ip.parse().ok()?, port.parse().ok()?))
}
