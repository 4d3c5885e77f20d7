"""The load: wrk, run on one core, and what it says about what it received."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from . import Failed, process
from .rows import MIB, Persistence, Unit

SCRIPT = Path(__file__).resolve().parent.parent / "load.lua"
ERRORS = ("connect", "read", "write", "status", "timeout")

# Long enough that a full queue is not taken for a dead server.
TIMEOUT_SECONDS = 10


@dataclass(frozen=True)
class Measurement:
    """One server, one row, one round."""

    requests: int
    bytes: int
    wall_seconds: float
    cpu_seconds: float

    def work(self, unit):
        match unit:
            case Unit.REQUESTS:
                return self.requests
            case Unit.MEBIBYTES:
                return self.bytes / MIB

    def per_cpu_second(self, unit):
        return self.work(unit) / self.cpu_seconds

    def per_second(self, unit):
        return self.work(unit) / self.wall_seconds


def measure(server, row, seconds):
    """Drives `server` with the row's requests and returns what was done and what it cost the server."""
    before = process.cpu_seconds(server.pid)
    counted = drive(server, row, seconds)
    spent = process.settled_cpu_seconds(server.pid) - before
    if spent <= 0:
        raise Failed(f"{server.name}, row {row.name}: no processor time was counted; measure for longer")
    return Measurement(counted["requests"], counted["bytes"], counted["microseconds"] / 1e6, spent)


def drive(server, row, seconds):
    """Runs wrk once; anything but clean answers is a failure."""
    command = ["wrk", "-t1", f"-c{row.connections}", f"-d{seconds}s", "--timeout", f"{TIMEOUT_SECONDS}s",
               "-s", str(SCRIPT)]
    if row.persistence is Persistence.CLOSE:
        command += ["-H", "Connection: close"]
    if row.asks_for.coding:
        command += ["-H", f"Accept-Encoding: {row.asks_for.coding}"]
    command += [f"http://127.0.0.1:{server.port}{row.asks_for.first_path()}", "--"]
    command += row.asks_for.script_arguments()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    line = re.search(r"^measured (.*)$", done.stdout, re.MULTILINE)
    if done.returncode != 0 or not line:
        raise Failed(f"{server.name}, row {row.name}: wrk failed:\n{done.stdout}{done.stderr}".rstrip())
    counted = {name: int(value) for name, value in (word.split("=") for word in line[1].split())}
    _check(server, row, counted)
    return counted


def _check(server, row, counted):
    errors = ", ".join(f"{counted[kind]} {kind}" for kind in ERRORS if counted[kind])
    if errors:
        raise Failed(f"{server.name}, row {row.name}: wrk reports errors: {errors}")
    # wrk counts a redirect or a short answer as a success; the number of bytes gives it away.
    size = row.asks_for.least_size()
    if counted["requests"] == 0 or counted["bytes"] < counted["requests"] * size:
        raise Failed(f"{server.name}, row {row.name}: {counted['requests']} answers of {size} bytes "
                     f"came with {counted['bytes']} bytes in all")
