"""Spans of a forked child on their way to the receiver of its parent."""

from __future__ import annotations

import socket
import threading
from collections import deque
from collections.abc import Callable
from urllib.parse import urlsplit

from pytest_traces.encoding.otlp_write import encode
from pytest_traces.model import SpanData
from pytest_traces.recording import Entry, Journal
from pytest_traces.recording.journaling import is_open

_TIMEOUT_S = 5.0
#: So many numbers without a span are looked at again; most of them never were one.
_MOST_GAPS = 200


class Shipment:
    """Sends every span that the child starts at its start, and again at its end.

    Both at once and in the thread of the span: a child that is killed, or leaves by
    ``os._exit``, has lost nothing but the ends of its open spans, which the parent then shows
    as unfinished. The socket is a plain one, which no instrumentation looks at.

    Args:
        journal: of the child.
        url: the receiver's endpoint.
        give_up: called when the receiver cannot be reached any more.
    """

    def __init__(self, journal: Journal, url: str, give_up: Callable[[], None]) -> None:
        self._journal = journal
        self._url = urlsplit(url)
        self._give_up = give_up
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None
        self._open: set[int] = set()
        self._gaps: deque[int] = deque(maxlen=_MOST_GAPS)
        self._is_asked = False
        self._next = journal.position()  # what was there belongs to the parent
        self._stop = journal.subscribe(self._ship)

    def _ship(self) -> None:
        self._is_asked = True
        while self._is_asked and self._lock.acquire(blocking=False):  # or who has it looks again
            self._is_asked = False
            self._send_news()

    def _send_news(self) -> None:
        try:
            if spans := self._news():
                self._post(encode(spans))
        except Exception:  # noqa: BLE001  # the application must not notice
            self._stop()
            self._give_up()
        finally:
            self._lock.release()

    def _news(self) -> list[SpanData]:
        """The spans that have started or ended since it was asked last."""
        journal = self._journal
        journal.flush()
        first, self._next = self._next, next(journal.numbers)
        # Another thread may have taken a number, and not come back with its span yet.
        numbers = [*sorted(self._open), *self._gaps, *range(first + 1, self._next)]
        self._gaps.clear()
        news = []
        for number in numbers:
            entry = journal.entries.get(number)
            if entry is None:
                self._gaps.append(number)
            elif number not in self._open or not is_open(entry):
                span = self._read(entry)
                news.append(span)
                (self._open.add if span.end_ns is None else self._open.discard)(number)
        return news

    def _read(self, entry: Entry) -> SpanData:
        if isinstance(entry, SpanData):
            return entry
        return self._journal.sources[entry[0]].decode(entry)

    def _post(self, body: bytes) -> None:
        head = (
            f"POST {self._url.path}/v1/traces HTTP/1.1\r\nHost: {self._url.netloc}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        if self._connection is None:
            address = (self._url.hostname or "127.0.0.1", self._url.port or 80)
            self._connection = socket.create_connection(address, _TIMEOUT_S)
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
