"""How much ran at once below one root."""

from __future__ import annotations

from typing import NamedTuple

from pytest_traces.timing.overlap import peak
from pytest_traces.timing.self_time import own_intervals
from pytest_traces.timing.timeline import Interval
from pytest_traces.timing.waits import Waits


class Parallelism(NamedTuple):
    """How much was worked at once. A span works while it is open and none of its children is.

    Attributes:
        window_ns: how long the root was open, in nanoseconds; what is outside does not count.
        work_ns: how long all spans worked, together.
        average: how many worked at once, on average; 0.0 where the root took no time.
        peak: how many worked at once, at most.

    Example:
        >>> traces.parallelism().peak
        3
    """

    window_ns: int
    work_ns: int
    average: float
    peak: int


def parallelism(waits: Waits) -> Parallelism:
    """How much ran at once while the root was open."""
    first, last = waits.begin[waits.root], waits.end[waits.root]
    working: list[Interval] = []
    for span in waits.spans:
        for start, end in own_intervals(span, waits.timeline):
            clipped = max(start, first), min(end, last)
            if clipped[0] < clipped[1]:
                working.append(clipped)
    window, work = last - first, sum(end - start for start, end in working)
    return Parallelism(window, work, work / window if window else 0.0, peak(working))
