"""What grows with the size of the input: counts of spans, by place, kind and operation."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pytest_traces.forest import Forest, Span
from pytest_traces.model import Kind
from pytest_traces.timing.n_plus_one import Allowed
from pytest_traces.timing.normalise import Place, Places, operation_of, places_of

#: The path of normalised names, the same object in all samples, and the kind.
Spot = tuple[Place, Kind]


@dataclass(frozen=True)
class Growth:
    """One operation that runs more often, the larger the input.

    Attributes:
        spot: its path and its kind.
        operations: what it does; several where each runs once, and their number grows.
        counts: how often it ran, by size.
        calls: those at the greatest size.
    """

    spot: Spot
    operations: tuple[str, ...]
    counts: tuple[int, ...]
    calls: tuple[Span, ...]


class Sample:
    """What was recorded at one size; all samples of a comparison share what is ``known``."""

    def __init__(self, size: int, forest: Forest, known: Places) -> None:
        self.size = size
        self.spots: dict[Spot, dict[str, list[Span]]] = {}
        for span, place in places_of(forest, known).items():
            operations = self.spots.setdefault((place, span.kind), {})
            operations.setdefault(operation_of(span), []).append(span)

    def count(self, spot: Spot) -> int:
        """How many spans are there."""
        return sum(len(spans) for spans in self.spots.get(spot, {}).values())

    def count_of(self, spot: Spot, operation: str) -> int:
        """How many of them did that."""
        return len(self.spots.get(spot, {}).get(operation, ()))


def grows(counts: Sequence[int]) -> bool:
    """Whether there are more at the greatest size than at some smaller one.

    The first run may do more than the others: it opens connections and fills caches.
    """
    return counts[-1] > min(counts[:-1])


def growths(samples: Sequence[Sample], allowed: Allowed) -> list[Growth]:
    """What grows, without what only follows from another that grows; parents first."""
    spots = samples[-1].spots.items()
    found = [one for spot, operations in spots for one in _at(samples, spot, operations)]
    return [
        one
        for one in _telling(found)
        if not any(allowed(call, operation_of(call)) for call in one.calls)
    ]


def _at(
    samples: Sequence[Sample], spot: Spot, operations: Mapping[str, list[Span]]
) -> list[Growth]:
    """What grows at one spot: operations that were there before, else those that came."""
    known: list[Growth] = []
    new: list[Growth] = []
    for operation, calls in operations.items():
        counts = tuple(sample.count_of(spot, operation) for sample in samples)
        if grows(counts):
            growth = Growth(spot, (operation,), counts, tuple(calls))
            (known if min(counts[:-1]) else new).append(growth)
    counts = tuple(sample.count(spot) for sample in samples)
    if not new or known or not grows(counts):
        # Without more spans, a new operation takes the place of another.
        return known
    came = tuple(call for one in new for call in one.calls)
    return [Growth(spot, tuple(one.operations[0] for one in new), counts, came)]


def _telling(found: Sequence[Growth]) -> list[Growth]:
    """Of what grows at one rate along a path, the first call; without calls, the last of all."""
    by_place: dict[Place, list[Growth]] = defaultdict(list)
    kept: list[Growth] = []
    passed: set[int] = set()
    for one in found:  # parents first
        above: list[Growth] = []
        place = one.spot[0].above
        while place is not None:
            above += (other for other in by_place.get(place, ()) if _in_step(other, one))
            place = place.above
        by_place[one.spot[0]].append(one)
        if any(other.spot[1] != "internal" for other in above):
            continue
        passed.update(id(other) for other in above)
        kept.append(one)
    return [one for one in kept if id(one) not in passed]


def _in_step(one: Growth, other: Growth) -> bool:
    """Whether there are as many for each, at the least and at the greatest size."""
    return one.counts[0] * other.counts[-1] == one.counts[-1] * other.counts[0]


def rate(sizes: Sequence[int], counts: Sequence[int]) -> str:
    """How it grows, in words: ``1 per item``."""
    least = min(range(len(sizes) - 1), key=lambda i: counts[i])
    small, large = counts[least], counts[-1]
    if not small:
        return f"only at {sizes[-1]:,}"
    factor = math.log(large / small) / math.log(sizes[-1] / sizes[least])
    if factor > 1.5:
        return "with the square of the size" if factor < 2.5 else "faster than the square"
    items, more = sizes[-1] - sizes[least], large - small
    if more % items == 0:
        return f"{more // items:,} per item"
    if items % more == 0:
        return f"1 per {items // more:,} items"
    return f"about {more / items:.2g} per item"


def steady(samples: Sequence[Sample], found: Sequence[Growth]) -> tuple[int, int]:
    """Spans and places at the greatest size that are as many, or fewer, at every size."""
    grown: Counter[Spot] = Counter()
    for one in found:
        grown[one.spot] += len(one.calls)
    last = samples[-1]
    rest = {spot: last.count(spot) - grown[spot] for spot in last.spots}
    rest = {
        spot: count
        for spot, count in rest.items()
        if count and not grows([*(sample.count(spot) for sample in samples[:-1]), count])
    }
    return sum(rest.values()), len(rest)
