"""What went wrong in a forest and is not allowed, as data: each error once, where it came from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from pytest_traces.forest import Forest, Span
from pytest_traces.model import ErrorData
from pytest_traces.recording.arrivals import types_of
from pytest_traces.shape.errors import ErrorEvent, depths, is_serious, told
from pytest_traces.shape.fields import type_names, value_matches
from pytest_traces.shape.passing import NONE_PASSED, Passed, is_of


class Fault(NamedTuple):
    """Something that went wrong: an error event, or a status that no event explains.

    ``passed`` is the report of an exception that explains the status but is itself no fault here.
    """

    span: Span | None
    text: str
    time_ns: int
    event: ErrorEvent | None = None
    passed: ErrorData | None = None


class Faults(NamedTuple):
    """What went wrong and is not allowed, the first of all first.

    ``passed_on`` are those that a child has told before: the same exception on its way up.
    ``excused`` is one that is allowed in its span and went through another one, which is at fault.
    """

    found: list[Fault]
    passed_on: list[Fault]
    excused: ErrorEvent | None = None


def faults_in(
    forest: Forest,
    events: Sequence[ErrorEvent],
    allowed: Sequence[Any],
    passed: Passed = NONE_PASSED,
) -> Faults:
    """What went wrong and is not allowed.

    Args:
        forest: what was recorded.
        events: the errors of it, and those that are linked to no span.
        allowed: names of spans, in any way a name can be given, and types of exceptions.
        passed: the spans that an exception went through, see :func:`errors.passed_in`.
    """
    types = {name for one in allowed if isinstance(one, type) for name in type_names(one)}
    names = [one for one in allowed if not isinstance(one, type)]
    serious = [one for one in events if is_serious(one.level)]
    explained = {id(one.span) for one in serious if _explains_its_own(one)}
    excused: list[ErrorEvent] = []
    faults: list[Fault] = []
    told_of: set[int] = set()
    for one in serious:
        if one.type in types or (one.data is not None and _is_allowed(one.data, types)):
            told_of.add(id(one.data))
            continue
        if one.span is not None and _is_named(names, one.span):
            excused.append(one)
        else:
            faults.append(Fault(one.span, one.text, one.time_ns, one))
            told_of.add(id(one.data))
    for span in forest.spans:
        if span.status == "error" and id(span) not in explained and not _is_named(names, span):
            fault = _of_status(span, passed.get((span.trace_id, span.span_id)))
            if fault.passed is None:
                left_by = span.data.left_by
                is_told = left_by is not None and not types.isdisjoint(left_by.types)
            else:  # it is told, or allowed, with that error
                is_told = id(fault.passed) in told_of or _is_allowed(fault.passed, types)
            if not is_told:
                faults.append(fault)
    return _first_of_all(forest, faults, excused, passed) if faults else Faults([], [])


def _explains_its_own(event: ErrorEvent) -> bool:
    """Whether the status of its span may have come of it."""
    if event.span is None or event.lifted_from is not None:
        return False
    return event.data is None or is_of(event.data, event.span)


def _is_allowed(report: ErrorData, types: set[str]) -> bool:
    """Whether its class, or one that this is derived from, is among these."""
    return report.type in types or not types.isdisjoint(types_of(report))


def _of_status(span: Span, passed: ErrorData | None) -> Fault:
    text, left_by = span.status_description or "status error", span.data.left_by
    if left_by is not None:
        text = f"{told(left_by.types[0], None)} ({text})"
    return Fault(span, text, span.start_ns if span.end_ns is None else span.end_ns, None, passed)


def _first_of_all(
    forest: Forest, faults: list[Fault], excused: list[ErrorEvent], passed: Passed
) -> Faults:
    depth = depths(forest)
    faults.sort(key=lambda one: (one.time_ns, -depth.get(id(one.span), 0)))
    below = {_as_above(one.event, passed) for one in faults if one.event is not None}
    found = [one for one in faults if _as_here(one) not in below]
    passed_on = [one for one in faults if _as_here(one) in below]
    here = {_as_here(one) for one in found}
    through = {id(one.passed) for one in found if one.passed is not None}
    goes_on = (one for one in excused if _as_above(one, passed) in here or id(one.data) in through)
    return Faults(found, passed_on, next(goes_on, None))


def _as_here(fault: Fault) -> object:
    """What the same exception of a child would be, told by :func:`_as_above`."""
    if fault.event is None or fault.span is None:
        return None
    return id(fault.span), fault.event.type, fault.event.message


def _as_above(event: ErrorEvent, passed: Passed) -> object:
    """The exception, where it goes from here and is told again."""
    parent = event.span.parent if event.span is not None else None
    report = event.data
    while parent is not None and report is not None:
        if passed.get((parent.trace_id, parent.span_id)) is not report:
            break
        parent = parent.parent
    return (id(parent), event.type, event.message) if parent is not None else ()


def _is_named(names: Sequence[Any], span: Span) -> bool:
    return any(value_matches(name, span.name) for name in names)
