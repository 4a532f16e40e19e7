"""Whole levels of a tree that are gone, or that came in between."""

from __future__ import annotations

from collections import defaultdict

from pytest_traces.shape.leftovers import Leftovers
from pytest_traces.shape.mismatch import Mismatch, Place
from pytest_traces.shape.pattern import Pattern

_POOL = 200  # how many spans are tried as the children of one that is missing


def find_dropped(leftovers: Leftovers, *, whole: bool) -> bool:
    """Wanted spans that are not there while their children are: one level up, or as orphans.

    Args:
        leftovers: what is still to be explained.
        whole: whether all the children must be there, or just some.

    Returns:
        Whether there were any.
    """
    pools: dict[object, list[Place]] = defaultdict(list)
    for one in leftovers.unexpected:
        if one.span is not None:
            pools[_origin(one)].append(one)
    orphans = [pool for origin, pool in pools.items() if isinstance(origin, tuple)]
    found = False
    for place in leftovers.missing:
        if place.pattern is None or not place.pattern.members:
            continue
        for pool in (pools.get(id(place.parent), []), *orphans):
            free = [one for one in pool[:_POOL] if not leftovers.is_explained(one)]
            below = _children(leftovers, place.pattern, free, whole=whole)
            if below:
                leftovers.lack_level(place, below)
                found = True
                break
    return found


def _origin(place: Place) -> object:
    """Siblings have the same: orphans that of the parent they name, others their place."""
    if place.span is not None and place.span.orphan:
        return place.span.trace_id, place.span.parent_id
    return id(place.parent)


def _children(
    leftovers: Leftovers, pattern: Pattern, pool: list[Place], *, whole: bool
) -> list[tuple[Place, Pattern]]:
    """Which of these places are children of the pattern; none if it is not enough."""
    node = leftovers.matcher.patterns.nodes[leftovers.number_of(pattern)]
    numbers = [leftovers.matcher.spans.number[id(one.span)] for one in pool]
    if not numbers or not leftovers.budget.spend(len(numbers)):
        return []
    flow = leftovers.matcher.assign_below(leftovers.number_of(pattern), numbers).flow
    lacking = [low for _, low, _ in node.takers]
    for (taker, _), times in flow.items():
        lacking[taker] -= times
    if whole and any(times > 0 for times in lacking):
        return []
    return [(pool[item], leftovers.pattern(node.takers[taker][0])) for taker, item in flow]


def find_put_between(leftovers: Leftovers) -> bool:
    """Unexpected spans that stand between a parent and the children wanted of it."""
    taken: dict[int, list[Mismatch]] = defaultdict(list)
    between: list[Place] = []
    for mismatch in leftovers.mismatches:
        above = mismatch.place.parent
        if mismatch.kind != "moved" or above is None or not leftovers.is_open(above):
            continue
        if above.parent is mismatch.expected_at and not above.extra:
            if id(above) not in taken:
                between.append(above)
            taken[id(above)].append(mismatch)
    for place in between:
        _put_between(leftovers, place, taken[id(place)])
    return bool(between)


def _put_between(leftovers: Leftovers, between: Place, taken: list[Mismatch]) -> None:
    gone = set(map(id, taken))
    leftovers.mismatches[:] = [one for one in leftovers.mismatches if id(one) not in gone]
    inserted = Mismatch("unexpected", between, None, between.span, expected_at=between.parent)
    inserted.here_instead = [one.span for one in taken if one.span is not None]
    leftovers.report(inserted)
    leftovers.explain(between)
    for one in taken:
        one.place.mismatch = None
        one.place.consequence = inserted
