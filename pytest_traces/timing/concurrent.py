"""At which instant the most of some wanted spans were open beside each other."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from pytest_traces.forest import Span
from pytest_traces.timing.timeline import Timeline

#: For a set of wanted names, as bits, the spans that can stand for them.
_Reach = dict[int, tuple[Span, ...]]
#: Where spans are below one another, only so many such sets are followed, the largest ones.
_MOST_SETS = 200
_NO_BITS: Mapping[Span, int] = MappingProxyType({})


class Busiest(NamedTuple):
    """The first instant at which the most spans were open, and which these are."""

    at_ns: int
    spans: tuple[Span, ...]


def busiest(spans: Iterable[Span], timeline: Timeline) -> Busiest:
    """When the most of the finished spans were open. What took no time never was."""
    best = Busiest(0, ())
    for at_ns, is_open in _fullest_instants(spans, timeline):
        if len(is_open) > len(best.spans):
            best = Busiest(at_ns, tuple(is_open))
    return best


def together(wanted: Sequence[Sequence[Span]], timeline: Timeline) -> Busiest:
    """When the most of the wanted were open beside each other, one span for each.

    A span that is below another one ran inside it, not beside it; and none stands for two.

    Args:
        wanted: for each one that is wanted the spans that can stand for it.
        timeline: when they ran.
    """
    bits: dict[Span, int] = {}
    for place, spans in enumerate(wanted):
        for span in spans:
            bits[span] = bits.get(span, 0) | 1 << place
    above = _chosen_above(bits)
    best = Busiest(0, ())
    numbers = [0] * len(wanted)
    for at_ns, is_open in _fullest_instants(bits, timeline, bits, numbers):
        if sum(1 for number in numbers if number) <= len(best.spans):
            continue
        parents = {span: _nearest(span, above, is_open) for span in is_open}
        if any(parents.values()):
            found = _beside_each_other(parents, bits)
        else:
            found = _one_for_each(is_open, bits)
        if len(found) > len(best.spans):
            best = Busiest(at_ns, found)
            if len(found) == len(wanted):
                break
    return best


def _fullest_instants(
    spans: Iterable[Span],
    timeline: Timeline,
    bits: Mapping[Span, int] = _NO_BITS,
    numbers: list[int] | None = None,
) -> Iterable[tuple[int, Mapping[Span, None]]]:
    """What is open at each instant after which one ends before another begins.

    Args:
        spans: those that count.
        timeline: when they ran.
        bits: what each can stand for.
        numbers: of each that is wanted, how many that can stand for it are open; kept up to date.
    """
    changes = []
    for number, span in enumerate(spans):
        start, end = timeline.interval(span) or (0, 0)
        if start < end:
            changes += [(start, True, number, span), (end, False, number, span)]
    changes.sort(key=lambda change: change[:3])  # at one instant the ends come first
    is_open: dict[Span, None] = {}
    began = None
    for at_ns, begins, _, span in changes:
        if not begins and began is not None:
            yield began, is_open
            began = None
        if begins:
            is_open[span] = None
            began = at_ns
        else:
            del is_open[span]
        for place in _places(bits.get(span, 0)):
            if numbers is not None:
                numbers[place] += 1 if begins else -1


def _chosen_above(chosen: Iterable[Span]) -> dict[Span, Span | None]:
    """For each span the nearest chosen one above it; for those on the way, too."""
    above: dict[Span, Span | None] = {}
    wanted = set(chosen)
    for span in wanted:
        chain = []
        one = span
        while one not in above:
            chain.append(one)
            if one.parent is None:
                above[one] = None
                break
            one = one.parent
        for one in reversed(chain):
            if one.parent is not None:
                above[one] = one.parent if one.parent in wanted else above[one.parent]
    return above


def _places(bits: int) -> Iterator[int]:
    while bits:
        least = bits & -bits
        yield least.bit_length() - 1
        bits ^= least


def _nearest(
    span: Span, above: Mapping[Span, Span | None], is_open: Mapping[Span, None]
) -> Span | None:
    """The nearest open span above this one."""
    nearest = above[span]
    while nearest is not None and nearest not in is_open:
        nearest = above[nearest]
    return nearest


def _one_for_each(is_open: Iterable[Span], bits: Mapping[Span, int]) -> tuple[Span, ...]:
    """The most of the wanted that spans can stand for, each for one (Kuhn, 1955)."""
    candidates: dict[int, list[Span]] = {}
    for span in is_open:
        for place in _places(bits[span]):
            candidates.setdefault(place, []).append(span)
    stands_for: dict[Span, int] = {}
    for wanted in candidates:
        # Breadth first: who could stand for it, for what these stand now, who else could for that.
        came_from: dict[Span, int] = {}
        queue = deque([wanted])
        free = None
        while queue and free is None:
            place = queue.popleft()
            for span in candidates[place]:
                if span not in came_from:
                    came_from[span] = place
                    if span not in stands_for:
                        free = span
                        break
                    queue.append(stands_for[span])
        instead = {place: span for span, place in stands_for.items()}
        while free is not None:
            place = came_from[free]
            stands_for[free] = place
            free = instead.get(place)
            if free is not None:
                del stands_for[free]
    return tuple(stands_for)


def _beside_each_other(
    parents: Mapping[Span, Span | None], bits: Mapping[Span, int]
) -> tuple[Span, ...]:
    """The most that can be had of the open spans if none of them is below another."""
    depths: dict[Span, int] = {}
    for span in parents:
        chain = [span]
        while (nearest := parents[chain[-1]]) is not None and nearest not in depths:
            chain.append(nearest)
        depth = 0 if nearest is None else depths[nearest] + 1
        for one in reversed(chain):
            depths.setdefault(one, depth)
            depth += 1
    below: dict[Span | None, _Reach] = {}
    for span in sorted(parents, key=lambda one: -depths[one]):
        reach = below.pop(span, {0: ()})
        for place in _places(bits[span]):
            reach.setdefault(1 << place, (span,))
        parent = parents[span]
        below[parent] = _combined(below.get(parent, {0: ()}), _largest(reach))
    return max(below[None].values(), key=len)


def _combined(one: _Reach, other: _Reach) -> _Reach:
    found = dict(one)
    for bits, spans in one.items():
        for more, others in other.items():
            if not bits & more:
                found.setdefault(bits | more, spans + others)
    return _largest(found)


def _largest(reach: _Reach) -> _Reach:
    """Without the sets that are part of another one: whoever can have more can have less."""
    kept: _Reach = {}
    for bits in sorted(reach, key=lambda one: -one.bit_count()):
        if len(kept) < _MOST_SETS and not any(bits & more == bits for more in kept):
            kept[bits] = reach[bits]
    return kept
