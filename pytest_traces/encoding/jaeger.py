"""Traces as Jaeger's query API gives them, and its user interface downloads them.

The fields are those of jaegertracing/jaeger, model/json/model.go; times are in microseconds. The
parent is the first ``CHILD_OF`` reference to the same trace, else the first ``FOLLOWS_FROM``
(``Span.ParentSpanID`` of jaegertracing/jaeger-idl); all references but a ``CHILD_OF`` to the parent
are links. What OpenTelemetry's fields became on their way into Jaeger is turned back, by its
specification ("OpenTelemetry to Jaeger Transformation").
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pytest_traces.encoding.ids import SPAN_DIGITS, TRACE_DIGITS, hex_id, parent_hex_id
from pytest_traces.encoding.json_node import Node
from pytest_traces.encoding.lists import elements, plain
from pytest_traces.encoding.malformed import Malformed
from pytest_traces.encoding.otlp_words import attributes_of
from pytest_traces.encoding.partial import note_part, said
from pytest_traces.encoding.tags import Tags, resource_with
from pytest_traces.encoding.times import length_us, start_us, time_us
from pytest_traces.model import NO_ATTRIBUTES, Event, Link, SpanData

_CHILD_OF, _FOLLOWS_FROM = "CHILD_OF", "FOLLOWS_FROM"
#: As Go writes them.
_INFINITIES = {"+Inf": math.inf, "-Inf": -math.inf}
_NOT_FOUND = (404, "404")
_EXCEPTION = {
    "error.kind": "exception.type",
    "message": "exception.message",
    "stack": "exception.stacktrace",
}


class Process(NamedTuple):
    """What emitted spans."""

    service: str | None = None
    resource: Mapping[str, object] = NO_ATTRIBUTES


class Reference(NamedTuple):
    """From a span to another."""

    kind: str
    trace_id: str
    span_id: str


def looks_like_trace(value: object) -> bool:
    """Whether this is one trace of Jaeger's."""
    return (
        isinstance(value, Mapping)
        and "spans" in value
        and not value.keys().isdisjoint(("traceID", "processes"))
    )


def looks_like_span(value: object) -> bool:
    """Whether this is a span of Jaeger's, without the trace that it belongs to."""
    return isinstance(value, Mapping) and "spanID" in value and "operationName" in value


def decode(value: object, source: str, parts: list[str] | None = None) -> list[SpanData]:
    """The spans of an answer of the query API, of a list of traces, or of one trace.

    Args:
        value: the parsed JSON.
        source: where the spans come from, by their own account.
        parts: gets the errors that the backend tells beside traces, as of one that it was asked
            for and does not have (``tracesByIDs`` of its http_handler.go). Without it they are an
            error here, too.

    Raises:
        Malformed: something in it is not what it should be, or it is an error of the backend.
    """
    root = Node(value)
    if isinstance(value, Mapping) and "data" in value:
        _look_for_errors(root, parts)
        traces = root.each("data")
    else:
        traces = elements(root)
    return [span for trace in traces for span in _trace(trace, source)]


def _look_for_errors(answer: Node, parts: list[str] | None) -> None:
    """An answer without data may say why; that there is none is no error. One with data may, too.

    What Jaeger finds odd in a span that it gives is a warning of that span, and no error.
    """
    is_empty = answer.value["data"] in (None, [])
    for error in answer.each("errors"):
        has_code = isinstance(error.value, Mapping)
        if is_empty and has_code and error.value.get("code") in _NOT_FOUND:
            continue
        text = error.text("msg") if has_code else error.as_text()
        if is_empty:
            raise Malformed(error.where, f"the backend says: {said(text)}")
        note_part(error, text, parts)


def _trace(trace: Node, source: str) -> Iterable[SpanData]:
    if not looks_like_trace(trace.value):
        raise trace.fault("a trace has spans and processes")
    by_key = trace.field("processes")
    processes = None if by_key is None else {key: _process(one) for key, one in by_key.items()}
    for span in trace.each("spans"):
        yield _span(span, trace, processes, source)


def _process(node: Node) -> Process:
    service = node.text("serviceName") or None
    return Process(service, resource_with(service, _tags(node, "tags")))


def _span(
    node: Node, trace: Node, processes: Mapping[str, Process] | None, source: str
) -> SpanData:
    has_own = bool(node.text("traceID")) or not trace.text("traceID")
    trace_id = hex_id(node if has_own else trace, "traceID", TRACE_DIGITS)
    references = [_reference(one) for one in node.each("references")]
    parent_id = _parent(node, trace_id, references)
    process = _process_of(node, processes)
    start_ns, length_ns = start_us(node, "startTime"), length_us(node, "duration")
    tags = Tags(_tags(node, "tags"))
    kind, scope, outcome = tags.kind(), tags.scope(), tags.outcome()
    return SpanData(
        name=node.text("operationName"),
        trace_id=trace_id,
        span_id=hex_id(node, "spanID", SPAN_DIGITS),
        parent_id=parent_id,
        start_ns=start_ns,
        end_ns=None if length_ns is None else start_ns + length_ns,
        kind=kind,
        status=outcome.status,
        status_description=outcome.description,
        attributes=tags.rest(),
        events=tuple(_event(one) for one in node.each("logs")),
        links=tuple(_links(references, trace_id, parent_id)),
        service=process.service,
        resource=process.resource,
        scope=scope,
        source=source,
    )


def _reference(node: Node) -> Reference:
    return Reference(
        node.text("refType") or _CHILD_OF,
        hex_id(node, "traceID", TRACE_DIGITS),
        hex_id(node, "spanID", SPAN_DIGITS),
    )


def _parent(node: Node, trace_id: str, references: list[Reference]) -> str | None:
    own = [one for one in references if one.trace_id == trace_id]
    for kind in (_CHILD_OF, _FOLLOWS_FROM):
        for one in own:
            if one.kind == kind:
                return one.span_id if one.span_id.strip("0") else None
    return parent_hex_id(node, "parentSpanID")  # as it was before there were references


def _links(references: list[Reference], trace_id: str, parent_id: str | None) -> Iterable[Link]:
    for one in references:
        if one != (_CHILD_OF, trace_id, parent_id) and one.span_id.strip("0"):
            kind = {"opentracing.ref_type": one.kind.lower()}
            yield Link(one.trace_id, one.span_id, attributes_of(kind.items()))


def _process_of(node: Node, processes: Mapping[str, Process] | None) -> Process:
    own, named = node.field("process"), node.field("processID")
    if own is not None:
        return _process(own)
    if named is None or processes is None:
        return Process()
    key = named.as_text()
    if key and key not in processes:
        raise named.fault("its trace has no such process")
    return processes.get(key, Process())


def _event(node: Node) -> Event:
    """A log; an error by OpenTracing's conventions becomes OpenTelemetry's exception."""
    fields = _tags(node, "fields")
    if fields.get("event") == "error" and "error.kind" in fields:
        del fields["event"]
        named = {_EXCEPTION.get(key, key): value for key, value in fields.items()}
        return Event("exception", time_us(node, "timestamp"), attributes_of(named.items()))
    key = next((key for key in ("event", "message") if isinstance(fields.get(key), str)), None)
    name = "log" if key is None else str(fields.pop(key))
    return Event(name, time_us(node, "timestamp"), attributes_of(fields.items()))


def _tags(node: Node, name: str) -> dict[str, object]:
    """Tags by their keys; of a repeated key the last one counts."""
    return {tag.text("key"): _value(tag) for tag in node.each(name)}


def _value(tag: Node) -> object:
    """The value by its type, where it is written as text."""
    field = tag.field("value")
    if field is None:
        return None
    if not isinstance(field.value, str):
        return plain(field)
    try:
        return _typed(tag.text("type"), field)
    except ValueError:
        return field.value


def _typed(kind: str, field: Node) -> object:
    """A text as a value of that type; a ValueError where it is none."""
    text: str = field.value
    match kind:
        case "bool" if text in {"true", "false"}:
            return text == "true"
        case "int64":
            return field.as_whole(64, is_signed=True)
        case "float64":
            return _INFINITIES[text] if text in _INFINITIES else field.as_float()
        case "binary":
            return base64.b64decode(text, validate=True)
    return text
