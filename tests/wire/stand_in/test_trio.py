"""Clients that run in trio: routes in their own task, applications on a thread of asyncio's."""

from __future__ import annotations

import contextvars
import threading

import httpx
import pytest

trio = pytest.importorskip("trio")

CALLERS: contextvars.ContextVar[str] = contextvars.ContextVar("callers", default="nothing")


@pytest.fixture
def in_trio():
    """Runs a coroutine function with an asynchronous client."""

    def run(calls):
        async def main():
            CALLERS.set("the caller's")
            async with httpx.AsyncClient() as client:
                return await calls(client)

        return trio.run(main)

    return run


def test_routes(act, play, in_trio):
    """Handlers of both kinds, delays, calls at once."""

    async def handler(request: httpx.Request) -> httpx.Response:
        await trio.sleep(0)
        return httpx.Response(200, text=CALLERS.get())

    payments = play(delay="1ms")
    payments.get("/x").mock(side_effect=handler)
    payments.get("/y", delay="0ms").respond(text="y")

    async def calls(client):
        texts = []

        async def call(path):
            texts.append((await client.get(f"http://payments{path}")).text)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(call, "/x")
            nursery.start_soon(call, "/y")
        return sorted(texts)

    assert in_trio(calls) == ["nothing", "y"]
    act.assert_tree("GET /x\nGET /y")


def test_an_asgi_app(play, in_trio):
    """It finds a loop of asyncio's, and an empty context."""

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            return
        name = f"{threading.current_thread().name}, {CALLERS.get()}"
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": name.encode(), "more_body": True})
        await send({"type": "http.response.body", "body": b"!"})

    play(app=app)

    async def call(client):
        return (await client.get("http://payments/x")).text

    assert in_trio(call) == "stand-in http://payments loop, nothing!"


def test_a_wsgi_app(play, in_trio):
    """On a worker thread."""

    def app(environ, start_response):
        start_response("200 OK", [])
        return [CALLERS.get().encode()]

    play(app=app)

    async def call(client):
        return (await client.get("http://payments/x")).text

    assert in_trio(call) == "nothing"
