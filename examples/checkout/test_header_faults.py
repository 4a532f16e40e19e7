"""Every broken header is noticed; the failure names the request, the header and the rule."""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from pytest_traces import Traces

from . import header_faults as faults
from .conftest import Street

CHARGE = "POST http://payments/charge"
ORDERS = "the message to 'orders'"

FAULTS = [
    (faults.header_dropped, CHARGE, "neither traceparent nor a header of another format"),
    (
        faults.upper_cased,
        CHARGE,
        "the trace id must be lower-case hex (W3C Trace Context, 3.2.2.3)",
    ),
    (faults.trace_id_of_another_trace, CHARGE, "the trace id of no recorded span"),
    (faults.parent_id_of_zeros, CHARGE, "must not be all zeros (W3C Trace Context, 3.2.2.4)"),
    (faults.parent_id_of_an_unknown_span, CHARGE, "the id of no recorded span"),
    (faults.parent_id_of_the_server_span, CHARGE, "the id of 'buy > POST /checkout'"),
    (faults.sampled_bit_cleared, CHARGE, "the sampled bit is 0"),
    (faults.header_sent_twice, CHARGE, "the header must be there once, not 2 times"),
    (faults.tracestate_without_value, CHARGE, "a member must be a key, '=' and a value"),
    (faults.baggage_dropped, CHARGE, "it lacks tenant=acme, which came in"),
    (faults.incoming_header_passed_on, CHARGE, "the incoming request of 'buy', passed on"),
    (faults.formats_that_disagree, CHARGE, "disagrees with traceparent"),
    (faults.message_without_context, ORDERS, "nothing was injected while 'orders publish'"),
    (faults.consumer_that_begins_a_trace, ORDERS, "'orders process' handles such a message"),
]


@pytest.mark.parametrize(("fault", "sent", "rule"), FAULTS)
def test_fault_is_noticed(
    fault: Callable[[], AbstractContextManager[None]],
    sent: str,
    rule: str,
    traces: Traces,
    street: Street,
) -> None:
    """The assertion fails, and its message is worth reading (shown by ``pytest -rP``)."""
    with traces.caller("buy", baggage={"tenant": "acme"}) as caller, fault():
        street.buy(caller)

    with pytest.raises(AssertionError) as failure:
        traces.assert_propagated(to="orders" if sent == ORDERS else "payments")

    message = str(failure.value)
    sys.stdout.write(message)
    assert sent in message
    assert rule in " ".join(message.split())


SPOILT_FOR_THE_SERVICE = [
    faults.header_dropped,
    faults.upper_cased,
    faults.trace_id_of_another_trace,
    faults.parent_id_of_zeros,
    faults.parent_id_of_an_unknown_span,
]


@pytest.mark.parametrize("fault", SPOILT_FOR_THE_SERVICE)
def test_service_in_this_process_does_not_hide_it(
    fault: Callable[[], AbstractContextManager[None]], traces: Traces, street: Street
) -> None:
    """Payments is its own application, called without a port, and yet linked by headers alone.

    Behind a transport that calls the application directly, the tree would look healthy: there
    the caller's span is current in the service, too.
    """
    with traces.caller("buy", baggage={"tenant": "acme"}) as caller, fault():
        street.buy(caller)

    assert traces.get("POST /charge").parent is None


def test_without_a_fault_nothing_is_wrong(traces: Traces, street: Street) -> None:
    """What the faults are measured by."""
    with traces.caller("buy", baggage={"tenant": "acme"}) as caller:
        street.buy(caller)

    traces.assert_propagated(to="payments")
    traces.assert_propagated(to="orders")
    assert traces.get("POST /charge").parent is not None
