"""Who decided which spans are kept: the global provider, the environment, the caller."""

from __future__ import annotations

import importlib.util

import pytest

from pytest_traces.model import Sampler
from pytest_traces.sources.opentelemetry.samplers import decider

TracerProvider = pytest.importorskip("opentelemetry.sdk.trace").TracerProvider

SUITE = """
    import pytest
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased, TraceIdRatioBased

    def said(assertion, *args):
        with pytest.raises(AssertionError) as caught:
            assertion(*args)
        return str(caught.value)
"""


def test_the_global_sampler_is_named(suite):
    """Where it made the span; else that of the provider that did, whatever its resource is."""
    suite.write(
        "test_app.py",
        SUITE,
        """
        from opentelemetry.sdk.resources import Resource

        trace.set_tracer_provider(TracerProvider(sampler=TraceIdRatioBased(1.0)))

        def test_kept(traces):
            trace.get_tracer("app").start_span("a").end()
            text = said(traces.assert_not_sampled, "a")
            assert text.endswith("cause: kept by TraceIdRatioBased{1.0}"), text

        def test_another(traces):
            other = TracerProvider(sampler=ALWAYS_ON, resource=Resource({"service.name": "other"}))
            other.get_tracer("app").start_span("a").end()
            text = said(traces.assert_not_sampled, "a")
            assert text.endswith("cause: kept by AlwaysOnSampler"), text

        def test_another_with_the_same_resource(traces):
            TracerProvider(sampler=ALWAYS_ON).get_tracer("app").start_span("a").end()
            text = said(traces.assert_not_sampled, "a")
            assert text.endswith("cause: kept by AlwaysOnSampler"), text
        """,
    )
    suite.run().passed(3)


@pytest.mark.parametrize(
    ("variable", "holds", "fails"),
    [
        ("always_on", "assert_sampled", "assert_not_sampled"),
        ("always_off", "assert_not_sampled", "assert_sampled"),
    ],
)
def test_nobody_has_set_a_provider(suite, variable, holds, fails):
    """The default of the SDK decides, which the environment can change."""
    suite.write(
        "test_app.py",
        SUITE,
        f"""
        def test_it(traces):
            trace.get_tracer("app").start_span("a").end()
            traces.{holds}("a")
            said(traces.{fails}, "a")
        """,
    )
    suite.run(env={"OTEL_TRACES_SAMPLER": variable}).passed(1)


DISABLED = {"OTEL_SDK_DISABLED": "true"}


@pytest.mark.parametrize(
    ("variables", "cause"),
    [
        ({"OTEL_TRACES_SAMPLER": "always_off"}, "dropped by AlwaysOffSampler"),
        (DISABLED, "dropped by OTEL_SDK_DISABLED, which is true"),
    ],
)
def test_switched_off_by_the_environment(suite, variables, cause):
    """The variable is what dropped it."""
    if variables is DISABLED and not hasattr(TracerProvider(shutdown_on_exit=False), "_disabled"):
        pytest.skip("this SDK does not know OTEL_SDK_DISABLED")
    suite.write(
        "test_app.py",
        SUITE,
        f"""
        trace.set_tracer_provider(TracerProvider())

        def test_it(traces):
            trace.get_tracer("app").start_span("a").end()
            traces.assert_not_sampled("a")
            text = said(traces.assert_sampled, "a")
            assert text.endswith({cause!r}), text
        """,
    )
    suite.run(env=variables).passed(1)


def test_a_provider_that_does_nothing(suite):
    """It drops everything."""
    suite.write(
        "test_app.py",
        SUITE,
        """
        trace.set_tracer_provider(trace.NoOpTracerProvider())

        def test_it(traces):
            trace.get_tracer("app").start_span("a").end()
            traces.assert_not_sampled("a")
            text = said(traces.assert_sampled, "a")
            assert text.endswith("cause: dropped by the global provider, which does nothing"), text

        def test_another(traces):
            TracerProvider(sampler=TraceIdRatioBased(0)).get_tracer("app").start_span("a").end()
            text = said(traces.assert_sampled, "a")
            assert text.endswith("cause: dropped by TraceIdRatioBased{0}"), text
        """,
    )
    suite.run().passed(2)


def test_a_tracer_that_does_nothing(suite):
    """There is one without a provider, too."""
    suite.write(
        "test_app.py",
        SUITE,
        """
        def test_it(traces):
            trace.NoOpTracer().start_span("a").end()
            text = said(traces.assert_sampled, "a")
            assert text.endswith("cause: dropped by a tracer that does nothing"), text
        """,
    )
    suite.run().passed(1)


ON, OFF = "AlwaysOnSampler", "AlwaysOffSampler"


def parent_based(root, *parts):
    """How the SDK's own describes itself."""
    parts = parts or (ON, OFF, ON, OFF)
    names = ("remoteParentSampled", "remoteParentNotSampled", "localParentSampled",
             "localParentNotSampled")  # fmt: skip
    told = (f"{name}:{part}" for name, part in zip(names, parts, strict=True))
    return f"ParentBased{{root:{root},{','.join(told)}}}"


def test_the_description_is_the_sdks():
    """That of ``ParentBased``, in this version."""
    sampling = pytest.importorskip("opentelemetry.sdk.trace.sampling")

    assert sampling.ParentBased(sampling.ALWAYS_ON).get_description() == parent_based(ON)


@pytest.mark.parametrize(
    ("description", "words"),
    [
        (parent_based("Rule{a,b}"), "ParentBased{root:Rule{a,b}}"),
        (parent_based(parent_based("Rule")), "ParentBased{root:ParentBased{root:Rule}}"),
    ],
)
def test_one_that_does_with_parents_what_it_always_does(description, words):
    """It is named by what it does with roots."""
    assert decider(description, None) == Sampler(words, follows_caller=True, yields=True)


@pytest.mark.parametrize(
    ("description", "words"),
    [
        ("Rule", "Rule"),
        ("", ""),
        (f"Wrap({parent_based('Rule')})", "Wrap(ParentBased{root:Rule})"),
        (
            f"Any[{parent_based('Rule')}, {parent_based('B', OFF, OFF, ON, 'C')}]",
            "Any[ParentBased{root:Rule}, "
            "ParentBased{root:B,remoteParentSampled:AlwaysOffSampler,localParentNotSampled:C}]",
        ),
        (parent_based("Rule") + " twice", "ParentBased{root:Rule} twice"),
        ("ParentBased{root:Rule}", "ParentBased{root:Rule}"),
        ("ParentBased{mine}", "ParentBased{mine}"),
        ("ParentBasedRule{x}", "ParentBasedRule{x}"),
        (parent_based("a, b"), parent_based("a, b")),
        (parent_based("a)"), parent_based("a)")),
        (parent_based("{"), parent_based("{")),
        (parent_based("Rule")[:-1], parent_based("Rule")[:-1]),
    ],
)
def test_another_description(description, words):
    """What is in it is shortened as well, or it stays as it is; whom it follows is not known."""
    assert decider(description, (True, False)) == Sampler(words, yields=True)


WEB = """
    from fastapi import FastAPI
    from fastapi.testclient import TestClient
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

    provider = TracerProvider(sampler=ParentBased(TraceIdRatioBased(1.0)))
    app = FastAPI()
    client = TestClient(app)

    @app.get("/cart")
    def cart():
        provider.get_tracer("db").start_span("SELECT").end()
        return {}

    FastAPIInstrumentor.instrument_app(app, tracer_provider=provider)
    IDS = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"

    def test_the_caller_drops_it(traces):
        client.get("/cart", headers={"traceparent": f"{IDS}-00"})
        traces.assert_not_sampled("SELECT")
        traces.assert_not_sampled(kind="server")
        text = said(traces.assert_sampled, "SELECT")
        assert text.splitlines()[0] == "'GET /cart > SELECT' is not sampled, expected it to be"
        assert text.endswith(
            "  cause: dropped with its parent, 'GET /cart', by "
            "ParentBased{root:TraceIdRatioBased{1.0}}"
        ), text
        assert said(traces.assert_sampled, "GET /cart").endswith(
            "  cause: 'GET /cart' continues a trace that its caller did not sample, and\\n"
            "         ParentBased{root:TraceIdRatioBased{1.0}} follows"
        )

    def test_the_caller_keeps_it(traces):
        client.get("/cart", headers={"traceparent": f"{IDS}-01"})
        traces.assert_sampled("SELECT")
        traces.assert_sampled()

    def test_nobody_calls(traces):
        client.get("/cart")
        traces.assert_sampled()
"""


@pytest.mark.skipif(
    importlib.util.find_spec("fastapi") is None
    or importlib.util.find_spec("opentelemetry.instrumentation") is None
    or importlib.util.find_spec("opentelemetry.instrumentation.fastapi") is None,
    reason="FastAPI and its instrumentation are not installed",
)
def test_a_remote_parent_decides(suite):
    """A request that its caller did not sample is dropped, with all below it."""
    suite.write("test_app.py", SUITE, WEB)
    suite.run(strict=False).passed(3)
