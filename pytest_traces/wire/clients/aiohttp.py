"""aiohttp: each request of a session, where its connector is asked for a connection.

``ClientSession._request`` contains the redirects, further attempts and middlewares of a
request, so it says only where the client was called. For each thing that is sent the
connector is asked, then ``ClientRequest.send`` writes the head, adding to the request's
headers, then ``ClientResponse.start`` reads the answer's. No ``TraceConfig`` is used: a
session would keep it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from types import ModuleType
from typing import Any
from weakref import WeakKeyDictionary

from pytest_traces.model import Headers
from pytest_traces.recording import Journal
from pytest_traces.wire.clients.hooking import Hooks
from pytest_traces.wire.clients.once import Below, Flight, bound, note_call, take_off
from pytest_traces.wire.clients.transports import NETWORK, Carrier, is_called_from
from pytest_traces.wire.clients.urllib3 import headers_of

_NAME = "aiohttp"
_TEST_CLIENT = "aiohttp.test_utils"
_TESTED = Carrier(f"{_TEST_CLIENT}.TestClient", is_in_process=True, is_test_client=True)
#: From the session's method to that of the test client.
_FRAMES = 12


class AiohttpHooks:
    """Wraps a method each of the session, the connector, the request and the response."""

    def __init__(self, journal: Journal, patches: Hooks) -> None:
        self._journal = journal
        self._patches = patches
        #: The flight of each request that asks for a connection, and of each response.
        self._flights: WeakKeyDictionary[Any, Flight] = WeakKeyDictionary()

    def install(self, module: ModuleType) -> None:
        """Hook aiohttp, or aioresponses, which replaces ``ClientSession._request`` as a whole."""
        if hasattr(module, "ClientSession") and not hasattr(module, "aioresponses"):
            self._patches.replace(module.ClientSession, "_request", self._wrap_request)
            self._patches.replace(module.BaseConnector, "connect", self._wrap_connect)
            self._patches.replace(module.ClientRequest, "send", self._wrap_send)
            self._patches.replace(module.ClientResponse, "start", self._wrap_start)
        else:
            self._patches.replace(module.aioresponses, "match", self._wrap_match)

    def _wrap_request(self, original: Callable[..., Any]) -> Callable[..., Any]:
        windows = self._journal.windows

        @wraps(original)
        async def _request(session: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            send = bound(original, session)
            if not windows:
                return await send(*args, **kwargs)
            call = note_call(self._journal, _given(session, kwargs.get("headers")))
            with Below(call=call):
                return await send(*args, **kwargs)

        return _request

    def _wrap_connect(self, original: Callable[..., Any]) -> Callable[..., Any]:
        windows = self._journal.windows

        @wraps(original)
        async def connect(connector: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            below = bound(original, connector)
            if not windows:
                return await below(request, *args, **kwargs)
            url, headers = str(request.url), headers_of(request.headers)
            flight = take_off(
                self._journal, _NAME, request.method, url, headers, carrier=_carrier()
            )
            self._flights[request] = flight
            try:
                return await below(request, *args, **kwargs)
            except BaseException as error:
                flight.land(error=error)
                raise

        return connect

    def _wrap_send(self, original: Callable[..., Any]) -> Callable[..., Any]:
        flights = self._flights

        @wraps(original)
        async def send(request: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            below = bound(original, request)
            flight = flights.pop(request, None)
            if flight is None:  # what is said to a proxy, for example
                return await below(*args, **kwargs)
            try:
                response = await below(*args, **kwargs)
            except BaseException as error:
                flight.land(headers=headers_of(request.headers), error=error)
                raise
            exchange = flight.exchange
            exchange.data = exchange.data._replace(headers=headers_of(request.headers))
            flights[response] = flight
            return response

        return send

    def _wrap_start(self, original: Callable[..., Any]) -> Callable[..., Any]:
        flights = self._flights

        @wraps(original)
        async def start(response: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            below = bound(original, response)
            flight = flights.pop(response, None)
            if flight is None:
                return await below(*args, **kwargs)
            try:
                started = await below(*args, **kwargs)
            except BaseException as error:
                flight.land(error=error)
                raise
            flight.land(status=response.status)
            return started

        return start

    def _wrap_match(self, original: Callable[..., Any]) -> Callable[..., Any]:
        windows = self._journal.windows

        @wraps(original)
        async def match(mock: Any, method: str, url: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            find = bound(original, mock)
            if not windows:
                return await find(method, url, *args, **kwargs)
            headers = _pairs(kwargs.get("headers"))
            carrier = Carrier("aioresponses")
            with Below():
                flight = take_off(self._journal, _NAME, method, str(url), headers, carrier=carrier)
                try:
                    response = await find(method, url, *args, **kwargs)
                except BaseException as error:
                    flight.land(error=error)
                    raise
            if response is None:
                # Either it goes to the network after all, and is recorded there, or it fails.
                flight.withdraw(self._journal)
            else:
                flight.land(status=response.status)
            return response

        return match


def _carrier() -> Carrier:
    if _TEST_CLIENT in sys.modules and is_called_from(_TEST_CLIENT, within=_FRAMES):
        return _TESTED
    return NETWORK


def _given(session: Any, headers: Any) -> Headers:
    """The session's own headers, and those of a call, which replace them."""
    own = _pairs(headers)
    names = {name.lower() for name, _ in own}
    default = headers_of(session.headers)
    return (*((name, value) for name, value in default if name.lower() not in names), *own)


def _pairs(headers: Any) -> Headers:
    if headers is None or hasattr(headers, "items"):
        return headers_of(headers)
    if not isinstance(headers, list | tuple):
        return ()  # an iterator, which only the session may read
    return tuple((str(name), str(value)) for name, value in headers)
