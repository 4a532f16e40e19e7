"""The spans of a booking, taken from the three places where an application may put them."""

import time

from pytest_traces import Traces, span

from .conftest import Browser
from .travel import tracing
from .travel.prices import Prices
from .travel.tracing import SpanContext


def test_tap_takes_what_is_passed_to_a_function(traces: Traces, browser: Browser) -> None:
    """The agency passes its finished spans to ``tracing.record_span``."""
    traces.tap(tracing, "record_span", unit="ms")

    browser.book("Vienna")

    traces.assert_tree("""
        POST /book
        ├─ load trips
        │  └─ select
        └─ GET
    """)
    traces.assert_path("POST /book", ..., "select")


def test_watch_takes_what_is_appended_to_a_list(
    traces: Traces, browser: Browser, prices: Prices
) -> None:
    """The prices service appends its finished spans to ``prices.spans``."""
    traces.watch(prices.spans, unit="ms")

    browser.book("Vienna")

    traces.assert_tree("GET /price")


def test_both_services_are_in_one_trace(traces: Traces, browser: Browser, prices: Prices) -> None:
    """A ``traceparent`` header, written and read by hand, links the spans of two services."""
    traces.tap(tracing, "record_span", unit="ms")
    traces.watch(prices.spans, unit="ms")

    browser.book("Vienna")

    traces.assert_tree(
        span(
            "POST /book",
            span("load trips", span("select", kind="client")),
            span("GET", span("GET /price", kind="server"), kind="client"),
            kind="server",
        )
    )


def test_add_takes_a_span_from_anywhere(traces: Traces, browser: Browser) -> None:
    """A browser reports its click in camelCase; the click becomes the root of the whole trace."""
    traces.tap(tracing, "record_span", unit="ms")
    click = SpanContext(trace_id="5b" * 16, span_id="c1" * 8)
    start = time.time_ns() / 1e6

    browser.book("Vienna", headers={"traceparent": click.traceparent})

    traces.add(
        {
            "traceId": click.trace_id,
            "spanId": click.span_id,
            "name": "click",
            "start": start,
            "end": time.time_ns() / 1e6,
        },
        unit="ms",
    )
    traces.assert_path("click", "POST /book", ..., "select")


def test_no_price_is_asked_for_where_no_trip_goes(
    traces: Traces, browser: Browser, prices: Prices
) -> None:
    """What must not happen: no span of that name has even started."""
    traces.tap(tracing, "record_span", unit="ms")
    traces.watch(prices.spans, unit="ms")

    browser.book("Atlantis")

    traces.assert_count("select", 1)
    traces.assert_none("GET")
    traces.assert_none("GET /price")
