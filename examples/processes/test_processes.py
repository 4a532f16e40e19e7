"""Services in other processes, and one of them in another language: one tree all the same.

Nothing of them is in this process: what is recorded has been sent to `traces_receiver`, as to any
other collector, and is linked by the headers that the services have sent to each other.
"""

import os

import httpx

from pytest_traces import Traces, span

from .deployment import HERE, INSTRUMENTED, Deployment

TREE = """
    POST /checkout
    ├─ connect
    ├─ SELECT orders
    ├─ POST
    │  └─ POST /reserve
    │     └─ take from shelf
    ├─ POST
    │  └─ POST /charge
    └─ orders publish
       └─ orders process
          ├─ connect
          └─ UPDATE orders
"""


def test_one_tree_across_python_and_node(traces: Traces, client: httpx.Client) -> None:
    """The test is the browser: it has a span in this process, the others are children of it."""
    with traces.caller("buy", service="browser") as caller:
        client.post("/checkout", json={"order": 7}, headers=caller.headers)

    story = traces.eventually("10s")
    story.assert_tree(
        span(
            "buy",
            span(
                "POST /checkout",
                span("POST", span("POST /reserve", ..., service="inventory", kind="server")),
                span("POST", span("POST /charge", service="payments", kind="server")),
                span("orders publish", span("orders process", ..., service="warehouse")),
                ...,
                service="shop",
                kind="server",
            ),
            service="browser",
        )
    )
    assert len(list(traces)) == 1
    for name, language in {"POST /reserve": "nodejs", "POST /charge": "python"}.items():
        assert traces.get(name).resource["telemetry.sdk.language"] == language


def test_caller_without_a_trace(traces: Traces, client: httpx.Client) -> None:
    """The shop begins the trace; it is this test's, because it began during this test."""
    client.post("/checkout", json={"order": 7})

    traces.eventually("10s").assert_tree(TREE)


def test_declined_order_is_not_packed(traces: Traces, client: httpx.Client) -> None:
    """That nothing comes from the warehouse is known once all processes are silent."""
    response = client.post("/checkout", json={"order": 8})

    assert response.status_code == 402
    story = traces.eventually("10s")
    story.assert_subtree(span("POST", span("POST /charge"), status="error"))
    story.assert_none("orders publish")
    story.assert_none("orders process")


def test_child_process(traces: Traces, deployment: Deployment) -> None:
    """A command that the test runs, whose spans are the root of all others."""
    command = [*INSTRUMENTED, "services.reorder", deployment.url, "7"]

    done = traces.run(command, cwd=HERE, env={**os.environ, "OTEL_SERVICE_NAME": "reorder"})

    assert done.stdout == "paid 5000 cents\n"
    traces.eventually("10s").assert_path(
        span("reorder", service="reorder"), "POST", "POST /checkout", ..., "orders process"
    )
