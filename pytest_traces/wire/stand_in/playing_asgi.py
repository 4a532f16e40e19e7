"""An ASGI application that plays a service, for clients of every kind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress

import anyio.to_thread
import httpx

from pytest_traces.wire.stand_in.address import Address
from pytest_traces.wire.stand_in.asgi import AsgiApp, AsgiCall, Head, scope_of
from pytest_traces.wire.stand_in.boundary import call_apart
from pytest_traces.wire.stand_in.lifespan import NEVER_STARTED, Lifespan, overdue
from pytest_traces.wire.stand_in.loops import LoopThread, ThreadEnded, running_asyncio
from pytest_traces.wire.stand_in.patience import Patience

#: How long an application's shutdown may hold up the end of the test, in seconds.
_PATIENCE = 5


class AsgiPlayer:
    """Runs an application on the loop of an asynchronous client, or on a thread of its own.

    Each loop has a lifespan of the application, begun with the first request there: what a
    start-up makes belongs to the loop that it was made on.
    """

    def __init__(self, app: AsgiApp, address: Address, thread: LoopThread) -> None:
        self._app = app
        self._address = address
        self._thread = thread
        self._lifespans: dict[int, Lifespan] = {}

    def answer(self, request: httpx.Request, patience: Patience) -> httpx.Response:
        """Answer a client that blocks: the application runs on the stand-in's own thread."""
        __tracebackhide__ = True
        call, head = self._thread.run(self._begin(request), patience)
        return _response(head, _BlockingBody(call, self._thread, patience))

    async def answer_async(self, request: httpx.Request, patience: Patience) -> httpx.Response:
        """Answer an asynchronous client: on its own loop, if that is one of asyncio."""
        __tracebackhide__ = True
        if running_asyncio() is not None:
            with patience.bounded():
                call, head = await self._begin(request)
            return _response(head, _Body(call, patience))
        begin = self._begin(request)
        call, head = await anyio.to_thread.run_sync(self._thread.run, begin, patience)
        return _response(head, _DistantBody(call, self._thread, patience))

    def close(self) -> None:
        """Shut the application down, on each loop that it was started on.

        Raises:
            RuntimeError: the application says that its shutdown failed, or never started.
        """
        failures = [self._end(one) for one in self._lifespans.values()]
        self._lifespans.clear()
        told = [failure for failure in failures if failure is not None]
        if told:
            raise RuntimeError(told[0])

    def _end(self, lifespan: Lifespan) -> str | None:
        loop = lifespan.loop
        unstarted = NEVER_STARTED if lifespan.is_starting else None
        if loop.is_closed():
            return lifespan.failure or unstarted  # who closed it has cancelled the application
        if loop.is_running():
            if loop is running_asyncio():
                lifespan.ask_to_end()  # it cannot be waited for on the loop that has to run it
                return unstarted
            ending = call_apart(asyncio.run_coroutine_threadsafe, lifespan.shut_down(), loop)
            try:
                return ending.result(_PATIENCE)
            except FutureTimeout:
                ending.cancel()
                return unstarted or overdue(_PATIENCE)
        if running_asyncio() is not None:
            return unstarted
        return loop.run_until_complete(lifespan.shut_down())

    async def _begin(self, request: httpx.Request) -> tuple[AsgiCall, Head]:
        loop = asyncio.get_running_loop()
        lifespan = self._lifespans.get(id(loop))
        if lifespan is None or lifespan.loop is not loop:
            lifespan = self._lifespans[id(loop)] = Lifespan(self._app)
        await lifespan.started()
        scope = scope_of(request, self._address, lifespan.state)
        call = AsgiCall(self._app, scope, request, str(self._address))
        return call, await call.start(lifespan.tasks)


def _response(head: Head, body: _BlockingBody | _Body | _DistantBody) -> httpx.Response:
    status, headers = head
    return httpx.Response(status, headers=headers, stream=body)


class _Body(httpx.AsyncByteStream):
    """The body of an answer, read on the loop that the application runs on."""

    def __init__(self, call: AsgiCall, patience: Patience) -> None:
        self._call = call
        self._patience = patience

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (chunk := await self._chunk()) is not None:
            yield chunk

    async def _chunk(self) -> bytes | None:
        self._patience.renew()
        with self._patience.bounded():
            return await self._call.chunk()

    async def aclose(self) -> None:
        await self._call.close()


class _BlockingBody(httpx.SyncByteStream):
    """The body of an answer, read from another thread than the application's."""

    def __init__(self, call: AsgiCall, thread: LoopThread, patience: Patience) -> None:
        self._call = call
        self._thread = thread
        self._patience = patience

    def __iter__(self) -> Iterator[bytes]:
        while (chunk := self._chunk()) is not None:
            yield chunk

    def _chunk(self) -> bytes | None:
        self._patience.renew()
        return self._thread.run(self._call.chunk(), self._patience)

    def close(self) -> None:
        with suppress(ThreadEnded):  # and the application with it
            self._thread.run(self._call.close())


class _DistantBody(httpx.AsyncByteStream):
    """The body of an answer, read by an asynchronous client whose loop is none of asyncio's."""

    def __init__(self, call: AsgiCall, thread: LoopThread, patience: Patience) -> None:
        self._blocking = _BlockingBody(call, thread, patience)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks = iter(self._blocking)
        while (chunk := await anyio.to_thread.run_sync(next, chunks, None)) is not None:
            yield chunk

    async def aclose(self) -> None:
        await anyio.to_thread.run_sync(self._blocking.close)
