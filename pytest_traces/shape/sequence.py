"""Whether spans can be given to the members of a sequence, in the order of their starts.

Each member takes between its least and its greatest number, and no span of an earlier member
starts after one of a later member; spans that start at the same instant may stand either way.
The spans are gone through by start; kept is at which members one can be, and how many spans
that member can have taken by then, as the bits of an integer.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import groupby

from pytest_traces.shape.assign import Bounds, feasible

_Takers = Sequence[int]


def in_order(bounds: Bounds, starts: Sequence[int], takes: Sequence[Sequence[int]]) -> bool:
    """Whether all the spans can be given to the members in their order.

    Args:
        bounds: least and greatest number for each member.
        starts: when each span started.
        takes: for each member the positions of the spans it matches.
    """
    if sum(low for low, _ in bounds) > len(starts):
        return False
    takers: list[list[int]] = [[] for _ in starts]
    for member, positions in enumerate(takes):
        for position in positions:
            takers[position].append(member)
    order = sorted(range(len(starts)), key=lambda position: starts[position])
    progress = _Progress(bounds, len(starts))
    for _, same in groupby(order, key=lambda position: starts[position]):
        instant = sorted(takers[position] for position in same)
        if instant[0] == instant[-1] or all(len(one) == 1 for one in instant):
            for one in instant:  # in this order if in any
                progress.take(one)
        else:
            progress.take_together(instant)
    return progress.is_complete()


class _Progress:
    """At which members one can be after the spans so far; member -1 is before the first."""

    def __init__(self, bounds: Bounds, spans: int) -> None:
        self._low = [low for low, _ in bounds]
        self._high = [spans if high is None else min(high, spans) for _, high in bounds]
        self._open = [high is None for _, high in bounds]
        self._counts: dict[int, int] = {-1: 1}
        #: For each member (from -1) the next one that must not be left out.
        self._must = [len(bounds)] * (len(bounds) + 1)
        for member in range(len(bounds) - 1, -1, -1):
            self._must[member] = member if self._low[member] else self._must[member + 1]

    def is_complete(self) -> bool:
        """Whether nothing more is needed."""
        return any(self._next_must(member) == len(self._low) for member in self._satisfied())

    def take(self, takers: _Takers) -> None:
        """Go on by one span that these members match."""
        satisfied, after = self._satisfied(), {}
        for member in takers:
            counts = self._counts.get(member, 0)
            before = bisect_left(satisfied, member)
            if before and self._next_must(satisfied[before - 1]) >= member:
                counts |= 1
            counts = self._capped(member, counts << 1)
            if counts:
                after[member] = counts
        self._counts = after

    def take_together(self, instant: Sequence[_Takers]) -> None:
        """Go on by several spans of one instant; which comes first is free."""
        after: dict[int, int] = {}
        members = sorted({member for takers in instant for member in takers})
        for begin, counts in self._counts.items():
            if all(begin in takers for takers in instant):
                kept = self._capped(begin, counts << len(instant))
                after[begin] = after.get(begin, 0) | kept
            for count in _bits(counts):
                for end in members:
                    if end > begin:
                        ways = self._ways(begin, count, end, instant)
                        after[end] = after.get(end, 0) | ways
        self._counts = {member: counts for member, counts in after.items() if counts}

    def _ways(self, begin: int, count: int, end: int, instant: Sequence[_Takers]) -> int:
        """How many of the instant the last member can take; the numbers that can be are a run."""
        first = max(begin, 0)
        between = [(self._low[member], self._high[member]) for member in range(first, end)]
        if begin >= 0:
            rest = 0 if self._open[begin] else count
            between[0] = (max(0, self._low[begin] - count), self._high[begin] - rest)
        positions: list[list[int]] = [[] for _ in range(first, end + 1)]
        for position, takers in enumerate(instant):
            for member in takers:
                if first <= member <= end:
                    positions[member - first].append(position)

        def possible(least: int, most: int) -> bool:
            bounds = [*between, (least, most)]
            return feasible(bounds, [1] * len(instant), positions, take_all=True)

        top = min(len(instant), self._high[end])
        if not possible(1, top):
            return 0
        most = _last(1, top, lambda number: possible(number, top))
        ways = _last(1, most, lambda number: possible(1, most + 1 - number))
        return self._capped(end, ((1 << ways) - 1) << (most + 1 - ways))

    def _satisfied(self) -> list[int]:
        return sorted(
            member
            for member, counts in self._counts.items()
            if member < 0 or counts >> self._low[member]
        )

    def _next_must(self, member: int) -> int:
        return self._must[member + 1]

    def _capped(self, member: int, counts: int) -> int:
        """Without what is too many; where any number will do, enough is as good as more."""
        if member < 0:
            return 0
        low, high = self._low[member], self._high[member]
        if self._open[member]:
            enough = counts >> low
            return (counts & ((1 << low) - 1)) | (1 << low if enough else 0)
        return counts & ((1 << (high + 1)) - 1)


def _bits(number: int) -> list[int]:
    return [place for place in range(number.bit_length()) if number >> place & 1]


def _last(first: int, top: int, holds: Callable[[int], bool]) -> int:
    """The greatest number from ``first`` on for which it holds; it holds for the first."""
    while first < top:
        middle = (first + top + 1) // 2
        first, top = (middle, top) if holds(middle) else (first, middle - 1)
    return first
