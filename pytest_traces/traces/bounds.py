"""What counting is given, and what its failures say."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_traces.forest import Forest, Span
from pytest_traces.recording import Capture
from pytest_traces.report.explain import Message, plain_message
from pytest_traces.report.words import path_of
from pytest_traces.settings import BadValue
from pytest_traces.shape.names import check_exception


def check_bounds(
    n: int | None, at_least: int | None, at_most: int | None
) -> tuple[int, int | None]:
    """The least and the greatest number that fulfil the assertion.

    Raises:
        ValueError: no number, one that is none or below 1, or two that exclude each other.
    """
    all_of_them = {"n": n, "at_least": at_least, "at_most": at_most}
    given = {name: number for name, number in all_of_them.items() if number is not None}
    if not given:
        raise ValueError("assert_count: say how many: n, at_least= or at_most=")
    for name, number in given.items():
        if not isinstance(number, int) or isinstance(number, bool) or number < 0:
            raise BadValue(name, number, "a count is a positive integer")
        if number == 0:
            raise BadValue(name, number, "a count is at least 1; to expect none, use assert_none")
    if n is not None:
        if len(given) > 1:
            raise BadValue("n", n, "it is exact; leave at_least= and at_most= out")
        return n, n
    low = at_least or 1
    if at_most is not None and at_most < low:
        raise BadValue("at_most", at_most, f"it lies below at_least={low}")
    return low, at_most


def read_allowed(allow: object) -> list[object]:
    """The names and the types of exceptions, given alone or as a collection.

    Raises:
        TypeError: something that is neither.
    """
    allowed = list(allow) if isinstance(allow, list | tuple | set | frozenset) else [allow]
    for one in allowed:
        check_exception(one, "allow: ")
    return allowed


def count_message(
    text: str, found: Sequence[Span], forest: Forest, captures: Sequence[Capture]
) -> Message:
    """Another number than wanted: where the counted spans are."""
    message = plain_message(text, forest, captures)
    if not captures:
        message.captured = []
    places: dict[str, int] = {}
    for span in found:
        place = f"below {path_of(span.parent)}" if span.parent is not None else "as a root"
        places[place] = places.get(place, 0) + 1
    if len(found) > 1:
        message.facts = [f"  {number} {place}" for place, number in list(places.items())[:5]]
    return message
