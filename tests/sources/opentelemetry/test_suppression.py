"""Noticing that the application told its instrumentation to keep silent."""

from __future__ import annotations

import pytest

from pytest_traces import record
from pytest_traces.sources import opentelemetry as source

trace = pytest.importorskip("opentelemetry.trace")
context_api = pytest.importorskip("opentelemetry.context")


@pytest.fixture
def utils():
    """The helpers of the instrumentations."""
    module = pytest.importorskip("opentelemetry.instrumentation.utils")
    if not hasattr(module, "suppress_http_instrumentation"):
        pytest.skip("these instrumentations have no such helpers")
    return module


def suppressed(act):
    """How often a recording noticed it."""
    return sum(act._frame.recording.remarks.get("suppressed", {}).values())


def run_as(module, text, **names):
    """Run code as if it stood in that module."""
    names["__name__"] = module
    exec(compile(text, f"{module}.py", "exec"), names)


ATTACH = """
from opentelemetry import context
token = context.attach(context.set_value("suppress_instrumentation", True))
context.detach(token)
"""


def test_by_the_helper_of_the_instrumentations(utils):
    """suppress_instrumentation is noticed, once however much happens inside."""
    with record() as act:
        with utils.suppress_instrumentation():
            assert source.suppressed()
            context_api.detach(context_api.attach(context_api.set_value("other", 1)))
        assert not source.suppressed()
    assert suppressed(act) == 1


def test_by_the_context_itself():
    """The key in a context is noticed, too; so is an application of a few years ago."""
    with record() as act:
        run_as("app", ATTACH)
    assert suppressed(act) == 1


def test_for_http_only(utils):
    """suppress_http_instrumentation is noticed like the other."""
    with record() as act, utils.suppress_http_instrumentation():
        assert source.suppressed()
    assert suppressed(act) == 1


def test_by_logfire(sdk):
    """logfire.suppress_instrumentation is the same."""
    logfire = pytest.importorskip("logfire")
    with record() as act, logfire.suppress_instrumentation():
        pass
    assert suppressed(act) == 1


@pytest.mark.parametrize(
    "module",
    [
        "opentelemetry.sdk.trace.export",
        "opentelemetry.exporter.otlp.proto.http.trace_exporter",
        "opentelemetry.instrumentation.requests",
        "logfire._internal.exporters.wrapper",
    ],
)
def test_not_by_telemetry_itself(module):
    """Exporters and instrumentations suppress what is below them: that is not the application."""
    with record() as act:
        run_as(module, ATTACH)
    assert suppressed(act) == 0


def test_not_by_an_exporter(sdk):
    """The same with the SDK's processors and an exporter that makes requests of its own."""
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

    seen = []

    class Exporter(SpanExporter):
        def export(self, spans):
            seen.append(source.suppressed())
            run_as("exporter_of_the_application", ATTACH)
            return SpanExportResult.SUCCESS

    app = sdk()
    app.provider.add_span_processor(BatchSpanProcessor(Exporter()))
    with record() as act:
        app.tracer.start_span("a").end()
        app.provider.force_flush()
    app.provider.shutdown()
    assert seen == [True]
    assert suppressed(act) == 0


def test_not_by_logfires_own_processors(script):
    """Logfire suppresses around each of its own exports, in the thread of the application."""
    pytest.importorskip("logfire")
    out = script(
        """
        import logfire
        from logfire.testing import TestExporter
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from pytest_traces import record

        with record() as act:
            logfire.configure(
                send_to_logfire=False, console=False, metrics=False,
                additional_span_processors=[SimpleSpanProcessor(TestExporter())],
            )
            with logfire.span("a"):
                logfire.info("b")
        act.assert_tree("a\\n  b")
        print(act._frame.recording.remarks)
        """
    )
    assert out == "{}\n"


def test_only_during_recordings():
    """Suppression between recordings is nobody's."""
    run_as("app", ATTACH)
    with record() as act:
        pass
    assert suppressed(act) == 0


def test_context_that_is_no_mapping():
    """Whatever is attached goes through as it would without the hook."""
    with record():
        token = context_api._RUNTIME_CONTEXT.attach(None)
        context_api._RUNTIME_CONTEXT.detach(token)
