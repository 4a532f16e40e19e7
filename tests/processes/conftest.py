"""Programs that emit spans, each set up only by what its environment says."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

#: Continues the trace that its environment names, under an SDK that reads OTEL_* variables.
PROGRAM = """
import os, sys
from opentelemetry import trace
from opentelemetry.propagate import extract

def work(name):
    carrier = {"traceparent": os.environ["TRACEPARENT"]} if "TRACEPARENT" in os.environ else {}
    tracer = trace.get_tracer("program")
    with tracer.start_as_current_span(name, context=extract(carrier)):
        with tracer.start_as_current_span("step"):
            pass
"""

#: Sets the SDK up by hand, as a program without ``opentelemetry-instrument`` does.
BY_HAND = """
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

def set_up():
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return provider
"""

_numbers = itertools.count()
Program = Callable[[str], Path]


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """Writes a program that has ``work(name)`` and ``set_up()``."""

    def write(end: str) -> Path:
        path = tmp_path / f"program_{next(_numbers)}.py"  # it may be imported, too
        path.write_text(PROGRAM + BY_HAND + end, encoding="utf-8")
        return path

    return write
