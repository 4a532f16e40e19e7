"""httpx and httpx2: what is recorded is what the server receives, however it is sent."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading

import pytest

httpx = pytest.importorskip("httpx")
LIBRARIES = ["httpx", "httpx2"]


@pytest.fixture(params=LIBRARIES)
def lib(request):
    """The library, by either name."""
    return pytest.importorskip(request.param)


def test_headers_as_they_left(lib, server, sent, matches):
    """Names keep their case, repeated headers their order, and bytes are those of Latin-1."""
    own = [("X-B", "1"), ("x-b", "2"), ("X-Name", "Zoë".encode("latin-1"))]
    with lib.Client() as client:
        client.post(f"{server.url}/a?b=c d", headers=own, json={"a": 1})
    assert matches() == [200]
    (one,) = sent()
    assert (one.client, one.method, one.role, one.through) == (
        lib.__name__,
        "POST",
        "outgoing",
        None,
    )
    assert [pair for pair in one.headers if pair[0].lower().startswith("x-")] == [
        ("X-B", "1"),
        ("x-b", "2"),
        ("X-Name", "Zoë"),
    ]
    assert one.thread == threading.current_thread().name
    assert one.start_ns <= one.end_ns


def test_functions_of_the_library(lib, server, matches):
    """``httpx.get`` is a client for one request."""
    lib.get(f"{server.url}/a")
    assert matches() == [200]


def test_each_redirect_is_a_request(lib, server, matches):
    """A redirect is answered, and the next request is another one."""
    with lib.Client(follow_redirects=True) as client:
        client.get(f"{server.url}/redirect/2")
    assert matches() == [302, 302, 302, 200]


def test_each_round_of_authentication_is_a_request(lib, server, matches):
    """The challenge and the answer to it are two requests."""
    with lib.Client(auth=lib.DigestAuth("user", "secret")) as client:
        client.get(f"{server.url}/digest")
    assert matches() == [401, 200]


def test_cookies_are_among_the_headers(lib, server, sent, matches):
    """A cookie that the server has set is in the second request."""
    with lib.Client() as client:
        client.get(f"{server.url}/cookie")
        client.get(f"{server.url}/a")
    assert matches() == [200, 200]
    assert ("Cookie", "taste=sweet") in sent()[1].headers


def test_a_built_request_and_event_hooks(lib, server, sent, matches):
    """What an event hook adds to a request that was built before has left."""

    def add(request):
        request.headers["x-added"] = "late"

    with lib.Client(event_hooks={"request": [add]}) as client:
        client.send(client.build_request("PUT", f"{server.url}/a", content=b"12"))
    assert matches() == [200]
    assert ("x-added", "late") in [(name.lower(), value) for name, value in sent()[0].headers]


def test_a_stream_ends_with_its_head(lib, server, sent):
    """A streamed response is answered as soon as its headers are there."""
    with lib.Client() as client:
        with client.stream("GET", f"{server.url}/stream") as response:
            assert sent()[0].status == 200
            assert len(response.read()) == 100_000


def test_in_flight(lib, server, sent):
    """While the server thinks, the request is there, without an answer."""

    def look():
        while not server.log:
            pass
        seen.extend(sent())
        server.released.set()

    seen = []
    looker = threading.Thread(target=look)
    looker.start()
    with pytest.raises(lib.RemoteProtocolError):
        lib.get(f"{server.url}/hang", headers={"x-a": "1"})
    looker.join()
    assert [(one.status, one.end_ns, one.error) for one in seen] == [(None, None, None)]
    assert ("x-a", "1") in seen[0].headers
    assert sent()[0].error.startswith("RemoteProtocolError: ")


def test_nobody_listens(lib, closed_port, sent):
    """A refused connection is an error with its name, raised as ever."""
    with pytest.raises(lib.ConnectError) as caught:
        lib.get(f"http://127.0.0.1:{closed_port}/a")
    (one,) = sent()
    assert (one.status, one.error) == (None, f"ConnectError: {caught.value}")
    assert one.end_ns is not None


def test_a_timeout(lib, server, sent):
    """A server that never answers is an error."""
    with pytest.raises(lib.ReadTimeout):
        lib.get(f"{server.url}/hang", timeout=0.05)
    assert sent()[0].error.startswith("ReadTimeout")


def test_fifty_at_once(lib, server, sent, recording):
    """Gathered calls are as many requests, each with its own answer."""

    async def go():
        limits = lib.Limits(max_connections=10)
        async with lib.AsyncClient(limits=limits) as client:
            await asyncio.gather(*(client.get(f"{server.url}/status/{400 + n}") for n in range(50)))

    asyncio.run(go())
    assert sorted(one.url.rpartition("/")[2] for one in sent()) == [str(400 + n) for n in range(50)]
    assert all(one.url.endswith(str(one.status)) for one in sent())


def test_async_redirects_and_rounds(lib, server, matches):
    """An async client is recorded like the other."""

    async def go():
        async with lib.AsyncClient(follow_redirects=True) as client:
            await client.get(f"{server.url}/redirect/1")
            await client.get(f"{server.url}/digest", auth=lib.DigestAuth("user", "secret"))
            async with client.stream("GET", f"{server.url}/stream") as response:
                assert len(await response.aread()) == 100_000

    asyncio.run(go())
    assert matches() == [302, 302, 200, 401, 200, 200]


def test_cancelled(lib, server, sent):
    """A cancelled request has ended, with that error, and stays cancelled."""

    async def go():
        async with lib.AsyncClient() as client:
            task = asyncio.create_task(client.get(f"{server.url}/hang"))
            while not server.log:
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(go())
    assert [one.error for one in sent()] == ["CancelledError"]


def test_a_coroutine_that_nobody_awaits_to_its_end(lib, sent):
    """Closing it from elsewhere ends the request, and raises nothing."""

    class Forever(lib.AsyncBaseTransport):
        async def handle_async_request(self, request):
            await asyncio.sleep(3600)

    async def start(coroutine):
        coroutine.send(None)

    async def go():
        client = lib.AsyncClient(transport=Forever())
        coroutine = client.get("http://app/")
        await asyncio.create_task(start(coroutine))
        coroutine.close()

    asyncio.run(go())
    assert [one.error for one in sent()] == ["GeneratorExit"]


def test_from_many_threads(lib, server, sent):
    """Requests of other threads are recorded, with the thread's name."""
    with lib.Client() as client, concurrent.futures.ThreadPoolExecutor(4, "worker") as pool:
        list(pool.map(client.get, [f"{server.url}/{n}" for n in range(20)]))
    assert len(sent()) == 20
    assert all(one.thread.startswith("worker_") for one in sent())


def test_a_subclass_with_that_method(lib, server, matches):
    """A client of the application that overrides the hooked method is recorded once."""

    class Own(lib.Client):
        def _send_single_request(self, request):
            request.headers["x-own"] = "1"
            return super()._send_single_request(request)

    with Own() as client:
        client.get(f"{server.url}/a")
    assert matches() == [200]


def test_an_error_before_the_transport(lib, sent):
    """What a transport refuses is raised as ever, and recorded with its error."""

    async def stream():
        yield b"1"

    with lib.Client() as client, pytest.raises(RuntimeError, match="async"):
        client.post("http://app/", content=stream())
    assert sent()[0].error.startswith("RuntimeError: ")


@pytest.mark.parametrize("order", ["before", "after"])
def test_what_instrumentation_adds(
    order, server, instrument, provider, open_recording, one_context
):
    """The headers are those below OpenTelemetry's, whichever was there first."""
    if order == "after":
        recording = open_recording()
    instrument("httpx", "HTTPXClientInstrumentor")
    if order == "before":
        recording = open_recording()

    async def go():
        async with httpx.AsyncClient() as client:
            await client.get(f"{server.url}/async")

    with provider.get_tracer("app").start_as_current_span("work") as span:
        with httpx.Client(headers={"a": "b"}) as client:
            client.get(f"{server.url}/sync")
        asyncio.run(go())
    found = recording.requests_between()
    assert [one.headers for one in found] == [one.headers for one in server.log]
    for one in found:
        one_context(one, span)
        assert [(ref.trace_id, ref.span_id) for ref in one.current] == [
            (f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}")
        ]


def test_an_instrumented_client(server, provider, recording, one_context):
    """One client alone may be instrumented, above a mocked transport too."""
    module = pytest.importorskip("opentelemetry.instrumentation.httpx")
    transport = httpx.MockTransport(lambda request: httpx.Response(204))
    with httpx.Client(transport=transport) as client:
        module.HTTPXClientInstrumentor.instrument_client(client, tracer_provider=provider)
        with provider.get_tracer("app").start_as_current_span("work") as span:
            client.get("http://app/")
    (one,) = recording.requests_between()
    assert (one.status, one.through) == (204, "httpx.MockTransport")
    one_context(one, span)
