"""Errors and the spans that a view has: where each is told, and why perhaps nowhere."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from pytest_traces.forest import Forest, Span
from pytest_traces.model import ErrorData
from pytest_traces.recording import Capture, Recording, SpanKey, journal, past_key
from pytest_traces.recording.journaling import key_of_entry
from pytest_traces.report.words import cut
from pytest_traces.shape.errors import (
    ErrorEvent,
    error_events,
    lifted_error,
    passed_in,
    unlinked_error,
)
from pytest_traces.shape.fields import Fields, value_matches
from pytest_traces.shape.passing import Passed
from pytest_traces.traces.frame import Frame
from pytest_traces.traces.lens import Ignoring, Only
from pytest_traces.traces.selection import Selection

#: What the line is called in which errors stand that no tree shows.
UNLINKED = "errors"
_MOST = 3
_LONGEST = 60


def errors_of(frame: Frame, forest: Forest) -> list[ErrorEvent]:
    """What events of these spans tell, and what was reported of them, or of none at all.

    Args:
        frame: what is looked at.
        forest: its spans, after all steps.
    """
    reports = frame.recording.errors_between()
    return [*error_events(forest, reports), *_lifted(frame, forest, reports), *unlinked_of(frame)]


def passed_of(frame: Frame) -> Passed:
    """The spans that a reported exception went through, also where the view leaves some out."""
    reports = frame.recording.errors_between()
    return passed_in(frame.forest(), reports)


def unlinked_capture(frame: Frame) -> Capture | None:
    """The errors that are linked to no span, for "what was captured"; None where there are none."""
    found = unlinked_of(frame)
    if not found:
        return None
    told = [f"{cut(one.text, _LONGEST)} ({one.unlinked})" for one in found[:_MOST]]
    if len(found) > _MOST:
        told.append(f"and {len(found) - _MOST:,} more: traces.error_events")
    if len(found) == 1:
        return Capture(UNLINKED, f"1 that is linked to no span: {told[0]}")
    return Capture(UNLINKED, f"{len(found):,} that are linked to no span:", tuple(told))


def unlinked_of(frame: Frame) -> list[ErrorEvent]:
    """What was reported of no span, or of one that is not here.

    A view of subtrees has none of these; one of all that a source tells has those of the source.
    """
    recording, whole = frame.recording, frame.forest()
    found, earlier = [], None
    for report in recording.errors_between(*frame.bounds()):
        if not _is_of_view(frame, report) or report.key in whole.recorded:
            continue
        why = "the report names no span"
        if report.key is not None:
            earlier = _started_before(recording) if earlier is None else earlier
            why = _why_not(report.key, whole, earlier)
        found.append(unlinked_error(report, why))
    return found


def _is_of_view(frame: Frame, report: ErrorData) -> bool:
    """Whether it can be told without a span: unless the view is of some subtrees."""
    return all(_keeps(step, report) for step in frame.steps if isinstance(step, Only))


def _keeps(step: Only, report: ErrorData) -> bool:
    """Whether the step picks all that the source of the report tells."""
    source = step.selection.fields.source
    by_source = Selection(Fields(source=source, unfinished=None))
    return step.selection == by_source and value_matches(source, report.source)


def _why_not(key: SpanKey, whole: Forest, earlier: set[int]) -> str:
    name = whole.outside.get(key)
    if name is not None:
        return f"its span, {name!r}, began before what is looked at"
    if past_key(*key) in earlier:
        return "its span started before the recording"
    return "the span that it names was not recorded"


def _started_before(recording: Recording) -> set[int]:
    """The spans that another recording has, which began earlier, and those around this one."""
    found = {past_key(*key) for key in recording.around}
    for number, entry in list(journal.entries.items()):
        if number < recording.first:
            with suppress(Exception):  # one that cannot be read is told by who looks at it
                found.add(key_of_entry(entry) or 0)
    return found


def _lifted(frame: Frame, forest: Forest, reports: Iterable[ErrorData]) -> list[ErrorEvent]:
    """The errors of spans that the view ignores: they move up to the nearest that it has.

    Where there is none above they are linked to none, and not forgotten.
    """
    here, whole = _by_key(forest), frame.forest()
    away = {one.key: one for one in reports if one.key in whole.recorded and one.key not in here}
    if not away or not any(isinstance(step, Ignoring) for step in frame.steps):
        return []
    names = {key: span.name for key, span in _by_key(whole).items() if key in away}
    homes = _homes(frame, list(names))
    found = []
    for report in reports:
        if report.key not in homes:
            continue
        home, name = homes[report.key], names[report.key]
        if home is not None and home in here:
            found.append(lifted_error(report, name, here[home]))
        elif _is_of_view(frame, report):
            found.append(unlinked_error(report, f"its span, {name!r}, is ignored"))
    return found


def _homes(frame: Frame, keys: Iterable[SpanKey]) -> dict[SpanKey, SpanKey | None]:
    """Where what was told of these spans goes, step by step; what is cut off goes nowhere."""
    homes: dict[SpanKey, SpanKey | None] = {key: key for key in keys}
    forest = frame.forest()
    for step in frame.steps:
        left = step.apply(forest)
        before, after = _by_key(forest), _by_key(left)
        for key, home in list(homes.items()):
            if home is None or home in after:
                continue
            if isinstance(step, Ignoring):
                homes[key] = next(
                    (k for k in map(_key, before[home].ancestors) if k in after), None
                )
            elif isinstance(step, Only) and home != key:
                homes[key] = None  # whether it is told without a span, the report decides
            else:
                del homes[key]
        forest = left
    return homes


def _by_key(forest: Forest) -> dict[SpanKey, Span]:
    """The spans by their ids; of two that share one it is the first."""
    return {_key(span): span for span in reversed(forest.spans)}


def _key(span: Span) -> SpanKey:
    return span.trace_id, span.span_id
