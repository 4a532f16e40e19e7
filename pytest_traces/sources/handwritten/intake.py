"""Spans of the application on their way into the journal, and those that have not ended yet."""

from __future__ import annotations

import threading
from typing import Any

from pytest_traces.model import SpanData
from pytest_traces.recording import Journal
from pytest_traces.sources.handwritten.reading import UnreadableSpan, read_span
from pytest_traces.sources.handwritten.times import check_unit


class Intake:
    """Reads spans for a tap or a watch; looks again at those that were open."""

    def __init__(self, journal: Journal, title: str, unit: str) -> None:
        self._journal = journal
        self._title = title
        self._unit = check_unit(unit)
        self._lock = threading.RLock()  # a property of a span may record another span
        self._open: dict[int, Any] = {}

    @property
    def follows(self) -> bool:
        """Whether a span that was taken is still open."""
        return bool(self._open)

    def take(self, given: Any) -> str | None:
        """Record one span; returns what is wrong if it is none."""
        span = self._read(given)
        if isinstance(span, str):
            return span
        with self._lock:
            number = self._journal.put(span)
            if span.end_ns is None:
                self._open[number] = given
        return None

    def look_again(self) -> None:
        """Take the ends of spans that were open."""
        with self._lock:
            for number, given in list(self._open.items()):
                span = self._read(given)
                if isinstance(span, str):
                    self._open.pop(number, None)  # a look within this one may have been first
                    self.complain(span)
                elif span.end_ns is not None:
                    self._open.pop(number, None)
                    self._journal.replace(number, span)

    def _read(self, given: Any) -> SpanData | str:
        """The span, or what is wrong. Never raises: it is the application that is running."""
        try:
            return read_span(given, self._unit)
        except UnreadableSpan as error:
            return str(error)
        except Exception as error:  # noqa: BLE001  # any object may have been passed
            return f"not a span: reading a {type(given).__name__} raises {type(error).__name__}"

    def complain(self, text: str) -> None:
        """Report a problem in every assertion: spans are missing from all open recordings."""
        for window in list(self._journal.windows):
            window.problems.append(f"{self._title}: {text}")
