"""OTLP protobuf: what is checked at once, and what is read later."""

from __future__ import annotations

import sys
import tracemalloc

import pytest

from pytest_traces.encoding import otlp_proto
from pytest_traces.encoding.malformed import Malformed
from pytest_traces.model import SpanData

service = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")

GOOD = {"trace_id": b"t" * 16, "span_id": b"s" * 8}


def export(*spans, name=None):
    """A message with these spans in one scope."""
    request = service.ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    if name is not None:
        added = resource_spans.resource.attributes.add(key="service.name")
        added.value.string_value = name
    scope_spans = resource_spans.scope_spans.add()
    for span in spans:
        scope_spans.spans.add(**span)
    return request.SerializeToString()


def test_nothing_but_ids():
    """All else has its default."""
    bare = SpanData("", "74" * 16, "73" * 8, None, 0, None, source="file")
    assert otlp_proto.decode(export(GOOD), "file") == [bare]


def test_no_spans():
    """An empty export is one."""
    assert otlp_proto.decode(b"", "file") == []
    assert otlp_proto.check(b"", []) == (range(0), [])


def test_a_root():
    """Its parent has no bytes, or zeros."""
    spans = [GOOD | {"parent_span_id": parent} for parent in (b"", bytes(8), b"p" * 8)]
    found = otlp_proto.decode(export(*spans), "file")
    assert [span.parent_id for span in found] == [None, None, "70" * 8]


def test_what_is_known_at_once():
    """The numbers of the spans, and which have ended."""
    body = export(GOOD, GOOD | {"end_time_unix_nano": 7})
    assert otlp_proto.check(body, []) == (range(2), [None, 7])


@pytest.mark.parametrize("asked", [1, 2])
def test_what_is_wanted_no_more(asked):
    """It is asked for each resource, and for each scope; the rest is not read."""
    answers = iter([True] * (asked - 1) + [False])
    checked = otlp_proto.check(export(GOOD), [], lambda: next(answers))
    assert checked == ((), ())


FAULTS = [
    ({"trace_id": b"t" * 15}, "the trace id has 15 bytes where 16 are needed"),
    ({"trace_id": b""}, "the trace id has 0 bytes where 16 are needed"),
    ({"trace_id": bytes(16)}, "the trace id is all zeros"),
    ({"span_id": b"s"}, "the span id has 1 byte where 8 are needed"),
    ({"span_id": bytes(8)}, "the span id is all zeros"),
    ({"parent_span_id": b"p" * 9}, "the parent's span id has 9 bytes where 8 are needed"),
]


@pytest.mark.parametrize(("fields", "fault"), FAULTS)
def test_invalid_ids(fields, fault):
    """A receiver leaves that span out and knows why; in a file it is an error with its place."""
    body = export(GOOD, GOOD | fields, GOOD | {"end_time_unix_nano": 7})
    rejected: list[str] = []
    assert otlp_proto.check(body, rejected) == ([0, 2], [None, 7])
    assert rejected == [fault]
    with pytest.raises(Malformed) as caught:
        otlp_proto.decode(body, "file")
    assert str(caught.value) == f"resourceSpans[0].scopeSpans[0].spans[1]: {fault}"


def test_faults_cost_little():
    """Of 50,000 empty spans nothing is kept but one text, and no place is made up."""
    body = export(*[{}] * 50_000)
    rejected: list[str] = []
    tracemalloc.start()
    try:
        checked = otlp_proto.check(body, rejected)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert checked == ([], [])
    assert rejected == ["the trace id has 0 bytes where 16 are needed"] * 50_000
    assert len({id(fault) for fault in rejected}) == 1
    assert most < 4_000_000


def test_spans_are_read_by_number():
    """Whatever the ids of those before; the number of a span is that of its ids."""
    body = export(GOOD | {"span_id": b""}, GOOD | {"name": "second"}, name="cart")
    second = otlp_proto.read(body)[1]
    assert (second.decode("otlp").name, second.decode("otlp").service) == ("second", "cart")
    assert second.number() == int("74" * 16 + "73" * 8, 16)
    otlp_proto.read.cache_clear()


def test_resources_are_read_once():
    """Spans of one scope share what they have in common."""
    first, second = otlp_proto.decode(export(GOOD, GOOD, name="cart"), "file")
    assert first.resource is second.resource
    assert first.service == "cart"


@pytest.mark.parametrize("body", [b"\xff", b"\x0a\x05abc", b"GET / HTTP/1.1"])
def test_garbage(body):
    """It is no message."""
    with pytest.raises(Malformed) as caught:
        otlp_proto.check(body, [])
    assert str(caught.value) == "it is no OTLP protobuf of traces"


def test_without_the_library(monkeypatch):
    """The error says what to install."""
    monkeypatch.setitem(sys.modules, "opentelemetry.proto.collector.trace.v1", None)
    with pytest.raises(ModuleNotFoundError) as caught:
        otlp_proto.decode(b"", "file")
    assert str(caught.value) == otlp_proto.MISSING
