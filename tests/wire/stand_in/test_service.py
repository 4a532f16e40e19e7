"""Routes: everything that respx can, and what comes on top."""

from __future__ import annotations

import asyncio
import contextvars
import json
import time
from datetime import timedelta

import httpx
import pytest
import respx

from pytest_traces import BadValue
from pytest_traces.headers import SentHeaders
from pytest_traces.recording import journal
from pytest_traces.wire.stand_in import UnroutedRequest

seen_by_handlers: contextvars.ContextVar[str] = contextvars.ContextVar("seen", default="nothing")


def test_routes_are_those_of_respx(play):
    """What they return is a respx route, with answers, calls and names."""
    payments = play()
    charge = payments.post("/charge", name="charge").respond(201, json={"ok": True})
    health = payments.get("/health").mock(side_effect=[httpx.Response(503), httpx.Response(200)])

    assert isinstance(charge, respx.Route)
    assert payments["charge"] is charge
    response = httpx.post("http://payments/charge", json={"order": 7})
    assert (response.status_code, response.json()) == (201, {"ok": True})
    assert [httpx.get("http://payments/health").status_code for _ in range(2)] == [503, 200]
    assert json.loads(charge.calls.last.request.content) == {"order": 7}
    assert health.call_count == 2
    assert [call.response.status_code for call in payments.calls] == [201, 503, 200]


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "head", "options"])
def test_every_method_has_its_way_to_declare_a_route(act, play, method):
    """The span is named by method and path."""
    getattr(play(), method)("/x").respond(204)

    assert httpx.request(method, "http://payments/x").status_code == 204
    act.assert_tree(f"{method.upper()} /x")


def test_a_handler_gets_the_request_and_the_groups_of_its_pattern(act, play):
    """The span is named by the pattern, not by what matched it."""

    def order(request: httpx.Request, number: str) -> httpx.Response:
        return httpx.Response(200, json={"order": number, "query": request.url.query.decode()})

    play().get(path__regex=r"^/orders/(?P<number>\d+)$").mock(side_effect=order)

    for number in ("7", "8"):
        found = httpx.get(f"http://payments/orders/{number}?x=1").json()
        assert found == {"order": number, "query": "x=1"}
    act.assert_tree("""
        2 × GET /orders/{number}
    """)


def test_asynchronous_clients_are_answered(act, play, in_async_client):
    """By handlers of both kinds."""

    async def slow(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)
        return httpx.Response(200, text="slow")

    payments = play()
    payments.get("/slow").mock(side_effect=slow)
    payments.get("/fast").respond(text="fast")

    async def calls(client):
        return [(await client.get(f"http://payments/{path}")).text for path in ("slow", "fast")]

    assert in_async_client(calls) == ["slow", "fast"]
    act.assert_tree("GET /slow\nGET /fast")


def test_a_client_that_blocks_is_answered_by_an_asynchronous_handler(act, play):
    """In asynchronous code, too, where a loop is running already."""

    async def handler(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)
        return httpx.Response(200, text=seen_by_handlers.get())

    play().get("/x").mock(side_effect=handler)

    async def main():
        return httpx.get("http://payments/x").text

    assert httpx.get("http://payments/x").text == "nothing"
    assert asyncio.run(main()) == "nothing"
    act.assert_count("GET /x", 2)


@pytest.mark.parametrize("is_async", [False, True], ids=["blocking", "asynchronous"])
def test_handlers_see_no_context_variable_of_the_caller(play, is_async, in_async_client):
    """They are in another process, as far as a tracer can tell."""

    async def slow(request: httpx.Request) -> httpx.Response:
        before = seen_by_handlers.get()
        seen_by_handlers.set("the handler's")
        await asyncio.sleep(0)
        return httpx.Response(200, text=f"{before}, {seen_by_handlers.get()}")

    payments = play()
    payments.get("/fast").mock(
        side_effect=lambda request: httpx.Response(200, text=seen_by_handlers.get())
    )
    payments.get("/slow").mock(side_effect=slow)

    async def calls(client):
        seen_by_handlers.set("the caller's")
        texts = [(await client.get(f"http://payments/{path}")).text for path in ("fast", "slow")]
        assert seen_by_handlers.get() == "the caller's"
        return texts

    def blocking_calls():
        seen_by_handlers.set("the caller's")
        return [httpx.get(f"http://payments/{path}").text for path in ("fast", "slow")]

    texts = in_async_client(calls) if is_async else contextvars.copy_context().run(blocking_calls)
    assert texts == ["nothing", "nothing, the handler's"]


def test_a_body_that_is_a_stream_is_read_and_sent(play, in_async_client):
    """Both ways, for both kinds of clients."""
    payments = play()
    payments.post("/upload").mock(
        side_effect=lambda request: httpx.Response(200, content=iter([request.content, b"!"]))
    )
    assert httpx.post("http://payments/upload", content=iter([b"a", b"b"])).content == b"ab!"

    async def parts():
        yield b"a"
        yield b"b"

    async def upload(client):
        return (await client.post("http://payments/upload", content=parts())).content

    payments.post("/upload").mock(side_effect=lambda request: httpx.Response(200, content=parts()))
    assert in_async_client(upload) == b"ab"


def test_the_longest_base_url_has_the_request(act, play):
    """Path by path, not letter by letter."""
    play("http://gateway").get("/payments-old/x").respond(text="gateway")
    play("http://gateway/payments").get("/x").respond(text="payments")
    play("http://gateway/payments/v2/", name="v2").get("/x").respond(text="v2")

    paths = ("payments-old/x", "payments/x", "payments/v2/x")
    assert [httpx.get(f"http://gateway/{path}").text for path in paths] == [
        "gateway",
        "payments",
        "v2",
    ]
    assert [(span.name, span.service) for span in act.spans] == [
        ("GET /payments-old/x", "gateway"),
        ("GET /x", "gateway"),
        ("GET /x", "v2"),
    ]
    assert act.spans[2].attributes["http.route"] == "/payments/v2/x"
    assert act.spans[2].attributes["url.path"] == "/payments/v2/x"


def test_a_stand_in_has_one_base_url(play):
    """A second one for the same place is refused, however that is written."""
    play("http://payments", optional=True)
    for again in (
        "http://payments",
        "http://payments/",
        "http://PAYMENTS:80",
        httpx.URL("http://payments"),
    ):
        with pytest.raises(BadValue) as caught:
            play(again)
        assert str(caught.value) == (
            "base_url: 'http://payments' is not usable; "
            "it has a stand-in already: add routes to that one"
        )
    play("https://payments", optional=True)
    play("http://payments:8080", optional=True)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        (
            {"base_url": "payments"},
            "base_url: 'payments' is not usable; a base URL is written like",
        ),
        ({"base_url": "ftp://payments"}, "base_url: 'ftp://payments' is not usable; a base URL"),
        ({"base_url": "http://"}, "base_url: 'http://' is not usable; a base URL is written like"),
        (
            {"base_url": "http://pay ments"},
            "base_url: 'http://pay ments' is not usable; a base URL is written like "
            '"http://payments" or "https://gateway:8443/payments"',
        ),
        ({"base_url": "http://payments "}, "base_url: 'http://payments ' is not usable; a base"),
        ({"base_url": httpx.URL("http://pay ments")}, "'http://pay%20ments' is not usable; a base"),
        ({"base_url": "http://a:b"}, "base_url: 'http://a:b' is not usable; a base URL is written"),
        ({"base_url": 7}, "base_url: 7 is not usable; a base URL is written like"),
        ({"base_url": "http://*.internal"}, "a stand-in is one host: name it without a star"),
        ({"base_url": "http://payments?x=1"}, "without user, query and fragment"),
        ({"base_url": "http://payments/?"}, "without user, query and fragment"),
        ({"base_url": "http://payments#x"}, "without user, query and fragment"),
        ({"base_url": "http://me:pw@payments"}, "without user, query and fragment"),
        ({"name": ""}, "name: '' is not usable; it is the name of a service"),
        ({"name": 7}, "name: 7 is not usable; it is the name of a service"),
        ({"optional": "no"}, "optional: 'no' is not usable; it is True or False"),
        ({"delay": 50}, "delay: 50 is not usable; a duration is written with its unit"),
        ({"format": "w3c"}, "format: 'w3c' is not usable;"),
        ({"app": "shop"}, "app: 'shop' is not usable; it is an ASGI app (scope, receive, send)"),
    ],
)
def test_an_argument_that_cannot_be_used_is_refused(play, keywords, message):
    """With the value and what is allowed; nothing is installed."""
    with pytest.raises(BadValue) as caught:
        play(**keywords)
    assert message in str(caught.value)
    with pytest.raises(httpx.ConnectError):
        httpx.get("http://127.0.0.1:1/")


def test_a_route_elsewhere_is_refused(play):
    """It would never be asked; one that is written whole, but is below, is none."""
    payments = play("http://payments/v1")
    with pytest.raises(BadValue) as caught:
        payments.post("http://inventory/reserve")
    assert str(caught.value) == (
        "url: 'http://inventory/reserve' is not usable; "
        "a route of this stand-in is below http://payments/v1: write its path"
    )
    payments.post("http://payments/v1/charge").respond(201)
    assert httpx.post("http://payments/v1/charge").status_code == 201


def test_the_path_of_a_route_that_was_written_whole_is_below_the_base_url(act, play):
    """The span has the name that it would have had otherwise."""
    play("http://payments/v1").post("http://payments/v1/charge")
    httpx.post("http://payments/v1/charge")
    act.assert_tree("POST /charge")


def test_requests_are_kept_with_the_context_they_carried(play, traceparent):
    """As they came, those that no route took as well."""
    payments = play(optional=True)
    payments.post("/charge").respond(201)
    httpx.post(
        "http://payments/charge?x=%20", content=b"7", headers={"TraceParent": traceparent.text}
    )
    httpx.post("http://payments/charge", headers={"traceparent": "00-0-0-0"})

    first, second = payments.requests
    assert (first.method, first.url, first.path) == (
        "POST",
        "http://payments/charge?x=%20",
        "/charge",
    )
    assert (first.content, first.status) == (b"7", 201)
    assert ("TraceParent", traceparent.text) in first.headers
    assert first.context is not None
    assert first.context.sampled
    assert first.invalid is None
    assert second.context is None
    assert second.invalid is not None
    assert second.invalid.value == "00-0-0-0"
    assert repr(first) == "<Received POST http://payments/charge?x=%20: 201>"
    assert repr(payments) == "<StandIn payments at http://payments: 2 requests>"


def test_the_headers_of_a_request_are_found_by_name(play, traceparent):
    """In any case; and they are pairs, in order, repeated ones repeated."""
    payments = play()
    payments.get("/x")
    headers = [("TraceParent", traceparent.text), ("x", "1"), ("x", "2")]
    httpx.get("http://payments/x", headers=headers)

    found = payments.requests[0].headers
    assert type(found) is SentHeaders
    assert "traceparent" in found
    assert "baggage" not in found
    assert found["traceparent"] == traceparent.text
    assert found["X"] == "1, 2"
    assert found.get("baggage") is None
    assert [pair for pair in found if pair[0] == "x"] == [("x", "1"), ("x", "2")]


@pytest.mark.parametrize(
    "base_url", ["http://bücher", "http://pay_ments", "http://[::1]:80", "http://10.0.0.1"]
)
def test_hosts_of_every_kind(play, base_url):
    """Whatever httpx sends a request to."""
    play(base_url).get("/x").respond(201)
    assert httpx.get(f"{base_url}/x").status_code == 201


def test_a_failure_shows_no_frame_of_a_stand_in(play):
    """Neither where a request has no route, nor where an argument cannot be used."""
    payments = play(optional=True)

    def request():
        httpx.get("http://payments/x")

    async def main():
        async with httpx.AsyncClient() as client:
            await client.get("http://payments/x")

    failing = [
        request,
        lambda: asyncio.run(main()),
        lambda: payments.get("http://inventory/x"),
        lambda: payments.get("/x", optional=1),
        lambda: play(),
        lambda: play("x"),
        lambda: play("http://other", app=7),
    ]
    for call in failing:
        with pytest.raises((UnroutedRequest, BadValue)) as caught:
            call()
        shown = [entry for entry in caught.traceback if not entry.ishidden(caught)]
        assert [
            one
            for one in shown
            if "wire/stand_in/" in str(one.path) and "tests" not in str(one.path)
        ] == []
    payments._faults.clear()


def test_a_delay_is_in_the_span(act, play, in_async_client):
    """That of the route before that of the stand-in; in asynchronous code others go on."""
    payments = play(delay="20ms")
    payments.get("/slow", delay=timedelta(milliseconds=50))
    payments.get("/usual")

    async def both(client):
        urls = ("http://payments/slow", "http://payments/usual")
        return await asyncio.gather(*(client.get(url) for url in urls))

    in_async_client(both)
    slow, usual = act.get("GET /slow"), act.get("GET /usual")
    # The clock of spans and that of the loop may differ a little.
    assert slow.duration >= timedelta(milliseconds=40)
    assert timedelta(milliseconds=15) <= usual.duration
    assert max(slow.start_ns, usual.start_ns) < min(slow.end_ns, usual.end_ns)
    began = time.monotonic()
    httpx.get("http://payments/usual")
    assert time.monotonic() - began >= 0.02


def test_gathered_calls_overlap(act, play, in_async_client):
    """Each answer lets the others run once."""
    play().get("/x")

    async def calls(client):
        await asyncio.gather(*(client.get("http://payments/x") for _ in range(3)))

    in_async_client(calls)
    spans = act.find("GET /x")
    assert max(span.start_ns for span in spans) < min(span.end_ns for span in spans)


def test_a_call_that_the_client_gives_up_has_ended_all_the_same(act, play, in_async_client):
    """Its span is no error of the server, and has no status."""
    play().get("/x", delay="10s")

    async def give_up(client):
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client.get("http://payments/x"), 0.02)

    in_async_client(give_up)
    span = act.get("GET /x")
    assert span.end_ns is not None
    assert span.status == "unset"
    assert "http.response.status_code" not in span.attributes


def test_a_route_that_passes_through_reaches_the_real_service(act, play, real):
    """The test plays nothing there: no span, no delay; the route was called."""
    proxy = play(real)
    through = proxy.get("/through", delay="10s").pass_through()
    asked = proxy.get("/asked").mock(side_effect=lambda request: request)

    assert httpx.get(f"{real}/through").text == "real /through"
    assert httpx.get(f"{real}/asked").text == "real /asked"
    assert through.called
    assert asked.called
    assert proxy.requests == []
    assert not act.spans


def test_a_handler_that_does_not_want_the_request_leaves_it_to_the_next_route(act, play):
    """The span has the name of the route that answered."""
    payments = play()
    payments.route(path__startswith="/orders/").mock(side_effect=lambda request: None)
    payments.get("/orders/7").respond(text="seven")

    assert httpx.get("http://payments/orders/7").text == "seven"
    act.assert_tree("GET /orders/7")


def test_routes_that_decline_leave_the_request_without_a_route(act, play):
    """There is no span: nobody served it."""
    payments = play()
    payments.get("/x").mock(side_effect=lambda request: None)
    with pytest.raises(UnroutedRequest) as caught:
        httpx.get("http://payments/x")
    assert str(caught.value) == (
        "stand-in http://payments: GET /x has no route that fits; the nearest is GET /x, "
        "which declined"
    )
    assert not act.spans
    payments._faults.clear()


def test_asynchronous_clients_pass_through_as_well(act, play, real, in_async_client):
    """To the real service, and without a span."""
    play(real).get("/through").pass_through()

    async def call(client):
        return (await client.get(f"{real}/through")).text

    assert in_async_client(call) == "real /through"
    assert not act.spans


def test_a_cancellation_reaches_an_asynchronous_handler(play, in_async_client):
    """It is awaited in the task of the client."""
    seen = []

    async def handler(request: httpx.Request) -> httpx.Response:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise
        return httpx.Response(200)

    play().get("/x").mock(side_effect=handler)

    async def give_up(client):
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client.get("http://payments/x"), 0.02)

    in_async_client(give_up)
    assert seen == ["cancelled"]


def test_who_waits_is_woken_when_a_span_is_taken_back(play):
    """Nothing is open any more then."""
    play().get("/x").mock(side_effect=httpx.ConnectError)
    woken = []
    stop = journal.subscribe(lambda: woken.append(len(journal.entries)))
    with pytest.raises(httpx.ConnectError):
        httpx.get("http://payments/x")
    stop()
    assert woken[-1] == 0 or woken[-1] < max(woken)


def test_a_handler_may_use_a_timeout_of_its_own(play, in_async_client):
    """The task that runs it is the client's."""

    async def handler(request: httpx.Request) -> httpx.Response:
        try:
            await asyncio.wait_for(asyncio.sleep(60), 0.01)
        except asyncio.TimeoutError:
            return httpx.Response(504)
        return httpx.Response(200)

    play().get("/x").mock(side_effect=handler)

    async def call(client):
        return (await client.get("http://payments/x")).status_code

    assert in_async_client(call) == 504
