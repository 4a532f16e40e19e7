"""What the hooks on the SDK's classes see, in one process."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from pytest_traces import record

trace = pytest.importorskip("opentelemetry.trace")
pytest.importorskip("opentelemetry.sdk.trace")


def names(traces):
    """The names of what was recorded, in order of start."""
    return [span.name for span in traces.spans]


def remarks(traces):
    """What sources had to say of spans that are not there."""
    return traces._frame.recording.remarks


def test_every_way_to_start_a_span(sdk):
    """start_span, the context manager and the decorator are one thing, with all their arguments."""
    tracer = sdk().tracer

    @tracer.start_as_current_span("decorated")
    def decorated():
        tracer.start_span(name="by keyword", kind=trace.SpanKind.CLIENT, start_time=7).end(9)

    with record() as act:
        with tracer.start_as_current_span("outer", None, trace.SpanKind.SERVER, {"a": 1}):
            decorated()
        with tracer.start_span("as block"):
            pass

    act.assert_tree("outer\n  decorated\n    by keyword\nas block")
    assert act.get("outer").kind == "server"
    assert act.get("outer").attributes == {"a": 1}
    span = act.get("by keyword")
    assert (span.kind, span.start_ns, span.end_ns) == ("client", 7, 9)


def test_wrong_arguments_are_the_applications_own_error(sdk):
    """A call that the SDK would refuse is refused in the SDK's words."""
    with record() as act, pytest.raises(TypeError, match=r"start_span\(\)"):
        sdk().tracer.start_span("x", colour="blue")
    act.assert_none()


def test_idle_hook_passes_through(sdk):
    """Outside of recordings spans go their way, and nothing is kept."""
    app = sdk()
    app.tracer.start_span("before").end()
    with record() as act:
        app.tracer.start_span("within").end()
    app.tracer.start_span("after").end()
    assert app.names == ["before", "within", "after"]
    assert names(act) == ["within"]


def test_nested_recordings(sdk):
    """An inner recording sees its own spans only, the outer one all of them."""
    tracer = sdk().tracer
    with record() as outer:
        tracer.start_span("a").end()
        with tracer.start_as_current_span("b"):
            with record() as inner:
                tracer.start_span("c").end()
            tracer.start_span("d").end()
    assert names(inner) == ["c"]
    outer.assert_tree("a\nb\n  c\n  d")


def test_overlapping_recordings(sdk):
    """Recordings need not end in the order in which they began."""
    tracer = sdk().tracer
    first, second = record(), record()
    early = first.__enter__()
    tracer.start_span("a").end()
    late = second.__enter__()
    tracer.start_span("b").end()
    first.__exit__(None, None, None)
    tracer.start_span("c").end()
    second.__exit__(None, None, None)
    assert names(early) == ["a", "b"]
    assert names(late) == ["b", "c"]


def test_two_threads(sdk):
    """Spans of two threads at once are all there, each with its thread and below its parent."""
    tracer, barrier = sdk().tracer, threading.Barrier(2)

    def work(name):
        barrier.wait(10)
        for _ in range(200):
            with tracer.start_as_current_span(name):
                tracer.start_span(f"in {name}").end()

    with record() as act:
        threads = [threading.Thread(target=work, args=[name], name=name) for name in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    for name in "ab":
        act.assert_count(name, 200)
        act.assert_count(f"in {name}", 200, inside=name)
        assert {span.data.thread for span in act.find(name)} == {name}
    assert act.unfinished == ()


def test_looking_while_spans_arrive(sdk):
    """Somebody who looks all the time loses no span and sees no half-written one."""
    tracer, stop = sdk().tracer, threading.Event()
    seen: list[int] = []

    def watch(act):
        while not stop.is_set():
            seen.append(len(act.spans))

    def work():
        for number in range(300):
            with tracer.start_as_current_span("work") as span:
                for key in "abc":
                    span.set_attribute(key, number)
                    span.set_attribute(f"{key}{number}", number)

    with record() as act, ThreadPoolExecutor(6) as pool:
        watching = [pool.submit(watch, act) for _ in range(3)]
        for done in [pool.submit(work) for _ in range(3)]:
            done.result()
        stop.set()
        for done in watching:
            done.result()
        act.assert_count("work", 900)
        assert act.unfinished == ()
        assert all(len(span.attributes) == 6 for span in act.spans)
    assert seen


def test_processor_that_raises_at_the_end(sdk):
    """A span whose end raises in a processor has ended, and the application gets the error."""
    from opentelemetry.sdk.trace import SpanProcessor

    class Broken(SpanProcessor):
        def on_end(self, span):
            raise ValueError("broken exporter")

    app = sdk()
    app.provider.add_span_processor(Broken())
    with record() as act:
        with pytest.raises(ValueError, match="broken exporter"):
            app.tracer.start_span("a").end()
    assert act.get("a").end_ns is not None
    assert act.unfinished == ()


def test_processor_that_starts_and_ends_spans(sdk):
    """Spans that a processor makes are recorded; one that it ends at once has ended."""
    from opentelemetry.sdk.trace import SpanProcessor

    other = sdk().tracer

    class Meddling(SpanProcessor):
        def on_start(self, span, parent_context=None):
            other.start_span("from a processor").end()
            span.end()

    app = sdk()
    app.provider.add_span_processor(Meddling())
    with record() as act:
        app.tracer.start_span("a")
        act.assert_tree("a\nfrom a processor")
        assert remarks(act) == {}
        assert remarks(act) == {}


def test_ending_twice(sdk, caplog):
    """Only the first end counts."""
    with record() as act:
        span = sdk().tracer.start_span("a", start_time=1)
        span.end(2)
        span.end(3)
        assert act.get("a").end_ns == 2
    assert act.get("a").end_ns == 2
    assert remarks(act) == {}


def test_changes_after_the_end(sdk, caplog):
    """What the SDK ignores after the end is not recorded either."""
    with record() as act:
        span = sdk().tracer.start_span("a", attributes={"kept": 1})
        span.end()
        span.update_name("b")
        span.set_attribute("late", 2)
        span.add_event("late")
        span.set_status(trace.StatusCode.ERROR)
    recorded = act.get("a")
    assert recorded.attributes == {"kept": 1}
    assert (recorded.events, recorded.status) == ((), "unset")


def test_open_span_is_live_and_then_frozen(sdk):
    """An open span shows what it is now; when the recording closes it is kept as it was."""
    with record(timeout="1ms") as act:
        span = sdk().tracer.start_span("a")
        span.set_attribute("step", 1)
        assert act.find("a")[0].attributes == {"step": 1}
        span.set_attribute("step", 2)
        span.update_name("b")
        assert act.find("b")[0].attributes == {"step": 2}
    span.set_attribute("step", 3)
    span.update_name("c")
    span.end()
    assert names(act) == ["b"]
    assert act.spans[0].attributes == {"step": 2}
    assert act.spans[0].end_ns is None


def test_open_span_of_an_inner_recording(sdk):
    """A span that ends after the inner recording ends in the outer one only."""
    with record(timeout="1ms") as outer:
        with record(timeout="1ms") as inner:
            span = sdk().tracer.start_span("a")
        span.end()
    assert inner.spans[0].end_ns is None
    assert outer.spans[0].end_ns is not None


def test_span_that_began_before_the_recording(sdk):
    """It is not recorded when it ends, and not mistaken for one that was missed."""
    span = sdk().tracer.start_span("a")
    with record() as act:
        span.end()
    assert act.spans == ()
    assert remarks(act) == {}


def test_another_library_wraps_on_top(sdk, monkeypatch):
    """A later wrapper of start_span stays in force, during and after the recording."""
    from opentelemetry.sdk.trace import Tracer

    with record() as act:
        ours, called = Tracer.start_span, []

        def theirs(self, *args, **kwargs):
            called.append(args)
            return ours(self, *args, **kwargs)

        monkeypatch.setattr(Tracer, "start_span", theirs)
        sdk().tracer.start_span("a").end()
    assert Tracer.start_span is theirs
    with record() as again:
        sdk().tracer.start_span("b").end()
    assert Tracer.start_span is theirs
    sdk().tracer.start_span("c").end()
    assert (names(act), names(again)) == (["a"], ["b"])
    assert called == [("a",), ("b",), ("c",)]


def test_another_library_wrapped_before(script):
    """A wrapper that was there before us, with whatever parameters, stays and is recorded."""
    out = script(
        """
        from opentelemetry.sdk.trace import Tracer, TracerProvider

        original = Tracer.start_span

        def theirs(*args, **kwargs):
            span = original(*args, **kwargs)
            span.set_attribute("theirs", True)
            return span

        Tracer.start_span = theirs
        from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
        from opentelemetry.trace import SpanKind
        from pytest_traces import record

        with record() as act:
            tracer = TracerProvider().get_tracer("app")
            with tracer.start_as_current_span("a", kind=SpanKind.CLIENT):
                tracer.start_span(name="b", attributes={"k": 1}).end()
            TracerProvider(sampler=ALWAYS_OFF).get_tracer("app").start_span("c").end()
        act.assert_tree("a\\n  b\\nc")
        print([(span.kind, dict(span.attributes), span.sampled) for span in act.spans])
        print(Tracer.start_span is theirs)
        """
    )
    assert out == (
        "[('client', {'theirs': True}, True), ('internal', {'k': 1, 'theirs': True}, True), "
        "('internal', {'theirs': True}, False)]\n"
        "True\n"
    )


def test_sdk_reloaded(script):
    """After the SDK's module was reloaded, tracers of both generations are recorded once."""
    out = script(
        """
        import importlib
        from opentelemetry.sdk import trace as sdk
        from pytest_traces import record
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

        exporter = InMemorySpanExporter()

        def make():
            provider = sdk.TracerProvider()
            provider.add_span_processor(SimpleSpanProcessor(exporter))
            return provider.get_tracer("app")

        old = make()
        start, end = vars(sdk.Tracer)["start_span"], vars(sdk.Span)["end"]
        with record(timeout="1ms") as act:
            early = old.start_span("early")
            importlib.reload(sdk)
            early.end()
            old.start_span("old").end()
            make().start_span("new").end()
            print([(span.name, span.end_ns is not None, span.sampled) for span in act.spans])
        print([span.name for span in exporter.get_finished_spans()])
        print(type(old).start_span is start, type(early).__mro__[1].end is end)
        print(sdk.Tracer.start_span.__module__, sdk.Span.end.__module__)
        """
    )
    assert out.splitlines() == [
        "[('early', True, True), ('old', True, True), ('new', True, True)]",
        "['early', 'old', 'new']",
        "True True",
        "opentelemetry.sdk.trace opentelemetry.sdk.trace",
    ]


def test_sdk_imported_in_the_middle(script):
    """The SDK's first import during a recording is noticed, and its spans are recorded."""
    out = script(
        """
        import sys
        from pytest_traces import record

        with record(timeout="1ms") as act:
            assert "opentelemetry" not in sys.modules
            from opentelemetry.sdk.trace import TracerProvider
            with TracerProvider().get_tracer("app").start_as_current_span("a"):
                from opentelemetry import trace
                trace.get_tracer("api").start_span("b").end()
            act.assert_tree("a\\n  b")
        print(TracerProvider, trace._TRACER_PROVIDER)
        """
    )
    assert out == "<class 'opentelemetry.sdk.trace.TracerProvider'> None\n"


def test_subclass_of_the_tracer(sdk):
    """A tracer class of the application's own that calls the SDK's is recorded once."""
    from opentelemetry.sdk.trace import Tracer

    class Loud(Tracer):
        def start_span(self, name, *args, **kwargs):
            return super().start_span(name.upper(), *args, **kwargs)

    tracer = sdk().tracer
    tracer.__class__ = Loud
    with record() as act:
        tracer.start_span("a").end()
    assert names(act) == ["A"]


@pytest.mark.parametrize("scope", ["pytest-opentelemetry", "pytest_otel", "logfire.pytest"])
def test_scopes_of_other_tracing_plugins(sdk, scope):
    """The spans with which a pytest plugin traces the tests are neither spans nor parents."""
    app = sdk()
    plugin, tracer = app.provider.get_tracer(scope), app.tracer
    with plugin.start_as_current_span("session"), plugin.start_as_current_span("test") as test:
        with record(timeout="1ms") as act:
            with tracer.start_as_current_span("request"):
                tracer.start_span("query").end()
            with plugin.start_as_current_span("call"):
                tracer.start_span("in call").end()
                with act.start_span("by hand"):
                    pass
            with act.start_span("also by hand"):
                pass
            tracer.start_span("by context", trace.set_span_in_context(test)).end()
            act.assert_tree("request\n  query\nin call\nby hand\nalso by hand\nby context")
    assert [span.orphan for span in act.roots] == [False] * 5
    assert {span.parent_id for span in act.roots} == {None}
    assert act._captures()[0].state.startswith("4 spans")


def test_more_spans_than_are_kept_alive(sdk):
    """Beyond two thousand, spans are let go of at once; none is lost, and none is another's."""
    tracer = sdk().tracer
    with record() as act:
        with tracer.start_as_current_span("root", attributes={"root": True}):
            for number in range(2_500):
                with tracer.start_as_current_span("outer", attributes={"n": number}):
                    inner = tracer.start_span("inner", attributes={"in": number, f"k{number}": 1})
                    if number % 100 == 0:
                        inner.add_event("hundred", {"of": number})
                        inner.set_status(trace.StatusCode.ERROR, "round")
                    inner.end()
        act.assert_count("outer", 2_500, inside="root")
        act.assert_count("inner", 2_500, inside="outer")
        open_at_the_look = tracer.start_span("last")
        assert act.find("last")[0].end_ns is None
        open_at_the_look.end()
        act.assert_count("last", 1)
    assert len(act.spans) == 5_002
    for outer in act.find("outer"):
        number, (inner,) = outer.attributes["n"], outer.children
        assert inner.attributes == {"in": number, f"k{number}": 1}
        events = [(event.name, dict(event.attributes)) for event in inner.events]
        assert events == ([("hundred", {"of": number})] if number % 100 == 0 else [])
        assert inner.status == ("error" if number % 100 == 0 else "unset")
        assert outer.events == ()
        assert outer.end_ns >= inner.end_ns
    assert act.unfinished == ()
    assert remarks(act) == {}


def test_many_spans_of_many_threads(sdk):
    """Batches that several threads fill at once keep each span's thread, parent and end."""
    tracer = sdk().tracer

    def work(name):
        with tracer.start_as_current_span(name):
            for number in range(800):
                tracer.start_span(f"in {name}", attributes={"n": number}).end()

    with record() as act:
        threads = [threading.Thread(target=work, args=[name], name=name) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for name in "abcd":
        spans = act.find(f"in {name}", inside=name)
        assert [span.attributes["n"] for span in spans] == list(range(800))
        assert {span.data.thread for span in spans} == {name}
    assert act.unfinished == ()
    assert remarks(act) == {}


def test_spans_past_the_hook_among_many(script):
    """Those whose start was bound before the recording's hook are counted, and only those."""
    out = script(
        """
        from opentelemetry.sdk.trace import Tracer, TracerProvider
        from pytest_traces import record

        tracer, bound = TracerProvider().get_tracer("app"), Tracer.start_span
        with record() as act:
            for number in range(3_000):
                tracer.start_span("seen").end()
                if number % 1_000 == 0:
                    bound(tracer, "missed").end()
            act.assert_count("seen", 3_000)
            print(act._frame.recording.remarks)
        """
    )
    assert out == "{'bound': {'missed': 3}}\n"
