"""Whether a pattern fits: exact, neither greedy nor exponential.

A pattern matches a span when the span is as wanted and its children can be assigned to the
pattern's children one to one, each to one that it matches. Every question (pattern, class of
spans) is answered once and kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pytest_traces.forest import Span
from pytest_traces.shape.assign import feasible
from pytest_traces.shape.groups import assign_group, owners
from pytest_traces.shape.index import Label, PatternIndex, PatternNode, SpanIndex, Taker
from pytest_traces.shape.literal import counted
from pytest_traces.shape.pattern import FOREST, Pattern, PatternError, label_of


class Level(NamedTuple):
    """The children of one pattern, and the children of one span sorted by what they are like."""

    takers: list[Taker]
    items: list[list[int]]
    #: For each taker the items that it matches.
    takes: list[list[int]]


class Matcher:
    """Answers whether patterns match spans."""

    def __init__(self, root: Pattern, roots: Sequence[Span]) -> None:
        self.patterns = PatternIndex(root)
        self.spans = SpanIndex(roots, self.patterns)
        self._answers: dict[tuple[int, int], bool] = {}
        if self.patterns.plain:
            self._find_literals()

    def forest_matches(self) -> bool:
        """Whether the children of the root pattern are the roots of the forest."""
        return self.matches(self.patterns.root, 0)

    def matching(self, pattern: Pattern) -> list[Span]:
        """Every span that the pattern matches."""
        number = self.patterns.number[id(pattern)]
        return [
            self.spans.span(place)
            for place in range(1, len(self.spans.spans))
            if self.matches(number, place)
        ]

    def own_matches(self, pattern: int, place: int) -> bool:
        """Whether the span by itself, without its children, is as wanted."""
        own = self.patterns.nodes[pattern].own
        fields = self.patterns.own[own]
        if place == 0 or fields.name is FOREST:
            return place == 0 and fields.name is FOREST
        label = self.spans.label[self.spans.labels[place]]
        if fields.is_plain:
            return label.name == fields.name and label.is_open is fields.unfinished
        return own in label.met

    def matches(self, pattern: int, place: int) -> bool:
        """Whether the pattern of that number matches the span of that number."""
        stack = [(pattern, place)]
        while stack:
            asked = stack[-1]
            if self._known(*asked) is not None:
                stack.pop()
                continue
            open_questions = self._open_questions(*asked)
            if open_questions:
                stack.extend(open_questions)
                continue
            self._answers[self._key(*asked)] = self._decide(*asked)
            stack.pop()
        return bool(self._known(pattern, place))

    def level(self, pattern: int, place: int) -> Level:
        """Sort the children of the span by the children of the pattern that they match.

        All questions between them must have been answered.
        """
        node = self.patterns.nodes[pattern]
        takers, items = node.takers, self._items(node, place)
        takes: list[list[int]] = [[] for _ in takers]
        for number, item in enumerate(items):
            for taker in self._candidates(node, item[0]):
                if self._known(takers[taker][0], item[0]):
                    takes[taker].append(number)
        return Level(takers, items, takes)

    def answer_level(self, pattern: int, place: int) -> None:
        """Answer every question between the children of the pattern and those of the span."""
        for child, below in self._open_questions(pattern, place):
            self.matches(child, below)

    def _key(self, pattern: int, place: int) -> tuple[int, int]:
        timed = self.patterns.nodes[pattern].timed
        return pattern, ~place if timed else self.spans.classes[place]

    def _known(self, pattern: int, place: int) -> bool | None:
        """The answer, if it is kept or can be seen at once."""
        node = self.patterns.nodes[pattern]
        if node.literal is not None:
            return node.literal == self.spans.classes[place]
        answer = self._answers.get(self._key(pattern, place))
        if answer is not None:
            return answer
        if not self.own_matches(pattern, place):
            return False
        least, greatest = node.sizes
        size = self.spans.sizes[place]
        if size < least or (greatest is not None and size > greatest):
            return False
        if not node.children and not node.groups:
            return True  # its size has been checked
        return None

    def _items(self, node: PatternNode, place: int) -> list[list[int]]:
        children = self.spans.children[place]
        if node.timed:
            return [[child] for child in children]
        alike: dict[int, list[int]] = {}
        for child in children:
            alike.setdefault(self.spans.classes[child], []).append(child)
        return list(alike.values())

    def _candidates(self, node: PatternNode, place: int) -> list[int]:
        number = self.spans.labels[place]
        return node.candidates(number, self.spans.label[number], self.patterns)

    def _open_questions(self, pattern: int, place: int) -> list[tuple[int, int]]:
        node = self.patterns.nodes[pattern]
        takers = node.takers
        return [
            (takers[taker][0], item[0])
            for item in self._items(node, place)
            for taker in self._candidates(node, item[0])
            if self._known(takers[taker][0], item[0]) is None
        ]

    def _decide(self, pattern: int, place: int) -> bool:
        node = self.patterns.nodes[pattern]
        level = self.level(pattern, place)
        if node.groups:
            return self._decide_with_groups(node, place, level)
        return feasible(
            [(low, high) for _, low, high in level.takers],
            [len(item) for item in level.items],
            level.takes,
            take_all=not node.pattern.open,
        )

    def _decide_with_groups(self, node: PatternNode, place: int, level: Level) -> bool:
        owned = self.owned_by_groups(node, place, level)
        outside = [n for n, owner in enumerate(owned) if owner is None]
        renumbered = {item: n for n, item in enumerate(outside)}
        fits = feasible(
            [(low, high) for _, low, high in node.children],
            [1] * len(outside),
            [
                [renumbered[item] for item in items if item in renumbered]
                for items in level.takes[: len(node.children)]
            ],
            take_all=not node.pattern.open,
        )
        first = len(node.children)
        for number, (group, takers) in enumerate(node.groups):
            if not fits:
                return False
            mine = [item for item, owner in enumerate(owned) if owner == number]
            takes = [
                [mine.index(item) for item in items if owned[item] == number]
                for items in level.takes[first : first + len(takers)]
            ]
            spans = [self.spans.span(level.items[item][0]) for item in mine]
            bounds = [(low, high) for _, low, high in takers]
            fits = assign_group(group.order, bounds, spans, takes)
            first += len(takers)
        return fits

    def owned_by_groups(self, node: PatternNode, place: int, level: Level) -> list[int | None]:
        """For each child of the span the number of the group that owns it, or None.

        Raises:
            PatternError: a child matches a member and a pattern outside its group.
        """
        matched = [[n for n, items in enumerate(level.takes) if item in set(items)]
                   for item in range(len(level.items))]  # fmt: skip
        alike = [self._candidates(node, item[0]) for item in level.items]
        owned, clash = owners(
            len(node.children), [len(takers) for _, takers in node.groups], matched, alike
        )
        if clash is not None:
            item, inside, beside = clash
            name = self.spans.span(level.items[item][0]).name
            order = node.groups[inside[0]][0].order
            labels = [
                label_of(self.patterns.nodes[level.takers[taker][0]].pattern.fields.name)
                for taker in (inside[1], beside)
            ]
            raise PatternError(
                f"ambiguous: {name!r} matches {labels[0]} in {order}(...) and {labels[1]} beside "
                "it; a group owns every sibling that a member matches, so make the other one "
                "more specific"
            )
        return owned

    def _find_literals(self) -> None:
        """Give each pattern that is nothing but names the class of spans it stands for."""
        for number, node in enumerate(self.patterns.nodes):
            children = [(self.patterns.nodes[n].literal, low, high) for n, low, high in node.takers]
            fixed = all(cls is not None and low == high for cls, low, high in children)
            if node.pattern.open or node.groups or not fixed:
                continue
            below = counted((-1 if cls is None else cls, low) for cls, low, _ in children)
            fields = self.patterns.own[node.own]
            label: Label | None
            if number == self.patterns.root:
                label = None
            elif fields.is_plain:
                label = Label(fields.name, bool(fields.unfinished), frozenset())
            else:
                continue
            node.literal = -1 if below and below[0][0] == -1 else self.spans.class_like(label, below)
