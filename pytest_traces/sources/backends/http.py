"""One GET over a plain socket, which is what nobody else looks at.

The request of a test's own helper is none of the application: no client that is instrumented,
mocked or recorded carries it.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse, IncompleteRead
from typing import NamedTuple, cast
from urllib.parse import urljoin

from pytest_traces.encoding.documents import MOST_BYTES
from pytest_traces.recording import Clock
from pytest_traces.settings import BadValue
from pytest_traces.sources.backends.address import Address, parse
from pytest_traces.sources.backends.connection import Deadline, Incoming, connected

_REDIRECTS = (301, 302, 303, 307, 308)
_MOST_REDIRECTS = 5
_OK = 200
_STEP = 1 << 16
_PACKED = b"\x1f\x8b"
_OWN = (
    ("Accept", "application/json"),
    ("Accept-Encoding", "identity"),
    ("User-Agent", "pytest-traces"),
    ("Connection", "close"),
)


class Answer(NamedTuple):
    """What the server said, and which address that was after redirections."""

    address: Address
    status: int
    reason: str
    body: bytes

    @property
    def is_html(self) -> bool:
        """Whether a page for people came."""
        return self.body.lstrip()[:1] == b"<"

    @property
    def text(self) -> str:
        """What it says, on one line and cut where it is long; empty for a page."""
        if self.is_html or self.body.startswith(_PACKED):
            return ""
        line = " ".join(self.body[:1_000].decode(errors="replace").split())
        line = "".join(one if one.isprintable() else "\ufffd" for one in line)
        return line if len(line) <= 80 else f"{line[:79]}…"


class Unreachable(Exception):
    """Nobody has answered by HTTP; the text says what happened."""


class Hiccup(Unreachable):
    """There was no whole answer; at another time there may be one."""


class TooLarge(Exception):
    """The answer is larger than any trace; the text says so."""


def get(address: Address, seconds: float, now: Callable[[], int] = Clock.monotonic_ns) -> Answer:
    """Ask once, and again where the answer sends us; all of it takes so many seconds at most.

    Raises:
        Unreachable: there was no answer, or none of HTTP, or too many redirections.
        TooLarge: it is larger than any trace.
    """
    deadline = Deadline(seconds, now)
    for _ in range(_MOST_REDIRECTS + 1):
        answer, location = _ask(address, deadline)
        if answer.status not in _REDIRECTS or location is None:
            return answer
        address = _redirected(address, location)
    raise Unreachable(f"it redirects more than {_MOST_REDIRECTS} times")


def _redirected(address: Address, location: str) -> Address:
    """Where to ask next; another server does not get the headers, which may hold a token."""
    try:
        following = parse(urljoin(address.url, location))
    except (BadValue, ValueError):
        raise Unreachable(f"it redirects to {location!r}, which is no URL of HTTP") from None
    is_same = (following.scheme, following.host, following.port) == address[1:4]
    return following._replace(headers=address.headers) if is_same else following


def _ask(address: Address, deadline: Deadline) -> tuple[Answer, str | None]:
    try:
        with connected(address, deadline) as connection:
            connection.settimeout(deadline.left())
            connection.sendall(_head(address))
            incoming = cast("socket.socket", Incoming(connection, deadline))
            response = HTTPResponse(incoming, method="GET")
            try:
                response.begin()
                answer = Answer(address, response.status, response.reason, _body(response))
                return answer, response.getheader("Location")
            finally:
                response.close()
    except TimeoutError:
        raise Hiccup("it did not answer in time") from None
    except OSError as error:
        raise Unreachable(f"it cannot be reached: {error.strerror or error}") from None
    except (HTTPException, UnicodeError) as error:
        raise Unreachable(f"it does not speak HTTP: {type(error).__name__}: {error}") from None


def _body(response: HTTPResponse) -> bytes:
    """The whole body; of what is no trace, as much as may be shown."""
    body = bytearray()
    try:
        while part := response.read(_STEP):
            body += part
            if response.status != _OK:
                return bytes(body)
            if len(body) > MOST_BYTES:
                raise TooLarge(f"the answer is larger than {MOST_BYTES >> 20:,} MiB")
    except TimeoutError:
        raise
    except (OSError, IncompleteRead):
        raise Hiccup(_cut_off(body)) from None
    if response.length:  # which http.client keeps to itself
        raise Hiccup(_cut_off(body))
    return bytes(body)


def _cut_off(body: bytearray) -> str:
    return f"its answer ends too early, at byte {len(body):,}"


def _head(address: Address) -> bytes:
    given = {name.lower() for name, _ in address.headers}
    own = [(name, value) for name, value in _OWN if name.lower() not in given]
    lines = [f"GET {address.target} HTTP/1.1"]
    if "host" not in given:
        lines.append(f"Host: {address.host_header}")
    lines += [f"{name}: {value}" for name, value in (*own, *address.headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
