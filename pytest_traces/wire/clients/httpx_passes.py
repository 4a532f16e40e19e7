"""httpx and httpx2, below what wraps a transport: what their own transports send.

A transport of the application may stand between a client and the plain transport that sends:
it makes another request of the client's, changes its headers for a while, sends it twice, or
answers it from a cache. So the plain transports are hooked as well. What they send is a *pass*.
The first pass like the client's request carries its record on, and says what has left. Every
other pass is a request of its own, of the client, as it was where the client was called.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from types import ModuleType
from typing import Any

from pytest_traces.model import Headers
from pytest_traces.recording import Journal
from pytest_traces.recording.traffic import begin_request
from pytest_traces.wire.clients.hooking import Hooks
from pytest_traces.wire.clients.once import Below, Flight, Sending, bound, sending
from pytest_traces.wire.clients.transports import mock_below

#: An extension of responses that httpcore took from a connection.
_FROM_NETWORK = "network_stream"


class PassHooks:
    """Wraps the methods of both plain transports."""

    def __init__(self, journal: Journal, patches: Hooks) -> None:
        self._journal = journal
        self._patches = patches

    def install(self, module: ModuleType) -> None:
        """Hook httpx, or httpx2; a library without those transports is left alone."""
        for name, method, make in (
            ("HTTPTransport", "handle_request", self._make),
            ("AsyncHTTPTransport", "handle_async_request", self._make_async),
        ):
            kind = getattr(module, name, None)
            if kind is not None and method in vars(kind):
                self._patches.replace(kind, method, make)

    def _make(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(original)
        def handle_request(transport: Any, request: Any) -> Any:
            __tracebackhide__ = True
            send = bound(original, transport)
            above = sending.get()
            if above is None:
                return send(request)
            flight = self._take_off(above, request, original)
            try:
                with Below():
                    response = send(request)
            except BaseException as error:
                fail(flight, request, error)
                above.note(error)
                raise
            land(flight, request, response)
            above.note(response, stream_of(response))
            return response

        return handle_request

    def _make_async(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(original)
        async def handle_async_request(transport: Any, request: Any) -> Any:
            __tracebackhide__ = True
            send = bound(original, transport)
            above = sending.get()
            if above is None:
                return await send(request)
            flight = self._take_off(above, request, original)
            try:
                with Below():
                    response = await send(request)
            except BaseException as error:
                fail(flight, request, error)
                above.note(error)
                raise
            land(flight, request, response)
            above.note(response, stream_of(response))
            return response

        return handle_async_request

    def _take_off(self, above: Sending, request: Any, original: object) -> Flight:
        exchange = above.flight.exchange
        known = exchange.data
        is_same = request is above.request and request.url is above.url
        url = above.text if is_same else str(request.url)
        through = mock_below(original, known.client)
        # A request that the client has an answer to already goes on without it, as a refresh.
        is_first = not above.flight.is_carried and known.end_ns is None
        if is_first and _is_like(above, request):
            above.flight.is_carried = True
            if not is_same:
                known = known._replace(url=url, headers=headers_of(request))
            exchange.data = known if through == known.through else known._replace(through=through)
            return above.flight
        other = begin_request(
            self._journal,
            client=known.client,
            method=request.method,
            url=url,
            headers=headers_of(request),
            role=known.role,
            through=through,
        )
        other.data = other.data._replace(
            current=known.current, suppressed=known.suppressed, added_early=known.added_early
        )
        return Flight(other, request.method, url)


def land(flight: Flight, request: Any, response: Any) -> None:
    """It is answered; what does not say so by its name may have asked the network."""
    exchange = flight.exchange
    if exchange.data.through is not None and stream_of(response) is not None:
        # A mock that let it pass, or a transport of the application around httpx's own.
        exchange.data = exchange.data._replace(through=None)
    flight.land(headers=headers_of(request), status=response.status_code)


def fail(flight: Flight, request: Any, error: BaseException) -> None:
    """It has failed."""
    flight.land(headers=headers_of(request), error=error)


def stream_of(response: Any) -> object:
    """The connection that a response came from; None if httpcore did not take it from one."""
    return response.extensions.get(_FROM_NETWORK)


def headers_of(request: Any) -> Headers:
    """Copies headers, as they would leave now."""
    return tuple(
        [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw]
    )


def _is_like(above: Sending, request: Any) -> bool:
    """Whether it may be the client's request, sent to another place or under another path."""
    url, other = request.url, above.url
    return request.method == above.method and (
        url is other or url.host == other.host or url.raw_path == other.raw_path
    )
