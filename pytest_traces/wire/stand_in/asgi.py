"""One request to an ASGI application: its messages, as a server sends and takes them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import httpx

from pytest_traces.wire.stand_in.address import Address, port_of
from pytest_traces.wire.stand_in.apps import CALLER, SERVED, log_failure
from pytest_traces.wire.stand_in.boundary import empty_context

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Message, Receive, Send], Awaitable[None]]
Head = tuple[int, list[tuple[bytes, bytes]]]

#: How much of a body goes into one message, and how many wait for the client to read them.
_PIECE, _WAITING = 65_536, 16
_SERVER_ERROR = b"Internal Server Error"


class AsgiCall:
    """One request on its way through an application, in a task of its own.

    The task has an empty context: the application finds its caller in the headers or nowhere.
    All methods are for the loop that it was created on.
    """

    def __init__(self, app: AsgiApp, scope: Message, request: httpx.Request, base: str) -> None:
        self._app = app
        self._scope = scope
        self._request = request
        self._base = base
        self._pieces = _pieces(request.content)
        self._loop = asyncio.get_running_loop()
        self._head: asyncio.Future[Head] = self._loop.create_future()
        self._chunks: asyncio.Queue[bytes | Exception | None] = asyncio.Queue(_WAITING)
        self._gone = asyncio.Event()
        self._is_complete = False

    async def start(self, tasks: set[asyncio.Task[None]]) -> Head:
        """Begin, and wait for status and headers; who cancels this cancels the application.

        Args:
            tasks: where the application's task is kept until it has ended; it may have work to
                do when the answer is complete.
        """
        task = empty_context().run(self._loop.create_task, self._run())
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        try:
            return await asyncio.shield(self._head)
        except asyncio.CancelledError:
            self._gone.set()
            task.cancel()
            # Who cancels a second time waits no longer; the application may still clean up then.
            await asyncio.wait({task})
            raise

    async def chunk(self) -> bytes | None:
        """The next part of the body; None at its end.

        Raises:
            httpx.RemoteProtocolError: the application raised in the middle of it.
        """
        found = await self._chunks.get()
        if isinstance(found, Exception):
            raise found
        return found

    async def close(self) -> None:
        """The client has read all that it wants; an application that still sends is told so."""
        self._gone.set()
        while not self._chunks.empty():
            self._chunks.get_nowait()

    async def _run(self) -> None:
        try:
            await self._app(self._scope, self._receive, self._send)
            self._must_be_complete()
        except Exception as error:  # noqa: BLE001  # a server survives its application
            if not self._gone.is_set() or self._is_complete:
                log_failure(self._base, self._request, error)
            self._break_off(error)
        except BaseException as error:
            self._break_off(error)
            raise
        finally:
            self._gone.set()

    def _must_be_complete(self) -> None:
        if not self._is_complete:
            raise RuntimeError("the app returned without a complete answer")

    def _break_off(self, error: BaseException) -> None:
        """Before the answer has begun it is a status of 500; later, a broken connection."""
        if not self._head.done():
            length = (b"content-length", str(len(_SERVER_ERROR)).encode())
            self._head.set_result((500, [(b"content-type", b"text/plain"), length]))
            self._put(_SERVER_ERROR)
            self._put(None)
        elif not self._is_complete:
            text = f"the stand-in's app broke off its answer: {type(error).__name__}: {error}"
            self._put(httpx.RemoteProtocolError(text, request=self._request))

    def _put(self, item: bytes | Exception | None) -> None:
        if self._chunks.full():  # what nobody has read yet does not matter any more
            self._chunks.get_nowait()
        self._chunks.put_nowait(item)

    async def _receive(self) -> Message:
        if self._pieces:
            body = self._pieces.pop(0)
            return {"type": "http.request", "body": body, "more_body": bool(self._pieces)}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if self._gone.is_set() and not self._is_complete:
            raise OSError("the client has disconnected")
        if message["type"] == "http.response.start":
            if not self._head.done():
                headers = [
                    (bytes(name), bytes(value)) for name, value in message.get("headers", ())
                ]
                self._head.set_result((int(message["status"]), headers))
        elif message["type"] == "http.response.body" and not self._is_complete:
            if not self._head.done():
                raise RuntimeError("the app sent a body before it started an answer")
            body: bytes = message.get("body", b"")
            self._is_complete = not message.get("more_body", False)
            if body and self._request.method != "HEAD":
                await self._chunks.put(bytes(body))
            if self._is_complete:
                await self._chunks.put(None)
                self._gone.set()


def scope_of(request: httpx.Request, address: Address, state: dict[str, Any] | None) -> Message:
    """The scope of a request: what came over the wire, and where the application is mounted.

    ``path`` has the whole path, ``root_path`` the part that is the base URL's (ASGI, "HTTP
    Connection Scope").
    """
    served = request.extensions.get(SERVED)
    raw_path, _, query = request.url.raw_path.partition(b"?")
    scope: Message = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http" if served else request.url.scheme,
        "path": request.url.path,
        "raw_path": raw_path,
        "query_string": query,
        "root_path": address.path,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "server": (request.url.host, port_of(request.url)),
        "client": served or CALLER,
    }
    if state is not None:
        scope["state"] = dict(state)
    return scope


def _pieces(body: bytes) -> list[bytes]:
    return [body[at : at + _PIECE] for at in range(0, len(body), _PIECE)] or [b""]
