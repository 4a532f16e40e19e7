"""Spans that a sampler drops: recorded for us, and nothing else is different."""

from __future__ import annotations

import pytest

from pytest_traces import record

trace = pytest.importorskip("opentelemetry.trace")
sampling = pytest.importorskip("opentelemetry.sdk.trace.sampling")

SAMPLERS = {
    "off": sampling.ALWAYS_OFF,
    "on": sampling.ALWAYS_ON,
    "ratio": sampling.TraceIdRatioBased(0.5),
    "parent": sampling.ParentBased(sampling.ALWAYS_OFF),
    "parent, on": sampling.ParentBased(sampling.ALWAYS_ON),
}


def counting_ids():
    """An id generator whose ids are the numbers of its calls."""
    from opentelemetry.sdk.trace.id_generator import IdGenerator

    class Counting(IdGenerator):
        def __init__(self):
            self.calls = []

        def generate_span_id(self):
            self.calls.append("span")
            return len(self.calls)

        def generate_trace_id(self):
            self.calls.append("trace")
            return len(self.calls) << 100 | len(self.calls) << 60 | 1

    return Counting()


def remote(sampled):
    """A context that came from a carrier."""
    context = trace.SpanContext(
        0xC0FFEE, 0xCAFE, True, trace.TraceFlags(int(sampled)), trace.TraceState()
    )
    return trace.set_span_in_context(trace.NonRecordingSpan(context))


def headers_of_a_run(sdk, sampler):
    """What goes out and what is exported, of some work on a new provider."""
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    ids = counting_ids()
    app = sdk(sampler=sampler, id_generator=ids)
    sent = []

    def work(context=None):
        with app.tracer.start_as_current_span("outer", context):
            with app.tracer.start_as_current_span("inner"):
                sent.append({})
                TraceContextTextMapPropagator().inject(sent[-1])

    for parent in (None, remote(sampled=False), remote(sampled=True), None):
        work(parent)
    return sent, app.names, ids.calls


@pytest.mark.parametrize("name", SAMPLERS)
def test_same_ids_and_flags_on_the_wire(sdk, name):
    """Headers, exports and calls of the id generator are what they are without a recording."""
    without = headers_of_a_run(sdk, SAMPLERS[name])
    with record() as act:
        within = headers_of_a_run(sdk, SAMPLERS[name])
    assert within == without
    sent, exported, _ = within
    act.assert_count("inner", 4, inside="outer")
    assert [span.span_id for span in act.find("inner")] == [
        one["traceparent"].split("-")[2] for one in sent
    ]
    flags = [int(one["traceparent"][-2:], 16) & 1 for one in sent]
    assert [int(span.sampled) for span in act.find("inner")] == flags
    assert len(exported) == 2 * sum(flags)


def test_random_flag(sdk):
    """The SDK's own ids carry the W3C random flag, where the SDK knows it, when dropped too."""
    plain = sdk(sampler=sampling.ALWAYS_OFF).tracer.start_span("x").get_span_context().trace_flags
    with record() as act:
        span = sdk(sampler=sampling.ALWAYS_OFF).tracer.start_span("x")
        assert span.get_span_context().trace_flags == plain
        span.end()
    assert not act.get("x").sampled


def test_unsampled_remote_parent(sdk):
    """A caller that did not sample: the spans are here, below their remote parent."""
    app = sdk(sampler=sampling.ParentBased(sampling.ALWAYS_ON))
    with record() as act:
        with app.tracer.start_as_current_span("request", remote(sampled=False)):
            app.tracer.start_span("query").end()
    act.assert_tree("request\n  query")
    request = act.get("request")
    assert (request.sampled, request.remote_parent, request.orphan) == (False, True, False)
    assert (request.trace_id, request.parent_id) == (f"{0xC0FFEE:032x}", f"{0xCAFE:016x}")
    assert app.names == []


def test_everything_about_a_dropped_span(sdk):
    """Its attributes, events, links, kind and status are recorded like those of any other."""
    app = sdk(sampler=sampling.ALWAYS_OFF)
    link = trace.Link(trace.SpanContext(1, 2, False), {"l": 1})
    with record() as act:
        with app.tracer.start_as_current_span(
            "a", kind=trace.SpanKind.CONSUMER, attributes={"k": 1}, links=[link], start_time=5
        ) as span:
            span.add_event("e", {"x": 1})
            span.set_status(trace.StatusCode.ERROR, "broken")
    recorded = act.get("a")
    assert (recorded.kind, recorded.status, recorded.status_description) == (
        "consumer", "error", "broken",
    )  # fmt: skip
    assert recorded.attributes == {"k": 1}
    assert [event.name for event in recorded.events] == ["e"]
    assert [one.span_id for one in recorded.links] == [f"{2:016x}"]
    assert recorded.start_ns == 5
    assert recorded.scope == "app"


def test_what_the_sampler_says_is_kept(sdk):
    """The trace state that a sampler gives to a dropped span is on the recorded one."""

    class Stating(sampling.Sampler):
        asked = 0

        def should_sample(self, parent_context, trace_id, name, *args, **kwargs):
            Stating.asked += 1
            state = trace.TraceState([("vendor", "dropped")])
            return sampling.SamplingResult(sampling.Decision.DROP, None, state)

        def get_description(self):
            return "Stating"

    with record():
        span = sdk(sampler=Stating()).tracer.start_span("a")
        assert span.get_span_context().trace_state == {"vendor": "dropped"}
        span.end()
    assert Stating.asked == 1


def test_record_only_spans(sdk):
    """A span that the application's own sampler records and does not sample is not sampled."""

    class RecordOnly(sampling.Sampler):
        def should_sample(self, parent_context, trace_id, name, *args, **kwargs):
            return sampling.SamplingResult(sampling.Decision.RECORD_ONLY)

        def get_description(self):
            return "RecordOnly"

    for unsampled in (True, False):
        with record(unsampled=unsampled) as act:
            sdk(sampler=RecordOnly()).tracer.start_span("a").end()
        assert not act.get("a").sampled


def test_processors_of_a_dropped_span(sdk):
    """Neither its start nor its end reaches any processor of the application."""
    from opentelemetry.sdk.trace import SpanProcessor

    heard = []

    class Listening(SpanProcessor):
        def on_start(self, span, parent_context=None):
            heard.append(span.name)

        def on_end(self, span):
            heard.append(span.name)

    app = sdk(sampler=sampling.ALWAYS_OFF)
    app.provider.add_span_processor(Listening())
    with record() as act:
        app.tracer.start_span("a").end()
    act.assert_tree("a")
    assert heard == []


def test_sdk_metrics_of_a_dropped_span(script):
    """The SDK's own metrics count it once, as dropped."""
    out = script(
        """
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import InMemoryMetricReader
        from pytest_traces import record

        reader = InMemoryMetricReader()
        try:
            provider = TracerProvider(
                sampler=ALWAYS_OFF, meter_provider=MeterProvider([reader])
            )
        except TypeError:
            print("too old")
            raise SystemExit
        with record() as act:
            provider.get_tracer("app").start_span("a").end()
        act.assert_tree("a")
        metrics = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
        for metric in metrics:
            for point in metric.data.data_points:
                print(metric.name, point.value, *sorted(point.attributes.values()))
        """,
        OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED="true",
    )
    if out == "too old\n":
        pytest.skip("this SDK has no metrics of its own")
    assert out == "otel.sdk.span.started 1 DROP none\n"


def test_skipped_on_request(sdk):
    """With unsampled=False dropped spans are listed, and absence cannot be asserted."""
    app = sdk(sampler=sampling.ALWAYS_OFF)
    with record(unsampled=False, timeout="1ms") as act:
        span = app.tracer.start_span("a")
        assert not span.is_recording()
    assert act.spans == ()
    with pytest.raises(AssertionError, match="dropped by the sampler and not recorded: 'a'"):
        act.assert_none("b")


@pytest.mark.parametrize("outer_wants", [True, False])
def test_nested_recordings_that_differ(sdk, outer_wants):
    """Of two recordings, one that wants dropped spans gets them and the other one names them."""
    app = sdk(sampler=sampling.ALWAYS_OFF)
    with record(unsampled=outer_wants, timeout="1ms") as outer:
        with record(unsampled=not outer_wants, timeout="1ms") as inner:
            app.tracer.start_span("a").end()
            app.tracer.start_span("b")
    wanting, skipping = (outer, inner) if outer_wants else (inner, outer)
    assert [span.name for span in wanting.spans] == ["a", "b"]
    assert skipping.spans == ()
    assert skipping._frame.recording.remarks["unsampled"] == {"a": 1, "b": 1}
    assert "unsampled" not in wanting._frame.recording.remarks
    with pytest.raises(AssertionError, match="dropped by the sampler"):
        skipping.assert_none("c")


def test_disabled_tracer(sdk):
    """A tracer that is disabled makes no span, and its failure says so."""
    app = sdk()
    try:
        from opentelemetry.sdk.trace import _disable_tracer_configurator as disable
    except ImportError:
        pytest.skip("this SDK cannot disable a tracer")
    app.provider._set_tracer_configurator(tracer_configurator=disable)
    other = sdk().tracer
    with record(timeout="1ms") as act:
        app.tracer.start_span("a").end()
        with other.start_as_current_span("b"):
            app.tracer.start_span("c").end()
    act.assert_tree("b")
    assert act._captures()[0].notes[-1] == (
        "not recorded: 'a', 'c', started on a tracer that the application has disabled"
    )
