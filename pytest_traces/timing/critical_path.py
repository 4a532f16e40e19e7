"""The critical path: for each instant the span that the end of the trace may have waited for.

It is followed from the end to the start: whatever a span last waited for ended last before it.
"May have waited" is all that spans can show.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, NamedTuple

from pytest_traces.forest import Span
from pytest_traces.timing.waits import Waits

Until = Literal["root", "last"]


class Segment(NamedTuple):
    """A part of the critical path.

    Attributes:
        start_ns: its start, in nanoseconds since the Unix epoch.
        end_ns: its end; the next segment starts there.
        span: whose time it is; None where nobody was at work: something lay in a queue.
    """

    start_ns: int
    end_ns: int
    span: Span | None


class Descent(NamedTuple):
    """A place where the path goes from a span down to the one that it waited for.

    Attributes:
        waiter: who waited; None where the path begins.
        branch: whom it waited for.
        at_ns: when that was over.
        place: where the branch stands among those that the waiter may have waited for.
    """

    waiter: Span | None
    branch: Span
    at_ns: int
    place: int


class Followed(NamedTuple):
    """The critical path in order of time, and where it went down, in the order it was followed."""

    waits: Waits
    segments: tuple[Segment, ...]
    descents: tuple[Descent, ...]


def follow(
    waits: Waits, until: Until = "root", eps_ns: int = 0, top: Span | None = None
) -> Followed:
    """Follow the path from its end to the start of the tree.

    The segments tile the time from the start of the root to its end, or to the last end.

    Args:
        waits: the tree.
        until: begin at the end of the root, or at the span that ends last.
        eps_ns: by how much a span may end after the next one began, and still come before it.
        top: the path at and below this span alone, from its end to its start.
    """
    descents = []
    span = top or (waits.tops[0] if until == "last" else waits.root)
    if until == "last" and top is None:
        descents.append(Descent(None, span, waits.end[span], 0))
    now = waits.end[span]
    parts: list[Segment] = []
    tried: dict[Span, int] = {}
    while True:
        found = _last_before(waits, span, now, eps_ns, tried)
        if found is not None:
            place, branch = found
            ended = min(waits.end[branch], now)
            _take(parts, span, ended, now, waits.end[span])
            descents.append(Descent(span, branch, ended, place))
            span, now = branch, ended
            continue
        _take(parts, span, waits.begin[span], now, waits.end[span])
        now, above = waits.begin[span], waits.parent(span)
        if above is None or span is top:
            return Followed(waits, tuple(reversed(parts)), tuple(descents))
        span = above


def _last_before(
    waits: Waits, span: Span, now: int, eps_ns: int, tried: dict[Span, int]
) -> tuple[int, Span] | None:
    """The last to end by now among those that the span may have waited for; each is tried once."""
    candidates = waits.candidates.get(span, ())
    for place in range(tried.get(span, 0), len(candidates)):
        candidate = candidates[place]
        if waits.end[candidate] <= now + eps_ns and waits.begin[candidate] < now:
            tried[span] = place + 1
            return place, candidate
    tried[span] = len(candidates)
    return None


def _take(parts: list[Segment], span: Span, begin: int, until: int, end: int) -> None:
    """The time [begin, until) is the span's as long as it was open; then it is nobody's."""
    if until > end:
        idle = max(begin, end)
        _add(parts, idle, until, None)
        until = idle
    _add(parts, begin, until, span)


def _add(parts: list[Segment], begin: int, until: int, span: Span | None) -> None:
    if begin >= until:
        return
    if parts and parts[-1].span is span:  # what follows in time was added before
        parts[-1] = parts[-1]._replace(start_ns=begin)
    else:
        parts.append(Segment(begin, until, span))


def on_path(segments: Collection[Segment]) -> set[Span]:
    """The spans that own a segment, and all spans above them."""
    found: set[Span] = set()
    for segment in segments:
        span = segment.span
        while span is not None and span not in found:
            found.add(span)
            span = span.parent
    return found


def shares(segments: Collection[Segment]) -> dict[Span, int]:
    """How much of the path each owner has itself, in nanoseconds."""
    found: dict[Span, int] = {}
    for segment in segments:
        if segment.span is not None:
            found[segment.span] = found.get(segment.span, 0) + segment.end_ns - segment.start_ns
    return found
