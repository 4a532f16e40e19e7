"""What Sentry is told of a sale: its spans, its errors with their spans, and what it keeps.

Sentry is set up as in production, with a DSN; while a test records, nothing is sent.
"""

import sys

import httpx
import pytest
from flask.testing import FlaskClient

from pytest_traces import StandIn, Traces, span

from .office.app import OutOfPaper

SALE = """
    /tickets
    ├─ SELECT price FROM seats WHERE number = ?
    ├─ UPDATE seats SET sold = 1 WHERE number = ?
    └─ print ticket
       └─ POST http://printer/print
          └─ POST /print
"""


def test_tree_of_a_sale(traces: Traces, client: FlaskClient) -> None:
    """A transaction is the root, and the printer's span a child of the request that called it."""
    client.post("/tickets", json={"seat": 7})

    traces.assert_tree(SALE)
    traces.assert_no_errors()


def test_operations_are_attributes(traces: Traces, client: FlaskClient) -> None:
    """What Sentry calls an operation gives a span its kind, too."""
    client.post("/tickets", json={"seat": 7})

    traces.assert_tree(
        span(
            "/tickets",
            span("print ticket", ..., attributes={"sentry.op": "office.print"}),
            ...,
            kind="server",
            status="ok",
            attributes={"sentry.op": "http.server"},
            source="sentry",
        )
    )


def test_headers_reach_the_printer(traces: Traces, client: FlaskClient, printer: StandIn) -> None:
    """Sentry writes `sentry-trace` and `baggage`, and no `traceparent`."""
    client.post("/tickets", json={"seat": 7})

    traces.assert_propagated(to=printer, format="sentry")
    assert "sentry-release=office%401" in printer.calls.last.request.headers["baggage"]


def test_office_goes_on_with_the_trace_of_its_caller(traces: Traces, client: FlaskClient) -> None:
    """The test is the browser of a customer."""
    with traces.caller("buy", format="sentry") as caller:
        client.post("/tickets", json={"seat": 7}, headers=caller.headers)

    traces.assert_path("buy", "/tickets", "print ticket", ..., "POST /print")


def test_error_has_its_span(traces: Traces, client: FlaskClient, printer: StandIn) -> None:
    """The printer is out of paper: the sale is done, and the error tells where it happened."""
    printer.post("/print").respond(503)
    response = client.post("/tickets", json={"seat": 7})

    assert response.status_code == 200
    traces.assert_subtree(span("print ticket", ..., exception=OutOfPaper))
    (error,) = traces.error_events
    assert error.message == "no ticket for seat 7"
    assert error.span is traces.get("print ticket")


def test_failure_shows_the_error(traces: Traces, client: FlaskClient, printer: StandIn) -> None:
    """Below its span, in the tree (shown by ``pytest -rP``)."""
    printer.post("/print").respond(503)
    client.post("/tickets", json={"seat": 7})

    with pytest.raises(AssertionError, match="OutOfPaper: no ticket for seat 7") as failure:
        traces.assert_no_errors(allow=["POST /print", "POST http://printer/print"])
    sys.stdout.write(str(failure.value))
    traces.assert_no_errors(allow=["POST /print", "POST http://printer/print", OutOfPaper])


def test_error_that_nobody_catches(traces: Traces, client: FlaskClient, printer: StandIn) -> None:
    """Flask answers with 500, and Sentry's integration reports why."""
    printer.post("/print").mock(side_effect=httpx.ConnectError)
    response = client.post("/tickets", json={"seat": 7})

    assert response.status_code == 500
    traces.assert_subtree(span("/tickets", ..., status="error", exception=httpx.ConnectError))


def test_sales_are_kept(traces: Traces, client: FlaskClient) -> None:
    """The sampler of the office has the last word, but for that of its caller."""
    client.post("/tickets", json={"seat": 7})

    traces.assert_sampled("/tickets")


def test_health_checks_are_not_kept(traces: Traces, client: FlaskClient) -> None:
    """They are recorded here all the same, so that a rule for them can be tested."""
    client.get("/health")

    traces.assert_not_sampled("/health")
    traces.assert_tree("""
        /health
        └─ SELECT 1
    """)


def test_what_the_caller_does_not_keep(traces: Traces, client: FlaskClient) -> None:
    """A trace is kept as a whole or not at all."""
    with traces.caller("buy", format="sentry", sampled=False) as caller:
        client.post("/tickets", json={"seat": 7}, headers=caller.headers)

    traces.assert_not_sampled("/tickets")
    traces.assert_propagated(to="printer", format="sentry")
