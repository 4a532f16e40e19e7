"""The traces of a checkout: what belongs to one, in which order, and what must not happen."""

from fastapi.testclient import TestClient

from pytest_traces import Traces, in_order, record, span


def test_whole_tree(traces: Traces, client: TestClient) -> None:
    """All that one click sets in motion, over three services, a database and a queue."""
    client.post("/checkout", json={"order": 7})

    traces.assert_tree("""
        POST /checkout
        ├─ connect
        ├─ 2 × SELECT orders
        ├─ POST
        │  └─ POST /reserve
        ├─ POST
        │  └─ POST /charge
        └─ orders publish
           └─ orders process
              ├─ connect
              └─ UPDATE orders
    """)
    traces.assert_no_errors()


def test_payment_is_in_the_same_trace(traces: Traces, client: TestClient) -> None:
    """One part of the tree, in detail: `...` says that a request may set other things in motion."""
    client.post("/checkout", json={"order": 7})

    traces.assert_tree(
        span(
            "POST /checkout",
            span("POST", span("POST /charge", kind="server", service="payments"), kind="client"),
            ...,
            kind="server",
            service="shop",
            attributes={"http.route": "/checkout"},
        )
    )


def test_message_carries_the_context(traces: Traces, client: TestClient) -> None:
    """The worker's thread continues the trace; the assertion waits for it, so the test need not."""
    client.post("/checkout", json={"order": 7})

    orders = {"messaging.destination.name": "orders"}
    traces.assert_subtree(
        span(
            "orders publish",
            span("orders process", ..., kind="consumer", attributes=orders),
            kind="producer",
            attributes=orders,
        )
    )
    traces.assert_path("POST /checkout", ..., "orders process", "UPDATE orders")


def test_nobody_pays_for_what_is_not_reserved(traces: Traces, client: TestClient) -> None:
    """The order of two calls is part of what the shop promises."""
    client.post("/checkout", json={"order": 7})

    traces.assert_subtree(
        span(
            "POST /checkout",
            in_order(
                span("POST", span("POST /reserve")),
                span("POST", span("POST /charge")),
                span("orders publish", ...),
            ),
            ...,
        )
    )


def test_items_are_loaded_in_one_statement(traces: Traces, client: TestClient) -> None:
    """Five items, but two statements: one for the order, one for all its items."""
    client.post("/checkout", json={"order": 7})

    traces.assert_count("SELECT orders", 2)


def test_declined_order_is_not_packed(traces: Traces, client: TestClient) -> None:
    """The bank declines: the call has failed, and no message is published."""
    response = client.post("/checkout", json={"order": 8})

    assert response.status_code == 402
    traces.assert_subtree(span("POST", span("POST /charge"), status="error"))
    traces.assert_none("orders publish")
    traces.assert_none("orders process")


def test_unknown_order_asks_nobody(traces: Traces, client: TestClient) -> None:
    """`ignoring` lifts spans out that are not the point: here, connections from the pool."""
    response = client.post("/checkout", json={"order": 9})

    assert response.status_code == 404
    traces.ignoring("connect").assert_tree("""
        POST /checkout
        └─ SELECT orders
    """)


def test_second_try_asks_the_bank_again(traces: Traces, client: TestClient) -> None:
    """`record` is a recording of just its block; `traces` sees the whole test."""
    client.post("/checkout", json={"order": 8})

    with record() as second:
        client.post("/checkout", json={"order": 8})

    second.assert_count("POST /charge", 1)
    traces.assert_count("POST /charge", 2)
