"""The receiver over gRPC. In a process of its own: gRPC and the forks of other tests do not mix."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from pytest_traces.sources.otlp import grpc as listener

pytest.importorskip("grpc")
pytest.importorskip("opentelemetry.proto")

SCRIPT = """
import json, threading
import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest, ExportTraceServiceResponse,
)
from pytest_traces.encoding import otlp_count
from pytest_traces.sources.otlp import bodies, otlp
from pytest_traces.sources.otlp.endpoint import Endpoint

before = {*threading.enumerate()}
bodies.LIMIT = 1 << 20
otlp_count.SMALL, otlp_count._SPANS = 100_000, 10_000
entries, told = [], {}
endpoint, late = Endpoint(entries.extend), Endpoint(entries.extend)
late_token = [("x-pytest-traces", late.token)]
channel = grpc.insecure_channel(endpoint.grpc_target)
token = [("x-pytest-traces", endpoint.token)]

def call(what, body, metadata, **more):
    service = f"/opentelemetry.proto.collector.{what}Service/Export"
    try:
        return channel.unary_unary(service)(body, metadata=metadata, timeout=30, **more)
    except grpc.RpcError as error:
        return error.code().name, error.details()

def export(*ids):
    request = ExportTraceServiceRequest()
    scope_spans = request.resource_spans.add().scope_spans.add()
    for number in ids:
        scope_spans.spans.add(trace_id=b"t" * 16, span_id=number.to_bytes(8, "big"), name="GET /")
    return request.SerializeToString()

traces = "trace.v1.Trace"
told["target"] = endpoint.grpc_target == endpoint.variables("grpc")[
    "OTEL_EXPORTER_OTLP_ENDPOINT"].removeprefix("http://")
told["whole"] = not call(traces, export(1), token)
told["compressed"] = not call(traces, export(2), token, compression=grpc.Compression.Gzip)
partial = ExportTraceServiceResponse.FromString(call(traces, export(3, 0), token)).partial_success
told["partial"] = [partial.rejected_spans, partial.error_message]
told["metrics"] = not call("metrics.v1.Metrics", b"whatever", [])
told["logs"] = not call("logs.v1.Logs", b"whatever", [])
told["unknown"] = call("cats.v1.Cats", b"", token)[0]
told["no token"] = call(traces, export(4), [])
told["wrong token"] = call(traces, export(4), [("x-pytest-traces", "x")])[0]
told["spans"] = [otlp.decode(entry).span_id for entry in entries]
told["problems before"] = endpoint.problems
told["garbage"] = call(traces, bytes([255]), token)
told["too large"] = call(traces, bytes(3 << 20), token)[0]
told["bomb"] = call(traces, bytes(3 << 20), token, compression=grpc.Compression.Gzip)[0]
told["too many"] = call(traces, bytes([18, 0]) * 250_000, token)
def cancelled():
    while endpoint.busy:
        threading.Event().wait(0.001)
    return sum(int(one.split()[0]) for one in endpoint.problems if "(CANCELLED)" in one)
count, bodies.PATIENCE_NS = cancelled(), 50_000_000
ended = threading.Event()
def nothing():
    ended.wait(30)
    yield b""
silent = channel.stream_unary(f"/opentelemetry.proto.collector.{traces}Service/Export")
try:
    silent(nothing(), metadata=token, timeout=5)
except grpc.RpcError as error:
    told["silent"] = [error.code().name, cancelled() - count]
ended.set()
bodies.PATIENCE_NS = 5_000_000_000
told["problems"] = [one.partition(" refused ")[2] for one in endpoint.problems]
late.close()
told["late"] = [not call(traces, export(5), late_token), late.late]
endpoint._deliver = lambda _: 1 / 0
told["broken"] = call(traces, export(6), token)
channel.close()
endpoint.close()
told["busy"] = [endpoint.busy, len(entries)]
for thread in {*threading.enumerate()} - before:
    thread.join(10)
told["threads"] = {*threading.enumerate()} <= before
print(json.dumps(told))
"""


def test_calls():
    """What is accepted, refused, and reported: as over HTTP, in the words of gRPC."""
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", SCRIPT],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    too_large = "its message did not come, or has more than 1 MiB"
    too_many = "it has too many spans and attributes: send fewer at once"
    garbage = "its message cannot be read: it is no OTLP protobuf of traces"
    assert json.loads(done.stdout) == {
        "target": True,
        "whole": True,
        "compressed": True,
        "partial": [1, "the span id is all zeros"],
        "metrics": True,
        "logs": True,
        "unknown": "UNIMPLEMENTED",
        "no token": ["UNAUTHENTICATED", "no receiver has this x-pytest-traces"],
        "wrong token": "UNAUTHENTICATED",
        "spans": [f"{number:016x}" for number in (1, 2, 3)],
        "problems before": ["1 span left out: the span id is all zeros"],
        "garbage": ["INVALID_ARGUMENT", f"refused: {garbage}"],
        "too large": "RESOURCE_EXHAUSTED",
        "bomb": "RESOURCE_EXHAUSTED",
        "too many": ["RESOURCE_EXHAUSTED", f"refused: {too_many}"],
        "silent": ["CANCELLED", 1],
        "problems": [
            "",
            f"(INVALID_ARGUMENT): {garbage}",
            f"(CANCELLED): {too_large}",
            f"(RESOURCE_EXHAUSTED): {too_many}",
            "(CANCELLED): it did not come to its end",
        ],
        "late": [True, 1],
        "broken": [
            "INTERNAL",
            "refused: the receiver failed: ZeroDivisionError: division by zero",
        ],
        "busy": [0, 3],
        "threads": True,
    }


STALLED = """
import json, threading
import grpc
from pytest_traces.sources.otlp import bodies, grpc as listener
from pytest_traces.sources.otlp.endpoint import Endpoint

bodies.PATIENCE_NS = 600_000_000_000
told, go_on = {}, threading.Event()

def nothing():
    go_on.wait(60)
    yield b""

def stall(endpoint, calls):
    metadata = [("x-pytest-traces", endpoint.token)]
    channel = grpc.insecure_channel(endpoint.grpc_target)
    export = channel.stream_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Export")
    stalled = [export.future(nothing(), metadata=metadata) for _ in range(calls)]
    while endpoint.busy < calls:
        threading.Event().wait(0.001)
    return channel, export, metadata, stalled

endpoint = Endpoint(lambda _: None)
channel, export, metadata, stalled = stall(endpoint, 50)
told["served"] = export(iter([b""]), metadata=metadata, timeout=30) == b""
for one in stalled:
    one.cancel()
channel.close()
endpoint.close()
told["busy"] = endpoint.busy

listener._WORKERS = 1
endpoint = Endpoint(lambda _: None)
channel, export, metadata, stalled = stall(endpoint, 3)
told["waiting"] = endpoint.busy
go_on.set()
told["answers"] = [one.result(30) == b"" for one in stalled]
channel.close()
endpoint.close()
told["busy at last"] = endpoint.busy
print(json.dumps(told))
"""


def test_calls_that_stall():
    """They are in nobody's way; a call that waits for a thread is in progress, too."""
    done = subprocess.run(
        [sys.executable, "-c", STALLED], check=False, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "served": True,
        "busy": 0,
        "waiting": 3,
        "answers": [True, True, True],
        "busy at last": 0,
    }


def test_without_the_library(receiver, own_port, monkeypatch):
    """There is no target; whoever asks for the variables is told what to install."""
    monkeypatch.setitem(sys.modules, "grpc", None)
    assert receiver.endpoint.grpc_target is None
    with pytest.raises(ModuleNotFoundError) as caught:
        receiver.endpoint.variables("grpc")
    assert str(caught.value) == listener.MISSING
    assert own_port.is_open
