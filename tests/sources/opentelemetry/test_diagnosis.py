"""The whole text of a failure where nothing, or not enough, was captured."""

from __future__ import annotations

import re

import pytest

pytest.importorskip("opentelemetry.sdk.trace")

BEGIN = """
    import sys
    from pytest_traces import record

    def message(assertion, *arguments):
        try:
            assertion(*arguments)
        except AssertionError as error:
            return print(error)
        print("it holds")
"""

PROVIDER = """
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
"""

NOTHING = """
    with record(timeout="1ms") as act:
        message(act.get, "POST /charge")
"""


def normal(text):
    """A message without its measured times."""
    text = re.sub(r" +[\d.]+ (ns|us|ms|s)$", "   # ms", text, flags=re.MULTILINE)
    return re.sub(r"[\d.]+ (ns|us|ms|s) ago", "# ms ago", text)


def test_never_imported(script):
    """OpenTelemetry is not in this process at all."""
    assert script(BEGIN, NOTHING, 'assert "opentelemetry" not in sys.modules') == (
        "no span fits 'POST /charge': no span was recorded\n"
        "\n"
        "  what was captured:\n"
        "    OpenTelemetry   0 spans; never imported in this process\n"
        "    hand-written    nothing added\n"
    )


def test_only_the_api(script):
    """The API is imported, by a library for example, and nobody started a span."""
    assert script(BEGIN, "import opentelemetry.trace", NOTHING) == (
        "no span fits 'POST /charge': no span was recorded\n"
        "\n"
        "  what was captured:\n"
        "    OpenTelemetry   0 spans; none was started during the recording\n"
        "                    the SDK was never imported\n"
        "    hand-written    nothing added\n"
    )


def test_sdk_not_installed(script):
    """Without the SDK there are no spans; looking for it does no harm."""
    out = script(
        """
        import sys

        class Blocker:
            @staticmethod
            def find_spec(name, path=None, target=None):
                if name.startswith("opentelemetry.sdk"):
                    raise ModuleNotFoundError(f"No module named {name!r}", name=name)

        sys.meta_path.insert(0, Blocker)
        """,
        BEGIN,
        """
        from opentelemetry import trace

        tracer = trace.get_tracer("app")
        with record(timeout="1ms") as act:
            with tracer.start_as_current_span("a") as span:
                print(span.is_recording(), type(trace.get_tracer_provider()).__name__)
            trace.NoOpTracer().start_span("b").end()
            message(act.get, "a")
        """,
    )
    assert out == (
        "False ProxyTracerProvider\n"
        "no span fits 'a': no span was recorded\n"
        "\n"
        "  what was captured:\n"
        "    OpenTelemetry   0 spans; opentelemetry-sdk is not installed, and without it there are"
        " no spans\n"
        "    hand-written    nothing added\n"
    )


def test_no_provider(script):
    """The SDK is there, no provider is set, and nobody started a span."""
    assert script(BEGIN, "import opentelemetry.sdk.trace", NOTHING) == (
        "no span fits 'POST /charge': no span was recorded\n"
        "\n"
        "  what was captured:\n"
        "    OpenTelemetry   0 spans; none was started during the recording\n"
        "                    no provider is set (none is needed)\n"
        "    hand-written    nothing added\n"
    )


def test_some_spans_but_not_this_one(script):
    """The tree, and in what state OpenTelemetry is."""
    out = script(
        BEGIN,
        PROVIDER,
        """
        trace.set_tracer_provider(TracerProvider())
        with record(timeout="1ms") as act:
            trace.get_tracer("app").start_span("GET /health").end()
            message(act.get, "POST /charge")
        """,
    )
    assert normal(out) == (
        "no span fits 'POST /charge'\n"
        "\n"
        "  GET /health  internal   # ms\n"
        "\n"
        "  what was captured:\n"
        "    OpenTelemetry   1 span; a provider is set\n"
        "    hand-written    nothing added\n"
    )


def test_disabled(script):
    """OTEL_SDK_DISABLED is named, and that it is not the reason."""
    out = script(
        BEGIN,
        PROVIDER,
        "trace.set_tracer_provider(TracerProvider())",
        NOTHING,
        OTEL_SDK_DISABLED="true",
    )
    assert out == (
        "no span fits 'POST /charge': no span was recorded\n"
        "\n"
        "  what was captured:\n"
        "    OpenTelemetry   0 spans; none was started during the recording\n"
        "                    a provider is set\n"
        "                    OTEL_SDK_DISABLED is true (spans are recorded all the same)\n"
        "    hand-written    nothing added\n"
    )


def test_provider_that_does_nothing(script):
    """A no-op provider is named, and that it is not the reason."""
    out = script(BEGIN, PROVIDER, "trace.set_tracer_provider(trace.NoOpTracerProvider())", NOTHING)
    assert (
        "\n                    the provider does nothing (its spans are recorded all the same)\n"
        in out
    )


def test_sampled_out(script):
    """Skipped spans are named; the sampler is, too."""
    out = script(
        BEGIN,
        PROVIDER,
        """
        from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

        trace.set_tracer_provider(TracerProvider(sampler=ALWAYS_OFF))
        tracer = trace.get_tracer("app")
        with record(timeout="1ms", unsampled=False) as act:
            for name in "abcaab":
                tracer.start_span(name).end()
            message(act.get, "a")
            message(act.assert_none, "x")
        """,
        NOTHING,
    )
    assert out == (
        "no span fits 'a': no span was recorded\n"
        "\n"
        "  what was captured:\n"
        "    OpenTelemetry   0 spans; the provider's sampler is AlwaysOffSampler\n"
        "                    not recorded: 3 × 'a', 2 × 'b', 'c', which the sampler dropped"
        " (see traces_unsampled)\n"
        "    hand-written    nothing added\n"
        "spans were dropped by the sampler and not recorded: 'a', 'b', 'c'\n"
        "\n"
        "  hint:  traces_unsampled = record in the ini file records them too\n"
        "no span fits 'POST /charge': no span was recorded\n"
        "\n"
        "  what was captured:\n"
        "    OpenTelemetry   0 spans; none was started during the recording\n"
        "                    the provider's sampler is AlwaysOffSampler"
        " (its spans are recorded all the same)\n"
        "    hand-written    nothing added\n"
    )


@pytest.mark.parametrize(
    ("sampler", "description"),
    [
        ("ParentBased(ALWAYS_OFF)", "the provider's sampler is ParentBased{root:AlwaysOffSampler}"),
        ("ParentBased(ALWAYS_ON)", "a provider is set"),
        ("Broken()", "a provider is set"),
    ],
)
def test_samplers(fresh, sdk, sampler, description):
    """A sampler that drops every root is named; one that cannot say what it is does no harm."""
    from opentelemetry.sdk.trace import sampling

    class Broken(sampling.Sampler):
        def should_sample(self, *args, **kwargs):
            raise NotImplementedError

        def get_description(self):
            raise NotImplementedError

    from pytest_traces import record

    made = eval(sampler, {**vars(sampling), "Broken": Broken})
    fresh.set_tracer_provider(sdk(sampler=made).provider)
    with record(timeout="1ms") as act:
        notes = act._captures()[0].notes
    assert notes[0].startswith(description)


def test_provider_of_another_library(fresh):
    """It is named by its library."""
    from pytest_traces import record

    pytest.importorskip("logfire")
    from logfire._internal.tracer import ProxyTracerProvider

    fresh.set_tracer_provider(ProxyTracerProvider(fresh.NoOpTracerProvider(), None))
    with record(timeout="1ms") as act:
        assert act._captures()[0].notes == ("a provider of logfire is set",)


def test_suppressed(script):
    """suppress_instrumentation is named."""
    utils = pytest.importorskip("opentelemetry.instrumentation.utils")
    if not hasattr(utils, "suppress_instrumentation"):
        pytest.skip("these instrumentations have no such helper")
    out = script(
        BEGIN,
        """
        import opentelemetry.sdk.trace
        from opentelemetry.instrumentation.utils import suppress_instrumentation

        for times in (1, 2):
            with record(timeout="1ms") as act:
                for _ in range(times):
                    with suppress_instrumentation():
                        pass
                message(act.get, "POST /charge")
        """,
    )
    text = (
        "no span fits 'POST /charge': no span was recorded\n"
        "\n"
        "  what was captured:\n"
        "    OpenTelemetry   0 spans; none was started during the recording\n"
        "                    no provider is set (none is needed)\n"
        "                    suppress_instrumentation was in force once: instrumentations are"
        " silent there\n"
        "    hand-written    nothing added\n"
    )
    assert out == text + text.replace("once", "2 times")


def test_bound_method(script):
    """Spans of a start_span that somebody stored before are named, and what to do."""
    out = script(
        PROVIDER,
        'start = TracerProvider().get_tracer("app").start_span',
        BEGIN,
        """
        with record(timeout="1ms") as act:
            start("missed").end()
            start("missed").end()
            message(act.get, "missed")
        """,
    )
    assert out == (
        "no span fits 'missed': no span was recorded\n"
        "\n"
        "  what was captured:\n"
        "    OpenTelemetry   0 spans; no provider is set (none is needed)\n"
        "                    not recorded: 2 × 'missed', by a start_span stored before this plugin"
        " was loaded\n"
        "    hand-written    nothing added\n"
        "\n"
        "  hint:  call tracer.start_span(...) where the span begins, or load this plugin before the\n"
        "         application: pytest -p pytest_traces.plugin\n"
    )


def test_still_open(script):
    """Spans that have not ended are named with path, thread and age."""
    out = script(
        BEGIN,
        PROVIDER,
        """
        import threading

        tracer = TracerProvider().get_tracer("app")
        begun, stop = threading.Event(), threading.Event()

        def work():
            with tracer.start_as_current_span("job"):
                begun.set()
                stop.wait(10)

        thread = threading.Thread(target=work, name="worker")
        with record(timeout="1ms") as act:
            with tracer.start_as_current_span("request"):
                tracer.start_span("kept open")
            thread.start()
            begun.wait(10)
            message(act.get, "POST /charge")
            message(act.assert_none, "POST /charge")
            stop.set()
            thread.join()
        """,
    )
    assert normal(out) == (
        "no span fits 'POST /charge'\n"
        "\n"
        "  request       internal   # ms\n"
        "  └─ kept open  internal     open   still open\n"
        "  job           internal     open   still open\n"
        "\n"
        "  still open: 'request > kept open', started in thread 'MainThread' # ms ago\n"
        "  still open: 'job', started in thread 'worker' # ms ago\n"
        "\n"
        "  what was captured:\n"
        "    OpenTelemetry   3 spans; no provider is set (none is needed)\n"
        "    hand-written    nothing added\n"
        "    waited          up to 1.00 ms for open spans\n"
        "absence cannot be asserted while spans are open: 'kept open', 'job'\n"
        "\n"
        "  still open: 'request > kept open', started in thread 'MainThread' # ms ago\n"
        "  still open: 'job', started in thread 'worker' # ms ago\n"
    )


def test_set_up_and_late_spans(suite):
    """Spans of set-up and late ones of an earlier test are named as what they are."""
    suite.write("pytest.ini", "[pytest]\ntraces_timeout = 1ms\n")
    suite.write(
        "test_app.py",
        PROVIDER,
        """
        import pytest

        tracer = TracerProvider().get_tracer("app")
        kept = []

        @pytest.fixture
        def database():
            tracer.start_span("CREATE TABLE").end()

        def message(assertion, *arguments):
            with pytest.raises(AssertionError) as caught:
                assertion(*arguments)
            return str(caught.value)

        def test_first(traces):
            kept.append(tracer.start_span("request"))

        def test_late(traces):
            tracer.start_span("job", trace.set_span_in_context(kept[0])).end()
            assert message(traces.get, "job") == (
                "no span fits 'job': no span was recorded\\n"
                "\\n"
                "  what was captured:\\n"
                "    OpenTelemetry   0 spans; no provider is set (none is needed)\\n"
                "    hand-written    nothing added\\n"
                "    earlier tests   1 late span: 'job' of test_app.py::test_first"
            )

        def test_set_up(database, traces):
            assert message(traces.get, "CREATE TABLE") == (
                "no span fits 'CREATE TABLE': no span was recorded\\n"
                "\\n"
                "  what was captured:\\n"
                "    OpenTelemetry   0 spans; none in what is looked at\\n"
                "                    no provider is set (none is needed)\\n"
                "    hand-written    nothing added\\n"
                "    set-up          1 span, before the test's own code ran (traces.setup):"
                " CREATE TABLE"
            )
            assert "2 spans" not in message(traces.get, "x")

        def test_nothing(traces):
            assert "    OpenTelemetry   0 spans; none was started during the test\\n" in (
                message(traces.get, "x")
            )
        """,
    )
    suite.run().passed(4)


def test_hook_that_does_not_fit(script):
    """A later SDK without the methods that are hooked: a warning, and every assertion says it."""
    out = script(
        """
        import warnings

        warnings.simplefilter("always")
        warnings.showwarning = lambda message, *_: print("warning:", message)
        import opentelemetry.sdk.trace as sdk

        del sdk.Span.end
        """,
        BEGIN,
        """
        with record(timeout="1ms") as act:
            message(act.assert_none)
        """,
    )
    text = "pytest-traces could not hook opentelemetry.sdk.trace: AttributeError: Span does not define end"
    assert out == f"warning: {text}\nnot everything could be recorded\n\n{text}\n"
