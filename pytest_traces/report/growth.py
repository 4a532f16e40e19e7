"""Growth in words: what runs how often at which size, where, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_traces.forest import Span
from pytest_traces.report.explain import Message
from pytest_traces.report.n_plus_one import (
    hint_with,
    likely_fix,
    name_of,
    name_to_allow,
    operation_lines,
)
from pytest_traces.report.rows import Row, layout
from pytest_traces.report.words import path_of, plural, quoted, shown
from pytest_traces.timing.growth import Growth, Sample, rate, steady
from pytest_traces.timing.normalise import Place

_LISTED = 5
_TREE = 20


def growth_message(found: Sequence[Growth], samples: Sequence[Sample]) -> Message:
    """The failure: the first one with its statements, the others with their counts."""
    sizes = [sample.size for sample in samples]
    first = max(found, key=lambda one: one.counts[-1])
    message = Message(
        f"it does more, the larger the input: {quoted(name_of(first.calls))} ran "
        f"{_pairs(sizes, first.counts)}"
    )
    if len(found) > 1:
        message.verdict += f"; so do {plural(len(found) - 1, 'other operation')}"
    message.tree = _tree(found, samples)
    for one in sorted(found, key=lambda one: one is not first)[:_LISTED]:
        message.facts += ["", *_facts(one, sizes)]
    message.facts = message.facts[1:]
    spans, places = steady(samples, found)
    if spans:
        rest = f"{plural(spans, 'span')} at {plural(places, 'place')}"
        message.facts += ["", f"  as many at every size: {rest}"]
    fix = likely_fix(first.operations[0], first.calls)
    allowed = name_to_allow(first.operations[0], first.calls)
    message.hint = hint_with(fix, f"assert_no_growth(..., allow=[{allowed}])")
    return message


def _pairs(sizes: Sequence[int], counts: Sequence[int]) -> str:
    """``2 times at size 2, 8 times at size 8``."""
    pairs = zip(sizes, counts, strict=True)
    return ", ".join(f"{plural(count, 'time')} at size {size:,}" for size, count in pairs)


def _facts(one: Growth, sizes: Sequence[int]) -> list[str]:
    grows = rate(sizes, one.counts)
    parent = one.calls[0].parent
    where = "as a root" if parent is None else f"below {path_of(parent)}"
    lines = [f"  {quoted(name_of(one.calls))} {where}: {_arrows(one.counts)}, {grows}"]
    if len(one.operations) > 1:
        lines += [f"    {shown(operation)}" for operation in one.operations[:3]]
        more = len(one.operations) - 3
        return lines + ([f"    and {more:,} more"] if more > 0 else [])
    operation = next(iter(one.operations), "")
    return lines + [f"  {line}" for line in operation_lines(operation, one.calls)]


def _arrows(counts: Sequence[int]) -> str:
    return " → ".join(f"{count:,}" for count in counts)


def _tree(found: Sequence[Growth], samples: Sequence[Sample]) -> list[str]:
    """The places of what grows and those above them, with their counts by size."""
    growing: dict[Place, list[Growth]] = {}
    below: dict[Place | None, dict[Place, None]] = {}
    for one in found:
        place: Place | None = one.spot[0]
        growing.setdefault(one.spot[0], []).append(one)
        while place is not None and place not in below.get(place.above, ()):
            below.setdefault(place.above, {})[place] = None
            place = place.above
    counts = _counts(samples)
    rows: list[Row] = []
    stack = [("", "", place) for place in reversed(list(below[None]))]
    while stack:
        lead, indent, place = stack.pop()
        if len(rows) == _TREE:
            rows.append(Row("", f"… and {plural(len(stack) + 1, 'more place')}"))
            break
        rows.append(_row(lead, place, growing.get(place, ()), counts[place], samples))
        children = list(below.get(place, ()))
        indent = indent[-3 * _TREE :]
        for number in range(len(children) - 1, -1, -1):
            branch, rest = ("└─ ", "   ") if number == len(children) - 1 else ("├─ ", "│  ")
            stack.append((indent + branch, indent + rest, children[number]))
    return layout(rows, marked=True)


def _row(
    lead: str,
    place: Place,
    growing: Sequence[Growth],
    counted: tuple[Span, tuple[int, ...]],
    samples: Sequence[Sample],
) -> Row:
    span, counts = counted
    if not growing:
        return Row(lead, shown(place.name), span.kind, _arrows(counts))
    one = growing[0]
    grows = rate([sample.size for sample in samples], one.counts)
    more = f", and {len(growing) - 1} more here" if len(growing) > 1 else ""
    name = shown(name_of(one.calls))
    return Row(lead, name, one.spot[1], _arrows(one.counts), grows + more, "+")


def _counts(samples: Sequence[Sample]) -> dict[Place, tuple[Span, tuple[int, ...]]]:
    """A span at each place, and how many there are by size."""
    kinds: dict[Place, list[Span]] = {}
    for (place, _), operations in samples[-1].spots.items():
        kinds.setdefault(place, []).append(next(iter(operations.values()))[0])
    return {
        place: (spans[0], tuple(sum(s.count((place, one.kind)) for one in spans) for s in samples))
        for place, spans in kinds.items()
    }
