"""Wanted spans that are somewhere else."""

from __future__ import annotations

from typing import NamedTuple

from pytest_traces.forest import Span, walk_down
from pytest_traces.shape.leftovers import Leftovers
from pytest_traces.shape.mismatch import Mismatch, Place
from pytest_traces.shape.pattern import Pattern

_LOOK = 50  # how many namesakes are looked at for one that moved
_STEPS = 64  # so many steps up cost as much as one look


class _Candidate(NamedTuple):
    span: Span
    #: The place of the span, or of what it is below.
    stands: Place
    cost: float

    @property
    def is_nested(self) -> bool:
        """Whether it is only a part of something that nobody wants."""
        return self.stands.span is not self.span


class Moves:
    """Looks for spans of a wanted name in what nobody wanted, or in what ``...`` allows."""

    def __init__(self, leftovers: Leftovers) -> None:
        self._leftovers = leftovers
        self._standing: dict[int, Place] = {}
        self._taken: set[int] = set()  # id(span)

    def find_whole(self) -> bool:
        """Spans that moved with all that is below them; whether there were any."""
        return self._find(most=0.0, nested=True)

    def find_by_name(self, *, nested: bool) -> bool:
        """Spans that moved and are not quite as wanted; parts of others only if asked for."""
        return self._find(most=1.0, nested=nested)

    def _find(self, *, most: float, nested: bool) -> bool:
        found = False
        for place in self._leftovers.missing:
            if place.pattern is not None and isinstance(place.pattern.fields.name, str):
                best = self._best(place, place.pattern, most)
                if best is not None and (nested or not best.is_nested):
                    self._move(place, place.pattern, best)
                    found = True
        return found

    def _best(self, place: Place, pattern: Pattern, most: float) -> _Candidate | None:
        leftovers = self._leftovers
        looked: list[_Candidate] = []
        namesakes = leftovers.names.spans_named(pattern.fields.name)
        number = leftovers.number_of(pattern)
        if most and len(namesakes) == 1:
            most = float("inf")  # there is no other, so it is this one, however it differs
        for span in namesakes:
            if len(looked) == _LOOK or not leftovers.budget.spend(1):
                break
            stands = None if id(span) in self._taken else self._stand(span)
            if stands is None or not leftovers.is_open(stands):
                continue
            if leftovers.fits(pattern, span):
                looked.append(_Candidate(span, stands, 0.0))
            elif most:
                there = leftovers.matcher.spans.number[id(span)]
                looked.append(_Candidate(span, stands, leftovers.similarity.cost(number, there)))
        trace = place.parent.span.trace_id if place.parent and place.parent.span else None
        return min(
            (one for one in looked if one.cost <= most),
            key=lambda one: (
                one.stands.extra, one.is_nested, one.cost, one.span.trace_id != trace
            ),
            default=None,
        )  # fmt: skip

    def _stand(self, span: Span) -> Place | None:
        """The place of the span, or of its nearest ancestor that has one."""
        climbed, step = [], span
        while id(step) not in self._standing and id(step) not in self._leftovers.place_of:
            climbed.append(step)
            if step.parent is None:
                return None
            step = step.parent
        if not self._leftovers.budget.spend(len(climbed) // _STEPS):
            return None
        place = self._leftovers.place_of.get(id(step)) or self._standing[id(step)]
        self._standing.update((id(one), place) for one in climbed)
        return place

    def _move(self, place: Place, pattern: Pattern, candidate: _Candidate) -> None:
        span, leftovers = candidate.span, self._leftovers
        self._taken.update(id(one) for one in walk_down([span]))
        actual = candidate.stands
        if candidate.is_nested:
            actual = self._expand(actual, span)
        leftovers.explain(place, actual)
        moved = Mismatch("moved", actual, pattern, span, expected_at=place.parent)
        leftovers.report(moved)
        place.mismatch = moved
        if leftovers.fits(pattern, span):
            leftovers.take_whole(actual, pattern)
        else:
            leftovers.pair(actual, pattern, span)

    def _expand(self, top: Place, span: Span) -> Place:
        """Give the spans between the top and one below it places of their own."""
        chain = [span]
        for ancestor in span.ancestors:
            if ancestor is top.span:
                break
            chain.append(ancestor)
        place = top
        for step in reversed(chain):
            if place.span is not None and not place.children:
                for child in place.span.children:
                    self._leftovers.add(place, None, child)
            place = self._leftovers.place_of[id(step)]
        self._standing.clear()
        return place
