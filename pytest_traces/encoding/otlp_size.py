"""How many bytes spans are as OTLP protobuf, without encoding them.

The messages are those of opentelemetry/proto/trace/v1/trace.proto and common/v1/common.proto; a
field with its default value takes nothing, as in proto3. Not known here, and so not counted: the
tracestate, the versions and attributes of scopes, schema URLs, what an SDK has dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pytest_traces.model import NO_ATTRIBUTES, Event, Link, SpanData

_TAG = 1  # of a field whose number is below 16
_FIXED64 = _TAG + 8
_TRACE_ID = _TAG + 1 + 16
_SPAN_ID = _TAG + 1 + 8
#: The flags of a span have number 16; those of a link 6.
_SPAN_FLAGS = 2 + 4
_LINK_FLAGS = _TAG + 4
_ENUM = _TAG + 1


def request_size(spans: Iterable[SpanData]) -> int:
    """The bytes of an ``ExportTraceServiceRequest`` with these spans, uncompressed.

    They are grouped by resource and by scope, as an exporter does.
    """
    groups: dict[object, dict[str | None, int]] = {}
    resources: dict[object, int] = {}
    for span in spans:
        key = resource_key(span)
        if key not in resources:
            resources[key] = resource_size(span)
        scopes = groups.setdefault(key, {})
        scopes[span.scope] = scopes.get(span.scope, 0) + _nested(span_size(span))
    return sum(
        _nested(
            _nested(resources[key])
            + sum(_nested(_nested(_text(scope)) + size) for scope, size in scopes.items())
        )
        for key, scopes in groups.items()
    )


def resource_key(span: SpanData) -> object:
    """Equal for spans of one resource."""
    try:
        return span.service, frozenset(span.resource.items())
    except TypeError:  # a list, from a file
        return span.service, repr(sorted(span.resource.items(), key=lambda item: item[0]))


def resource_size(span: SpanData) -> int:
    """The bytes of its ``Resource``; the service is an attribute of it."""
    size = attributes_size(span.resource)
    if span.service is not None and "service.name" not in span.resource:
        size += attribute_size("service.name", span.service)
    return size


def span_size(span: SpanData) -> int:
    """The bytes of one ``Span``, without the tag and the length before it."""
    size = _TRACE_ID + _SPAN_ID + _text(span.name) + _ENUM + _FIXED64 + _SPAN_FLAGS
    size += _SPAN_ID if span.parent_id is not None else 0
    size += _FIXED64 if span.end_ns else 0
    size += attributes_size(span.attributes)
    size += sum(_nested(_event_size(event)) for event in span.events)
    size += sum(_nested(_link_size(link)) for link in span.links)
    status = _text(span.status_description) + (_ENUM if span.status != "unset" else 0)
    return size + _nested(status)


def _event_size(event: Event) -> int:
    size = _text(event.name) + attributes_size(event.attributes)
    return size + (_FIXED64 if event.time_ns else 0)


def _link_size(link: Link) -> int:
    return _TRACE_ID + _SPAN_ID + attributes_size(link.attributes) + _LINK_FLAGS


def attributes_size(attributes: Mapping[str, object] = NO_ATTRIBUTES) -> int:
    """The bytes of repeated attributes, with their tags and lengths."""
    return sum(attribute_size(key, value) for key, value in attributes.items())


def attribute_size(key: str, value: object) -> int:
    """The bytes of one attribute, with its tag and length."""
    return _nested(_text(key) + _nested(_value_size(value)))


def _value_size(value: Any) -> int:
    """The bytes of an ``AnyValue``: a choice, so that defaults are written, too.

    What OTLP does not know is taken for its text.
    """
    if value is None:
        return 0
    if isinstance(value, bool):
        return _ENUM
    if isinstance(value, int):
        return _TAG + _varint(value)
    return _FIXED64 if isinstance(value, float) else _nested(_content_size(value))


def _content_size(value: Any) -> int:
    """Without tag and length: the bytes of a text, of a list, of a mapping."""
    if isinstance(value, bytes | bytearray):
        return len(value)
    if isinstance(value, Mapping):
        return sum(attribute_size(str(key), one) for key, one in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return sum(_nested(_value_size(one)) for one in value)
    return len(_utf8(str(value)))


def _text(text: str | None) -> int:
    return _nested(len(_utf8(text))) if text else 0


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _nested(size: int) -> int:
    """A field with a length: tag, length, and what is in it."""
    return _TAG + _varint(size) + size


def _varint(number: int) -> int:
    """Seven bits a byte; a negative number takes ten."""
    return 10 if number < 0 else max(1, -(-number.bit_length() // 7))
