"""SpanData as OTLP/JSON.

The mapping is that of the OpenTelemetry protocol, "JSON Protobuf Encoding": ids are hex, 64-bit
integers decimal strings, bytes base64
(https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding).
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from pytest_traces.encoding.otlp_size import resource_key
from pytest_traces.encoding.otlp_words import UNSAMPLED
from pytest_traces.model import KINDS, STATUSES, Event, Link, SpanData

_HAS_REMOTE, _IS_REMOTE, _SAMPLED = 0x100, 0x200, 0x01


def encode(spans: Iterable[SpanData]) -> bytes:
    """The body of an ``ExportTraceServiceRequest`` with these spans."""
    resources: dict[object, tuple[SpanData, dict[str | None, list[SpanData]]]] = {}
    for span in spans:
        _, scopes = resources.setdefault(resource_key(span), (span, {}))
        scopes.setdefault(span.scope, []).append(span)
    request = {
        "resourceSpans": [
            {
                "resource": {"attributes": _resource(first)},
                "scopeSpans": [
                    {"scope": {"name": scope or ""}, "spans": [_span(one) for one in same]}
                    for scope, same in scopes.items()
                ],
            }
            for first, scopes in resources.values()
        ]
    }
    return json.dumps(request, separators=(",", ":")).encode()


def _resource(span: SpanData) -> list[dict[str, Any]]:
    given = dict(span.resource)
    if span.service is not None:
        given.setdefault("service.name", span.service)
    return _attributes(given)


def _span(span: SpanData) -> dict[str, Any]:
    flags = _HAS_REMOTE | (_IS_REMOTE if span.remote_parent else 0)
    status: dict[str, Any] = {"code": STATUSES.index(span.status)}
    if span.status_description:
        status["message"] = span.status_description
    return {
        "traceId": span.trace_id,
        "spanId": span.span_id,
        "parentSpanId": span.parent_id or "",
        "flags": flags | (_SAMPLED if span.sampled else UNSAMPLED),
        "name": span.name,
        "kind": KINDS.index(span.kind) + 1,  # 0 is "unspecified"
        "startTimeUnixNano": str(span.start_ns),
        "endTimeUnixNano": str(span.end_ns or 0),
        "attributes": _attributes(span.attributes),
        "events": [_event(event) for event in span.events],
        "links": [_link(link) for link in span.links],
        "status": status,
    }


def _event(event: Event) -> dict[str, Any]:
    return {
        "name": event.name,
        "timeUnixNano": str(event.time_ns or 0),
        "attributes": _attributes(event.attributes),
    }


def _link(link: Link) -> dict[str, Any]:
    return {
        "traceId": link.trace_id,
        "spanId": link.span_id,
        "attributes": _attributes(link.attributes),
    }


def _attributes(attributes: Mapping[str, object]) -> list[dict[str, Any]]:
    return [{"key": str(key), "value": _value(value)} for key, value in attributes.items()]


def _value(value: Any) -> dict[str, Any]:
    """An ``AnyValue``; what OTLP does not know is taken for its text."""
    if value is None:
        return {}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value if math.isfinite(value) else _special(value)}
    return _content(value)


def _content(value: Any) -> dict[str, Any]:
    if isinstance(value, bytes | bytearray):
        return {"bytesValue": base64.b64encode(value).decode()}
    if isinstance(value, Mapping):
        return {"kvlistValue": {"values": _attributes(value)}}
    if isinstance(value, list | tuple | set | frozenset):
        return {"arrayValue": {"values": [_value(one) for one in value]}}
    return {"stringValue": str(value)}


def _special(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"
