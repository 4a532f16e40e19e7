"""What is switched on is switched off, whatever happens in between."""

from __future__ import annotations

import pytest

pytest.importorskip("opentelemetry.sdk.trace")

SNAPSHOT = """
    import gc, sys, threading, warnings

    def snapshot():
        from opentelemetry import context, trace
        from opentelemetry.context.contextvars_context import ContextVarsRuntimeContext
        from opentelemetry.sdk import trace as sdk

        return {
            "provider": trace._TRACER_PROVIDER,
            "once": trace._TRACER_PROVIDER_SET_ONCE,
            "done": trace._TRACER_PROVIDER_SET_ONCE._done,
            "Tracer.start_span": vars(sdk.Tracer)["start_span"],
            "Tracer.start_as_current_span": vars(sdk.Tracer)["start_as_current_span"],
            "Span.end": vars(sdk.Span)["end"],
            "ProxyTracer._tracer": vars(trace.ProxyTracer)["_tracer"],
            "NoOpTracer.start_span": vars(trace.NoOpTracer)["start_span"],
            "NoOpTracer.start_as_current_span": vars(trace.NoOpTracer)["start_as_current_span"],
            "attach": vars(ContextVarsRuntimeContext)["attach"],
            "meta_path": list(sys.meta_path),
            "context": dict(context.get_current()),
        }

    def work():
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

        with trace.get_tracer("app").start_as_current_span("a"):
            TracerProvider(sampler=ALWAYS_OFF).get_tracer("b").start_span("b").end()
            trace.NoOpTracer().start_span("c").end()

    def differences(before):
        after = snapshot()
        return [name for name in before if before[name] != after[name]]
"""


def test_everything_is_restored(script):
    """Classes, globals and finders are as before, also after errors and in nested recordings."""
    out = script(
        SNAPSHOT,
        """
        before = snapshot()
        from pytest_traces import record

        with record(timeout="1ms"):
            work()
            assert len(differences(before)) == 8, differences(before)
        print(differences(before))
        for error in KeyError, KeyboardInterrupt, SystemExit, GeneratorExit:
            try:
                with record(timeout="1ms"):
                    work()
                    raise error
            except error:
                print(differences(before))
        with record(timeout="1ms"):
            with record(timeout="1ms"):
                work()
            assert len(differences(before)) == 8
        print(differences(before))
        """,
    )
    assert out == "[]\n" * 6


def test_everything_is_restored_when_a_source_does_not_open(script):
    """A source that fails to open takes back what the others have opened."""
    out = script(
        SNAPSHOT,
        """
        before = snapshot()
        from pytest_traces import record
        from pytest_traces.sources.handwritten import HandwrittenSource

        working = HandwrittenSource.open
        HandwrittenSource.open = lambda self: 1 / 0
        try:
            with record():
                print("not reached")
        except ZeroDivisionError:
            print(differences(before))
        HandwrittenSource.open = working
        with record(timeout="1ms") as act:
            work()
        print(differences(before), len(act.spans))
        """,
    )
    assert out == "[]\n[] 3\n"


def test_everything_is_restored_when_a_source_does_not_close(script):
    """One that fails to close keeps no other from closing, and the failure is told."""
    out = script(
        SNAPSHOT,
        """
        before = snapshot()
        from pytest_traces import record
        from pytest_traces.sources.handwritten import HandwrittenSource

        HandwrittenSource.close = lambda self: 1 / 0
        try:
            with record(timeout="1ms"):
                work()
        except AssertionError as error:
            print(error)
        print(differences(before))
        """,
    )
    assert out == "could not undo a hook: ZeroDivisionError: division by zero\n[]\n"


def test_hooks_are_gone_with_pytest(script):
    """pytest in this process: hooks while it runs, and everything restored afterwards."""
    out = script(
        SNAPSHOT,
        """
        import contextlib, io, pathlib, pytest

        before = snapshot()
        pathlib.Path("test_one.py").write_text(
            "import __main__, sys\\n"
            "def test_idle():\\n"
            "    assert __main__.differences(__main__.before), 'no hooks'\\n"
            "def test_recording(traces):\\n"
            "    __main__.work()\\n"
            "    traces.assert_tree('a\\\\n  b\\\\n  c')\\n"
            "def test_failing(traces):\\n"
            "    __main__.work()\\n"
            "    1 / 0\\n"
        )
        for _ in range(2):
            with contextlib.redirect_stdout(io.StringIO()) as out:
                pytest.main(["-q", "-p", "pytest_traces.plugin", "-p", "no:cacheprovider",
                             "test_one.py"])
            print(out.getvalue().splitlines()[-1].partition(" in ")[0])
            print([name for name in differences(before) if name != "meta_path"])
            print([finder for finder in sys.meta_path if "ImportWatch" in type(finder).__name__])
        """,
        PYTEST_DISABLE_PLUGIN_AUTOLOAD="1",
    )
    assert out == "1 failed, 2 passed\n[]\n[]\n" * 2


def test_usage_error_leaves_no_hooks(script):
    """A run that ends before its first test restores, too."""
    out = script(
        SNAPSHOT,
        """
        import contextlib, io, pathlib, pytest

        before = snapshot()
        pathlib.Path("pytest.ini").write_text("[pytest]\\ntraces_timeout = soon\\n")
        with contextlib.redirect_stderr(io.StringIO()):
            print(int(pytest.main(["-p", "pytest_traces.plugin"])))
        print([name for name in differences(before) if name != "meta_path"])
        print([finder for finder in sys.meta_path if "ImportWatch" in type(finder).__name__])
        """,
        PYTEST_DISABLE_PLUGIN_AUTOLOAD="1",
    )
    assert out == "4\n[]\n[]\n"


def test_a_fresh_sdk_in_the_middle(script):
    """What is hooked at its import during a recording is restored with it."""
    out = script(
        """
        from pytest_traces import record

        with record(timeout="1ms"):
            import opentelemetry.sdk.trace as sdk
            from opentelemetry import trace
            assert trace._TRACER_PROVIDER is not None
            hooked = sdk.Tracer.start_span
        print(sdk.Tracer.start_span is hooked, trace._TRACER_PROVIDER)
        print(sdk.Tracer.start_span.__module__, sdk.Span.end.__module__)
        """
    )
    assert out == "False None\nopentelemetry.sdk.trace opentelemetry.sdk.trace\n"


def test_recording_imports_nothing(script):
    """Neither the plugin nor a recording imports OpenTelemetry, used or not."""
    out = script(
        """
        import sys
        import pytest_traces.plugin
        from pytest_traces import record

        with record(timeout="1ms") as act:
            try:
                act.get("x")
            except AssertionError:
                pass
        print([name for name in sys.modules if name.startswith("opentelemetry")])
        """
    )
    assert out == "[]\n"


def test_current_span(sdk):
    """The span that is current is known by its ids, and None if there is none."""
    from pytest_traces.sources import opentelemetry as source

    assert source.current() is None
    with sdk().tracer.start_as_current_span("a") as span:
        context = span.get_span_context()
        assert source.current() == (f"{context.trace_id:032x}", f"{context.span_id:016x}")


def test_by_hand_below_a_span(sdk):
    """A span recorded by hand is a child of the one that is current, and not the other way."""
    from pytest_traces import record

    tracer = sdk().tracer
    with record() as act:
        with tracer.start_as_current_span("request"), act.start_span("by hand"):
            tracer.start_span("query").end()
    act.assert_tree("request\n  by hand\n  query")


def test_source_that_is_left_out(sdk):
    """A recording of other sources only has no spans of this one, and says so."""
    from pytest_traces import record

    with record(sources=["handwritten"]) as act:
        sdk().tracer.start_span("a").end()
        assert act.spans == ()
        assert act._captures()[0] == ("opentelemetry", "left out by traces_sources", (), None)
