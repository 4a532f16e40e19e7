"""How far a recorded span is from a wanted one, for the explanation only."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Hashable

from pytest_traces.forest import Span
from pytest_traces.shape.assign import assign
from pytest_traces.shape.fields import Fields
from pytest_traces.shape.match import Matcher
from pytest_traces.shape.pairing import Budget, best_pairs
from pytest_traces.shape.pattern import FOREST

_ENOUGH = 0.5
_DEPTH = 12
_WIDEST = 400
_MOST_FIELDS = 3


class Similarity:
    """Compares patterns with spans, both by number."""

    def __init__(self, matcher: Matcher, budget: Budget) -> None:
        self._matcher = matcher
        self._budget = budget
        self._costs: dict[tuple[int, int, int], float] = {}
        self._wanted_below: dict[int, Counter[str]] = {}
        self._given_below: dict[int, Counter[str]] = {}

    def same_name(self, pattern: int, number: int) -> bool:
        """Whether the name of the span is as wanted."""
        fields = self._matcher.patterns.nodes[pattern].pattern.fields
        return fields.name_matches(self._matcher.spans.span(number).name)

    def cost(self, pattern: int, number: int, depth: int = _DEPTH) -> float:
        """About how many differences there would be if the span were taken for the wanted one.

        A subtree that is missing, or unexpected, counts as one.
        """
        key = (pattern, number, depth)
        found = self._costs.get(key)
        if found is None:
            found = 0.0 if self._matcher.matches(pattern, number) else self._cost(*key)
            self._costs[key] = found
        return found

    def _cost(self, pattern: int, number: int, depth: int) -> float:
        fields = self._matcher.patterns.nodes[pattern].pattern.fields
        own = min(_MOST_FIELDS, len(fields.differences(self._matcher.spans.span(number))))
        units, rest = self._left(pattern, number)
        if self._matcher.patterns.nodes[pattern].pattern.open and not units:
            return own
        apart = own + len(units) + len(rest)
        if not units or not rest:
            return apart
        if len(units) == 1 and self._matcher.fits_below(units[0], rest):
            return own + 1
        if not depth or len(units) * len(rest) > _WIDEST or self._budget.left <= 0:
            return own + max(len(units), len(rest))

        def saved(row: int, column: int) -> float | None:
            if not self.same_name(units[row], rest[column]):
                return None
            cost = self.cost(units[row], rest[column], depth - 1)
            return max(0.01, 2.0 - cost - self.imbalance(units[row], rest[column]))

        pairs = best_pairs(len(units), len(rest), lambda _i, _j: False, saved, self._budget).pairs
        return apart - sum(saved(i, j) or 0.0 for i, j in pairs)

    def imbalance(self, pattern: int, number: int) -> float:
        """How unlike the two are in size, from 0 to less than a half; it breaks ties of cost."""
        wanted, _ = self._matcher.patterns.nodes[pattern].sizes
        given = self._matcher.spans.sizes[number]
        return abs(wanted - given) / (wanted + given) / 2

    def _left(self, pattern: int, number: int) -> tuple[list[int], list[int]]:
        """The wanted children that no child matches, each as often as it is missing; the rest."""
        self._matcher.answer_level(pattern, number)
        level = self._matcher.level(pattern, number)
        bounds = [(low, high) for _, low, high in level.takers]
        flow = assign(bounds, [len(item) for item in level.items], level.takes, take_all=False).flow
        left, lacking = [len(item) for item in level.items], [low for low, _ in bounds]
        for (taker, item), times in flow.items():
            left[item] -= times
            lacking[taker] -= times
        units = [
            child
            for (child, _, _), times in zip(level.takers, lacking, strict=True)
            for _ in range(min(times, _WIDEST + 1))
        ]
        rest = [one for item, times in zip(level.items, left, strict=True) for one in item[:times]]
        return units, rest

    def renamed(self, pattern: int, number: int) -> float | None:
        """The score of a pair that could be the same span under another name; None if it is not."""
        fields = self._matcher.patterns.nodes[pattern].pattern.fields
        span = self._matcher.spans.span(number)
        others = [one for one in fields.differences(span) if one.field != "name"]
        if len(others) > 1:
            return None
        alike = self._children_alike(pattern, number)
        if alike < _ENOUGH:
            return None
        return 1.0 + 2 * alike + 2 * _alike(fields.name, span.name) - len(others)

    def same_below(self, pattern: int, number: int) -> bool:
        """Whether all that is below the span is as wanted, and there is something."""
        children = self._matcher.spans.children[number]
        return bool(children) and self._matcher.fits_below(pattern, children)

    def _children_alike(self, pattern: int, number: int) -> float:
        wanted, given = self._wanted_below.get(pattern), self._given_below.get(number)
        if wanted is None:
            wanted = self._wanted_below[pattern] = Counter()
            for child, low, _ in self._matcher.patterns.nodes[pattern].takers:
                name = self._matcher.patterns.nodes[child].pattern.fields.name
                wanted[name if isinstance(name, str) else ""] += max(1, low)
        if given is None:
            children = self._matcher.spans.span(number).children
            given = self._given_below[number] = Counter(child.name for child in children)
        if not wanted and not given:
            return 1.0
        shared = sum((wanted & given).values()) + min(wanted[""], sum((given - wanted).values()))
        return shared / max(sum(wanted.values()), sum(given.values()))


class Names:
    """Which names are wanted anywhere, and which are there."""

    def __init__(self, matcher: Matcher) -> None:
        self._given: dict[str, list[Span]] = {}
        for span in matcher.spans.spans:
            if span is not None:
                self._given.setdefault(span.name, []).append(span)
        wishes = [own for own in matcher.patterns.own if own.name is not FOREST]
        self._literal = {own.name for own in wishes if isinstance(own.name, str)}
        self._wider = [own for own in wishes if not isinstance(own.name, str)]
        self._answers: dict[Hashable, bool] = {}

    def is_there(self, fields: Fields) -> bool:
        """Whether any span has the name that is wanted."""
        if isinstance(fields.name, str):
            return fields.name in self._given
        key = fields.key()
        if key not in self._answers:
            self._answers[key] = any(fields.name_matches(name) for name in self._given)
        return self._answers[key]

    def spans_named(self, name: str) -> list[Span]:
        """Every span of that name."""
        return self._given.get(name, [])

    def is_wanted(self, name: str) -> bool:
        """Whether the name is that of any wanted span."""
        if name in self._literal:
            return True
        if name not in self._answers:
            self._answers[name] = any(own.name_matches(name) for own in self._wider)
        return self._answers[name]


def _alike(wanted: object, given: str) -> float:
    if not isinstance(wanted, str):
        return 0.0
    return difflib.SequenceMatcher(None, wanted[:200], given[:200], autojunk=False).ratio()
