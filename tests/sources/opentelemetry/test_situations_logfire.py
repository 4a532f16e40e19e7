"""Logfire: situation (h), in whole suites."""

from __future__ import annotations

import pytest

pytest.importorskip("logfire")

CONFIGURE = """
    import logfire, pytest
    from opentelemetry import trace

    def configure(**arguments):
        logfire.configure(send_to_logfire=False, console=False, metrics=False, **arguments)
"""

TESTS = """
    plain = trace.get_tracer("plain")

    def work():
        with logfire.span("order {number}", number=7):
            plain.start_span("plain").end()
            logfire.info("hello")

    @pytest.mark.parametrize("number", [1, 2])
    def test_it(traces, number):
        in_each_test()
        work()
        traces.assert_tree("order {number}\\n  plain\\n  hello")
        assert traces.get("order {number}").attributes["number"] == 7
        assert traces.get("plain").sampled

    def test_without_a_recording():
        in_each_test()
        work()

    def test_nothing(traces):
        in_each_test()
        traces.assert_none()
"""

ITS_PROVIDER_STAYS = """
    from logfire.testing import TestExporter
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    exporter = TestExporter()

    @pytest.fixture(autouse=True)
    def configured():
        configure(additional_span_processors=[SimpleSpanProcessor(exporter)])
        exporter.clear()

    @pytest.mark.parametrize("number", [1, 2])
    def test_recorded(traces, number):
        with logfire.span("a"):
            trace.get_tracer("plain").start_span("b").end()
        traces.assert_tree("a\\n  b")
        assert {one["name"] for one in exporter.exported_spans_as_dict()} == {"a", "b"}

    def test_not_recorded():
        trace.get_tracer("plain").start_span("c").end()
        assert {one["name"] for one in exporter.exported_spans_as_dict()} == {"c"}

    def test_sampled_out(traces):
        configure(sampling=logfire.SamplingOptions(head=0))
        with logfire.span("a"):
            logfire.info("b")
        traces.assert_tree("a\\n  b")
        assert {span.sampled for span in traces.spans} == {False}
        configure()
"""


def test_logfire(suite, order):
    """(h) Logfire configured at import or in each test: its spans and plain ones are one tree.

    Its exporters get all of it, and what its head sampling drops is recorded as not sampled.
    """
    suite.write("test_before.py", CONFIGURE, TESTS, "configure()\ndef in_each_test(): pass")
    suite.write("test_inside.py", CONFIGURE, TESTS, "in_each_test = configure")
    suite.write("test_stays.py", CONFIGURE, ITS_PROVIDER_STAYS)
    suite.run(order, strict=False).passed(4 + 4 + 4)


def test_its_pytest_plugin(suite):
    """The spans with which logfire's plugin traces the tests are neither spans nor parents."""
    plugin = "logfire._internal.integrations.pytest"
    pytest.importorskip(plugin)
    suite.write(
        "test_app.py",
        CONFIGURE,
        """
        configure()

        @pytest.fixture
        def seeded():
            trace.get_tracer("app").start_span("seed").end()

        @pytest.mark.parametrize("number", [1, 2])
        def test_it(traces, seeded, number):
            around = trace.get_current_span()
            assert around.instrumentation_scope.name == "logfire.pytest"
            with logfire.span("request"):
                trace.get_tracer("app").start_span("query").end()
            with traces.start_span("by hand"):
                pass
            traces.assert_tree("request\\n  query\\nby hand")
            assert [span.parent_id for span in traces.roots] == [None, None]
            assert not any(span.orphan for span in traces.spans)
            assert [span.name for span in traces.setup.spans] == ["seed"]
        """,
    )
    arguments = ("--logfire", "--logfire-trace-phases")
    suite.run("listed", *arguments, plugins=(plugin,), strict=False).passed(2)
