"""OTLP as protobuf: bytes become spans that are read only when somebody looks at them.

The messages are those of opentelemetry-proto, which is imported with the first bytes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from pytest_traces.encoding.malformed import Malformed
from pytest_traces.encoding.otlp_words import (
    NO_SPAN_ID,
    NO_TRACE_ID,
    SPAN_ID_BYTES,
    TRACE_ID_BYTES,
    UNSAMPLED,
    attributes_of,
    id_fault,
    is_remote,
    kind_of,
    service_of,
    status_of,
)
from pytest_traces.model import Event, Link, SpanData

MISSING = "opentelemetry-proto is not installed: pip install pytest-traces[otlp]"
#: In the place of an end; no time is below zero.
_FAULTY = -1


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
    """A span as it was parsed, what it shares with others, and where in the message it stands."""

    span: Any
    group: Group
    place: str

    def number(self) -> int:
        """Trace id and span id as one number."""
        return int.from_bytes(self.span.trace_id + self.span.span_id, "big")

    def decode(self, source: str) -> SpanData:
        """The whole span, as one of this source."""
        span, group, _ = self
        parent_id, status = span.parent_span_id, span.status
        flags: int = getattr(span, "flags", 0)  # of a proto since 1.23
        return SpanData(
            name=span.name,
            trace_id=span.trace_id.hex(),
            span_id=span.span_id.hex(),
            parent_id=None if parent_id in (b"", NO_SPAN_ID) else parent_id.hex(),
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
            sampled=not flags & UNSAMPLED,
            remote_parent=is_remote(flags),
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


class Checked(NamedTuple):
    """The spans of a message that have valid ids: their numbers in it, and when they ended."""

    numbers: Sequence[int]
    ends: Sequence[int | None]


def check(
    body: bytes, rejected: list[str], is_wanted: Callable[[], bool] = lambda: True
) -> Checked:
    """What has to be known of an ``ExportTraceServiceRequest`` before it is answered.

    Nothing of it is kept: thousands of parsed spans would be a burden to the collector of garbage.

    Args:
        body: the message.
        rejected: gets what is wrong with each span whose ids are not valid.
        is_wanted: asked again and again; when it says no, nothing is found.

    Raises:
        Malformed: this is no such message.
        ModuleNotFoundError: opentelemetry-proto is not installed.
    """
    request, ends = _parse(body), []
    for resource_spans in request.resource_spans:
        if not is_wanted():
            return Checked((), ())
        for scope_spans in resource_spans.scope_spans:
            if not is_wanted():
                return Checked((), ())
            # As id_fault has it, without 512 calls for a request.
            ends += [
                span.end_time_unix_nano or None
                if len(trace_id := span.trace_id) == TRACE_ID_BYTES
                and trace_id != NO_TRACE_ID
                and len(span_id := span.span_id) == SPAN_ID_BYTES
                and span_id != NO_SPAN_ID
                and len(span.parent_span_id) in (0, SPAN_ID_BYTES)
                else _FAULTY
                for span in scope_spans.spans
            ]
    if _FAULTY not in ends:
        return Checked(range(len(ends)), ends)
    for resource_spans in request.resource_spans:
        for scope_spans in resource_spans.scope_spans:
            faults = (_fault(span) for span in scope_spans.spans)
            # The same fault of many spans is one text.
            rejected += [sys.intern(fault) for fault in faults if fault is not None]
    numbers = [number for number, end in enumerate(ends) if end != _FAULTY]
    return Checked(numbers, [ends[number] for number in numbers])


@lru_cache(maxsize=2)  # spans are read one after another
def read(body: bytes) -> list[ProtoSpan]:
    """All spans of a message, whatever their ids.

    Raises:
        Malformed: this is no such message.
        ModuleNotFoundError: opentelemetry-proto is not installed.
    """
    spans = []
    for r, resource_spans in enumerate(_parse(body).resource_spans):
        for s, scope_spans in enumerate(resource_spans.scope_spans):
            group = Group(resource_spans.resource, scope_spans.scope)
            for number, span in enumerate(scope_spans.spans):
                place = f"resourceSpans[{r}].scopeSpans[{s}].spans[{number}]"
                spans.append(ProtoSpan(span, group, place))
    return spans


def decode(body: bytes, source: str) -> list[SpanData]:
    """The spans of an ``ExportTraceServiceRequest`` or ``TracesData``.

    Args:
        body: the message.
        source: where the spans come from, by their own account.

    Raises:
        Malformed: this is no such message, or a span has no valid id.
        ModuleNotFoundError: opentelemetry-proto is not installed.
    """
    spans = read.__wrapped__(body)
    for one in spans:
        fault = _fault(one.span)
        if fault is not None:
            raise Malformed(one.place, fault)
    return [span.decode(source) for span in spans]


def _fault(span: Any) -> str | None:
    return id_fault(span.trace_id, span.span_id, span.parent_span_id)


def _parse(body: bytes) -> Any:
    message = require()
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        return message.FromString(body)
    except DecodeError as error:
        raise Malformed("", "it is no OTLP protobuf of traces") from error


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
