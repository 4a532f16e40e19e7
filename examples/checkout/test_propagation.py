"""What leaves the shop, and with which context: the test plays everybody else.

The browser is `traces.caller`, the services are `traces.stand_in`: what they see of the shop are
its headers, and nothing else.
"""

import pytest

from pytest_traces import Traces

from .conftest import Street

EVERYBODY = """
    buy
    └─ POST /checkout
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
    POST /send
"""


def test_one_trace_from_the_browser_to_the_last_service(traces: Traces, street: Street) -> None:
    """Every link of it is a header: the browser's, two requests', and that of a message.

    Only the mailer's span is a root of its own: a third party has its own traces.
    """
    with traces.caller("buy", service="browser") as caller:
        street.buy(caller)

    traces.assert_tree(EVERYBODY)


def test_every_request_and_message_carries_its_context(traces: Traces, street: Street) -> None:
    """All at once, but those to third parties, which `traces_external` would leave out."""
    with traces.caller("buy") as caller:
        street.buy(caller)

    for service in ("inventory", "payments", "orders"):
        traces.assert_propagated(to=service)


def test_baggage_of_the_browser_reaches_every_service(traces: Traces, street: Street) -> None:
    """What came in goes on; so does `tracestate`."""
    with traces.caller("buy", baggage={"tenant": "acme"}, tracestate={"cdn": "fra"}) as caller:
        street.buy(caller)

    traces.assert_propagated(to="payments", baggage={"tenant": "acme"}, tracestate={"cdn": "fra"})
    assert street.inventory.calls.last.request.headers["baggage"] == "tenant=acme"


def test_unsampled_stays_unsampled(traces: Traces, street: Street) -> None:
    """The browser's decision is everybody's: a trace is kept as a whole, or not at all."""
    with traces.caller("buy", sampled=False) as caller:
        street.buy(caller)

    traces.assert_propagated(to="payments")
    assert not traces.get("POST /charge").sampled


def test_third_party_learns_nothing(traces: Traces, street: Street) -> None:
    """Neither the trace nor the baggage leaves for the mailer."""
    with traces.caller("buy", baggage={"tenant": "acme"}) as caller:
        street.buy(caller)

    traces.assert_not_propagated(to="mailer.example")


def test_message_carries_the_context_of_the_producer(traces: Traces, street: Street) -> None:
    """Looked at by itself: whose headers these are, and who has received them."""
    with traces.caller("buy") as caller:
        street.buy(caller)

    (message,) = traces.messages
    assert message.destination == "orders"
    assert [span.name for span in message.receivers] == ["orders process"]
    traces.assert_propagated(carrier=message.headers, sender="orders publish")


def test_slow_service(traces: Traces, street: Street) -> None:
    """A stand-in takes as long as it is told, and its span shows it."""
    street.inventory.post("/reserve", delay="30ms").respond(json={"reserved": 5})
    with traces.caller("buy") as caller:
        street.buy(caller)

    reserve = traces.get("POST /reserve")
    assert reserve.duration_ns is not None
    assert reserve.duration_ns >= 30_000_000


def test_service_that_is_down(traces: Traces, street: Street) -> None:
    """No payment is tried when nothing can be reserved."""
    street.inventory.post("/reserve").respond(503)
    with traces.caller("buy") as caller:
        street.buy(caller)

    assert traces.get("POST /reserve").status == "error"
    traces.assert_none("POST /charge")


@pytest.mark.parametrize("name", ["inventory", "payments"])
def test_requests_can_be_looked_at(name: str, traces: Traces, street: Street) -> None:
    """Each with the headers that really left, and the span that sent it."""
    with traces.caller("buy") as caller:
        street.buy(caller)

    (request,) = [one for one in traces.requests if f"//{name}/" in one.url]
    assert request.status == 200
    assert request.span is not None
    assert request.span.span_id in request.headers["traceparent"]
