"""A recording, stand-ins in it, and a caller's header."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import httpcore
import httpx
import pytest
from respx.mocks import HTTPCoreMocker, HTTPXMocker

from pytest_traces import Traces, record
from pytest_traces.recording import journal
from pytest_traces.wire.stand_in import StandIn, open_stand_in


class Header(NamedTuple):
    """A context, and the header that carries it."""

    trace_id: str
    span_id: str
    text: str


_TARGETS = (
    (httpcore.ConnectionPool, "handle_request"),
    (httpcore.HTTPConnection, "handle_request"),
    (httpcore.AsyncConnectionPool, "handle_async_request"),
    (httpcore.AsyncHTTPConnection, "handle_async_request"),
    (httpx.Client, "_transport_for_url"),
    (httpx.AsyncClient, "_transport_for_url"),
)


def state() -> list[object]:
    """What stand-ins change while they are there."""
    patched = [vars(owner)[name] for owner, name in _TARGETS]
    routers = [list(mocker.routers) for mocker in (HTTPCoreMocker, HTTPXMocker)]
    return [*patched, *routers]


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """Classes, respx's routers and the threads are after each test what they were before."""
    before, threads = state(), set(threading.enumerate())
    yield
    assert state() == before
    for thread in set(threading.enumerate()) - threads:
        if not thread.name.startswith("Trio thread"):  # trio keeps those that it has begun
            thread.join(5)  # those of a server, or of anyio, end some time after what they served
            assert not thread.is_alive(), thread


@pytest.fixture
def act() -> Iterator[Traces]:
    """A recording that waits for nothing long."""
    with record(timeout="2s") as act:
        yield act


@pytest.fixture
def stand_in() -> Callable[..., StandIn]:
    """Makes stand-ins of any recording, as ``traces.stand_in`` does."""

    def stand_in(act: Traces, base_url: Any = "http://payments", **keywords: Any) -> StandIn:
        return open_stand_in(journal, act._frame.recording, base_url, **keywords)

    return stand_in


@pytest.fixture
def play(act: Traces, stand_in: Callable[..., StandIn]) -> Callable[..., StandIn]:
    """Makes stand-ins of the test's recording."""
    return functools.partial(stand_in, act)


@pytest.fixture
def in_async_client() -> Callable[..., Any]:
    """Runs a coroutine function with an asynchronous client, on a loop of its own."""

    def run(calls: Callable[[httpx.AsyncClient], Any], **keywords: Any) -> Any:
        async def main() -> Any:
            async with httpx.AsyncClient(**keywords) as client:
                return await calls(client)

        return asyncio.run(main())

    return run


@pytest.fixture
def traceparent() -> Header:
    """The context of a caller."""
    trace_id, span_id = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    return Header(trace_id, span_id, f"00-{trace_id}-{span_id}-01")


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = f"real {self.path}".encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def real() -> Iterator[str]:
    """The URL of a real service: it says which path it was asked for."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answers) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
