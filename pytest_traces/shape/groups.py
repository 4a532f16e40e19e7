"""Groups of siblings: who belongs to a group, and whether its order or overlap holds."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from pytest_traces.forest import Span
from pytest_traces.shape.assign import Bounds, feasible
from pytest_traces.shape.pattern import Order
from pytest_traces.shape.sequence import in_order


class Clash(NamedTuple):
    """An item that a member of a group matches, and a taker outside that group matches too."""

    item: int
    group: int
    member: int
    other: int


def owners(
    group_of: Sequence[int | None], matched: Sequence[Sequence[int]]
) -> tuple[list[int | None], Clash | None]:
    """Which group owns each sibling.

    Args:
        group_of: for each taker the number of its group, or None outside any.
        matched: for each sibling the takers that match it.

    Returns:
        For each sibling its group, or None; and the first sibling that could be in a group as
        well as elsewhere.
    """
    owned: list[int | None] = []
    for item, takers in enumerate(matched):
        groups = {group_of[taker] for taker in takers}
        if len(groups) > 1:
            member = next(taker for taker in takers if group_of[taker] is not None)
            group = group_of[member]
            other = next(taker for taker in takers if group_of[taker] != group)
            return owned, Clash(item, group or 0, member, other)
        owned.append(groups.pop() if groups else None)
    return owned, None


def assign_group(
    order: Order, bounds: Bounds, spans: Sequence[Span], takes: Sequence[Sequence[int]]
) -> bool:
    """Whether all the spans can be given to the members so that the group's order holds.

    Args:
        order: what the group wants.
        bounds: least and greatest number for each member.
        spans: the siblings that the group owns.
        takes: for each member the positions of the spans it matches.
    """
    if order == "in_order":
        return in_order(bounds, [span.start_ns for span in spans], takes)
    return order_holds(order, spans) and feasible(bounds, [1] * len(spans), takes, take_all=True)


def order_holds(order: Order, spans: Sequence[Span]) -> bool:
    """Whether the spans overlap, or do not, as wanted. Intervals are half-open [start, end)."""
    ends = [float("inf") if span.end_ns is None else span.end_ns for span in spans]
    if order == "concurrent":
        return len(spans) < 2 or max(span.start_ns for span in spans) < min(ends)
    if order == "sequential":
        intervals = sorted(zip([span.start_ns for span in spans], ends, strict=True))
        return all(before[1] <= after[0] for before, after in pairwise(intervals))
    return True
