"""Words for counted work."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_traces.forest import Span
from pytest_traces.report.explain import Message
from pytest_traces.report.rows import Row, layout
from pytest_traces.report.words import path_of, plural, shown
from pytest_traces.timing.counted import Unknown, Work, in_thread_of, work_of

_CHILDREN = 12
_WHY = {
    "unfinished": "it has not ended",
    "threads": "it started in one thread and ended in another",
    "foreign": "only spans of the OpenTelemetry SDK are counted, with times that it takes itself",
}


def too_much(found: Sequence[Work], at_most: int) -> Message:
    """Spans that did more than they may: the one with the most, and where it did it."""
    worst = found[0]
    times = worst.events / at_most
    more = f", {times:.1f} times as much" if times >= 2 else ""
    message = Message(
        f"{path_of(worst.span)} did {plural(worst.events, 'event')} of work, "
        f"limit {at_most:,}{more}"
    )
    message.tree = _tree(worst)
    message.facts = [
        f"  {path_of(one.span)} did {plural(one.events, 'event')}, too" for one in found[1:6]
    ]
    if len(found) > 6:
        message.facts.append(f"  and {plural(len(found) - 6, 'more span')}")
    message.facts.append(
        "  events: functions of Python that start, calls and jumps, in the thread of the span"
    )
    message.hint = (
        "the number is the same in every run: if the limit held before, something does more now; "
        f"if this is what it does: at_most={worst.events:_}"
    )
    return message


def _tree(work: Work) -> list[str]:
    children = [(child, work_of(child)) for child in work.span.children]
    children.sort(key=lambda item: -(item[1].events if item[1] is not None else -1))
    rows = [_row(work.span, work, "", f"self {work.own:,}")]
    shown_children = children[:_CHILDREN]
    for place, (child, theirs) in enumerate(shown_children):
        last = place == len(children) - 1
        note = "" if in_thread_of(work.span, child) else "in another thread: not counted above"
        rows.append(_row(child, theirs, "└─ " if last else "├─ ", note))
    if len(children) > _CHILDREN:
        rows.append(Row("└─ ", f"… {plural(len(children) - _CHILDREN, 'more span')}"))
    return layout(rows, marked=False)


def _row(span: Span, work: Work | None, lead: str, note: str) -> Row:
    took = "?" if work is None else f"{work.events:,}"
    return Row(lead, shown(span.name), span.kind, took, note)


def unknown(span: Span, why: Unknown) -> Message:
    """The work of this span cannot be told."""
    message = Message(f"the work of {path_of(span)} is not known: {_WHY[why]}")
    if why == "threads":
        message.hint = "assert on the spans below it, each of which runs in one thread"
    return message


def not_counted() -> Message:
    """Nobody has counted."""
    message = Message("the events of the interpreter were not counted in this recording")
    message.hint = "with record(count_work=True) as act: ..., or the traces fixture under pytest"
    return message
