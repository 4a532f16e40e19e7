"""Lays a pattern and a forest side by side, level by level, so that each difference has a place.

Wholly matching subtrees are taken away first, then what is left is paired by name. What is
still missing on one side and unexpected on the other is paired afterwards, over the whole
forest: as moved, as a level that was dropped or put between, as renamed.
"""

from __future__ import annotations

from collections.abc import Sequence

from pytest_traces.forest import Span
from pytest_traces.shape.assign import assign
from pytest_traces.shape.groups import assign_group
from pytest_traces.shape.index import PatternNode
from pytest_traces.shape.match import Level, Matcher
from pytest_traces.shape.mismatch import Alignment, Mismatch, Place
from pytest_traces.shape.nearest import find_nearest
from pytest_traces.shape.pairing import best_pairs
from pytest_traces.shape.pattern import Pattern
from pytest_traces.shape.reconcile import Reconciliation
from pytest_traces.shape.similarity import Similarity

_BUDGET = 200_000


class Aligner:
    """Works down from the root; :meth:`run` returns the whole."""

    def __init__(self, root: Pattern, roots: Sequence[Span]) -> None:
        self.matcher = Matcher(root, roots)
        self.similarity = Similarity(self.matcher)
        self.budget = [_BUDGET]
        self.approximate = False
        self.mismatches: list[Mismatch] = []
        #: Wanted spans that nobody took, and recorded ones that nobody wanted.
        self.missing: list[Place] = []
        self.unexpected: list[Place] = []
        self._paired = 0
        self._tasks: list[tuple[Place, int, int]] = []

    def run(self) -> Alignment:
        """Align, then explain what is left."""
        top = Place(None, None)
        self.descend(top, self.matcher.patterns.root, 0)
        Reconciliation(self).run()
        order_children(top)
        find_nearest(top, self.mismatches)
        return Alignment(
            top, self.mismatches, self.approximate, self._paired, len(self.matcher.spans.spans) - 1
        )

    def pair(self, place: Place, pattern: int, number: int) -> None:
        """Say that this span is that pattern, and work down from there."""
        if place.pattern is None:
            place.pattern = self.matcher.patterns.nodes[pattern].pattern
        span = self.matcher.spans.span(number)
        self._paired += 1
        self._compare_fields(place, place.pattern, span)
        self.descend(place, pattern, number)

    def descend(self, place: Place, pattern: int, number: int) -> None:
        """Align the children of the pattern with those of the span, and so on down."""
        self._tasks.append((place, pattern, number))
        while self._tasks:
            self._align_children(*self._tasks.pop())

    def _compare_fields(self, place: Place, pattern: Pattern, span: Span) -> None:
        differences = pattern.fields.differences(span)
        if not differences:
            return
        open_end = [one for one in differences if one.field == "end"]
        late = [one for one in differences if one.field == "under"]
        others = [one for one in differences if one.field not in ("end", "under", "name")]
        renamed = [one for one in differences if one.field == "name"]
        for kind, found in (
            ("renamed", renamed),
            ("unfinished", open_end),
            ("fields", others),
            ("late", late if not open_end else []),
        ):
            if found:
                self.report(
                    Mismatch(kind, place, pattern, span, differences=found)  # type: ignore[arg-type]
                )

    def report(self, mismatch: Mismatch) -> None:
        """Add a mismatch and mark its place, if nothing has marked it yet."""
        self.mismatches.append(mismatch)
        if mismatch.place.mismatch is None:
            mismatch.place.mismatch = mismatch

    def _align_children(self, place: Place, pattern: int, number: int) -> None:
        self.matcher.answer_level(pattern, number)
        node = self.matcher.patterns.nodes[pattern]
        level = self.matcher.level(pattern, number)
        owned = self._keep_groups_apart(node, number, level)
        flow = assign(
            [(low, high) for _, low, high in level.takers],
            [len(item) for item in level.items],
            level.takes,
            take_all=False,
        ).flow
        left = [list(item) for item in level.items]
        counts = [0] * len(level.takers)
        for (taker, item), times in sorted(flow.items()):
            counts[taker] += times
            for _ in range(times):
                child = left[item].pop(0)
                self._add_whole(place, level, taker, child)
        owned_left = {c for i, rest in enumerate(left) if owned[i] is not None for c in rest}
        rest = sorted(child for item in left for child in item)
        rest = self._pair_by_name(place, level, counts, rest)
        self._leave(place, node, level, counts, rest, owned_left)
        if node.groups:
            self._check_groups(place, node, level, owned)

    def _keep_groups_apart(
        self, node: PatternNode, number: int, level: Level
    ) -> list[int | None]:
        """Let members take only what their group owns, and others only the rest."""
        if not node.groups:
            return [None] * len(level.items)
        owned = self.matcher.owned_by_groups(node, number, level)
        group_of: list[int | None] = [None] * len(node.children)
        for index, (_, takers) in enumerate(node.groups):
            group_of += [index] * len(takers)
        for taker, items in enumerate(level.takes):
            items[:] = [item for item in items if owned[item] == group_of[taker]]
        return owned

    def _add_whole(self, place: Place, level: Level, taker: int, number: int) -> None:
        pattern = self.matcher.patterns.nodes[level.takers[taker][0]].pattern
        span = self.matcher.spans.span(number)
        place.children.append(Place(pattern, span, place, taker, whole=True))
        self._paired += self.matcher.spans.sizes[number]

    def _pair_by_name(
        self, place: Place, level: Level, counts: list[int], rest: list[int]
    ) -> list[int]:
        """Pair what is left on both sides by name, the most alike together."""
        wanted = [
            taker
            for taker, (_, low, _) in enumerate(level.takers)
            for _ in range(min(low - counts[taker], len(rest)))
        ]
        by_name = self.similarity.same_name
        rows = [t for t in wanted if any(by_name(level.takers[t][0], c) for c in rest[:1000])]
        named = [c for c in rest if any(by_name(level.takers[t][0], c) for t in set(rows))]
        found = best_pairs(
            len(rows),
            len(named),
            lambda i, j: self.similarity.named(level.takers[rows[i]][0], named[j]),
            self.budget,
        )
        self.approximate |= found.approximate and bool(rows) and bool(named)
        taken = set()
        for row, column in found.pairs:
            taker, child = rows[row], named[column]
            counts[taker] += 1
            taken.add(child)
            pattern = level.takers[taker][0]
            below = Place(None, self.matcher.spans.span(child), place, taker)
            place.children.append(below)
            below.pattern = self.matcher.patterns.nodes[pattern].pattern
            self._paired += 1
            self._compare_fields(below, below.pattern, self.matcher.spans.span(child))
            self._tasks.append((below, pattern, child))
        return [child for child in rest if child not in taken]

    def _leave(
        self,
        place: Place,
        node: PatternNode,
        level: Level,
        counts: list[int],
        rest: list[int],
        owned: set[int],
    ) -> None:
        """Note what is missing, and what is unexpected or allowed by ``...``."""
        for taker, (number, low, _) in enumerate(level.takers):
            pattern = self.matcher.patterns.nodes[number].pattern
            for _ in range(low - counts[taker]):
                below = Place(pattern, None, place, taker)
                place.children.append(below)
                self.missing.append(below)
        for child in rest:
            span = self.matcher.spans.span(child)
            allowed = node.pattern.open and child not in owned
            below = Place(None, span, place, extra=allowed)
            place.children.append(below)
            if not allowed:
                self.unexpected.append(below)

    def _check_groups(
        self, place: Place, node: PatternNode, level: Level, owned: list[int | None]
    ) -> None:
        first = len(node.children)
        for index, (group, takers) in enumerate(node.groups):
            mine = [item for item, owner in enumerate(owned) if owner == index]
            spans = [self.matcher.spans.span(level.items[item][0]) for item in mine]
            takes = [
                [mine.index(item) for item in items]
                for items in level.takes[first : first + len(takers)]
            ]
            first += len(takers)
            bounds = [(low, high) for _, low, high in takers]
            complete = assign(bounds, [1] * len(mine), takes, take_all=True).complete
            if complete and not assign_group(group.order, bounds, spans, takes):
                self.report(Mismatch("order", place, group=group, here_instead=spans))


def order_children(top: Place) -> None:
    """Put siblings in order of start, and missing ones behind those wanted before them."""
    stack = [top]
    while stack:
        place = stack.pop()
        there = [child for child in place.children if child.span is not None]
        there.sort(key=lambda child: child.span.start_ns if child.span else 0)
        for child in place.children:
            if child.span is not None or child.taker is None:
                continue
            before = [
                position
                for position, other in enumerate(there)
                if other.taker is not None and other.taker <= child.taker
            ]
            there.insert(before[-1] + 1 if before else 0, child)
        place.children = there
        stack.extend(there)
