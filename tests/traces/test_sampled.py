"""assert_sampled and assert_not_sampled: with samplers of OpenTelemetry, and by hand."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pytest_traces import BadValue, Traces, glob, record
from pytest_traces.model import SpanData
from pytest_traces.recording import journal

CAPTURED = "  what was captured:\n"


@pytest.fixture
def both(grow: Callable[..., None]) -> None:
    """Two requests, of which one is dropped with all that is below it."""
    grow("GET /health", sampled=False)
    grow("GET /health > SELECT", sampled=False)
    grow("GET /cart")
    grow("GET /cart > SELECT")


TREE = (
    "  GET /health  internal  1.00 ms   not sampled\n"
    "  └─ SELECT    internal  1.00 ms   not sampled\n"
    "  GET /cart    internal  1.00 ms\n"
    "  └─ SELECT    internal  1.00 ms"
)


def said(assertion: Callable[..., None], *args: Any, **keywords: Any) -> str:
    """The whole failure."""
    with pytest.raises(AssertionError) as caught:
        assertion(*args, **keywords)
    return str(caught.value)


@pytest.mark.usefixtures("both")
def test_what_holds(act):
    """Every span that fits is kept, or every one is dropped."""
    act.assert_sampled("GET /cart")
    act.assert_sampled(inside="GET /cart")
    act.assert_sampled(glob("GET /c*"), kind="internal")
    act.assert_not_sampled("GET /health")
    act.assert_not_sampled("SELECT", inside="GET /health")
    act.only("GET /health").assert_not_sampled()
    act.only("GET /cart").assert_sampled()
    act.without("GET /health").assert_sampled("SELECT")


@pytest.mark.usefixtures("both")
def test_one_that_is_dropped(act):
    """The whole message; a span by hand does not say who dropped it."""
    assert said(act.assert_sampled, "GET /health") == (
        f"'GET /health' is not sampled, expected it to be\n\n{TREE}"
    )


@pytest.mark.usefixtures("both")
def test_one_that_is_kept(act):
    """The whole message."""
    assert said(act.assert_not_sampled, "GET /cart") == (
        f"'GET /cart' is sampled, expected it not to be\n\n{TREE}"
    )


@pytest.mark.usefixtures("both")
@pytest.mark.parametrize(
    ("method", "verdict", "cause"),
    [
        ("assert_sampled", "1 of 2 spans that fit 'SELECT' is not sampled, expected each to be",
         "dropped with its parent, 'GET /health'"),
        ("assert_not_sampled", "1 of 2 spans that fit 'SELECT' is sampled, expected none to be",
         "kept with its parent, 'GET /cart'"),
    ],
)  # fmt: skip
def test_some_are_and_some_are_not(method, verdict, cause, act):
    """The odd one is named by what it belongs to."""
    assert said(getattr(act, method), "SELECT") == f"{verdict}\n\n{TREE}\n\n  cause: {cause}"


@pytest.mark.usefixtures("both")
def test_several_are_dropped(act):
    """Each with its place and its reason."""
    assert said(act.assert_sampled) == (
        "2 of 4 spans that fit any span are not sampled, expected each to be\n"
        "\n"
        f"{TREE}\n"
        "\n"
        "  'GET /health'\n"
        "  'GET /health > SELECT': dropped with its parent, 'GET /health'"
    )


def test_many_are_dropped(act, grow):
    """Those alike are counted, and so are those beyond the first."""
    grow("a", "b")
    for _ in range(3):
        grow("b > x", sampled=False)
    for number in range(6):
        grow(f"a > x{number}", sampled=False)

    assert said(act.assert_sampled, re.compile("x.*")).split("\n\n")[2] == (
        "  3 × 'b > x'\n  'a > x0'\n  'a > x1'\n  'a > x2'\n  and 3 more"
    )


@pytest.mark.parametrize("method", ["assert_sampled", "assert_not_sampled"])
def test_nothing_fits(method, act, grow):
    """Nothing was kept, and nothing dropped: the nearest is named."""
    grow("GET /cart", kind="server")

    text = said(getattr(act, method), "GET /card")
    assert text.startswith(
        "no span fits 'GET /card'; nearest: 'GET /cart'\n"
        "\n"
        "  GET /cart  server    1.00 ms\n"
        "\n"
        f"{CAPTURED}"
    )
    assert said(getattr(act, method), "GET /cart", kind="client").startswith(
        "no span fits 'GET /cart' with kind='client'; nearest: 'GET /cart', kind: expected "
        "'client', got 'server'\n"
    )


@pytest.mark.parametrize("method", ["assert_sampled", "assert_not_sampled"])
def test_nothing_was_recorded(method, act):
    """It says so."""
    assert said(getattr(act, method)).startswith(
        f"no span fits any span: no span was recorded\n\n{CAPTURED}"
    )


@pytest.mark.parametrize(("method", "sampled"), [("assert_sampled", True), ("assert_not_sampled", False)])  # fmt: skip
def test_open_spans_may_bring_another(method, sampled, act, grow):
    """So nothing can be said of all."""
    grow("a", sampled=sampled)
    grow("b", end=None)

    assert said(getattr(act, method), "a").startswith(
        "spans are still open, so not all that fit may have started: 'b'\n"
    )


@pytest.mark.usefixtures("both")
@pytest.mark.parametrize("method", ["assert_sampled", "assert_not_sampled"])
def test_what_a_view_leaves_out(method, act):
    """Asserting on it is an error, by name and by place."""
    view = act.without("GET /health")
    for keywords in ({"name": "GET /health"}, {"name": "SELECT", "inside": "GET /health"}):
        with pytest.raises(ValueError, match="is left out by without"):
            getattr(view, method)(**keywords)


@pytest.mark.usefixtures("both")
@pytest.mark.parametrize("method", ["assert_sampled", "assert_not_sampled"])
def test_a_view_that_selects_nothing(method, act):
    """Fails as such."""
    assert said(getattr(act.only("x"), method)).startswith("only('x') selects no span\n")


@pytest.mark.parametrize("method", ["assert_sampled", "assert_not_sampled"])
def test_keywords_that_cannot_be(method, act):
    """Are refused as everywhere."""
    with pytest.raises(BadValue, match="status: 'failed' is not usable"):
        getattr(act, method)("x", status="failed")
    with pytest.raises(TypeError, match="is no name"):
        getattr(act, method)(5)


def test_spans_of_another_process_are_kept():
    """Or they would not have come."""
    with record(timeout="0s", sources=["otlp"]) as remote:
        journal.put(SpanData("a", "ab" * 16, "cd" * 8, None, 10**18, 10**18 + 9, source="otlp"))
        remote.assert_sampled("a")
        assert said(remote.assert_not_sampled, "a").endswith(
            "  cause: a span of another process arrives here only if it is kept there"
        )


# Samplers of OpenTelemetry


@pytest.fixture
def otel() -> Any:
    """The SDK's samplers, and what is needed to write one."""
    pytest.importorskip("opentelemetry.sdk.trace")
    from opentelemetry.sdk.trace import sampling

    return sampling


@pytest.fixture
def app() -> Iterator[Traces]:
    """A recording of OpenTelemetry."""
    with record(timeout="0s", sources=["opentelemetry"]) as app:
        yield app


def tracer_of(sampler: Any) -> Any:
    """Of a provider with that sampler, which is nobody's else."""
    from opentelemetry.sdk.trace import TracerProvider

    return TracerProvider(sampler=sampler, shutdown_on_exit=False).get_tracer("app")


def health_rule(sampling: Any, description: str | None = "HealthCheckRule") -> Any:
    """Drops health checks and keeps all else."""

    class Rule(sampling.Sampler):
        def should_sample(self, parent_context, trace_id, name, *args, **kwargs):  # type: ignore[no-untyped-def]
            del parent_context, trace_id, args, kwargs
            drops = name == "GET /health"
            return sampling.SamplingResult(
                sampling.Decision.DROP if drops else sampling.Decision.RECORD_AND_SAMPLE
            )

        def get_description(self) -> str:
            if description is None:
                raise NotImplementedError
            return description

    return Rule()


def serve(tracer: Any, *names: str) -> None:
    """A request for each name, with a query."""
    for name in names:
        with tracer.start_as_current_span(name):
            tracer.start_span("SELECT").end()


@pytest.mark.parametrize("parent_based", [True, False])
def test_a_rule_for_health_checks(parent_based, otel, app):
    """What is below a dropped request is dropped with it, if the rule follows parents."""
    rule = health_rule(otel)
    serve(tracer_of(otel.ParentBased(rule) if parent_based else rule), "GET /health", "GET /cart")

    app.assert_not_sampled("GET /health")
    app.assert_sampled("GET /cart")
    app.assert_sampled("SELECT", inside="GET /cart")
    if parent_based:
        app.assert_not_sampled("SELECT", inside="GET /health")
    else:
        app.assert_sampled("SELECT", inside="GET /health")


def test_the_rule_is_named(otel, app):
    """By its own description, without what the SDK adds for parents."""
    serve(tracer_of(otel.ParentBased(health_rule(otel))), "GET /health", "GET /cart")

    assert said(app.assert_sampled, "GET /health").endswith(
        "\n\n  cause: dropped by ParentBased{root:HealthCheckRule}"
    )
    assert said(app.assert_sampled, "SELECT").endswith(
        "\n\n  cause: dropped with its parent, 'GET /health', by ParentBased{root:HealthCheckRule}"
    )


def test_a_rule_that_cannot_describe_itself(otel, app):
    """Is named by its class."""
    serve(tracer_of(health_rule(otel, None)), "GET /health")

    assert said(app.assert_sampled, "GET /health").endswith("\n\n  cause: dropped by Rule")


def test_several_samplers(otel, app):
    """For each span the one is named that dropped it."""
    serve(tracer_of(health_rule(otel)), "GET /health")
    serve(tracer_of(otel.ALWAYS_OFF), "GET /cart")

    assert said(app.assert_sampled, "GET /health").endswith(
        "\n\n  cause: dropped by HealthCheckRule"
    )
    assert said(app.assert_sampled, "GET /cart").endswith(
        "\n\n  cause: dropped by AlwaysOffSampler"
    )


def test_one_provider_below_another(otel, app):
    """What another sampler has dropped is not dropped with its parent."""
    with tracer_of(otel.TraceIdRatioBased(0)).start_as_current_span("GET /cart"):
        tracer_of(otel.ALWAYS_OFF).start_span("SELECT").end()

    text = said(app.assert_sampled)
    assert text.startswith("2 of 2 spans that fit any span are not sampled, expected each to be\n")
    assert text.endswith(
        "\n\n"
        "  'GET /cart': dropped by TraceIdRatioBased{0}\n"
        "  'GET /cart > SELECT': dropped by AlwaysOffSampler"
    )


@pytest.mark.parametrize("rate", [0, 1])
def test_a_rate(rate, otel, app):
    """At the two ends nothing is left to chance."""
    serve(tracer_of(otel.TraceIdRatioBased(rate)), "GET /cart")

    if rate:
        app.assert_sampled()
        assert said(app.assert_not_sampled, "GET /cart").startswith("'GET /cart' is sampled, ")
    else:
        app.assert_not_sampled()
        assert said(app.assert_sampled, "GET /cart").endswith(
            "\n\n  cause: dropped by TraceIdRatioBased{0}"
        )


def go_on(tracer: Any, flags: int) -> None:
    """A request whose caller has decided."""
    from opentelemetry import trace

    context = trace.SpanContext(0xABC, 0xDEF, is_remote=True, trace_flags=trace.TraceFlags(flags))
    caller = trace.set_span_in_context(trace.NonRecordingSpan(context))
    tracer.start_span("GET /cart", context=caller).end()


def test_a_caller_that_sampled(otel, app):
    """The sampler follows it, whatever it does with roots."""
    go_on(tracer_of(otel.ParentBased(otel.ALWAYS_OFF)), 1)

    app.assert_sampled("GET /cart")
    text = said(app.assert_not_sampled, "GET /cart").replace("\n         ", " ")
    assert text.endswith(
        "  cause: 'GET /cart' continues a trace that its caller sampled, and "
        "ParentBased{root:AlwaysOffSampler} follows"
    )


def test_a_caller_that_did_not_sample(otel, app):
    """The sampler follows it, whatever it does with roots."""
    go_on(tracer_of(otel.ParentBased(otel.ALWAYS_ON)), 0)

    text = said(app.assert_sampled, "GET /cart").replace("\n         ", " ")
    assert text.endswith(
        "  cause: 'GET /cart' continues a trace that its caller did not sample, and "
        "ParentBased{root:AlwaysOnSampler} follows"
    )


@pytest.mark.parametrize(
    ("part", "flags", "how"),
    [("remote_parent_sampled", 1, "sampled"), ("remote_parent_not_sampled", 0, "did not sample")],
)
def test_a_caller_that_is_not_asked(part, flags, how, otel, app):
    """The part that was asked instead is named, and what the caller did."""
    go_on(tracer_of(otel.ParentBased(otel.ALWAYS_ON, **{part: otel.TraceIdRatioBased(0)})), flags)

    text = said(app.assert_sampled, "GET /cart").replace("\n         ", " ")
    assert text.endswith(
        "  cause: dropped by TraceIdRatioBased{0}, which ParentBased{root:AlwaysOnSampler} asks "
        f"where the caller {how}"
    )


def test_a_caller_that_did_not_sample_what_is_kept(otel, app):
    """Where the part that is asked keeps it all the same."""
    always = otel.ParentBased(otel.ALWAYS_OFF, remote_parent_not_sampled=otel.ALWAYS_ON)
    go_on(tracer_of(always), 0)

    text = said(app.assert_not_sampled, "GET /cart").replace("\n         ", " ")
    assert text.endswith(
        "  cause: kept by AlwaysOnSampler, which ParentBased{root:AlwaysOffSampler} asks where the "
        "caller did not sample"
    )


@pytest.mark.parametrize("sampled", [True, False])
def test_a_parent_that_is_not_asked(sampled, otel, app):
    """A span below is decided on by itself, and so is the one below that."""
    root, part = (otel.ALWAYS_ON, "sampled") if sampled else (otel.ALWAYS_OFF, "not_sampled")
    other = otel.TraceIdRatioBased(0 if sampled else 1)
    tracer = tracer_of(otel.ParentBased(root, **{f"local_parent_{part}": other}))
    with tracer.start_as_current_span("GET /cart"):
        tracer.start_span("SELECT").end()

    text = said(app.assert_sampled if sampled else app.assert_not_sampled, "SELECT")
    does, was = ("dropped", "is sampled") if sampled else ("kept", "is not sampled")
    assert text.replace("\n         ", " ").endswith(
        f"  cause: {does} by {other.get_description()}, which "
        f"ParentBased{{root:{root.get_description()}}} asks where the parent {was}"
    )


def test_recorded_but_not_sampled(otel, app):
    """A sampler that only records keeps nothing, and it is named whatever others drop."""

    class Recorder(otel.Sampler):
        def should_sample(self, *args, **kwargs):  # type: ignore[no-untyped-def]
            del args, kwargs
            return otel.SamplingResult(otel.Decision.RECORD_ONLY)

        def get_description(self) -> str:
            return "Recorder"

    serve(tracer_of(Recorder()), "GET /cart")
    serve(tracer_of(otel.ALWAYS_OFF), "GET /health")

    app.assert_not_sampled("GET /cart")
    assert said(app.assert_sampled, "GET /cart").endswith("\n\n  cause: dropped by Recorder")


def test_dropped_spans_that_are_not_recorded(otel: Any) -> None:
    """Neither assertion can hold, and both say what to set."""
    with record(timeout="0s", sources=["opentelemetry"], unsampled=False) as app:
        serve(tracer_of(otel.ParentBased(health_rule(otel))), "GET /health", "GET /cart")

    text = said(app.assert_not_sampled, "GET /health")
    assert text.startswith(
        "no span fits 'GET /health', but the sampler dropped some, which are not recorded: "
        "'GET /health', 'SELECT'\n\n  GET /cart"
    )
    assert text.endswith(
        "\n\n"
        "  hint:  traces_unsampled = record in the ini file, or record(unsampled=True), records what "
        "the\n"
        "         sampler drops"
    )
    assert said(app.assert_sampled, "GET /cart") == (
        "spans were dropped by the sampler and not recorded: 'GET /health', 'SELECT'\n"
        "\n"
        "  hint:  traces_unsampled = record in the ini file records them too"
    )
