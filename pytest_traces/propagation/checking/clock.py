"""What the times of spans can prove, and what they cannot."""

from __future__ import annotations

from pytest_traces.forest import Span

#: A tracer by hand may count whole milliseconds, or seconds.
_UNITS = (1_000_000_000, 1_000_000, 1_000)
_AN_HOUR = 3_600_000_000_000


def had_ended(span: Span, at_ns: int | None) -> bool:
    """Whether the span was certainly over at that time."""
    if at_ns is None or span.end_ns is None or is_apart(span, at_ns):
        return False
    return span.end_ns + resolution(span) < at_ns


def is_apart(span: Span, at_ns: int) -> bool:
    """Whether another clock gave its times: one that a test has stopped or set."""
    return span.start_ns == span.end_ns or abs(span.start_ns - at_ns) > _AN_HOUR


def resolution(span: Span) -> int:
    """How coarse its times are, in nanoseconds."""
    times = (span.start_ns, span.end_ns or 0)
    return next((unit for unit in _UNITS if not any(time % unit for time in times)), 0)
