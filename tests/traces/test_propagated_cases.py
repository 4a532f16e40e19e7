"""Cases that are easily judged wrong: shared headers, coarse clocks, several spans around a request."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from pytest_traces import Traces, record

pytest.importorskip("opentelemetry.sdk.trace")
pytest.importorskip("opentelemetry.instrumentation.httpx")

from opentelemetry import trace
from opentelemetry.context import attach, detach
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.propagate import extract, inject
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanKind, set_span_in_context

PROVIDER = TracerProvider()
TRACER = PROVIDER.get_tracer("shop")
Handler = Callable[[httpx.Request], httpx.Response]


def fine(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200)


def plain(handler: Handler = fine) -> httpx.Client:
    return httpx.Client(transport=httpx.MockTransport(handler))


def instrumented(handler: Handler = fine) -> httpx.Client:
    client = plain(handler)
    HTTPXClientInstrumentor.instrument_client(client, tracer_provider=PROVIDER)
    return client


def injected() -> dict[str, str]:
    headers: dict[str, str] = {}
    inject(headers)
    return headers


def client_span(name: str, **attributes: str) -> Any:
    return TRACER.start_as_current_span(name, kind=SpanKind.CLIENT, attributes=attributes)


@pytest.fixture
def act() -> Iterator[Traces]:
    with record(timeout="0s") as act:
        yield act


def fails(act: Traces, **wanted: Any) -> str:
    with pytest.raises(AssertionError) as raised:
        act.assert_propagated(**wanted)
    return str(raised.value)


@pytest.mark.parametrize("paths", [("/x", "/x"), ("/x", "/y")])
def test_requests_that_share_one_dict_of_headers(paths: tuple[str, str], act: Traces):
    """Both carry the context of the one that injected last."""
    shared: dict[str, str] = {}

    async def call(client: httpx.AsyncClient, path: str) -> None:
        attributes = {"url.full": f"http://a{path}"}
        span = TRACER.start_span(f"GET {path}", kind=SpanKind.CLIENT, attributes=attributes)
        inject(shared, set_span_in_context(span))
        await asyncio.sleep(0)
        await client.get(f"http://a{path}", headers=shared)
        span.end()

    async def both() -> None:
        async with httpx.AsyncClient(transport=httpx.MockTransport(fine)) as client:
            await asyncio.gather(*(call(client, path) for path in paths))

    with TRACER.start_as_current_span("root"):
        asyncio.run(both())

    assert fails(act).startswith("1 of 2 requests did not carry the trace on")


def test_a_header_of_an_ended_request_to_the_same_url(act: Traces):
    """A retry by a client that is not instrumented names a span that was over."""
    seen: list[str] = []

    def keep(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["traceparent"])
        return fine(request)

    with TRACER.start_as_current_span("root"):
        instrumented(keep).get("http://a/x")
        time.sleep(0.001)
        plain().get("http://a/x", headers={"traceparent": seen[0]})

    assert "the id of 'root > GET', which had ended before this was sent" in fails(act)


def test_a_header_that_names_the_client_span_of_a_database(act: Traces):
    """Which is open, and a sibling, but sends no request."""
    with TRACER.start_as_current_span("root") as root:
        with client_span("SELECT", **{"db.system": "sqlite"}):
            headers = injected()
            token = attach(set_span_in_context(root))
            try:
                plain().get("http://a/x", headers=headers)
            finally:
                detach(token)

    assert fails(act).startswith("1 of 1 request did not carry the trace on")


def test_an_injection_alone_is_nothing_sent(act: Traces):
    """Nobody can tell whether its headers ever left."""
    with TRACER.start_as_current_span("root"):
        injected()

    assert fails(act).startswith("no request and no message was sent\n")


def test_headers_that_were_injected_and_forgotten(act: Traces):
    """The classic: the request is sent without them."""
    with TRACER.start_as_current_span("root"):
        injected()
        plain().get("http://a/x")

    told = fails(act)
    assert told.startswith("1 of 1 request did not carry the trace on")
    assert told.endswith(
        "  cause: a context was injected where it was sent, but not into the headers of this "
        "request\n"
        "\n"
        "  hint:  pass them on: headers=headers"
    )


def test_a_message_without_any_headers(act: Traces):
    """None, as queues give for it, is a carrier without context."""
    with TRACER.start_as_current_span("root"):
        instrumented().get("http://a/x")

    assert fails(act, carrier=None).startswith("1 of 1 carrier did not carry the trace on")


@pytest.mark.parametrize("change", [lambda value: value, lambda value: f"{value[:-2]}00"])
def test_a_span_from_before_the_recording(change: Callable[[str], str]):
    """A wider recording knows it, and its sampled bit."""
    with record(), TRACER.start_as_current_span("session"):
        with record(timeout="0s") as act:
            plain().get("http://a/x", headers={"traceparent": change(injected()["traceparent"])})
        if change("1-01") == "1-01":
            act.assert_propagated()
        else:
            assert "the sampled bit is 0, but 'session' was sampled" in fails(act)


def test_baggage_that_is_lost_in_a_thread_without_a_current_span(act: Traces):
    """What came in is known by the span that the header names."""
    with act.caller("click", baggage={"tenant": "acme"}) as caller:
        context = extract(caller.headers)
        with TRACER.start_as_current_span("POST /x", context=context, kind=SpanKind.SERVER):
            headers = {"traceparent": injected()["traceparent"]}
            worker = threading.Thread(target=lambda: plain().get("http://a/x", headers=headers))
            worker.start()
            worker.join()

    assert "it lacks tenant=acme, which came in with the request of 'click'" in fails(act)


def test_a_view_without_some_spans_still_sees_what_no_span_sent(act: Traces):
    """Only what is below the spans that are left out is left out with them."""
    with TRACER.start_as_current_span("root"):
        instrumented().get("http://a/x")
    plain().get("http://b/y")
    with TRACER.start_as_current_span("health"):
        plain().get("http://c/z")

    with pytest.raises(AssertionError) as raised:
        act.without("health").assert_propagated()
    assert str(raised.value).startswith("1 of 2 requests did not carry the trace on")
    assert "GET http://b/y  (sent by httpx)" in str(raised.value)
    act.only("root").assert_propagated()


def test_headers_of_two_libraries_that_are_not_recorded(act: Traces):
    """Neither excuses the other: nothing was judged."""
    headers = {
        "sentry-trace": f"{'a' * 32}-{'b' * 16}-1",
        "x-datadog-trace-id": "77",
        "x-datadog-parent-id": "88",
        "x-datadog-sampling-priority": "1",
    }
    with TRACER.start_as_current_span("root"):
        plain().get("http://a/x", headers=headers)

    assert (
        "it carried no context of a recorded span: nobody recorded what sentry-trace, "
        "x-datadog-trace-id and x-datadog-parent-id names"
    ) in " ".join(fails(act).split())


def test_half_a_trace_id_in_a_header_that_has_room_for_all(act: Traces):
    """A receiver of traceparent is in another trace then."""
    with TRACER.start_as_current_span("root"):
        value = injected()["traceparent"]
        plain().get("http://a/x", headers={"traceparent": f"00-{'0' * 16}{value[19:]}"})

    assert "the trace id of no recorded span" in fails(act)


@pytest.mark.parametrize("name", ["uberctx-tenant", "ot-baggage-tenant", "jaeger-baggage"])
def test_baggage_of_other_formats_leaks_as_well(name: str, act: Traces):
    """Whatever tells a third party of the trace or its baggage."""
    with TRACER.start_as_current_span("root"):
        plain().get("http://stripe/x", headers={name: "acme"})

    with pytest.raises(AssertionError, match=f"{name}: acme"):
        act.assert_not_propagated(to="stripe")


def test_a_consumer_that_names_no_queue(act: Traces):
    """The only one that begins a trace goes with the only message that nobody received."""
    attributes = {"messaging.destination.name": "orders"}
    with TRACER.start_as_current_span("publish", kind=SpanKind.PRODUCER, attributes=attributes):
        injected()
    with TRACER.start_as_current_span("handle", kind=SpanKind.CONSUMER):
        pass

    for wanted in ({}, {"to": "orders"}):
        told = fails(act, **wanted)
        assert told.startswith("1 of 1 message did not carry the trace on")
        assert "'handle' handles such a message and is the root of another trace" in told


@pytest.mark.parametrize("attributes", [{}, {"url.full": "http://a/x", "http.method": "GET"}])
def test_a_client_span_of_the_application_around_an_instrumented_client(
    attributes: dict[str, str], act: Traces
):
    """As SDKs have it: the inner one is the request's."""
    with TRACER.start_as_current_span("root"), client_span("charge", **attributes):
        instrumented().get("http://a/x")

    act.assert_propagated()
    assert act.requests[0].span is not None
    assert act.requests[0].span.path == "root > charge > GET"


def test_a_client_span_that_is_not_current(act: Traces):
    """Whoever injects it by hand has made the request's own span."""
    with TRACER.start_as_current_span("root"):
        span = TRACER.start_span("charge", kind=SpanKind.CLIENT)
        headers: dict[str, str] = {}
        inject(headers, set_span_in_context(span))
        plain().get("http://a/x", headers=headers)
        span.end()

    act.assert_propagated()


def test_an_application_that_continues_a_caller_without_a_span_of_its_own(act: Traces):
    """The caller's span is current then, and the client's is below it."""
    with act.caller("click") as caller:
        token = attach(extract(caller.headers))
        try:
            instrumented().get("http://a/x")
        finally:
            detach(token)

    act.assert_propagated()


def test_spans_by_hand_are_judged_by_themselves():
    """Where only they are recorded, what OpenTelemetry has as current does not matter."""
    with record(timeout="0s", sources=["handwritten"]) as act, TRACER.start_as_current_span("GET"):
        with act.start_span("hand") as span:
            header = f"00-{span.trace_id}-{span.span_id}-01"
            plain().get("http://a/x", headers={"traceparent": header})

    act.assert_propagated()


def test_a_tracer_by_hand_beside_an_instrumentation(act: Traces):
    """Its header names its own span, which was open, though OpenTelemetry's was current."""
    ids = {"trace_id": "a" * 32, "span_id": "b" * 16, "name": "hand"}
    began = time.time_ns()
    with TRACER.start_as_current_span("GET"):
        header = f"00-{ids['trace_id']}-{ids['span_id']}-01"
        plain().get("http://a/x", headers={"traceparent": header})
    act.add({**ids, "start": began, "end": time.time_ns()}, unit="ns")

    act.assert_propagated()


@pytest.mark.parametrize("unit", ["ms", "s"])
def test_a_tracer_by_hand_with_a_coarse_clock(unit: str, act: Traces):
    """A span that ended in the same millisecond, or second, was not over before."""
    scale = {"ms": 1_000, "s": 1}[unit]
    for number in range(1, 6):
        ids = {"trace_id": "a" * 32, "span_id": f"{number:016x}", "name": "hand"}
        began = int(time.time() * scale)
        header = f"00-{ids['trace_id']}-{ids['span_id']}-01"
        plain().get("http://a/x", headers={"traceparent": header})
        act.add({**ids, "start": began, "end": int(time.time() * scale)}, unit=unit)

    act.assert_propagated()


def test_a_space_in_baggage(act: Traces):
    """OpenTelemetry for Python writes it as a plus; it is there all the same."""
    with act.caller("click", baggage={"name": "Ann Lee"}) as caller:
        context = extract(caller.headers)
        with TRACER.start_as_current_span("POST /x", context=context, kind=SpanKind.SERVER):
            token = attach(set_span_in_context(trace.get_current_span(), context))
            try:
                instrumented().get("http://a/x")
            finally:
                detach(token)

    act.assert_propagated(baggage={"name": "Ann Lee"})


@pytest.mark.parametrize("to", ["a:80", "http://a:80", "http://a:80/x", "A", "http://A"])
def test_the_port_that_goes_without_saying(to: str, act: Traces):
    """And the case of a host do not matter."""
    with TRACER.start_as_current_span("root"):
        instrumented().get("http://a/x")

    act.assert_propagated(to=to)


@pytest.mark.parametrize(
    ("to", "hint"),
    [
        ("pay*", "a pattern is written glob('pay*')"),
        ("a/x", 'the beginning of a URL has its scheme: "http://a/x"'),
    ],
)
def test_a_target_that_means_something_else(to: str, hint: str, act: Traces):
    """The hint says how it is written."""
    with TRACER.start_as_current_span("root"):
        instrumented().get("http://a/x")

    assert fails(act, to=to).endswith(f"  hint:  {hint}")


def test_a_stand_in_is_a_target(act: Traces):
    """By itself, by its URL, by its host; also where it was called on its loopback port."""
    service = act.stand_in("http://payments")
    service.get("/x").respond()
    with httpx.Client() as client, TRACER.start_as_current_span("root"):
        HTTPXClientInstrumentor.instrument_client(client, tracer_provider=PROVIDER)
        client.get("http://payments/x")
        client.get(f"{service.url}/x")

    for to in (service, "payments", "http://payments", service.url):
        act.assert_propagated(to=to)
    with pytest.raises(AssertionError, match="2 of 2 requests carried a context away"):
        act.assert_not_propagated(to="payments")


def test_what_was_sent_to_third_parties_only():
    """Says so, instead of contradicting itself."""
    with record(timeout="0s", external=["stripe"]) as act:
        with TRACER.start_as_current_span("root"):
            plain().get("http://stripe/x")

    assert fails(act).startswith(
        "no request and no message was sent but to third parties ('stripe')\n"
        "\n"
        "  what was sent: GET http://stripe/x\n"
    )


@pytest.mark.parametrize("value", [7, True, None, b"acme"])
def test_a_member_that_can_be_in_no_header(value: object, act: Traces):
    """It would never be found, and the failure would look as if it were there."""
    with pytest.raises(ValueError, match=r"baggage\['tenant'\]: .* a member of a header is a text"):
        act.assert_propagated(baggage={"tenant": value})


def test_spans_that_are_open_may_send_more(act: Traces):
    """Neither assertion holds before it is quiet."""
    go = threading.Event()

    def work() -> None:
        with TRACER.start_as_current_span("work"):
            go.wait(10)

    with TRACER.start_as_current_span("root"):
        instrumented().get("http://a/x")
    worker = threading.Thread(target=work)
    worker.start()
    while not act.find("work"):
        time.sleep(0.001)
    assert fails(act).startswith("not everything may have been sent yet, as spans are open: 'work'")
    with pytest.raises(AssertionError, match="absence cannot be asserted while spans are open"):
        plain().get("http://b/y")
        act.assert_not_propagated(to="b")
    go.set()
    worker.join()
    act.assert_propagated(to="a")


def test_a_url_that_the_instrumentation_leaves_out(act: Traces, monkeypatch: pytest.MonkeyPatch):
    """By an environment variable, which is named."""
    monkeypatch.setenv("OTEL_PYTHON_HTTPX_EXCLUDED_URLS", "b/,a/x")
    with TRACER.start_as_current_span("root"):
        plain().get("http://a/x")

    assert fails(act).endswith(
        "  cause: OTEL_PYTHON_HTTPX_EXCLUDED_URLS leaves http://a/x out of instrumentation"
    )


def test_the_mark_stands_below_the_part_that_is_wrong(act: Traces):
    """Also where the span id is a part of the trace id, as that of a root of Zipkin is."""
    with TRACER.start_as_current_span("root"):
        ids = trace.get_current_span().get_span_context()
        half = f"{ids.trace_id:032x}"[16:]
        plain().get("http://a/x", headers={"b3": f"{ids.trace_id:032x}-{half}-1"})

    lines = fails(act).splitlines()
    value = next(line for line in lines if "b3: " in line)
    mark = next(line for line in lines if "^" in line)
    assert value[mark.index("^") : mark.rindex("^") + 1] == half
    assert mark.index("^") > value.index("-")


def test_a_request_that_only_lost_its_baggage_is_no_cause_of_a_root(act: Traces):
    """Its service is a root for another reason."""
    act.stand_in("http://payments").get("/x").respond()
    with act.caller("click", baggage={"tenant": "acme"}) as caller:
        context = extract(caller.headers)
        with TRACER.start_as_current_span("POST /x", context=context, kind=SpanKind.SERVER):
            httpx.get("http://payments/x", headers={"traceparent": injected()["traceparent"]})

    with pytest.raises(AssertionError) as raised:
        act.assert_path("GET /x", "POST /x")
    assert "another span" not in str(raised.value)


@pytest.mark.parametrize("url", ["http://[::1", "http://a:b/x"])
def test_a_url_that_is_none(url: str, act: Traces):
    """The client says so itself, and looking at it raises nothing."""
    with TRACER.start_as_current_span("root"):
        with pytest.raises(httpx.InvalidURL):
            plain().get(url)
        instrumented().get("http://a/x")

    act.assert_propagated()
