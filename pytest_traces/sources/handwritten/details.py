"""What a span may have beside its ids, name and times: kind, service, events, links."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from typing import Any

from pytest_traces.model import KINDS, Event, Kind, Link
from pytest_traces.settings import BadValue
from pytest_traces.sources.handwritten.fields import MISSING, SPAN_ID, TRACE_ID, Given, spellings
from pytest_traces.sources.handwritten.ids import read_span_id, read_trace_id
from pytest_traces.sources.handwritten.times import Unit, to_epoch_ns

_KIND = spellings("kind", "span_kind")
_ATTRIBUTES = ("attributes", "tags", "meta")
_SERVICE = spellings("service", "service_name")
_SCOPE = spellings("scope", "scope_name", "instrumentation_scope")


def read_details(given: Given, unit: Unit) -> dict[str, Any]:
    """These fields, by the names they have in SpanData.

    Raises:
        BadValue: one of them is not what it should be.
    """
    resource = read_mapping(given.get(("resource",)), "resource")
    service = read_text(given.get(_SERVICE), "service") or resource.get("service.name")
    return {
        "kind": _read_kind(given.get(_KIND)),
        "attributes": read_mapping(given.get(_ATTRIBUTES), "attributes"),
        "events": _read_events(given.get(("events", "logs")), unit),
        "links": _read_links(given.get(("links",))),
        "service": None if service is None else str(service),
        "resource": resource,
        "scope": read_text(given.get(_SCOPE), "scope"),
        "sampled": _read_flag(given.get(("sampled",)), default=True),
        "remote_parent": _read_flag(given.get(spellings("remote_parent")), default=False),
    }


def read_word(value: object, allowed: tuple[str, ...]) -> str | None:
    """The allowed word that is meant: in any case, as an enum or as its protobuf constant."""
    meant = [value.name, value.value] if isinstance(value, enum.Enum) else [value]
    for one in meant:
        word = str(one).rpartition(".")[2].strip().lower()
        word = word.removeprefix("span_kind_").removeprefix("status_code_")
        if word in allowed and not isinstance(one, int):
            return word
    return None


def read_text(value: object, field: str) -> str | None:
    """A text, or the name of an object that has one.

    Raises:
        BadValue: neither.
    """
    if is_absent(value):
        return None
    text = value if isinstance(value, str) else Given(value).get(("name",))
    if isinstance(text, str):
        return text
    raise BadValue(field, value, "it is a text")


def read_mapping(value: object, field: str) -> dict[str, object]:
    """A mapping, its keys as text.

    Raises:
        BadValue: something else.
    """
    if is_absent(value):
        return {}
    if isinstance(value, Mapping):
        return {str(key): item for key, item in value.items()}
    raise BadValue(field, value, "it is a mapping of names to values")


def is_absent(value: object) -> bool:
    """Whether the field is not there, or None."""
    return value is MISSING or value is None


def _read_kind(value: object) -> Kind:
    if is_absent(value):
        return "internal"
    word = read_word(value, (*KINDS, "unspecified"))
    for kind in KINDS:
        if word == kind:
            return kind
    if word == "unspecified":
        return "internal"
    raise BadValue("kind", value, f"a kind is one of {', '.join(KINDS)}")


def _read_flag(value: object, *, default: bool) -> bool:
    return default if is_absent(value) else bool(value)


def _read_list(value: object, field: str) -> list[object]:
    if is_absent(value):
        return []
    if isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping):
        return list(value)
    raise BadValue(field, value, "it is a list")


def _read_events(value: object, unit: Unit) -> tuple[Event, ...]:
    events = []
    for one in _read_list(value, "events"):
        if isinstance(one, str):
            events.append(Event(one))
            continue
        given = Given(one)
        name = given.get(("name", "event", "message"))
        if not isinstance(name, str):
            raise BadValue("events", one, "an event is a text, or has a name that is one")
        field, time, own = given.timed(("timestamp", "time"))
        at = None
        if not is_absent(time):
            at = to_epoch_ns(time, own or unit, f"events.{field}", stated=own is not None)
        attributes = read_mapping(given.get(("attributes", "fields")), "events.attributes")
        events.append(Event(name, at, attributes))
    return tuple(events)


def _read_links(value: object) -> tuple[Link, ...]:
    links = []
    for one in _read_list(value, "links"):
        given = Given(one)
        trace_id, span_id = given.id(TRACE_ID), given.id(SPAN_ID)
        if is_absent(trace_id) or is_absent(span_id):
            raise BadValue("links", one, "a link has a trace id and a span id")
        links.append(
            Link(
                read_trace_id(trace_id, "links.trace_id"),
                read_span_id(span_id, "links.span_id"),
                read_mapping(given.get(("attributes",)), "links.attributes"),
            )
        )
    return tuple(links)
