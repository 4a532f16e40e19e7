"""Which spans ran at the same time: half-open, so what ends as another begins is over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pytest_traces.forest import Span
from pytest_traces.timing.timeline import Interval, Timeline


class Clash(NamedTuple):
    """Two spans that overlap: the first that began while an earlier one was open."""

    earlier: Span
    later: Span
    overlap_ns: int


def peak(intervals: Iterable[Interval]) -> int:
    """How many are open at once, at most. What took no time is open at no instant."""
    starts: list[int] = []
    ends: list[int] = []
    for start, end in intervals:
        if start < end:
            starts.append(start)
            ends.append(end)
    starts.sort()
    ends.sort()
    most = over = 0
    for begun, start in enumerate(starts, 1):
        while ends[over] <= start:
            over += 1
        most = max(most, begun - over)
    return most


def outermost(spans: Sequence[Span]) -> list[Span]:
    """Those of the spans that are not below another one of them, in the same order."""
    chosen = set(spans)
    below: dict[Span, bool] = {}
    for span in spans:
        _look_above(span, chosen, below)
    return [span for span in spans if not below[span]]


def _look_above(span: Span, chosen: set[Span], below: dict[Span, bool]) -> None:
    """Note for the span, and for those above it, whether a chosen one is above."""
    chain: list[Span] = []
    one: Span | None = span
    while one is not None and one not in below:
        chain.append(one)
        one = one.parent
    is_below = one is not None and (below[one] or one in chosen)
    for one in reversed(chain):
        below[one] = is_below
        is_below = is_below or one in chosen


def first_clash(spans: Iterable[Span], timeline: Timeline) -> Clash | None:
    """The first two finished spans that overlap.

    One that took no time overlaps those that were open before and after it.
    """
    ordered = sorted(
        ((found, span) for span in spans if (found := timeline.interval(span)) is not None),
        key=lambda item: item[0],
    )
    latest: tuple[int, Span] | None = None
    for (start, end), span in ordered:
        if latest is not None and start < latest[0]:
            return Clash(latest[1], span, min(end, latest[0]) - start)
        if latest is None or end > latest[0]:
            latest = end, span
    return None
