"""The aligned tree as text: expected against actual, with every difference marked.

Small trees are shown whole. Of large ones, what is as expected is left out and counted, so
that 100,000 spans never make 100,000 lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pytest_traces.forest import Span, walk_down
from pytest_traces.report.raised import raised_by
from pytest_traces.report.rows import (
    Row,
    layout,
    raised_rows,
    remarks,
    span_row,
    with_services,
)
from pytest_traces.report.sentences import difference
from pytest_traces.report.words import often, path_of, plural, quoted, shown
from pytest_traces.shape.mismatch import Alignment, Mismatch, Place
from pytest_traces.shape.pattern import label_of

_WHOLE = 30  # up to so many lines nothing is left out
_LINES = 40
_LONG_RUN = 4


class _Step(NamedTuple):
    """A line to come: a place, a span of a wholly matching subtree, or a remark."""

    place: Place | None
    span: Span | None
    text: str
    lead: str
    below: str


def aligned_lines(alignment: Alignment) -> list[str]:
    """The lines of the tree, indented and laid out in columns."""
    interesting = _interesting(alignment.top)
    small = alignment.spans + _absent(alignment) <= _WHOLE
    rows: list[Row] = []
    for row in _rows(alignment.top, interesting, small=small):
        if len(rows) == _LINES:
            rows.append(Row("", "… and more; these are the first differences"))
            break
        rows.append(row)
    return layout(with_services(rows), marked=True)


def _absent(alignment: Alignment) -> int:
    count, stack = 0, [alignment.top]
    while stack:
        place = stack.pop()
        count += place.span is None
        stack.extend(place.children)
        if count > _WHOLE:
            break
    return count


def _interesting(top: Place) -> dict[int, int]:
    """For each place, by id, how many places at and below it differ."""
    order, stack = [], [top]
    while stack:
        place = stack.pop()
        order.append(place)
        stack.extend(place.children)
    counts: dict[int, int] = {}
    for place in reversed(order):
        own = place.mismatch is not None or place.consequence is not None
        counts[id(place)] = own + sum(counts[id(child)] for child in place.children)
    return counts


def _rows(top: Place, interesting: dict[int, int], *, small: bool) -> Iterator[Row]:
    stack = list(reversed(_steps(top, "", interesting, small=small, roots=True)))
    while stack:
        step = stack.pop()
        if step.place is None:
            if step.span is not None:
                yield span_row(step.span, step.lead, remarks(step.span))
                yield from raised_rows(raised_by(step.span), step.below, marked=True)
                stack.extend(reversed(_span_steps(step.span, step.below)))
            else:
                yield Row(step.lead, step.text)
            continue
        place, below = step.place, step.below
        yield from _place_rows(place, step.lead, below)
        run = 0
        if not small:
            place, run = _skip(place, interesting)
        if run:
            yield Row(below + "└─ ", f"… {plural(run, 'level')} as expected")
            below += "   "
            yield from _place_rows(place, below + "└─ ", below + "   ")
            below += "   "
        stack.extend(reversed(_steps(place, below, interesting, small=small)))


def _skip(place: Place, interesting: dict[int, int]) -> tuple[Place, int]:
    """Follow a long run of levels of which each only leads on to the next."""
    reached, run = place, 0
    while True:
        leading = [child for child in reached.children if interesting[id(child)]]
        if len(leading) != 1 or len(reached.children) > 1 or leading[0].mismatch is not None:
            break
        reached, run = leading[0], run + 1
    return (reached, run - 1) if run > _LONG_RUN else (place, 0)


def _steps(
    place: Place, below: str, interesting: dict[int, int], *, small: bool, roots: bool = False
) -> list[_Step]:
    if small and place.span is not None and (place.whole or not place.children):
        return _span_steps(place.span, below)
    children: list[Place | str] = []
    left_out = 0
    for child in place.children:
        if small or interesting[id(child)]:
            children.append(child)
        elif child.span is not None:
            left_out += sum(1 for _ in walk_down([child.span]))
    if place.whole or (place.span is not None and not place.children):
        left_out = sum(1 for _ in walk_down([place.span])) - 1 if place.span else 0
    if left_out:
        children.append(f"… {plural(left_out, 'span')} {'below' if _odd(place) else 'as expected'}")
    steps = []
    for number, item in enumerate(children):
        last = number == len(children) - 1
        lead = "" if roots else below + ("└─ " if last else "├─ ")
        under = "" if roots else below + ("   " if last else "│  ")
        if isinstance(item, str):
            steps.append(_Step(None, None, item, lead, under))
        else:
            steps.append(_Step(item, None, "", lead, under))
    return steps


def _odd(place: Place) -> bool:
    return place.pattern is None and place.span is not None


def _span_steps(span: Span, below: str) -> list[_Step]:
    return [
        _Step(
            None,
            child,
            "",
            below + ("└─ " if child is span.children[-1] else "├─ "),
            below + ("   " if child is span.children[-1] else "│  "),
        )
        for child in span.children
    ]


def _place_rows(place: Place, lead: str, below: str) -> Iterator[Row]:
    """The row of a place, and those of the exceptions of its span."""
    yield _row(place, lead)
    if place.span is not None:
        yield from raised_rows(raised_by(place.span), below, marked=True)


def _row(place: Place, lead: str) -> Row:
    mark, note = _remark(place)
    if place.span is not None:
        return span_row(place.span, lead, note, mark)
    name = place.pattern.fields.name if place.pattern else ""
    kind = (place.pattern.fields.kind if place.pattern else None) or ""
    return Row(lead, shown(name) if isinstance(name, str) else label_of(name), kind, "", note, mark)


def _remark(place: Place) -> tuple[str, str]:
    mismatch = place.mismatch
    if place.consequence is not None:
        return "~", _consequence(place.consequence)
    if mismatch is None:
        return " ", remarks(place.span) if place.span is not None else ""
    return _marked(place, mismatch)


def _marked(place: Place, mismatch: Mismatch) -> tuple[str, str]:
    if mismatch.kind in ("fields", "unfinished", "late"):
        return "~", "; ".join(difference(one) for one in mismatch.differences)
    if mismatch.kind == "renamed":
        wanted = label_of(mismatch.pattern.fields.name) if mismatch.pattern else "?"
        return "~", f"expected {wanted}"
    if mismatch.kind == "order":
        return "~", _order_note(mismatch)
    if place.span is None:
        return "-", _absent_note(place, mismatch)
    if mismatch.kind == "count":
        return "+", "one too many"
    return "+", _unexpected_note(place.span, mismatch)


def _consequence(cause: Mismatch) -> str:
    if cause.kind == "missing" and cause.pattern is not None:
        return f"expected below {label_of(cause.pattern.fields.name)}"
    return "expected one level up"


def _absent_note(place: Place, mismatch: Mismatch) -> str:
    if mismatch.kind == "count":
        return f"missing: {mismatch.actual} of {often(*(mismatch.wanted or (0, 0)))}"
    found = mismatch.nearest
    if found is None or mismatch.place is not place:
        return "missing"
    there = f" below {path_of(found.parent)}" if found.parent is not None else ""
    others = [one for one in mismatch.nearest_differences if one.field != "name"]
    return f"missing; nearest: {quoted(found.name)}{there}" + "".join(
        f", {difference(one)}" for one in others[:2]
    )


def _unexpected_note(span: Span, mismatch: Mismatch) -> str:
    if span.orphan:
        return "unexpected, its parent was not recorded"
    if mismatch.kind == "unexpected":
        return "unexpected"
    wanted = mismatch.expected_at.span if mismatch.expected_at is not None else None
    if wanted is not None and span.trace_id != wanted.trace_id:
        return "unexpected, in another trace"
    return "unexpected here"


def _order_note(mismatch: Mismatch) -> str:
    words = {"in_order": "not in order", "sequential": "overlapping", "concurrent": "not together"}
    return f"its children are {words[mismatch.group.order]}" if mismatch.group else ""
