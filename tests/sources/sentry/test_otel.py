"""Sentry together with OpenTelemetry: fed by it, exporting it, or independent beside it."""

from __future__ import annotations

import pytest

from pytest_traces import record
from pytest_traces.sources.sentry import otlp

sentry_sdk = pytest.importorskip("sentry_sdk")
sdk = pytest.importorskip("opentelemetry.sdk.trace")
processors = pytest.importorskip("sentry_sdk.integrations.opentelemetry.span_processor")
api = pytest.importorskip("opentelemetry.trace")

DSN = "http://key@127.0.0.1:9/1"


@pytest.fixture
def tracer():
    """A tracer whose spans Sentry's processor turns into its own."""
    provider = sdk.TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processors.SentrySpanProcessor())
    return provider.get_tracer("app")


def serve(tracer):
    """A request with a call and a query, of which one fails."""
    http = {"http.method": "GET", "http.target": "/orders", "http.status_code": 404}
    with tracer.start_as_current_span(
        "GET /orders", kind=api.SpanKind.SERVER, attributes=http
    ) as server:
        db = {"db.system": "sqlite", "db.statement": "SELECT * FROM orders", "rows": 3}
        with tracer.start_as_current_span("SELECT orders", kind=api.SpanKind.CLIENT, attributes=db):
            pass
        with tracer.start_as_current_span("queue.process") as work:
            work.set_status(api.StatusCode.ERROR, "gone")
        server.update_name("GET /orders/{id}")


@pytest.mark.parametrize("run", [1, 2])
def test_each_span_is_one(sentry, tracer, run):
    """Both tell it with the same ids; what OpenTelemetry says of it counts."""
    sentry(dsn=DSN, instrumenter="otel", traces_sample_rate=1.0)
    with record() as act:
        serve(tracer)
        act.assert_tree("""
            GET /orders/{id}
            ├─ SELECT orders
            └─ queue.process
        """)

    server, select, work = act.spans
    assert [span.kind for span in act.spans] == ["server", "client", "internal"]
    assert [span.status for span in act.spans] == ["unset", "unset", "error"]
    assert work.status_description == "gone"
    assert {span.scope for span in act.spans} == {"app"}
    assert {span.source for span in act.spans} == {"opentelemetry"}
    assert select.attributes["rows"] == 3
    assert select.attributes["sentry.op"] == "db"
    assert select.attributes["sentry.origin"] == "auto.otel"
    assert server.attributes["sentry.status"] == "not_found"
    assert act.assert_no_errors(allow="queue.process") is None


def test_sentry_alone(sentry, tracer):
    """With the other source left out it is Sentry's telling."""
    sentry(dsn=DSN, instrumenter="otel", traces_sample_rate=1.0)
    with record(sources=["sentry"]) as act:
        serve(tracer)

    assert [span.name for span in act.spans] == [
        "GET /orders/{id}", "SELECT * FROM orders", "queue.process",
    ]  # fmt: skip
    assert [span.kind for span in act.spans] == ["server", "client", "internal"]
    assert [span.status for span in act.spans] == ["unset", "unset", "error"]
    assert all(span.sampled for span in act.spans)


def test_open_spans_are_one_too(sentry, tracer):
    """Before their end as well."""
    sentry(dsn=DSN, instrumenter="otel", traces_sample_rate=1.0)
    with record(timeout="0s") as act:
        span = tracer.start_span("checkout")
        assert [one.name for one in act.unfinished] == ["checkout"]
        span.end()

    assert [one.name for one in act.spans] == ["checkout"]


def test_an_error_within(sentry, tracer):
    """It names the span of both."""
    sentry(dsn=DSN, instrumenter="otel", traces_sample_rate=1.0)
    with record() as act, tracer.start_as_current_span("checkout"):
        sentry_sdk.capture_message("gone", level="error")

    (error,) = act.error_events
    assert error.span is act.get("checkout")


def test_independent_of_each_other(sentry):
    """The usual install: two traces of one request, each by its own ids."""
    sentry(traces_sample_rate=1.0)
    tracer = sdk.TracerProvider(shutdown_on_exit=False).get_tracer("app")
    with record() as act:
        with sentry_sdk.start_transaction(name="checkout"), tracer.start_as_current_span("POST /"):
            with sentry_sdk.start_span(name="load"), tracer.start_as_current_span("SELECT"):
                pass
        act.only("checkout").assert_tree("checkout\n  load")
        act.only("POST /").assert_tree("POST /\n  SELECT")

    assert {span.source: span.trace_id for span in act.spans}.keys() == {"opentelemetry", "sentry"}


@pytest.fixture
def exporting(monkeypatch, sentry):
    """Sentry's integration over OTLP, with a provider of its own to add its exporter to."""
    integration = pytest.importorskip("sentry_sdk.integrations.otlp")
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    provider = sdk.TracerProvider(shutdown_on_exit=False)
    propagate = pytest.importorskip("opentelemetry.propagate")
    monkeypatch.setattr(api, "_TRACER_PROVIDER", provider)
    before = propagate.get_global_textmap()
    record_exception = sdk.Span.record_exception
    scope = pytest.importorskip("sentry_sdk.scope")

    # Sentry sets each integration up once in a process.
    integrations = pytest.importorskip("sentry_sdk.integrations")
    for name in ("_processed_integrations", "_installed_integrations"):
        known = getattr(integrations, name) - {"otlp"}
        monkeypatch.setattr(integrations, name, known)

    def exporting(dsn, **options):
        try:
            sentry(dsn=dsn, integrations=[integration.OTLPIntegration(**options)])
        except TypeError:
            pytest.skip("this version has no such option")
        return provider

    yield exporting
    with record():
        provider.shutdown()
    propagate.set_global_textmap(before)
    monkeypatch.setattr(sdk.Span, "record_exception", record_exception)
    scope.remove_external_propagation_context()


def test_otlp_is_held_back(exporting, server, monkeypatch):
    """What waits for the exporter as well; and everything leaves when no recording is open."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    tracer = exporting(server.dsn)
    with record() as act:
        with tracer.get_tracer("app").start_as_current_span("checkout"):
            sentry_sdk.capture_message("gone", level="error")
        tracer.force_flush()
        with tracer.get_tracer("app").start_as_current_span("left in the batch"):
            pass
        (error,) = act.error_events
        assert error.span is act.get("checkout")
    tracer.force_flush()
    assert server.paths == []
    with tracer.get_tracer("app").start_as_current_span("later"):
        pass
    tracer.force_flush()

    assert server.wait(1)
    assert all("otlp" in path for path in server.paths)


def test_an_own_collector_is_left_alone(exporting, server, monkeypatch):
    """It is none of Sentry's."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    provider = exporting(None, collector_url=f"http://{server.address}/v1/traces")
    with record():
        with provider.get_tracer("app").start_as_current_span("checkout"):
            pass
        provider.force_flush()

    assert server.paths == ["/v1/traces"]


@pytest.mark.parametrize("headers", [None, {"authorization": "x"}, (("x-sentry-auth", "x"),)])
def test_other_exporters_are_not_sentrys(headers):
    """Whatever they have for headers."""

    class Exporter:
        _headers = headers

    assert not otlp.is_for_sentry(Exporter())
