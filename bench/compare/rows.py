"""The work that is measured: one row per kind of request, and the files that are asked for.

To add a row, add it to ROWS; the files it needs are made from what it names. Files lie in /small/ or /large/,
because peers have settings that are best for the one and not for the other.
"""

import gzip
import hashlib
import random
from collections.abc import Callable
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


def noise(path, size):
    """Bytes without a pattern, the same in every run."""
    return random.Random(path).randbytes(size)


def page(path, size):
    """A page of text that compresses like one: words of a small vocabulary in tags."""
    chance = random.Random(path)
    words = ["".join(chance.choices("etaoinshrdlu", k=chance.randint(2, 9))) for _ in range(2_000)]
    paragraphs, length = [], 0
    while length < size:
        paragraphs.append("<p class=\"text\">" + " ".join(chance.choices(words, k=60)) + "</p>\n")
        length += len(paragraphs[-1])
    return "".join(paragraphs).encode()[:size]


@dataclass(frozen=True)
class Content:
    """A file that must exist: its path, and what makes its bytes."""

    path: str
    make: Callable[[], bytes]


@dataclass(frozen=True)
class File:
    """One file that every request asks for."""

    path: str
    size: int

    # What requests accept besides the content as it is.
    coding = None

    def contents(self):
        """Every file that must exist."""
        return [Content(self.path, lambda: noise(self.path, self.size))]

    def least_size(self):
        """An answer with less content than this is wrong."""
        return self.size

    def complaint(self, answer, path, root):
        """What is wrong with an answer, if anything."""
        return complaint_about_bytes(answer.content, root / path.lstrip("/"))

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

    coding = None

    def contents(self):
        paths = [self._path(number) for number in range(self.count)]
        return [Content(path, lambda path=path: noise(path, self.size)) for path in paths]

    def least_size(self):
        return self.size

    def complaint(self, answer, path, root):
        return complaint_about_bytes(answer.content, root / path.lstrip("/"))

    def checked_paths(self):
        return [self._path(number) for number in (0, self.count // 2, self.count - 1)]

    def first_path(self):
        return self._path(0)

    def script_arguments(self):
        return [str(self.count)]

    @staticmethod
    def _path(number):
        return f"/small/spread/{number // 100:02}/{number % 100:02}.bin"


class Precompressed(Enum):
    """Whether the publisher has compressed a file beforehand."""

    YES = "a sibling lies beside it"
    NO = "the server compresses it"


@dataclass(frozen=True)
class Page:
    """One page of text that every request asks for in gzip, the coding that every server has."""

    path: str
    size: int
    precompressed: Precompressed

    coding = "gzip"

    def contents(self):
        plain = Content(self.path, lambda: page(self.path, self.size))
        # As `gzip -6` makes it, which is what the peers do on the fly or less.
        coded = Content(self.path + ".gz", lambda: gzip.compress(plain.make(), 6, mtime=0))
        return [plain, coded] if self.precompressed is Precompressed.YES else [plain]

    def least_size(self):
        return self.size // 20

    def checked_paths(self):
        return [self.path]

    def complaint(self, answer, path, root):
        if answer.field("content-encoding") != self.coding:
            return f"it is not in {self.coding}, but {answer.field('content-encoding') or 'as it is'}"
        return complaint_about_bytes(gzip.decompress(answer.content), root / path.lstrip("/"))

    def first_path(self):
        return self.path

    def script_arguments(self):
        return []


@dataclass(frozen=True)
class Listing:
    """A directory of this many files that every request asks for as a page."""

    path: str
    count: int

    coding = None

    def contents(self):
        return [Content(f"{self.path}{name}", lambda: b"") for name in self._names()]

    def least_size(self):
        return self.count * len(self._names()[0])

    def checked_paths(self):
        return [self.path]

    def complaint(self, answer, path, root):
        missing = [name for name in self._names() if name.encode() not in answer.content]
        return f"{len(missing)} of {self.count} names are not listed" if missing else None

    def first_path(self):
        return self.path

    def script_arguments(self):
        return []

    def _names(self):
        return [f"file-{number:05}.txt" for number in range(self.count)]


def complaint_about_bytes(content, file: Path):
    """Says so if an answer's content is not the file's."""
    if content == file.read_bytes():
        return None
    return f"not the file's bytes ({len(content)} bytes, sha256 {hashlib.sha256(content).hexdigest()[:12]}…)"


@dataclass(frozen=True)
class Row:
    """One kind of work. `has_floor`: the canned answer of the floor program is a fair comparison."""

    name: str
    title: str
    asks_for: File | Spread | Page | Listing
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
    Row("precompressed", "50 KiB of text, compressed beforehand, 32 connections",
        Page("/text/precompressed.html", 50 * KIB, Precompressed.YES), 32),
    Row("compressed", "50 KiB of text, compressed by the server, 32 connections",
        Page("/text/compressed.html", 50 * KIB, Precompressed.NO), 32),
    Row("listing", "listing of 1,000 files, 8 connections", Listing("/listing/", 1_000), 8),
]


def make_files(rows, root: Path):
    """Makes every file that the rows ask for below `root`, with the same bytes in every run."""
    for row in rows:
        for content in row.asks_for.contents():
            file = root / content.path.lstrip("/")
            if not file.exists():
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content.make())
