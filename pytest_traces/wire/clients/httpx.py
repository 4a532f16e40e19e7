"""httpx and httpx2: each request of a client, where the client hands it to a transport.

``_send_single_request`` is called once for each redirect and each round of authentication.
It is private, and the only place above every transport, so above every mock. What wraps a
transport may replace the headers, so they are read again when the request comes back.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from types import ModuleType
from typing import Any

from pytest_traces.model import Headers
from pytest_traces.recording import Journal
from pytest_traces.wire.clients.hooking import Hooks
from pytest_traces.wire.clients.once import Below, Flight, bound, take_off
from pytest_traces.wire.clients.transports import NETWORK, Carrier, carrier_of

_CHOOSE = "_transport_for_url"
_METHOD = "_send_single_request"
#: An extension of responses that httpcore took from a connection.
_FROM_NETWORK = "network_stream"
#: How Starlette's test client says that a WebSocket was accepted.
_UPGRADE = "_Upgrade"


class HttpxHooks:
    """Wraps the method of both classes of clients."""

    def __init__(self, journal: Journal, patches: Hooks) -> None:
        self._journal = journal
        self._patches = patches

    def install(self, module: ModuleType) -> None:
        """Hook httpx, or httpx2."""
        name = module.__name__
        for kind, wrap in ((module.Client, self._wrap), (module.AsyncClient, self._wrap_async)):
            # Older instrumentation puts a subclass of its own in the place of the class.
            owner = next((one for one in kind.__mro__ if _METHOD in vars(one)), kind)
            self._patches.replace(owner, _METHOD, partial(wrap, name))

    def _wrap(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        windows = self._journal.windows

        @wraps(original)
        def send_and_record(client: Any, request: Any) -> Any:
            send = bound(original, client)
            if not windows:
                return send(request)
            flight, carrier = self._take_off(name, client, request, "handle_request")
            try:
                with Below(is_served=carrier.is_in_process):
                    response = send(request)
            except BaseException as error:
                _fail(flight, request, error)
                raise
            _land(flight, request, response)
            return response

        return send_and_record

    def _wrap_async(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        windows = self._journal.windows

        @wraps(original)
        async def send_and_record(client: Any, request: Any) -> Any:
            send = bound(original, client)
            if not windows:
                return await send(request)
            flight, carrier = self._take_off(name, client, request, "handle_async_request")
            try:
                with Below(is_served=carrier.is_in_process):
                    response = await send(request)
            except BaseException as error:
                _fail(flight, request, error)
                raise
            _land(flight, request, response)
            return response

        return send_and_record

    def _take_off(
        self, name: str, client: Any, request: Any, method: str
    ) -> tuple[Flight, Carrier]:
        carrier = NETWORK
        choose = getattr(client, _CHOOSE, None)
        if choose is not None:
            carrier = carrier_of(client, choose(request.url), method)
        # A client of this family has no client above it: whatever flies here is another request.
        with Below():
            flight = take_off(
                self._journal,
                name,
                request.method,
                str(request.url),
                _headers(request),
                carrier=carrier,
            )
        return flight, carrier


def _land(flight: Flight, request: Any, response: Any) -> None:
    exchange = flight.exchange
    if exchange.data.through is not None and _FROM_NETWORK in response.extensions:
        # A mock that let it pass, or a transport of the application around httpx's own.
        exchange.data = exchange.data._replace(through=None)
    flight.land(headers=_headers(request), status=response.status_code)


def _fail(flight: Flight, request: Any, error: BaseException) -> None:
    if type(error).__name__ == _UPGRADE:
        flight.land(headers=_headers(request), status=101)
    else:
        flight.land(headers=_headers(request), error=error)


def _headers(request: Any) -> Headers:
    return tuple(
        [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw]
    )
