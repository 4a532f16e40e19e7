"""Exact assignment with multiplicities: which pattern takes how many of which spans.

A maximum flow with lower bounds (Dinic's algorithm), iterative. Patterns that can take the
same spans are merged first, and spans that the same patterns can take, so overlapping
wildcards collapse instead of exploding.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

_UNBOUNDED = 1 << 60


class Assignment(NamedTuple):
    """How many of each item each taker got, by (taker, item)."""

    flow: dict[tuple[int, int], int]
    #: Every taker has its least number and, where all had to be taken, every item is taken.
    complete: bool


def assign(
    bounds: Sequence[tuple[int, int | None]],
    counts: Sequence[int],
    takes: Sequence[Sequence[int]],
    *,
    take_all: bool,
) -> Assignment:
    """Give items to takers.

    Args:
        bounds: for each taker the least and the greatest number (None: any).
        counts: for each item how often it is there.
        takes: for each taker the items it can take.
        take_all: whether every item must be taken.

    Returns:
        A largest assignment that first fills the least numbers; complete if all holds.
    """
    network = _Network(len(bounds), len(counts))
    for taker, items in enumerate(takes):
        for item in items:
            network.join(taker, item)
    for item, count in enumerate(counts):
        network.supply_item(item, count)
    for taker, (low, _) in enumerate(bounds):
        network.supply_taker(taker, low)
    filled = network.push()
    complete = filled == sum(low for low, _ in bounds)
    for taker, (low, high) in enumerate(bounds):
        network.supply_taker(taker, (_UNBOUNDED if high is None else high) - low)
    filled += network.push()
    if take_all:
        complete = complete and filled == sum(counts)
    return Assignment(network.flow(), complete)


def feasible(
    bounds: Sequence[tuple[int, int | None]],
    counts: Sequence[int],
    takes: Sequence[Sequence[int]],
    *,
    take_all: bool,
) -> bool:
    """Whether a complete assignment exists; takers and items that are alike count as one."""
    takers: dict[tuple[int, ...], list[int | None]] = {}
    for (low, high), items in zip(bounds, takes, strict=True):
        merged = takers.setdefault(tuple(sorted(items)), [0, 0])
        merged[0] = (merged[0] or 0) + low
        merged[1] = None if high is None or merged[1] is None else merged[1] + high
    takers_of: list[list[int]] = [[] for _ in counts]
    for number, items in enumerate(takers):
        for item in items:
            takers_of[item].append(number)
    merged_items: dict[tuple[int, ...], int] = {}
    for count, by in zip(counts, takers_of, strict=True):
        merged_items[tuple(by)] = merged_items.get(tuple(by), 0) + count
    merged_takes: list[list[int]] = [[] for _ in takers]
    for item, by in enumerate(merged_items):
        for number in by:
            merged_takes[number].append(item)
    return assign(
        [(low or 0, high) for low, high in takers.values()],
        list(merged_items.values()),
        merged_takes,
        take_all=take_all,
    ).complete


class _Network:
    """Source, takers, items, sink; residual capacities in flat lists."""

    def __init__(self, takers: int, items: int) -> None:
        self._takers = takers
        self._source, self._sink = takers + items, takers + items + 1
        self._edges: list[list[int]] = [[] for _ in range(takers + items + 2)]
        self._target: list[int] = []
        self._left: list[int] = []
        self._joins: list[tuple[int, int, int]] = []
        self._supply: dict[int, int] = {}

    def join(self, taker: int, item: int) -> None:
        edge = self._edge(taker, self._takers + item, _UNBOUNDED)
        self._joins.append((edge, taker, item))

    def supply_item(self, item: int, count: int) -> None:
        self._edge(self._takers + item, self._sink, count)

    def supply_taker(self, taker: int, more: int) -> None:
        if taker in self._supply:
            self._left[self._supply[taker]] += more
        else:
            self._supply[taker] = self._edge(self._source, taker, more)

    def flow(self) -> dict[tuple[int, int], int]:
        return {
            (taker, item): self._left[edge ^ 1]
            for edge, taker, item in self._joins
            if self._left[edge ^ 1]
        }

    def push(self) -> int:
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
