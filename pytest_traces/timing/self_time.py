"""The time of a span in which none of its children was open."""

from __future__ import annotations

from pytest_traces.forest import Span
from pytest_traces.timing.timeline import Interval, Timeline


def own_intervals(span: Span, timeline: Timeline) -> list[Interval]:
    """When it was open and none of its direct children was, in order; nothing while it is open.

    Children are clipped to it; open ones take no part.
    """
    found = timeline.interval(span)
    if found is None:
        return []
    if not span.children:
        return [found] if found[0] < found[1] else []
    covered = sorted(
        interval
        for child in span.children
        if timeline.has_ended(child) and (interval := timeline.interval(child)) is not None
    )
    reached, last = found
    own: list[Interval] = []
    for start, end in covered:
        if reached < min(start, last):
            own.append((reached, min(start, last)))
        reached = max(reached, end)
    if reached < last:
        own.append((reached, last))
    return own


def self_time_ns(span: Span, timeline: Timeline) -> int | None:
    """Its own time in nanoseconds; None while it is open."""
    if timeline.interval(span) is None:
        return None
    return sum(end - start for start, end in own_intervals(span, timeline))
