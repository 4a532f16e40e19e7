"""The numbers of assert_count, and what its failures say."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_traces.forest import Forest, Span
from pytest_traces.recording import Capture
from pytest_traces.report.explain import Message, plain_message
from pytest_traces.report.words import path_of, plural
from pytest_traces.settings import BadValue
from pytest_traces.traces.selection import Selection


def check_bounds(
    title: str, n: int | None, at_least: int | None, at_most: int | None
) -> tuple[int, int | None]:
    """The least and the greatest number that fulfil the assertion.

    Raises:
        BadValue: no number, a number that is none or below 1, or two that exclude each other.
    """
    given = {"n": n, "at_least": at_least, "at_most": at_most}
    given = {name: number for name, number in given.items() if number is not None}
    if not given:
        raise BadValue("assert_count", None, "say how many: n, at_least= or at_most=")
    for name, number in given.items():
        if not isinstance(number, int) or isinstance(number, bool) or number < 0:
            raise BadValue(name, number, "a count is a positive integer")
        if number == 0:
            raise BadValue(name, number, f"to expect none, use assert_none({title})")
    if n is not None:
        if len(given) > 1:
            raise BadValue("n", n, "it is exact; leave at_least= and at_most= out")
        return n, n
    low = at_least or 1
    if at_most is not None and at_most < low:
        raise BadValue("at_most", at_most, f"it lies below at_least={low}")
    return low, at_most


def count_message(
    selection: Selection,
    found: Sequence[Span],
    wanted: str,
    forest: Forest,
    captures: Sequence[Capture],
    text: str | None = None,
) -> Message:
    """Another number than wanted: where the counted spans are."""
    times = plural(len(found), "time")
    message = plain_message(text or f"{selection} ran {times}, expected {wanted}", forest, captures)
    if not captures:
        message.captured = []
    places: dict[str, int] = {}
    for span in found:
        place = f"below {path_of(span.parent)}" if span.parent is not None else "as a root"
        places[place] = places.get(place, 0) + 1
    message.facts = [f"  {number} {place}" for place, number in list(places.items())[:5]]
    return message
