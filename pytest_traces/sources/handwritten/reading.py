"""Any object or mapping with the fields of a span, to SpanData."""

from __future__ import annotations

import enum
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from pytest_traces.model import KINDS, STATUSES, Event, Kind, Link, SpanData, Status
from pytest_traces.settings import BadValue
from pytest_traces.sources.handwritten.times import (
    UNITS,
    Unit,
    check_unit,
    to_duration_ns,
    to_epoch_ns,
)

_MISSING = object()
_HEX = frozenset("0123456789abcdef")

_TRACE_ID = ("trace_id", "traceId", "trace")
_SPAN_ID = ("span_id", "spanId", "id")
_PARENT_ID = ("parent_id", "parentId", "parent_span_id", "parentSpanId", "parent")
_NAME = ("name", "operation_name", "operationName", "operation")
_START = ("start", "start_time", "startTime", "started_at", "startedAt", "timestamp")
_END = ("end", "end_time", "endTime", "ended_at", "endedAt", "finished_at", "finishedAt")
_DURATION = ("duration", "elapsed")
_SUFFIXES: dict[str, Unit] = {
    **{f"_{unit}": unit for unit in UNITS},
    "Ns": "ns",
    "Us": "us",
    "Ms": "ms",
    "_unix_nano": "ns",
    "UnixNano": "ns",
}


class UnreadableSpan(ValueError):
    """What was given is no span: the field that is missing or wrong, and what was given."""

    def __init__(self, field: str, reason: str, given: object) -> None:
        super().__init__(field, reason, given)
        self.field = field
        self.reason = reason
        self.given = given

    def __str__(self) -> str:
        return f"not a span: {self.reason}\n  given: {_shorten(self.given)}"


class _Fields:
    """The fields of a mapping or an object, under any of their usual names."""

    def __init__(self, given: object) -> None:
        self.given = given

    def get(self, names: Iterable[str]) -> object:
        for name in names:
            value = self._one(name)
            if value is not _MISSING:
                return value
        return _MISSING

    def timed(self, names: Iterable[str]) -> tuple[str, object, Unit | None]:
        """Name, value and, where the name ends in one, the unit."""
        for name in names:
            value = self._one(name)
            if value is not _MISSING:
                return name, value, None
            for suffix, unit in _SUFFIXES.items():
                value = self._one(name + suffix)
                if value is not _MISSING:
                    return name + suffix, value, unit
        return next(iter(names)), _MISSING, None

    def _one(self, name: str) -> object:
        if isinstance(self.given, Mapping):
            return self.given.get(name, _MISSING)
        return getattr(self.given, name, _MISSING)


def looks_like_span(given: object) -> bool:
    """Whether it has a name and at least one of the ids."""
    fields = _Fields(given)
    if isinstance(given, str | bytes | int | float | type):
        return False
    has_id = fields.get(_TRACE_ID) is not _MISSING or fields.get(_SPAN_ID) is not _MISSING
    return has_id and fields.get(_NAME) is not _MISSING


def read_span(given: object, unit: str = "ms") -> SpanData:
    """Read a span of any shape that has the five fields.

    Args:
        given: a mapping or an object with trace id, span id, name, start and end (or
            duration), in snake_case or camelCase; parent id, kind, status, attributes,
            events, links, service and scope where it has them.
        unit: the unit of times that are bare numbers under a name that states none.

    Returns:
        The span as a value.

    Raises:
        UnreadableSpan: a field is missing or wrong; it names the field.
        BadValue: no such unit.
    """
    default = check_unit(unit)
    fields = _Fields(given)
    name = fields.get(_NAME)
    if not isinstance(name, str):
        raise _absent("name", _NAME, name, "a string", given)
    try:
        start_ns = _instant(fields, _START, "start", default)
        return SpanData(
            name=name,
            trace_id=_required_id(fields, "trace_id", _TRACE_ID, 32),
            span_id=_required_id(fields, "span_id", _SPAN_ID, 16),
            parent_id=_parent_id(fields),
            start_ns=start_ns,
            end_ns=_end(fields, start_ns, default),
            **_optional(fields, default),
        )
    except BadValue as error:
        raise UnreadableSpan(error.where, str(error), given) from None


def _instant(fields: _Fields, names: tuple[str, ...], field: str, default: Unit) -> int:
    name, value, unit = fields.timed(names)
    if value is _MISSING or value is None:
        raise _absent(field, names, value, "a time", fields.given)
    return to_epoch_ns(value, unit or default, name)


def _end(fields: _Fields, start_ns: int, default: Unit) -> int | None:
    name, value, unit = fields.timed(_END)
    if value is None:
        return None
    if value is not _MISSING:
        return to_epoch_ns(value, unit or default, name)
    name, value, unit = fields.timed(_DURATION)
    if value is _MISSING:
        raise _absent("end", _END, value, "a time, or None while the span is open", fields.given)
    return None if value is None else start_ns + to_duration_ns(value, unit or default, name)


def _absent(
    field: str, names: tuple[str, ...], value: object, wanted: str, given: object
) -> UnreadableSpan:
    if value is _MISSING:
        reason = f"it has no {field} (looked for {', '.join(names)})"
    else:
        reason = f"its {field} is {value!r}, not {wanted}"
    return UnreadableSpan(field, reason, given)


def _required_id(fields: _Fields, field: str, names: tuple[str, ...], digits: int) -> str:
    value = fields.get(names)
    if value is _MISSING or value is None:
        raise _absent(field, names, value, f"an id of {digits} hex digits", fields.given)
    return read_id(value, field, digits)


def _parent_id(fields: _Fields) -> str | None:
    value = fields.get(_PARENT_ID)
    if value is _MISSING or value is None or value == "" or value == 0:
        return None
    if not isinstance(value, str | int | uuid.UUID):  # the parent span itself
        value = _Fields(value).get(_SPAN_ID)
    if isinstance(value, str) and not value.strip("0"):
        return None
    return read_id(value, "parent_id", 16)


def read_id(value: object, field: str, digits: int) -> str:
    """Read an id: a hex string in any case, an integer, or a UUID.

    A shorter one is padded with zeros, as a trace id of 64 bits is (W3C Trace Context
    level 2, "Interoperating with existing systems which use shorter identifiers").

    Raises:
        BadValue: not an id, too long, or all zeros, which is no valid id.
    """
    wanted = f"an id is at most {digits} hex digits, not all zeros, or such an integer"
    if isinstance(value, uuid.UUID):
        text = value.hex
    elif isinstance(value, int) and not isinstance(value, bool) and value > 0:
        text = f"{value:x}"
    elif isinstance(value, str):
        text = value.strip().lower().removeprefix("0x").replace("-", "")
    else:
        raise BadValue(field, value, wanted)
    if not text or len(text) > digits or not _HEX.issuperset(text) or not text.strip("0"):
        raise BadValue(field, value, wanted)
    return text.rjust(digits, "0")


def _optional(fields: _Fields, default: Unit) -> dict[str, Any]:
    status, description = _status(fields)
    return {
        "kind": _kind(fields),
        "status": status,
        "status_description": description,
        "attributes": _mapping(fields.get(("attributes", "tags", "meta")), "attributes"),
        "events": _events(fields.get(("events", "logs")), default),
        "links": _links(fields.get(("links",))),
        "service": _text(fields.get(("service", "service_name", "serviceName")), "service"),
        "resource": _mapping(fields.get(("resource",)), "resource"),
        "scope": _text(fields.get(("scope", "scope_name", "scopeName")), "scope"),
        "sampled": fields.get(("sampled",)) is not False,
        "remote_parent": fields.get(("remote_parent", "remoteParent")) is True,
    }


def _word(value: object) -> str:
    text = value.name if isinstance(value, enum.Enum) else str(value)
    return text.rpartition(".")[2].lower().removeprefix("span_kind_").removeprefix("status_code_")


def _kind(fields: _Fields) -> Kind:
    value = fields.get(("kind", "span_kind", "spanKind"))
    if value is _MISSING or value is None:
        return "internal"
    for kind in KINDS:
        if _word(value) == kind:
            return kind
    raise BadValue("kind", value, f"a kind is one of {', '.join(KINDS)}")


def _status(fields: _Fields) -> tuple[Status, str | None]:
    value = fields.get(("status", "status_code", "statusCode"))
    description = fields.get(("status_description", "statusDescription", "status_message"))
    if isinstance(value, Mapping):
        description = value.get("description", value.get("message", description))
        value = value.get("code", value.get("status_code", _MISSING))
    if value is _MISSING or value is None:
        error = fields.get(("error",))
        value = "error" if error not in (_MISSING, None, False, "") else "unset"
    for status in STATUSES:
        if _word(value) == status:
            return status, _text(description, "status_description") or None
    raise BadValue("status", value, f"a status is one of {', '.join(STATUSES)}")


def _text(value: object, field: str) -> str | None:
    if value is _MISSING or value is None:
        return None
    name = getattr(value, "name", value)
    if isinstance(name, str):
        return name
    raise BadValue(field, value, "a name is a string")


def _mapping(value: object, field: str) -> dict[str, object]:
    if value is _MISSING or value is None:
        return {}
    if isinstance(value, Mapping):
        return {str(key): item for key, item in value.items()}
    raise BadValue(field, value, f"{field} are a mapping of names to values")


def _sequence(value: object, field: str) -> list[object]:
    if value is _MISSING or value is None:
        return []
    if isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping):
        return list(value)
    raise BadValue(field, value, f"{field} are a list")


def _events(value: object, default: Unit) -> tuple[Event, ...]:
    events = []
    for one in _sequence(value, "events"):
        if isinstance(one, str):
            events.append(Event(one))
            continue
        fields = _Fields(one)
        name, time, unit = fields.timed(("timestamp", "time"))
        at = None if time in (_MISSING, None) else to_epoch_ns(time, unit or default, name)
        attributes = _mapping(fields.get(("attributes",)), "attributes")
        events.append(Event(_text(fields.get(("name",)), "events") or "event", at, attributes))
    return tuple(events)


def _links(value: object) -> tuple[Link, ...]:
    links = []
    for one in _sequence(value, "links"):
        fields = _Fields(one)
        links.append(
            Link(
                read_id(fields.get(_TRACE_ID), "links.trace_id", 32),
                read_id(fields.get(_SPAN_ID), "links.span_id", 16),
                _mapping(fields.get(("attributes",)), "attributes"),
            )
        )
    return tuple(links)


def _shorten(given: object) -> str:
    if not isinstance(given, Mapping) and hasattr(given, "__dict__") and not isinstance(given, type):
        text = f"{type(given).__name__} with {vars(given)!r}"
    else:
        text = repr(given)
    return text if len(text) <= 300 else text[:297] + "..."
