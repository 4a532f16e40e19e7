"""Logfire: situation (h), in whole suites."""

from __future__ import annotations

import pytest

pytest.importorskip("logfire")

CONFIGURE = 'logfire.configure(send_to_logfire=False, console=False, metrics=False)'
TESTS = """
    import logfire, pytest
    from opentelemetry import trace

    plain = trace.get_tracer("plain")

    def work():
        with logfire.span("order {number}", number=7):
            plain.start_span("plain").end()
            logfire.info("hello")

    @pytest.mark.parametrize("number", [1, 2])
    def test_it(traces, number):
        configure()
        work()
        traces.assert_tree("order {number}\\n  plain\\n  hello")
        assert traces.get("order {number}").attributes["number"] == 7
        assert traces.get("plain").sampled

    def test_without_a_recording():
        configure()
        work()

    def test_nothing(traces):
        configure()
        traces.assert_none()
"""


def test_configured_before_the_tests(suite, order):
    """(h) Logfire configured at import: its spans and plain ones are in one tree."""
    suite.write("test_app.py", TESTS, "def configure(): pass", CONFIGURE)
    suite.run(order).passed(4)


def test_configured_inside_the_tests(suite, order):
    """(h) Logfire configured in each test anew: the same."""
    suite.write("test_app.py", TESTS, f"def configure(): {CONFIGURE}")
    suite.run(order).passed(4)


def test_logfire_stays_configured(suite, order):
    """(h) Logfire configured inside a recording is still the application's provider afterwards."""
    suite.write(
        "test_app.py",
        f"""
        import logfire, pytest
        from logfire.testing import TestExporter
        from opentelemetry import trace
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor

        exporter = TestExporter()

        @pytest.fixture(scope="session", autouse=True)
        def configured():
            logfire.configure(
                send_to_logfire=False, console=False, metrics=False,
                additional_span_processors=[SimpleSpanProcessor(exporter)],
            )

        @pytest.mark.parametrize("number", [1, 2])
        def test_recorded(traces, number):
            exporter.clear()
            with logfire.span("a"):
                trace.get_tracer("plain").start_span("b").end()
            traces.assert_tree("a\\n  b")
            assert {{one["name"] for one in exporter.exported_spans_as_dict()}} == {{"a", "b"}}

        def test_not_recorded():
            exporter.clear()
            trace.get_tracer("plain").start_span("c").end()
            assert {{one["name"] for one in exporter.exported_spans_as_dict()}} == {{"c"}}
        """,
    )
    suite.run(order).passed(3)


def test_sampled_out_by_logfire(suite, order):
    """(h) What logfire's head sampling drops is recorded as not sampled."""
    suite.write(
        "test_app.py",
        """
        import logfire, pytest

        @pytest.mark.parametrize("number", [1, 2])
        def test_it(traces, number):
            logfire.configure(
                send_to_logfire=False, console=False, metrics=False,
                sampling=logfire.SamplingOptions(head=0),
            )
            with logfire.span("a"):
                logfire.info("b")
            traces.assert_tree("a\\n  b")
            assert {span.sampled for span in traces.spans} == {False}
        """,
    )
    suite.run(order).passed(2)
