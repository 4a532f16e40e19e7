"""Any object or mapping with the fields of a span, to SpanData."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pytest_traces.model import SpanData
from pytest_traces.settings import BadValue
from pytest_traces.sources.handwritten.details import is_absent, read_details
from pytest_traces.sources.handwritten.fields import MISSING, SPAN_ID, TRACE_ID, Given, spellings
from pytest_traces.sources.handwritten.ids import read_parent_id, read_span_id, read_trace_id
from pytest_traces.sources.handwritten.outcome import read_outcome
from pytest_traces.sources.handwritten.times import Unit, check_unit, to_duration_ns, to_epoch_ns

_PARENT_ID = spellings("parent_id", "parent_span_id", "parent")
_NAME = spellings("name", "operation_name", "operation")
_START = spellings("start", "start_time", "started_at", "timestamp")
_END = spellings("end", "end_time", "ended_at", "finished_at")
_DURATION = ("duration", "elapsed")

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_LONGEST = 300


class UnreadableSpan(ValueError):
    """What was given is no span: the field that is missing or wrong, and what was given."""

    def __init__(self, field: str, reason: str, given: object) -> None:
        super().__init__(field, reason, given)
        self.field = field
        self.reason = reason
        self.given = given

    def __str__(self) -> str:
        return f"not a span: {self.reason}\n  given: {shortened(self.given)}"


def looks_like_span(given: object, *, whole: bool = False) -> bool:
    """Whether it has a name and at least one of the ids; and a start, if it is to be whole."""
    if isinstance(given, str | bytes | int | float | type):
        return False
    fields = Given(given)
    try:
        has_id = not (is_absent(fields.id(TRACE_ID)) and is_absent(fields.id(SPAN_ID)))
        has_start = not whole or not is_absent(fields.timed(_START)[1])
        return has_id and has_start and not is_absent(fields.get(_NAME))
    except BadValue:
        return False


def read_span(given: object, unit: str = "ms") -> SpanData:
    """Read a span of any shape that has the five fields.

    Args:
        given: a mapping or an object with trace id, span id, name, start and end (or
            duration), in snake_case or camelCase; parent id, kind, status, error, attributes,
            events, links, service, resource and scope where it has them.
        unit: the unit of times that are bare numbers under a name that states none.

    Returns:
        The span as a value.

    Raises:
        UnreadableSpan: a field is missing or wrong; it names the field.
        BadValue: no such unit.
    """
    __tracebackhide__ = True
    default = check_unit(unit)
    try:
        return _read(Given(given), default)
    except BadValue as error:
        raise UnreadableSpan(error.where, str(error), given) from None
    except UnreadableSpan as error:
        raise error.with_traceback(None) from None


def _read(given: Given, default: Unit) -> SpanData:
    name = _required(given.get(_NAME), "name", _NAME, given)
    if not isinstance(name, str):
        raise BadValue("name", name, "a name is a text")
    trace_id = _required(given.id(TRACE_ID), "trace_id", TRACE_ID, given)
    span_id = _required(given.id(SPAN_ID), "span_id", SPAN_ID, given)
    field, value, unit = given.timed(_START)
    start = _required(value, "start", _START, given)
    start_ns = to_epoch_ns(start, unit or default, field, stated=unit is not None)
    end_ns = _read_end(given, start_ns, default)
    outcome = read_outcome(given, end_ns)
    details = read_details(given, default)
    details["events"] += outcome.events
    return SpanData(
        name=name,
        trace_id=read_trace_id(trace_id),
        span_id=read_span_id(span_id),
        parent_id=read_parent_id(given.id(_PARENT_ID)),
        start_ns=start_ns,
        end_ns=end_ns,
        status=outcome.status,
        status_description=outcome.description,
        **details,
    )


def _required(value: object, field: str, names: tuple[str, ...], given: Given) -> object:
    if value is MISSING:
        reason = f"it has no {field} (looked for {', '.join(names)})"
        raise UnreadableSpan(field, reason, given.value)
    if value is None:
        raise UnreadableSpan(field, f"its {field} is None", given.value)
    return value


def _read_end(given: Given, start_ns: int, default: Unit) -> int | None:
    """The end, or start plus duration; None where the span says that it has none yet."""
    field, value, unit = given.timed(_END)
    if not is_absent(value):
        end_ns = to_epoch_ns(value, unit or default, field, stated=unit is not None)
        if end_ns < start_ns:
            raise BadValue(field, value, "it lies before the start")
        return end_ns
    length_field, length, length_unit = given.timed(_DURATION)
    if not is_absent(length):
        return start_ns + to_duration_ns(length, length_unit or default, length_field)
    if value is MISSING and length is MISSING:
        wanted = f"looked for {', '.join((*_END, *_DURATION))}; None while the span is open"
        raise UnreadableSpan("end", f"it has no end ({wanted})", given.value)
    return None


def shortened(given: object) -> str:
    """What was given on one line, without addresses; an object by its fields."""
    try:
        text = _shown(given)
    except Exception:  # noqa: BLE001  # the repr of an application's object may raise anything
        text = f"a {type(given).__name__}"
    text = _ADDRESS.sub("", text)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def _shown(given: object) -> str:
    if isinstance(given, Mapping | type) or type(given).__repr__ is not object.__repr__:
        return repr(given)
    names = list(getattr(given, "__dict__", ()))
    for kind in type(given).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        names += [slots] if isinstance(slots, str) else slots
    fields = {name: getattr(given, name) for name in names if hasattr(given, name)}
    return f"{type(given).__name__} with {fields!r}"
