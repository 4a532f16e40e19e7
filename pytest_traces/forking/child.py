"""In a forked child: each span that it starts, at its start and at its end."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from pytest_traces.forking.board import Board
from pytest_traces.model import SpanData
from pytest_traces.recording import Entry, Journal
from pytest_traces.recording.journaling import is_open

#: So many numbers without a span are looked at again; most of them never were one.
_MOST_GAPS = 200
#: Of the resource, as in OpenTelemetry's conventions; what it has of its parent is not so.
PROCESS = "process.pid"


class SupportsSending(Protocol):
    """Brings spans to a receiver."""

    def send(self, url: str, spans: Sequence[SpanData]) -> None:
        """Send them to this endpoint, and wait for its answer.

        Raises:
            OSError: they have not come there; TimeoutError: nobody answers.
        """


NewShipment = Callable[[], SupportsSending]


class Child:
    """Sends every span that the child starts at its start, and again at its end.

    Both at once and in the thread of the span: a child that is killed, or leaves by
    ``os._exit``, has lost nothing but the ends of its open spans, which the parent then shows
    as unfinished. A span's end goes where its start went.

    Args:
        journal: of the child.
        board: says where the spans go, and is told where they cannot.
        new_shipment: makes what sends them.
    """

    def __init__(self, journal: Journal, board: Board, new_shipment: NewShipment) -> None:
        self._journal = journal
        self._board = board
        self._new_shipment = new_shipment
        self._shipment: SupportsSending | None = None
        self._is_cut_off = False
        self._pid = os.getpid()
        self._lock = threading.Lock()
        #: Where the start of each open span went, by its number.
        self._open: dict[int, str | None] = {}
        self._gaps: deque[int] = deque(maxlen=_MOST_GAPS)
        self._is_asked = False
        self._next = journal.position()  # what was there belongs to the parent
        journal.subscribe(self._look)

    def _look(self) -> None:
        self._is_asked = True
        while self._is_asked and self._lock.acquire(blocking=False):  # or who has it looks again
            self._is_asked = False
            try:
                self._tell_news()
            except Exception:  # noqa: BLE001  # the application must not notice
                self._board.raise_flags(self._board.read().open)
            finally:
                self._lock.release()

    def _tell_news(self) -> None:
        """Send what has started or ended since the last look."""
        route, news = self._board.read(), self._news()
        has_started = False
        by_url: dict[str | None, list[SpanData]] = {}
        for number, span in news:
            has_started = has_started or number not in self._open
            url = self._open.pop(number, route.url)
            if span.end_ns is None:
                self._open[number] = url
            by_url.setdefault(url, []).append(span)
        arrived = {url for url, spans in by_url.items() if self._send(url, spans)}
        if has_started:
            self._board.raise_flags(route.lost if route.url in arrived else route.open)

    def _news(self) -> list[tuple[int, SpanData]]:
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
                news.append((number, self._read(entry)))
        return news

    def _read(self, entry: Entry) -> SpanData:
        span = entry
        if not isinstance(span, SpanData):
            span = self._journal.sources[span[0]].decode(span)
        return span._replace(resource={**span.resource, PROCESS: self._pid})

    def _send(self, url: str | None, spans: Sequence[SpanData]) -> bool:
        """Whether they have come there."""
        if url is None or self._is_cut_off:
            return False
        try:
            if self._shipment is None:
                self._shipment = self._new_shipment()
            self._shipment.send(url, spans)
        except TimeoutError:
            self._is_cut_off = True  # the application has waited for it once
            return False
        except OSError:
            return False
        return True
