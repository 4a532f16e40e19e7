"""Whose provider it is, and when it is made: situations (a) to (e), in whole suites."""

from __future__ import annotations

import pytest

pytest.importorskip("opentelemetry.sdk.trace")

APP = """
    from opentelemetry import trace

    tracer = trace.get_tracer("app")
    made = 0

    @tracer.start_as_current_span("decorated")
    def decorated():
        pass

    def work():
        global made
        made += 1
        with tracer.start_as_current_span("work"):
            decorated()
"""

EXPORTING = """
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()

    def make(processor=SimpleSpanProcessor, **arguments):
        provider = TracerProvider(**arguments)
        provider.add_span_processor(processor(exporter))
        return provider

    def exported():
        return sorted(span.name for span in exporter.get_finished_spans())
"""

TWO_TESTS = """
    from app import work

    TREE = "work\\n  decorated"

    def test_one(traces):
        work()
        traces.assert_tree(TREE)

    def test_two(traces):
        work()
        traces.assert_tree(TREE)
"""


def test_no_provider_is_ever_set(suite, order):
    """(a) Spans without a provider are recorded; between recordings the API is as without us."""
    suite.write("app.py", APP)
    suite.write(
        "test_app.py",
        TWO_TESTS,
        """
        from app import tracer
        from opentelemetry import trace

        def test_between(request):
            assert not tracer.start_span("unseen").get_span_context().is_valid
            assert trace._TRACER_PROVIDER is None
            assert type(trace.get_tracer_provider()) is trace.ProxyTracerProvider
            work()

        def test_three(traces):
            work()
            traces.assert_tree(TREE)
        """,
    )
    suite.add_to_conftest(
        """
        def pytest_sessionfinish():
            import app, exporting
            from opentelemetry import trace

            provider = exporting.make()
            trace.set_tracer_provider(provider)
            assert trace.get_tracer_provider() is provider
            app.work()
            assert exporting.exported() == ["decorated", "work"]
        """
    )
    suite.write("exporting.py", EXPORTING)
    suite.run(order).passed(4)


def test_provider_set_at_import(suite, order):
    """(b) The application's own provider is recorded, and its exporter still gets everything."""
    suite.write(
        "app.py",
        APP,
        EXPORTING,
        """
        provider = make(BatchSpanProcessor)
        trace.set_tracer_provider(provider)
        """,
    )
    suite.write(
        "test_app.py",
        TWO_TESTS,
        """
        def test_without_a_recording():
            work()
        """,
    )
    suite.add_to_conftest(
        """
        def pytest_sessionfinish():
            import app

            assert app.trace.get_tracer_provider() is app.provider
            app.provider.force_flush()
            assert app.exported() == ["decorated"] * app.made + ["work"] * app.made
        """
    )
    suite.run(order).passed(3)


def test_provider_set_inside_a_test(suite, order):
    """(c) A provider set in one test is still the global one in the next, and recorded there."""
    suite.write(
        "app.py",
        APP,
        EXPORTING,
        """
        provider = None

        def configure():
            global provider
            if provider is None:
                provider = make()
                trace.set_tracer_provider(provider)
            exporter.clear()
        """,
    )
    suite.write(
        "test_app.py",
        *(
            f"""
            import app

            def test_{name}(traces):
                app.configure()
                assert app.trace.get_tracer_provider() is app.provider
                app.work()
                traces.assert_tree("work\\n  decorated")
                assert app.exported() == ["decorated", "work"]
            """
            for name in ("first", "next", "last")
        ),
        """
        def test_without_a_recording():
            app.configure()
            app.work()
            assert app.exported() == ["decorated", "work"]
        """,
    )
    suite.run(order).passed(4)


DROPPED = """
    import pytest
    from exporting import exporter, make
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased, TraceIdRatioBased

    SAMPLERS = {
        "off": ALWAYS_OFF, "ratio": TraceIdRatioBased(0), "parent": ParentBased(ALWAYS_OFF)
    }
    before = {name: make(sampler=one).get_tracer("app") for name, one in SAMPLERS.items()}

    @pytest.mark.parametrize("name", SAMPLERS)
    @pytest.mark.parametrize("place", ["before", "in"])
    def test_sampler(traces, name, place):
        tracer = before[name] if place == "before" else (
            make(sampler=SAMPLERS[name]).get_tracer("app")
        )
        exporter.clear()
        with tracer.start_as_current_span("work"):
            tracer.start_span("inner").end()
        traces.assert_tree("work\\n  inner")
        assert [span.sampled for span in traces.spans] == [False, False]
        assert exporter.get_finished_spans() == ()
"""


def test_provider_that_is_nobodys_global(suite, order):
    """(d), (e) A private provider is recorded wherever it was made, and whatever it drops."""
    suite.write("exporting.py", EXPORTING)
    suite.write("test_dropped.py", DROPPED)
    suite.write(
        "before_the_plugin.py",
        """
        import sys
        assert "pytest_traces" not in sys.modules
        import exporting
        tracer = exporting.make().get_tracer("early")
        """,
    )
    suite.write("before_the_test.py", "import exporting; provider = exporting.make()")
    suite.write(
        "test_app.py",
        """
        import before_the_plugin, before_the_test, exporting

        def test_made_in_the_test(traces):
            exporting.make().get_tracer("app").start_span("own").end()
            traces.assert_tree("own")

        def test_made_before_the_test(traces):
            before_the_test.provider.get_tracer("app").start_span("before").end()
            traces.assert_tree("before")

        def test_made_before_the_plugin(traces):
            with before_the_plugin.tracer.start_as_current_span("early"):
                before_the_test.provider.get_tracer("app").start_span("inner").end()
            traces.assert_tree("early\\n  inner")

        def test_processors_cleared(traces):
            provider = exporting.make()
            tracer = provider.get_tracer("app")
            provider._active_span_processor._span_processors = ()
            exporting.exporter.clear()
            tracer.start_span("quiet").end()
            assert exporting.exported() == []
            traces.assert_tree("quiet")

        def test_shut_down(traces):
            provider = exporting.make()
            provider.shutdown()
            provider.get_tracer("app").start_span("afterwards").end()
            traces.assert_tree("afterwards")
        """,
    )
    suite.run(order, plugins=("before_the_plugin",)).passed(5 + 6)
