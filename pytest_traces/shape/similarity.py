"""How much a recorded span is like a wanted one, for the explanation only."""

from __future__ import annotations

from collections import Counter

from pytest_traces.forest import Span
from pytest_traces.shape.match import Matcher

_ENOUGH = 0.5


class Similarity:
    """Scores pairs of a pattern and a span by number."""

    def __init__(self, matcher: Matcher) -> None:
        self._matcher = matcher
        self._wanted_below: dict[int, Counter[str]] = {}

    def same_name(self, pattern: int, number: int) -> bool:
        """Whether the name of the span is as wanted."""
        fields = self._matcher.patterns.nodes[pattern].pattern.fields
        return fields.name_matches(self._matcher.spans.span(number).name)

    def named(self, pattern: int, number: int) -> float | None:
        """The score of a pair that agrees in name; None for others."""
        if not self.same_name(pattern, number):
            return None
        fields = self._matcher.patterns.nodes[pattern].pattern.fields
        span = self._matcher.spans.span(number)
        score = 8.0 - min(4, len(fields.differences(span)))
        return score + 2 * self._children_alike(pattern, span)

    def renamed(self, pattern: int, number: int) -> float | None:
        """The score of a pair that could be the same span under another name."""
        fields = self._matcher.patterns.nodes[pattern].pattern.fields
        span = self._matcher.spans.span(number)
        others = [one for one in fields.differences(span) if one.field != "name"]
        if len(others) > 1:
            return None
        alike = self._children_alike(pattern, span)
        if alike < _ENOUGH:
            return None
        words = _shared_words(fields.name, span.name)
        return 1.0 + 2 * alike + 2 * words - len(others)

    def _children_alike(self, pattern: int, span: Span) -> float:
        wanted = self._wanted_below.get(pattern)
        if wanted is None:
            wanted = Counter()
            for child, low, _ in self._matcher.patterns.nodes[pattern].takers:
                name = self._matcher.patterns.nodes[child].pattern.fields.name
                wanted[name if isinstance(name, str) else ""] += max(1, low)
            self._wanted_below[pattern] = wanted
        given = Counter(child.name for child in span.children)
        if not wanted and not given:
            return 1.0
        shared = sum((wanted & given).values()) + min(wanted[""], sum((given - wanted).values()))
        return shared / max(sum(wanted.values()), sum(given.values()))


def _shared_words(wanted: object, given: str) -> float:
    if not isinstance(wanted, str):
        return 0.0
    one, two = set(wanted.lower().split()), set(given.lower().split())
    return len(one & two) / max(1, len(one | two))
