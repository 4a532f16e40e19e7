"""SpanData as OTLP/JSON: what is written is read as what it was."""

from __future__ import annotations

import json
import math
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_traces.encoding import otlp_json
from pytest_traces.encoding.otlp_write import encode
from pytest_traces.model import KINDS, STATUSES, Event, Link, SpanData

texts = st.text(st.characters(codec="utf-8"), max_size=8)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False),
    texts, st.binary(max_size=8),
)  # fmt: skip
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple) | st.dictionaries(texts, inner, max_size=3)
    ),
    max_leaves=5,
)
attributes = st.dictionaries(texts.filter(bool), values, max_size=4).map(MappingProxyType)
times = st.integers(1, 2**63 - 1)
ids = st.integers(1, 2**64 - 1).map(lambda number: f"{number:016x}")
trace_ids = st.integers(1, 2**128 - 1).map(lambda number: f"{number:032x}")
spans = st.builds(
    SpanData,
    name=texts,
    trace_id=trace_ids,
    span_id=ids,
    parent_id=st.none() | ids,
    start_ns=times,
    end_ns=st.none() | times,
    kind=st.sampled_from(KINDS),
    status=st.sampled_from(STATUSES),
    status_description=st.none() | texts.filter(bool),
    attributes=attributes,
    events=st.lists(st.builds(Event, texts, times, attributes, st.just(())), max_size=2).map(tuple),
    links=st.lists(st.builds(Link, trace_ids, ids, attributes), max_size=2).map(tuple),
    scope=st.none() | texts.filter(bool),
    source=st.just("otlp"),
    sampled=st.booleans(),
    remote_parent=st.booleans(),
    thread=st.none(),
    stamps=st.none(),
    sampler=st.none(),
    left_by=st.none(),
)


@given(spans, texts.filter(bool))
def test_round_trip(span, service):
    """Every field comes back."""
    resource = {"service.name": service, "host": "here"}
    span = span._replace(service=service, resource=resource)
    [read] = otlp_json.decode(json.loads(encode([span])), "otlp")
    for name, value in span._asdict().items():
        assert getattr(read, name) == value, name


def test_spans_are_grouped():
    """By resource, and by scope, as an exporter does."""
    one = SpanData("one", "a" * 32, "1" * 16, None, 1, 2, service="x", scope="s")
    request = json.loads(encode([one, one._replace(service="y"), one, one._replace(scope="t")]))
    groups = [
        [(scope["scope"]["name"], len(scope["spans"])) for scope in group["scopeSpans"]]
        for group in request["resourceSpans"]
    ]
    assert groups == [[("s", 2), ("t", 1)], [("s", 1)]]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (math.nan, {"doubleValue": "NaN"}),
        (math.inf, {"doubleValue": "Infinity"}),
        (-math.inf, {"doubleValue": "-Infinity"}),
        (2**63, {"stringValue": str(2**63)}),
        (ValueError, {"stringValue": "<class 'ValueError'>"}),
        ({1}, {"arrayValue": {"values": [{"intValue": "1"}]}}),
    ],
)
def test_values_that_json_or_otlp_does_not_have(value, written):
    """They are written as protobuf's JSON does, or as their text."""
    span = SpanData("one", "a" * 32, "1" * 16, None, 1, 2, attributes={"key": value})
    request = json.loads(encode([span]))
    [scope] = request["resourceSpans"][0]["scopeSpans"]
    assert scope["spans"][0]["attributes"] == [{"key": "key", "value": written}]
