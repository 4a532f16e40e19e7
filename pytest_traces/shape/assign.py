"""Exact assignment with multiplicities: which pattern takes how many of which spans.

A maximum flow with lower bounds (Dinic's algorithm), iterative. Patterns that can take the
same spans are merged first, and spans that the same patterns can take, so overlapping
wildcards collapse instead of exploding.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple

_UNBOUNDED = 1 << 60


#: The least and the greatest number (None: any) for each taker.
Bounds = Sequence[tuple[int, int | None]]


class Assignment(NamedTuple):
    """How many of each item each taker got, by (taker, item)."""

    flow: dict[tuple[int, int], int]
    #: Every taker has its least number and, where all had to be taken, every item is taken.
    complete: bool


def assign(
    bounds: Bounds, counts: Sequence[int], takes: Sequence[Sequence[int]], *, take_all: bool
) -> Assignment:
    """Give items to takers.

    Args:
        bounds: for each taker the least and the greatest number.
        counts: for each item how often it is there.
        takes: for each taker the items it can take.
        take_all: whether every item must be taken.

    Returns:
        A largest assignment that first fills the least numbers; complete if all holds.
    """
    takers_of: list[list[int]] = [[] for _ in counts]
    for taker, items in enumerate(takes):
        for item in items:
            takers_of[item].append(taker)
    flow: dict[tuple[int, int], int] = {}
    lacks, rest = False, 0
    contested: list[int] = []
    for taker, (low, high) in enumerate(bounds):
        mine = takes[taker]
        if not mine:
            lacks |= low > 0
        elif len(mine) == 1 and len(takers_of[mine[0]]) == 1:  # they have only each other
            count = counts[mine[0]]
            given = count if high is None else min(count, high)
            lacks |= given < low
            rest += count - given
            if given:
                flow[taker, mine[0]] = given
        else:
            contested.append(taker)
    rest += sum(count for count, by in zip(counts, takers_of, strict=True) if not by)
    if contested:
        dispute = _Dispute(bounds, counts, takes, contested)
        flow.update(dispute.flow)
        lacks |= dispute.lacks
        rest += dispute.rest
    return Assignment(flow, not lacks and not (take_all and rest))


def feasible(
    bounds: Bounds, counts: Sequence[int], takes: Sequence[Sequence[int]], *, take_all: bool
) -> bool:
    """Whether a complete assignment exists."""
    return assign(bounds, counts, takes, take_all=take_all).complete


class _Dispute:
    """Takers that want the same items; those who can take the same count as one, items too."""

    def __init__(
        self,
        bounds: Bounds,
        counts: Sequence[int],
        takes: Sequence[Sequence[int]],
        contested: Sequence[int],
    ) -> None:
        takers = _alike((tuple(sorted(takes[taker])), taker) for taker in contested)
        wanted: dict[int, list[int]] = {}
        for number, mine in enumerate(takers):
            for item in mine:
                wanted.setdefault(item, []).append(number)
        items = _alike((tuple(by), item) for item, by in wanted.items())
        network = _Network(
            [_together([bounds[taker] for taker in same]) for same in takers.values()],
            [sum(counts[item] for item in same) for same in items.values()],
            [(taker, item) for item, by in enumerate(items) for taker in by],
        )
        self.lacks = not network.fill()
        self.rest = network.rest()
        same_takers, same_items = list(takers.values()), list(items.values())
        self.flow = _share_out(network.flow(), bounds, counts, same_takers, same_items)


def _alike(keyed: Iterable[tuple[tuple[int, ...], int]]) -> dict[tuple[int, ...], list[int]]:
    """What has the same key together."""
    found: dict[tuple[int, ...], list[int]] = {}
    for key, one in keyed:
        found.setdefault(key, []).append(one)
    return found


def _together(bounds: Bounds) -> tuple[int, int]:
    return (
        sum(low for low, _ in bounds),
        sum(_UNBOUNDED if high is None else high for _, high in bounds),
    )


def _share_out(
    merged: Sequence[tuple[int, int, int]],
    bounds: Bounds,
    counts: Sequence[int],
    takers: Sequence[Sequence[int]],
    items: Sequence[Sequence[int]],
) -> dict[tuple[int, int], int]:
    """What those that count as one got, shared out among them: first the least numbers."""
    got = [0] * len(takers)
    for taker, _, number in merged:
        got[taker] += number
    quota: dict[int, int] = {}
    for total, same in zip(got, takers, strict=True):
        left = total
        for taker in same:
            quota[taker] = min(left, bounds[taker][0])
            left -= quota[taker]
        for taker in same:
            high = bounds[taker][1]
            more = left if high is None else min(left, high - quota[taker])
            quota[taker] += more
            left -= more
    queues = [deque((item, counts[item]) for item in same if counts[item]) for same in items]
    waiting = [deque(taker for taker in same if quota[taker]) for same in takers]
    flow: dict[tuple[int, int], int] = {}
    for taker_class, item_class, number in merged:
        left = number
        while left:
            taker, (item, there) = waiting[taker_class][0], queues[item_class].popleft()
            given = min(left, there, quota[taker])
            flow[taker, item] = flow.get((taker, item), 0) + given
            left -= given
            quota[taker] -= given
            if there > given:
                queues[item_class].appendleft((item, there - given))
            if not quota[taker]:
                waiting[taker_class].popleft()
    return flow


class _Network:
    """Source, takers, items, sink; residual capacities in flat lists."""

    def __init__(
        self,
        bounds: Sequence[tuple[int, int]],
        counts: Sequence[int],
        joins: Sequence[tuple[int, int]],
    ) -> None:
        self._bounds = bounds
        self._counts = counts
        self._source, self._sink = len(bounds) + len(counts), len(bounds) + len(counts) + 1
        self._edges: list[list[int]] = [[] for _ in range(self._sink + 1)]
        self._target: list[int] = []
        self._left: list[int] = []
        self._filled = 0
        self._joins = joins
        for taker, item in joins:
            self._edge(taker, len(bounds) + item, _UNBOUNDED)
        for item, count in enumerate(counts):
            self._edge(len(bounds) + item, self._sink, count)

    def fill(self) -> bool:
        """Fill the least numbers, then up to the greatest; whether the least could be filled."""
        supplies = [self._edge(self._source, n, low) for n, (low, _) in enumerate(self._bounds)]
        self._filled = self._push()
        complete = self._filled == sum(low for low, _ in self._bounds)
        for edge, (low, high) in zip(supplies, self._bounds, strict=True):
            self._left[edge] += high - low
        self._filled += self._push()
        return complete

    def rest(self) -> int:
        """How many items nobody has taken."""
        return sum(self._counts) - self._filled

    def flow(self) -> list[tuple[int, int, int]]:
        """Who got how much of what."""
        return [
            (taker, item, self._left[2 * number + 1])
            for number, (taker, item) in enumerate(self._joins)
            if self._left[2 * number + 1]
        ]

    def _push(self) -> int:
        total = 0
        while True:
            levels = self._levels()
            if levels[self._sink] < 0:
                return total
            cursors = [0] * len(self._edges)
            while True:
                pushed = self._augment(levels, cursors)
                if not pushed:
                    break
                total += pushed

    def _edge(self, start: int, target: int, capacity: int) -> int:
        number = len(self._target)
        self._edges[start].append(number)
        self._edges[target].append(number + 1)
        self._target += (target, start)
        self._left += (capacity, 0)
        return number

    def _levels(self) -> list[int]:
        levels = [-1] * len(self._edges)
        levels[self._source] = 0
        queue = deque([self._source])
        while queue:
            node = queue.popleft()
            for edge in self._edges[node]:
                target = self._target[edge]
                if self._left[edge] and levels[target] < 0:
                    levels[target] = levels[node] + 1
                    queue.append(target)
        return levels

    def _augment(self, levels: list[int], cursors: list[int]) -> int:
        """Push along one shortest path, depth first without recursion."""
        path: list[int] = []
        node = self._source
        while node != self._sink:
            edges = self._edges[node]
            while cursors[node] < len(edges):
                edge = edges[cursors[node]]
                if self._left[edge] and levels[self._target[edge]] == levels[node] + 1:
                    break
                cursors[node] += 1
            else:
                if not path:
                    return 0
                node = self._target[path.pop() ^ 1]
                cursors[node] += 1
                continue
            path.append(edge)
            node = self._target[edge]
        pushed = min(self._left[edge] for edge in path)
        for edge in path:
            self._left[edge] -= pushed
            self._left[edge ^ 1] += pushed
        return pushed
