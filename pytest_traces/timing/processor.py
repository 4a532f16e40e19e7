"""Whose a thread's processor time was: told only where no other span was open in that thread."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pytest_traces.forest import Span, walk_down


class _Thread(NamedTuple):
    """What was open in one thread: the spans in order of start, their starts, and their ends.

    If it is nested, whatever was open together is above or below one another.
    """

    spans: list[Span]
    starts: list[int]
    ends: list[int]
    is_nested: bool


class Processor:
    """The spans of each thread, by the clocks that their source has read.

    Args:
        spans: everything that was recorded; who runs beside whom is not a matter of views.
    """

    def __init__(self, spans: Iterable[Span]) -> None:
        found: dict[int, list[Span]] = {}
        for span in spans:
            for thread in _threads(span):
                found.setdefault(thread, []).append(span)
        self._by_key: dict[tuple[str, str], Span] = {}
        self._threads: dict[int, _Thread] = {}
        for thread, members in found.items():
            members.sort(key=lambda one: (_start(one), -_last(one)))  # else as given: parents first
            ends = sorted(end for one in members if (end := _end(one)) is not None)
            starts = [_start(one) for one in members]
            self._threads[thread] = _Thread(members, starts, ends, _is_nested(members))
            self._by_key |= {(one.trace_id, one.span_id): one for one in members}

    def beside(self, span: Span) -> Span | None:
        """A span that was open in the same thread meanwhile, neither above nor below it.

        Half-open intervals: what ends where another one starts was not open beside it.
        """
        stamps = span.data.stamps
        if stamps is None or stamps.end_ns is None or stamps.end_ns <= stamps.start_ns:
            return None
        thread = self._threads[stamps.start_thread]
        if thread.is_nested:  # as nearly always; the rest takes the whole family for each span
            return None
        started = bisect_left(thread.starts, stamps.end_ns)
        open_meanwhile = started - bisect_right(thread.ends, stamps.start_ns)
        own = self._by_key.get((span.trace_id, span.span_id), span)  # a view has spans of its own
        family = [one for one in _family(own) if _is_open_in(one, span)]
        if len(family) == open_meanwhile:
            return None
        related = {id(one) for one in family}
        others = (one for one in thread.spans[:started] if id(one) not in related)
        return next((one for one in others if _is_open_in(one, span)), None)


def _is_nested(spans: Iterable[Span]) -> bool:
    """Whether each one, in order of start, lies within those that are open, and is below them."""
    open_spans: list[Span] = []
    for span in spans:
        while open_spans and _last(open_spans[-1]) <= _start(span):
            open_spans.pop()
        if open_spans:
            nearest = open_spans[-1]
            if _last(span) > _last(nearest) or nearest not in span.ancestors:
                return False
        open_spans.append(span)
    return True


def _threads(span: Span) -> set[int]:
    stamps = span.data.stamps
    if stamps is None:
        return set()
    return {stamps.start_thread, stamps.start_thread if stamps.end_thread is None
            else stamps.end_thread}  # fmt: skip


def _family(span: Span) -> Iterator[Span]:
    """The span, all below it and all above it."""
    yield from walk_down([span])
    yield from span.ancestors


def _is_open_in(one: Span, span: Span) -> bool:
    """Whether it was open in the thread of the other while that one was."""
    theirs, stamps = one.data.stamps, span.data.stamps
    if theirs is None or stamps is None or stamps.start_thread not in _threads(one):
        return False
    is_before_end = stamps.end_ns is None or theirs.start_ns < stamps.end_ns
    return is_before_end and (theirs.end_ns is None or theirs.end_ns > stamps.start_ns)


def _start(span: Span) -> int:
    return span.data.stamps.start_ns if span.data.stamps is not None else 0


def _last(span: Span) -> float:
    """Its end, where one that is open is later than all."""
    end = _end(span)
    return math.inf if end is None else end


def _end(span: Span) -> int | None:
    return span.data.stamps.end_ns if span.data.stamps is not None else None
