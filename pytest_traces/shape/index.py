"""A pattern and a forest, numbered, with everything alike counted once.

Spans with equal labels and equal subtrees share a class; patterns that want the same share
a number. What two classes have to do with each other is then asked once, however many
spans there are. All walks are iterative.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from pytest_traces.forest import Span
from pytest_traces.shape.fields import Fields
from pytest_traces.shape.literal import Below, counted
from pytest_traces.shape.pattern import FOREST, Group, Pattern, parents_first

#: (pattern number, least, greatest number of spans)
Taker = tuple[int, int, int | None]
_Sizes = tuple[int, int | None]
_NONE: dict[tuple[str, bool], list[int]] = {}  # most patterns are leaves and never need their own


class Label(NamedTuple):
    """What matters of a span by itself: its name, whether it is open, which wishes it meets."""

    name: str
    is_open: bool
    met: frozenset[int]


class PatternNode:
    """A pattern with its numbered children; those that want the same are merged."""

    __slots__ = (
        "_by_name", "_by_own", "_candidates", "children", "clockless", "groups", "literal",
        "own", "pattern", "sizes", "takers", "timed",
    )  # fmt: skip

    def __init__(
        self,
        pattern: Pattern,
        own: int,
        children: list[Taker],
        groups: list[tuple[Group, list[Taker]]],
    ) -> None:
        self.pattern = pattern
        self.own = own
        self.children = children
        self.groups = groups
        #: All children, those in groups last.
        self.takers = [*children, *(t for _, members in groups for t in members)]
        #: Whether start and end matter below, so that equal subtrees are not all alike.
        self.timed = False
        self.sizes: _Sizes = (1, 1)
        #: The class of spans it stands for, if only names are wanted; -1: no span is like it.
        self.literal: int | None = None
        #: The same pattern without ``under``, which decides what a group owns.
        self.clockless = -1
        self._by_own: dict[int, list[int]] | None = None
        self._by_name: dict[tuple[str, bool], list[int]] = _NONE
        self._candidates: dict[int, list[int]] | None = None

    @property
    def group_of(self) -> list[int | None]:
        """For each taker the number of its group, or None."""
        found: list[int | None] = [None] * len(self.children)
        for number, (_, members) in enumerate(self.groups):
            found += [number] * len(members)
        return found

    def candidates(self, number: int, label: Label, patterns: PatternIndex) -> list[int]:
        """The takers that want a span with this label, whatever is below it."""
        if self._candidates is None or self._by_own is None:
            self._candidates, self._by_name = {}, {}
            self._by_own = self._index_takers(patterns)
        found = self._candidates.get(number)
        if found is None:
            found = list(self._by_name.get((label.name, label.is_open), ()))
            for own in label.met & self._by_own.keys():
                found += self._by_own[own]
            self._candidates[number] = found
        return found

    def _index_takers(self, patterns: PatternIndex) -> dict[int, list[int]]:
        by_own: dict[int, list[int]] = {}
        for taker, (child, _, _) in enumerate(self.takers):
            own = patterns.nodes[child].own
            fields = patterns.own[own]
            if fields.is_plain:
                key = (fields.name, bool(fields.unfinished))
                self._by_name.setdefault(key, []).append(taker)
            else:
                by_own.setdefault(own, []).append(taker)
        return by_own


class PatternIndex:
    """The patterns below one root, numbered, children before parents."""

    def __init__(self, root: Pattern) -> None:
        self.nodes: list[PatternNode] = []
        self.own: list[Fields] = []
        self.number: dict[int, int] = {}  # id(pattern) -> number
        self._owns: dict[Hashable, int] = {}
        self._known: dict[Hashable, int] = {}
        children_first = parents_first(root)[::-1]
        has_groups = any(pattern.groups for pattern in children_first)
        for pattern in children_first:
            number = self.number[id(pattern)] = self._add(pattern)
            if has_groups and self.nodes[number].clockless < 0:
                self._strip_clocks(number)
        self.root = self.number[id(root)]

    @property
    def plain(self) -> bool:
        """Whether nothing but names is wanted anywhere."""
        return all(own.is_plain or own.name is FOREST for own in self.own)

    def _add(self, pattern: Pattern) -> int:
        children = merged(self._takers(pattern.children))
        groups = [
            # in a sequence a, b, a the first is not the last
            (group, takers if group.order == "in_order" else merged(takers))
            for group in pattern.groups
            for takers in [self._takers(group.members)]
        ]
        return self._number_of(pattern, pattern.fields, children, groups)

    def _takers(self, patterns: Iterable[Pattern]) -> list[Taker]:
        return [(self.number[id(one)], one.low, one.high) for one in patterns]

    def _strip_clocks(self, number: int) -> None:
        node = self.nodes[number]
        fields = self.own[node.own]
        if fields.under_ns is not None:
            fields = replace(fields, under_ns=None)
        children = merged(self._stripped(node.children))
        groups = [
            (group, stripped if group.order == "in_order" else merged(stripped))
            for group, takers in node.groups
            for stripped in [self._stripped(takers)]
        ]
        node.clockless = self._number_of(node.pattern, fields, children, groups)
        self.nodes[node.clockless].clockless = node.clockless

    def _stripped(self, takers: Iterable[Taker]) -> list[Taker]:
        return [(self.nodes[number].clockless, low, high) for number, low, high in takers]

    def _number_of(
        self,
        pattern: Pattern,
        fields: Fields,
        children: list[Taker],
        groups: list[tuple[Group, list[Taker]]],
    ) -> int:
        own = self._owns.setdefault(fields.key(), len(self.own))
        if own == len(self.own):
            self.own.append(fields)
        key = (
            own,
            pattern.open,
            tuple(children),
            tuple((group.order, tuple(takers)) for group, takers in groups),
        )
        number = self._known.setdefault(key, len(self.nodes))
        if number == len(self.nodes):
            node = PatternNode(pattern, own, children, groups)
            node.timed = bool(groups) or any(self.nodes[n].timed for n, _, _ in node.takers)
            node.sizes = self._sizes(node)
            self.nodes.append(node)
        return number

    def _sizes(self, node: PatternNode) -> _Sizes:
        least, greatest = 1, None if node.pattern.open else 1
        for number, low, high in node.takers:
            small, large = self.nodes[number].sizes
            least += low * small
            if greatest is not None:
                greatest = None if high is None or large is None else greatest + high * large
        return least, greatest


def merged(takers: Iterable[Taker]) -> list[Taker]:
    """Takers that want the same as one."""
    together: dict[int, tuple[int, int | None]] = {}
    for number, low, high in takers:
        least, most = together.get(number, (0, 0))
        together[number] = least + low, None if most is None or high is None else most + high
    return [(number, low, high) for number, (low, high) in together.items()]


class SpanIndex:
    """The spans below some roots, numbered; number 0 stands for the forest itself."""

    def __init__(self, roots: Sequence[Span], patterns: PatternIndex) -> None:
        self.spans: list[Span | None] = [None]
        self.children: list[list[int]] = [[]]
        self.number: dict[int, int] = {}
        self._collect(roots)
        self.label: list[Label] = [Label("", False, frozenset())]
        self.labels: list[int] = [0]  # for each span the number of its label
        self._numbers: dict[Label, int] = {}
        self._find_labels(patterns)
        self.classes: list[int] = [0] * len(self.spans)
        self.sizes: list[int] = [1] * len(self.spans)
        self.first_of: dict[int, int] = {}
        self._known: dict[Hashable, int] = {}
        self._classify()

    def class_like(self, label: Label | None, below: Below) -> int:
        """The class of spans with this label and these children; -1 if there is none.

        Without a label it is that of the forest.
        """
        number = 0 if label is None else self._numbers.get(label, -1)
        return self._known.get((number, below), -1)

    def span(self, number: int) -> Span:
        """The span of that number, which is not 0."""
        span = self.spans[number]
        if span is None:
            raise LookupError("number 0 is the forest, not a span")
        return span

    def _collect(self, roots: Sequence[Span]) -> None:
        stack = [(0, span) for span in reversed(roots)]
        while stack:
            parent, span = stack.pop()
            number = len(self.spans)
            self.number[id(span)] = number
            self.spans.append(span)
            self.children.append([])
            self.children[parent].append(number)
            stack.extend((number, child) for child in reversed(span.children))

    def _find_labels(self, patterns: PatternIndex) -> None:
        wishes = [
            (own, fields)
            for own, fields in enumerate(patterns.own)
            if not fields.is_plain and fields.name is not FOREST
        ]
        by_name: dict[str, list[tuple[int, Fields]]] = {}
        others: list[tuple[int, Fields]] = []
        for own, fields in wishes:
            if isinstance(fields.name, str):
                by_name.setdefault(fields.name, []).append((own, fields))
            else:
                others.append((own, fields))
        # Each name is compared once, however many spans have it.
        named: dict[tuple[str, bool], tuple[frozenset[int], list[tuple[int, Fields]]]] = {}
        nothing: tuple[frozenset[int], list[tuple[int, Fields]]] = (frozenset(), [])
        for span in self.spans[1:]:
            if span is None:
                continue
            key = (span.name, span.end_ns is None)
            known = named.get(key, nothing) if wishes else nothing
            if wishes and known is nothing:
                likely = [one for one in others if one[1].name_matches(span.name)]
                known = named[key] = _sort_by_effort(likely + by_name.get(span.name, []), span)
            met, to_ask = known
            if to_ask:
                met |= {own for own, fields in to_ask if fields.match(span)}
            label = Label(*key, met)
            self.labels.append(self._numbers.setdefault(label, len(self.label)))
            if self.labels[-1] == len(self.label):
                self.label.append(label)

    def _classify(self) -> None:
        for number in range(len(self.spans) - 1, -1, -1):
            below = counted((self.classes[child], 1) for child in self.children[number])
            key = (self.labels[number], below)
            self.classes[number] = self._known.setdefault(key, len(self._known))
            self.sizes[number] += sum(self.sizes[child] for child in self.children[number])
            self.first_of[self.classes[number]] = number


def _sort_by_effort(
    likely: Iterable[tuple[int, Fields]], span: Span
) -> tuple[frozenset[int], list[tuple[int, Fields]]]:
    """The wishes met by every span of this name that is as open, and those that want more."""
    by_name = [one for one in likely if one[1].is_name]
    met = frozenset(own for own, fields in by_name if fields.match(span))
    return met, [one for one in likely if not one[1].is_name]
