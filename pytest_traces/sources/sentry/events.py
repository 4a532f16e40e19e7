"""What Sentry makes of an event: whether it drops it, and what it would send."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Outcome:
    """What became of the events of one call."""

    __slots__ = ("event", "is_dropped", "left", "passed")

    def __init__(self) -> None:
        #: The event as it would leave: after all processors and ``before_send``.
        self.event: Any = None
        self.is_dropped = False
        #: The ids of the spans of a transaction behind the processors, and as it would leave; None
        #: where it did not come so far, or nobody can tell.
        self.passed: frozenset[str] | None = None
        self.left: frozenset[str] | None = None


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

    def processed(self, event: Any) -> None:
        """An event has been through the processors; None was dropped by one."""
        stack = self._stack()
        if stack:
            stack[-1].passed = _spans_of(event)

    def prepared(self, event: Any) -> None:
        """An event has been prepared; None was dropped on the way."""
        stack = self._stack()
        if stack:
            stack[-1].event = event
            stack[-1].is_dropped = event is None
            stack[-1].left = _spans_of(event)

    def hand_on(self, inner: Outcome) -> None:
        """What became of the transaction that a client was given, for who gave it."""
        stack = self._stack()
        if stack:
            stack[-1].is_dropped = inner.is_dropped
            stack[-1].passed, stack[-1].left = inner.passed, inner.left

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


def _spans_of(event: Any) -> frozenset[str] | None:
    """The ids of a transaction's spans, now: who has the event may go on to change it."""
    if not isinstance(event, dict) or event.get("type") != "transaction":
        return None
    spans = event.get("spans") or ()
    if not isinstance(spans, (list, tuple)):
        return None
    return frozenset(str(one.get("span_id")) for one in spans if isinstance(one, dict))
