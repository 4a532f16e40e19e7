"""OpenTelemetry's own exporters, in this process and in others."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytest.importorskip("opentelemetry.exporter.otlp.proto.http")

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.trace import Link, SpanKind, Status, StatusCode

from pytest_traces.model import Event
from pytest_traces.model import Link as OurLink
from pytest_traces.sources.otlp import otlp

CHILD = """
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.{kind}.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
with provider.get_tracer("child").start_as_current_span("work"):
    provider.get_tracer("child").start_span("step").end()
provider.shutdown()
"""


@pytest.mark.parametrize("compression", list(Compression))
def test_over_http_in_this_process(receiver, compression):
    """Every field comes through, compressed or not."""
    exporter = OTLPSpanExporter(f"{receiver.endpoint.url}/v1/traces", compression=compression)
    provider = TracerProvider(
        resource=Resource({"service.name": "cart", "replicas": 3}), shutdown_on_exit=False
    )
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("shop")
    try:
        with tracer.start_as_current_span(
            "checkout", kind=SpanKind.SERVER, start_time=1000
        ) as root:
            child = tracer.start_span(
                "pay",
                kind=SpanKind.CLIENT,
                start_time=2000,
                links=[Link(root.get_span_context(), {"why": "retry"})],
                attributes={"a": "text", "b": True, "c": 7, "d": 1.5, "e": ["x", "y"], "f": [1, 2]},
            )
            child.add_event("declined", {"code": 51}, timestamp=2500)
            child.set_status(Status(StatusCode.ERROR, "declined"))
            child.end(3000)
    finally:
        provider.shutdown()

    pay, checkout = map(otlp.decode, receiver.entries)
    assert (checkout.name, checkout.kind, checkout.parent_id) == ("checkout", "server", None)
    assert (checkout.service, checkout.scope, checkout.status) == ("cart", "shop", "unset")
    assert (pay.trace_id, pay.parent_id) == (checkout.trace_id, checkout.span_id)
    assert (pay.kind, pay.status, pay.status_description) == ("client", "error", "declined")
    assert (pay.start_ns, pay.end_ns) == (2000, 3000)
    assert pay.attributes == {
        "a": "text", "b": True, "c": 7, "d": 1.5, "e": ("x", "y"), "f": (1, 2)
    }  # fmt: skip
    assert pay.attributes["b"] is True
    assert pay.events == (Event("declined", 2500, {"code": 51}),)
    assert pay.links == (OurLink(checkout.trace_id, checkout.span_id, {"why": "retry"}),)
    assert pay.resource["replicas"] == 3
    assert (pay.source, pay.sampled, pay.remote_parent) == ("otlp", True, False)
    assert otlp.past_key(receiver.entries[0]) == int(pay.trace_id + pay.span_id, 16)
    assert receiver.endpoint.problems == []


def test_a_remote_parent(receiver):
    """The flags of a span say whether its parent was in another process."""
    from opentelemetry.proto.trace.v1.trace_pb2 import Span
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

    if "flags" not in Span.DESCRIPTOR.fields_by_name:
        pytest.skip("this version of OpenTelemetry's exporter sends spans without their flags")

    exporter = OTLPSpanExporter(f"{receiver.endpoint.url}/v1/traces")
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    remote = SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(1))
    context = set_span_in_context(NonRecordingSpan(remote))
    provider.get_tracer("shop").start_span("GET /", context).end()
    provider.shutdown()

    [entry] = receiver.entries
    span = otlp.decode(entry)
    assert (span.trace_id, span.parent_id) == (f"{1:032x}", f"{2:016x}")
    assert span.remote_parent


@pytest.mark.parametrize("compression", ["", "gzip", "deflate"])
def test_over_http_in_a_child(receiver, compression):
    """A child needs nothing but the environment."""
    environment = receiver.endpoint.env()
    if compression:
        environment["OTEL_EXPORTER_OTLP_COMPRESSION"] = compression
    command = [sys.executable, "-c", CHILD.format(kind="http")]
    subprocess.run(command, env=environment, check=True, timeout=120)
    assert receiver.names == ["step", "work"]


def test_over_grpc_in_a_child():
    """So does one that speaks gRPC, to a receiver in another one."""
    pytest.importorskip("opentelemetry.exporter.otlp.proto.grpc")
    script = (
        "import subprocess, sys\n"
        "from pytest_traces.sources.otlp import otlp\n"
        "from pytest_traces.sources.otlp.endpoint import Endpoint\n"
        "entries = []\n"
        "endpoint = Endpoint(entries.extend)\n"
        "command = [sys.executable, '-c', sys.argv[1]]\n"
        "subprocess.run(command, env=endpoint.env('grpc'), check=True, timeout=120)\n"
        "endpoint.close()\n"
        "print([otlp.decode(entry).name for entry in entries], endpoint.problems)\n"
    )
    child = CHILD.format(kind="grpc")
    done = subprocess.run(
        [sys.executable, "-c", script, child],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout == "['step', 'work'] []\n", done.stderr


def test_an_exporter_without_the_token(receiver):
    """It is told so, and nothing is delivered."""
    exporter = OTLPSpanExporter(f"http://{receiver.url.netloc}/v1/traces")
    assert exporter.export([]) is SpanExportResult.FAILURE
    assert receiver.entries == []


def test_nothing_is_recorded_of_the_receiver_itself(receiver):
    """It is no part of the application: no request and no span of its own is seen."""
    from pytest_traces import record

    with record() as act:
        environment = {**os.environ, **receiver.endpoint.variables("http/json")}
        script = (
            "import os, urllib.request as u\n"
            "url = os.environ['OTEL_EXPORTER_OTLP_ENDPOINT'] + '/v1/traces'\n"
            "headers = {'Content-Type': 'application/json'}\n"
            "u.urlopen(u.Request(url, b'{}', headers)).read()\n"
        )
        subprocess.run([sys.executable, "-c", script], env=environment, check=True, timeout=120)
        assert receiver.endpoint.last_ns is not None
        assert list(act.requests) == []
        assert list(act.spans) == []
