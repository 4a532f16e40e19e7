"""aiohttp: one record for each thing that is sent on a connection."""

from __future__ import annotations

import asyncio

import pytest

aiohttp = pytest.importorskip("aiohttp")


def run(base, *paths, session=None, **given):
    """Get these, one after the other; gives the responses."""

    async def go():
        async with aiohttp.ClientSession(**(session or {})) as client:
            found = []
            for path in paths:
                async with client.get(base + path, **given) as response:
                    await response.read()
                    found.append(response)
            return found

    return asyncio.run(go())


def test_headers_as_they_left(server, sent, matches):
    """Repeated headers keep their order, and those that are added are among them."""
    given = [("X-B", "1"), ("x-b", "2"), ("x-own", "theirs")]
    run(server.url, "/a?b=c", headers=given, session={"headers": {"x-own": "mine", "x-c": "3"}})
    assert matches() == [200]
    (one,) = sent()
    assert (one.client, one.method, one.role, one.through) == ("aiohttp", "GET", "outgoing", None)
    assert {"Host", "Accept"} <= {name for name, _ in one.headers}
    assert one.added_early == (("x-c", "3"), ("X-B", "1"), ("x-b", "2"), ("x-own", "theirs"))
    assert one.start_ns <= one.end_ns


def test_headers_that_can_be_read_once(server, matches):
    """An iterator is left to the session: what it gives still leaves."""
    run(server.url, "/a", headers=iter([("x-own", "mine")]))
    assert matches() == [200]
    assert ("x-own", "mine") in server.log[-1].headers


def test_bodies(server, matches):
    """The headers of a body are added late."""

    async def parts():
        yield b"1"
        yield b"2"

    async def go():
        async with aiohttp.ClientSession() as client:
            for body in ({"json": {"a": 1}}, {"data": b"12"}, {"data": parts()}):
                async with client.post(f"{server.url}/a", **body) as response:
                    await response.read()

    asyncio.run(go())
    assert matches() == [200, 200, 200]


def test_each_redirect_is_a_request(server, matches):
    """A redirect is answered before the next request begins."""
    run(server.url, "/redirect/2", "/again/1")
    assert matches() == [302, 302, 302, 200, 302, 200]


def test_middlewares(server, matches):
    """What a middleware sends again is another request."""
    middleware = getattr(aiohttp, "DigestAuthMiddleware", None)
    if middleware is None:
        pytest.skip("this version has none")
    run(server.url, "/digest", session={"middlewares": (middleware("user", "secret"),)})
    assert matches() == [401, 200]


def test_cookies_are_among_the_headers(server, sent, matches):
    """A cookie of the session is in its requests."""
    run(server.url, "/a", session={"cookies": {"k": "v"}})
    assert matches() == [200]
    assert ("Cookie", "k=v") in sent()[0].headers


def test_functions_of_the_library(server, matches):
    """``aiohttp.request`` is a session for one request."""

    async def go():
        async with aiohttp.request("HEAD", f"{server.url}/a"):
            pass

    asyncio.run(go())
    assert matches() == [200]


def test_a_stream_ends_with_its_head(server, sent):
    """A response is there before its body."""

    async def go():
        async with (
            aiohttp.ClientSession() as client,
            client.get(f"{server.url}/stream") as response,
        ):
            assert sent()[0].status == 200
            assert len(await response.read()) == 100_000

    asyncio.run(go())


def test_fifty_at_once(server, sent):
    """Gathered calls are as many requests, each with its own answer."""

    async def get(client, path):
        async with client.get(server.url + path) as response:
            await response.read()

    async def go():
        connector = aiohttp.TCPConnector(limit=10)
        async with aiohttp.ClientSession(connector=connector) as client:
            await asyncio.gather(*(get(client, f"/status/{400 + n}") for n in range(50)))

    asyncio.run(go())
    assert len(sent()) == 50
    assert all(one.url.endswith(f"/{one.status}") for one in sent())


def test_nobody_listens(closed_port, sent):
    """A refused connection is an error, raised as ever."""
    with pytest.raises(aiohttp.ClientConnectorError):
        run(f"http://127.0.0.1:{closed_port}", "/a", headers={"x-a": "1"})
    (one,) = sent()
    assert one.error.startswith("ClientConnectorError: ")
    assert ("x-a", "1") in one.headers


def test_no_answer(server, sent):
    """A server that hangs up is an error; what is tried again is another request."""
    with pytest.raises(aiohttp.ServerDisconnectedError):
        run(server.url, "/drop")
    assert {one.error.partition(":")[0] for one in sent()} == {"ServerDisconnectedError"}
    assert [one.headers for one in sent()] == [one.headers for one in server.log]


def test_a_timeout(server, sent):
    """A server that never answers is an error."""
    with pytest.raises(asyncio.TimeoutError):
        run(server.url, "/hang", timeout=aiohttp.ClientTimeout(total=0.05))
    assert [one.status for one in sent()] == [None]
    assert sent()[0].error is not None


def test_cancelled(server, sent):
    """A cancelled request has ended, with that error, and stays cancelled."""

    async def go():
        async with aiohttp.ClientSession() as client:
            task = asyncio.create_task(client._request("GET", f"{server.url}/hang"))
            while not server.log:
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(go())
    assert [one.error for one in sent()] == ["CancelledError"]


def test_what_cannot_be_sent(server, sent):
    """An error while the head is written is the request's."""

    class Unwilling(aiohttp.ClientRequest):
        async def send(self, conn):
            self.headers["x-late"] = "1"
            self.headers["x-bad"] = "a\nb"
            return await super().send(conn)

    with pytest.raises(ValueError, match=r"(?i)header"):
        run(server.url, "/a", session={"request_class": Unwilling})
    (one,) = sent()
    assert one.error.startswith("ValueError")
    assert ("x-late", "1") in one.headers


def test_a_url_that_is_none(sent):
    """What never was a request is not recorded."""
    with pytest.raises(aiohttp.InvalidURL):
        run("", "nonsense")
    assert sent() == []


def test_the_proxy_is_not_spoken_to_in_requests(server, sent):
    """A request through a proxy has the URL that was asked for."""
    run("http://elsewhere.test", "/a", proxy=server.url)
    (one,) = sent()
    assert (one.url, one.status) == ("http://elsewhere.test/a", 200)
    assert one.headers == server.log[0].headers


def test_the_test_client(open_recording):
    """aiohttp's own test client sends incoming requests; other sessions do not."""
    utils = pytest.importorskip("aiohttp.test_utils")

    async def answer(request):
        return aiohttp.web.Response(text="ok")

    async def go():
        app = aiohttp.web.Application()
        app.router.add_get("/a", answer)
        async with utils.TestClient(utils.TestServer(app)) as client:
            (await client.get("/a")).release()
            async with aiohttp.ClientSession() as other:
                (await other.get(client.make_url("/a"))).release()

    pytest.importorskip("aiohttp.web")
    recording = open_recording()
    asyncio.run(go())
    assert [(one.role, one.through) for one in recording.requests_between()] == [
        ("incoming", "aiohttp.test_utils.TestClient"),
        ("outgoing", None),
    ]


@pytest.mark.parametrize("order", ["before", "after"])
def test_what_instrumentation_adds(
    order, server, instrument, provider, open_recording, one_context
):
    """OpenTelemetry adds its header while the request is made, below the call."""
    if order == "after":
        recording = open_recording()
    instrument("aiohttp_client", "AioHttpClientInstrumentor")
    if order == "before":
        recording = open_recording()
    with provider.get_tracer("app").start_as_current_span("work") as span:
        run(server.url, "/redirect/0", headers={"a": "b"})
    found = recording.requests_between()
    assert [(one.url, one.headers) for one in found] == [
        (server.url + one.target, one.headers) for one in server.log
    ]
    assert [one.status for one in found] == [302, 200]
    for one in found:
        one_context(one, span)
        assert [ref.span_id for ref in one.current] == [f"{span.context.span_id:016x}"]
