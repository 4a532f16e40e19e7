"""Traces as Datadog's tracers send them to the agent, and as its test agent keeps them.

A payload is a list of chunks, each a list of spans of one trace; or an object with that list as
``traces``, or with ``chunks`` that are objects and tell of all their spans. Times are in
nanoseconds, ids in decimal. A trace id has 64 bits there; its upper half stands in hex in the tag
``_dd.p.tid`` of one span of the chunk and is that of all ("Span and Trace ID Format",
docs.datadoghq.com). The name of a span is that of the operation; what Datadog calls the resource is
the attribute ``resource.name``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pytest_traces.encoding.datadog_extras import events_of, exception_of, links_of
from pytest_traces.encoding.ids import decimal_id
from pytest_traces.encoding.json_node import Node
from pytest_traces.encoding.lists import first_object, flattened, values_of
from pytest_traces.encoding.malformed import Malformed
from pytest_traces.encoding.otlp_words import attributes_of
from pytest_traces.encoding.tags import Tags, resource_with
from pytest_traces.model import SpanData

_UPPER = "_dd.p.tid"
_PRIORITY = "_sampling_priority_v1"
#: Of a whole chunk; others tell that it is kept, or that nobody has decided (-128).
_REJECTED = (-1, 0)
_NO = ("", "0", "false")
_HALF = re.compile("[0-9a-fA-F]{16}")


class Shared(NamedTuple):
    """What the spans of one trace have in common."""

    trace_id: str
    is_sampled: bool


class Given(NamedTuple):
    """A span as it was given: the number of its chunk, and the one that is its trace id.

    ``around`` is the chunk, where that is an object.
    """

    chunk: int
    number: int
    node: Node
    around: Node | None


def looks_like_span(value: object) -> bool:
    """Whether this is a span of Datadog's."""
    return isinstance(value, Mapping) and "trace_id" in value and "span_id" in value


def looks_like_payload(value: object) -> bool:
    """Whether this is an object with chunks in it."""
    if not isinstance(value, Mapping):
        return False
    chunks = value.get("chunks")
    lists = [value.get("traces")]
    if isinstance(chunks, list):
        lists += [chunk.get("spans") for chunk in chunks if isinstance(chunk, Mapping)]
    samples = (first_object(Node(one)) for one in lists)
    return any(one is not None and looks_like_span(one.value) for one in samples)


def decode(value: object, source: str) -> list[SpanData]:
    """The spans of a payload, of a list of chunks or of spans, or the one span that this is.

    Args:
        value: the parsed JSON.
        source: where the spans come from, by their own account.

    Raises:
        Malformed: something in it is not what it should be.
    """
    given = [
        Given(chunk, decimal_id(node, "trace_id", 128), node, around)
        for chunk, node, around in _chunked(Node(value))
    ]
    shared = _shared(given)
    return [_span(one.node, shared[one.chunk, one.number], source) for one in given]


def _chunked(root: Node) -> Iterator[tuple[int, Node, Node | None]]:
    """Each span, with the number of its chunk, and the chunk itself where that is an object."""
    listed = root
    if looks_like_payload(root.value):
        for number, chunk in enumerate(root.each("chunks"), 1):
            yield from ((number, span, chunk) for span in chunk.each("spans"))
        listed = root.field("traces") or Node([])
    for number, span in flattened(listed):
        yield number, span, None


def _shared(given: list[Given]) -> dict[tuple[int, int], Shared]:
    """By chunk and number of the trace. A chunk that does not tell is like the others of it."""
    uppers: dict[tuple[int, int], str] = {}
    of_trace: dict[int, list[str]] = {}
    dropped: set[int] = set()
    for chunk, number, node, around in given:
        upper = values_of(node, "meta").get(_UPPER, _upper_of(around))
        if isinstance(upper, str) and _HALF.fullmatch(upper):
            uppers.setdefault((chunk, number), upper)
            of_trace.setdefault(number, []).append(upper)
        priority = values_of(node, "metrics").get(_PRIORITY, 1)
        if isinstance(priority, int | float) and priority <= 0:
            dropped.add(number)
        if around is not None and around.value.get("priority") in _REJECTED:
            dropped.add(number)
    shared = {}
    for chunk, number, _, _ in given:
        upper = uppers.get((chunk, number)) or next(iter(of_trace.get(number, ())), "0")
        whole = number if number >> 64 else number | int(upper, 16) << 64
        shared[chunk, number] = Shared(f"{whole:032x}", number not in dropped)
    return shared


def _upper_of(around: Node | None) -> object:
    """What a chunk that is an object says of the upper half."""
    tags = None if around is None else around.field("tags")
    field = None if tags is None else tags.field(_UPPER)
    return None if field is None else field.value


def _span(node: Node, shared: Shared, source: str) -> SpanData:
    if node.field("start") is None:
        raise Malformed(node.where, "it has no start")
    start_ns = node.whole("start", 64)
    end_ns = _end(node, start_ns)
    parent = node.field("parent_id") and decimal_id(node, "parent_id")
    meta = values_of(node, "meta")
    meta.pop(_UPPER, None)
    links, events = links_of(node, meta), events_of(node, meta)
    service = node.text("service") or None
    tags = Tags(meta)
    kind, scope, outcome = tags.kind(), tags.scope(), tags.outcome(is_error=_is_error(node))
    if outcome.status == "error" and not any(event.name == "exception" for event in events):
        events += exception_of(meta, end_ns)
    return SpanData(
        name=node.text("name"),
        trace_id=shared.trace_id,
        span_id=f"{decimal_id(node, 'span_id'):016x}",
        parent_id=f"{parent:016x}" if parent else None,
        start_ns=start_ns,
        end_ns=end_ns,
        kind=kind,
        status=outcome.status,
        status_description=outcome.description,
        attributes=attributes_of(
            {**_described(node), **values_of(node, "metrics"), **meta}.items()
        ),
        events=events,
        links=links,
        service=service,
        resource=resource_with(service),
        scope=scope or _text(meta.get("component")),
        source=source,
        sampled=shared.is_sampled,
    )


def _end(node: Node, start_ns: int) -> int | None:
    """The end; a span without a duration has not ended."""
    length = node.field("duration")
    return None if length is None else start_ns + length.as_whole(64, is_signed=True)


def _is_error(node: Node) -> bool:
    field = node.field("error")
    if field is None:
        return False
    if isinstance(field.value, str | bool):
        return str(field.value).strip().lower() not in _NO
    return bool(field.as_whole(32, is_signed=True))


def _described(node: Node) -> dict[str, object]:
    """The fields that OpenTelemetry does not have, by the names that they get there."""
    named = (("resource.name", node.text("resource")), ("span.type", node.text("type")))
    return {name: text for name, text in named if text}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
