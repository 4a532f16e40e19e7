"""One GET over a plain socket, which is what nobody else looks at.

The request of a test's own helper is none of the application: no client that is instrumented,
mocked or recorded carries it.
"""

from __future__ import annotations

import socket
from http.client import HTTPException, HTTPResponse
from typing import NamedTuple
from urllib.parse import urljoin

from pytest_traces.settings import BadValue
from pytest_traces.sources.backends.address import Address, parse

_REDIRECTS = (301, 302, 303, 307, 308)
_MOST_REDIRECTS = 5
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
        line = "" if self.is_html else " ".join(self.body[:1_000].decode(errors="replace").split())
        return line if len(line) <= 80 else f"{line[:79]}…"


class Unreachable(Exception):
    """Nobody has answered by HTTP; the text says what happened."""


class TooSlow(Unreachable):
    """The answer may still come at another time."""


def get(address: Address, seconds: float) -> Answer:
    """Ask once, and again where the answer sends us.

    Raises:
        Unreachable: there was no answer, or none of HTTP, or too many redirections.
    """
    for _ in range(_MOST_REDIRECTS + 1):
        answer, location = _ask(address, seconds)
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


def _ask(address: Address, seconds: float) -> tuple[Answer, str | None]:
    try:
        with _connected(address, seconds) as connection:
            connection.sendall(_head(address))
            response = HTTPResponse(connection, method="GET")
            try:
                response.begin()
                answer = Answer(address, response.status, response.reason, response.read())
                return answer, response.getheader("Location")
            finally:
                response.close()
    except TimeoutError:
        raise TooSlow("it did not answer in time") from None
    except OSError as error:
        raise Unreachable(f"it cannot be reached: {error.strerror or error}") from None
    except (HTTPException, UnicodeError) as error:
        raise Unreachable(f"it does not speak HTTP: {type(error).__name__}: {error}") from None


def _connected(address: Address, seconds: float) -> socket.socket:
    connection = socket.create_connection((address.host, address.port), seconds)
    if address.scheme == "http":
        return connection
    import ssl

    try:
        return ssl.create_default_context().wrap_socket(connection, server_hostname=address.host)
    except BaseException:
        connection.close()
        raise


def _head(address: Address) -> bytes:
    given = {name.lower() for name, _ in address.headers}
    own = [(name, value) for name, value in _OWN if name.lower() not in given]
    lines = [f"GET {address.target} HTTP/1.1"]
    if "host" not in given:
        lines.append(f"Host: {address.host_header}")
    lines += [f"{name}: {value}" for name, value in (*own, *address.headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
