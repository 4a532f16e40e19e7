"""Links, events and the exception of Datadog's spans, in fields of their own or in tags."""

from __future__ import annotations

import json
from collections.abc import Iterator

from pytest_traces.encoding.documents import mended
from pytest_traces.encoding.ids import SPAN_DIGITS, TRACE_DIGITS, decimal_id, hex_id
from pytest_traces.encoding.json_node import Node
from pytest_traces.encoding.lists import values_of
from pytest_traces.encoding.otlp_words import attributes_of
from pytest_traces.model import Event, Link

_LINKS = "_dd.span_links"
_EVENTS = "events"
#: Tags of an exception, by the names that they have in OpenTelemetry.
_EXCEPTION = (
    ("exception.type", ("error.type",)),
    ("exception.message", ("error.message", "error.msg")),
    ("exception.stacktrace", ("error.stack",)),
)


def links_of(node: Node, meta: dict[str, object]) -> tuple[Link, ...]:
    """The field ``span_links``, or the tag that is its JSON.

    Raises:
        Malformed: a link without ids.
    """
    return tuple(_link(one) for one in _listed(node, "span_links", meta, _LINKS))


def events_of(node: Node, meta: dict[str, object]) -> tuple[Event, ...]:
    """The field ``span_events``, or the tag that is its JSON.

    Raises:
        Malformed: an event that is none.
    """
    return tuple(
        Event(
            one.text("name"),
            one.whole("time_unix_nano", 64) or None,
            attributes_of(values_of(one, "attributes").items()),
        )
        for one in _listed(node, "span_events", meta, _EVENTS)
    )


def exception_of(meta: dict[str, object], time_ns: int | None) -> tuple[Event, ...]:
    """The exception that the tags tell of, as OpenTelemetry's event; none if they do not."""
    attributes = {
        name: meta[tag] for name, tags in _EXCEPTION for tag in reversed(tags) if tag in meta
    }
    if "exception.type" not in attributes:
        return ()
    return (Event("exception", time_ns, attributes_of(attributes.items())),)


def _listed(node: Node, name: str, meta: dict[str, object], tag: str) -> Iterator[Node]:
    """The elements of the field, else of the tag; a tag that is no JSON array stays one."""
    if node.field(name) is not None or not isinstance(meta.get(tag), str):
        return node.each(name)
    try:
        value = json.loads(mended(str(meta[tag])))
    except (ValueError, RecursionError):
        return iter(())
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        return iter(())
    del meta[tag]
    return Node({tag: value}, node, ".meta").each(tag)


def _link(node: Node) -> Link:
    """Ids are numbers in the field, the upper half apart, and hex in the tag."""
    attributes = attributes_of(values_of(node, "attributes").items())
    field = node.field("trace_id")
    if field is not None and isinstance(field.value, str):
        trace_id = hex_id(node, "trace_id", TRACE_DIGITS)
        return Link(trace_id, hex_id(node, "span_id", SPAN_DIGITS), attributes)
    upper = decimal_id(node, "trace_id_high") if node.field("trace_id_high") else 0
    number = decimal_id(node, "trace_id", 128) | upper << 64
    return Link(f"{number:032x}", f"{decimal_id(node, 'span_id'):016x}", attributes)
