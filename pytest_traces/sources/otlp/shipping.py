"""Spans of a forked child on their way to a receiver of its parent."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from urllib.parse import SplitResult, urlsplit

from pytest_traces.encoding.otlp_write import encode
from pytest_traces.model import SpanData

_TIMEOUT_S = 5.0


class Shipment:
    """Sends spans over a connection that is kept.

    The socket is a plain one, which no instrumentation looks at.
    """

    def __init__(self) -> None:
        self._connection: socket.socket | None = None
        self._host = ""

    def send(self, url: str, spans: Sequence[SpanData]) -> None:
        """Send them to this endpoint, and wait for its answer.

        Raises:
            OSError: they have not come there; TimeoutError: nobody answers.
        """
        place, body = urlsplit(url), encode(spans)
        if place.netloc != self._host:
            self._close()
        was_kept = self._connection is not None
        try:
            self._post(place, body)
        except OSError as error:
            self._close()
            if not was_kept or isinstance(error, TimeoutError):
                raise
            self._post(place, body)  # the other side may have ended what was kept

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _post(self, place: SplitResult, body: bytes) -> None:
        head = (
            f"POST {place.path}/v1/traces HTTP/1.1\r\nHost: {place.netloc}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        if self._connection is None:
            address = (place.hostname or "127.0.0.1", place.port or 80)
            self._connection = socket.create_connection(address, _TIMEOUT_S)
            self._host = place.netloc
        self._connection.sendall(head.encode() + body)
        answer = b""
        while b"\r\n\r\n" not in answer:
            received = self._connection.recv(65536)
            if not received:
                raise OSError("the receiver has closed the connection")
            answer += received
        self._drain(answer)

    def _drain(self, answer: bytes) -> None:
        """Read the rest of an answer, so that the next one begins at its beginning."""
        head, _, body = answer.partition(b"\r\n\r\n")
        status, *fields = head.decode("latin-1").split("\r\n")
        if " 200" not in status:
            raise OSError(f"the receiver answers {status}")
        named = dict(field.lower().split(": ", 1) for field in fields if ": " in field)
        missing = int(named.get("content-length", "0")) - len(body)
        while missing > 0 and self._connection is not None:
            missing -= len(self._connection.recv(missing)) or missing
