"""Errors, as data: exception events of spans, what was reported beside spans, an error status."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from pytest_traces.forest import Forest, Span, walk_down
from pytest_traces.model import ErrorData
from pytest_traces.recording.arrivals import is_same_class
from pytest_traces.shape.fields import type_names, value_matches

_LONGEST = 80
#: Levels of reports that are no errors.
_LESSER = ("warning", "warn", "info", "debug", "log")

SpanKey = tuple[str, str]


class Raised(NamedTuple):
    """An exception as an event of a span tells it; either part may be missing."""

    type: str | None
    message: str | None
    time_ns: int | None = None

    @property
    def text(self) -> str:
        """``ValueError: no such order``."""
        return told(self.type, self.message)


@dataclass(frozen=True, slots=True, repr=False)
class ErrorEvent:
    """An error that the application reported: an exception event of a span, or an event of Sentry.

    Attributes:
        type: the name of the exception's class, with its module unless it is a builtin one;
            None for a mere message.
        message: its text.
        span: the span in which it was reported; None where it is linked to none.
        unlinked: why it is linked to none, in words; None where it is.
        source: who reported it: ``opentelemetry``, ``sentry``, ...
        level: ``error``, ``fatal``, ``warning`` or whatever else the report says.
        handled: whether the application caught it; None where nobody knows.
        time_ns: when, in nanoseconds since the Unix epoch; of an event without a time, the end of
            its span.

    Example:
        >>> (error,) = traces.error_events
        >>> error.type, error.span.name
        ('ValueError', 'POST /checkout')
    """

    type: str | None
    message: str | None
    span: Span | None
    unlinked: str | None
    source: str
    level: str
    handled: bool | None
    time_ns: int

    @property
    def text(self) -> str:
        """``ValueError: no such order``."""
        return told(self.type, self.message)

    def __repr__(self) -> str:
        text = " ".join(self.text.split())
        if len(text) > _LONGEST:
            text = text[: _LONGEST - 1] + "…"
        where = (
            f"linked to no span: {self.unlinked}" if self.span is None else f"in {self.span.path}"
        )
        return f"<ErrorEvent {text!r} {where}>"


class Fault(NamedTuple):
    """Something that went wrong: an error event, or a status that no event explains."""

    span: Span | None
    text: str
    time_ns: int
    event: ErrorEvent | None = None


class Faults(NamedTuple):
    """What went wrong and is not allowed, the first of all first.

    ``passed_on`` are those that a child has told before: the same exception on its way up.
    ``excused`` is an allowed one of a child that goes on as one of the faults.
    """

    found: list[Fault]
    passed_on: list[Fault]
    excused: ErrorEvent | None = None


def told(kind: str | None, message: str | None) -> str:
    """Type and message in one; which module the class lives in is seldom the point."""
    name = (kind or "").rpartition(".")[2]
    if name and message:
        return f"{name}: {message}"
    return name or message or "exception"


def exceptions_of(span: Span) -> list[Raised]:
    """The exceptions that events of the span tell, in their order."""
    found = []
    for event in span.events:
        kind, message = (event.attributes.get(f"exception.{part}") for part in ("type", "message"))
        if event.name == "exception" or kind is not None:
            found.append(Raised(_text(kind), _text(message), event.time_ns))
    return found


def error_events(forest: Forest, reports: Iterable[ErrorData]) -> list[ErrorEvent]:
    """What events of these spans and reports that name them tell, each error once, by span.

    A report is an event of its span, too, of its own or because it was put there.
    """
    by_key: dict[SpanKey, list[ErrorData]] = defaultdict(list)
    for report in reports:
        if report.key is not None:
            by_key[report.key].append(report)
    found: list[ErrorEvent] = []
    done: set[SpanKey] = set()
    for span in forest.spans:
        key = span.trace_id, span.span_id
        if not span.events and key not in by_key:
            continue
        raised = exceptions_of(span)
        for report in by_key.get(key, ()):
            same = next((one for one in raised if _is_same(one, report)), None)
            if same is not None:
                raised.remove(same)
            if key not in done:  # of two spans that share an id it is the first one's
                found.append(_reported(report, span, same))
        done.add(key)
        found += (_recorded(one, span) for one in raised)
    return found


def unlinked_error(report: ErrorData, why: str) -> ErrorEvent:
    """A report that names no span of those that are looked at."""
    return ErrorEvent(
        report.type, report.message, None, report.unlinked or why, report.source, report.level,
        report.handled, report.time_ns,
    )  # fmt: skip


def by_time(forest: Forest, events: Iterable[ErrorEvent]) -> list[ErrorEvent]:
    """In order of time; of several at one instant those of the deepest spans first."""
    depth = _depths(forest)
    return sorted(events, key=lambda one: (one.time_ns, -depth.get(id(one.span), 0)))


def faults_in(forest: Forest, events: Sequence[ErrorEvent], allowed: Sequence[Any]) -> Faults:
    """What went wrong and is not allowed.

    Args:
        forest: what was recorded.
        events: the errors of it, and those that are linked to no span.
        allowed: names of spans, in any way a name can be given, and types of exceptions.
    """
    types = {name for one in allowed if isinstance(one, type) for name in type_names(one)}
    names = [one for one in allowed if not isinstance(one, type)]
    serious = [one for one in events if one.level.lower() not in _LESSER]
    explained = {id(one.span) for one in serious}
    excused: list[ErrorEvent] = []
    faults: list[Fault] = []
    for one in serious:
        if one.type is not None and one.type in types:
            continue
        if one.span is not None and _is_named(names, one.span):
            excused.append(one)
        else:
            faults.append(Fault(one.span, one.text, one.time_ns, one))
    for span in forest.spans:
        if span.status == "error" and id(span) not in explained and not _is_named(names, span):
            text = span.status_description or "status error"
            time_ns = span.start_ns if span.end_ns is None else span.end_ns
            faults.append(Fault(span, text, time_ns))
    return _first_of_all(forest, faults, excused) if faults else Faults([], [])


def _first_of_all(forest: Forest, faults: list[Fault], excused: list[ErrorEvent]) -> Faults:
    depth = _depths(forest)
    faults.sort(key=lambda one: (one.time_ns, -depth.get(id(one.span), 0)))
    below = {_as_above(one.event) for one in faults if one.event is not None}
    found = [one for one in faults if _as_here(one) not in below]
    passed_on = [one for one in faults if _as_here(one) in below]
    here = {_as_here(one) for one in found}
    return Faults(found, passed_on, next((one for one in excused if _as_above(one) in here), None))


def _as_here(fault: Fault) -> object:
    """What the same exception of a child would be, told by :func:`_as_above`."""
    if fault.event is None or fault.span is None:
        return None
    return id(fault.span), fault.event.type, fault.event.message


def _as_above(event: ErrorEvent) -> object:
    """The exception, where it goes from here."""
    parent = event.span.parent if event.span is not None else None
    return (id(parent), event.type, event.message) if parent is not None else ()


def _depths(forest: Forest) -> dict[int, int]:
    depth: dict[int, int] = {}
    for span in walk_down(forest.roots):
        depth[id(span)] = 0 if span.parent is None else depth.get(id(span.parent), 0) + 1
    return depth


def _is_named(names: Sequence[Any], span: Span) -> bool:
    return any(value_matches(name, span.name) for name in names)


def _is_same(raised: Raised, report: ErrorData) -> bool:
    """Whether both tell the same."""
    same_text = (raised.message or None) == (report.message or None)
    return same_text and is_same_class(raised.type, report.type)


def _reported(report: ErrorData, span: Span, same: Raised | None) -> ErrorEvent:
    kind = report.type
    if same is not None and same.type is not None and len(same.type) > len(kind or ""):
        kind = same.type
    return ErrorEvent(
        kind, report.message, span, None, report.source, report.level, report.handled,
        report.time_ns,
    )  # fmt: skip


def _recorded(raised: Raised, span: Span) -> ErrorEvent:
    ended = span.start_ns if span.end_ns is None else span.end_ns
    time_ns = ended if raised.time_ns is None else raised.time_ns
    return ErrorEvent(raised.type, raised.message, span, None, span.source, "error", None, time_ns)


def _text(value: object) -> str | None:
    return None if value is None else str(value)
