"""Which injections are calls, and which are messages."""

from __future__ import annotations

import pytest

from pytest_traces.assembly import assemble
from pytest_traces.model import CarrierData, RequestData, SpanData, SpanRef
from pytest_traces.propagation.checking.messages import messages_of

TRACE, ABOVE, BELOW = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "b7ad6b7169203331"
HEADER = (("traceparent", f"00-{TRACE}-{ABOVE}-01"),)
CLIENT = (("traceparent", f"00-{TRACE}-{BELOW}-01"),)
CURRENT = (SpanRef("opentelemetry", TRACE, ABOVE),)
SERVER = SpanData("POST /checkout", TRACE, ABOVE, None, 1, 1_000, kind="server")


def injection(number, headers=HEADER, current=CURRENT, thread="main"):
    """An injection, by default by hand in the span of the server."""
    return CarrierData(number, "opentelemetry", "inject", headers, number, current, thread)


def request(number, headers=HEADER, end=None, **fields):
    """A request, by default by hand as well."""
    return RequestData(
        number, "httpx", "POST", "http://payments/", headers, number, end or number + 5,
        current=CURRENT, thread="main",
    )._replace(**fields)  # fmt: skip


def span(name, parent, kind, number=50, **fields):
    """A span that began in a carrier."""
    return SpanData(
        name, TRACE, f"{number:016x}", parent, number, number + 1, kind=kind, remote_parent=True
    )._replace(**fields)


def left(injections, requests=(), spans=()):
    """The numbers of what are messages."""
    found = messages_of(injections, requests, assemble([SERVER, *spans]))
    return [message.number for message in found if message.action == "sent"]


def test_by_hand():
    """The injection before the request with the same header is that request's."""
    assert left([injection(1)], [request(2)]) == []
    assert left([injection(1), injection(5)], [request(2)]) == [5]
    assert left([injection(1), injection(5)], [request(6)]) == [1]


def test_role():
    """A request of a test client is one as well."""
    assert left([injection(1)], [request(2, role="incoming")]) == []


def test_by_an_instrumentation():
    """One that injects while the request is on its way."""
    client = span("POST", ABOVE, "client", remote_parent=False, span_id=BELOW)
    current = (SpanRef("opentelemetry", TRACE, BELOW),)
    assert left([injection(3, CLIENT, current)], [request(2, CLIENT)], [client]) == []
    assert left([injection(3, CLIENT)], [request(2, CLIENT)]) == []
    assert left([injection(30, CLIENT)], [request(2, CLIENT)]) == [30]


def test_replaced_by_an_instrumentation():
    """Headers made by hand are the request's too where an instrumentation replaced them."""
    replaced = request(2, CLIENT, added_early=HEADER)
    assert left([injection(1), injection(3, CLIENT)], [replaced]) == []


def test_sent_again():
    """A redirect sends the same header again, and takes no message with it."""
    assert left([injection(1), injection(20)], [request(2), request(3)]) == [20]


def test_on_its_way():
    """A request that has no end yet may have been injected at any time since."""
    assert left([injection(3)], [request(2)._replace(end_ns=None)]) == []


def test_client_spans():
    """A client span's injection is a call's, even of a library whose requests are not seen."""
    current = (SpanRef("opentelemetry", TRACE, BELOW),)
    client = span("shop.Payments/Charge", ABOVE, "client", remote_parent=False, span_id=BELOW)
    assert left([injection(1, CLIENT, current)], (), [client]) == []
    publishing = client._replace(attributes={"messaging.system": "kafka"})
    assert left([injection(1, CLIENT, current)], (), [publishing]) == [1]
    consumer = span("process", BELOW, "consumer")
    assert left([injection(1, CLIENT, current)], (), [client, consumer]) == [1]


def test_server_spans():
    """Each server that goes on with the context has been called, in whichever way."""
    servers = [span("charge", ABOVE, "server", 50), span("refund", ABOVE, "server", 60)]
    assert left([injection(1), injection(2), injection(3)], (), servers[:1]) == [2, 3]
    assert left([injection(1), injection(2), injection(3)], (), servers) == [3]
    assert left([injection(1), injection(3)], [request(2)], servers[:1]) == [3]


def test_consumer_behind_a_request():
    """Where a consumer goes on with a context, one of its injections was a message."""
    consumer = span("process", ABOVE, "consumer")
    assert left([injection(1), injection(2)], [request(3), request(4)]) == []
    assert left([injection(1), injection(2)], [request(3), request(4)], [consumer]) == [2]
    assert left([injection(1), injection(2)], [request(3)], [consumer]) == [1]


@pytest.mark.parametrize(
    ("empty", "is_message"),
    [
        (injection(1, ()), False),
        (injection(3, ()), False),
        (injection(1, (("A", "1"),)), False),
        (injection(1, (("b", "1"),)), True),
        (injection(1, (), thread="worker"), True),
        (injection(1, (), current=()), True),
        (injection(30, ()), True),
    ],
)
def test_nothing_written(empty, is_message):
    """An injection without context may be that of a request without; if the two agree."""
    assert left([empty], [request(2, (("a", "1"),))]) == [empty.number] * is_message


def test_nothing_written_by_a_producer():
    """A producer's is a message, whatever request may follow."""
    producer = span("publish", ABOVE, "producer", remote_parent=False, span_id=BELOW)
    refs = (SpanRef("opentelemetry", TRACE, BELOW),)
    assert left([injection(1, (), refs)], [request(2, (), current=refs)], [producer]) == [1]


def test_several_formats():
    """A header of another library beside it does not hide whose request it is."""
    sentry = (("sentry-trace", f"{'1' * 32}-{'2' * 16}-1"),)
    assert left([injection(1)], [request(2, sentry + HEADER)]) == []
