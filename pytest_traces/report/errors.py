"""Errors in words: the first of all, the tree with each below its span, and the others."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_traces.forest import Forest
from pytest_traces.recording import Capture
from pytest_traces.report.causes import LEAVE_OUT_ASGI, is_of_asgi
from pytest_traces.report.explain import Message, add_captured, finding_lines
from pytest_traces.report.focused import focused_lines
from pytest_traces.report.words import cut, path_of, quoted
from pytest_traces.shape.errors import ErrorEvent
from pytest_traces.shape.faults import Fault, Faults

_WIDTH = 100
_NARROWEST = 40
_MOST = 5


def errors_message(
    faults: Faults, forest: Forest, captures: Sequence[Capture], *, by_type: bool = False
) -> Message:
    """The failure of an assertion that nothing went wrong.

    Args:
        faults: what did, at least one.
        forest: what was recorded, perhaps nothing.
        captures: said where nothing was recorded but the error.
        by_type: whether some errors are allowed by their type.
    """
    found = faults.found
    message = Message(_verdict(found))
    if forest.spans:
        spans = [one.span for one in (*found, *faults.passed_on) if one.span is not None]
        message.tree = focused_lines(forest, spans, _lifted(found))
    first = found[0].event
    if first is not None and first.unlinked is not None:
        message.facts.append(f"  not linked: {first.unlinked}")
    if first is not None and first.lifted_from is not None:
        message.facts.append(f"  {_why_lifted(first.lifted_from)}")
    message.facts += [_line(one) for one in found[1 : _MOST + 1]]
    if len(found) > _MOST + 1:
        message.facts.append(f"  and {len(found) - _MOST - 1:,} more: traces.error_events")
    message.facts += finding_lines(forest.findings)
    if faults.excused is not None:
        message.hint = _allow_by_type(faults.excused, found)
    else:
        message.hint = _allow_by_name(found, by_type=by_type)
    if not forest.spans:
        add_captured(message, captures)
    return message


def _verdict(found: Sequence[Fault]) -> str:
    first = found[0]
    where = "that is linked to no span" if first.span is None else f"in {path_of(first.span)}"
    number = "an error"
    if len(found) > 1:
        number = f"{len(found):,} errors, the first"
        where = where.replace("that is linked", "linked")
    head = f"{number} {where}: "
    return head + cut(first.text, max(_NARROWEST, _WIDTH - len(head)))


def _line(fault: Fault) -> str:
    if fault.span is not None:
        head, tail = f"  {path_of(fault.span)}: ", ""
        if fault.event is not None and fault.event.lifted_from is not None:
            tail = f" ({_why_lifted(fault.event.lifted_from)})"
        return head + cut(fault.text, max(_NARROWEST, _WIDTH - len(head + tail))) + tail
    why = fault.event.unlinked if fault.event is not None else None
    return f"  linked to no span: {cut(fault.text, _NARROWEST)} ({why})"


def _why_lifted(name: str) -> str:
    return f"its own span, {quoted(name)}, is ignored"


def _lifted(found: Sequence[Fault]) -> dict[int, list[str]]:
    """What was reported of spans that are ignored, and is no event of the ones above."""
    more: dict[int, list[str]] = {}
    for one in found:
        if one.event is not None and one.span is not None and one.event.lifted_from is not None:
            more.setdefault(id(one.span), []).append(one.text)
    return more


def _allow_by_name(found: Sequence[Fault], *, by_type: bool) -> str | None:
    """For what is nothing but a status."""
    spans = [one.span for one in found if one.span is not None and one.event is None]
    if len(spans) == len(found) and all(map(is_of_asgi, spans)):
        return f"these spans repeat the status of the answer; {LEAVE_OUT_ASGI}"
    spans = [span for span in spans if span.data.left_by is None]  # else its type allows it
    if not by_type or not spans:
        return None
    names = ", ".join(dict.fromkeys(quoted(span.name) for span in spans[:_MOST]))
    return (
        f"a status alone is no exception, and is allowed by the name of its span: allow=[{names}]"
    )


def _allow_by_type(excused: ErrorEvent, found: Sequence[Fault]) -> str:
    name = quoted(excused.span.name) if excused.span is not None else "its span"
    kind = (excused.type or "").rpartition(".")[2]
    where = f"the same error is allowed in {name} alone, and goes on from there"
    if any(one.passed is not None and one.passed is excused.data for one in found):
        where = f"what went through it is allowed in {name} alone"
    return f"{where}; wherever it is: allow=[{kind}]" if kind else where
