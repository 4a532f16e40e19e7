"""One GET over a plain socket."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from pytest_traces.sources.backends import connection, http
from pytest_traces.sources.backends.address import Address, parse
from pytest_traces.sources.backends.http import Answer, Hiccup, TooLarge, Unreachable, get


@contextmanager
def server(*answers: bytes) -> Iterator[Address]:
    """A server that gives each connection one of these answers, and closes it."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            for answer in answers:
                one, _ = listening.accept()
                with one:
                    one.recv(10_000)
                    one.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield parse(f"http://127.0.0.1:{listening.getsockname()[1]}/api/traces/1")
        thread.join()


def head(*lines: str, status: str = "200 OK") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode()


@pytest.mark.parametrize(
    "answer",
    [
        head("Content-Length: 4") + b"[{}]",
        head("Content-Length: 4") + b"[{}] and more",
        head("Transfer-Encoding: chunked") + b"1\r\n[\r\n3\r\n{}]\r\n0\r\n\r\n",
        head() + b"[{}]",
        head(status="100 Continue") + head("Content-Length: 4") + b"[{}]",
    ],
)
def test_bodies(answer: bytes) -> None:
    """By their length, in chunks, or up to the end."""
    with server(answer) as address:
        assert get(address, 5) == Answer(address, 200, "OK", b"[{}]")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (head("Content-Length: 1000"), "its answer ends too early, at byte 0"),
        (head("Content-Length: 1000") + b"[{", "its answer ends too early, at byte 2"),
        (head("Content-Length: 99999999999999999999") + b"[{", "its answer ends too early, at byte 2"),
        (head("Content-Length: 70000") + b"x" * 69_999, "its answer ends too early, at byte 69,999"),
        (head("Transfer-Encoding: chunked"), "its answer ends too early, at byte 0"),
        (head("Transfer-Encoding: chunked") + b"FFFFFFFFFF\r\n[", "its answer ends too early, at byte 0"),
    ],
)  # fmt: skip
def test_an_answer_that_is_cut_off(answer: bytes, message: str) -> None:
    """May come whole at another time; nothing is set aside for what is only announced."""
    with server(answer) as address, pytest.raises(Hiccup) as caught:
        get(address, 5)

    assert str(caught.value) == message


def test_a_connection_that_is_reset(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the middle of the body: as if it had ended."""
    reads = iter([head("Content-Length: 10") + b"[", ConnectionResetError("reset")])

    def readinto(_: object, buffer: memoryview) -> int:
        part = next(reads)
        if isinstance(part, Exception):
            raise part
        buffer[: len(part)] = part
        return len(part)

    monkeypatch.setattr(connection.Incoming, "readinto", readinto)
    with server(b"") as address, pytest.raises(Hiccup) as caught:
        get(address, 5)

    assert str(caught.value) == "its answer ends too early, at byte 0"


def test_an_answer_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Is not read on; as an answer of nobody's trace, only its beginning is."""
    monkeypatch.setattr(http, "MOST_BYTES", 1 << 20)
    body = b"x" * (1 << 20)
    with server(head() + body) as address:
        assert get(address, 5).body == body
    with server(head() + body + b"x") as address, pytest.raises(TooLarge) as caught:
        get(address, 5)
    with server(head(status="404 Not Found") + body) as address:
        assert get(address, 5).body == b"x" * (1 << 16)

    assert str(caught.value) == "the answer is larger than 1 MiB"


class Dripping:
    """A server that gives one more piece each time somebody looks at the clock, 250 ms later."""

    def __init__(self, before: bytes, piece: bytes) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.setblocking(False)
        self._before, self._piece = before, piece
        self._connection: socket.socket | None = None
        self.looks = 0
        self.address = parse(f"http://127.0.0.1:{self._listening.getsockname()[1]}/api/traces/1")

    def now(self) -> int:
        self.looks += 1
        if self._connection is None:
            try:
                self._connection, _ = self._listening.accept()
            except BlockingIOError:
                return self.looks * 250_000_000
            self._connection.sendall(self._before)
        self._connection.sendall(self._piece)
        return self.looks * 250_000_000

    def close(self) -> None:
        self._listening.close()
        if self._connection is not None:
            self._connection.close()


@pytest.mark.parametrize(
    ("before", "piece"),
    [
        (head("Content-Length: 1000"), b" "),
        (head("Transfer-Encoding: chunked"), b"1\r\n \r\n"),
        (head(), b" "),
        (b"HTTP/1.1 200 OK\r\n", b"a: b\r\n"),
        (b"HTTP/1.1 200 OK\r\na: ", b"b"),
        (b"", head(status="100 Continue")),
    ],
)
def test_a_server_that_drips(before: bytes, piece: bytes) -> None:
    """Is left when the time is over, whatever still comes."""
    drip = Dripping(before, piece)
    try:
        with pytest.raises(Hiccup) as caught:
            get(drip.address, 2, drip.now)
    finally:
        drip.close()

    assert str(caught.value) == "it did not answer in time"
    assert drip.looks == 9  # once at the beginning, then eight quarters of a second


def test_redirections_share_the_time() -> None:
    """They do not begin it again."""
    seconds = iter(range(100))
    to = head("Location: /api/traces/1", "Content-Length: 0", status="302 Found")
    with server(to, to) as address, pytest.raises(Hiccup) as caught:
        get(address, 6, lambda: next(seconds) * 1_000_000_000)

    assert str(caught.value) == "it did not answer in time"
    assert next(seconds) == 7  # in the second request, where the first has taken half of it


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"not\n found", "not found"),
        (b"\x1b[31mred\x00", "\ufffd[31mred\ufffd"),
        (b"<html>", ""),
        (gzip.compress(b"{}", mtime=0), ""),
        (b"x" * 81, "x" * 79 + "…"),
    ],
)
def test_what_an_answer_says(body: bytes, text: str) -> None:
    """On one line of visible characters; nothing, where it is no text for a message."""
    assert Answer(parse("http://x/1"), 404, "", body).text == text


Found = list[tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[str, int]]]


def resolving(monkeypatch: pytest.MonkeyPatch, *ports: int) -> None:
    """Let any host have these ports of this machine as its addresses."""
    found: Found = [
        (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", port)) for port in ports
    ]
    monkeypatch.setattr(connection.socket, "getaddrinfo", lambda *_, **__: found)


@pytest.fixture
def closed() -> int:
    """A port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


def test_a_host_of_several_addresses(monkeypatch: pytest.MonkeyPatch, closed: int) -> None:
    """The first that takes the connection is asked, and none gets the time of the others."""
    waits: list[float] = []
    connect: Callable[..., None] = socket.socket.connect

    class Noted(socket.socket):
        def connect(self, where: object) -> None:
            waits.append(self.gettimeout() or 0)
            connect(self, where)

    with server(head() + b"[]") as address:
        resolving(monkeypatch, closed, closed, address.port)
        monkeypatch.setattr(connection.socket, "socket", Noted)
        assert get(address, 6, lambda: 0).body == b"[]"

    assert waits == [2, 3, 6]


def test_a_host_of_no_address_that_answers(monkeypatch: pytest.MonkeyPatch, closed: int) -> None:
    """Is told as one that has none."""
    address = parse("http://jaeger/api/traces/1")
    resolving(monkeypatch, closed, closed)
    with pytest.raises(Unreachable, match=r"^it cannot be reached: Connection refused$"):
        get(address, 5)

    resolving(monkeypatch)
    with pytest.raises(Unreachable, match=r"^it cannot be reached: the host has no address$"):
        get(address, 5)
