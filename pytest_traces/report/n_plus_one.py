"""An N+1 in words: how often, where, which statements, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pytest_traces.forest import Span
from pytest_traces.report.explain import Message
from pytest_traces.report.rows import Row, layout, span_row
from pytest_traces.report.words import duration, path_of, plural, quoted, shown
from pytest_traces.timing.n_plus_one import Repeat, is_database
from pytest_traces.timing.normalise import (
    normalised,
    statement_of,
    values_in,
    written_operation_of,
)

_OTHERS = 3
_LISTED = 8
_LEVELS = 8
_WIDTH = 100
_LINE = 90
_VALUES = 5
_READS = re.compile(r"\s*(?:select|with|get|find|hget|query)\b", re.IGNORECASE)


def n_plus_one_message(repeats: Sequence[Repeat]) -> Message:
    """The failure: the first one whole, the others by name."""
    worst = repeats[0]
    lead = "N+1" if len(repeats) == 1 else f"{len(repeats)} N+1, first"
    message = Message(f"{lead}: {_sentence(worst)}")
    message.tree = _tree(worst)
    message.facts = operation_lines(worst.operation, worst.calls)
    if len(repeats) > 1:
        message.facts += ["", *(f"  also: {_sentence(one)}" for one in repeats[1 : _LISTED + 1])]
    if len(repeats) > _LISTED + 1:
        message.facts.append(f"  and {len(repeats) - _LISTED - 1:,} more")
    fix = likely_fix(worst.operation, worst.calls)
    allowed = name_to_allow(worst.operation, worst.calls)
    message.hint = hint_with(fix, f"assert_no_n_plus_one(allow=[{allowed}])")
    return message


def _sentence(repeat: Repeat) -> str:
    where = f"below {path_of(repeat.ancestor)}"
    if repeat.also:
        where += f", and below {plural(len(repeat.also), 'other')} like it"
    return f"{quoted(name_of(repeat.calls))} ran {len(repeat.calls):,} times {where}"


def name_of(calls: Sequence[Span]) -> str:
    """Their name, without numbers where they have several."""
    first = calls[0].name
    return first if all(call.name == first for call in calls) else normalised(first)


def name_to_allow(operation: str, calls: Sequence[Span]) -> str:
    """What allows these and as little else as can be said in few words."""
    name = name_of(calls)
    if " " not in name and operation != name and len(operation) <= _LINE - 20:
        name = operation
    return repr(name) if '"' in name else f'"{name}"'


def hint_with(fix: str, call: str) -> str:
    """The fix, and what allows it instead; a short form where the line would be broken."""
    hint = f"{fix}; or, if meant: {call}"
    return hint if len(hint) <= _LINE else f"{fix}; or, if meant: {call[call.index('allow') : -1]}"


def operation_lines(operation: str, calls: Sequence[Span]) -> list[str]:
    """The normalised operation with the values that it had, and the first two as they were."""
    if operation == name_of(calls):
        return []
    written = list(dict.fromkeys(written_operation_of(call) for call in calls))
    line = f"  {_cut(operation)}{_values(written)}"
    lines = [line if len(line) <= _WIDTH else f"  {_cut(operation)}"]
    if len(written) > 1:
        lines += [f"    first: {_cut(written[0])}", f"    then:  {_cut(written[1])}"]
    elif written != [operation]:
        lines.append(f"    each time: {_cut(written[0])}")
    return lines


def _values(written: Sequence[str]) -> str:
    """The values that differ, where they stand at one place."""
    values = [values_in(one) for one in written]
    if len(values) < 2 or len({len(one) for one in values}) > 1:
        return ""
    columns = [column for column in zip(*values, strict=True) if len(set(column)) > 1]
    if len(columns) != 1:
        return ""
    texts = [text if len(text) <= 20 else f"{text[:19]}…" for text in columns[0][:_VALUES]]
    more = ["…"] if len(columns[0]) > _VALUES else []
    return f"   ({', '.join(texts + more)})"


def _cut(text: str) -> str:
    """Long statements without their middle: the end tells them apart."""
    if len(text) <= _LINE:
        return text
    return f"{text[: _LINE // 2 - 3]} … {text[-_LINE // 2 + 3 :]}"


def likely_fix(operation: str, calls: Sequence[Span]) -> str:
    """What is done instead, most of the time."""
    first = calls[0]
    is_same = len({written_operation_of(call) for call in calls}) == 1
    if statement_of(first) is not None or is_database(first):
        return _fix_of_statement(first, is_same=is_same and "#" not in operation)
    if first.kind == "client" and operation != normalised(first.name):
        is_kept = "it is the same request each time: keep its answer"
        return is_kept if is_same else "ask for all of them in one request"
    if first.kind == "server":
        return "ask for all of them in one request"
    if first.kind == "producer":
        return "send them as one batch"
    return "load them in one query" if _READS.match(first.name) else "do it once for all of them"


def _fix_of_statement(span: Span, *, is_same: bool) -> str:
    if _READS.match(statement_of(span) or span.name) is None:
        return "write them with one statement"
    if is_same:
        return "it is the same query each time: keep its answer"
    if "sqlalchemy" in (span.scope or ""):
        return "load them with one query: selectinload() or joinedload() on the relationship"
    return "load them in one query"


def _tree(repeat: Repeat) -> list[str]:
    """The ancestor, what it has beside, and the levels down to the calls."""
    rows = [span_row(repeat.ancestor, "")]
    levels = _levels(repeat)
    note = _together(repeat.calls)
    indent = ""
    for depth, spans in enumerate(levels):
        is_call = depth == len(levels) - 1
        if depth == 0:
            rows += _beside(repeat.ancestor, spans)
        if len(levels) > _LEVELS and _LEVELS // 2 <= depth < len(levels) - 2:
            if depth == _LEVELS // 2:
                rows.append(Row(f"{indent}└─ ", f"… {len(levels) - _LEVELS // 2 - 2:,} levels"))
                indent += "   "
            continue
        took = sum(span.duration_ns or 0 for span in spans)
        many = f"{len(spans):,} × " if len(spans) > 1 else ""
        name = f"{many}{shown(name_of(spans))}"
        rows.append(
            Row(f"{indent}└─ ", name, spans[0].kind, duration(took), note if is_call else "")
        )
        indent += "   "
    return ["  " + line for line in layout(rows, marked=False)]


def _levels(repeat: Repeat) -> list[list[Span]]:
    """The spans from below the ancestor to the calls, level by level."""
    levels = [list(repeat.calls)]
    while levels[-1][0].parent is not repeat.ancestor:
        above = dict.fromkeys(span.parent for span in levels[-1])
        levels.append([span for span in above if span is not None])
    return levels[::-1]


def _beside(ancestor: Span, ours: Sequence[Span]) -> Iterator[Row]:
    """The other children, which come first, whenever they ran."""
    members = set(ours)
    others: dict[tuple[str, str], list[Span]] = {}
    for child in ancestor.children:
        if child not in members:
            others.setdefault((child.name, child.kind), []).append(child)
    groups = list(others.values())
    # One that is left over fits in the line that would count it.
    limit = len(groups) if len(groups) == _OTHERS + 1 else _OTHERS
    for group in groups[:limit]:
        row = span_row(group[0], "├─ ")
        if len(group) > 1:
            took = sum(span.duration_ns or 0 for span in group)
            row = row._replace(name=f"{len(group):,} × {row.name}", took=duration(took))
        yield row
    rest = sum(len(group) for group in groups[limit:])
    if rest:
        yield Row("├─ ", f"… {plural(rest, 'other span')}")


def _together(calls: Sequence[Span]) -> str:
    """Whether the calls overlapped; of half-open intervals."""
    edges: list[tuple[int, int]] = []
    for call in calls:
        if call.end_ns is not None and call.end_ns > call.start_ns:
            edges += ((call.start_ns, 1), (call.end_ns, -1))
    now = peak = 0
    for _, step in sorted(edges):
        now += step
        peak = max(peak, now)
    return "together, one after another" if peak < 2 else f"together, up to {peak:,} at once"
