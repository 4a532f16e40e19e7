"""Counted work: how many events of the interpreter the spans have seen, and what is over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from pytest_traces.forest import Span

#: Why the work of a span is not known.
Unknown = Literal["unfinished", "threads", "foreign"]


class Work(NamedTuple):
    """The work of one span: its events, and those of its children on the same thread."""

    span: Span
    events: int
    of_children: int

    @property
    def own(self) -> int:
        """What its children have not done."""
        return max(0, self.events - self.of_children)


def work_of(span: Span) -> Work | None:
    """The counted work of a span; None where it is not known."""
    stamps = span.data.stamps
    if stamps is None or stamps.work is None:
        return None
    children = 0
    for child in span.children:
        theirs = child.data.stamps
        if theirs is not None and in_thread_of(span, child):
            children += theirs.work or 0
    return Work(span, stamps.work, children)


def in_thread_of(span: Span, child: Span) -> bool:
    """Whether both started in one thread, as far as is known."""
    stamps, theirs = span.data.stamps, child.data.stamps
    return stamps is None or theirs is None or stamps.start_thread == theirs.start_thread


def why_unknown(span: Span) -> Unknown:
    """Why a span has no counted work in a recording in which events are counted."""
    stamps = span.data.stamps
    if span.end_ns is None:
        return "unfinished"
    if stamps is not None and stamps.start_thread != stamps.end_thread:
        return "threads"
    return "foreign"


def over(spans: Sequence[Span], at_most: int) -> list[Work]:
    """Those of the spans that did more, the one with the most first."""
    counted = [work for span in spans if (work := work_of(span)) is not None]
    return sorted((one for one in counted if one.events > at_most), key=lambda one: -one.events)
