"""What assert_propagated says: whole messages, word for word, of real requests gone wrong."""

import asyncio
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import respx

from pytest_traces import Traces, glob, record

pytest.importorskip("opentelemetry.sdk.trace")
pytest.importorskip("opentelemetry.instrumentation.httpx")

from opentelemetry import trace
from opentelemetry.context import attach, detach
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator

Alter = Callable[[httpx.Request], None]

TRACE = "0af7651916cd43dd8448eb211c80319c"
CHECKOUT = "b7ad6b7169203301"
POST = "b7ad6b7169203302"
HEADER = f"00-{TRACE}-{POST}-01"


class Numbered(IdGenerator):
    """Ids in the order in which spans begin."""

    def __init__(self) -> None:
        self.traces, self.spans = int(TRACE, 16) - 1, int(CHECKOUT, 16) - 1

    def generate_trace_id(self) -> int:
        self.traces += 1
        return self.traces

    def generate_span_id(self) -> int:
        self.spans += 1
        return self.spans


class Altering(httpx.BaseTransport):
    """A network that changes what leaves, below the instrumentation."""

    def __init__(self) -> None:
        self.alter: Alter = lambda request: None
        self.inner = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == "payments":
            self.alter(request)
        return self.inner.handle_request(request)


class Shop:
    """An instrumented client, used within the span of a request that the shop serves."""

    def __init__(self) -> None:
        self.network = Altering()
        self.client = httpx.Client(transport=self.network)
        self.provider = TracerProvider(id_generator=Numbered())
        self.tracer = self.provider.get_tracer("shop")
        HTTPXClientInstrumentor.instrument_client(self.client, tracer_provider=self.provider)

    def checkout(self, alter: Alter | None = None, headers: dict[str, str] | None = None) -> None:
        """POST /charge, then GET /stock, which nothing happens to."""
        if alter is not None:
            self.network.alter = alter
        with self.tracer.start_as_current_span("POST /checkout", kind=trace.SpanKind.SERVER):
            self.client.post("http://payments/charge", headers=headers)
            self.client.get("http://inventory/stock")


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = Shop()
    with respx.mock(assert_all_called=False) as mock, shop.client:
        mock.post("http://payments/charge").respond(json={})
        mock.get("http://inventory/stock").respond(json={})
        mock.post("http://bank/pay").respond(json={})
        yield shop


def setting(name: str, change: Callable[[str], str]) -> Alter:
    def alter(request: httpx.Request) -> None:
        request.headers[name] = change(request.headers.get(name, ""))

    return alter


def with_parent(span_id: str | None) -> Alter:
    """Another parent id; None for that of the span around the client span."""

    def change(value: str) -> str:
        client_span: Any = trace.get_current_span()
        around = f"{client_span.parent.span_id:016x}"
        return value[:36] + (span_id or around) + value[52:]

    return setting("traceparent", change)


def twice(request: httpx.Request) -> None:
    value = request.headers["traceparent"]
    request.headers = httpx.Headers([*request.headers.multi_items(), ("traceparent", value)])


def failure(act: Traces, **wanted: object) -> str:
    with pytest.raises(AssertionError) as raised:
        act.assert_propagated(**wanted)  # type: ignore[arg-type]
    return str(raised.value)


FINE = "  GET http://inventory/stock: as it should be"
HEAD = (
    "1 of 2 requests did not carry the trace on\n\n"
    "  POST http://payments/charge  (sent by httpx from 'POST /checkout > POST')\n"
)

FAULTS: dict[str, tuple[Alter, str]] = {
    "dropped": (
        lambda request: request.headers.pop("traceparent"),
        f"""\
      it carried no context: neither traceparent nor a header of another format
      expected: traceparent: {HEADER}, that of 'POST /checkout > POST'
{FINE}

  cause: its client span 'POST' was made, but the headers that left do not have its context: nothing
         injected it, or something below took it away""",
    ),
    "upper-cased": (
        setting("traceparent", str.upper),
        f"""\
      traceparent: 00-0AF7651916CD43DD8448EB211C80319C-B7AD6B7169203302-01
                      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ the trace id must be lower-case hex (W3C Trace Context, 3.2.2.3);
                   a receiver must ignore the header, and starts a new trace
{FINE}""",
    ),
    "another trace": (
        setting("traceparent", lambda value: f"00-{'1' * 32}{value[35:]}"),
        f"""\
      traceparent: 00-11111111111111111111111111111111-{POST}-01
                      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ the trace id of no recorded span
      expected:    {HEADER}, that of 'POST /checkout > POST'
{FINE}""",
    ),
    "parent of zeros": (
        with_parent("0" * 16),
        f"""\
      traceparent: 00-{TRACE}-0000000000000000-01
                                                       ^^^^^^^^^^^^^^^^
                   the parent id must not be all zeros (W3C Trace Context, 3.2.2.4); a receiver must
                   ignore the header, and starts a new trace
{FINE}""",
    ),
    "unknown parent": (
        with_parent("1" * 16),
        f"""\
      traceparent: 00-{TRACE}-1111111111111111-01
                                                       ^^^^^^^^^^^^^^^^ the id of no recorded span
      expected:    {HEADER}, that of 'POST /checkout > POST'
{FINE}""",
    ),
    "the server span": (
        with_parent(None),
        f"""\
      traceparent: 00-{TRACE}-{CHECKOUT}-01
                                                       ^^^^^^^^^^^^^^^^
                   the id of 'POST /checkout', the span around the request's own client span 'POST'
      expected:    {HEADER}, that of 'POST /checkout > POST'
{FINE}""",
    ),
    "sampled bit": (
        setting("traceparent", lambda value: value[:-1] + "0"),
        f"""\
      traceparent: 00-{TRACE}-{POST}-00
                                                                        ^^
                   the sampled bit is 0, but 'POST /checkout > POST' was sampled
      expected:    {HEADER}, that of 'POST /checkout > POST'
{FINE}""",
    ),
    "sent twice": (
        twice,
        f"""\
      traceparent: {HEADER}
      traceparent: {HEADER}
                   the header must be there once, not 2 times (RFC 9110, 5.3); a receiver must
                   ignore them, and starts a new trace
      expected:    {HEADER}, that of 'POST /checkout > POST'
{FINE}""",
    ),
    "tracestate": (
        setting("tracestate", lambda _: "congo"),
        f"""\
      tracestate: congo
                  ^^^^^ a member must be a key, '=' and a value (W3C Trace Context, 3.3.2.2);
                  a receiver drops tracestate, and continues the trace
{FINE}""",
    ),
    "baggage": (
        setting("baggage", lambda _: "tenant"),
        f"""\
      baggage: tenant
               ^^^^^^ a member must be a key, '=' and a value (W3C Baggage, 3.3.1);
               a receiver drops baggage, and continues the trace
{FINE}""",
    ),
    "b3 disagrees": (
        setting("b3", lambda _: f"{TRACE}-{CHECKOUT}-1"),
        f"""\
      b3: {TRACE}-{CHECKOUT}-1
                                           ^^^^^^^^^^^^^^^^
          disagrees with traceparent: {HEADER}; which
          of the two a receiver believes depends on the receiver
      expected: {TRACE}-{POST}-1, that of 'POST /checkout > POST'
{FINE}

  cause: b3 and traceparent were written at two places, each with its own span""",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_explained_word_for_word(fault: str, shop: Shop):
    """The request, its header as it was sent, the broken rule, what would have been right."""
    alter, told = FAULTS[fault]
    with record() as act:
        shop.checkout(alter)

    assert failure(act) == HEAD + told


def test_a_healthy_request_passes(shop: Shop):
    """To everybody, to one host, to a URL, by pattern; with the format or without."""
    with record() as act:
        shop.checkout()

    act.assert_propagated()
    act.assert_propagated(format="tracecontext")
    for to in ("payments", "http://payments", "http://payments/charge", glob("pay*")):
        act.assert_propagated(to=to)
    act.assert_propagated(to=re.compile(r"http://.*/stock"))


def test_another_host_is_none_of_its_business(shop: Shop):
    """What is not selected is not checked."""
    with record() as act:
        shop.checkout(FAULTS["dropped"][0])

    act.assert_propagated(to="inventory")
    with pytest.raises(AssertionError, match="1 of 1 request did not carry the trace on"):
        act.assert_propagated(to="payments")


@pytest.mark.parametrize("to", ["pay", "http://pay", "http://payments/char", "https://payments"])
def test_a_part_of_a_name_is_not_the_name(to: str, shop: Shop):
    """Nothing is selected by half a host or half a part of a path, and nothing passes on that."""
    with record(timeout="0s") as act:
        shop.checkout()

    assert failure(act, to=to) == (
        f"no request and no message was sent to {to!r}\n"
        "\n"
        "  what was sent: POST http://payments/charge, GET http://inventory/stock\n"
        "\n"
        "  what was captured:\n"
        "    OpenTelemetry   3 spans; no provider is set (none is needed)\n"
        "    hand-written    nothing added"
    )


def test_without_any_request_it_fails():
    """Nothing passes on nothing."""
    with record(timeout="0s") as act:
        pass

    assert failure(act).startswith("no request and no message was sent\n\n  what was captured:")


def test_a_format_that_is_not_there_is_missing(shop: Shop):
    """Although another one is."""
    with record() as act:
        shop.checkout()

    assert failure(act, to="payments", format="b3") == (
        "1 of 1 request did not carry the trace on\n"
        "\n"
        "  POST http://payments/charge  (sent by httpx from 'POST /checkout > POST')\n"
        "      it carried no context of the format b3 (b3), but traceparent\n"
        f"      expected: b3: {TRACE}-{POST}-1, that of 'POST /checkout > POST'\n"
        "\n"
        "  cause: what is there is traceparent; the format b3 is asked for by format= or traces_format"
    )


def test_the_format_of_the_settings_is_asked_for(shop: Shop):
    """An application that pins its own need not repeat it."""
    with record(format="b3") as act:
        shop.checkout()

    assert "it carried no context of the format b3" in failure(act)
    act.assert_propagated(format="tracecontext")


def test_an_unknown_format_is_refused(shop: Shop):
    """With the nearest, and all there are."""
    with record() as act:
        shop.checkout()

    with pytest.raises(ValueError, match="did you mean 'tracecontext'"):
        act.assert_propagated(format="trace-context")


def test_a_third_party_is_left_out(shop: Shop):
    """What traces_external names is checked by assert_not_propagated alone."""
    with record(external=["pay*"]) as act:
        shop.checkout(FAULTS["dropped"][0])

    act.assert_propagated()
    act.assert_not_propagated()
    with pytest.raises(AssertionError, match="did not carry the trace on"):
        act.assert_propagated(to="payments")


def test_a_leaked_context_is_shown(shop: Shop):
    """Every header that tells a third party of the trace, and how to keep it."""
    with record() as act:
        shop.checkout(setting("baggage", lambda _: "tenant=acme"))

    with pytest.raises(AssertionError) as raised:
        act.assert_not_propagated(to="payments")

    assert str(raised.value) == (
        "1 of 1 request carried a context away\n"
        "\n"
        "  POST http://payments/charge  (sent by httpx from 'POST /checkout > POST')\n"
        f"      traceparent: {HEADER}\n"
        "      baggage: tenant=acme\n"
        "\n"
        "  hint:  do not instrument the client that calls it:\n"
        "         HTTPXClientInstrumentor().uninstrument_client(client), or call it within\n"
        "         suppress_instrumentation()"
    )


def test_no_leak_can_be_asserted_of_nobody(shop: Shop):
    """Neither of nobody named, nor of somebody who was never called."""
    with record(timeout="0s") as act:
        shop.checkout()

    with pytest.raises(ValueError, match="say to=, or list hosts in traces_external"):
        act.assert_not_propagated()
    with pytest.raises(AssertionError, match="no request and no message was sent to 'bank'"):
        act.assert_not_propagated(to="bank")


def test_baggage_that_was_asked_for(shop: Shop):
    """It is missing, it is another, it is there."""
    with record() as act:
        shop.checkout(setting("baggage", lambda _: "tenant=acme"))

    act.assert_propagated(to="payments", baggage={"tenant": "acme"})
    act.assert_propagated(to="payments", baggage={"tenant": glob("ac*")})
    assert (
        "      baggage: tenant=acme\n               it lacks tenant=evil, which was asked for"
        in (failure(act, to="payments", baggage={"tenant": "evil"}))
    )
    assert "      there is no baggage: it lacks tenant=acme, which was asked for" in (
        failure(act, to="inventory", baggage={"tenant": "acme"})
    )


def test_tracestate_that_was_asked_for(shop: Shop):
    """Likewise."""
    with record() as act:
        shop.checkout(setting("tracestate", lambda _: "congo=t61"))

    act.assert_propagated(to="payments", tracestate={"congo": "t61"})
    assert (
        "      tracestate: congo=t61\n                  it lacks rojo=1, which was asked for"
        in (failure(act, to="payments", tracestate={"rojo": "1"}))
    )


@pytest.mark.parametrize("given", [{}, "tenant=acme", ["tenant"], {1: "a"}])
def test_members_that_cannot_be_asked_for(given: object, shop: Shop):
    """An empty wish would be fulfilled by anything."""
    with record() as act:
        shop.checkout()

    with pytest.raises(ValueError, match=r"baggage: .* is not usable"):
        act.assert_propagated(baggage=given)  # type: ignore[arg-type]


def test_what_came_in_is_kept(shop: Shop):
    """Baggage and tracestate of the caller; the failure names whose they are."""
    with (
        record() as act,
        act.caller("click", baggage={"tenant": "acme"}, tracestate={"congo": "t61"}) as caller,
    ):
        from opentelemetry.propagate import extract

        token = attach(extract(caller.headers))
        try:
            shop.checkout(lambda request: request.headers.pop("baggage"))
        finally:
            detach(token)

    assert failure(act) == (
        "1 of 2 requests did not carry the trace on\n"
        "\n"
        "  POST http://payments/charge  (sent by httpx from 'click > POST /checkout > POST')\n"
        "      there is no baggage: it lacks tenant=acme, which came in with the request of "
        "'click' and has\n"
        "      to be passed on\n"
        "  GET http://inventory/stock: as it should be"
    )


def test_a_header_of_the_incoming_request_passed_on(shop: Shop):
    """A stale header is recognized as the one that came in."""
    with record() as act, act.caller("click") as caller:
        from opentelemetry.propagate import extract

        token = attach(extract(caller.headers))
        try:
            shop.checkout(setting("traceparent", lambda _: caller.headers["traceparent"]))
        finally:
            detach(token)

    told = failure(act, to="payments")
    assert "^^^^^^^^^^^^^^^^ the id of 'click', further up\n" in told
    assert told.endswith(
        "  cause: traceparent is that of the incoming request of 'click', passed on as it came\n"
        "\n"
        "  hint:  do not copy context headers from the incoming request; inject the current context"
    )


def test_a_header_kept_from_an_earlier_request(shop: Shop):
    """A cached one names a span that had ended."""
    kept: list[str] = []

    def keep(request: httpx.Request) -> None:
        kept.append(request.headers["traceparent"])
        request.headers["traceparent"] = kept[0]

    with record() as act:
        shop.network.alter = keep
        with shop.tracer.start_as_current_span("POST /checkout"):
            shop.client.post("http://payments/charge")
            shop.client.post("http://payments/charge")

    told = failure(act)
    assert told.startswith("1 of 2 requests did not carry the trace on")
    assert "the id of 'POST /checkout > POST', which had ended before this was sent\n" in told


def test_a_header_added_before_the_client_span(shop: Shop):
    """By code that injects the current span by hand, where an uninstrumented client is used."""
    with record() as act:
        with shop.tracer.start_as_current_span("load") as load:
            ids = load.get_span_context()
            stale = f"00-{ids.trace_id:032x}-{ids.span_id:016x}-01"
        shop.checkout(setting("traceparent", lambda _: stale), headers={"traceparent": stale})

    assert failure(act, to="payments").endswith(
        "  cause: traceparent was there when httpx was called, before its client span 'POST' began\n"
        "\n"
        "  hint:  leave it to the instrumentation, or inject within the client span"
    )


def test_two_libraries_that_inject(shop: Shop):
    """The code adds the header, and so does the instrumentation."""
    stale = f"00-{TRACE}-{CHECKOUT}-01"

    def both(request: httpx.Request) -> None:
        request.headers = httpx.Headers([*request.headers.multi_items(), ("traceparent", stale)])

    with record() as act:
        shop.checkout(both, headers={"traceparent": stale})

    assert failure(act, to="payments").endswith(
        "  cause: the code that calls httpx adds traceparent, and the instrumentation adds it "
        "again\n"
        "\n"
        "  hint:  leave it to the instrumentation"
    )


def test_suppressed_instrumentation(shop: Shop):
    """The block that asks for silence is named."""
    utils = pytest.importorskip("opentelemetry.instrumentation.utils")
    if not hasattr(utils, "suppress_instrumentation"):
        pytest.skip("this version cannot be told to keep silent")
    with record() as act, shop.tracer.start_as_current_span("POST /checkout"):
        with utils.suppress_instrumentation():
            shop.client.post("http://payments/charge")

    assert failure(act).endswith(
        "  cause: instrumentation was suppressed where it was sent (suppress_instrumentation)\n"
        "\n"
        "  hint:  send it outside of that block, or leave it out with to= and traces_external"
    )


def test_a_mock_that_bypasses_the_instrumentation(shop: Shop):
    """The transport is named, and the call that instruments the client itself."""
    instrumentor, kind = HTTPXClientInstrumentor(), httpx.Client
    instrumentor.instrument(tracer_provider=shop.provider)
    try:
        if httpx.Client is not kind:
            pytest.skip("this version puts another class in the place of the client")
        transport = httpx.MockTransport(lambda request: httpx.Response(200))
        with httpx.Client(transport=transport) as client, record() as act:
            with shop.tracer.start_as_current_span("POST /checkout"):
                client.post("http://payments/charge")
            told = failure(act)
    finally:
        instrumentor.uninstrument()

    assert told == (
        "1 of 1 request did not carry the trace on\n"
        "\n"
        "  POST http://payments/charge  (sent by httpx from 'POST /checkout')\n"
        "      it carried no context: neither traceparent nor a header of another format\n"
        f"      expected: traceparent: 00-{TRACE}-{CHECKOUT}-01, that of 'POST /checkout'\n"
        "\n"
        "  cause: it left through httpx.MockTransport, which OpenTelemetry's httpx instrumentation "
        "does not\n"
        "         wrap\n"
        "\n"
        "  hint:  HTTPXClientInstrumentor.instrument_client(client)"
    )


def test_a_client_that_nobody_instruments(shop: Shop):
    """The call that would instrument it."""
    with httpx.Client() as client, record() as act:
        with shop.tracer.start_as_current_span("POST /checkout"):
            client.post("http://payments/charge")

    assert failure(act).endswith(
        "  cause: this client of httpx is not instrumented\n\n  hint:  HTTPXClientInstrumentor().instrument()"
    )


def test_a_request_of_the_test_itself(shop: Shop):
    """Where no span is current, the test is the upstream, and should say so."""
    with httpx.Client() as client, record() as act:
        client.post("http://payments/charge")

    assert failure(act) == (
        "1 of 1 request did not carry the trace on\n"
        "\n"
        "  POST http://payments/charge  (sent by httpx)\n"
        "      it carried no context: neither traceparent nor a header of another format\n"
        "\n"
        "  cause: no span was current where POST http://payments/charge was sent\n"
        "\n"
        "  hint:  if the test itself sends it, as an upstream: with traces.caller('click') as "
        "caller: ...\n"
        "         headers=caller.headers"
    )


def test_hand_written_spans_carry_a_context_as_well():
    """Of a start_span block, written into the headers by hand; another span's does not pass."""
    with respx.mock as mock, record() as act:
        mock.post("http://payments/charge").respond(json={})
        with act.start_span("checkout") as span:
            header = f"00-{span.trace_id}-{span.span_id}-01"
            httpx.post("http://payments/charge", headers={"traceparent": header})
        act.assert_propagated()
        with act.start_span("again") as span:
            httpx.post("http://payments/charge", headers={"traceparent": header})

    told = failure(act)
    assert told.startswith("1 of 2 requests did not carry the trace on")
    assert "the trace id of another trace, that of 'checkout'" in told


def test_a_view_looks_at_its_own_requests(shop: Shop):
    """Those sent from below the spans that it shows."""
    with record() as act:
        shop.checkout()
        with shop.tracer.start_as_current_span("refund"):
            shop.client.post("http://payments/charge", headers={"x": "1"})
        shop.network.alter = FAULTS["dropped"][0]
        with shop.tracer.start_as_current_span("broken"):
            shop.client.post("http://payments/charge")

    act.only("POST /checkout").assert_propagated()
    act.without("broken").assert_propagated()
    assert len(act.only("refund").requests) == 1
    with pytest.raises(AssertionError, match="1 of 1 request did not"):
        act.only("broken").assert_propagated()


def test_a_carrier_of_any_kind(shop: Shop):
    """Checked against the span that wrote it; by name."""
    from opentelemetry.propagate import inject

    headers: dict[str, str] = {}
    with record() as act:
        with shop.tracer.start_as_current_span("orders publish"):
            inject(headers)
        with shop.tracer.start_as_current_span("other"):
            pass

    act.assert_propagated(carrier=headers, sender="orders publish")
    act.assert_propagated(carrier=[(b"traceparent", headers["traceparent"].encode())])
    assert failure(act, carrier=headers, sender="other") == (
        "1 of 1 carrier did not carry the trace on\n"
        "\n"
        "  the carrier  (sent from 'other')\n"
        f"      traceparent: 00-{TRACE}-{CHECKOUT}-01\n"
        "                      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ the trace id of another trace, that "
        "of 'orders publish'\n"
        "      expected:    00-0af7651916cd43dd8448eb211c80319d-b7ad6b7169203302-01, that of 'other'"
    )


def test_a_carrier_without_context(shop: Shop):
    """Nothing was injected, or there is no such sender."""
    with record(timeout="0s") as act:
        with shop.tracer.start_as_current_span("orders publish"):
            pass

    assert failure(act, carrier={}, sender="orders publish") == (
        "1 of 1 carrier did not carry the trace on\n"
        "\n"
        "  the carrier  (sent from 'orders publish')\n"
        "      it carried no context: neither traceparent nor a header of another format\n"
        f"      expected: traceparent: 00-{TRACE}-{CHECKOUT}-01, that of 'orders publish'\n"
        "\n"
        "  cause: nothing was injected while 'orders publish' was current\n"
        "\n"
        "  hint:  within its block: opentelemetry.propagate.inject(headers)"
    )
    assert failure(act, carrier={}, sender="publish").startswith(
        "no span fits 'publish'; nearest: 'orders publish'"
    )


def test_a_carrier_is_not_mixed_with_requests(shop: Shop):
    """And a sender alone is nothing."""
    with record() as act:
        shop.checkout()

    with pytest.raises(TypeError, match="either to= or carrier="):
        act.assert_propagated("payments", carrier={})
    with pytest.raises(TypeError, match="sender= says who wrote carrier="):
        act.assert_propagated(sender="POST /checkout")
    with pytest.raises(TypeError, match="int given; a carrier is a mapping"):
        act.assert_propagated(carrier=42)  # type: ignore[arg-type]


@pytest.mark.parametrize("to", [42, b"payments", re.compile(b"p")])
def test_what_can_be_no_target(to: object, shop: Shop):
    """A clear error instead of nothing selected."""
    with record() as act:
        shop.checkout()

    with pytest.raises(TypeError, match="it is a host, a URL prefix"):
        act.assert_propagated(to)  # type: ignore[arg-type]


def test_requests_can_be_looked_at(shop: Shop):
    """Method, URL, headers as they left, answer, span."""
    with record() as act:
        shop.checkout()

    charge, stock = act.requests
    assert (charge.method, charge.url, charge.status) == ("POST", "http://payments/charge", 200)
    assert charge.headers["Traceparent"] == HEADER
    assert charge.span is act.get("POST") or charge.span.span_id == POST
    assert charge.duration is not None
    assert charge.client == "httpx"
    assert repr(stock) == "<Request GET http://inventory/stock 200>"


SERVICES = ("stock", "price", "charge", "mail", "audit")


@pytest.mark.parametrize("broken", range(len(SERVICES)))
@pytest.mark.parametrize("fault", FAULTS)
def test_the_broken_request_is_named_and_no_other(fault: str, broken: int, shop: Shop):
    """Each of five requests in turn, with each fault; the same URL is not the same request."""
    number = iter(range(len(SERVICES)))

    def break_one(request: httpx.Request) -> None:
        if next(number) == broken:
            FAULTS[fault][0](request)

    shop.network.alter = break_one
    with record() as act, shop.tracer.start_as_current_span("POST /checkout"):
        for service in SERVICES:
            with shop.tracer.start_as_current_span(service):
                shop.client.post("http://payments/charge")

    told = failure(act)
    senders = re.findall(r"\(sent by httpx from 'POST /checkout > (\w+) > POST'\)", told)
    assert told.startswith("1 of 5 requests did not carry the trace on")
    assert senders == [SERVICES[broken]]
    assert told.count("as it should be") == len(SERVICES) - 1


def test_two_requests_that_have_changed_their_headers(shop: Shop):
    """Each carries the other's context: both are wrong, though both contexts are there."""
    sent: list[httpx.Request] = []

    def swap(request: httpx.Request) -> None:
        sent.append(request)

    shop.network.alter = swap
    with record() as act, shop.tracer.start_as_current_span("POST /checkout"):
        for service in ("stock", "price"):
            with shop.tracer.start_as_current_span(service):
                shop.client.post("http://payments/charge")
        act.assert_propagated()
        first, second = (request.headers["traceparent"] for request in sent)

    def crossed(request: httpx.Request) -> None:
        request.headers["traceparent"] = next(values)

    values = iter((second, first))
    shop.network.alter = crossed
    with record() as other, shop.tracer.start_as_current_span("POST /checkout"):
        shop.client.post("http://payments/charge")
        shop.client.post("http://payments/charge")

    assert failure(other).startswith("2 of 2 requests did not carry the trace on")


def test_a_request_that_is_on_its_way(shop: Shop):
    """Its headers are not final: it is waited for, and named when the time is over."""
    go = threading.Event()

    def slow(request: httpx.Request) -> None:
        go.wait(10)

    shop.network.alter = slow
    with record(timeout="50ms") as act:
        worker = threading.Thread(target=shop.client.post, args=("http://payments/charge",))
        worker.start()
        while not act.requests:
            time.sleep(0.001)
        with pytest.raises(AssertionError) as raised:
            act.ignoring("POST").assert_propagated()
        go.set()
        act.eventually("10s").assert_propagated()
        worker.join()

    assert str(raised.value) == "no answer has come yet to POST http://payments/charge"


def test_a_tree_says_why_a_service_is_a_root(shop: Shop):
    """The request that it serves is found by its method and path, and its header judged."""
    shop.network.alter = FAULTS["dropped"][0]
    with record() as act:
        act.stand_in("http://payments").post("/charge").respond()
        act.stand_in("http://inventory").get("/stock").respond()
        shop.checkout()

    with pytest.raises(AssertionError) as raised:
        act.assert_tree("""
            POST /checkout
            ├─ POST
            │  └─ POST /charge
            └─ GET
               └─ GET /stock
        """)
    told = str(raised.value)
    assert told.startswith(
        "'POST /charge' is not below 'POST /checkout > POST': it is a root of its own\n"
    )
    cause = (
        "  cause: the request POST http://payments/charge carried no context; its client span 'POST' "
        "was\n"
        "         made, but the headers that left do not have its context: nothing injected it, or "
        "something\n"
        "         below took it away"
    )
    assert cause in told

    with pytest.raises(AssertionError) as raised:
        act.assert_path("POST /checkout", ..., "POST /charge")
    assert cause in str(raised.value)


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("upper-cased", "carried traceparent in which the trace id must be lower-case hex"),
        ("sent twice", "carried traceparent 2 times"),
        ("another trace", "carried the context of another span in traceparent"),
    ],
)
def test_the_cause_names_the_broken_header(fault: str, why: str, shop: Shop):
    """In one clause."""
    shop.network.alter = FAULTS[fault][0]
    with record() as act:
        act.stand_in("http://payments").post("/charge").respond()
        with shop.tracer.start_as_current_span("POST /checkout"):
            shop.client.post("http://payments/charge")

    with pytest.raises(AssertionError) as raised:
        act.assert_path("POST /checkout", "POST", "POST /charge")
    told = " ".join(str(raised.value).split())
    assert f"cause: the request POST http://payments/charge {why}" in told


class AsyncAltering(httpx.AsyncBaseTransport):
    """The same for asynchronous clients."""

    def __init__(self, broken: str) -> None:
        self.broken = broken
        self.inner = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.headers["number"] == self.broken:
            del request.headers["traceparent"]
        await asyncio.sleep(0)
        return await self.inner.handle_async_request(request)


def test_requests_at_the_same_time_are_told_apart(shop: Shop):
    """Of twenty that are on their way together, the one without context is named."""

    async def gather() -> None:
        async with httpx.AsyncClient(transport=AsyncAltering("13")) as client:
            HTTPXClientInstrumentor.instrument_client(client, tracer_provider=shop.provider)
            with shop.tracer.start_as_current_span("POST /checkout"):
                await asyncio.gather(*(send(client, number) for number in range(20)))

    async def send(client: httpx.AsyncClient, number: int) -> None:
        with shop.tracer.start_as_current_span(f"item {number}"):
            await client.post("http://payments/charge", headers={"number": str(number)})

    with record() as act:
        asyncio.run(gather())

    told = failure(act)
    assert told.startswith("1 of 20 requests did not carry the trace on")
    assert "(sent by httpx from 'POST /checkout > item 13 > POST')" in told
    assert told.count("(sent by") == 1


def test_a_service_in_the_same_process_hides_nothing_from_it(shop: Shop):
    """The tree looks healthy, because the caller's span is current in the service; not the header."""
    pytest.importorskip("opentelemetry.instrumentation.asgi")
    from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
    from starlette.applications import Starlette
    from starlette.responses import Response
    from starlette.routing import Route

    async def charge(request: object) -> Response:
        return Response()

    app = Starlette(routes=[Route("/charge", charge, methods=["POST"])])
    service = OpenTelemetryMiddleware(app)

    class Dropping(httpx.ASGITransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            request.headers.pop("traceparent", None)
            return await super().handle_async_request(request)

    async def call() -> None:
        async with httpx.AsyncClient(transport=Dropping(app=service)) as client:
            HTTPXClientInstrumentor.instrument_client(client, tracer_provider=shop.provider)
            with shop.tracer.start_as_current_span("POST /checkout"):
                await client.post("http://payments/charge")

    with record() as act:
        asyncio.run(call())

    act.assert_path("POST /checkout", "POST", glob("POST*"))
    assert "it carried no context" in failure(act)
