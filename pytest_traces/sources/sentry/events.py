"""What Sentry makes of an event: whether it drops it, and what it would send."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Outcome:
    """What became of the events of one call."""

    __slots__ = ("event", "is_dropped")

    def __init__(self) -> None:
        #: The event as it would leave: after all processors and ``before_send``.
        self.event: Any = None
        self.is_dropped = False


class Outcomes:
    """The calls under way, in each thread; the hooks on the client tell the innermost one."""

    def __init__(self) -> None:
        self._local = threading.local()

    @contextmanager
    def watch(self) -> Iterator[Outcome]:
        """Around a call that may capture an event."""
        outcome = Outcome()
        stack = self._stack()
        stack.append(outcome)
        try:
            yield outcome
        finally:
            stack.pop()

    def prepared(self, event: Any) -> None:
        """An event has been prepared; None was dropped on the way."""
        stack = self._stack()
        if stack:
            stack[-1].event = event
            stack[-1].is_dropped = event is None

    def not_sampled(self) -> None:
        """The event that was prepared last is left out by chance."""
        stack = self._stack()
        if stack:
            stack[-1].is_dropped = True

    def _stack(self) -> list[Outcome]:
        try:
            stack: list[Outcome] = self._local.stack
        except AttributeError:
            stack = self._local.stack = []
        return stack
