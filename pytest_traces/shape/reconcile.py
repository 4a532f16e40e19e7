"""Explains what is left over: moved, a level dropped or put between, renamed, too many, too few.

The surest explanations come first, because each takes away what the next would misread: a
span that moved as a whole is no longer free to look like a renamed one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from pytest_traces.shape.leftovers import Leftovers
from pytest_traces.shape.levels import find_dropped, find_put_between
from pytest_traces.shape.mismatch import Place
from pytest_traces.shape.moves import Moves
from pytest_traces.shape.pairing import best_pairs
from pytest_traces.shape.tally import report_counts, report_rest

_ROUNDS = 20


class Reconciliation:
    """Turns leftovers into mismatches."""

    def __init__(self, leftovers: Leftovers, descend: Callable[[], None]) -> None:
        self._leftovers = leftovers
        self._descend = descend

    def run(self) -> None:
        """Explain every leftover."""
        leftovers = self._leftovers
        for _ in range(_ROUNDS):
            if not leftovers.missing or not self._explain_some():
                break
        report_counts(leftovers)
        report_rest(leftovers)

    def _explain_some(self) -> bool:
        """Go from sure to unsure; whether anything was explained."""
        leftovers = self._leftovers
        steps: tuple[Callable[[], bool], ...] = (
            lambda: Moves(leftovers).find_whole(),
            lambda: find_dropped(leftovers, whole=True),
            lambda: find_put_between(leftovers),
            lambda: find_renamed(leftovers, same_below=True),
            lambda: Moves(leftovers).find_by_name(nested=False),
            lambda: find_renamed(leftovers, same_below=False),
            lambda: Moves(leftovers).find_by_name(nested=True),
            lambda: find_dropped(leftovers, whole=False),
        )
        found = False
        for step in steps:
            if step():
                self._descend()
                found = True
        return found


def find_renamed(leftovers: Leftovers, *, same_below: bool) -> bool:
    """Wanted spans at whose place one with another name stands; whether there were any."""
    unexpected: dict[int, list[Place]] = defaultdict(list)
    for place in leftovers.unexpected:
        unexpected[id(place.parent)].append(place)
    missing: dict[int, list[Place]] = defaultdict(list)
    for place in leftovers.missing:
        if id(place.parent) in unexpected:
            missing[id(place.parent)].append(place)
    found = False
    for parent, wanted in missing.items():
        given = unexpected[parent]
        if len(wanted) > 1 or len(given) > 1:
            # of a name that is wanted here there are rather too many
            there = _wanted_and_there(wanted[0].parent)
            given = [one for one in given if one.span and one.span.name not in there]
        found |= _pair_renamed(leftovers, wanted, given, same_below=same_below)
    return found


def _wanted_and_there(parent: Place | None) -> set[str]:
    children = parent.children if parent is not None else ()
    return {child.span.name for child in children if child.span and child.taker is not None}


def _pair_renamed(
    leftovers: Leftovers, wanted: list[Place], given: list[Place], *, same_below: bool
) -> bool:
    similarity = leftovers.similarity

    def numbers(row: int, column: int) -> tuple[int, int] | None:
        pattern, span = wanted[row].pattern, given[column].span
        if pattern is None or span is None:
            return None
        return leftovers.number_of(pattern), leftovers.matcher.spans.number[id(span)]

    def fits(row: int, column: int) -> bool:
        pair = numbers(row, column)
        return pair is not None and similarity.same_below(*pair)

    def score(row: int, column: int) -> float | None:
        pair = numbers(row, column)
        if pair is None or (same_below and not similarity.same_below(*pair)):
            return None
        return similarity.renamed(*pair)

    found = best_pairs(len(wanted), len(given), fits, score, leftovers.budget)
    leftovers.approximate |= found.approximate
    for row, column in found.pairs:
        _rename(leftovers, wanted[row], given[column])
    return bool(found.pairs)


def _rename(leftovers: Leftovers, wanted: Place, given: Place) -> None:
    if wanted.pattern is None or given.span is None or wanted.parent is None:
        return
    leftovers.explain(wanted, given)
    wanted.parent.children.remove(wanted)
    given.taker = wanted.taker
    leftovers.pair(given, wanted.pattern, given.span)
