"""At which instant the most of some wanted spans were open beside each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from pytest_traces.forest import Span
from pytest_traces.timing.timeline import Timeline

#: For a set of wanted names, as bits, the spans that can stand for them.
_Reach = dict[int, tuple[Span, ...]]


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
    for at_ns, is_open in _fullest_instants(bits, timeline):
        possible = 0
        for span in is_open:
            possible |= bits[span]
        if possible.bit_count() <= len(best.spans):
            continue
        found = _beside_each_other(is_open, bits, above)
        if len(found) > len(best.spans):
            best = Busiest(at_ns, found)
            if len(found) == len(wanted):
                break
    return best


def _fullest_instants(
    spans: Iterable[Span], timeline: Timeline
) -> Iterable[tuple[int, Mapping[Span, None]]]:
    """What is open at each instant after which one ends before another begins."""
    changes = []
    for number, span in enumerate(spans):
        start, end = timeline.interval(span) or (0, 0)
        if start < end:
            changes += [(start, True, number, span), (end, False, number, span)]
    changes.sort(key=lambda change: change[:3])  # at one instant the ends come first
    is_open: dict[Span, None] = {}
    began = None
    for at_ns, begins, _, span in changes:
        if begins:
            is_open[span] = None
            began = at_ns
        else:
            if began is not None:
                yield began, is_open
                began = None
            del is_open[span]


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


def _beside_each_other(
    is_open: Mapping[Span, None], bits: Mapping[Span, int], above: Mapping[Span, Span | None]
) -> tuple[Span, ...]:
    """The most that can be had of the open spans if none of them is below another."""
    parents: dict[Span, Span | None] = {}
    depths: dict[Span, int] = {}
    for span in is_open:
        nearest = above[span]
        while nearest is not None and nearest not in is_open:
            nearest = above[nearest]
        parents[span] = nearest
    for span in is_open:
        chain = [span]
        while (nearest := parents[chain[-1]]) is not None and nearest not in depths:
            chain.append(nearest)
        depth = 0 if nearest is None else depths[nearest] + 1
        for one in reversed(chain):
            depths.setdefault(one, depth)
            depth += 1
    below: dict[Span | None, _Reach] = {}
    for span in sorted(is_open, key=lambda one: -depths[one]):
        reach = below.pop(span, {0: ()})
        for place in range(bits[span].bit_length()):
            if bits[span] >> place & 1:
                reach.setdefault(1 << place, (span,))
        parent = parents[span]
        below[parent] = _combined(below.get(parent, {0: ()}), reach)
    return max(below[None].values(), key=len)


def _combined(one: _Reach, other: _Reach) -> _Reach:
    found = dict(one)
    for bits, spans in one.items():
        for more, others in other.items():
            if not bits & more:
                found.setdefault(bits | more, spans + others)
    return found
