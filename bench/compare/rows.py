"""The work that is measured: one row per kind of request, and the files that are asked for.

To add a row, add it to ROWS; the files it needs are made from what it names. Files lie in /small/ or /large/,
because peers have settings that are best for the one and not for the other.
"""

import random
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

KIB = 1024
MIB = 1024 * KIB


class Persistence(Enum):
    """What becomes of a connection after an answer."""

    KEEP = "keep"
    CLOSE = "close"


class Unit(Enum):
    """What counts as work. Small answers cost per request, large ones per byte."""

    REQUESTS = "requests"
    MEBIBYTES = "MiB"


@dataclass(frozen=True)
class File:
    """One file that every request asks for."""

    path: str
    size: int

    def contents(self):
        """Path and size of every file that must exist."""
        return [(self.path, self.size)]

    def checked_paths(self):
        """Paths whose answers are compared between the servers before anything is measured."""
        return [self.path]

    def first_path(self):
        return self.path

    def script_arguments(self):
        return []


@dataclass(frozen=True)
class Spread:
    """Many files of one size, asked for at random; at most 10,000, in folders of 100 (see load.lua)."""

    count: int
    size: int

    def contents(self):
        return [(self._path(number), self.size) for number in range(self.count)]

    def checked_paths(self):
        return [self._path(number) for number in (0, self.count // 2, self.count - 1)]

    def first_path(self):
        return self._path(0)

    def script_arguments(self):
        return [str(self.count)]

    @staticmethod
    def _path(number):
        return f"/small/spread/{number // 100:02}/{number % 100:02}.bin"


@dataclass(frozen=True)
class Row:
    """One kind of work. `has_floor`: the canned answer of the floor program is a fair comparison."""

    name: str
    title: str
    asks_for: File | Spread
    connections: int
    persistence: Persistence = Persistence.KEEP
    unit: Unit = Unit.REQUESTS
    has_floor: bool = False


ONE_KIB = File("/small/1k.bin", KIB)

ROWS = [
    Row("1k", "1 KiB, 32 connections", ONE_KIB, 32, has_floor=True),
    Row("1k-1000", "1 KiB, 1,000 connections", ONE_KIB, 1000, has_floor=True),
    Row("10k", "10 KiB, 32 connections", File("/small/10k.bin", 10 * KIB), 32),
    Row("spread", "10,000 files of 4 KiB, 32 connections", Spread(10_000, 4 * KIB), 32),
    Row("100k", "100 KiB, 32 connections", File("/large/100k.bin", 100 * KIB), 32, unit=Unit.MEBIBYTES),
    Row("1m", "1 MiB, 32 connections", File("/large/1m.bin", MIB), 32, unit=Unit.MEBIBYTES),
    Row("20m", "20 MB, 8 connections", File("/large/20m.bin", 20_000_000), 8, unit=Unit.MEBIBYTES),
    Row("1k-close", "1 KiB, one request per connection", ONE_KIB, 32, Persistence.CLOSE, has_floor=True),
]


def make_files(rows, root: Path):
    """Makes every file that the rows ask for below `root`, with the same bytes in every run."""
    for row in rows:
        for path, size in row.asks_for.contents():
            file = root / path.lstrip("/")
            if not file.exists():
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(random.Random(path).randbytes(size))
