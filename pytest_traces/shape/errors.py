"""Errors, as data: exception events of spans, what was reported beside spans, an error status."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pytest_traces.forest import Forest, Span, walk_down
from pytest_traces.model import ErrorData
from pytest_traces.recording.arrivals import LEVEL, MESSAGE, is_told
from pytest_traces.shape.passing import Passed, SpanKey, is_of, passed_through

_LONGEST = 80
#: Levels of reports that are no errors.
_LESSER = ("warning", "warn", "info", "debug", "log")


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
        message: its text; as the span has recorded it, where it has.
        span: the span in which it was reported; None where it is linked to none.
        unlinked: why it is linked to none, in words; None where it is.
        source: who reported it: ``opentelemetry``, ``sentry``, ...
        level: ``error``, ``fatal``, ``warning`` or whatever else the report says.
        handled: whether the application caught it; None where nobody knows.
        time_ns: when, in nanoseconds since the Unix epoch; of an event without a time, the end of
            its span.
        lifted_from: the name of the span in which it was reported, where the view ignores that
            one and ``span`` is the nearest above; else None.
        data: the report as its source recorded it; None for an event that the span has recorded.

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
    lifted_from: str | None = None
    data: ErrorData | None = field(default=None, repr=False, compare=False)

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

    A report of what a span has recorded itself may word it in another way.

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
            same = _same(raised, report)
            if same is not None:
                raised.remove(same)
            if key not in done:  # of two spans that share an id it is the first one's
                found.append(_reported(report, span, same))
        done.add(key)
        found += (_recorded(one, span) for one in raised)
    return found


def messages_of(span: Span) -> list[tuple[int | None, str]]:
    """The errors without an exception that were reported of the span: when, and their texts."""
    return [
        (event.time_ns, str(event.attributes[MESSAGE]) or told(None, None))
        for event in span.events
        if event.name == MESSAGE
        and MESSAGE in event.attributes
        and is_serious(str(event.attributes.get(LEVEL, "error")))
    ]


def is_serious(level: str) -> bool:
    """Whether reports of this level are errors."""
    return level.lower() not in _LESSER


def unlinked_error(report: ErrorData, why: str) -> ErrorEvent:
    """A report that names no span of those that are looked at."""
    return ErrorEvent(
        report.type, report.message, None, report.unlinked or why, report.source, report.level,
        report.handled, report.time_ns, None, report,
    )  # fmt: skip


def lifted_error(report: ErrorData, name: str, above: Span) -> ErrorEvent:
    """A report of a span of this name that a view ignores, at the nearest one above it."""
    return ErrorEvent(
        report.type, report.message, above, None, report.source, report.level, report.handled,
        report.time_ns, name, report,
    )  # fmt: skip


def passed_in(forest: Forest, reports: Iterable[ErrorData]) -> Passed:
    """The spans that an exception went through that was reported of another one."""
    serious = [one for one in reports if is_serious(one.level)]
    by_key: dict[SpanKey | None, list[ErrorData]] = defaultdict(list)
    for report in serious:
        by_key[report.key].append(report)
    own = {
        id(span)
        for span in forest.spans
        if serious and span.events and exceptions_of(span) and _is_own(span, by_key)
    }
    return passed_through(forest, serious, own)


def _is_own(span: Span, by_key: Mapping[SpanKey | None, Sequence[ErrorData]]) -> bool:
    """Whether its own exceptions explain its status: none that another one is known to have set."""
    reports = by_key.get((span.trace_id, span.span_id), ())
    return not reports or any(is_of(one, span) for one in reports)


def by_time(forest: Forest, events: Iterable[ErrorEvent]) -> list[ErrorEvent]:
    """In order of time; of several at one instant those of the deepest spans first."""
    depth = depths(forest)
    return sorted(events, key=lambda one: (one.time_ns, -depth.get(id(one.span), 0)))


def depths(forest: Forest) -> dict[int, int]:
    """How deep each span lies, by its identity."""
    depth: dict[int, int] = {}
    for span in walk_down(forest.roots):
        depth[id(span)] = 0 if span.parent is None else depth.get(id(span.parent), 0) + 1
    return depth


def _same(raised: Sequence[Raised], report: ErrorData) -> Raised | None:
    """The event that tells the same, the one with the same text first."""
    found = [one for one in raised if is_told(report, one.type, one.message)]
    exact = (one for one in found if (one.message or None) == (report.message or None))
    return next(exact, found[0] if found else None)


def _reported(report: ErrorData, span: Span, same: Raised | None) -> ErrorEvent:
    kind, message = report.type, report.message
    if same is not None:
        if same.type is not None and len(same.type) > len(kind or ""):
            kind = same.type
        message = same.message or message
    return ErrorEvent(
        kind, message, span, None, report.source, report.level, report.handled, report.time_ns,
        None, report,
    )  # fmt: skip


def _recorded(raised: Raised, span: Span) -> ErrorEvent:
    ended = span.start_ns if span.end_ns is None else span.end_ns
    time_ns = ended if raised.time_ns is None else raised.time_ns
    return ErrorEvent(raised.type, raised.message, span, None, span.source, "error", None, time_ns)


def _text(value: object) -> str | None:
    return None if value is None else str(value)
