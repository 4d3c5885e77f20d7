"""One answer, byte by byte: the same bytes from every server, or there is nothing to compare."""

import hashlib
import socket
from dataclasses import dataclass

from . import Failed
from .rows import Persistence

TIMEOUT_SECONDS = 10


@dataclass(frozen=True)
class Answer:
    """A whole answer as it came over the wire, and its parts."""

    raw: bytes
    status: int
    content: bytes


def fetch(port, path, persistence):
    """Asks 127.0.0.1:port for `path` in the words that wrk uses."""
    fields = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}"]
    if persistence is Persistence.CLOSE:
        fields.append("Connection: close")
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_SECONDS) as connection:
        connection.sendall("\r\n".join([*fields, "", ""]).encode())
        return _read(connection)


def _read(connection):
    received = b""
    while b"\r\n\r\n" not in received:
        received += _more(connection)
    head, _, content = received.partition(b"\r\n\r\n")
    length = _content_length(head)
    rest = []
    missing = length - len(content)
    while missing > 0:
        rest.append(_more(connection))
        missing -= len(rest[-1])
    content = b"".join([content, *rest])
    return Answer(head + b"\r\n\r\n" + content, int(head.split()[1]), content)


def _more(connection):
    more = connection.recv(1 << 18)
    if not more:
        raise Failed("the connection ended before the answer did")
    return more


def _content_length(head):
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    raise Failed("an answer has no Content-Length")


def check(server, row, root):
    """Every checked path of the row is answered 200 with exactly the file's bytes."""
    for path in row.asks_for.checked_paths():
        expected = (root / path.lstrip("/")).read_bytes()
        try:
            answer = fetch(server.port, path, row.persistence)
        except (Failed, OSError, ValueError, IndexError) as problem:
            raise Failed(f"{server.name}, row {row.name}: {path}: {problem}") from problem
        if answer.status != 200:
            raise Failed(f"{server.name}, row {row.name}: {path} is answered {answer.status}, not 200")
        if answer.content != expected:
            got = hashlib.sha256(answer.content).hexdigest()[:12]
            raise Failed(f"{server.name}, row {row.name}: {path}: not the file's bytes "
                         f"({len(answer.content)} bytes, sha256 {got}…)")
