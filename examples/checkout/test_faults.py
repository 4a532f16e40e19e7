"""Every fault is noticed, and the failure names it."""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from fastapi.testclient import TestClient

from pytest_traces import Traces, in_order, span

from . import faults
from .shop.main import Shop
from .shop.orders_queue import ORDERS

HEALTHY = span(
    "POST /checkout",
    span("connect"),
    in_order(
        span("SELECT orders"),
        span("SELECT orders"),
        span("POST", span("POST /reserve", service="inventory"), status="unset"),
        span("POST", span("POST /charge", service="payments", under="500ms"), status="unset"),
        span(
            "orders publish",
            span(
                "orders process",
                span("connect"),
                span("UPDATE orders"),
                kind="consumer",
                attributes=ORDERS,
            ),
            kind="producer",
            attributes=ORDERS,
        ),
    ),
    kind="server",
)


@pytest.mark.parametrize(
    ("fault", "names"),
    [
        (faults.dropped, "orders publish"),
        (faults.moved, "orders process"),
        (faults.renamed, "order publish"),
        (faults.another_kind, "internal"),
        (faults.attribute_missing, "messaging.destination.name"),
        (faults.duplicated, "POST"),
        (faults.never_ended, "orders process"),
        (faults.context_lost, "orders process"),
        (faults.traceparent_lost, "POST /charge"),
        (faults.n_plus_one, "SELECT orders"),
        (faults.out_of_order, "POST"),
        (faults.failed, "POST /charge"),
        (faults.slow, "POST /charge"),
    ],
)
def test_fault_is_noticed(
    fault: Callable[[], AbstractContextManager[None]],
    names: str,
    traces: Traces,
    shop: Shop,
    client: TestClient,
) -> None:
    """The assertion fails, and its message names what is at fault (shown by ``pytest -rP``)."""
    with fault():
        client.post("/checkout", json={"order": 7})
        # The fault must last until the worker is done.
        shop.orders.join()

    with pytest.raises(AssertionError) as failure:
        # One of the spans never ends: waiting longer for it would be in vain.
        traces.eventually("100ms").assert_tree(HEALTHY)

    message = str(failure.value)
    sys.stdout.write(message)
    assert names in message


def test_without_a_fault_nothing_is_wrong(traces: Traces, shop: Shop, client: TestClient) -> None:
    """The tree that the faults are measured by is that of the healthy shop."""
    client.post("/checkout", json={"order": 7})
    shop.orders.join()

    traces.assert_tree(HEALTHY)
