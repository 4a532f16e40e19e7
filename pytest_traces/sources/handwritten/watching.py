"""Listening in on a list to which an application appends its spans."""

from __future__ import annotations

import threading
from typing import Any

from pytest_traces.recording import Journal, Recording
from pytest_traces.settings import BadValue
from pytest_traces.sources.handwritten.intake import Intake

_ADVICE = "tap the function that records a span instead"


class Watch:
    """Reads the spans that an application appends to a list."""

    def __init__(self, journal: Journal, items: list[Any], unit: str) -> None:
        if not isinstance(items, list):
            raise BadValue("watch", items, f"what can be watched is a list; else {_ADVICE}")
        self._intake = Intake(journal, "watch", unit)
        self._items = items
        self._lock = threading.RLock()
        self._skip_to_end()

    def install(self, recording: Recording) -> None:
        """Look whenever a recording is looked at, and a last time at the end of this one."""
        recording.pulls.append(self.pull)
        recording.endings.append(self.pull)

    def pull(self) -> None:
        """Take what came since the last time, and the ends of spans that were open then."""
        with self._lock:
            self._intake.look_again()
            if not self._is_as_left():
                self._intake.complain(
                    "items have left the list since it was last looked at, and others may have "
                    f"come and gone unseen; {_ADVICE}"
                )
                self._skip_to_end()
            while self._next < len(self._items):
                self._last = self._items[self._next]
                self._next += 1
                error = self._intake.take(self._last)
                if error is not None:
                    self._intake.complain(error)

    def _skip_to_end(self) -> None:
        self._next = len(self._items)
        self._last = self._items[-1] if self._items else None

    def _is_as_left(self) -> bool:
        """Whether the last item that was seen is still where it was."""
        if self._next == 0:
            return True
        return len(self._items) >= self._next and self._items[self._next - 1] is self._last
