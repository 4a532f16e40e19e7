"""A connection that is over when its time is, however much comes meanwhile."""

from __future__ import annotations

import io
import socket
from collections.abc import Callable
from typing import Any

from pytest_traces.sources.backends.address import Address

#: So long may nothing come from a server that has not finished.
_LONGEST_SILENCE_S = 10.0


class Deadline:
    """The end of the time for a request, whatever comes of it meanwhile."""

    def __init__(self, seconds: float, now: Callable[[], int]) -> None:
        self._now = now
        self._at_ns = now() + int(seconds * 1e9)

    def left(self) -> float:
        """For how many seconds to wait now.

        Raises:
            TimeoutError: the time is over.
        """
        left_ns = self._at_ns - self._now()
        if left_ns <= 0:
            raise TimeoutError
        return min(left_ns / 1e9, _LONGEST_SILENCE_S)


class Incoming(io.RawIOBase):
    """What a connection brings, up to the deadline; a socket's own timeout begins with each byte.

    To http.client it is the socket.
    """

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._connection = connection
        self._deadline = deadline

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """What has come by now, at least one byte unless it is the end."""
        self._connection.settimeout(self._deadline.left())
        return self._connection.recv_into(buffer)

    def makefile(self, _: str) -> io.BufferedReader:
        """Itself, buffered."""
        return io.BufferedReader(self)


def connected(address: Address, deadline: Deadline) -> socket.socket:
    """A connection to the first address of the host that takes one; each gets a part of the time.

    ``socket.create_connection`` gives all of it to each.
    """
    found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    for number, (family, kind, protocol, _, where) in enumerate(found):
        others = len(found) - number - 1
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(deadline.left() / (others + 1))
            connection.connect(where)
        except BaseException as error:
            connection.close()
            if others and isinstance(error, OSError):
                continue
            raise
        return connection if address.scheme == "http" else _secured(connection, address, deadline)
    raise OSError("the host has no address")


def _secured(connection: socket.socket, address: Address, deadline: Deadline) -> socket.socket:
    import ssl

    try:
        connection.settimeout(deadline.left())
        return ssl.create_default_context().wrap_socket(connection, server_hostname=address.host)
    except BaseException:
        connection.close()
        raise
