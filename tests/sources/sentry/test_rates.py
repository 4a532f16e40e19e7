"""What Sentry's own sampling keeps: by a rate, by a function, by the caller."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pytest_traces import Traces, record

sentry_sdk = pytest.importorskip("sentry_sdk")

DSN = "http://key@127.0.0.1:9/1"
IDS = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"


@pytest.fixture
def act() -> Iterator[Traces]:
    """A recording of Sentry."""
    with record(timeout="0s", sources=["sentry"]) as act:
        yield act


def said(assertion: Callable[..., None], *args: Any) -> str:
    """The last line of the failure."""
    with pytest.raises(AssertionError) as caught:
        assertion(*args)
    text = str(caught.value).replace("\n         ", " ")
    return text.splitlines()[-1]


def serve(*names: str) -> None:
    """A transaction for each name, with a query."""
    for name in names:
        with (
            sentry_sdk.start_transaction(name=name, op="http.server"),
            sentry_sdk.start_span(op="db", name="SELECT"),
        ):
            pass


def test_a_rate_of_one(act, sentry):
    """Keeps all."""
    sentry(dsn=DSN, traces_sample_rate=1.0)
    serve("GET /cart")

    act.assert_sampled()
    assert said(act.assert_not_sampled, "GET /cart") == (
        "  cause: kept by Sentry's traces_sample_rate (1.0)"
    )


def test_a_rate_of_none(act, sentry):
    """Drops all, with what is below."""
    sentry(dsn=DSN, traces_sample_rate=0.0)
    serve("GET /cart")

    act.assert_not_sampled()
    assert said(act.assert_sampled, "GET /cart") == (
        "  cause: dropped by Sentry's traces_sample_rate (0.0)"
    )
    assert said(act.assert_sampled, "SELECT") == (
        "  cause: dropped with its parent, 'GET /cart', by Sentry's traces_sample_rate (0.0)"
    )


def test_no_rate(act, sentry):
    """Tracing is off."""
    sentry(dsn=DSN)
    serve("GET /cart")

    act.assert_not_sampled("GET /cart")
    assert said(act.assert_sampled, "GET /cart") == (
        "  cause: dropped by Sentry, where no traces_sample_rate is set"
    )


def test_never_set_up(act, sentry):
    """Nothing is kept of what nobody has asked for."""
    serve("GET /cart")

    act.assert_not_sampled("GET /cart")
    assert said(act.assert_sampled, "GET /cart") == (
        "  cause: dropped by Sentry, which sentry_sdk.init() never set up"
    )


class Rule:
    """A rule that is no function."""

    def __call__(self, context: Any) -> float:
        return 0 if context["transaction_context"]["name"] == "GET /health" else 1


def health_rule(context: Any) -> float:
    """Drops health checks and keeps all else."""
    return Rule()(context)


@pytest.mark.parametrize(("rule", "name"), [(health_rule, "health_rule"), (Rule(), "Rule")])
def test_a_rule_for_health_checks(rule, name, act, sentry):
    """It goes before the rate."""
    sentry(dsn=DSN, traces_sampler=rule, traces_sample_rate=0.0)
    serve("GET /health", "GET /cart")

    act.assert_not_sampled("GET /health")
    act.assert_not_sampled("SELECT", inside="GET /health")
    act.assert_sampled("GET /cart")
    act.assert_sampled("SELECT", inside="GET /cart")
    assert said(act.assert_sampled, "GET /health") == (
        f"  cause: dropped by Sentry's traces_sampler ({name})"
    )
    with pytest.raises(AssertionError) as caught:
        act.assert_sampled()
    assert str(caught.value).endswith(
        "\n\n"
        f"  'GET /health': dropped by Sentry's traces_sampler ({name})\n"
        "  'GET /health > SELECT': dropped with its parent, 'GET /health'"
    )


@pytest.mark.parametrize("caller", [0, 1])
def test_the_caller_decides(caller, act, sentry):
    """Whatever the rate is."""
    sentry(dsn=DSN, traces_sample_rate=1.0 - caller)
    going_on = sentry_sdk.continue_trace({"sentry-trace": f"{IDS}-{caller}"}, name="GET /cart")
    with sentry_sdk.start_transaction(going_on):
        pass

    if caller:
        act.assert_sampled("GET /cart")
        assert said(act.assert_not_sampled, "GET /cart") == (
            "  cause: 'GET /cart' continues a trace that its caller sampled, and Sentry follows"
        )
    else:
        act.assert_not_sampled("GET /cart")
        assert said(act.assert_sampled, "GET /cart") == (
            "  cause: 'GET /cart' continues a trace that its caller did not sample, and Sentry follows"
        )
