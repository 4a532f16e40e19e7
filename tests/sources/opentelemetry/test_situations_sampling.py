"""Switches that drop spans: the rest of situation (e), and (f), in whole suites."""

from __future__ import annotations

import pytest

TracerProvider = pytest.importorskip("opentelemetry.sdk.trace").TracerProvider

APP = """
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()

    def make(**arguments):
        provider = TracerProvider(**arguments)
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        return provider

    def work(tracer):
        with tracer.start_as_current_span("work"):
            tracer.start_span("inner").end()
"""


def test_skipped_by_the_ini_file(suite):
    """(e) With traces_unsampled = skip such spans are named, and absence is refused."""
    suite.write("app.py", APP)
    suite.write("pytest.ini", "[pytest]\ntraces_unsampled = skip\ntraces_timeout = 1ms\n")
    suite.write(
        "test_app.py",
        """
        import pytest
        from app import make, work
        from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

        def test_absence(traces):
            work(make(sampler=ALWAYS_OFF).get_tracer("app"))
            with pytest.raises(AssertionError) as caught:
                traces.assert_none("other")
            assert str(caught.value).startswith(
                "spans were dropped by the sampler and not recorded: 'work', 'inner'"
            )
            with pytest.raises(AssertionError) as caught:
                traces.get("work")
            assert (
                "not recorded: 'work', 'inner', which the sampler dropped (see traces_unsampled)"
            ) in str(caught.value)

        def test_the_next_one(traces):
            traces.assert_none("other")
        """,
    )
    suite.run().passed(2)


DISABLED = {"OTEL_SDK_DISABLED": "true"}
OFF = {"OTEL_TRACES_SAMPLER": "always_off"}
RATIO = {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"}
NO_PROVIDER = """
    tracer = trace.get_tracer("app")
"""
ITS_OWN = """
    trace.set_tracer_provider(make())
    tracer = trace.get_tracer("app")
"""


@pytest.mark.parametrize(
    ("provider", "variables", "sampled", "order"),
    [
        (ITS_OWN, DISABLED, False, "listed"),
        (ITS_OWN, DISABLED, False, "reversed"),
        (ITS_OWN, DISABLED, False, "parallel"),
        (NO_PROVIDER, DISABLED, True, "reversed"),
        (ITS_OWN, OFF, False, "listed"),
        (NO_PROVIDER, OFF, False, "reversed"),
        (ITS_OWN, RATIO, False, "listed"),
    ],
)
def test_switched_off_by_the_environment(suite, provider, variables, sampled, order):
    """(f) Variables that switch spans off change nothing but their being sampled."""
    if variables is DISABLED and not hasattr(TracerProvider(), "_disabled"):
        pytest.skip("this SDK does not know OTEL_SDK_DISABLED")
    suite.write("app.py", APP, provider)
    suite.write(
        "test_app.py",
        f"""
        import pytest
        from app import exporter, make, tracer, work

        @pytest.mark.parametrize("number", [1, 2])
        def test_module_level(traces, number):
            work(tracer)
            traces.assert_tree("work\\n  inner")
            assert {{span.sampled for span in traces.spans}} == {{{sampled}}}
            assert exporter.get_finished_spans() == ()

        def test_made_in_the_test(traces):
            work(make().get_tracer("app"))
            traces.assert_tree("work\\n  inner")
            assert {{span.sampled for span in traces.spans}} == {{False}}
            assert exporter.get_finished_spans() == ()
        """,
    )
    suite.run(order, env=variables).passed(3)
