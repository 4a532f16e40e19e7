"""A WSGI application that plays a service (PEP 3333)."""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any

import anyio.to_thread
import httpx

from pytest_traces.recording import Clock
from pytest_traces.settings import NANOSECONDS
from pytest_traces.wire.stand_in.address import Address, port_of
from pytest_traces.wire.stand_in.apps import CALLER, SERVED, log_failure, server_error
from pytest_traces.wire.stand_in.boundary import empty_context
from pytest_traces.wire.stand_in.patience import Patience
from pytest_traces.wire.stand_in.workers import Inline, Runner, Worker

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


#: How long what cannot be cancelled may hold up the end of the test, in nanoseconds.
_PATIENCE_NS = 5 * NANOSECONDS["s"]


class WsgiPlayer:
    """Runs an application on a thread of its own for each request.

    Where the client waits as long as it takes, that is the client's thread; an asynchronous
    client waits on a worker thread.
    """

    def __init__(self, app: WsgiApp, address: Address) -> None:
        self._app = app
        self._address = address
        self._lock = threading.Lock()
        self._workers: dict[Worker, str] = {}

    def answer(self, request: httpx.Request, patience: Patience) -> httpx.Response:
        """Answer a client that blocks."""
        __tracebackhide__ = True
        call, steps = self._begin(request, patience)
        return server_error() if call is None else call.response(_Body(call, steps, patience))

    async def answer_async(self, request: httpx.Request, patience: Patience) -> httpx.Response:
        """Answer an asynchronous client without blocking its loop."""
        __tracebackhide__ = True
        call, steps = await anyio.to_thread.run_sync(self._begin, request, patience)
        if call is None:
            return server_error()
        return call.response(_DistantBody(_Body(call, steps, patience)))

    def close(self) -> None:
        """Wait for the requests whose clients have gone.

        Raises:
            RuntimeError: the application does not answer one of them.
        """
        deadline_ns = Clock.monotonic_ns() + _PATIENCE_NS
        with self._lock:
            workers, self._workers = self._workers, {}
        for worker in workers:
            worker.end(None)
        for worker, asked in workers.items():
            if not worker.join(max(0, deadline_ns - Clock.monotonic_ns()) / 1e9):
                raise RuntimeError(f"the app has not ended {asked}")

    def _begin(self, request: httpx.Request, patience: Patience) -> tuple[WsgiCall | None, Runner]:
        """Run it until the answer has begun; None if it raised before."""
        __tracebackhide__ = True
        call = WsgiCall(str(self._address), request)
        steps = Inline(call.close) if patience.limit is None else self._worker(call, request)

        def start() -> bool:
            try:
                call.start(self._app, environ_of(request, self._address))
            except Exception as error:  # noqa: BLE001  # a server survives its application
                log_failure(str(self._address), request, error)
                return False
            return True

        is_begun = False
        try:
            is_begun = steps.run(start, patience)
        finally:
            if not is_begun:
                steps.end(patience)
        return (call if is_begun else None), steps

    def _worker(self, call: WsgiCall, request: httpx.Request) -> Worker:
        worker = Worker(f"stand-in {self._address} app", call.close)
        with self._lock:
            self._workers = {one: asked for one, asked in self._workers.items() if not one.join(0)}
            self._workers[worker] = f"{request.method} {request.url}"
        return worker


class WsgiCall:
    """One request on its way through an application.

    All of it happens in one context, which was empty before: the application finds its caller in
    the headers or nowhere, and may end in a last step what it began in the first.
    """

    def __init__(self, base: str, request: httpx.Request) -> None:
        self._base = base
        self._request = request
        self._context = empty_context()
        self._status = ""
        self._headers: list[tuple[str, str]] = []
        self._written: list[bytes] = []
        self._result: Iterable[bytes] = ()
        self._rest: Iterator[bytes] = iter(())

    def start(self, app: WsgiApp, environ: dict[str, Any]) -> None:
        """Run it until it has given status, headers, and a first part of the body.

        Raises:
            RuntimeError: it gave no status.
        """
        self._result = self._context.run(app, environ, self._start_response)
        self._rest = self._context.run(iter, self._result)
        first = self._context.run(next, self._rest, None)  # a generator begins only here
        if not self._status:
            raise RuntimeError("the app did not call start_response")
        if first is not None:
            self._written.append(first)

    def response(self, body: _Body | _DistantBody) -> httpx.Response:
        """The answer as far as it is known, with its body still to be read."""
        headers = [
            (name.encode("latin-1"), value.encode("latin-1")) for name, value in self._headers
        ]
        return httpx.Response(int(self._status.split()[0]), headers=headers, stream=body)

    def chunk(self) -> bytes | None:
        """The next part of the body; None at its end.

        Raises:
            httpx.RemoteProtocolError: the application raised in the middle of it.
        """
        while True:
            if self._written:
                found: bytes | None = self._written.pop(0)
            else:
                found = self._next()
            if found is None or (found and self._request.method != "HEAD"):
                return found

    def close(self) -> None:
        """Tell the application that its answer is read, or not wanted any more."""
        close = getattr(self._result, "close", None)
        self._result = ()
        if close is not None:
            try:
                self._context.run(close)
            except Exception as error:  # noqa: BLE001  # a server survives its application
                log_failure(self._base, self._request, error)

    def _next(self) -> bytes | None:
        try:
            return self._context.run(next, self._rest, None)
        except Exception as error:
            log_failure(self._base, self._request, error)
            text = f"the stand-in's app broke off its answer: {type(error).__name__}: {error}"
            raise httpx.RemoteProtocolError(text, request=self._request) from error

    def _start_response(
        self,
        status: str,
        headers: list[tuple[str, str]],
        exc_info: Any = None,
    ) -> Callable[[bytes], None]:
        if self._status and exc_info is None:
            raise RuntimeError("the app called start_response a second time")
        self._status, self._headers = status, list(headers)
        return self._written.append


def environ_of(request: httpx.Request, address: Address) -> dict[str, Any]:
    """The environment of a request; SCRIPT_NAME is the path of the base URL."""
    served = request.extensions.get(SERVED)
    below = request.url.path[len(address.path) :]
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": _as_latin(address.path),
        "PATH_INFO": _as_latin(below),
        "QUERY_STRING": request.url.query.decode("ascii"),
        "SERVER_NAME": request.url.host,
        "SERVER_PORT": str(port_of(request.url)),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": (served or CALLER)[0],
        "REMOTE_PORT": str((served or CALLER)[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http" if served else request.url.scheme,
        "wsgi.input": io.BytesIO(request.content),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "CONTENT_LENGTH": str(len(request.content)),
    }
    for name, value in request.headers.multi_items():
        key = name.upper().replace("-", "_")
        if key == "CONTENT_LENGTH":
            continue  # a chunked body has come as a whole
        if key != "CONTENT_TYPE":
            key = f"HTTP_{key}"
        # Headers of one name are one list (RFC 9110, 5.3), cookies with a separator of their own.
        separator = "; " if key == "HTTP_COOKIE" else ", "
        environ[key] = f"{environ[key]}{separator}{value}" if key in environ else value
    return environ


def _as_latin(path: str) -> str:
    """The bytes of a path, one character each, as PEP 3333 wants them."""
    return path.encode().decode("latin-1")


class _Body(httpx.SyncByteStream):
    """The body of an answer, made while the client reads it."""

    def __init__(self, call: WsgiCall, steps: Runner, patience: Patience) -> None:
        self._call = call
        self._steps = steps
        self._patience = patience

    def __iter__(self) -> Iterator[bytes]:
        while (chunk := self._chunk()) is not None:
            yield chunk

    def close(self) -> None:
        self._steps.end(self._patience)

    def _chunk(self) -> bytes | None:
        self._patience.renew()
        return self._steps.run(self._call.chunk, self._patience)


class _DistantBody(httpx.AsyncByteStream):
    """The body of an answer for an asynchronous client, made on a worker thread."""

    def __init__(self, body: _Body) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks = iter(self._body)
        while (chunk := await anyio.to_thread.run_sync(next, chunks, None)) is not None:
            yield chunk

    async def aclose(self) -> None:
        await anyio.to_thread.run_sync(self._body.close)
