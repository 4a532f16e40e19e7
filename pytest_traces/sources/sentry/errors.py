"""Error events of Sentry become ErrorData, with the span that they name.

An error is an event with an exception, or a message of the level ``error`` or ``fatal``. What
``ignore_errors``, a processor, ``before_send`` or ``sample_rate`` drops is no error here either:
the application would not have reported it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from types import MappingProxyType
from typing import Any, NamedTuple

from pytest_traces.model import ErrorData, SpanData
from pytest_traces.recording import Clock, Entry, Journal, SpanKey, past_key
from pytest_traces.recording.arrivals import is_same_class
from pytest_traces.sources.sentry.current import current_key
from pytest_traces.sources.sentry.events import Outcome
from pytest_traces.sources.sentry.kept import SOURCE
from pytest_traces.sources.sentry.thrown import exception_in, thrown_with_causes

_LEVELS = ("error", "fatal")
_ATTRIBUTES = ("transaction", "logger")
_NO_SPAN = "no span was active"
_NAMES_NONE = "the report names no span"
_TRACING_OFF = (
    "tracing is off (neither traces_sample_rate nor traces_sampler is set), so the event names "
    "no span"
)


_BEFORE = "its span started before the recording"
_ELSEWHERE = "the span that it names was not recorded"


class Around(NamedTuple):
    """What was there when an event was captured.

    ``others`` are the spans that were current to other sources.
    """

    span: SpanKey | None
    is_active: bool
    is_tracing: bool
    others: frozenset[SpanKey]


class Errors:
    """Puts the errors of Sentry into the open recordings."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        #: Errors whose span nobody has looked for yet, and what to say where it is not there.
        self._unchecked: list[tuple[ErrorData, str]] = []

    def flush(self) -> None:
        """Look for the spans that the errors name, and say why where one is not there."""
        unchecked, self._unchecked = self._unchecked, []
        known = recorded_keys(self._journal) if unchecked else set()
        for error, why in unchecked:
            if error.key is not None and past_key(*error.key) not in known:
                for window in self._journal.windows:
                    for place, one in enumerate(window.errors):
                        if one is error:  # others may be added meanwhile, behind it
                            window.errors[place] = one._replace(key=None, unlinked=why)

    def forget(self) -> None:
        """Their recordings are over."""
        self._unchecked.clear()

    def around(self, client: Any) -> Around:
        """What an event of this client finds."""
        try:
            options, is_active = client.options or {}, bool(client.is_active())
            rates = (options.get("traces_sample_rate"), options.get("traces_sampler"))
            is_tracing = options.get("enable_tracing") is not False and rates != (None, None)
        except Exception:  # noqa: BLE001  # a client of the application's own
            is_active, is_tracing = False, False
        return Around(current_key(), is_active, is_tracing, frozenset(self._others()))

    def _others(self) -> Iterator[SpanKey]:
        for name, source in list(self._journal.sources.items()):
            with suppress(Exception):  # a span of the application's own
                key = source.current() if name != SOURCE else None
                if key is not None:
                    yield key

    def captured(self, event: Any, hint: Any, outcome: Outcome, around: Around) -> None:
        """An event went through a client, with or without a transport."""
        if around.is_active and (outcome.event is None or outcome.is_dropped):
            return
        final = outcome.event if isinstance(outcome.event, dict) else event
        try:
            error = self._error(final, hint, around)
        except Exception as fault:  # noqa: BLE001  # events are made by anybody
            problem = f"an event of {SOURCE} cannot be read: {type(fault).__name__}: {fault}"
            for window in self._journal.windows:
                if SOURCE in window.settings.sources and problem not in window.problems:
                    window.problems.append(problem)
            return
        if error is not None:
            # Of a span that another source has, or had, the look at it says what became of it.
            if error.key is not None and around.is_active and error.key not in around.others:
                self._unchecked.append((error, _why_not(error.key, around)))
            for window in self._journal.windows:
                window.errors.append(error)
            if self._journal.waiters:
                self._journal.wake()

    def _error(self, event: dict[str, Any], hint: Any, around: Around) -> ErrorData | None:
        exception, level = _exception_of(event), str(event.get("level") or "error")
        if event.get("type") not in (None, "error") or not (exception or level in _LEVELS):
            return None
        key, unlinked = _link(event, around)
        mechanism = exception.get("mechanism") or {}
        attributes = {name: event[name] for name in _ATTRIBUTES if event.get(name)}
        if mechanism.get("type"):
            attributes["mechanism"] = mechanism["type"]
        message = exception.get("value") if exception else _message_of(event, hint)
        kind, cause = _type_of(exception), exception_in(hint)
        return ErrorData(
            number=next(self._journal.numbers),
            source=SOURCE,
            type=kind,
            message=None if message is None else str(message),
            time_ns=Clock.time_ns(),
            key=key,
            unlinked=unlinked,
            level=level,
            handled=mechanism.get("handled"),
            attributes=MappingProxyType(attributes),
            wording=_wording_of(cause, kind),
            thread=threading.current_thread().name,
            ticks_ns=Clock.perf_counter_ns(),
            beside=None if around.span == key else around.span,
            thrown=() if cause is None else thrown_with_causes(cause),
        )


def _why_not(named: SpanKey, around: Around) -> str:
    if around.span is None:
        return _NO_SPAN
    if around.span == named:
        return _BEFORE
    return _ELSEWHERE if around.is_tracing else _TRACING_OFF


def recorded_keys(journal: Journal) -> set[int]:
    """Trace id and span id of every span in the journal, as one number."""
    keys = set()
    for entry in list(journal.entries.values()):
        # A span that cannot be read is reported by who looks at it.
        with suppress(Exception):
            keys.add(_number_of(entry, journal))
    return keys


def _number_of(entry: Entry, journal: Journal) -> int:
    if not isinstance(entry, SpanData):
        source = journal.sources[entry[0]]
        if entry[1] is not None:
            return source.past_key(entry)
        entry = source.decode(entry)
    return past_key(entry.trace_id, entry.span_id)


def _exception_of(event: dict[str, Any]) -> dict[str, Any]:
    """The last of its exceptions, which is the one that was caught; the others caused it."""
    found = event.get("exception") or {}
    values = found.get("values") if isinstance(found, dict) else found
    return dict(values[-1]) if values else {}


def _type_of(exception: dict[str, Any]) -> str | None:
    """With its module, as OpenTelemetry names it."""
    name, module = exception.get("type"), exception.get("module")
    if not name or module in (None, "", "builtins", "exceptions"):
        return name or None
    return f"{module}.{name}"


def _wording_of(error: BaseException | None, kind: str | None) -> str | None:
    """What the exception says of itself, which is how OpenTelemetry words it.

    Sentry asks for a ``message`` and a ``detail`` first, adds notes, and cuts what is long.
    """
    if error is None:
        return None
    of = type(error)
    if not is_same_class(f"{of.__module__}.{of.__qualname__}", kind):
        return None  # a processor has put another one in its place
    with suppress(Exception):  # an exception of the application's own may say anything
        return str(error)
    return None


def _message_of(event: dict[str, Any], hint: Any) -> Any:
    record = hint.get("log_record")
    if record is not None:
        return record.getMessage()
    entry = event.get("logentry") or {}
    return event.get("message") or entry.get("formatted") or entry.get("message")


def _link(event: dict[str, Any], around: Around) -> tuple[SpanKey | None, str | None]:
    """The span that an event names, or why it names none."""
    if not around.is_active:  # nobody has written into the event what it belongs to
        return (around.span, None) if around.span is not None else (None, _NO_SPAN)
    context = (event.get("contexts") or {}).get("trace") or {}
    named: SpanKey = str(context.get("trace_id") or ""), str(context.get("span_id") or "")
    if not all(named):  # a processor has taken it away: Sentry always names one
        return None, _NAMES_NONE
    # Without a span, or without tracing, it names one that will never be; OpenTelemetry's may be
    # there, whatever the current span of Sentry is.
    return named, None
