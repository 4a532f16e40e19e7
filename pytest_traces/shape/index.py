"""A pattern and a forest, numbered, with everything alike counted once.

Spans with equal labels and equal subtrees share a class; patterns that want the same share
a number. What two classes have to do with each other is then asked once, however many
spans there are. All walks are iterative.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

from pytest_traces.forest import Span
from pytest_traces.shape.fields import Fields
from pytest_traces.shape.literal import Below, counted
from pytest_traces.shape.pattern import FOREST, Group, Pattern

#: (pattern number, least, greatest number of spans)
Taker = tuple[int, int, int | None]
_Sizes = tuple[int, int | None]


class Label(NamedTuple):
    """What matters of a span by itself: its name, whether it is open, which wishes it meets."""

    name: str
    is_open: bool
    met: frozenset[int]


class PatternNode:
    """A pattern with its numbered children; those that want the same are merged."""

    __slots__ = (
        "_by_name", "_by_own", "_candidates", "children", "groups", "literal",
        "own", "pattern", "sizes", "timed",
    )  # fmt: skip

    def __init__(self, pattern: Pattern, own: int, children: list[Taker]) -> None:
        self.pattern = pattern
        self.own = own
        self.children = children
        self.groups: list[tuple[Group, list[Taker]]] = []
        #: Whether start and end matter below, so that equal subtrees are not all alike.
        self.timed = False
        self.sizes: _Sizes = (1, 1)
        #: The class of spans it stands for, if only names are wanted; -1: no span is like it.
        self.literal: int | None = None
        self._by_own: dict[int, list[int]] | None = None
        self._by_name: dict[tuple[str, bool], list[int]] = {}
        self._candidates: dict[int, list[int]] | None = None

    def candidates(self, number: int, label: Label, patterns: PatternIndex) -> list[int]:
        """The takers that want a span with this label, whatever is below it."""
        if self._candidates is None:
            self._candidates = {}
        found = self._candidates.get(number)
        if found is None:
            if self._by_own is None:
                self._by_own = {}
                for taker, (child, _, _) in enumerate(self.takers):
                    own = patterns.nodes[child].own
                    fields = patterns.own[own]
                    if fields.is_plain:
                        key = (fields.name, bool(fields.unfinished))
                        self._by_name.setdefault(key, []).append(taker)
                    else:
                        self._by_own.setdefault(own, []).append(taker)
            found = list(self._by_name.get((label.name, label.is_open), ()))
            for own in label.met & self._by_own.keys():
                found += self._by_own[own]
            self._candidates[number] = found
        return found

    @property
    def takers(self) -> list[Taker]:
        """All children, those in groups last."""
        if not self.groups:
            return self.children
        return [*self.children, *(taker for _, takers in self.groups for taker in takers)]


class PatternIndex:
    """The patterns below one root, numbered, children before parents."""

    def __init__(self, root: Pattern) -> None:
        self.nodes: list[PatternNode] = []
        self.own: list[Fields] = []
        self.number: dict[int, int] = {}  # id(pattern) -> number
        self._owns: dict[Hashable, int] = {}
        self._known: dict[Hashable, int] = {}
        for pattern in _children_first(root):
            self.number[id(pattern)] = self._add(pattern)
        self.root = self.number[id(root)]

    @property
    def plain(self) -> bool:
        """Whether nothing but names is wanted anywhere."""
        return all(own.is_plain or own.name is FOREST for own in self.own)

    def _add(self, pattern: Pattern) -> int:
        own = self._owns.setdefault(pattern.fields.key(), len(self.own))
        if own == len(self.own):
            self.own.append(pattern.fields)
        children = self._takers(pattern.children)
        groups = [(group, self._takers(group.members)) for group in pattern.groups]
        key = (
            own,
            pattern.open,
            tuple(children),
            tuple((group.order, tuple(takers)) for group, takers in groups),
        )
        number = self._known.setdefault(key, len(self.nodes))
        if number == len(self.nodes):
            node = PatternNode(pattern, own, children)
            node.groups = groups
            node.timed = bool(groups) or any(self.nodes[n].timed for n, _, _ in node.takers)
            node.sizes = self._sizes(node)
            self.nodes.append(node)
        return number

    def _takers(self, patterns: Iterable[Pattern]) -> list[Taker]:
        merged: dict[int, tuple[int, int | None]] = {}
        for pattern in patterns:
            number = self.number[id(pattern)]
            low, high = merged.get(number, (0, 0))
            unbounded = high is None or pattern.high is None
            top = None if unbounded else (high or 0) + (pattern.high or 0)
            merged[number] = (low + pattern.low, top)
        return [(number, low, high) for number, (low, high) in merged.items()]

    def _sizes(self, node: PatternNode) -> _Sizes:
        least, greatest = 1, None if node.pattern.open else 1
        for number, low, high in node.takers:
            small, large = self.nodes[number].sizes
            least += low * small
            if greatest is not None:
                greatest = None if high is None or large is None else greatest + high * large
        return least, greatest


def _children_first(root: Pattern) -> list[Pattern]:
    order, stack = [], [root]
    while stack:
        pattern = stack.pop()
        order.append(pattern)
        stack.extend(pattern.members)
    # A pattern object that is used in several places comes before the deepest of its parents.
    return list({id(pattern): pattern for pattern in reversed(order)}.values())


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
        by_name: dict[str, list[int]] = {}
        any_name: list[int] = []
        for own, fields in enumerate(patterns.own):
            if fields.is_plain or fields.name is FOREST:
                continue
            if isinstance(fields.name, str):
                by_name.setdefault(fields.name, []).append(own)
            else:
                any_name.append(own)
        for span in self.spans[1:]:
            if span is None:
                continue
            met = frozenset(
                own
                for own in (*by_name.get(span.name, ()), *any_name)
                if patterns.own[own].match(span)
            )
            label = Label(span.name, span.end_ns is None, met)
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
