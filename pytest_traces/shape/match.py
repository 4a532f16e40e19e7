"""Whether a pattern fits: exact, neither greedy nor exponential.

A pattern matches a span when the span is as wanted and its children can be assigned to the
pattern's children one to one, each to one that it matches. Every question (pattern, class of
spans) is answered once and kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pytest_traces.forest import Span
from pytest_traces.shape.assign import Assignment, assign, feasible
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
        answer = self._known(pattern, place)
        if answer is not None:
            return answer
        stack = [(pattern, place, False)]
        while stack:
            number, span, is_ready = stack.pop()
            if self._known(number, span) is not None:
                continue
            if is_ready:
                self._answers[self._key(number, span)] = self._decide(number, span)
            else:
                stack.append((number, span, True))
                stack += [(*question, False) for question in self._open_questions(number, span)]
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

    def assign_below(self, pattern: int, places: Sequence[int]) -> Assignment:
        """Give these spans to the children of the pattern, whatever their own parents are.

        The order that groups want plays no part.
        """
        node = self.patterns.nodes[pattern]
        takes: list[list[int]] = [[] for _ in node.takers]
        for position, place in enumerate(places):
            for taker in self._candidates(node, place):
                if self.matches(node.takers[taker][0], place):
                    takes[taker].append(position)
        bounds = [(low, high) for _, low, high in node.takers]
        return assign(bounds, [1] * len(places), takes, take_all=not node.pattern.open)

    def fits_below(self, pattern: int, places: Sequence[int]) -> bool:
        """Whether these spans could be the children of that pattern."""
        return self.assign_below(pattern, places).complete

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
        found = [
            (takers[taker][0], item[0])
            for item in self._items(node, place)
            for taker in self._candidates(node, item[0])
            if self._known(takers[taker][0], item[0]) is None
        ]
        if node.groups and node.clockless != pattern:
            found += self._open_questions(node.clockless, place)
        return found

    def _decide(self, pattern: int, place: int) -> bool:
        node = self.patterns.nodes[pattern]
        level = self.level(pattern, place)
        if node.groups:
            return self._decide_with_groups(pattern, place, level)
        return feasible(
            [(low, high) for _, low, high in level.takers],
            [len(item) for item in level.items],
            level.takes,
            take_all=not node.pattern.open,
        )

    def _decide_with_groups(self, pattern: int, place: int, level: Level) -> bool:
        node = self.patterns.nodes[pattern]
        owned = self.owned_by_groups(pattern, place)
        position, spans = _positions(owned, len(node.groups))
        takes = [
            [position[item] for item in items if owned[item] == group]
            for items, group in zip(level.takes, node.group_of, strict=True)
        ]
        first = len(node.children)
        if not feasible(
            [(low, high) for _, low, high in node.children],
            [1] * len(spans[None]),
            takes[:first],
            take_all=not node.pattern.open,
        ):
            return False
        for number, (group, takers) in enumerate(node.groups):
            mine = [self.spans.span(level.items[item][0]) for item in spans[number]]
            bounds = [(low, high) for _, low, high in takers]
            if not assign_group(group.order, bounds, mine, takes[first : first + len(takers)]):
                return False
            first += len(takers)
        return True

    def owned_by_groups(self, pattern: int, place: int) -> list[int | None]:
        """For each child of the span the number of the group that owns it, or None.

        Clocks do not decide that: a slow member stays a member.

        Raises:
            PatternError: a child matches a member and a pattern outside its group.
        """
        clockless = self.patterns.nodes[pattern].clockless
        node = self.patterns.nodes[clockless]
        level = self.level(clockless, place)
        matched: list[list[int]] = [[] for _ in level.items]
        for taker, items in enumerate(level.takes):
            for item in items:
                matched[item].append(taker)
        owned, clash = owners(node.group_of, matched)
        if clash is not None:
            name = self.spans.span(level.items[clash.item][0]).name
            labels = [
                label_of(self.patterns.own[self.patterns.nodes[level.takers[taker][0]].own].name)
                for taker in (clash.member, clash.other)
            ]
            raise PatternError(
                f"ambiguous: {name!r} matches {labels[0]} in {node.groups[clash.group][0].order}"
                f"(...) and {labels[1]} beside it; a group owns every sibling that a member "
                "matches, so make the other one more specific"
            )
        return owned

    def _find_literals(self) -> None:
        """Give each pattern that is nothing but names the class of spans it stands for."""
        for number, node in enumerate(self.patterns.nodes):
            nodes = self.patterns.nodes
            children = [(nodes[n].literal, low, high) for n, low, high in node.takers]
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
            node.literal = (
                -1 if below and below[0][0] == -1 else self.spans.class_like(label, below)
            )


def _positions(
    owned: Sequence[int | None], groups: int
) -> tuple[list[int], dict[int | None, list[int]]]:
    """For each item its place among those of its owner, and for each owner its items."""
    items: dict[int | None, list[int]] = {owner: [] for owner in (None, *range(groups))}
    position = []
    for item, owner in enumerate(owned):
        position.append(len(items[owner]))
        items[owner].append(item)
    return position, items
