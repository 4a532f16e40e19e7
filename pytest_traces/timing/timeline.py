"""When spans ran, for every analysis: by recorded times, unless the clock was moved meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median_low

from pytest_traces.forest import Span

Interval = tuple[int, int]

#: How far recorded times and the source's own clock may drift apart.
_DRIFT_NS = 1_000_000


class Timeline:
    """The intervals [start, end) of spans, in nanoseconds since the Unix epoch.

    Recorded times count, unless the clock was moved or stood still while the spans ran (freezegun,
    time-machine, a step of NTP): then spans for which the source read a clock of its own have
    their times from that, all shifted by one offset; the others keep those that were recorded.

    Attributes:
        moved: whether the clock was moved.

    Example:
        >>> timeline = Timeline(forest.spans)
        >>> start, end = timeline.interval(forest.roots[0])
    """

    __slots__ = ("_intervals", "moved")

    def __init__(self, spans: Iterable[Span]) -> None:
        all_spans = list(spans)
        stamped = {span: found for span in all_spans if (found := _offsets(span)) is not None}
        drift = [offset for both in stamped.values() for offset in both]
        self.moved = _was_moved(drift, list(stamped))
        shift = _shift(stamped) if self.moved else None
        self._intervals = {span: _interval(span, shift) for span in all_spans}

    def interval(self, span: Span) -> Interval | None:
        """Start and end of a span; None while it is open. An end before the start is the start.

        Raises:
            KeyError: the span is none of those that the timeline is of.
        """
        return self._intervals[span]

    def duration_ns(self, span: Span) -> int | None:
        """End minus start, never negative; None while the span is open."""
        found = self._intervals[span]
        return None if found is None else found[1] - found[0]

    def shifted(self, shifts: Mapping[Span, int]) -> Timeline:
        """The same with some spans moved, each by so many nanoseconds."""
        other = Timeline(())
        other.moved = self.moved
        other._intervals = {
            span: found and (found[0] + shifts.get(span, 0), found[1] + shifts.get(span, 0))
            for span, found in self._intervals.items()
        }
        return other

    def has_ended(self, span: Span) -> bool:
        """Whether the span is one of those that the timeline is of, and has ended."""
        return self._intervals.get(span) is not None

    def finished(self) -> list[Span]:
        """The spans that have ended, in the order in which they were given."""
        return [span for span, found in self._intervals.items() if found is not None]

    def __contains__(self, span: Span) -> bool:
        return span in self._intervals


def _offsets(span: Span) -> Interval | None:
    """How far the recorded start and end are from the own clock; None without such a clock."""
    stamps, end_ns = span.data.stamps, span.end_ns
    if stamps is None or stamps.end_ns is None or end_ns is None:
        return None
    return span.start_ns - stamps.start_ns, end_ns - stamps.end_ns


def _was_moved(offsets: Sequence[int], spans: Sequence[Span]) -> bool:
    if not offsets:
        return False
    return max(offsets) - min(offsets) > _DRIFT_NS or any(span.clock_moved for span in spans)


def _shift(stamped: Mapping[Span, Interval]) -> int:
    """From the own clock to recorded time: as at the earliest root, if that is known."""
    roots = [span for span in stamped if span.parent is None]
    if not roots:
        return median_low(start for start, _ in stamped.values())
    return stamped[min(roots, key=_own_start)][0]


def _own_start(span: Span) -> int:
    stamps = span.data.stamps
    return span.start_ns if stamps is None else stamps.start_ns


def _interval(span: Span, shift: int | None) -> Interval | None:
    start, end, stamps = span.start_ns, span.end_ns, span.data.stamps
    if end is None:
        return None
    if shift is not None and stamps is not None and stamps.end_ns is not None:
        start, end = stamps.start_ns + shift, stamps.end_ns + shift
    return start, max(start, end)
