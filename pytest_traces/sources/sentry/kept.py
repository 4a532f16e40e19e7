"""A span of Sentry as it is kept from its start on: the live object, and clocks read beside it."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

from pytest_traces.model import Sampler, Stamps, Thrown
from pytest_traces.recording import Clock
from pytest_traces.sources.work import work

SOURCE = "sentry"

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)


class Reading(NamedTuple):
    """The clocks at one instant, and the thread that read them."""

    time_ns: int
    ticks: int
    cpu: int
    thread: threading.Thread


def read_clocks() -> Reading:
    """The clocks, now."""
    return Reading(
        Clock.time_ns(), Clock.perf_counter_ns(), Clock.thread_time_ns(), threading.current_thread()
    )


class Kept:
    """One span, and what Sentry itself does not keep of it."""

    __slots__ = (
        "above", "attributes", "began", "children", "decided", "end_ns", "ended", "failed", "ids",
        "inner", "is_kept", "is_timed", "left_by", "lost", "name", "number", "parent", "span",
        "was_sampled", "work",
    )  # fmt: skip

    def __init__(self, span: Any, number: int, began: Reading, *, is_timed: bool) -> None:
        self.span = span
        self.number = number
        self.began = began
        #: Whether the times are those of the clock, not ones that the application gave.
        self.is_timed = is_timed
        self.ended: Reading | None = None
        self.end_ns: int | None = None
        self.work: int | None = None
        #: The transaction that it belongs to, and of a transaction those that belong to it.
        self.parent: Kept | None = None
        self.children: list[Kept] = []
        #: The exception that ended it.
        self.left_by: Thrown | None = None
        #: What decided on a transaction or a segment when it started, and how.
        self.decided: Sampler | None = None
        self.was_sampled: bool | None = None
        #: Whether it left with its transaction; None while nobody knows.
        self.is_kept: bool | None = None
        #: Why it did not, though it was to be kept.
        self.lost: Sampler | None = None
        #: Whether it is the inner one of two that one step of a queue has.
        self.inner = False
        #: What an unsampled streamed span has forgotten: the one around it, if that is no segment,
        #: and what it was told; in some versions its name and its ids, too.
        self.above: Kept | None = None
        self.attributes: dict[str, object] = {}
        self.name: str | None = None
        self.ids: tuple[str, str] | None = None
        self.failed = False

    @property
    def start_ns(self) -> int:
        """When it started: Sentry's own time, which has microseconds, or the clock's."""
        given = getattr(self.span, "start_timestamp", None)
        if given is None:
            return self.began.time_ns
        start = nanoseconds(given)
        # Sentry cuts off what is below a microsecond: that is how far it may be too early.
        return self.began.time_ns if self.is_timed and self._is_cut_off(start) else start

    def _is_cut_off(self, start: int) -> bool:
        return 0 < self.began.time_ns - start < 1_000

    def end(self, ended: Reading, given: Any) -> None:
        """It ends: when it says so, when the application says so, or now."""
        self.ended = ended
        if work.running:
            self.work = work.of(self.span)
        told = next(
            (one for name in ("timestamp", "end_timestamp")
             if (one := getattr(self.span, name, None)) is not None),
            given,
        )  # fmt: skip
        start = self.start_ns
        if told is not None:
            end = nanoseconds(told)
            self.end_ns = max(end, start) if self.is_timed else end
        else:
            self.end_ns = start + ended.ticks - self.began.ticks

    def stamps(self) -> Stamps | None:
        """The clocks, where the times are theirs."""
        began, ended = self.began, self.ended
        if not self.is_timed:
            return None
        first = began.thread.ident or 0
        if ended is None:
            return Stamps(began.ticks, None, began.cpu, None, first, None)
        return Stamps(
            began.ticks, ended.ticks, began.cpu, ended.cpu, first, ended.thread.ident, self.work
        )


def nanoseconds(given: Any) -> int:
    """A time as Sentry takes it, in nanoseconds since the Unix epoch.

    Sentry takes a ``datetime``, which is exact here, and a number of seconds.
    """
    if isinstance(given, datetime):
        return (given.astimezone(timezone.utc) - _EPOCH) // _MICROSECOND * 1_000
    return round(float(given) * 1e9)
