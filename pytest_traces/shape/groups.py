"""Groups of siblings: who belongs to a group, and whether its order or overlap holds."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from pytest_traces.forest import Span
from pytest_traces.shape.assign import feasible
from pytest_traces.shape.pattern import Order

_Bounds = Sequence[tuple[int, int | None]]
#: (item, (group, its taker), taker outside)
Clash = tuple[int, tuple[int, int], int]


def owners(
    outside: int, groups: Sequence[int], matched: list[list[int]], alike: list[list[int]]
) -> tuple[list[int | None], Clash | None]:
    """Which group owns each sibling.

    Args:
        outside: how many takers stand outside any group; they come first.
        groups: how many takers each group has, in order.
        matched: for each sibling the takers that match it wholly.
        alike: for each sibling the takers that match it by itself, whatever is below it.

    Returns:
        For each sibling its group, or None; and the first sibling that could be in a group as
        well as elsewhere.
    """
    group_of: list[int | None] = [None] * outside
    for number, size in enumerate(groups):
        group_of += [number] * size
    owned: list[int | None] = []
    for item, takers in enumerate(matched):
        inside = [taker for taker in takers if group_of[taker] is not None]
        for taker in inside:
            for other in takers:
                group = group_of[taker]
                if group is not None and group_of[other] != group:
                    return owned, (item, (group, taker), other)
        candidates = inside or [t for t in alike[item] if group_of[t] is not None and not takers]
        owned.append(group_of[candidates[0]] if candidates else None)
    return owned, None


def assign_group(
    order: Order, bounds: _Bounds, spans: Sequence[Span], takes: Sequence[Sequence[int]]
) -> bool:
    """Whether all the spans can be given to the members so that the group's order holds.

    Args:
        order: what the group wants.
        bounds: least and greatest number for each member.
        spans: the siblings that the group owns.
        takes: for each member the positions of the spans it matches.
    """
    if order == "in_order":
        return _in_order(bounds, spans, takes)
    return order_holds(order, spans) and feasible(
        bounds, [1] * len(spans), takes, take_all=True
    )


def order_holds(order: Order, spans: Sequence[Span]) -> bool:
    """Whether the spans overlap, or do not, as wanted. Intervals are half-open [start, end)."""
    ends = [float("inf") if span.end_ns is None else span.end_ns for span in spans]
    if order == "concurrent":
        return len(spans) < 2 or max(span.start_ns for span in spans) < min(ends)
    if order == "sequential":
        intervals = sorted(zip([span.start_ns for span in spans], ends, strict=True))
        return all(before[1] <= after[0] for before, after in pairwise(intervals))
    return True


def _in_order(bounds: _Bounds, spans: Sequence[Span], takes: Sequence[Sequence[int]]) -> bool:
    """Each member takes a run of the spans in the order of their starts.

    Spans that start at the same instant come in the order of the members they match.
    """
    first_taker = [
        min((taker for taker, items in enumerate(takes) if item in items), default=len(takes))
        for item in range(len(spans))
    ]
    order = sorted(range(len(spans)), key=lambda i: (spans[i].start_ns, first_taker[i]))
    reached = {0}  # how many spans, in order, the members so far can have taken
    for taker, (low, high) in enumerate(bounds):
        mine = set(takes[taker])
        after: set[int] = set()
        for done in reached:
            taken = 0
            while True:
                if taken >= low:
                    after.add(done + taken)
                if (high is not None and taken >= high) or done + taken >= len(order):
                    break
                if order[done + taken] not in mine:
                    break
                taken += 1
        reached = after
    return len(order) in reached
