"""The canonical outline of a forest."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_traces.forest import Forest, Span
from pytest_traces.shape.entry import UNFINISHED, written

_DEEPEST = 40


def render(forest: Forest) -> str:
    """The canonical outline of a forest: siblings by name, then by what is below; folded.

    Equal for forests that differ only in ids, times and the order of siblings.
    """
    ranks = _ranks(forest)
    lines: list[str] = []
    stack = [(0, "", "", entry) for entry in reversed(_folded(forest.roots, ranks))]
    while stack:
        level, lead, below, (span, count) = stack.pop()
        text = f"{count} × {written(span.name)}" if count > 1 else written(span.name)
        if span.end_ns is None:
            text += UNFINISHED
        lines.append(f"@{level} {text}" if level > _DEEPEST else lead + text)
        children = _folded(span.children, ranks)
        for place in range(len(children) - 1, -1, -1):
            last = place == len(children) - 1
            stack.append(
                (
                    level + 1,
                    below + ("└─ " if last else "├─ ") if level < _DEEPEST else "",
                    below + ("   " if last else "│  ") if level < _DEEPEST else "",
                    children[place],
                )
            )
    return "\n".join(lines)


def _folded(spans: Sequence[Span], ranks: dict[int, int]) -> list[tuple[Span, int]]:
    """Siblings in canonical order, identical subtrees once, each with how often it occurs."""
    if len(spans) == 1:
        return [(spans[0], 1)]
    alike: dict[int, list[Span]] = {}
    for span in spans:
        alike.setdefault(ranks[id(span)], []).append(span)
    return [(same[0], len(same)) for _, same in sorted(alike.items())]


def _ranks(forest: Forest) -> dict[int, int]:
    """A number for each span: equal for equal subtrees, ordered by name, then by what is below.

    Works up from the leaves, one height at a time, so that a comparison never recurses.
    """
    by_height = _by_height(forest)
    classes: dict[int, int] = {}
    known: dict[tuple[object, ...], int] = {}
    for spans in by_height:
        keyed = []
        for span in spans:
            below = tuple(sorted(classes[id(child)] for child in span.children))
            keyed.append(((span.name, span.end_ns is None, below), span))
        for key in sorted({key for key, _ in keyed}):
            known[key] = len(known)
        for key, span in keyed:
            classes[id(span)] = known[key]
    by_name = sorted(known.items(), key=lambda item: (item[0][0], item[1]))
    rank_of = {number: rank for rank, (_, number) in enumerate(by_name)}
    return {span: rank_of[number] for span, number in classes.items()}


def _by_height(forest: Forest) -> list[list[Span]]:
    """The leaves, then the spans that have only leaves below them, and so on."""
    order: list[Span] = []
    stack = list(forest.roots)
    while stack:
        span = stack.pop()
        order.append(span)
        stack.extend(span.children)
    heights: dict[int, int] = {}
    levels: list[list[Span]] = []
    for span in reversed(order):
        height = 1 + max((heights[id(child)] for child in span.children), default=-1)
        heights[id(span)] = height
        if height == len(levels):
            levels.append([])
        levels[height].append(span)
    return levels
