"""OTLP as JSON: parsed JSON becomes spans.

By the specification of OTLP ("JSON Protobuf Encoding"): ids are hex, in either case; enums are
numbers, 64-bit numbers are strings; unknown fields are ignored. Names of enums, numbers that are
written as numbers, and the keys of before version 0.19 (``instrumentationLibrarySpans``) are read,
too, as is what Tempo answers: ``batches``, and ids in base64.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from pytest_traces.encoding.json_node import Node
from pytest_traces.encoding.malformed import Malformed
from pytest_traces.encoding.otlp_words import (
    KIND_NUMBERS,
    SPAN_ID_BYTES,
    STATUS_NUMBERS,
    TRACE_ID_BYTES,
    UNSAMPLED,
    attributes_of,
    id_fault,
    is_remote,
    kind_of,
    service_of,
    status_of,
)
from pytest_traces.model import Event, Link, SpanData, Status

_HEX = re.compile("([0-9a-fA-F]{2})*")
#: So many arrays within arrays; protobuf's own parsers stop at 100 messages, two for each.
_DEEPEST = 48
_SCOPES = (("scopeSpans", "scope"), ("instrumentationLibrarySpans", "instrumentationLibrary"))


def decode(
    value: object,
    source: str,
    rejected: list[str] | None = None,
    is_wanted: Callable[[], bool] = lambda: True,
) -> list[SpanData]:
    """The spans of an ``ExportTraceServiceRequest`` or ``TracesData`` in parsed JSON.

    Args:
        value: what the JSON was parsed to.
        source: where the spans come from, by their own account.
        rejected: gets what is wrong with each span that is left out for its ids, which then have
            to be hex. Without it such a span is an error, and ids may be base64.
        is_wanted: asked again and again; when it says no, the rest is left out.

    Raises:
        Malformed: with the place at which something else is needed.
    """
    root, spans = Node(value), []
    for key in ("resourceSpans", "batches"):
        for resource_spans in root.each(key):
            resource = _resource(resource_spans)
            for scope, node in _scoped(resource_spans, is_wanted):
                ids = _ids(node, rejected)
                if ids is not None:
                    spans.append(_span(node, ids, resource, scope, source))
            if not is_wanted():
                return spans
    return spans


def _resource(node: Node) -> Mapping[str, object]:
    resource = node.field("resource")
    return attributes_of(()) if resource is None else _attributes(resource)


def _scoped(
    resource_spans: Node, is_wanted: Callable[[], bool]
) -> Iterator[tuple[str | None, Node]]:
    """Each span of a resource, with the name of its scope, as long as they are wanted."""
    for several, one in _SCOPES:
        for scope_spans in resource_spans.each(several):
            scope = scope_spans.field(one)
            name = None if scope is None else scope.text("name") or None
            for span in scope_spans.each("spans"):
                if not is_wanted():
                    return
                yield name, span
            if not is_wanted():
                return


def _ids(span: Node, rejected: list[str] | None) -> tuple[str, str, str | None] | None:
    """Trace id, span id and the parent's id; None where they are wrong, and that is noted."""
    trace_id = span_id = parent_id = b""
    try:
        may_be_base64 = rejected is None
        trace_id = _id(span, "traceId", TRACE_ID_BYTES, may_be_base64)
        span_id = _id(span, "spanId", SPAN_ID_BYTES, may_be_base64)
        parent_id = _id(span, "parentSpanId", SPAN_ID_BYTES, may_be_base64)
        fault = id_fault(trace_id, span_id, parent_id)
    except Malformed as error:
        if rejected is None or not isinstance(span.value, Mapping):
            raise
        fault = f"{error.where.rpartition('.')[2]}: {error.why}"
    if fault is None:
        return trace_id.hex(), span_id.hex(), parent_id.hex() if any(parent_id) else None
    if rejected is None:
        raise Malformed(span.where, fault)
    rejected.append(fault)
    return None


def _id(node: Node, name: str, size: int, may_be_base64: bool) -> bytes:
    field = node.field(name)
    if field is None:
        return b""
    text = field.value
    if isinstance(text, str):
        if _HEX.fullmatch(text):
            return bytes.fromhex(text)
        if may_be_base64 and len(text) == -(-size // 3) * 4:
            return field.as_bytes()
    raise field.fault(f"{size * 2} hex digits are needed")


def _span(
    node: Node,
    ids: tuple[str, str, str | None],
    resource: Mapping[str, object],
    scope: str | None,
    source: str,
) -> SpanData:
    trace_id, span_id, parent_id = ids
    status, description = _status(node)
    flags = node.whole("flags", 32)
    return SpanData(
        name=node.text("name"),
        trace_id=trace_id,
        span_id=span_id,
        parent_id=parent_id,
        start_ns=node.whole("startTimeUnixNano", 64),
        end_ns=node.whole("endTimeUnixNano", 64) or None,
        kind=kind_of(node.enum("kind", KIND_NUMBERS)),
        status=status,
        status_description=description,
        attributes=_attributes(node),
        events=tuple(
            Event(one.text("name"), one.whole("timeUnixNano", 64) or None, _attributes(one))
            for one in node.each("events")
        ),
        links=tuple(
            Link(_linked(one, "traceId"), _linked(one, "spanId"), _attributes(one))
            for one in node.each("links")
        ),
        service=service_of(resource),
        resource=resource,
        scope=scope,
        source=source,
        sampled=not flags & UNSAMPLED,
        remote_parent=is_remote(flags),
    )


def _status(node: Node) -> tuple[Status, str | None]:
    status = node.field("status")
    if status is None:
        return "unset", None
    return status_of(status.enum("code", STATUS_NUMBERS)), status.text("message") or None


def _linked(node: Node, name: str) -> str:
    size = TRACE_ID_BYTES if name == "traceId" else SPAN_ID_BYTES
    return _id(node, name, size, may_be_base64=True).hex()


def _attributes(node: Node, name: str = "attributes", depth: int = 0) -> Mapping[str, object]:
    return attributes_of(
        (pair.text("key"), _value(pair.field("value"), depth)) for pair in node.each(name)
    )


def _value(node: Node | None, depth: int) -> object:
    """An ``AnyValue``: an object with one field, or none, that says what it is."""
    if node is None:
        return None
    if depth > _DEEPEST:
        raise Malformed(node.where.partition(".value")[0], "its value is nested too deeply")
    found = [(_READERS[key], one) for key, one in node.items() if key in _READERS]
    if len(found) > 1:
        raise node.fault("a value has one type")
    return found[0][0](found[0][1], depth) if found else None


def _array(node: Node, depth: int) -> tuple[object, ...]:
    return tuple(_value(one, depth + 1) for one in node.each("values"))


def _mapping(node: Node, depth: int) -> Mapping[str, object]:
    return _attributes(node, "values", depth + 1)


_BY_TYPE: dict[str, Callable[[Node, int], object]] = {
    "string": lambda node, _: node.as_text(),
    "bool": lambda node, _: node.as_bool(),
    "int": lambda node, _: node.as_whole(64, is_signed=True),
    "double": lambda node, _: node.as_float(),
    "bytes": lambda node, _: node.as_bytes(),
    "array": _array,
    "kvlist": _mapping,
}
#: The fields of ``AnyValue``, in either spelling.
_READERS = {
    spelling: reader
    for kind, reader in _BY_TYPE.items()
    for spelling in (f"{kind}Value", f"{kind}_value")
}
