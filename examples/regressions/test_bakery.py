"""What keeps the bakery quick: first what can be counted, then what has to be timed."""

import sys
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from pytest_traces import Traces

from .bakery.oven import Oven
from .bakery.telemetry import tracer_provider

EVENTS = 20_000
"""Twice what it takes to plan the oven."""


def test_orders_take_as_many_statements_whatever_their_number(
    traces: Traces, client: TestClient, place: Callable[[int], None]
) -> None:
    """The proof that there is no N+1: the same request with 2 orders, then with 8."""
    traces.assert_no_growth(lambda: client.get("/orders"), arrange=place)


def test_no_statement_is_repeated(traces: Traces, busy_day: TestClient) -> None:
    """One run is enough to see statements that differ in their numbers alone."""
    busy_day.get("/orders")

    traces.assert_no_n_plus_one()


def test_suppliers_are_asked_at_the_same_time(traces: Traces, client: TestClient) -> None:
    """Three calls are open at one instant: it does not matter how long they take."""
    client.get("/offers/plum")

    traces.assert_concurrent("GET", at_least=3)


def test_offer_costs_little(traces: Traces, client: TestClient) -> None:
    """Eight spans, three deep: whoever adds a call has to raise a number that is reviewed."""
    client.get("/offers/plum")

    traces.assert_budget(spans=8, depth=3, fanout=4)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring came with Python 3.12")
def test_plan_of_the_oven_is_cheap(traces: Traces) -> None:
    """Work is counted, not timed: the number is the same on every machine."""
    Oven(tracer_provider().get_tracer("bakery.oven")).plan()

    traces.assert_work("plan oven", at_most=EVENTS)


def test_waiting_for_suppliers_is_what_takes_long(traces: Traces, client: TestClient) -> None:
    """To make offers quicker, begin here."""
    client.get("/offers/plum")

    traces.assert_on_critical_path("GET")


@pytest.mark.traces(attempts=5)
def test_offer_is_quick(traces: Traces, client: TestClient) -> None:
    """Ten times what it takes: a machine that is busy five times in a row does not reach it."""
    client.get("/offers/plum")

    traces.assert_duration("GET /offers/{cake}", under="500ms")


@pytest.mark.traces(under="500ms", attempts=5)
def test_orders_are_quick(busy_day: TestClient) -> None:
    """The same as a marker: each request has this limit."""
    busy_day.get("/orders")


def test_offer_is_made_as_before(traces: Traces, client: TestClient) -> None:
    """Nothing but what test_bakery.traces.json says, which is reviewed like code."""
    client.get("/offers/plum")

    traces.assert_no_regression()


def test_orders_are_read_as_before(traces: Traces, busy_day: TestClient) -> None:
    """One statement more, or one call more, is a regression, however fast it is."""
    busy_day.get("/orders")

    traces.assert_no_regression()
