"""Lays a pattern and a forest side by side, level by level, so that each difference has a place.

Wholly matching subtrees are taken away first, then what is left is paired by name. What is
still missing on one side and unexpected on the other is explained afterwards, over the whole
forest: as moved, as a level that was dropped or put between, as renamed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Mapping, Sequence
from itertools import accumulate

from pytest_traces.forest import Span
from pytest_traces.shape.assign import assign
from pytest_traces.shape.groups import assign_group
from pytest_traces.shape.leftovers import Leftovers
from pytest_traces.shape.match import Level, Matcher
from pytest_traces.shape.mismatch import Alignment, Mismatch, Place
from pytest_traces.shape.nearest import find_nearest
from pytest_traces.shape.pairing import Budget
from pytest_traces.shape.pattern import Pattern
from pytest_traces.shape.reconcile import Reconciliation
from pytest_traces.shape.siblings import Siblings, settle
from pytest_traces.shape.similarity import Names, Similarity

_BUDGET = 200_000
#: Up to so many spans, so many other ways to pair namesakes are tried.
_TRIABLE, _TRIALS = 500, 60


class Aligner:
    """Lays out what is wanted beside what is there; :meth:`run` returns the whole."""

    def __init__(self, root: Pattern, roots: Sequence[Span]) -> None:
        self.matcher = Matcher(root, roots)
        self._names = Names(self.matcher)
        self._budget = Budget(_BUDGET)
        self._similarity = Similarity(self.matcher, self._budget)

    def run(self) -> Alignment:
        """Align and explain; of several explanations take the one with the fewest differences."""
        best, spans = self._attempt({}), len(self.matcher.spans.spans) - 1
        chosen: dict[Hashable, int] = {}
        trials = _TRIALS if spans <= _TRIABLE else 0
        better = True
        while better and best.differences > 1:
            better = False
            for key, options in list(best.leftovers.choices.items()):
                for option in range(options):
                    if option == chosen.get(key, 0) or trials <= 0:
                        continue
                    trials -= 1
                    other = self._attempt({**chosen, key: option})
                    if other.differences < best.differences:
                        best, chosen, better = other, {**chosen, key: option}, True
        leftovers = best.leftovers
        order_children(best.top)
        find_nearest(best.top, leftovers.mismatches, self._unwanted_names())
        return Alignment(
            best.top, leftovers.mismatches, leftovers.approximate, leftovers.paired, spans
        )

    def _attempt(self, chosen: Mapping[Hashable, int]) -> _Attempt:
        leftovers = Leftovers(self.matcher, self._similarity, self._names, self._budget, chosen)
        attempt = _Attempt(self.matcher, leftovers)
        attempt.run()
        return attempt

    def _unwanted_names(self) -> list[Span]:
        """The spans whose names nobody wants; one of them may be a wanted one under a new name."""
        wanted = {own.name for own in self.matcher.patterns.own if isinstance(own.name, str)}
        return [span for span in self.matcher.spans.spans if span and span.name not in wanted]


class _Attempt:
    """One explanation: works down from the root, then reconciles what is left."""

    def __init__(self, matcher: Matcher, leftovers: Leftovers) -> None:
        self.matcher = matcher
        self.leftovers = leftovers
        self.top = Place(None, None)

    @property
    def differences(self) -> int:
        """How many there are."""
        return sum(1 + one.others for one in self.leftovers.mismatches)

    def run(self) -> None:
        """Align, then explain what is left."""
        self.leftovers.tasks.append((self.top, self.matcher.patterns.root, 0))
        self._descend()
        Reconciliation(self.leftovers, self._descend).run()

    def _descend(self) -> None:
        """Align the children of all pairs that wait for it, and so on down."""
        while self.leftovers.tasks:
            self._align_children(*self.leftovers.tasks.pop())

    def _align_children(self, place: Place, pattern: int, number: int) -> None:
        if self._goes_straight_on(place, pattern, number):
            return
        self.matcher.answer_level(pattern, number)
        level = self.matcher.level(pattern, number)
        owned = self._keep_groups_apart(pattern, number, level)
        siblings = self._take_whole(place, pattern, level, owned)
        if siblings.units or siblings.rest:
            settle(siblings, self.leftovers)
        if siblings.node.groups:
            self._check_groups(siblings, level, owned)

    def _goes_straight_on(self, place: Place, pattern: int, number: int) -> bool:
        """Whether one child is wanted and it is there, but for what is below it.

        So it is at every level of a long chain, where nothing else needs to be looked at.
        """
        node, below = self.matcher.patterns.nodes[pattern], self.matcher.spans.children[number]
        if len(below) != 1 or len(node.takers) != 1 or node.takers[0][1:] != (1, 1) or node.groups:
            return False
        wanted, child = node.takers[0][0], below[0]
        if not self.matcher.own_matches(wanted, child):
            return False
        step = self.leftovers.add(place, None, self.matcher.spans.span(child))
        step.taker, step.pattern = 0, self.leftovers.pattern(wanted)
        if self.matcher.matches(wanted, child):
            self.leftovers.take_whole(step, step.pattern)
        else:
            self.leftovers.paired += 1
            self.leftovers.tasks.append((step, wanted, child))
        return True

    def _keep_groups_apart(self, pattern: int, number: int, level: Level) -> list[int | None]:
        """Let members take only what their group owns, and others only the rest."""
        node = self.matcher.patterns.nodes[pattern]
        if not node.groups:
            return [None] * len(level.items)
        owned = self.matcher.owned_by_groups(pattern, number)
        for items, group in zip(level.takes, node.group_of, strict=True):
            items[:] = [item for item in items if owned[item] == group]
        return owned

    def _take_whole(
        self, place: Place, pattern: int, level: Level, owned: Sequence[int | None]
    ) -> Siblings:
        """Pair each child that matches wholly; the others are left to be settled."""
        bounds = [(low, high) for _, low, high in level.takers]
        counts = [len(item) for item in level.items]
        flow = assign(bounds, counts, level.takes, take_all=False).flow
        left = [self._orphans_first(item) for item in level.items]
        lacking = [low for low, _ in bounds]
        for (taker, item), times in sorted(flow.items()):
            lacking[taker] -= times
            for _ in range(times):
                span = self.matcher.spans.span(left[item].pop())
                child = self.leftovers.add(place, None, span)
                child.taker = taker
                self.leftovers.take_whole(child, self.leftovers.pattern(level.takers[taker][0]))
        return Siblings(
            place,
            self.matcher.patterns.nodes[pattern],
            units=[taker for taker, times in enumerate(lacking) for _ in range(times)],
            rest=sorted(child for item in left for child in item),
            owned={c for item, rest in enumerate(left) if owned[item] is not None for c in rest},
        )

    def _orphans_first(self, numbers: Sequence[int]) -> list[int]:
        """In reverse order, orphans before others: what is taken from the end is no orphan."""
        if len(numbers) == 1:
            return list(numbers)
        return sorted(numbers, key=lambda n: (not self.matcher.spans.span(n).orphan, -n))

    def _check_groups(self, siblings: Siblings, level: Level, owned: Sequence[int | None]) -> None:
        first = len(siblings.node.children)
        for index, (group, takers) in enumerate(siblings.node.groups):
            mine = [item for item, owner in enumerate(owned) if owner == index]
            position = {item: place for place, item in enumerate(mine)}
            spans = [self.matcher.spans.span(level.items[item][0]) for item in mine]
            takes = [
                [position[item] for item in items]
                for items in level.takes[first : first + len(takers)]
            ]
            first += len(takers)
            bounds = [(low, high) for _, low, high in takers]
            complete = assign(bounds, [1] * len(mine), takes, take_all=True).complete
            if complete and not assign_group(group.order, bounds, spans, takes):
                mismatch = Mismatch("order", siblings.place, group=group, here_instead=spans)
                self.leftovers.report(mismatch)


def order_children(top: Place) -> None:
    """Put siblings in order of start, and missing ones behind those wanted before them."""
    stack = [top]
    while stack:
        place = stack.pop()
        if len(place.children) > 1:
            place.children = _in_order(place.children)
        stack.extend(place.children)


def _in_order(children: Sequence[Place]) -> list[Place]:
    there = [(child.span.start_ns, child) for child in children if child.span is not None]
    there.sort(key=lambda item: item[0])
    # for each wanted child the last place of it or of one wanted before it
    known = sorted((c.taker, at) for at, (_, c) in enumerate(there, 1) if c.taker is not None)
    takers = [taker for taker, _ in known]
    last = [0, *accumulate((at for _, at in known), max)]
    absent: dict[int, list[Place]] = {}
    for child in children:
        if child.span is None:
            at = last[bisect_right(takers, child.taker or 0)]
            absent.setdefault(at, []).append(child)
    ordered = absent.get(0, [])
    for at, (_, child) in enumerate(there, 1):
        ordered.append(child)
        ordered += absent.get(at, [])
    return ordered
