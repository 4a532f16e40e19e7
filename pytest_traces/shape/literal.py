"""Patterns that are nothing but names, compared with a forest by canonical form in O(n).

Both sides are numbered from the leaves up, so that equal numbers mean equal subtrees.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from pytest_traces.forest import Span
from pytest_traces.shape.pattern import Pattern, parents_first

Below = tuple[tuple[int, int], ...]
_Table = dict[tuple[str, bool, Below], int]


def literal_matches(root: Pattern, roots: Sequence[Span]) -> bool | None:
    """Whether the children of the pattern are these roots; None where more than names counts."""
    patterns = _literals(root)
    if patterns is None:
        return None
    table: _Table = {}
    wanted: dict[int, int] = {}
    for pattern in reversed(patterns):
        below = counted((wanted[id(child)], child.low) for child in pattern.children)
        key = (pattern.fields.name, bool(pattern.fields.unfinished), below)
        wanted[id(pattern)] = table.setdefault(key, len(table))
    return _forest(roots, table) == counted((wanted[id(p)], p.low) for p in root.children)


def counted(classes: Iterable[tuple[int, int]]) -> Below:
    """How often each class occurs, in a fixed order."""
    pairs = list(classes)
    if len(pairs) < 2:
        return tuple(pairs)
    counts: Counter[int] = Counter()
    for number, times in pairs:
        counts[number] += times
    return tuple(sorted(counts.items()))


def _literals(root: Pattern) -> list[Pattern] | None:
    """All patterns below the root, parents first, if they are nothing but names."""
    order = parents_first(root)
    for pattern in order:
        if pattern.open or pattern.groups:
            return None
        if pattern is not root and not (pattern.fields.is_plain and pattern.low == pattern.high):
            return None
    return order[1:]


def _forest(roots: Sequence[Span], table: _Table) -> Below:
    order, stack = [], list(roots)
    while stack:
        span = stack.pop()
        order.append(span)
        stack.extend(span.children)
    classes: dict[int, int] = {}
    for span in reversed(order):
        below = counted((classes[id(child)], 1) for child in span.children)
        key = (span.name, span.end_ns is None, below)
        classes[id(span)] = table.setdefault(key, len(table))
    return counted((classes[id(span)], 1) for span in roots)
