"""Every client, instrumented as an application does it: its requests are judged by their own spans."""

import asyncio
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from pytest_traces import Traces, record

pytest.importorskip("opentelemetry.sdk.trace")

from opentelemetry.propagate import inject
from opentelemetry.sdk.trace import TracerProvider

PROVIDER = TracerProvider()
TRACER = PROVIDER.get_tracer("shop")

Send = Callable[[str], None]


@contextmanager
def instrumented(module: str, name: str) -> Iterator[None]:
    """A client's own instrumentation, for as long as the block runs."""
    kind = getattr(pytest.importorskip(f"opentelemetry.instrumentation.{module}"), name)
    kind().instrument(tracer_provider=PROVIDER)
    try:
        yield
    finally:
        kind().uninstrument()


@contextmanager
def with_httpx() -> Iterator[Send]:
    with instrumented("httpx", "HTTPXClientInstrumentor"), httpx.Client() as client:
        yield lambda url: client.post(url) and None


@contextmanager
def with_async_httpx() -> Iterator[Send]:
    async def send(url: str) -> None:
        async with httpx.AsyncClient() as client:
            await client.post(url)

    with instrumented("httpx", "HTTPXClientInstrumentor"):
        yield lambda url: asyncio.run(send(url))


@contextmanager
def with_requests() -> Iterator[Send]:
    requests = pytest.importorskip("requests")
    with instrumented("requests", "RequestsInstrumentor"), requests.Session() as session:
        yield session.post


@contextmanager
def with_urllib3() -> Iterator[Send]:
    urllib3 = pytest.importorskip("urllib3")
    with instrumented("urllib3", "URLLib3Instrumentor"), urllib3.PoolManager() as pool:
        yield lambda url: pool.request("POST", url) and None


@contextmanager
def with_aiohttp() -> Iterator[Send]:
    aiohttp = pytest.importorskip("aiohttp")

    async def send(url: str) -> None:
        async with aiohttp.ClientSession() as session, session.post(url) as answer:
            await answer.read()

    with instrumented("aiohttp_client", "AioHttpClientInstrumentor"):
        yield lambda url: asyncio.run(send(url))


def by_hand(url: str) -> None:
    """Without a client span: the current one is injected."""
    headers: dict[str, str] = {}
    inject(headers)
    asked = urllib.request.Request(url, method="POST", headers=headers)
    with urllib.request.urlopen(asked) as answer:
        answer.read()


@contextmanager
def with_urllib() -> Iterator[Send]:
    yield by_hand


CLIENTS: dict[str, Any] = {
    "httpx": with_httpx,
    "httpx (async)": with_async_httpx,
    "requests": with_requests,
    "urllib3": with_urllib3,
    "aiohttp": with_aiohttp,
    "http.client": with_urllib,
}


@pytest.fixture
def act() -> Iterator[Traces]:
    with record() as act:
        yield act


@pytest.mark.parametrize("client", CLIENTS)
def test_its_context_is_carried_on(client: str, act: Traces):
    """From the current span to the service; each of three requests, in spans of their own."""
    service = act.stand_in("http://payments")
    service.post("/charge").respond(json={})
    with CLIENTS[client]() as send, TRACER.start_as_current_span("POST /checkout"):
        send(f"{service.url}/charge")
        with TRACER.start_as_current_span("again"):
            send(f"{service.url}/charge")
            send(f"{service.url}/charge")

    act.assert_propagated()
    assert [one.client for one in act.requests] == [client.partition(" ")[0]] * 3
    assert [one.status for one in act.requests] == [200] * 3
    spans = [one.span for one in act.requests]
    assert len({id(span) for span in spans}) == (3 if client != "http.client" else 2)
    for served in act.find("POST /charge"):
        assert served.parent is not None
        assert served.parent.name == ("POST" if client != "http.client" else served.parent.name)


@pytest.mark.parametrize("client", CLIENTS)
def test_without_a_propagator_it_is_not(client: str, act: Traces, monkeypatch: pytest.MonkeyPatch):
    """Each is named with its own client span, and what is missing."""
    from opentelemetry import propagate
    from opentelemetry.propagators.composite import CompositePropagator

    before = propagate.get_global_textmap()
    propagate.set_global_textmap(CompositePropagator([]))
    try:
        service = act.stand_in("http://payments")
        service.post("/charge").respond(json={})
        with CLIENTS[client]() as send, TRACER.start_as_current_span("POST /checkout"):
            send(f"{service.url}/charge")
        with pytest.raises(AssertionError) as raised:
            act.assert_propagated()
    finally:
        propagate.set_global_textmap(before)

    told = str(raised.value)
    sender = "POST /checkout" if client == "http.client" else "POST /checkout > POST"
    library = client.partition(" ")[0]
    assert told.startswith("1 of 1 request did not carry the trace on")
    assert f"POST {service.url}/charge  (sent by {library} from '{sender}')" in told
    if client != "http.client":
        assert "cause: the global propagator of OpenTelemetry writes no header" in told


@pytest.mark.parametrize("client", [name for name in CLIENTS if name != "http.client"])
def test_a_client_without_instrumentation(client: str, act: Traces):
    """The call that instruments it is the hint."""
    service = act.stand_in("http://payments")
    service.post("/charge").respond(json={})
    with CLIENTS[client]() as send:
        pass
    if client == "requests":
        send = pytest.importorskip("requests").post
    if client == "httpx":
        send = httpx.post
    with TRACER.start_as_current_span("POST /checkout"):
        send(f"{service.url}/charge")

    with pytest.raises(AssertionError) as raised:
        act.assert_propagated()
    told = str(raised.value)
    assert f"cause: this client of {client.partition(' ')[0]} is not instrumented" in told
    assert "Instrumentor().instrument()" in told
