"""Who may have waited for whom: the part of a trace below one root, seen from the ends.

Spans do not show who awaited whom. What they show is that only a span which was still open when
another one ended can have waited for it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from operator import attrgetter

from pytest_traces.forest import Span
from pytest_traces.timing.timeline import Timeline


def roots_of(spans: Iterable[Span], timeline: Timeline) -> list[Span]:
    """The finished spans that have no finished parent on this timeline, the main one first.

    The main root starts first; of several the one that ends last, then the one recorded first.
    """
    roots = [span for span in spans if timeline.has_ended(span) and _parent(span, timeline) is None]

    def rank(span: Span) -> tuple[int, int, int]:
        start, end = timeline.interval(span) or (0, 0)
        return start, -end, span.order

    return sorted(roots, key=rank)


class Waits:
    """The finished spans of one tree, and for each those that it may have waited for.

    Attributes:
        timeline: when everything ran.
        root: the top of the tree.
        spans: all of it, parents before children; those that are open take no part, nor what
            is below them.
        begin: when each can have begun: not before its parent began.
        end: when each ended.
        candidates: for each span those it may have waited for, the last to end first.
        tops: the spans that nobody above outlived, the last to end first.
    """

    __slots__ = ("begin", "candidates", "end", "root", "spans", "timeline", "tops")

    def __init__(self, root: Span, timeline: Timeline) -> None:
        self.root = root
        self.timeline = timeline
        self.spans: list[Span] = []
        self.begin: dict[Span, int] = {}
        self.end: dict[Span, int] = {}
        self.candidates: dict[Span, list[Span]] = {}
        self.tops: list[Span] = []
        waiters: dict[Span, Span | None] = {}
        open_above = _Ancestors(self.end)
        for span, depth in _walk(root, timeline):
            start, end = timeline.interval(span) or (0, 0)
            parent = span.parent if span is not root else None
            self.spans.append(span)
            self.begin[span] = start if parent is None else max(start, self.begin[parent])
            self.end[span] = end
            open_above.leave(depth)
            if not open_above.outlived(end):
                self.tops.append(span)
            if parent is not None and span.kind == "consumer" and parent.kind == "producer":
                open_above.enter_apart(span)  # nobody above waits for what it does
                waiters[span] = None
            else:
                waiters[span] = open_above.nearest(end) or parent
                open_above.enter(span)
        self._collect(waiters)

    def _collect(self, waiters: dict[Span, Span | None]) -> None:
        # By the latest end, the earliest begin, the name, the order: without a key for each span.
        ordered = sorted(self.spans, key=attrgetter("order"))
        ordered.sort(key=attrgetter("name"))
        ordered.sort(key=self.begin.__getitem__)
        ordered.sort(key=self.end.__getitem__, reverse=True)
        for span in ordered:
            waiter = waiters[span]
            if waiter is not None and self.end[span] > self.begin[span]:
                self.candidates.setdefault(waiter, []).append(span)
        tops = set(self.tops)
        self.tops = [span for span in ordered if span in tops]

    def parent(self, span: Span) -> Span | None:
        """The span that it is a child of; None for the root of the tree."""
        return None if span is self.root else span.parent


class _Ancestors:
    """The spans above a place of a walk that nobody nearer outlives, in order of depth.

    Their ends never increase downwards, so the nearest one that was still open at some time is
    found by bisection. What a deeper span has put out of sight comes back when it is left.
    """

    def __init__(self, ends: dict[Span, int]) -> None:
        self._ends = ends
        self._spans: list[Span] = []
        self._negated: list[int] = []  # their ends, so that they increase
        self._size = 0
        self._floor = 0
        #: For each level: size, floor, and what stood in the place that it took.
        self._before: list[tuple[int, int, int, Span | None]] = []
        self._highest: list[int] = []

    def outlived(self, end: int) -> bool:
        """Whether any span above ended then or later."""
        return bool(self._highest) and self._highest[-1] >= end

    def nearest(self, end: int) -> Span | None:
        """The nearest span above that ended then or later, if it is not out of reach."""
        place = self._place(end)
        return self._spans[place - 1] if place > self._floor else None

    def _place(self, end: int) -> int:
        return bisect_right(self._negated, -end, self._floor, self._size)

    def enter(self, span: Span) -> None:
        """Go one level down."""
        self._put(span, self._place(self._ends[span]), self._floor)

    def enter_apart(self, span: Span) -> None:
        """Go one level down to where nobody above is seen."""
        self._put(span, self._size, self._size)

    def _put(self, span: Span, place: int, floor: int) -> None:
        end = self._ends[span]
        taken = self._spans[place] if place < len(self._spans) else None
        self._before.append((self._size, self._floor, place, taken))
        if taken is None:
            self._spans.append(span)
            self._negated.append(-end)
        else:
            self._spans[place], self._negated[place] = span, -end
        self._size, self._floor = place + 1, floor
        self._highest.append(max(end, self._highest[-1]) if self._highest else end)

    def leave(self, depth: int) -> None:
        """Go up until so many levels are left."""
        while len(self._before) > depth:
            self._size, self._floor, place, taken = self._before.pop()
            self._highest.pop()
            if taken is not None:
                self._spans[place], self._negated[place] = taken, -self._ends[taken]


def _walk(root: Span, timeline: Timeline) -> Iterable[tuple[Span, int]]:
    """The finished spans at and below the root with their depths, parents first."""
    stack, depths = [root], [0]
    while stack:
        span, depth = stack.pop(), depths.pop()
        yield span, depth
        children = _children(span, timeline)
        stack += children
        depths += [depth + 1] * len(children)


def _children(span: Span, timeline: Timeline) -> Sequence[Span]:
    return [child for child in span.children if timeline.has_ended(child)] if span.children else ()


def _parent(span: Span, timeline: Timeline) -> Span | None:
    parent = span.parent
    return parent if parent is not None and timeline.has_ended(parent) else None
