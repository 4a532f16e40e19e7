"""The children of one wanted span beside those of one recorded span, where not all match.

First comes what explains a whole level at once (a span dropped or put between), then pairs by
name, then names that exist nowhere else. What is left is noted, to be explained later over
the whole forest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, permutations

from pytest_traces.shape.assign import assign
from pytest_traces.shape.index import PatternNode
from pytest_traces.shape.leftovers import Leftovers
from pytest_traces.shape.mismatch import Place
from pytest_traces.shape.pairing import best_pairs
from pytest_traces.shape.pattern import Pattern

_ORPHAN = 0.5
_FEW = 3
_WIDEST = 1_000


@dataclass(slots=True)
class Siblings:
    """One level.

    Attributes:
        place: the parent.
        node: the wanted parent.
        units: takers, each as often as a span of theirs is missing.
        rest: numbers of the spans that nobody has taken.
        owned: those of them that belong to a group, and so are never allowed by ``...``.
    """

    place: Place
    node: PatternNode
    units: list[int]
    rest: list[int]
    owned: set[int]


def settle(siblings: Siblings, leftovers: Leftovers) -> None:
    """Pair what can be paired at this level and note the rest."""
    level = _Level(siblings, leftovers)
    if level.is_dropped() or level.is_put_between():
        return
    level.pair_by_name()
    level.pair_renamed()
    level.leave()


class _Level:
    def __init__(self, siblings: Siblings, leftovers: Leftovers) -> None:
        self._siblings = siblings
        self._leftovers = leftovers
        self._matcher = leftovers.matcher
        self._similarity = leftovers.similarity
        span = siblings.place.span
        #: Names this level in trials of other choices.
        self._key = (id(siblings.node), id(span) if span is not None else None)

    def is_dropped(self) -> bool:
        """Whether just one wanted span is not there, and its children stand one level up."""
        siblings = self._siblings
        if len(siblings.units) != 1 or not siblings.rest:
            return False
        taker = siblings.units[0]
        found = self._matcher.assign_below(self._number(taker), siblings.rest)
        if not found.complete or not found.flow or not self._is_off("dropped"):
            return False
        lacking = self._leftovers.lack(siblings.place, self._pattern(taker), taker)
        below = self._matcher.patterns.nodes[self._number(taker)]
        given = {item: below.takers[child][0] for child, item in found.flow}
        self._leftovers.lack_level(
            lacking,
            [
                (self._surprise(n), self._leftovers.pattern(given[i]) if i in given else None)
                for i, n in enumerate(siblings.rest)
            ],
        )
        return True

    def is_put_between(self) -> bool:
        """Whether just one span is too many, and it has taken all the children that are wanted."""
        siblings = self._siblings
        if len(siblings.rest) != 1 or not siblings.units:
            return False
        children = self._matcher.spans.children[siblings.rest[0]]
        if len(children) != len(siblings.units) or len(children) > _WIDEST:
            return False
        takes = [
            [i for i, child in enumerate(children) if self._matcher.matches(number, child)]
            for number in map(self._number, siblings.units)
        ]
        once = [(1, 1)] * len(children)
        found = assign(once, [1] * len(children), takes, take_all=True)
        if not found.complete or not self._is_off("put between"):
            return False
        between = self._surprise(siblings.rest[0])
        below = [
            (
                self._leftovers.add(between, None, self._matcher.spans.span(children[item])),
                self._pattern(siblings.units[unit]),
            )
            for unit, item in found.flow
        ]
        self._leftovers.put_between(between, below)
        return True

    def _is_off(self, how: str) -> bool:
        """Whether to say that a whole level is off, and not that one child differs a little."""
        options = (False, True) if self._is_near() else (True, False)
        return self._leftovers.choose((*self._key, how), options)

    def _is_near(self) -> bool:
        """Whether one is wanted, one is there, of that name and with at most one difference."""
        units, rest = self._siblings.units, self._siblings.rest
        if len(units) != 1 or len(rest) != 1:
            return False
        number = self._number(units[0])
        return (
            self._similarity.same_name(number, rest[0])
            and self._similarity.cost(number, rest[0]) <= 1
        )

    def pair_by_name(self) -> None:
        """Pair what is left on both sides by name, the most alike together."""
        for part, (units, spans) in enumerate(self._namesakes()):
            if len(units) == len(spans) == 1:
                self._pair([(units[0], spans[0])])
                continue
            found = best_pairs(
                len(units),
                len(spans),
                lambda i, j: self._same_name(units[i], spans[j]),  # noqa: B023  # called at once
                lambda i, j: self._closeness(units[i], spans[j]),  # noqa: B023
                self._leftovers.budget,
            )
            self._leftovers.approximate |= found.approximate
            options = [found.pairs, *self._others(units, spans, found.pairs)]
            pairs = self._leftovers.choose((*self._key, part), options)
            self._pair([(units[i], spans[j]) for i, j in pairs])

    def _others(
        self, units: Sequence[int], spans: Sequence[int], pairs: list[tuple[int, int]]
    ) -> list[list[tuple[int, int]]]:
        """Other ways to pair them, where they are few; one may leave less to be explained."""
        if len(units) > _FEW or len(spans) > _FEW:
            return []
        found = []
        for columns in permutations(range(len(spans)), len(pairs)):
            for rows in combinations(range(len(units)), len(pairs)):
                other = list(zip(rows, columns, strict=True))
                if other != pairs and all(self._same_name(units[i], spans[j]) for i, j in other):
                    found.append(other)
        return found

    def _namesakes(self) -> list[tuple[list[int], list[int]]]:
        """Units and spans that could be each other by name, in parts that do not overlap."""
        units: dict[str, list[int]] = {}
        loose: list[int] = []
        for taker in self._siblings.units:
            name = self._pattern(taker).fields.name
            if isinstance(name, str):
                units.setdefault(name, []).append(taker)
            else:
                loose.append(taker)
        spans: dict[str, list[int]] = {}
        for number in self._siblings.rest:
            spans.setdefault(self._matcher.spans.span(number).name, []).append(number)
        if not loose:
            return [(same, spans[name]) for name, same in units.items() if name in spans]
        wider = [self._pattern(taker).fields for taker in dict.fromkeys(loose)]
        named = [
            name for name in spans if name in units or any(w.name_matches(name) for w in wider)
        ]
        together = [taker for name in named for taker in units.get(name, ())]
        return [(sorted(together + loose), sorted(one for name in named for one in spans[name]))]

    def _closeness(self, taker: int, number: int) -> float | None:
        if not self._same_name(taker, number):
            return None
        wanted = self._number(taker)
        cost = self._similarity.cost(wanted, number) + self._similarity.imbalance(wanted, number)
        orphan = _ORPHAN if self._matcher.spans.span(number).orphan else 0.0
        return 20.0 - min(15.0, cost) - orphan

    def _pair(self, pairs: Sequence[tuple[int, int]]) -> None:
        siblings = self._siblings
        for taker, number in pairs:
            span = self._matcher.spans.span(number)
            place = self._leftovers.add(siblings.place, None, span)
            place.taker = taker
            self._leftovers.pair(place, self._pattern(taker), span)
        if pairs:
            given = {number for _, number in pairs}
            siblings.rest = [number for number in siblings.rest if number not in given]
            left = Counter(siblings.units)
            left.subtract(taker for taker, _ in pairs)
            siblings.units = list(left.elements())

    def pair_renamed(self) -> None:
        """Pair a wanted span whose name exists nowhere with one whose name nobody wants."""
        siblings, names = self._siblings, self._leftovers.names
        if not siblings.units or not siblings.rest:
            return
        units = [t for t in siblings.units if not names.is_there(self._pattern(t).fields)]
        rest = [n for n in siblings.rest if not names.is_wanted(self._matcher.spans.span(n).name)]
        found = best_pairs(
            len(units),
            len(rest),
            lambda i, j: self._similarity.same_below(self._number(units[i]), rest[j]),
            lambda i, j: self._similarity.renamed(self._number(units[i]), rest[j]),
            self._leftovers.budget,
        )
        self._leftovers.approximate |= found.approximate
        self._pair([(units[i], rest[j]) for i, j in found.pairs])

    def leave(self) -> None:
        """Note what is missing, and what is unexpected or allowed by ``...``."""
        siblings = self._siblings
        for taker in siblings.units:
            self._leftovers.lack(siblings.place, self._pattern(taker), taker)
        for number in siblings.rest:
            if siblings.node.pattern.open and number not in siblings.owned:
                extra = self._leftovers.add(siblings.place, None, self._matcher.spans.span(number))
                extra.extra = True
            else:
                self._surprise(number)

    def _surprise(self, number: int) -> Place:
        return self._leftovers.surprise(self._siblings.place, self._matcher.spans.span(number))

    def _number(self, taker: int) -> int:
        return self._siblings.node.takers[taker][0]

    def _pattern(self, taker: int) -> Pattern:
        return self._leftovers.pattern(self._number(taker))

    def _same_name(self, taker: int, number: int) -> bool:
        return self._similarity.same_name(self._number(taker), number)
