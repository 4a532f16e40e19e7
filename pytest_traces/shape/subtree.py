"""One pattern against every span: does it match anywhere, and if not, where nearly."""

from __future__ import annotations

from pytest_traces.forest import Forest, Span
from pytest_traces.shape.align import Aligner
from pytest_traces.shape.match import Matcher
from pytest_traces.shape.mismatch import Alignment
from pytest_traces.shape.nearest import nearest
from pytest_traces.shape.pairing import Budget
from pytest_traces.shape.pattern import Pattern, forest_of
from pytest_traces.shape.similarity import Similarity

_CANDIDATES = 200
_BUDGET = 20_000


def subtree_matches(pattern: Pattern, forest: Forest) -> bool:
    """Whether the pattern matches a span of the forest with all that is below it."""
    matcher = Matcher(forest_of((pattern,)), forest.roots)
    number = matcher.patterns.number[id(pattern)]
    return any(matcher.matches(number, place) for place in range(1, len(forest.spans) + 1))


def nearest_subtree(pattern: Pattern, forest: Forest) -> Alignment | None:
    """The pattern aligned with the span it matches best by name and below.

    Returns:
        None where no span has the wanted name, nor one like it.
    """
    candidates: list[Span] = [
        span for span in forest.spans if pattern.fields.name_matches(span.name)
    ][:_CANDIDATES]
    if not candidates:
        close = nearest(pattern.fields, forest.spans)
        if close is None:
            return None
        candidates = [close.span]
    best = candidates[0]
    if len(candidates) > 1:
        matcher = Matcher(forest_of((pattern,)), forest.roots)
        similarity = Similarity(matcher, Budget(_BUDGET))
        number = matcher.patterns.number[id(pattern)]
        best = min(
            candidates, key=lambda span: similarity.cost(number, matcher.spans.number[id(span)])
        )
    return Aligner(forest_of((pattern,)), [best]).run()
