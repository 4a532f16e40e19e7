"""One trace in both forms of OTLP."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_traces.encoding.contents import read

pytest.importorskip("opentelemetry.proto")

from google.protobuf import json_format
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    InstrumentationScope,
    KeyValue,
    KeyValueList,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import (
    ResourceSpans,
    ScopeSpans,
    Span,
    Status,
    TracesData,
)

TIMES = st.just(0) | st.integers(0, (1 << 64) - 1)
TRACE_IDS = st.binary(min_size=16, max_size=16).filter(any)
SPAN_IDS = st.binary(min_size=8, max_size=8).filter(any)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
PLAIN = (
    TEXTS.map(lambda one: AnyValue(string_value=one))
    | st.booleans().map(lambda one: AnyValue(bool_value=one))
    | st.integers(-(1 << 63), (1 << 63) - 1).map(lambda one: AnyValue(int_value=one))
    | st.floats(allow_nan=False).map(lambda one: AnyValue(double_value=one))
    | st.binary(max_size=5).map(lambda one: AnyValue(bytes_value=one))
    | st.just(AnyValue())
)


def pairs(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(st.builds(KeyValue, key=TEXTS, value=values), max_size=3)


VALUES = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=3).map(
            lambda several: AnyValue(array_value=ArrayValue(values=several))
        )
        | pairs(inner).map(lambda several: AnyValue(kvlist_value=KeyValueList(values=several)))
    ),
    max_leaves=5,
)
ATTRIBUTES = pairs(VALUES)
EVENTS = st.builds(Span.Event, time_unix_nano=TIMES, name=TEXTS, attributes=ATTRIBUTES)
LINKS = st.builds(Span.Link, trace_id=TRACE_IDS, span_id=SPAN_IDS, attributes=ATTRIBUTES)
# The oldest versions of OpenTelemetry do not know them; the upper bits are reserved.
FLAGS = (
    {"flags": st.integers(0, (1 << 10) - 1)} if "flags" in Span.DESCRIPTOR.fields_by_name else {}
)
SPANS = st.builds(
    Span,
    trace_id=TRACE_IDS,
    span_id=SPAN_IDS,
    parent_span_id=SPAN_IDS | st.sampled_from([b"", bytes(8)]),
    trace_state=TEXTS,
    **FLAGS,
    name=TEXTS,
    kind=st.integers(0, 5),
    start_time_unix_nano=TIMES,
    end_time_unix_nano=TIMES,
    attributes=ATTRIBUTES,
    events=st.lists(EVENTS, max_size=2),
    links=st.lists(LINKS, max_size=2),
    status=st.builds(Status, code=st.integers(0, 2), message=TEXTS),
)
SCOPES = st.builds(
    ScopeSpans,
    scope=st.builds(InstrumentationScope, name=TEXTS, version=TEXTS),
    spans=st.lists(SPANS, min_size=1, max_size=3),
)
TRACES = st.builds(
    TracesData,
    resource_spans=st.lists(
        st.builds(
            ResourceSpans,
            resource=st.builds(Resource, attributes=ATTRIBUTES),
            scope_spans=st.lists(SCOPES, min_size=1, max_size=2),
        ),
        min_size=1,
        max_size=2,
    ),
)


def with_hex_ids(value: Any) -> Any:
    """What the specification of OTLP has different from that of protobuf's JSON."""
    if isinstance(value, list):
        return [with_hex_ids(one) for one in value]
    if not isinstance(value, dict):
        return value
    ids = ("traceId", "spanId", "parentSpanId")
    return {
        key: b64decode(one).hex() if key in ids else with_hex_ids(one) for key, one in value.items()
    }


@settings(max_examples=50)
@given(TRACES, st.booleans(), st.booleans())
def test_json_and_protobuf_give_identical_spans(
    traces: Any, with_numbers: bool, has_base64: bool
) -> None:
    """Whatever is in them; enums as names or as numbers, ids in hex or, as Tempo has them, not."""
    value = json_format.MessageToDict(traces, use_integers_for_enums=with_numbers)
    written = json.dumps(value if has_base64 else with_hex_ids(value)).encode()

    assert read(written, "file") == read(traces.SerializeToString(), "file")
