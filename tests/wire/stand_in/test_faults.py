"""What the test is told at the end, and what the application gets meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import weakref

import httpx
import pytest

from pytest_traces import BadValue, record
from pytest_traces.model import RequestData
from pytest_traces.recording import journal
from pytest_traces.recording.traffic import Exchange
from pytest_traces.wire.stand_in import UnroutedRequest


@pytest.fixture
def faults_of(stand_in):
    """The complaints about stand-ins that are used like this."""

    def faults_of(use):
        with pytest.raises(AssertionError) as caught, record() as act:
            use(lambda *url, **keywords: stand_in(act, *url, **keywords), act._frame.recording)
        return str(caught.value)

    return faults_of


def sent(recording, **fields):
    """A request that the process has sent, as the hooks on its clients put it down."""
    known = {"number": 1, "client": "httpx", "method": "POST", "headers": (), "start_ns": 1}
    recording.requests.append(Exchange(journal, RequestData(**{**known, **fields})))


def test_a_route_that_was_never_called_is_a_fault(faults_of):
    """With the calls that came."""

    def use(play, recording):
        payments = play()
        payments.post("/charge")
        payments.get("/health")
        httpx.get("http://payments/health")
        httpx.get("http://payments/health?x=1")

    assert faults_of(use) == (
        "stand-in http://payments: POST /charge was never called; "
        "calls that came: GET /health (2 times)\n"
        "  hint: optional=True, on the stand-in or on the route, if that is meant"
    )


def test_routes_that_were_never_called_are_named_together(faults_of):
    """By what they were declared to take."""

    def use(play, recording):
        payments = play("http://payments/v1")
        payments.post("/charge", json={"order": 7}, headers={"x": "1"})
        payments.get(path__regex=r"/orders/(?P<id>\d+)")
        payments.route(method__in=["PUT", "PATCH"])
        payments.get(path__in=("/a", "/b"))

    assert faults_of(use) == (
        "stand-in http://payments/v1: POST /charge with json and headers, GET /orders/{id}, "
        "PUT|PATCH (any path) and GET /a|/b were never called; no call came\n"
        "  hint: optional=True, on the stand-in or on the route, if that is meant"
    )


def test_what_is_optional_may_stay_uncalled(stand_in):
    """The whole stand-in, or one route; a route can be wanted where the rest is optional."""
    with record() as act:
        stand_in(act, "http://a", optional=True).get("/x")
        stand_in(act, "http://b").get("/x", optional=True)
    with pytest.raises(AssertionError) as caught, record() as act:
        stand_in(act, optional=True).get("/x", optional=False)
    assert str(caught.value).startswith("stand-in http://payments: GET /x was never called; no")


def test_a_stand_in_that_nobody_used_is_a_fault(faults_of):
    """Also where it has no route yet."""
    assert faults_of(lambda play, recording: play()) == (
        "stand-in http://payments: it was never called; no call came\n"
        "  hint: optional=True, on the stand-in or on the route, if that is meant"
    )


def test_requests_to_the_same_host_elsewhere_are_named(faults_of):
    """Another port, another scheme, another prefix: the base URL is not what was configured."""

    def use(play, recording):
        play("http://payments/v2").post("/charge")
        for url in ("https://payments/v2/charge", "http://payments:8080/charge?x=1"):
            sent(recording, url=url)
        sent(recording, url="http://payments/v1/charge", role="incoming")
        sent(recording, url="http://inventory/")
        sent(recording, url="http://a:b/")

    assert faults_of(use) == (
        "stand-in http://payments/v2: POST /charge was never called; no call came\n"
        "  near it, but not there: POST https://payments/v2/charge, "
        "POST http://payments:8080/charge"
    )


@pytest.mark.parametrize("is_optional", [False, True], ids=["called", "optional"])
@pytest.mark.parametrize(
    ("base_url", "url", "origin"),
    [
        ("http://payment", "http://payments/charge", "http://payments"),
        ("http://payments", "https://payments/charge", "https://payments"),
        ("http://payments", "http://payments:8080/charge", "http://payments:8080"),
        ("http://payments:8080", "http://payments/charge", "http://payments"),
        ("http://localhost:8080", "https://localhost:8080/charge", "https://localhost:8080"),
    ],
)
def test_a_request_near_it_that_failed_is_a_fault(faults_of, base_url, url, origin, is_optional):
    """Also where the stand-in was called otherwise, or need not be; once, by the nearest one."""

    def use(play, recording):
        near = play(base_url, optional=is_optional)
        play("http://paymentsgateway", optional=True)
        if not is_optional:
            near.get("/health")
            httpx.get(f"{base_url}/health")
        for number in range(2):
            sent(recording, number=number, url=f"{url}?x=1", error="ConnectError: no such host")

    assert faults_of(use) == (
        f"stand-in {base_url}: POST {url} went to the network and failed (ConnectError): "
        f"there is no stand-in for {origin}"
    )


def test_a_request_to_a_host_that_is_spelled_alike_is_named_with_what_was_never_called(faults_of):
    """As one to the same host elsewhere is."""

    def use(play, recording):
        play("http://payment").post("/charge")
        sent(recording, url="http://payments/charge", error="ConnectTimeout")

    assert faults_of(use) == (
        "stand-in http://payment: POST /charge was never called; no call came\n"
        "  near it, but not there: POST http://payments/charge"
    )


@pytest.mark.parametrize(
    ("base_url", "fields"),
    [
        ("http://payment", {"url": "http://payments/x"}),
        ("http://payment", {"url": "http://payments/x", "error": "ReadTimeout"}),
        (
            "http://payment",
            {"url": "http://payments/x", "error": "ConnectError", "through": "respx"},
        ),
        (
            "http://payment",
            {"url": "http://payments/x", "error": "ConnectError", "role": "incoming"},
        ),
        ("http://payment", {"url": "http://inventory/x", "error": "ConnectError"}),
        ("http://payment/v2", {"url": "http://payment/v1", "error": "ConnectError"}),
        ("http://10.0.0.1", {"url": "http://10.0.0.2/x", "error": "ConnectError"}),
        ("http://localhost:81", {"url": "http://localhost:82/x", "error": "ConnectError"}),
        ("http://127.0.0.1:81", {"url": "http://127.0.0.1:82/x", "error": "ConnectError"}),
        ("http://[::1]:81", {"url": "http://[::1]:82/x", "error": "ConnectError"}),
    ],
)
def test_a_request_that_succeeded_or_is_not_near_is_no_fault(stand_in, base_url, fields):
    """Nor one that was never meant for the network; other ports of this machine are others."""
    with record() as act:
        stand_in(act, base_url, optional=True)
        sent(act._frame.recording, **fields)


def test_a_request_near_one_stand_in_that_is_anothers_is_no_fault(stand_in):
    """The test lets it fail."""
    with record() as act:
        stand_in(act, "http://payment", optional=True)
        stand_in(act, "http://payments").get("/x").mock(side_effect=httpx.ConnectError)
        with pytest.raises(httpx.ConnectError):
            httpx.get("http://payments/x")


def test_a_failed_call_was_a_call(stand_in):
    """The test let it fail, after all."""
    with record() as act:
        payments = stand_in(act)
        payments.get("/never").mock(side_effect=httpx.ConnectError)
        payments.get("/fails").mock(side_effect=ValueError)
        for path in ("never", "fails"):
            with pytest.raises((httpx.ConnectError, ValueError)):
                httpx.get(f"http://payments/{path}")


@pytest.mark.parametrize("is_async", [False, True], ids=["blocking", "asynchronous"])
def test_a_request_without_a_route_fails_at_once_and_again_at_the_end(
    faults_of, in_async_client, is_async
):
    """Applications swallow exceptions."""
    raised: list[str] = []

    def use(play, recording):
        payments = play()
        payments.post("/refunds", optional=True)
        payments.get("/refund", optional=True)

        async def call(client):
            with pytest.raises(UnroutedRequest) as caught:
                await client.post("http://payments/refund?x=1")
            raised.append(str(caught.value))

        if is_async:
            in_async_client(call)
            return
        for _ in range(2):
            with pytest.raises(UnroutedRequest) as caught:
                httpx.post("http://payments/refund?x=1")
            raised.append(str(caught.value))

    told = "stand-in http://payments: POST /refund has no route; the nearest is GET /refund"
    fault = faults_of(use)
    assert fault == (told if is_async else f"{told} (2 times)")
    assert set(raised) == {told}


def test_the_error_is_none_that_a_client_of_httpx_expects(play):
    """Code for a service that is down must not run because the test forgot a route."""
    payments = play(optional=True)
    with pytest.raises(AssertionError):
        with contextlib.suppress(httpx.HTTPError, httpx.InvalidURL, OSError):
            httpx.get("http://payments/x")
    payments._faults.clear()


@pytest.mark.parametrize(
    ("declare", "request_", "fault"),
    [
        (
            lambda payments: payments.post("/refunds"),
            ("POST", "/refund"),
            "POST /refund has no route; the nearest is POST /refunds",
        ),
        (
            lambda payments: payments.post("/charge", json={"order": 8}, headers={"x": "1"}),
            ("POST", "/charge"),
            "POST /charge has no route that fits: POST /charge with json and headers is there, "
            "but not with such json and headers",
        ),
        (
            lambda payments: [payments.get("/charge"), payments.post("/charges")],
            ("POST", "/charge"),
            "POST /charge has no route; the nearest is GET /charge",
        ),
        (
            lambda payments: None,
            ("POST", "/charge"),
            'POST /charge has no route, and it has none at all\n  hint: .post("/charge").respond(...)',
        ),
        (
            lambda payments: None,
            ("PURGE", "/"),
            'PURGE / has no route, and it has none at all\n  hint: .request("PURGE", "/").respond(...)',
        ),
    ],
)
def test_the_nearest_route_is_named(faults_of, declare, request_, fault):
    """The one for the same path, or the one that is spelled most alike."""
    method, path = request_

    def use(play, recording):
        declare(play(optional=True))
        with pytest.raises(UnroutedRequest):
            httpx.request(method, f"http://payments{path}", json={"order": 7})

    assert faults_of(use) == f"stand-in http://payments: {fault}"


@pytest.mark.parametrize("is_async", [False, True], ids=["blocking", "asynchronous"])
def test_more_calls_than_side_effects_are_a_fault(faults_of, in_async_client, is_async):
    """respx lets StopIteration out, which ends the caller's loops in silence."""

    def use(play, recording):
        play().get("/x").mock(side_effect=[httpx.Response(200), httpx.Response(200)])

        async def calls(client):
            for _ in range(2):
                await client.get("http://payments/x")
            with pytest.raises(UnroutedRequest):
                await client.get("http://payments/x")

        if is_async:
            in_async_client(calls)
            return
        for _ in range(2):
            httpx.get("http://payments/x")
        with pytest.raises(UnroutedRequest):
            httpx.get("http://payments/x")

    assert faults_of(use) == (
        "stand-in http://payments: GET /x was called 3 times, more often than it has side effects"
    )


def test_a_request_of_another_client_is_told_to_use_the_url(faults_of):
    """respx reaches httpx only."""

    def use(play, recording):
        play(optional=True)
        sent(
            recording,
            client="requests",
            url="http://payments/charge",
            error="ConnectionError: no such host",
        )

    assert faults_of(use) == (
        "stand-in http://payments: POST http://payments/charge, sent by requests, went to the "
        "network and failed (ConnectionError): only httpx can be intercepted\n"
        '  hint: give the application stand_in.url instead of "http://payments"'
    )


def test_a_request_of_httpx_that_a_mock_took_is_a_fault(faults_of):
    """The stand-in never saw it; those that it saw are counted."""

    def use(play, recording):
        play().post("/charge")
        httpx.post("http://payments/charge")
        for number in range(2):
            sent(recording, number=number, url="http://payments/charge", through="pytest-httpx")

    assert faults_of(use) == (
        "stand-in http://payments: POST http://payments/charge, sent by httpx, never arrived: "
        "pytest-httpx came first\n"
        '  hint: @pytest.mark.httpx_mock(should_mock=lambda request: request.url.host != "payments")'
    )


def test_a_request_that_a_transport_took_is_a_fault(faults_of):
    """The client was given one, and never asks for the network."""

    def use(play, recording):
        play(optional=True)
        transport = httpx.MockTransport(lambda request: httpx.Response(200))
        with httpx.Client(transport=transport) as client:
            client.get("http://payments/charge")

    assert faults_of(use) == (
        "stand-in http://payments: GET http://payments/charge, sent by httpx, never arrived: "
        "httpx.MockTransport came first\n"
        "  hint: the client must use the network, or what it uses leave this URL alone"
    )


def test_what_arrived_is_no_fault_however_it_failed(stand_in):
    """A request that is recorded with its error was received."""
    with record() as act:
        stand_in(act).post("/charge").mock(side_effect=httpx.ConnectError)
        with pytest.raises(httpx.ConnectError):
            httpx.post("http://payments/charge")
        sent(act._frame.recording, url="http://payments/charge", error="ConnectError")
        act._frame.recording.requests[:-1] = []  # those that the clients' hooks have recorded


def test_a_request_below_a_longer_base_url_is_that_ones(faults_of):
    """Each fault is told once."""

    def use(play, recording):
        play("http://gateway", optional=True)
        play("http://gateway/payments", optional=True)
        url = "http://gateway/payments/charge"
        sent(recording, client="aiohttp", url=url, error="ClientConnectorDNSError")

    assert faults_of(use).count("stand-in http://gateway/payments: ") == 1
    assert "stand-in http://gateway: " not in faults_of(use)


def test_the_end_comes_once(act, play):
    """A second one says and does nothing."""
    payments = play()
    fault = payments.end()
    assert fault is not None
    assert payments.end() is None
    with pytest.raises(httpx.ConnectError):
        httpx.get("http://payments.invalid/")
    with pytest.raises(RuntimeError, match="stand-in http://payments has ended"):
        assert payments.url


def test_an_end_that_fails_does_not_hide_what_was_found(faults_of, monkeypatch):
    """Nor does it leave anything that could be ended."""

    def use(play, recording):
        payments = play()
        payments.get("/x")

        def fail():
            close()
            raise OSError("no such port")

        close = payments._server.close
        monkeypatch.setattr(payments._server, "close", fail)

    assert faults_of(use).splitlines()[:2] == [
        "stand-in http://payments: no such port",
        "stand-in http://payments: GET /x was never called; no call came",
    ]


def test_nothing_keeps_a_stand_in_that_has_ended(stand_in):
    """Nor the recording that it belonged to."""
    with record() as act:
        one, other = (
            stand_in(act, "http://a", optional=True),
            stand_in(act, "http://b", optional=True),
        )
        with pytest.raises(BadValue):
            stand_in(act, "http://a")
        kept = [weakref.ref(one), weakref.ref(other)]
    del one, other, act
    gc.collect()
    assert [ref() for ref in kept] == [None, None]


def test_a_fault_does_not_hide_that_of_another(faults_of):
    """All of them are told, those of the youngest stand-in first."""

    def use(play, recording):
        play("http://a").get("/x")
        play("http://b")
        with pytest.raises(UnroutedRequest):
            asyncio.run(httpx.AsyncClient().get("http://a/y"))

    assert faults_of(use).splitlines() == [
        "stand-in http://b: it was never called; no call came",
        "  hint: optional=True, on the stand-in or on the route, if that is meant",
        "stand-in http://a: GET /y has no route; the nearest is GET /x",
        "stand-in http://a: GET /x was never called; calls that came: GET /y",
        "  hint: optional=True, on the stand-in or on the route, if that is meant",
    ]
