"""One answer, byte by byte: the same bytes from every server, or there is nothing to compare."""

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
    fields: dict[str, str]
    content: bytes

    def field(self, name):
        return self.fields.get(name)


def fetch(port, path, persistence, coding=None):
    """Asks 127.0.0.1:port for `path` in the words that wrk uses."""
    fields = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}"]
    if persistence is Persistence.CLOSE:
        fields.append("Connection: close")
    if coding:
        fields.append(f"Accept-Encoding: {coding}")
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_SECONDS) as connection:
        connection.sendall("\r\n".join([*fields, "", ""]).encode())
        return _read(connection)


def _read(connection):
    received = b""
    while b"\r\n\r\n" not in received:
        received += _more(connection)
    head, _, content = received.partition(b"\r\n\r\n")
    fields = _fields(head)
    if fields.get("transfer-encoding") == "chunked":
        content, rest = _read_chunks(connection, content)
        return Answer(head + b"\r\n\r\n" + rest, int(head.split()[1]), fields, content)
    if "content-length" not in fields:
        raise Failed("an answer has no Content-Length")
    content = _read_until(connection, content, int(fields["content-length"]))
    return Answer(head + b"\r\n\r\n" + content, int(head.split()[1]), fields, content)


def _read_until(connection, received, length):
    rest = [received]
    missing = length - len(received)
    while missing > 0:
        rest.append(_more(connection))
        missing -= len(rest[-1])
    return b"".join(rest)


def _read_chunks(connection, received):
    """The content of a chunked answer (RFC 9112, section 7.1), and the bytes that it came in."""
    parts, at = [], 0
    while True:
        while b"\r\n" not in received[at:]:
            received += _more(connection)
        line, _, _ = received[at:].partition(b"\r\n")
        size = int(line.partition(b";")[0], 16)
        begin = at + len(line) + 2
        received = _read_until(connection, received, begin + size + 2)
        parts.append(received[begin:begin + size])
        at = begin + size + 2
        if size == 0:
            return b"".join(parts), received


def _more(connection):
    more = connection.recv(1 << 18)
    if not more:
        raise Failed("the connection ended before the answer did")
    return more


def _fields(head):
    """The fields of a head, with names in lower case; of several with one name, the last."""
    lines = (line.decode("latin-1").partition(":") for line in head.split(b"\r\n")[1:])
    return {name.strip().lower(): value.strip() for name, _, value in lines}


def check(server, row, root):
    """Every checked path of the row is answered 200, with exactly what the row asks for."""
    for path in row.asks_for.checked_paths():
        try:
            answer = fetch(server.port, path, row.persistence, row.asks_for.coding)
            if answer.status != 200:
                raise Failed(f"it is answered {answer.status}, not 200")
            if complaint := row.asks_for.complaint(answer, path, root):
                raise Failed(complaint)
        except (Failed, OSError, ValueError, IndexError) as problem:
            raise Failed(f"{server.name}, row {row.name}: {path}: {problem}") from problem
