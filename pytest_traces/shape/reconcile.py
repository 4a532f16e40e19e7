"""Explains what is left over: moved, a level dropped or put between, renamed, too many, too few.

In this order, because each explanation takes away what the next would misread: a span that
moved is no longer free to look like a renamed one.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from pytest_traces.forest import Span, walk_down
from pytest_traces.shape.mismatch import Mismatch, Place
from pytest_traces.shape.pairing import best_pairs
from pytest_traces.shape.pattern import Pattern

if TYPE_CHECKING:
    from pytest_traces.shape.align import Aligner

_LOOK = 50  # how many namesakes are looked at for one that moved


class Reconciliation:
    """Turns the leftovers of an :class:`Aligner` into mismatches."""

    def __init__(self, aligner: Aligner) -> None:
        self._aligner = aligner
        self._matcher = aligner.matcher
        self._gone: set[int] = set()  # id(place) of leftovers that are explained
        self._taken: set[int] = set()  # id(span) of spans that found their place after all

    def run(self) -> None:
        """Explain every leftover."""
        while True:
            before = len(self._gone)
            self._find_moved()
            self._find_dropped_levels()
            self._find_inserted_levels()
            self._find_renamed()
            if len(self._gone) == before:
                break
        self._report_counts()
        self._report_the_rest()

    def _left(self, places: list[Place]) -> list[Place]:
        return [place for place in places if id(place) not in self._gone]

    def _number(self, pattern: Pattern) -> int:
        return self._matcher.patterns.number[id(pattern)]

    def _fits(self, pattern: Pattern, span: Span) -> bool:
        return self._matcher.matches(self._number(pattern), self._matcher.spans.number[id(span)])

    def _unexpected_by_name(self) -> dict[str, list[tuple[Place, Span]]]:
        """Every span in an unexpected subtree, with the place at which that begins."""
        found: dict[str, list[tuple[Place, Span]]] = defaultdict(list)
        for place in self._left(self._aligner.unexpected):
            if place.span is not None:
                for span in walk_down([place.span]):
                    found[span.name].append((place, span))
        return found

    def _find_moved(self) -> None:
        """A wanted span that is somewhere else."""
        candidates = self._unexpected_by_name()
        for place in self._left(self._aligner.missing):
            pattern = place.pattern
            if pattern is None or not isinstance(pattern.fields.name, str):
                continue
            options = candidates.get(pattern.fields.name, [])
            while options and id(options[-1][1]) in self._taken:
                options.pop()
            free = [one for one in options[-_LOOK:] if id(one[1]) not in self._taken]
            if free:
                root, span = max(free, key=lambda one, wanted=pattern: self._fits(wanted, one[1]))
                self._move(place, root, span)

    def _move(self, place: Place, root: Place, span: Span) -> None:
        pattern = place.pattern
        if pattern is None:
            return
        self._taken.update(id(one) for one in walk_down([span]))
        self._gone.add(id(place))
        actual = root
        if root.span is span:
            self._gone.add(id(root))
        else:
            actual = self._expand(root, span)
        moved = Mismatch("moved", actual, pattern, span, expected_at=place.parent)
        self._aligner.report(moved)
        place.mismatch = moved
        actual.pattern = pattern
        number = self._matcher.spans.number[id(span)]
        if self._fits(pattern, span):
            actual.whole = True
        else:
            self._aligner.pair(actual, self._number(pattern), number)

    def _expand(self, root: Place, span: Span) -> Place:
        """Give the spans between an unexpected root and one below it places of their own."""
        chain = [span]
        for ancestor in span.ancestors:
            if ancestor is root.span:
                break
            chain.append(ancestor)
        place = root
        for step in reversed(chain):
            if not place.children and place.span is not None:
                place.children = [Place(None, child, place) for child in place.span.children]
            place = next(child for child in place.children if child.span is step)
        return place

    def _find_dropped_levels(self) -> None:
        """A wanted span that is not there while its children are, one level up or as orphans."""
        candidates = self._unexpected_by_name()
        for place in self._left(self._aligner.missing):
            if place.pattern is None:
                continue
            found: list[Place] = []
            for child in place.pattern.members:
                if not isinstance(child.fields.name, str):
                    continue
                free = [
                    root
                    for root, span in candidates.get(child.fields.name, ())
                    if root.span is span and id(root) not in self._gone and self._fits(child, span)
                ]
                for root in free[: child.low]:
                    self._gone.add(id(root))
                    root.pattern = child
                    found.append(root)
            if found:
                self._gone.add(id(place))
                missing = self._missing(place)
                missing.here_instead = [root.span for root in found if root.span is not None]
                for root in found:
                    root.consequence = missing
                    root.whole = True

    def _find_inserted_levels(self) -> None:
        """An unexpected span that stands between a parent and the children wanted of it."""
        for mismatch in list(self._aligner.mismatches):
            between = mismatch.place.parent
            if mismatch.kind != "moved" or between is None or between.span is None:
                continue
            if id(between) in self._gone or between.parent is not mismatch.expected_at:
                continue
            if between not in self._aligner.unexpected:
                continue
            taken = [
                one
                for one in self._aligner.mismatches
                if one.kind == "moved"
                and one.place.parent is between
                and one.expected_at is between.parent
            ]
            inserted = Mismatch("unexpected", between, None, between.span)
            inserted.here_instead = [one.span for one in taken if one.span is not None]
            self._gone.add(id(between))
            self._aligner.report(inserted)
            for one in taken:
                self._aligner.mismatches.remove(one)
                one.place.mismatch = None
                one.place.consequence = inserted

    def _find_renamed(self) -> None:
        """A wanted span at whose place stands one with another name."""
        missing: dict[int, list[Place]] = defaultdict(list)
        unexpected: dict[int, list[Place]] = defaultdict(list)
        for place in self._left(self._aligner.missing):
            missing[id(place.parent)].append(place)
        for place in self._left(self._aligner.unexpected):
            if place.span is not None and id(place.span) not in self._taken:
                unexpected[id(place.parent)].append(place)
        for parent, wanted in missing.items():
            given = unexpected.get(parent, [])
            if given:
                self._find_renamed_pairs(wanted, given)

    def _rename(self, wanted: Place, given: Place) -> None:
        if wanted.pattern is None or given.span is None or wanted.parent is None:
            return
        self._gone |= {id(wanted), id(given)}
        self._taken.add(id(given.span))
        wanted.parent.children.remove(wanted)
        given.pattern, given.taker = wanted.pattern, wanted.taker
        number = self._matcher.spans.number[id(given.span)]
        self._aligner.pair(given, self._number(wanted.pattern), number)

    def _find_renamed_pairs(self, wanted: list[Place], given: list[Place]) -> None:
        present = self._wanted_and_there(wanted[0].parent)
        given = [one for one in given if one.span is not None and one.span.name not in present]

        def score(row: int, column: int) -> float | None:
            pattern, span = wanted[row].pattern, given[column].span
            if pattern is None or span is None:
                return None
            number = self._matcher.spans.number[id(span)]
            return self._aligner.similarity.renamed(self._number(pattern), number)

        found = best_pairs(len(wanted), len(given), score, self._aligner.budget)
        self._aligner.approximate |= found.approximate and bool(given)
        for row, column in found.pairs:
            self._rename(wanted[row], given[column])

    @staticmethod
    def _wanted_and_there(parent: Place | None) -> dict[str, int]:
        """The names of a place's children that are wanted and there, each with its taker."""
        return {
            child.span.name: child.taker
            for child in (parent.children if parent else ())
            if child.taker is not None and child.span is not None
        }

    def _report_counts(self) -> None:
        """Siblings of one wanted kind of which there are too many or too few."""
        wrong: dict[tuple[int, int], list[Place]] = defaultdict(list)
        for place in self._left(self._aligner.missing):
            if place.taker is not None:
                wrong[id(place.parent), place.taker].append(place)
        present: dict[int, dict[str, int]] = {}
        for place in self._left(self._aligner.unexpected):
            names = present.get(id(place.parent))
            if names is None:
                names = present[id(place.parent)] = self._wanted_and_there(place.parent)
            if place.span is not None and place.span.name in names:
                wrong[id(place.parent), names[place.span.name]].append(place)
        for (_, taker), places in wrong.items():
            self._report_count(taker, places)

    def _report_count(self, taker: int, places: list[Place]) -> None:
        parent = places[0].parent
        if parent is None:
            return
        there = [c for c in parent.children if c.taker == taker and c.span is not None]
        if not there:
            return
        pattern = there[0].pattern
        too_many = [place for place in places if place.span is not None]
        above = parent.pattern
        bounds = self._bounds(above, taker)
        mismatch = Mismatch("count", places[0], pattern, places[0].span or there[0].span)
        mismatch.wanted, mismatch.actual = bounds, len(there) + len(too_many)
        mismatch.expected_at = parent
        for place in places:
            self._gone.add(id(place))
            place.mismatch = mismatch
        self._aligner.mismatches.append(mismatch)

    def _bounds(self, above: Pattern | None, taker: int) -> tuple[int, int | None]:
        root = self._matcher.patterns.root
        number = root if above is None else self._number(above)
        _, low, high = self._matcher.patterns.nodes[number].takers[taker]
        return low, high

    def _report_the_rest(self) -> None:
        alike: dict[tuple[int, object], Mismatch] = {}
        for place in self._left(self._aligner.missing):
            key = (id(place.parent), id(place.pattern))
            if key in alike:
                alike[key].others += 1
                place.mismatch = alike[key]
            else:
                alike[key] = self._missing(place)
        for place in self._left(self._aligner.unexpected):
            if place.span is None or id(place.span) in self._taken:
                continue
            key = (id(place.parent), place.span.name)
            if key in alike:
                alike[key].others += 1
                place.mismatch = alike[key]
            else:
                alike[key] = Mismatch("unexpected", place, None, place.span)
                alike[key].expected_at = place.parent
                self._aligner.report(alike[key])

    def _missing(self, place: Place) -> Mismatch:
        mismatch = Mismatch("missing", place, place.pattern, expected_at=place.parent)
        self._aligner.report(mismatch)
        return mismatch
