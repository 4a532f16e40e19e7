"""Sentry together with OpenTelemetry: fed by it, exporting it, or independent beside it."""

from __future__ import annotations

import pytest

from pytest_traces import record, span
from pytest_traces.recording import journal
from pytest_traces.sources.sentry import otlp
from pytest_traces.sources.sentry.holding import Held

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


# What is kept: Sentry decides where it is fed by OpenTelemetry


def health_rule(context):
    """Drops health checks and keeps all else."""
    return 0 if "health" in context["transaction_context"]["name"] else 1


def said(assertion, *args):
    """The cause that the failure names."""
    with pytest.raises(AssertionError) as caught:
        assertion(*args)
    return str(caught.value).replace("\n         ", " ").split("  cause: ")[1].splitlines()[0]


def test_sentry_decides_on_each_span(sentry, tracer):
    """OpenTelemetry's sampler keeps all, and that is not what is sent."""
    sentry(dsn=DSN, instrumenter="otel", traces_sampler=health_rule)
    with record(timeout="0s") as act:
        for name in ("GET /health", "GET /cart"):
            with tracer.start_as_current_span(name), tracer.start_as_current_span("SELECT"):
                pass

    act.assert_not_sampled("GET /health")
    act.assert_not_sampled("SELECT", inside="GET /health")
    act.assert_sampled("GET /cart")
    act.assert_sampled("SELECT", inside="GET /cart")
    act.only(source="opentelemetry").assert_not_sampled("GET /health")
    rule = "by Sentry's traces_sampler (health_rule)"
    assert said(act.assert_sampled, "GET /health") == f"dropped {rule}"
    assert said(act.assert_not_sampled, "GET /cart") == f"kept {rule}"
    with pytest.raises(AssertionError) as caught:
        act.assert_sampled("SELECT")
    assert f"cause: dropped with its parent, 'GET /health', {rule}" in str(caught.value)


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_sentrys_rate(sentry, tracer, rate):
    """Likewise."""
    sentry(dsn=DSN, instrumenter="otel", traces_sample_rate=rate)
    with record(timeout="0s") as act:
        serve(tracer)

    (act.assert_sampled if rate else act.assert_not_sampled)()
    wrong, verb = (act.assert_not_sampled, "kept") if rate else (act.assert_sampled, "dropped")
    assert said(wrong, "GET /orders/{id}") == (f"{verb} by Sentry's traces_sample_rate ({rate})")


def test_what_happens_to_a_span_in_sentry(sentry, tracer):
    """Late for its transaction, it is lost."""
    sentry(dsn=DSN, instrumenter="otel", traces_sampler=health_rule)
    with record(timeout="0s") as act:
        with tracer.start_as_current_span("GET /cart"):
            late = tracer.start_span("late")
            assert act.get("late").sampled
        late.end()

    act.assert_sampled("GET /cart")
    act.assert_not_sampled("late")
    assert said(act.assert_sampled, "late") == (
        "dropped by Sentry: it was still open when its transaction ended"
    )


def test_the_headers_of_a_span_that_sentry_drops(sentry, tracer):
    """Those of OpenTelemetry say what that has decided, those of Sentry what Sentry has."""
    propagator = pytest.importorskip("sentry_sdk.integrations.opentelemetry").SentryPropagator()
    w3c = pytest.importorskip("opentelemetry.trace.propagation.tracecontext")
    sentry(dsn=DSN, instrumenter="otel", traces_sampler=health_rule)
    traceparent, trace = {}, {}
    with record(timeout="0s") as act, tracer.start_as_current_span("GET /health"):
        w3c.TraceContextTextMapPropagator().inject(traceparent)
        propagator.inject(trace)

    act.assert_not_sampled("GET /health")
    assert trace["sentry-trace"].endswith("-0")
    for carrier in (traceparent, trace):
        act.assert_propagated(carrier=carrier, sender="GET /health")


def test_what_opentelemetry_does_not_record(sentry):
    """Sentry never hears of it, and OpenTelemetry's sampler is the cause."""
    sampling = pytest.importorskip("opentelemetry.sdk.trace.sampling")
    sentry(dsn=DSN, instrumenter="otel", traces_sample_rate=1.0)
    provider = sdk.TracerProvider(sampler=sampling.ALWAYS_OFF, shutdown_on_exit=False)
    provider.add_span_processor(processors.SentrySpanProcessor())
    with record(timeout="0s") as act, provider.get_tracer("app").start_as_current_span("GET /"):
        pass

    act.assert_not_sampled("GET /")
    assert said(act.assert_sampled, "GET /") == "dropped by AlwaysOffSampler"


def test_without_a_dsn_nobody_is_asked(sentry, tracer):
    """So neither assertion can hold, and the failure says what to do."""
    sentry(instrumenter="otel", traces_sampler=health_rule)
    with record(timeout="0s") as act:
        with tracer.start_as_current_span("GET /health", start_time=10**18) as span:
            span.end(10**18 + 10**6)

    for assertion in (act.assert_sampled, act.assert_not_sampled):
        with pytest.raises(AssertionError) as caught:
            assertion("GET /health")
        assert str(caught.value) == (
            "whether 'GET /health' is sampled cannot be told: Sentry was not asked\n"
            "\n"
            "  GET /health  internal  1.00 ms\n"
            "\n"
            "  cause: with instrumenter='otel' Sentry decides, but its span processor does nothing "
            "without a DSN\n"
            "\n"
            '  hint:  sentry_sdk.init(dsn="http://key@localhost/1", ...); nothing is sent while a '
            "recording is\n"
            "         open"
        )


def test_where_spans_are_streamed_nobody_is_asked(sentry, tracer):
    """Sentry's processor makes transactions, which are none in that life."""
    consts = pytest.importorskip("sentry_sdk.consts")
    if "trace_lifecycle" not in consts.DEFAULT_OPTIONS:
        pytest.skip("this version has no such option")
    sentry(dsn=DSN, instrumenter="otel", trace_lifecycle="stream", traces_sample_rate=1.0)
    with record(timeout="0s") as act, pytest.warns(DeprecationWarning, match="streaming"):
        with tracer.start_as_current_span("GET /health"):
            pass

    assert said(act.assert_sampled, "GET /health") == (
        "with instrumenter='otel' Sentry decides, but its span processor does nothing where "
        "trace_lifecycle is 'stream'"
    )


@pytest.mark.parametrize("options", [{}, {"instrumenter": "otel"}])
def test_where_opentelemetry_decides(sentry, options, monkeypatch):
    """Sentry is not set up for it, or its processor is not there, or its spans are left out."""
    monkeypatch.delattr(processors.SentrySpanProcessor, "instance", raising=False)
    if not options:
        processors.SentrySpanProcessor()
    tracer = sdk.TracerProvider(shutdown_on_exit=False).get_tracer("app")
    sentry(traces_sample_rate=0.0, **options)
    with record(timeout="0s") as act, tracer.start_as_current_span("GET /"):
        pass

    act.assert_sampled("GET /")


def test_where_sentry_is_left_out(sentry, tracer):
    """Who asks for OpenTelemetry alone gets its decision."""
    sentry(dsn=DSN, instrumenter="otel", traces_sample_rate=0.0)
    with record(timeout="0s", sources=["opentelemetry"]) as act:
        with tracer.start_as_current_span("GET /"):
            pass

    act.assert_sampled("GET /")


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

    def exporting(dsn, also=(), **options):
        try:
            sentry(dsn=dsn, integrations=[integration.OTLPIntegration(**options), *also])
        except TypeError:
            pytest.skip("this version has no such option")
        return provider

    yield exporting
    with record():
        provider.shutdown()
    propagate.set_global_textmap(before)
    monkeypatch.setattr(sdk.Span, "record_exception", record_exception)
    scope.remove_external_propagation_context()


def test_opentelemetry_decides_on_what_it_exports(exporting):
    """Whatever Sentry's rate is."""
    tracer = exporting(DSN).get_tracer("app")
    with record(timeout="0s") as act, tracer.start_as_current_span("checkout"):
        pass

    act.assert_sampled("checkout")
    assert said(act.assert_not_sampled, "checkout") == "kept by ParentBased{root:AlwaysOnSampler}"


@pytest.fixture
def shop(exporting):
    """A Flask application with Sentry's integration for it, which has no tracing, and its tracer."""
    flask = pytest.importorskip("flask")
    from sentry_sdk.integrations.flask import FlaskIntegration

    tracer = exporting(DSN, also=[FlaskIntegration()]).get_tracer("app")
    return flask.Flask("shop"), tracer


def test_an_error_beside_an_unsampled_transaction(shop):
    """It is linked to the span that it names, not to what Sentry has for the request."""
    app, tracer = shop

    @app.get("/order")
    def order():
        with tracer.start_as_current_span("load"):
            sentry_sdk.capture_exception(LookupError("sold out"))
        return {}

    with record(timeout="0s") as act:
        assert app.test_client().get("/order").status_code == 200

    (error,) = act.error_events
    assert (error.span, error.unlinked) == (act.get("load"), None)
    assert [one.source for one in act.roots] == ["sentry", "opentelemetry"]
    act.assert_subtree(span("load", source="opentelemetry", exception=LookupError))
    act.assert_no_errors(allow=LookupError)


def test_an_error_of_both_sources(shop):
    """One exception is one error, in OpenTelemetry's span; Sentry's has its status of that one."""
    app, tracer = shop

    @app.get("/boom")
    def boom():
        with tracer.start_as_current_span("load"):
            raise LookupError("sold out")

    def report(error):
        with tracer.start_as_current_span("answer"):
            sentry_sdk.capture_exception(error)
        return "", 500

    app.register_error_handler(LookupError, report)
    with record(timeout="0s") as act:
        assert app.test_client().get("/boom").status_code == 500

    assert act.get(source="sentry").status == "error"
    assert [(one.source, one.span) for one in act.error_events] == [
        ("opentelemetry", act.get("load")), ("sentry", act.get("answer")),
    ]  # fmt: skip
    act.assert_no_errors(allow=LookupError)
    with pytest.raises(AssertionError) as caught:
        act.assert_no_errors(allow="load")
    assert str(caught.value).startswith("an error in 'answer': LookupError: sold out\n")


def test_an_error_of_a_span_from_before(shop):
    """Of a span of OpenTelemetry's nobody says that tracing is off."""
    app, tracer = shop

    @app.get("/order")
    def order():
        sentry_sdk.capture_exception(LookupError("sold out"))
        return {}

    with tracer.start_as_current_span("load"), record(timeout="0s") as act:
        assert app.test_client().get("/order").status_code == 200

    (error,) = act.error_events
    assert (error.span, error.unlinked) == (None, "its span started before the recording")


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


@pytest.fixture
def exported(exporting, monkeypatch):
    """A provider for Sentry, and the names of the spans that it has sent."""
    module = pytest.importorskip("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    names = []

    def export(self, spans):
        del self
        names.extend(span.name for span in spans)
        return module.SpanExportResult.SUCCESS

    monkeypatch.setattr(module.OTLPSpanExporter, "export", export)
    return exporting(DSN), names


def end(provider, *names):
    """Spans that wait for the exporter."""
    for name in names:
        provider.get_tracer("app").start_span(name).end()


@pytest.mark.parametrize("flushed", [True, False])
def test_otlp_that_was_waiting_before_waits(flushed, exported):
    """Until the recording is over, in its order, and nothing of the recording with it."""
    provider, names = exported
    end(provider, "first", "second")
    with record() as act:
        end(provider, "recorded")
        if flushed:
            provider.force_flush()
        assert names == []
    end(provider, "later")
    provider.force_flush()

    act.assert_tree("recorded")
    assert names == ["first", "second", "later"]


def test_otlp_that_was_waiting_is_not_told_as_held_back(exported):
    """It is sent after all."""
    provider, _ = exported
    end(provider, "before")
    with record(timeout="0s") as act:
        provider.force_flush()
        assert "OTLP" not in held_back(act)
        end(provider, "recorded")
        provider.force_flush()
        assert "OTLP export" in held_back(act)


def held_back(act):
    """What a failure tells of what was captured."""
    with pytest.raises(AssertionError) as caught:
        act.assert_count("nothing of that name", at_least=1)
    return str(caught.value)


def test_otlp_that_was_waiting_in_two_recordings(exported):
    """It waits on."""
    provider, names = exported
    end(provider, "before")
    for _ in range(2):
        with record():
            end(provider, "recorded")
            provider.force_flush()
    with record(), record():
        provider.force_flush()
    assert names == []
    provider.force_flush()

    assert names == ["before"]


def test_otlp_of_a_provider_that_is_shut_down(exported):
    """It is lost, as what waits in a client that is closed."""
    provider, names = exported
    end(provider, "before")
    with record():
        provider.shutdown()

    assert names == []


@pytest.fixture
def holding(exported):
    """What a recording would do with the spans that wait, step by step."""
    provider, names = exported
    module = pytest.importorskip("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    holding = otlp.OtlpHolding(Held(journal))
    holding.install(module)
    yield holding, provider, names
    holding.uninstall()


def test_newer_spans_are_not_pushed_out(monkeypatch, request):
    """Where the queue is full again, what was waiting is lost."""
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "3")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "3")
    holding, provider, names = request.getfixturevalue("holding")
    end(provider, "first", "second")
    holding.keep_what_waits()
    holding.drain()
    end(provider, "newer", "newest")
    holding.uninstall()
    provider.force_flush()

    assert names == ["second", "newer", "newest"]


def test_a_forked_child_does_not_send_what_waits(holding):
    """Its parent does."""
    holding, provider, names = holding
    end(provider, "before")
    holding.keep_what_waits()
    holding.drain()
    holding._process += 1
    holding.uninstall()
    provider.force_flush()

    assert names == []


def test_an_sdk_that_keeps_its_queue_elsewhere(holding, monkeypatch):
    """It is said what is lost."""
    holding, _, _ = holding
    monkeypatch.setattr(otlp, "deque", type("deque", (), {}))
    holding.keep_what_waits()

    assert holding.lost == [
        "this opentelemetry-sdk keeps elsewhere what waits for its exporter: Sentry never gets what "
        "was waiting before the recording"
    ]


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
