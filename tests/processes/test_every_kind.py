"""Every way to start a process: what it emits is in the test's own trace."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("opentelemetry.proto")
pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
sdk = pytest.importorskip("opentelemetry.sdk.trace")

TREE = """
parent
└─ child
   └─ step
"""
INSTRUMENT = Path(sys.executable).with_name("opentelemetry-instrument")
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform does not fork")


@pytest.fixture
def tracer():
    """Of the application; the environment of the test has no say in it."""
    return sdk.TracerProvider(shutdown_on_exit=False).get_tracer("app")


def traceparent_of(span) -> str:
    """What a caller would send."""
    context = span.get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-01"


def emit(tracer) -> None:
    """What a forked child does."""
    with tracer.start_as_current_span("child"):
        with tracer.start_as_current_span("step"):
            pass


@pytest.mark.skipif(
    shutil.which(str(INSTRUMENT)) is None, reason="opentelemetry-instrument is not installed"
)
def test_opentelemetry_instrument(traces, tracer, program):
    """A program that knows nothing of exporters, under ``opentelemetry-instrument``."""
    pytest.importorskip("opentelemetry.distro")
    path = program("work('child')\n")
    with tracer.start_as_current_span("parent"):
        traces.run([str(INSTRUMENT), sys.executable, str(path)])

    traces.assert_tree(TREE)
    assert {span.source for span in traces.spans} == {"opentelemetry", "otlp"}


def test_run(traces, tracer, program):
    """A program that sets its SDK up by hand."""
    path = program("provider = set_up(); work('child'); provider.shutdown()\n")
    with tracer.start_as_current_span("parent"):
        traces.run([sys.executable, str(path)])

    traces.assert_tree(TREE)


def test_subprocess(traces, tracer, program):
    """A process that the test starts itself, with the environment of the receiver."""
    path = program("provider = set_up(); work('child'); provider.shutdown()\n")
    with tracer.start_as_current_span("parent") as parent:
        environment = {**traces.receiver.env, "TRACEPARENT": traceparent_of(parent)}
        subprocess.run([sys.executable, str(path)], env=environment, check=True)

    traces.assert_tree(TREE)


def test_a_process_that_is_still_running(traces, tracer, program):
    """Its spans are waited for."""
    path = program("provider = set_up(); work('child'); sys.stdin.read(); provider.shutdown()\n")
    with tracer.start_as_current_span("parent") as parent:
        environment = {**traces.receiver.env, "TRACEPARENT": traceparent_of(parent)}
        process = subprocess.Popen(
            [sys.executable, str(path)], env=environment, stdin=subprocess.PIPE
        )
    try:
        traces.eventually("60s").assert_tree(TREE)
    finally:
        process.communicate(timeout=60)


def test_spawned(traces, tracer, program, monkeypatch):
    """A process of multiprocessing that begins with nothing but its environment."""
    for name, value in traces.receiver.variables.items():
        monkeypatch.setenv(name, value)
    module = program("def main():\n    provider = set_up(); work('child'); provider.shutdown()\n")
    monkeypatch.syspath_prepend(module.parent)
    spawned = importlib.import_module(module.stem)
    with tracer.start_as_current_span("parent") as parent:
        monkeypatch.setenv("TRACEPARENT", traceparent_of(parent))
        process = multiprocessing.get_context("spawn").Process(target=spawned.main)
        process.start()
        process.join(60)
    assert process.exitcode == 0

    traces.assert_tree(TREE)


@needs_fork
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_forked(traces, tracer):
    """A forked process of multiprocessing has the tracer of its parent, and needs nothing."""
    assert traces.receiver.endpoint
    with tracer.start_as_current_span("parent"):
        process = multiprocessing.get_context("fork").Process(target=emit, args=(tracer,))
        process.start()
        process.join(60)
    assert process.exitcode == 0

    traces.assert_tree(TREE)


@needs_fork
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_forked_by_hand(traces, tracer):
    """One that leaves by ``os._exit`` loses nothing."""
    assert traces.receiver.endpoint
    with tracer.start_as_current_span("parent"):
        pid = os.fork()
        if not pid:
            emit(tracer)
            os._exit(0)
        os.waitpid(pid, 0)

    traces.assert_tree(TREE)
