"""The servers that are measured: how each is found, set up, started on one core, and ended."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import Failed, process

HERE = Path(__file__).resolve().parent.parent
START_SECONDS = 10
END_SECONDS = 10

# Debian keeps servers in sbin, which is not on everyone's PATH.
SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])


# Where programs keep what they keep, so that it goes with the measurement.
FOLDERS = ["XDG_STATE_HOME", "STATE_DIRECTORY", "XDG_CONFIG_HOME", "XDG_DATA_HOME"]


@dataclass(frozen=True)
class Place:
    """What one server is given: the files to serve, its port, its access log, a folder for all else."""

    root: Path
    port: int
    log: Path
    folder: Path


class Tallyd:
    """tallyd as it is run by default, but for one worker, and the access log and the ledger in files of its own."""

    name = "tallyd"

    def __init__(self, program: Path):
        self.program = program
        self.version = _version([program, "--version"])

    def command(self, place: Place):
        return [self.program, place.root, "--bind", "127.0.0.1", "--port", str(place.port),
                "--workers", "1", "--log-file", place.log, "--ledger", place.folder / "tallyd.ledger"]


class Uncounted(Tallyd):
    """The same program with nothing on disk: counts in memory and no lines. What counting costs lies between."""

    name = "uncounted"

    def command(self, place: Place):
        return [self.program, place.root, "--bind", "127.0.0.1", "--port", str(place.port),
                "--workers", "1", "--log-format", "off", "--ledger", "none"]


@dataclass(frozen=True)
class Peer:
    """Another server, with its configuration from bench/peers/."""

    name: str
    program: str
    version: str
    arguments: tuple[str, ...]
    configuration: Path

    def command(self, place: Place):
        words = {"@ROOT@": place.root, "@PORT@": place.port, "@LOG@": place.log, "@FOLDER@": place.folder}
        text = self.configuration.read_text()
        for word, value in words.items():
            text = text.replace(word, str(value))
        configuration = place.folder / f"{self.name}.conf"
        configuration.write_text(text)
        return [self.program, *self.arguments, configuration]


class Floor:
    """The canned-answer loop of floor.c; `answer` is what it sends, as captured from another server."""

    name = "floor"
    version = "bench/floor.c"

    def __init__(self, program: Path, answer: bytes, persistence):
        self.program = program
        self.answer = answer
        self.persistence = persistence

    def command(self, place: Place):
        file = place.folder / "answer"
        file.write_bytes(self.answer)
        return [self.program, str(place.port), file, self.persistence.value]


# Name, option that prints the version, arguments up to the configuration's name. The Debian package has the
# same name.
PEERS = [
    ("nginx", "-v", ("-e", "stderr", "-c")),
    ("h2o", "--version", ("-m", "worker", "-c")),
    ("lighttpd", "-v", ("-D", "-f")),
]

# Not among those that Debian's administrators choose for speed, and measured on demand.
CADDY = ("caddy", "version", ("run", "--adapter", "caddyfile", "--config"))


def peers(tuned: bool, with_caddy: bool):
    """The peers found on this machine, and the names of those that are missing."""
    found, missing = [], []
    for name, version_option, arguments in [*PEERS, CADDY] if with_caddy else PEERS:
        if program := shutil.which(name, path=SEARCH_PATH):
            version = _version([program, version_option])
            found.append(Peer(name, program, version, arguments, _configuration(name, tuned)))
        else:
            missing.append(name)
    return found, missing


def _configuration(name: str, tuned: bool):
    by_hand = HERE / "peers" / "tuned" / f"{name}.conf"
    return by_hand if tuned and by_hand.exists() else HERE / "peers" / f"{name}.conf"


def compile_floor(folder: Path):
    """Compiles floor.c with the system's C compiler, which linking Rust programs needs as well."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if not compiler:
        raise Failed("the floor needs a C compiler: apt-get install gcc")
    program = folder / "floor"
    subprocess.run([compiler, "-O2", "-o", program, HERE / "floor.c"], check=True)
    return program


@dataclass(frozen=True)
class Running:
    """A server that answers."""

    name: str
    version: str
    pid: int
    port: int
    log: Path

    def empty_log(self):
        """Gives the disk back what the last measurement logged; logs are opened for appending."""
        if self.log.exists():
            os.truncate(self.log, 0)


@contextmanager
def running(server, root: Path, folder: Path, core: int):
    """Starts `server` on one core, yields it once it answers, and ends it."""
    folder.mkdir()
    place = Place(root, free_port(), folder / "access.log", folder)
    said = folder / "said.txt"
    with said.open("wb") as output:
        child = subprocess.Popen(
            [str(word) for word in server.command(place)], stdin=subprocess.DEVNULL, stdout=output,
            stderr=output, env={**os.environ, **{name: str(folder) for name in FOLDERS}},
            start_new_session=True, preexec_fn=lambda: os.sched_setaffinity(0, {core}))
    try:
        _await_answer(server.name, child, place.port, said)
        yield Running(server.name, server.version, child.pid, place.port, place.log)
    finally:
        _end(child)


def _await_answer(name, child, port, said):
    deadline = time.monotonic() + START_SECONDS
    while child.poll() is None and time.monotonic() < deadline:
        if _answers(port):
            return
        time.sleep(0.01)
    what = "does not answer" if child.poll() is None else f"ended with exit code {child.returncode}"
    raise Failed(f"{name} {what}; it said:\n{said.read_text(errors='replace').strip() or '(nothing)'}")


def _answers(port):
    """Whether anything comes back. An open port is not enough: some servers open theirs and then fail to start."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"HEAD / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            return connection.recv(1) != b""
    except OSError:
        return False


def _end(child):
    """Asks the server to end, and ends what is left of its process tree when it does not."""
    pids = process.tree(child.pid)
    child.terminate()
    try:
        child.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        for pid in pids:
            _kill(pid)
        child.wait()


def _kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        # It ended by itself in the meantime, which is what was wanted.
        pass


def free_port():
    """A port that was free a moment ago; the servers cannot all be told to choose one themselves."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _version(command):
    """The first version number that a program prints when asked, on whichever stream."""
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=START_SECONDS, check=False)
    number = re.search(r"\d+\.\d[\w.+-]*", done.stdout.decode(errors="replace"))
    return number[0] if number and done.returncode == 0 else "version not told"
