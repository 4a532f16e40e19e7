"""Spans of applications without a provider, and what is put in its place while we record."""

from __future__ import annotations

import asyncio
import threading

import pytest

from pytest_traces import record

trace = pytest.importorskip("opentelemetry.trace")
pytest.importorskip("opentelemetry.sdk.trace")


def test_tracer_of_before_during_and_after(fresh):
    """A tracer that is kept works in every recording, and does nothing between them."""
    tracer = fresh.get_tracer("app", "1.2")
    for _ in range(2):
        with record() as act:
            inside = fresh.get_tracer("inside")
            with tracer.start_as_current_span("a"):
                inside.start_span("b").end()
        act.assert_tree("a\n  b")
        assert act.get("a").scope == "app"
        assert not tracer.start_span("x").get_span_context().is_valid
        assert not inside.start_span("x").get_span_context().is_valid


def test_the_global_is_as_it_was(fresh):
    """After the recording there is no provider, and none has been set."""
    proxy = fresh.get_tracer_provider()
    with record():
        assert fresh.get_tracer_provider() is not proxy
    assert fresh.get_tracer_provider() is proxy
    assert fresh._TRACER_PROVIDER is None
    assert not fresh._TRACER_PROVIDER_SET_ONCE._done


def test_the_global_is_as_it_was_after_an_error(fresh):
    """The same when the block raises."""
    with pytest.raises(KeyError), record():
        raise KeyError
    assert fresh._TRACER_PROVIDER is None


def test_stand_in_looks_unconfigured(fresh):
    """Who asks whether a provider is configured learns that none is."""
    from opentelemetry.sdk.trace import TracerProvider

    with record():
        provider = fresh.get_tracer_provider()
        assert isinstance(provider, fresh.ProxyTracerProvider)
        assert not isinstance(provider, TracerProvider)


def test_application_sets_its_provider_inside(fresh, sdk):
    """It takes effect at once, for tracers made before as well, and stays."""
    app = sdk()
    before = fresh.get_tracer("before")
    with record() as act:
        before.start_span("a").end()
        during = fresh.get_tracer("during")
        fresh.set_tracer_provider(app.provider)
        before.start_span("b").end()
        during.start_span("c").end()
    assert [span.name for span in act.spans] == ["a", "b", "c"]
    assert fresh.get_tracer_provider() is app.provider
    before.start_span("d").end()
    during.start_span("e").end()
    assert app.names == ["b", "c", "d", "e"]


def test_provider_in_place_is_left_alone(fresh, sdk):
    """Where the application has set a provider, nothing stands in for it."""
    app = sdk()
    fresh.set_tracer_provider(app.provider)
    with record():
        assert fresh.get_tracer_provider() is app.provider
    assert fresh.get_tracer_provider() is app.provider


def test_provider_named_in_the_environment(fresh, monkeypatch):
    """With OTEL_PYTHON_TRACER_PROVIDER the API makes that provider itself, and keeps it."""
    monkeypatch.setenv("OTEL_PYTHON_TRACER_PROVIDER", "sdk_tracer_provider")
    with record() as act:
        fresh.get_tracer("app").start_span("a").end()
        provider = fresh.get_tracer_provider()
    act.assert_tree("a")
    assert type(provider).__name__ == "TracerProvider"
    assert fresh.get_tracer_provider() is provider


def test_processors_added_to_the_stand_in(fresh, sdk):
    """They hear of the spans of that recording, and of no other's."""
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    exporter = sdk().exporter
    tracer = fresh.get_tracer("app")
    with record():
        tracer.start_span("a").end()
        fresh.get_tracer_provider().add_span_processor(SimpleSpanProcessor(exporter))
        tracer.start_span("b").end()
    with record():
        tracer.start_span("c").end()
    assert [span.name for span in exporter.get_finished_spans()] == ["b"]


def test_nested_recordings(fresh):
    """The end of an inner recording does not take the stand-in away from the outer one."""
    tracer = fresh.get_tracer("app")
    with record() as outer:
        with record() as inner:
            tracer.start_span("a").end()
        tracer.start_span("b").end()
        assert fresh._TRACER_PROVIDER is not None
    assert fresh._TRACER_PROVIDER is None
    assert [span.name for span in inner.spans] == ["a"]
    assert [span.name for span in outer.spans] == ["a", "b"]


def test_somebody_puts_the_stand_in_back(fresh, sdk):
    """A fixture that restores the global too late does no harm: nothing, and then a provider."""
    with record():
        kept = fresh._TRACER_PROVIDER
    fresh._TRACER_PROVIDER = kept
    tracer = fresh.get_tracer("app")
    assert not tracer.start_span("x").get_span_context().is_valid
    with record() as act:
        tracer.start_span("a").end()
    act.assert_tree("a")
    assert fresh._TRACER_PROVIDER is None
    app = sdk()
    fresh.set_tracer_provider(app.provider)
    tracer.start_span("b").end()
    assert app.names == ["b"]


def test_stand_in_that_outlives_the_hooks(script):
    """The same where the plugin is gone: a tracer of it does nothing, and nothing recurses."""
    out = script(
        """
        from opentelemetry import trace
        from pytest_traces import record

        with record():
            kept = trace._TRACER_PROVIDER
        trace._TRACER_PROVIDER = kept
        tracer = trace.get_tracer("app")
        print(tracer.start_span("x").get_span_context().is_valid)
        with tracer.start_as_current_span("y") as span:
            print(span.is_recording())
        """
    )
    assert out == "False\nFalse\n"


def test_provider_that_does_nothing(fresh):
    """A no-op provider that the application has set is recorded, as not sampled."""
    fresh.set_tracer_provider(fresh.NoOpTracerProvider())
    tracer = fresh.get_tracer("app")
    with record() as act:
        with tracer.start_as_current_span("a", attributes={"k": 1}):
            fresh.get_tracer("inside").start_span("b").end()
    act.assert_tree("a\n  b")
    assert [span.sampled for span in act.spans] == [False, False]
    assert act.get("a").attributes == {"k": 1}
    assert not tracer.start_span("x").get_span_context().is_valid


@pytest.mark.parametrize("make", [trace.get_tracer, lambda name: trace.NoOpTracer()])
def test_decorators_are_not_bound(fresh, make):
    """A function decorated before or during a recording is traced in recordings only."""
    tracer = make("app")

    @tracer.start_as_current_span("before")
    def before():
        return fresh.get_current_span().get_span_context().is_valid

    with record() as act:

        @tracer.start_as_current_span("during")
        def during():
            return before() and fresh.get_current_span().get_span_context().is_valid

        assert during()
    act.assert_tree("during\n  before")
    assert not before()
    assert not during()
    with record() as act:
        during()
        before()
    act.assert_tree("during\n  before\nbefore")


def test_decorated_coroutine(fresh):
    """A decorated coroutine function has its span until it has run, with no provider too."""
    tracer = fresh.get_tracer("app")

    @tracer.start_as_current_span("outer")
    async def outer():
        await asyncio.sleep(0)
        tracer.start_span("inner").end()

    with record() as act:
        asyncio.run(outer())
    if len(act.roots) == 2:
        pytest.skip("this API decorates coroutine functions as if they were functions")
    act.assert_tree("outer\n  inner")


def test_what_is_kept_of_a_recording(fresh):
    """A span and a tracer that are kept do nothing to the next recording."""
    with record(timeout="1ms"):
        tracer = fresh.get_tracer("app")
        span = tracer.start_span("kept")
    assert span.is_recording()
    with record() as act:
        span.end()
        tracer.start_span("next").end()
    act.assert_tree("next")


def test_resource_and_sampler_of_the_environment(fresh, monkeypatch):
    """Without a provider, the variables say what the application's own would be."""
    monkeypatch.setenv("OTEL_SERVICE_NAME", "shop")
    tracer = fresh.get_tracer("app")
    with record() as first:
        tracer.start_span("a").end()
    monkeypatch.setenv("OTEL_SERVICE_NAME", "warehouse")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    with record() as second:
        tracer.start_span("b").end()
    assert (first.get("a").service, first.get("a").sampled) == ("shop", True)
    assert (second.get("b").service, second.get("b").sampled) == ("warehouse", False)


def test_threads_without_a_provider(fresh):
    """Many threads that start at once share what was made for them."""
    tracer, barrier = fresh.get_tracer("app"), threading.Barrier(8)

    def work():
        barrier.wait(10)
        for _ in range(20):
            with tracer.start_as_current_span("a"):
                tracer.start_span("b").end()

    with record() as act:
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    act.assert_count("b", 160, inside="a")


def test_headers_without_a_provider(fresh):
    """A context goes out in headers as with a provider, so that propagation can be tested."""
    from opentelemetry.propagate import inject

    tracer = fresh.get_tracer("app")
    with record() as act, tracer.start_as_current_span("a"):
        headers: dict[str, str] = {}
        inject(headers)
    _, trace_id, span_id, _ = headers["traceparent"].split("-")
    assert (trace_id, span_id) == (act.get("a").trace_id, act.get("a").span_id)
