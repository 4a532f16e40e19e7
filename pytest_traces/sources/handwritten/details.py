"""What a span may have beside its ids, name and times: kind, status, errors, events, links."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from pytest_traces.model import KINDS, STATUSES, Event, Kind, Link, Status
from pytest_traces.settings import BadValue
from pytest_traces.sources.handwritten.fields import MISSING, SPAN_ID, TRACE_ID, Given, spellings
from pytest_traces.sources.handwritten.ids import read_span_id, read_trace_id
from pytest_traces.sources.handwritten.times import Unit, to_epoch_ns

_KIND = spellings("kind", "span_kind")
_STATUS = spellings("status", "status_code")
_DESCRIPTION = spellings("status_description", "status_message")
_ERROR = ("error", "exception")
_ATTRIBUTES = ("attributes", "tags", "meta")
_SERVICE = spellings("service", "service_name")
_SCOPE = spellings("scope", "scope_name", "instrumentation_scope")


def read_details(given: Given, end_ns: int | None, unit: Unit) -> dict[str, Any]:
    """The optional fields, by the names they have in SpanData.

    Raises:
        BadValue: one of them is not what it should be.
    """
    outcome = _read_outcome(given, end_ns)
    resource = _read_mapping(given.get(("resource",)), "resource")
    service = _read_text(given.get(_SERVICE), "service") or resource.get("service.name")
    return {
        "kind": _read_kind(given.get(_KIND)),
        "status": outcome.status,
        "status_description": outcome.description,
        "attributes": _read_mapping(given.get(_ATTRIBUTES), "attributes"),
        "events": (*_read_events(given.get(("events", "logs")), unit), *outcome.events),
        "links": _read_links(given.get(("links",))),
        "service": None if service is None else str(service),
        "resource": resource,
        "scope": _read_text(given.get(_SCOPE), "scope"),
        "sampled": _read_flag(given.get(("sampled",)), default=True),
        "remote_parent": _read_flag(given.get(spellings("remote_parent")), default=False),
    }


def exception_event(error: BaseException, time_ns: int | None) -> Event:
    """The event that stands for an exception, as OpenTelemetry names its parts."""
    kind = type(error)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    attributes = {
        "exception.type": f"{module}{kind.__qualname__}",
        "exception.message": str(error),
    }
    return Event("exception", time_ns, attributes)


class _Outcome(NamedTuple):
    status: Status
    description: str | None = None
    events: tuple[Event, ...] = ()


def _read_outcome(given: Given, end_ns: int | None) -> _Outcome:
    """The status; where none is stated, an error makes it ``error``."""
    value, description = given.get(_STATUS), given.get(_DESCRIPTION)
    if isinstance(given.get(("status",)) or MISSING, _Absent) and _is_http_status(value):
        value = MISSING
    if value is not MISSING and not isinstance(value, str | int | enum.Enum):
        parts = Given(value)
        value = parts.get(spellings("code", "status_code")) if value is not None else None
        own = parts.get(("description", "message"))
        description = description if own is MISSING else own
    return _Outcome("unset")


def _is_http_status(value: object) -> bool:
    return isinstance(value, int)
