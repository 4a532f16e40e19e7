"""Two sources that describe one test, each in traces of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pytest_traces.forest import Forest, Span
from pytest_traces.report.words import joined, listed, plural, quoted

_TITLE_COLUMN = 15
#: Sources that see the same code of this process. A trace of another process that is unrelated
#: has lost its context, and what the test plays or loads is no telling of its own.
_TITLES = {"opentelemetry": "OpenTelemetry", "sentry": "Sentry", "handwritten": "hand-written"}
_FIRST_TELLING = tuple(_TITLES)


class Tellings(NamedTuple):
    """The sources, and what each of them tells, in words."""

    sources: tuple[str, ...]
    told: tuple[str, ...]

    @property
    def text(self) -> str:
        """All of it as one sentence."""
        parts = [
            f"{_TITLES[source]} ({told})"
            for source, told in zip(self.sources, self.told, strict=True)
        ]
        return f"{self._number} sources describe this in traces of their own: {joined(parts)}"

    @property
    def lines(self) -> list[str]:
        """All of it as facts, a line for each source."""
        return [
            f"  {self._number} sources describe this in traces of their own:",
            *(
                f"    {_TITLES[source]:<{_TITLE_COLUMN}} {told}"
                for source, told in zip(self.sources, self.told, strict=True)
            ),
        ]

    @property
    def _number(self) -> str:
        return "two" if len(self.sources) == 2 else "three"

    def hint(self, wanted: str | None = None) -> str:
        """How to choose one, the wanted one if that is known."""
        one = wanted or self.sources[0]
        return f"choose one: traces_sources = {one} in the ini file, or traces.only(source={one!r})"


def tellings_of(forest: Forest) -> Tellings | None:
    """What two sources tell of the same time in traces that have nothing in common.

    None where one source is all there is, where some trace has spans of both, or where nothing of
    the one happened while anything of the other did.
    """
    spans: dict[str, list[Span]] = {}
    for span in forest.spans:
        if span.source in _TITLES:
            spans.setdefault(span.source, []).append(span)
    if len(spans) < 2:
        return None
    found = [
        pair
        for number, one in enumerate(_FIRST_TELLING)
        for other in _FIRST_TELLING[number + 1 :]
        if one in spans and other in spans and _are_unrelated(spans[one], spans[other])
        for pair in (one, other)
    ]
    if not found:
        return None
    sources = tuple(source for source in _FIRST_TELLING if source in found)
    return Tellings(sources, tuple(_summary(spans[source]) for source in sources))


def _are_unrelated(spans: Sequence[Span], others: Sequence[Span]) -> bool:
    if not {span.trace_id for span in spans}.isdisjoint(span.trace_id for span in others):
        return False
    return _overlap(spans, others)


def _overlap(spans: Sequence[Span], others: Sequence[Span]) -> bool:
    """Whether a span of the one is open while one of the others is."""
    moments = [(span.start_ns, False, side) for side in (0, 1) for span in (spans, others)[side]]
    moments += [
        (max(span.end_ns, span.start_ns + 1), True, side)
        for side in (0, 1)
        for span in (spans, others)[side]
        if span.end_ns is not None
    ]
    is_open = [0, 0]
    for _, ends, side in sorted(moments, key=lambda one: (one[0], not one[1])):
        is_open[side] += -1 if ends else 1
        if all(is_open):
            return True
    return False


def _summary(spans: Sequence[Span]) -> str:
    roots = dict.fromkeys(quoted(span.name) for span in spans if span.parent is None)
    return (
        f"{plural(len(spans), 'span')}: {listed(roots, 2)}" if roots else plural(len(spans), "span")
    )
