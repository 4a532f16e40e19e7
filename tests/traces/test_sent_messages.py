"""What assert_propagated says of messages: no context, an old one, a consumer that begins anew."""

from collections.abc import Iterator
from queue import Queue
from typing import Any

import pytest

from pytest_traces import Traces, glob, record

pytest.importorskip("opentelemetry.sdk.trace")

from opentelemetry.propagate import extract, inject
from opentelemetry.sdk.trace import Tracer, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import Link, SpanKind, get_current_span

TRACE = "0af7651916cd43dd8448eb211c80319c"
FIRST, SECOND = "b7ad6b7169203301", "b7ad6b7169203302"
ORDERS = {"messaging.destination.name": "orders"}


class Numbered(IdGenerator):
    """Ids in the order in which spans begin."""

    def __init__(self) -> None:
        self.traces, self.spans = int(TRACE, 16) - 1, int(FIRST, 16) - 1

    def generate_trace_id(self) -> int:
        self.traces += 1
        return self.traces

    def generate_span_id(self) -> int:
        self.spans += 1
        return self.spans


@pytest.fixture
def tracer() -> Tracer:
    return TracerProvider(id_generator=Numbered()).get_tracer("shop")


@pytest.fixture
def act() -> Iterator[Traces]:
    with record(timeout="0s") as act:
        yield act


def publish(tracer: Tracer, *, injected: bool = True, early: bool = False) -> dict[str, str]:
    """A request publishes an order."""
    headers: dict[str, str] = {}
    with tracer.start_as_current_span("POST /checkout", kind=SpanKind.SERVER):
        if early:
            inject(headers)
        with tracer.start_as_current_span(
            "orders publish", kind=SpanKind.PRODUCER, attributes=ORDERS
        ):
            if injected and not early:
                inject(headers)
    return headers


def process(tracer: Tracer, headers: dict[str, str], **fields: Any) -> None:
    with tracer.start_as_current_span(
        "orders process", kind=SpanKind.CONSUMER, attributes=ORDERS, **fields
    ):
        Queue[dict[str, str]]().put(headers)


def failure(act: Traces, **wanted: Any) -> str:
    with pytest.raises(AssertionError) as raised:
        act.assert_propagated(**wanted)
    return str(raised.value)


def test_a_message_that_carries_its_context(act: Traces, tracer: Tracer):
    """To its destination, and to all; as a parent or as a link."""
    headers = publish(tracer)
    process(tracer, headers, context=extract(headers))
    link = Link(get_current_span(extract(headers)).get_span_context())
    process(tracer, headers, links=[link])

    act.assert_propagated()
    act.assert_propagated(to="orders")
    act.assert_propagated(to=glob("ord*"), format="tracecontext")
    (message,) = act.messages
    assert message.destination == "orders"
    assert message.sender is not None
    assert message.sender.name == "orders publish"
    assert [span.name for span in message.receivers] == ["orders process", "orders process"]


@pytest.mark.parametrize("wanted", [{}, {"to": "orders"}])
def test_a_message_without_context(act: Traces, tracer: Tracer, wanted: dict[str, str]):
    """Nothing was injected within the producer span."""
    publish(tracer, injected=False)

    assert failure(act, **wanted) == (
        "1 of 1 message did not carry the trace on\n"
        "\n"
        "  the message to 'orders'  (sent from 'POST /checkout > orders publish')\n"
        "      it carried no context: neither traceparent nor a header of another format\n"
        f"      expected: traceparent: 00-{TRACE}-{SECOND}-01,\n"
        "                             that of 'POST /checkout > orders publish'\n"
        "\n"
        "  cause: nothing was injected while 'orders publish' was current\n"
        "\n"
        "  hint:  within its block: opentelemetry.propagate.inject(headers)"
    )


def test_a_context_injected_too_early(act: Traces, tracer: Tracer):
    """Before the producer span: the message carries the span around it."""
    publish(tracer, early=True)

    assert failure(act, to="orders") == (
        "1 of 1 message did not carry the trace on\n"
        "\n"
        "  the message to 'orders'  (sent from 'POST /checkout > orders publish')\n"
        f"      traceparent: 00-{TRACE}-{FIRST}-01\n"
        "                                                       ^^^^^^^^^^^^^^^^ the id of 'POST "
        "/checkout', the span around it\n"
        f"      expected:    00-{TRACE}-{SECOND}-01, that of 'POST /checkout > orders publish'\n"
        "\n"
        "  cause: the context was injected before 'orders publish' began\n"
        "\n"
        "  hint:  inject within its block, so that the consumer finds it as its parent"
    )


def test_a_consumer_that_begins_a_trace_of_its_own(act: Traces, tracer: Tracer):
    """The header was fine, and nobody read it."""
    headers = publish(tracer)
    process(tracer, headers)

    told = (
        "1 of 1 message did not carry the trace on\n"
        "\n"
        "  the message to 'orders'  (sent from 'POST /checkout > orders publish')\n"
        f"      traceparent: 00-{TRACE}-{SECOND}-01\n"
        "      'orders process' handles such a message and is the root of another trace: it did not continue\n"
        "      the context"
    )
    assert failure(act, to="orders") == told
    assert failure(act) == told


def test_a_consumer_without_any_message(act: Traces, tracer: Tracer):
    """Fed by the test without context: named where its queue is asked for."""
    process(tracer, {})

    assert failure(act, to="orders").startswith(
        "1 of 1 message did not carry the trace on\n"
        "\n"
        "  the message to 'orders'\n"
        "      'orders process' handles such a message and is the root of another trace"
    )


def test_another_destination_is_none_of_its_business(act: Traces, tracer: Tracer):
    """And what was sent elsewhere is named, where nothing was sent there."""
    publish(tracer)

    assert failure(act, to="bookings").startswith(
        "no request and no message was sent to 'bookings'\n"
        "\n"
        "  what was sent: the message to 'orders'\n"
    )


def test_a_message_to_a_third_party(act: Traces, tracer: Tracer):
    """Nothing of the trace may be in its headers."""
    publish(tracer)

    with pytest.raises(AssertionError) as raised:
        act.assert_not_propagated(to="orders")

    assert str(raised.value) == (
        "1 of 1 message carried a context away\n"
        "\n"
        "  the message to 'orders'  (sent from 'POST /checkout > orders publish')\n"
        f"      traceparent: 00-{TRACE}-{SECOND}-01"
    )


def test_a_stale_context_in_a_message(act: Traces, tracer: Tracer):
    """The carrier of the last message is used again, and nothing injected."""
    headers = publish(tracer)
    with tracer.start_as_current_span("orders publish", kind=SpanKind.PRODUCER, attributes=ORDERS):
        pass

    told = failure(act, to="orders")
    assert told.startswith("1 of 2 messages did not carry the trace on")
    assert "  the message to 'orders'  (sent from 'orders publish')\n" in told
    act.assert_propagated(carrier=headers, sender="orders publish")
