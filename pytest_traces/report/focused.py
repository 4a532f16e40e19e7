"""The tree with the spans that matter: whole where it is small, else only the way to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pytest_traces.forest import Forest, Span, walk_down
from pytest_traces.report.raised import NO_MORE, More, raised_by
from pytest_traces.report.rows import Row, layout, raised_rows, remarks, span_row, tree_lines
from pytest_traces.report.words import plural

_WHOLE = 30
_MOST = 8
_LONG_RUN = 4


class _Step(NamedTuple):
    """A line to come: a span, or how many are left out."""

    span: Span | None
    text: str
    lead: str
    below: str


def focused_lines(forest: Forest, spans: Sequence[Span], more: More = NO_MORE) -> list[str]:
    """The recorded forest, with what is not on the way to one of these spans left out and counted.

    Args:
        forest: what was recorded.
        spans: what has to be seen; of many the first ones.
        more: what else to tell below spans.
    """
    if len(forest.spans) <= _WHOLE:
        return tree_lines(forest, limit=2 * _WHOLE, more=more)
    wanted = {id(span) for span in spans[:_MOST]}
    on_the_way = _on_the_way(spans[:_MOST])
    rows: list[Row] = []
    for row in _rows(forest, wanted, on_the_way, more):
        if len(rows) == 2 * _WHOLE:
            rows[-1] = Row("", "…")
            break
        rows.append(row)
    return layout(rows, marked=False)


def _on_the_way(spans: Sequence[Span]) -> set[int]:
    """The spans and all above them."""
    found: set[int] = set()
    for span in spans:
        above: Span | None = span
        while above is not None and id(above) not in found:
            found.add(id(above))
            above = above.parent
    return found


def _rows(forest: Forest, wanted: set[int], on_the_way: set[int], more: More) -> Iterator[Row]:
    several = len({span.service for span in forest.spans}) > 1
    stack = list(reversed(_steps(forest.roots, "", on_the_way, roots=True)))
    while stack:
        step = stack.pop()
        span = step.span
        if span is None:
            yield Row(step.lead, step.text)
            continue
        last, run = _run(span, wanted, on_the_way)
        lead, below = step.lead, step.below
        if run > _LONG_RUN:
            yield Row(lead, f"… {plural(run, 'level')}")
            span, lead, below = last, below + "└─ ", below + "   "
        note = remarks(span)
        if several and span.service:
            note = f"[{span.service}] {note}".strip()
        yield span_row(span, lead, note)
        yield from raised_rows(raised_by(span, more), below, marked=False)
        if on_the_way.isdisjoint(map(id, span.children)):
            continue  # what is below the last one of the way says nothing
        stack.extend(reversed(_steps(span.children, below, on_the_way)))


def _run(span: Span, wanted: set[int], on_the_way: set[int]) -> tuple[Span, int]:
    """Where a run of levels ends of which each only leads on to the next, and their number."""
    run = 0
    while id(span) not in wanted:
        leading = [child for child in span.children if id(child) in on_the_way]
        if len(leading) != 1:
            break
        span, run = leading[0], run + 1
    return span, run


def _steps(
    spans: Sequence[Span], below: str, on_the_way: set[int], *, roots: bool = False
) -> list[_Step]:
    kept: list[Span | None] = [span for span in spans if id(span) in on_the_way]
    others = sum(1 for _ in walk_down([span for span in spans if id(span) not in on_the_way]))
    text = f"… {plural(others, 'other span')}"
    if others:
        kept.append(None)
    steps = []
    for number, span in enumerate(kept, 1):
        last = number == len(kept)
        lead = "" if roots else below + ("└─ " if last else "├─ ")
        under = "" if roots else below + ("   " if last else "│  ")
        steps.append(_Step(span, text, lead, under))
    return steps
