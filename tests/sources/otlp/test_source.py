"""The source of spans that other processes send."""

from __future__ import annotations

import pytest

from pytest_traces.model import SpanData
from pytest_traces.recording import Capture, Recording, arrival_of
from pytest_traces.settings import DEFAULTS
from pytest_traces.sources import all_sources
from pytest_traces.sources.otlp import otlp

SPAN = SpanData("GET /", f"{1:032x}", f"{2:016x}", None, 1, 2, source="otlp")
ENTRY = ("otlp", 2, SPAN, True, 0)


def test_a_span_that_came_as_json():
    """It is there already."""
    assert otlp.decode(ENTRY) is SPAN
    assert otlp.past_key(ENTRY) == (1 << 64) + 2


def test_an_arrival():
    """Its entry says that it is one, and those of other sources are none."""
    assert arrival_of(ENTRY) == ENTRY
    assert arrival_of(SPAN) is None
    assert arrival_of(None) is None
    assert arrival_of(("opentelemetry", None, object(), object())) is None


def test_it_is_one_of_the_sources():
    """It has nothing to do with this process: no span of it is current here."""
    assert all_sources()["otlp"] is otlp
    assert otlp.current() is None
    assert not otlp.suppressed()
    otlp.open()
    otlp.flush()
    otlp.close()


def test_what_was_captured():
    """Where no other process could send, there is nothing to say."""
    otlp.open()  # children of other tests have ended before
    recording = Recording(DEFAULTS)
    assert otlp.captured(recording, 0) == Capture("OTLP", "")
    recording.is_silent = lambda _: True
    nothing = otlp.captured(recording, 0)
    assert nothing.state == "nothing arrived"
    assert nothing.hint is not None
    assert "env=traces.receiver.env" in nothing.hint
    recording.remark("otlp", "node was killed")
    assert otlp.captured(recording, 1).notes == ("node was killed",)


def test_100_000_spans(receiver):
    """In several requests; each is read with what it shares with others."""
    service = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
    for batch in range(100):
        request = service.ExportTraceServiceRequest()
        resource_spans = request.resource_spans.add()
        resource_spans.resource.attributes.add(key="service.name").value.string_value = f"s{batch}"
        scope_spans = resource_spans.scope_spans.add()
        for number in range(1000):
            span_id = (batch * 1000 + number + 1).to_bytes(8, "big")
            scope_spans.spans.add(trace_id=b"t" * 16, span_id=span_id, name=str(number))
        headers = {"Content-Type": "application/x-protobuf"}
        assert receiver.request(request.SerializeToString(), headers).status == 200
    spans = [otlp.decode(entry) for entry in receiver.entries]
    assert receiver.endpoint.accepted == len(spans) == 100_000
    assert [int(span.span_id, 16) for span in spans] == list(range(1, 100_001))
    assert all(span.service == f"s{number // 1000}" for number, span in enumerate(spans))
