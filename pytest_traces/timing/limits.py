"""How long spans took by the clock that can be trusted most, or why nobody can say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from pytest_traces.forest import Forest, Span
from pytest_traces.timing.processor import Processor
from pytest_traces.timing.self_time import self_time_ns
from pytest_traces.timing.timeline import Timeline

Of = Literal["total", "self", "sum", "cpu"]
Calls = Literal["each", "first"]
ClockName = Literal["monotonic clock", "recorded times", "CPU time of the thread"]
Obstacle = Literal["unfinished", "negative", "no clock", "threads", "shared"]

#: What a machine does beside the program takes as long now and then.
LEAST_NS = 1_000_000
#: A limit is comfortable from so many times the best reading on.
HEADROOM = 3


class Limit(NamedTuple):
    """What spans may take, exclusively."""

    under_ns: int
    of: Of = "total"
    calls: Calls = "each"


class Reading(NamedTuple):
    """What one limit is compared with: the time of a span, or of several together."""

    spans: tuple[Span, ...]
    took_ns: int
    clocks: tuple[ClockName, ...]
    moved: bool


class Unreadable(NamedTuple):
    """A span whose time nobody knows; ``other`` is what ran beside it in its thread."""

    span: Span
    obstacle: Obstacle
    other: Span | None = None


class Readings(NamedTuple):
    """Every reading, in order of start, and what could not be read."""

    readings: Sequence[Reading]
    unreadable: Sequence[Unreadable]

    def over(self, under_ns: int) -> list[Reading]:
        """Those that are not under the limit, the worst first."""
        found = [one for one in self.readings if one.took_ns >= under_ns]
        return sorted(found, key=lambda one: -one.took_ns)


def read(spans: Sequence[Span], of: Of, forest: Forest, everything: Forest) -> Readings:
    """Read the spans' times.

    Args:
        spans: those that the limit is for.
        of: ``total``, from start to end; ``self``, without its children; ``sum``, all together;
            ``cpu``, what its thread has used of the processor.
        forest: what is looked at.
        everything: all that was recorded, with what a view leaves out.
    """
    unreadable = [one for span in spans if (one := _obstacle(span)) is not None]
    if unreadable:
        return Readings((), unreadable)
    if of == "cpu":
        return _processor_times(spans, everything)
    if of == "self":
        timeline = Timeline(forest.spans)
        return Readings([_own(span, timeline) for span in spans], ())
    readings = [_total(span) for span in spans]
    return Readings([_together(readings)] if of == "sum" and readings else readings, ())


def clock_of(span: Span) -> ClockName:
    """By which clock :attr:`Span.elapsed_ns` is told."""
    stamps = span.data.stamps
    return "recorded times" if stamps is None or stamps.end_ns is None else "monotonic clock"


def _obstacle(span: Span) -> Unreadable | None:
    took = span.elapsed_ns
    if took is None:
        return Unreadable(span, "unfinished")
    return Unreadable(span, "negative") if took < 0 else None


def _total(span: Span) -> Reading:
    return Reading((span,), span.elapsed_ns or 0, (clock_of(span),), span.clock_moved)


def _own(span: Span, timeline: Timeline) -> Reading:
    is_own = timeline.moved and clock_of(span) == "monotonic clock"
    clock: ClockName = "monotonic clock" if is_own else "recorded times"
    return Reading((span,), self_time_ns(span, timeline) or 0, (clock,), is_own)


def _together(readings: Sequence[Reading]) -> Reading:
    clocks: list[ClockName] = []
    for one in readings:
        clocks.extend(clock for clock in one.clocks if clock not in clocks)
    return Reading(
        tuple(span for one in readings for span in one.spans),
        sum(one.took_ns for one in readings),
        tuple(clocks),
        any(one.moved for one in readings),
    )


def _processor_times(spans: Iterable[Span], everything: Forest) -> Readings:
    processor = Processor(everything.spans)
    readings: list[Reading] = []
    unreadable: list[Unreadable] = []
    for span in spans:
        stamps = span.data.stamps
        if stamps is None or stamps.cpu_end_ns is None:
            unreadable.append(Unreadable(span, "no clock"))
        elif stamps.start_thread != stamps.end_thread:
            unreadable.append(Unreadable(span, "threads"))
        elif (other := processor.beside(span)) is not None:
            unreadable.append(Unreadable(span, "shared", other))
        else:
            took = stamps.cpu_end_ns - stamps.cpu_start_ns
            readings.append(Reading((span,), took, ("CPU time of the thread",), moved=False))
    return Readings(readings, unreadable)
