"""Chains of ancestors: does one lead through these spans, and how far does the longest go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pytest_traces.forest import Forest, Span
from pytest_traces.shape.fields import Fields
from pytest_traces.shape.pattern import Group, Pattern


class Step(NamedTuple):
    """A wanted span of the chain; ``gap``: any levels may lie between it and the one before."""

    fields: Fields
    gap: bool


class PathFound(NamedTuple):
    """How many steps the longest chain has, and its last span."""

    complete: bool
    length: int
    last: Span | None


def read_path(steps: Sequence[object]) -> list[Step]:
    """The steps of the chain.

    Raises:
        TypeError: no step, ``...`` at an end, a group, or a pattern with children.
    """
    path: list[Step] = []
    gap = False
    for place, step in enumerate(steps, 1):
        if step is ...:
            if not path:
                raise TypeError("assert_path: a path begins with a span, not with ...")
            gap = True
            continue
        if isinstance(step, Group) or (isinstance(step, Pattern) and (step.members or step.open)):
            raise TypeError(
                f"assert_path: step {place} is {step!r}; a step is a name or a span(...) without "
                "children"
            )
        if isinstance(step, Pattern) and (step.low, step.high) != (1, 1):
            raise TypeError(
                f"assert_path: step {place} is {step!r}; a path leads through each step once"
            )
        fields = step.fields if isinstance(step, Pattern) else Fields(name=step, unfinished=None)
        path.append(Step(fields, gap))
        gap = False
    if not path:
        raise TypeError("assert_path: name at least one span")
    if gap:
        raise TypeError("assert_path: a path ends with a span, not with ...")
    return path


def find_path(path: Sequence[Step], forest: Forest) -> PathFound:
    """Follow the chain from every span that can begin it."""
    best = PathFound(complete=False, length=0, last=None)
    after_gap = frozenset(number for number, step in enumerate(path) if step.gap)
    nowhere: frozenset[int] = frozenset()
    # with each span the steps that may come next: right here, and here or anywhere below
    stack = [(span, nowhere, nowhere) for span in reversed(forest.roots)]
    while stack:
        span, due, open_to = stack.pop()
        here = [n for n in {0, *due, *open_to} if path[n].fields.match(span)]
        if here and max(here) + 1 > best.length:
            best = PathFound(max(here) + 1 == len(path), max(here) + 1, span)
            if best.complete:
                return best
        following = frozenset(number + 1 for number in here)
        later = following & after_gap
        reached = open_to if later <= open_to else open_to | later
        stack.extend((child, following - after_gap, reached) for child in reversed(span.children))
    return best
