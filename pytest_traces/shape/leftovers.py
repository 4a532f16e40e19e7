"""The explanation while it is made: what is paired, what is left over on either side."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeVar

from pytest_traces.forest import Span
from pytest_traces.shape.match import Matcher
from pytest_traces.shape.mismatch import Mismatch, MismatchKind, Place
from pytest_traces.shape.pairing import Budget
from pytest_traces.shape.pattern import Pattern
from pytest_traces.shape.similarity import Names, Similarity

_Option = TypeVar("_Option")
_FIRST: Mapping[Hashable, int] = MappingProxyType({})
_KIND_OF: dict[str, MismatchKind] = {"name": "renamed", "end": "unfinished", "under": "late"}


class Leftovers:
    """Collects places and mismatches; the steps of the explanation share it."""

    def __init__(
        self,
        matcher: Matcher,
        similarity: Similarity,
        names: Names,
        budget: Budget,
        chosen: Mapping[Hashable, int] = _FIRST,
    ) -> None:
        self.matcher = matcher
        self.similarity = similarity
        self.names = names
        self.budget = budget
        self.approximate = False
        #: Where there was a choice, how many options there were.
        self.choices: dict[Hashable, int] = {}
        self._chosen = chosen
        self.mismatches: list[Mismatch] = []
        self.paired = 0
        #: Pairs whose children are still to be compared: place, pattern, span.
        self.tasks: list[tuple[Place, int, int]] = []
        self.place_of: dict[int, Place] = {}  # id(span) -> where it is shown
        self._missing: list[Place] = []
        self._unexpected: list[Place] = []
        self._explained: set[int] = set()  # id(place)

    def choose(self, key: Hashable, options: Sequence[_Option]) -> _Option:
        """One of several ways to go on: the first, unless this is a trial of another."""
        self.choices[key] = len(options)
        return options[min(self._chosen.get(key, 0), len(options) - 1)]

    def pattern(self, number: int) -> Pattern:
        """The pattern of that number."""
        return self.matcher.patterns.nodes[number].pattern

    def number_of(self, pattern: Pattern) -> int:
        """The number of a pattern."""
        return self.matcher.patterns.number[id(pattern)]

    def fits(self, pattern: Pattern, span: Span) -> bool:
        """Whether the pattern matches the span and all that is below it."""
        return self.matcher.matches(self.number_of(pattern), self.matcher.spans.number[id(span)])

    @property
    def missing(self) -> list[Place]:
        """Places of wanted spans that are not explained yet."""
        self._missing = [one for one in self._missing if id(one) not in self._explained]
        return self._missing

    @property
    def unexpected(self) -> list[Place]:
        """Places of spans that nobody wanted and that are not explained yet."""
        self._unexpected = [one for one in self._unexpected if id(one) not in self._explained]
        return self._unexpected

    def is_explained(self, place: Place) -> bool:
        """Whether a place that was left over has been explained."""
        return id(place) in self._explained

    def is_open(self, place: Place) -> bool:
        """Whether a span is at this place that is not taken for any wanted one so far."""
        return place.span is not None and place.pattern is None and not self.is_explained(place)

    def explain(self, *places: Place) -> None:
        """Take places from what is left over."""
        self._explained.update(id(place) for place in places)

    def add(self, parent: Place, pattern: Pattern | None, span: Span | None) -> Place:
        """A new place below another."""
        place = Place(pattern, span, parent)
        parent.children.append(place)
        if span is not None:
            self.place_of[id(span)] = place
        return place

    def lack(self, parent: Place, pattern: Pattern, taker: int) -> Place:
        """A wanted span is not among these siblings."""
        place = self.add(parent, pattern, None)
        place.taker = taker
        self._missing.append(place)
        return place

    def surprise(self, parent: Place, span: Span) -> Place:
        """A span that nobody wants among these siblings."""
        place = self.add(parent, None, span)
        self._unexpected.append(place)
        return place

    def report(self, mismatch: Mismatch) -> None:
        """Add a mismatch and mark its place, if nothing has marked it yet."""
        self.mismatches.append(mismatch)
        if mismatch.place.mismatch is None:
            mismatch.place.mismatch = mismatch

    def take_whole(self, place: Place, pattern: Pattern) -> None:
        """Say that the span of this place is that pattern, with all that is below it."""
        place.pattern, place.whole = pattern, True
        if place.span is not None:
            self.paired += self.matcher.spans.sizes[self.matcher.spans.number[id(place.span)]]

    def pair(self, place: Place, pattern: Pattern, span: Span) -> None:
        """Say that this span is that pattern; its children are to be compared."""
        place.pattern = pattern
        self.paired += 1
        self._compare_fields(place, pattern, span)
        self.tasks.append((place, self.number_of(pattern), self.matcher.spans.number[id(span)]))

    def _compare_fields(self, place: Place, pattern: Pattern, span: Span) -> None:
        found: dict[MismatchKind, Mismatch] = {}
        for one in pattern.fields.differences(span):
            kind = _KIND_OF.get(one.field, "fields")
            if kind not in found:
                found[kind] = Mismatch(kind, place, pattern, span)
            found[kind].differences.append(one)
        if "unfinished" in found:
            found.pop("late", None)  # a span that never ended has taken no time
        for kind in ("renamed", "unfinished", "fields", "late"):
            if kind in found:
                self.report(found[kind])

    def lack_level(self, place: Place, below: Sequence[tuple[Place, Pattern | None]]) -> None:
        """A wanted span is not there; these are its children, which stand elsewhere."""
        mismatch = Mismatch("missing", place, place.pattern, expected_at=place.parent)
        self._tell_consequence(mismatch, place, below)

    def put_between(self, place: Place, below: Sequence[tuple[Place, Pattern | None]]) -> None:
        """A span that nobody wants has taken these children of its parent."""
        mismatch = Mismatch("unexpected", place, None, place.span, expected_at=place.parent)
        self._tell_consequence(mismatch, place, below)

    def _tell_consequence(
        self, mismatch: Mismatch, place: Place, below: Sequence[tuple[Place, Pattern | None]]
    ) -> None:
        mismatch.here_instead = [child.span for child, _ in below if child.span is not None]
        self.report(mismatch)
        self.explain(place, *(child for child, _ in below))
        for child, pattern in below:
            child.consequence = mismatch
            if pattern is not None:
                self.take_whole(child, pattern)
