"""What a receiver of OTLP answers, read by the official library."""

from __future__ import annotations

import json

import pytest

from pytest_traces.encoding import otlp_answers


def test_success():
    """There is nothing to say of it."""
    assert otlp_answers.accepted() == b""
    assert otlp_answers.accepted(as_json=True) == b"{}"


@pytest.mark.parametrize("count", [1, 127, 128, 300, 1 << 40])
@pytest.mark.parametrize("why", ["", "the span id is all zeros", "ö" * 200])
def test_partial_success(count, why):
    """How many spans were refused, and why."""
    service = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
    answer = otlp_answers.accepted(count, why)
    read = service.ExportTraceServiceResponse.FromString(answer)
    assert (read.partial_success.rejected_spans, read.partial_success.error_message) == (count, why)
    assert json.loads(otlp_answers.accepted(count, why, as_json=True)) == {
        "partialSuccess": {"rejectedSpans": str(count), "errorMessage": why}
    }


def test_refusal():
    """It is a status of google.rpc."""
    status = pytest.importorskip("google.rpc.status_pb2")
    read = status.Status.FromString(otlp_answers.refused(3, "wörong" * 50))
    assert (read.code, read.message) == (3, "wörong" * 50)
    answer = otlp_answers.refused(3, "wrong", as_json=True)
    assert json.loads(answer) == {"code": 3, "message": "wrong"}
