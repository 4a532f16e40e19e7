"""What is left in the end: too many or too few of a kind, missing, unexpected."""

from __future__ import annotations

from collections import defaultdict

from pytest_traces.shape.leftovers import Leftovers
from pytest_traces.shape.mismatch import Mismatch, Place

#: (id of the parent's place, name)
_Key = tuple[int, str]


def report_counts(leftovers: Leftovers) -> None:
    """Siblings of one wanted name of which there are too many or too few."""
    wrong: dict[_Key, list[Place]] = defaultdict(list)
    for place in leftovers.missing:
        if place.pattern is not None and isinstance(place.pattern.fields.name, str):
            wrong[id(place.parent), place.pattern.fields.name].append(place)
    for place in leftovers.unexpected:
        if place.span is not None:
            wrong[id(place.parent), place.span.name].append(place)
    there: dict[int, dict[str, list[Place]]] = {}
    for (parent, name), places in wrong.items():
        above = places[0].parent
        if above is None:
            continue
        if parent not in there:
            there[parent] = _wanted_and_there(above)
        if name in there[parent]:
            _report_count(leftovers, places, there[parent][name])


def _wanted_and_there(parent: Place) -> dict[str, list[Place]]:
    """The children of a place that are wanted and there, by name."""
    found: dict[str, list[Place]] = defaultdict(list)
    for child in parent.children:
        if child.taker is not None and child.span is not None:
            found[child.span.name].append(child)
    return found


def _report_count(leftovers: Leftovers, places: list[Place], there: list[Place]) -> None:
    parent, name = places[0].parent, there[0].span.name if there[0].span else ""
    too_many = [place for place in places if place.span is not None]
    mismatch = Mismatch("count", places[0], there[0].pattern, places[0].span or there[0].span)
    mismatch.wanted = _wanted(leftovers, parent, name)
    mismatch.actual = len(there) + len(too_many)
    mismatch.expected_at = parent
    low, high = mismatch.wanted
    if low <= mismatch.actual and (high is None or mismatch.actual <= high):
        return  # right in number, wrong below
    for place in places:
        place.mismatch = mismatch
    leftovers.explain(*places)
    leftovers.mismatches.append(mismatch)


def _wanted(leftovers: Leftovers, parent: Place | None, name: str) -> tuple[int, int | None]:
    """How many of that name are wanted there, whatever is below them."""
    nodes, root = leftovers.matcher.patterns.nodes, leftovers.matcher.patterns.root
    above = parent.pattern if parent is not None else None
    low, high = 0, 0
    unbounded = False
    for number, least, most in nodes[root if above is None else leftovers.number_of(above)].takers:
        if nodes[number].pattern.fields.name_matches(name):
            low += least
            high += most or 0
            unbounded |= most is None
    return low, None if unbounded else high


def report_rest(leftovers: Leftovers) -> None:
    """Everything that nothing has explained: missing, unexpected."""
    alike: dict[tuple[int, object], Mismatch] = {}
    for place in leftovers.missing:
        key: tuple[int, object] = (id(place.parent), id(place.pattern))
        if key in alike:
            alike[key].others += 1
            place.mismatch = alike[key]
        else:
            alike[key] = Mismatch("missing", place, place.pattern, expected_at=place.parent)
            leftovers.report(alike[key])
    for place in leftovers.unexpected:
        key = (id(place.parent), place.span.name if place.span else "")
        if key in alike:
            alike[key].others += 1
            place.mismatch = alike[key]
        else:
            alike[key] = Mismatch("unexpected", place, None, place.span, expected_at=place.parent)
            leftovers.report(alike[key])
