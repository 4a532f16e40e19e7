"""Errors of Sentry in assertions: below their spans, in patterns, beside OpenTelemetry."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from pytest_traces import Traces, glob, record, span

sentry_sdk = pytest.importorskip("sentry_sdk")


class OutOfStock(LookupError):
    """An error of the application's own."""


NAME = f"{OutOfStock.__module__}.OutOfStock"


@pytest.fixture
def act() -> Iterator[Traces]:
    """A recording of Sentry."""
    with record(timeout="0s", sources=["sentry"]) as act:
        yield act


def capture(error: Exception) -> None:
    """Raise it, catch it, report it."""
    try:
        raise error
    except type(error) as caught:
        sentry_sdk.capture_exception(caught)


def order() -> None:
    """A transaction whose query fails; and a message."""
    with sentry_sdk.start_transaction(name="POST /order", op="http.server"):
        with sentry_sdk.start_span(op="db", name="SELECT stock"):
            capture(OutOfStock("no more of 7"))
        sentry_sdk.capture_message("the cache is cold", level="error")
        sentry_sdk.capture_message("hello")


def steady(text: str) -> str:
    """Without durations."""
    return re.sub(r" +[\d.,]+ (ns|us|ms|s)\b", " TIME", text)


def said(act: Traces, **keywords: Any) -> str:
    """The whole failure, without durations."""
    with pytest.raises(AssertionError) as caught:
        act.assert_no_errors(**keywords)
    return steady(str(caught.value))


@pytest.mark.parametrize("dsn", [None, "http://key@127.0.0.1:9/1"])
def test_errors_are_linked_to_their_spans(dsn, act, sentry):
    """With a DSN or without; a message without a level of errors is none."""
    sentry(dsn=dsn, traces_sample_rate=1.0)
    order()

    first, second = act.error_events
    assert (first.type, first.message, first.source) == (NAME, "no more of 7", "sentry")
    assert (first.span, first.handled) == (act.get("SELECT stock"), True)
    assert (second.type, second.message, second.span) == (
        None, "the cache is cold", act.get("POST /order")
    )  # fmt: skip


def test_a_failure_shows_them_below_their_spans(act, sentry):
    """The whole message."""
    sentry(traces_sample_rate=1.0)
    order()
    capture(KeyError("late"))

    assert said(act) == (
        "3 errors, the first in 'POST /order > SELECT stock': OutOfStock: no more of 7\n"
        "\n"
        "  POST /order      server TIME\n"
        "  ! the cache is cold\n"
        "  └─ SELECT stock  client TIME\n"
        "     ! OutOfStock: no more of 7\n"
        "\n"
        "  'POST /order': the cache is cold\n"
        "  linked to no span: KeyError: 'late' (no span was active)"
    )
    act.assert_no_errors(allow=[LookupError, "POST /order"])
    assert said(act, allow=["SELECT stock", "POST /order"]).startswith(
        "an error that is linked to no span: KeyError: 'late'\n"
    )


@pytest.mark.parametrize(
    "wanted",
    [OutOfStock, LookupError, Exception, "OutOfStock", NAME, glob("*.OutOfStock")],
)
def test_patterns_find_them(wanted, act, sentry):
    """By class, base class, and name with its module or without."""
    sentry(traces_sample_rate=1.0)
    order()

    act.assert_tree(span("POST /order", span("SELECT stock", exception=wanted)))


@pytest.mark.parametrize("wanted", [ValueError, KeyError, "LookupError", "other.OutOfStock"])
def test_patterns_do_not_find_others(wanted, act, sentry):
    """Neither subclasses of it, nor classes of other modules."""
    sentry(traces_sample_rate=1.0)
    order()

    with pytest.raises(AssertionError) as caught:
        act.assert_tree(span("POST /order", span("SELECT stock", exception=wanted)))
    shown = wanted if isinstance(wanted, str) else wanted.__name__
    shown = repr(shown) if isinstance(wanted, str) else shown
    assert str(caught.value).splitlines()[0] == (
        f"'POST /order > SELECT stock': exception: expected {shown}, got '{NAME}'"
    )
    assert str(caught.value).splitlines()[-1] == "       ! OutOfStock: no more of 7"


def test_beside_opentelemetry(sentry):
    """The same exception in two unrelated traces is two errors, and both tellings are named."""
    sdk = pytest.importorskip("opentelemetry.sdk.trace")
    sentry(traces_sample_rate=1.0)
    tracer = sdk.TracerProvider(shutdown_on_exit=False).get_tracer("app")
    with record(timeout="0s", sources=["opentelemetry", "sentry"]) as both:
        with (
            sentry_sdk.start_transaction(name="/order", op="http.server"),
            tracer.start_as_current_span("POST /order") as current,
        ):
            error = OutOfStock("no more of 7")
            current.record_exception(error)
            sentry_sdk.capture_exception(error)

    assert {(one.type, one.source, one.span and one.span.name) for one in both.error_events} == {
        (NAME, "opentelemetry", "POST /order"),
        (NAME, "sentry", "/order"),
    }
    text = said(both)
    assert text.startswith("2 errors, the first in 'POST /order': OutOfStock: no more of 7\n")
    assert text.endswith(
        "\n\n"
        "  '/order': OutOfStock: no more of 7\n"
        "  two sources describe this in traces of their own:\n"
        "    OpenTelemetry   1 span: 'POST /order'\n"
        "    Sentry          1 span: '/order'\n"
        "\n"
        "  hint:  choose one: traces_sources = opentelemetry in the ini file, or\n"
        "         traces.only(source='opentelemetry')"
    )
    with pytest.raises(AssertionError) as caught:
        both.assert_tree(span("POST /order", exception=LookupError))
    assert "\n\n  cause: two sources describe this in traces of their own: " in str(caught.value)
    both.only(source="sentry").assert_tree(span("/order", exception=LookupError))
