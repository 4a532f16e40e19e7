"""OTLP as protobuf: bytes become spans that are read only when somebody looks at them.

The messages are those of opentelemetry-proto, which is imported with the first bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import repeat
from typing import Any, NamedTuple

from pytest_traces.encoding.malformed import Malformed
from pytest_traces.encoding.otlp_words import (
    SPAN_ID_BYTES,
    TRACE_ID_BYTES,
    attributes_of,
    id_fault,
    is_remote,
    kind_of,
    service_of,
    status_of,
)
from pytest_traces.model import Event, Link, SpanData

MISSING = "opentelemetry-proto is not installed: pip install pytest-traces[otlp]"
_NO_ID = bytes(SPAN_ID_BYTES)


class Group:
    """What the spans of one scope have in common, read at most once.

    Nothing that is kept here is written to by two threads with different values.
    """

    def __init__(self, resource: Any, scope: Any) -> None:
        self._resource = resource
        self._scope = scope

    @cached_property
    def resource(self) -> Mapping[str, object]:
        """The attributes of the resource."""
        return _attributes(self._resource.attributes)

    @cached_property
    def service(self) -> str | None:
        """The name of the service."""
        return service_of(self.resource)

    @cached_property
    def scope(self) -> str | None:
        """The name of the scope."""
        return self._scope.name or None


class ProtoSpan(NamedTuple):
    """A span as it was parsed, with what it shares with others."""

    span: Any
    group: Group

    def number(self) -> int:
        """Trace id and span id as one number."""
        return int.from_bytes(self.span.trace_id + self.span.span_id, "big")

    def decode(self, source: str) -> SpanData:
        """The whole span, as one of this source."""
        span, group = self
        parent_id, status = span.parent_span_id, span.status
        return SpanData(
            name=span.name,
            trace_id=span.trace_id.hex(),
            span_id=span.span_id.hex(),
            parent_id=None if parent_id in (b"", _NO_ID) else parent_id.hex(),
            start_ns=span.start_time_unix_nano,
            end_ns=span.end_time_unix_nano or None,
            kind=kind_of(span.kind),
            status=status_of(status.code),
            status_description=status.message or None,
            attributes=_attributes(span.attributes),
            events=tuple(
                Event(one.name, one.time_unix_nano or None, _attributes(one.attributes))
                for one in span.events
            ),
            links=tuple(
                Link(one.trace_id.hex(), one.span_id.hex(), _attributes(one.attributes))
                for one in span.links
            ),
            service=group.service,
            resource=group.resource,
            scope=group.scope,
            source=source,
            remote_parent=is_remote(span.flags),
        )


def require() -> type[Any]:
    """The class of the message ``ExportTraceServiceRequest``.

    Raises:
        ModuleNotFoundError: opentelemetry-proto is not installed; the message says what to do.
    """
    try:
        from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(MISSING, name=error.name) from error
    message: type[Any] = trace_service_pb2.ExportTraceServiceRequest
    return message


class Parsed(NamedTuple):
    """What a message holds, not yet read."""

    spans: list[ProtoSpan]
    #: The time of each span's end; None where it has none.
    ends: list[int | None]


def parse(body: bytes, rejected: list[str] | None = None) -> Parsed:
    """The spans of an ``ExportTraceServiceRequest`` (or ``TracesData``).

    Args:
        body: the message.
        rejected: gets what is wrong with each span that is left out for its ids; without it
            such a span is an error.

    Raises:
        Malformed: this is no such message.
        ModuleNotFoundError: opentelemetry-proto is not installed.
    """
    message = require()
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        request = message.FromString(body)
    except DecodeError as error:
        raise Malformed("", "it is no OTLP protobuf of traces") from error
    parsed = Parsed([], [])
    for r, resource_spans in enumerate(request.resource_spans):
        for s, scope_spans in enumerate(resource_spans.scope_spans):
            group = Group(resource_spans.resource, scope_spans.scope)
            spans = list(scope_spans.spans)
            if not _are_well_identified(spans):
                where = f"resourceSpans[{r}].scopeSpans[{s}].spans"
                spans = list(_well_identified(spans, where, rejected))
            parsed.spans.extend(map(ProtoSpan._make, zip(spans, repeat(group))))
            parsed.ends.extend([span.end_time_unix_nano or None for span in spans])
    return parsed


def decode(body: bytes, source: str) -> list[SpanData]:
    """The spans of an ``ExportTraceServiceRequest`` or ``TracesData``.

    Args:
        body: the message.
        source: where the spans come from, by their own account.

    Raises:
        Malformed: this is no such message, or a span has no valid id.
        ModuleNotFoundError: opentelemetry-proto is not installed.
    """
    return [span.decode(source) for span in parse(body).spans]


def _are_well_identified(spans: list[Any]) -> bool:
    """Whether :func:`id_fault` finds nothing in any of them, which takes a third of the time."""
    trace_ids, span_ids = [span.trace_id for span in spans], [span.span_id for span in spans]
    return (
        {*map(len, trace_ids)} <= {TRACE_ID_BYTES}
        and {*map(len, span_ids)} <= {SPAN_ID_BYTES}
        and {len(span.parent_span_id) for span in spans} <= {0, SPAN_ID_BYTES}
        and bytes(TRACE_ID_BYTES) not in trace_ids
        and bytes(SPAN_ID_BYTES) not in span_ids
    )


def _well_identified(spans: list[Any], where: str, rejected: list[str] | None) -> Iterator[Any]:
    """Those with valid ids; of the others it is noted, or raised, what is wrong."""
    for number, span in enumerate(spans):
        fault = id_fault(span.trace_id, span.span_id, span.parent_span_id)
        if fault is None:
            yield span
        elif rejected is None:
            raise Malformed(f"{where}[{number}]", fault)
        else:
            rejected.append(fault)


def _attributes(pairs: Iterable[Any]) -> Mapping[str, object]:
    return attributes_of((pair.key, _value(pair.value)) for pair in pairs)


def _value(value: Any) -> object:
    which = value.WhichOneof("value")
    if which is None or which == "string_value_strindex":  # an index into what traces do not have
        return None
    if which == "array_value":
        return tuple(_value(one) for one in value.array_value.values)
    if which == "kvlist_value":
        return _attributes(value.kvlist_value.values)
    content: object = getattr(value, which)
    return content
