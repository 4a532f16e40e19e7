"""Why a header of Sentry is missing: its options say so."""

from collections.abc import Iterator

import httpx
import pytest
import respx

from pytest_traces import record
from pytest_traces.sources.advice import Sending, advice_on

sentry_sdk = pytest.importorskip("sentry_sdk")


@pytest.fixture
def sentry() -> Iterator[None]:
    """Sentry without a DSN, allowed to add its headers for one host only."""
    before = sentry_sdk.get_global_scope().client
    sentry_sdk.init(traces_sample_rate=1.0, trace_propagation_targets=["//inventory", r"\.test$"])
    try:
        yield
    finally:
        sentry_sdk.get_global_scope().set_client(before)


def test_the_option_is_named(sentry: None):
    """With what it allows, and the URL that it leaves out."""
    with respx.mock as mock, record() as act, act.start_span("checkout"):
        mock.get("http://payments/charge").respond()
        httpx.get("http://payments/charge")

    with pytest.raises(AssertionError) as raised:
        act.assert_propagated(format="sentry")

    assert str(raised.value).endswith(
        "  cause: Sentry's trace_propagation_targets ('//inventory', '\\\\.test$') leave "
        "http://payments/charge\n"
        "         out\n"
        "\n"
        "  hint:  sentry_sdk.init(..., trace_propagation_targets=[...]) with a text that is in that "
        "URL"
    )


def test_a_host_that_is_allowed_is_not_blamed(sentry: None):
    """Sentry adds its header there, which this recording can read."""
    with respx.mock as mock, record() as act, act.start_span("checkout"):
        mock.get("http://inventory/stock").respond()
        with sentry_sdk.start_transaction(name="checkout"):
            httpx.get("http://inventory/stock")

    (request,) = act.requests
    assert "sentry-trace" in request.headers


def test_an_option_that_is_no_expression():
    """It matches nothing, and does not get in the way of the failure."""
    before = sentry_sdk.get_global_scope().client
    sentry_sdk.init(traces_sample_rate=1.0, trace_propagation_targets=["*.example"])
    try:
        advice = advice_on(
            Sending("httpx", "http://payments", None, False, "handwritten", "sentry")
        )
    finally:
        sentry_sdk.get_global_scope().set_client(before)

    assert advice is not None
    assert advice.cause == (
        "Sentry's trace_propagation_targets ('*.example') leave http://payments out"
    )
