"""What a trace costs: how many spans, levels, children; how many bytes to store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from pytest_traces.encoding.otlp_size import attribute_size, request_size, span_size
from pytest_traces.forest import Forest, Span, walk_down


class Extent(NamedTuple):
    """How large a forest is; it has at least one span.

    ``depth`` counts the spans from a root to ``deepest``, both included; ``fanout`` the direct
    children of ``widest``. ``names`` are those of the spans, the most frequent first.
    """

    spans: int
    depth: int
    deepest: Span
    fanout: int
    widest: Span
    names: Sequence[tuple[str, int]]


class Weight(NamedTuple):
    """How many bytes a forest has as OTLP.

    ``names`` are the bytes and the number of the spans of each name, ``attributes`` those of each
    attribute; the heaviest first. ``shared`` is what no single span has: resources and scopes.
    """

    spans: int
    bytes: int
    shared: int
    names: Sequence[tuple[str, int, int]]
    attributes: Sequence[tuple[str, int, int]]


def extent_of(forest: Forest) -> Extent:
    """Count spans, levels and children, in one walk; among equals the first in order of start."""
    depths: dict[Span, int] = {}
    deepest = widest = forest.roots[0]
    for span in walk_down(forest.roots):  # parents first
        depth = depths[span] = 1 if span.parent is None else depths[span.parent] + 1
        if depth > depths[deepest]:
            deepest = span
        if len(span.children) > len(widest.children):
            widest = span
    names = Counter(span.name for span in forest.spans).most_common()
    return Extent(len(forest.spans), depths[deepest], deepest, len(widest.children), widest, names)


def weight_of(forest: Forest) -> Weight:
    """Weigh every span and every attribute."""
    names: dict[str, list[int]] = {}
    attributes: dict[str, list[int]] = {}
    for span in forest.spans:
        _add(names, span.name, span_size(span.data))
        for key, value in span.attributes.items():
            _add(attributes, key, attribute_size(key, value))
    total = request_size(span.data for span in forest.spans)
    shared = total - sum(size for size, _ in names.values())
    return Weight(len(forest.spans), total, shared, _heaviest(names), _heaviest(attributes))


def _add(sums: dict[str, list[int]], key: str, size: int) -> None:
    entry = sums.setdefault(key, [0, 0])
    entry[0] += size
    entry[1] += 1


def _heaviest(sums: dict[str, list[int]]) -> list[tuple[str, int, int]]:
    found = [(key, size, count) for key, (size, count) in sums.items()]
    return sorted(found, key=lambda one: (-one[1], one[0]))
